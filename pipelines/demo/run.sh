#!/usr/bin/env bash
# run.sh - the main job on real cells: from an .h5ad to Geneformer embeddings, cell types, a map, and
# a perturbation whose answer is known.
#
#	run.sh [FOLDER]          what it makes goes to FOLDER (build/demo)
#
# 2,638 human blood cells (DATA.md), a gene dictionary made by `medians`, and two small models that
# `gfpretrain` and `gftrain` made of other cells (model/README.md). Every command is printed before it
# runs: copy them, and put your own files and your Geneformer checkout in.

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

show 'Which type is each cell? By a model that was fine-tuned on cells of other studies' \
'gfclassify -m demo/classifier tokens.cells |
    celljoin -q -k louvain=label demo/labels.csv -o annotated.cells'

show 'Compared with the published types, brought to the four that the model knows' \
'gfeval --truth class --no-curves annotated.cells'

show 'A map of the cells: a picture for the paper, and a page to look around in' \
'cellplot --kind umap -c louvain --title "2,638 blood cells" embeddings.cells -o umap.svg
cellplot --kind umap -c louvain embeddings.cells -o umap.html'

show 'Which genes make a monocyte? The 256 highest genes of each cell, and the mean of each type' \
'h5ad2cells demo/pbmc3k.h5ad | genemap -d demo/genes.cells | normalize -d demo/genes.cells |
    rankencode -d demo/genes.cells -n 256 -o short.cells
gfembed -m demo/model --pool mean --precision f32 --summary mean --by louvain short.cells -o states.cells'

show 'Delete each gene of the monocytes among the first 200 cells: does that move them towards T cells?' \
'cellhead -n 200 short.cells |
    gfperturb -m demo/model --type delete --pool mean -o deletions.cells \
        --states states.cells --by louvain --start "CD14+ Monocytes" --goal "CD4 T cells"
perturbstats --mode goal -d demo/genes.cells deletions.cells -o deletions.tsv
cellplot --kind volcano --title "Deletions in monocytes, towards T cells" deletions.tsv -o deletions.svg
head -n 21 deletions.tsv | cut -f 2,4,6,7'

show 'Where do the known markers of monocytes stand? (It is a small model: see for yourself.)' \
'awk -f demo/markers.awk deletions.tsv'

printf '\nMade in %s: tokens.cells, embeddings.cells, types.cells, pbmc3k.embedded.h5ad, annotated.cells,\n' "$PWD"
printf 'umap.svg, umap.html, deletions.cells, deletions.tsv, deletions.svg\n'
