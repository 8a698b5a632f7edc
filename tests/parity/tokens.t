#!/bin/sh
# The main road up to tokens, against what the real TranscriptomeTokenizer wrote (../shared/golden/tokens).
. "${0%/*}/../cli/lib.sh"
need_command python3
need_shared golden/tokens data/cells data/geneformer
GENEFORMER_DIR=$SHARED/data/geneformer
export GENEFORMER_DIR

compare() { # NAME VERSION FILE ROWS
	h5ad2cells -q "$3" | cellhead -n "$4" >"$T/counts"
	genemap --exact -d "$2" "$T/counts" | normalize -d "$2" | rankencode -q -d "$2" |
		cellview --jsonl --names --columns input_ids >"$T/ours"
	cellview --jsonl --columns gene "$T/counts" >"$T/source"
	hf2cells -d "$2" "$SHARED/golden/tokens/$1.dataset" | cellview --jsonl --names --columns input_ids >"$T/reference"
	ok "$1: the tokens of the reference" python3 tests/parity/tokens.py "$T/ours" "$T/reference" "$T/source" \
		"$SHARED/golden/tokens/$1.ties.tsv"
}

for version in 1 2; do
	compare pbmc3k_v$version V$version "$SHARED/data/cells/pbmc3k_raw.h5ad" 600
	compare facs_v$version V$version "$SHARED/data/cells/pbmc_facs.h5ad" 600
	compare kang_v$version V$version "$SHARED/data/cells/kang_ifnb1k.h5ad" 1000
	compare brain_v$version V$version "$SHARED/data/cells/brain_fluidigm_130.h5ad" 20
	compare collapse_h5ad_v$version V$version "$SHARED/golden/inputs/collapse.h5ad" 1000
	compare edge_v$version V$version "$SHARED/golden/inputs/edge.h5ad" 1000
done

done_testing
