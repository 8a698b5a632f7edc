#!/bin/sh
# h5ad2cells on real files of every container: the cells are those that anndata and scipy read (tests/parity/h5ad_formats.py), and the
# same cells in different containers give the same stream. cells2h5ad on the same files: nothing is lost.
. "${0%/*}/../cli/lib.sh"

need_shared data/formats data/cells
need_python current
S=$SHARED/data

equal() { # FILE MATRIX ARG...: all cells, genes, counts, totals and columns are equal
	equal_file=$1 equal_matrix=$2
	shift 2
	run h5ad2cells -q -x "$equal_matrix" -o "$T/stream" "$@" "$equal_file"
	status_is 0 "${equal_file##*/} $equal_matrix is read"
	ok "${equal_file##*/} $equal_matrix is what anndata reads" \
		"$PYTHON" tests/parity/h5ad_formats.py "$equal_file" "$T/stream" "$equal_matrix"
}

for file in "$S"/cells/*.h5ad pipelines/demo/pbmc3k.h5ad "$S"/formats/same_cells/csr_gzip.h5ad "$S"/formats/same_cells/csr_float64.h5ad \
	"$S"/formats/same_cells/csr_int32.h5ad "$S"/formats/same_cells/legacy_v0.6_structured_obs.h5ad; do
	equal "$file" X
done
for file in "$S"/formats/cellxgene/*.h5ad "$S/formats/anndata/v0.7.0.h5ad"; do
	equal "$file" X --allow-non-integer
	equal "$file" raw --allow-non-integer
done
equal "$S/formats/anndata/v0.7.0.h5ad" array --allow-non-integer
equal "$S/formats/anndata/v0.7.0.h5ad" sparse --allow-non-integer
equal "$S/formats/anndata/10x_pbmc68k_reduced.h5ad" raw --allow-non-integer
equal "$S/formats/same_cells/lognorm_X_2000hvg_rawX_counts.h5ad" raw
equal "$S/formats/same_cells/lognorm_X_counts_in_layer.h5ad" counts

# Scaled matrices are no counts, whatever is allowed.
for file in 10x_pbmc68k_reduced pbmc-small-x-csc pbmc-small-x-csr pbmc-small-x-dense; do
	run h5ad2cells --allow-non-integer -o "$T/stream" "$S/formats/anndata/$file.h5ad"
	fails 1 'a count cannot be negative' "$file is scaled"
done
run h5ad2cells "$S/formats/anndata/v0.11.4_no_X.h5ad"
fails 1 'no X; the file has no matrix' 'a file without X'
run h5ad2cells "$S/formats/same_cells/lognorm_X_2000hvg_rawX_counts.h5ad"
fails 1 'whole counts are in raw/X \(-x raw\)' 'log-normalised, counts in raw'
run h5ad2cells "$S/formats/same_cells/lognorm_X_counts_in_layer.h5ad"
fails 1 'whole counts are in layers/counts \(-x counts\)' 'log-normalised, counts in a layer'

# The same bytes whatever the container; the table of the file of anndata 0.6 has fewer columns.
h5ad2cells -l 0 -o "$T/first" "$S/formats/same_cells/csr_gzip.h5ad"
for file in csc_gzip csr_lzf dense_gzip; do
	h5ad2cells -l 0 -o "$T/stream" "$S/formats/same_cells/$file.h5ad"
	same "$T/stream" "$T/first" "$file has the same cells"
	h5ad2cells -l 0 --max-memory 1M -o "$T/stream" "$S/formats/same_cells/$file.h5ad"
	same "$T/stream" "$T/first" "$file: the same with little memory"
done
columns=cell,gene,count,n_counts,cell_type
cellview --tsv --columns $columns "$T/first" >"$T/first.tsv"
for file in csr_float64 csr_int32 legacy_v0.6_structured_obs; do
	h5ad2cells "$S/formats/same_cells/$file.h5ad" | cellview --tsv --columns $columns >"$T/tsv"
	same "$T/tsv" "$T/first.tsv" "$file has the same cells"
done
h5ad2cells -x raw "$S/formats/same_cells/lognorm_X_2000hvg_rawX_counts.h5ad" | cellview --tsv --columns $columns >"$T/tsv"
same "$T/tsv" "$T/first.tsv" 'raw has the same cells'
h5ad2cells -x counts "$S/formats/same_cells/lognorm_X_counts_in_layer.h5ad" | cellview --tsv --columns $columns >"$T/tsv"
same "$T/tsv" "$T/first.tsv" 'the layer has the same cells'

for file in "$S"/formats/same_cells/*.h5ad "$S"/formats/anndata/*.h5ad "$S"/formats/cellxgene/*.h5ad "$S/cells/pbmc3k_raw.h5ad"; do
	ok "embeddings into ${file##*/}" "$PYTHON" tests/interop/cells2h5ad.py "$file" "$T"
done

done_testing
