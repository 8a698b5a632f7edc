#!/bin/sh
# cells2h5ad: what it refuses, and what h5ad2cells reads back from it. What anndata reads from its files is checked in
# tests/interop/cells2h5ad.t.
. "${0%/*}/lib.sh"
. "${0%/*}/common.sh"

H=$DATA/h5ad

common_checks writer cells2h5ad "$DATA/embeddings.cells"
common_checks writer cells2h5ad "$DATA/counts.cells"

# Counts there and back.
run cells2h5ad -o "$T/counts.h5ad" "$DATA/counts.cells"
status_is 0 'counts become X, obs and var'
err_like 'columns left out, since an .h5ad has no place for them: lab_time, lab_xy$' 'columns without a place are named'
run h5ad2cells -o "$T/back" "$T/counts.h5ad"
status_is 0 'and come back'
columns=cell,gene,count,n_counts,cell_type,donor,n_genes,score,doublet
cellview --tsv --columns $columns "$DATA/counts.cells" >"$T/a"
cellview --tsv --columns $columns "$T/back" | sed 's/	NaN	/		/' >"$T/b"
same "$T/a" "$T/b" 'as they were: a missing float is NaN'
run_sh "h5ad2cells $H/columns.h5ad 2>/dev/null | cells2h5ad -o $T/columns.h5ad"
status_is 0 'columns of every sort'
h5ad2cells -q -o "$T/a" "$H/columns.h5ad"
h5ad2cells -q -o "$T/b" "$T/columns.h5ad"
cellview --tsv "$T/a" >"$T/a.tsv"
cellview --tsv "$T/b" >"$T/b.tsv"
same "$T/a.tsv" "$T/b.tsv" 'there and back; names the stream had changed are the old ones in the file'
run_sh "h5ad2cells $H/no_rows.h5ad | cells2h5ad -o $T/none.h5ad"
status_is 0 'no cells'
run h5ad2cells -o "$T/none" "$T/none.h5ad"
status_is 0 'and none back'
run cells2h5ad -o "$T/values.h5ad" "$DATA/values.cells"
status_is 0 'values'

# Columns into the source; all else stays.
run cells2h5ad -i "$DATA/counts.h5ad" -o "$T/with.h5ad" "$DATA/embeddings.cells"
status_is 0 'embeddings into their source'
h5ad2cells -l 0 -o "$T/a" "$DATA/counts.h5ad"
h5ad2cells -l 0 -o "$T/b" "$T/with.h5ad"
same "$T/a" "$T/b" 'whose cells are the same'
for file in plain v0.6 v0.7; do
	run_sh "h5ad2cells --allow-non-integer --recount $H/$file.h5ad | cellhead -n 3 >$T/three; cells2h5ad -v --subset -i $H/$file.h5ad -o $T/new.h5ad $T/three"
	status_is 0 "$file: three of four cells"
	err_like '^cells2h5ad: 1 of 4 cells of .* are not in the stream' "$file: the fourth is counted"
	is "$(h5ad2cells --allow-non-integer "$T/new.h5ad" | cellview --tsv --columns cell,gene,count | tr '\t' '|')" \
		"$(cellview --tsv --columns cell,gene,count "$T/three" | tr '\t' '|')" "$file: --subset keeps these"
done
cp "$H/plain.h5ad" "$T/own.h5ad"
run_sh "h5ad2cells $T/own.h5ad | cells2h5ad -i $T/own.h5ad -o $T/own.h5ad"
status_is 0 'the output may be the source'
is "$(h5ad2cells "$T/own.h5ad" | cellview --tsv --columns n_counts | tr '\n' ' ')" 'n_counts 7 3 0 14 ' 'which has a new column then'

# Barcodes.
run_sh "h5ad2cells -q $H/repeated_cells.h5ad | cells2h5ad -i $H/repeated_cells.h5ad -o $T/new.h5ad"
status_is 0 'cells that occur twice, in the same order on both sides'
run_sh "h5ad2cells -q $H/repeated_cells.h5ad >$T/twice; cellhead -n 3 $T/twice | cells2h5ad -i $H/repeated_cells.h5ad -o $T/failed"
fails 1 'repeated_cells.h5ad: cell AAA occurs more than once, so rows can only be matched where stdin has the same cells' \
	'but not otherwise'
run_sh "h5ad2cells -q $H/repeated_cells.h5ad | cells2h5ad -i $H/plain.h5ad -o $T/failed"
fails 1 'stdin: row 2: cell AAA occurs more than once' 'a cell that occurs twice in the stream only'
run cells2h5ad -i "$H/plain.h5ad" -o "$T/failed" "$DATA/counts.cells"
fails 1 'counts.cells: row 0: cell TTGA0000-1 is not in .*plain.h5ad' 'a cell that the source does not have'
run_sh "h5ad2cells -q -c cell --obs none $H/columns.h5ad >$T/named; cells2h5ad -i $H/columns.h5ad -c cell -o $T/new.h5ad $T/named"
status_is 0 '-c COLUMN'
run cells2h5ad -i "$H/columns.h5ad" -c nosuch -o "$T/failed" "$T/named"
fails 1 'columns.h5ad: obs: no column nosuch' 'a column that is not there'

# What has no place.
run cells2h5ad -o "$T/failed" "$DATA/tokens.cells"
fails 1 'tokens.cells: holds tokens, which an .h5ad has no place for; gfembed' 'tokens'
run cells2h5ad -i "$DATA/counts.h5ad" -o "$T/new.h5ad" "$DATA/tokens.cells"
status_is 0 'tokens: their other columns into a source'
run cells2h5ad -i "$DATA/counts.h5ad" -o "$T/failed" "$DATA/genes.cells"
fails 1 'a row is a gene, which cannot be matched with the cells of' 'genes into a source'
run cells2h5ad -i "$H/not_anndata.h5ad" -o "$T/failed" "$DATA/embeddings.cells"
fails 1 'not_anndata.h5ad: an HDF5 file, but not AnnData' 'a source that is none'
run cells2h5ad -i "$T/no-such" -o "$T/failed" "$DATA/embeddings.cells"
fails 1 'no-such' 'a source that is not there'
ok 'nothing stays of all these' not test -e "$T/failed"
run cells2h5ad "$DATA/embeddings.cells"
fails 2 'output|-o' 'no -o'
run cells2h5ad --subset -o "$T/failed" "$DATA/embeddings.cells"
fails 2 '--subset needs a source' '--subset without a source'
run cells2h5ad -c x -o "$T/failed" "$DATA/embeddings.cells"
fails 2 '-c needs a source' '-c without a source'
for key in '' a/b; do
	run cells2h5ad -k "$key" -o "$T/failed" "$DATA/embeddings.cells"
	fails 2 "a name without" "--key '$key'"
done

# HDF5 would note the time.
for n in 1 2; do
	run cells2h5ad -o "$T/new$n.h5ad" "$DATA/embeddings.cells"
	run cells2h5ad -i "$DATA/counts.h5ad" --subset -o "$T/subset$n.h5ad" "$DATA/embeddings.cells"
	sleep 1.1
done
same "$T/new1.h5ad" "$T/new2.h5ad" 'a second later: the same bytes'
same "$T/subset1.h5ad" "$T/subset2.h5ad" 'of a subset, too'

done_testing
