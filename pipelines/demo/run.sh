#!/usr/bin/env bash
# run.sh - the main job on real cells: from an .h5ad to Geneformer embeddings, and a look at them.
#
#	run.sh [FOLDER]          what it makes goes to FOLDER (build/demo)
#
# 2,638 human blood cells (DATA.md), a gene dictionary made by `medians`, and a small interim model
# (model/README.md). Every command is printed before it runs: copy them, and put your own files and
# your Geneformer checkout in.

set -euo pipefail
demo=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$demo/../.." && pwd)
mkdir -p "${1:-$root/build/demo}"
cd "${1:-$root/build/demo}"
PATH=$root/build/bin:$PATH
ln -sfn "$demo" demo

show()
{
	printf '\n# %s\n' "$1"
	printf '$ %s\n' "$2"
	eval "$2"
}

show 'Counts -> Ensembl ids -> normalised values -> ranked tokens' \
'h5ad2cells demo/pbmc3k.h5ad | genemap -d demo/genes.cells | normalize -d demo/genes.cells |
    rankencode -d demo/genes.cells -m demo/model -o tokens.cells'

show 'What came out' \
'cellview --summary tokens.cells'

show 'The network: an embedding of each cell, and back into a copy of the .h5ad' \
'gfembed -m demo/model --pool mean tokens.cells -o embeddings.cells
cells2h5ad -i demo/pbmc3k.h5ad -o pbmc3k.embedded.h5ad embeddings.cells'

show 'The mean embedding of each annotated cell type, from the first 800 cells' \
'cellhead -n 800 tokens.cells |
    gfembed -m demo/model --pool mean --summary mean --by louvain -o types.cells
cellview --tsv types.cells > types.tsv
cellview --tsv --columns louvain,embedding embeddings.cells | sed 2,801d > others.tsv'

show 'To which mean do the other 1,838 cells lie nearest? (The model has seen no cell of these.)' \
'awk -f demo/nearest.awk types.tsv others.tsv'

printf '\nMade in %s: tokens.cells, embeddings.cells, types.cells, pbmc3k.embedded.h5ad\n' "$PWD"
