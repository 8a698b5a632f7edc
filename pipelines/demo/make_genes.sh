#!/usr/bin/env bash
# make_genes.sh - make genes.cells, the demo's gene dictionary, with cellpipe's own programs.
#
#	make_genes.sh names.cells genes.cells TRAIN.h5ad ...
#
# names.cells comes from make_names.py and says which genes are wanted and what they are called.
# TRAIN are the cells whose medians count: human, raw counts, symbols in var "gene_symbol" (another
# column: GENES=COLUMN). Genes of fewer than 50 of these cells are left out. DATA.md lists the files
# that were used.

set -euo pipefail
names=$1 output=$2
shift 2
PATH=$(dirname "$0")/../../build/bin:$PATH

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for file in "$@"; do
	h5ad2cells -g "${GENES:-gene_symbol}" "$file" |
	genemap -q -d "$names" -o "$work/$(basename "$file" .h5ad).cells"
done
medians -d "$names" --min-cells 50 -l 19 -o "$output" "$work"/*.cells
