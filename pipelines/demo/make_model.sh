#!/usr/bin/env bash
# make_model.sh - teach the demo's two models, and measure what they have learned.
#
#	make_model.sh CELLS [FOLDER]
#
# CELLS is a folder with pbmc_facs.h5ad, pbmc_frozen_donorA.h5ad, pbmc_3donor.h5ad, kang_ifnb1k.h5ad,
# kang_harmony2k.h5ad, brain_fluidigm_130.h5ad and pancreas_baron_350.h5ad (model/README.md says
# what is in them). What it makes goes to FOLDER (build/model), which must not exist:
#
#	model        pretrained: a gene is guessed from the others of its cell; no label is used
#	classifier   model, fine-tuned for four types of blood cells
#	report.txt   how good they are on cells they never saw, beside what simpler methods do there
#
# The demo's own cells (pbmc3k.h5ad) are not learned from. Every command is printed before it runs.

set -euo pipefail
demo=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$demo/../.." && pwd)
cells=$(cd "$1" && pwd)
folder=${2:-$root/build/model}
mkdir -p "$(dirname "$folder")"
mkdir "$folder"
cd "$folder"
PATH=$root/build/bin:$PATH
ln -s "$demo" demo
ln -s "$cells" cells

# report TITLE TRUTH: reads predictions, adds a line to the report
report()
{
	gfeval --no-curves -c "$2" | awk -v title="$1" '
		$1 == "accuracy" { accuracy = $2 }
		$1 == "macro" { f1 = $5 }
		END { printf "%-48s accuracy %s  macro F1 %s\n", title, accuracy, f1 }' >>report.txt
}

set -v

# Counts with the dictionary of the demo, and one set of labels
map=(genemap -q -d demo/genes.cells)
label=(celljoin -q demo/labels.csv)
for name in pbmc_frozen_donorA kang_harmony2k brain_fluidigm_130; do
	h5ad2cells "cells/$name.h5ad" | "${map[@]}" -o "$name.counts"
done
h5ad2cells cells/pancreas_baron_350.h5ad | cellgrep 'species == "human"' |
	"${map[@]}" -o pancreas_baron_350.counts
for name in pbmc_facs kang_ifnb1k pbmc_3donor; do
	h5ad2cells "cells/$name.h5ad" | "${map[@]}" | "${label[@]}" -k cell_type=label -o "$name.counts"
done
h5ad2cells demo/pbmc3k.h5ad | "${map[@]}" | "${label[@]}" -k louvain=label -o pbmc3k.counts

# Tokens: the 256 highest genes of each cell, and all of it
for counts in *.counts; do
	for n in 256 1024; do
		normalize -d demo/genes.cells "$counts" |
			rankencode -d demo/genes.cells -n "$n" -o "${counts%.counts}.$n"
	done
done

# Pretraining: first on the highest genes of many cells a step, then on whole cells
cellhead -n 600 -o some.256 pbmc3k.256
gfpretrain -q --layers 4 --hidden 128 --heads 2 --ffn 256 --positions 1024 --dropout 0 \
	--init coexpression --rate 0.003 --warmup 150 --steps 6000 -b 3072 --seed 1 --precision f32 \
	--log-every 100 --eval-every 500 --eval some.256 --metrics metrics.256.jsonl -o short \
	{pbmc_facs,pbmc_frozen_donorA,pbmc_3donor,kang_ifnb1k,kang_harmony2k,brain_fluidigm_130,pancreas_baron_350}.256
gfpretrain -q -m short --rate 0.001 --warmup 150 --steps 2500 -b 3072 --seed 2 --precision f32 \
	--log-every 100 --eval-every 2500 --eval pbmc3k.1024 --metrics metrics.1024.jsonl \
	--storage bf16 -o model \
	{pbmc_facs,pbmc_frozen_donorA,pbmc_3donor,kang_ifnb1k,kang_harmony2k,brain_fluidigm_130,pancreas_baron_350}.1024

# Fine-tuning, the same network from scratch, and logistic regression
learn=(gftrain -q -e 3 -b 12 --seed 1 --precision f32)
tuned=("${learn[@]}" -m model --rate 2e-4)
scratch=("${learn[@]}" --layers 4 --hidden 128 --heads 2 --ffn 256 --positions 1024 --rate 5e-4)
"${tuned[@]}" -c class --log-every 20 --metrics metrics.classifier.jsonl --storage bf16 -o classifier \
	{pbmc_facs,kang_ifnb1k}.1024
"${scratch[@]}" -c class -o scratch {pbmc_facs,kang_ifnb1k}.1024
logreg -c class -o logreg {pbmc_facs,kang_ifnb1k}.counts

# What they make of the cells of the demo
gfclassify -m classifier pbmc3k.1024 | report 'pbmc3k, four types: fine-tuned' class
gfclassify -m scratch pbmc3k.1024 | report 'pbmc3k, four types: from scratch' class
logreg -m logreg pbmc3k.counts | report 'pbmc3k, four types: logistic regression' class

# Three types in a donor that was not learned from
donor='donor_id == "10x_vdj_v1_hs_pbmc2_donor"'
for what in 1024 counts; do
	cellgrep --invert "$donor" "pbmc_3donor.$what" -o "two_donors.$what"
	cellgrep "$donor" "pbmc_3donor.$what" -o "third_donor.$what"
done
"${tuned[@]}" -c lineage -o donors two_donors.1024
"${scratch[@]}" -c lineage -o donors.scratch two_donors.1024
logreg -c lineage -o donors.logreg two_donors.counts
gfclassify -m donors third_donor.1024 | report 'held-out donor, three types: fine-tuned' lineage
gfclassify -m donors.scratch third_donor.1024 | report 'held-out donor, three types: from scratch' lineage
logreg -m donors.logreg third_donor.counts | report 'held-out donor, three types: logistic regression' lineage

# Few labels: every twentieth cell that has one
for name in pbmc_facs kang_ifnb1k; do
	cellgrep 'class is not null' "$name.counts" | cellview --tsv --columns cell |
		awk 'NR == 1 { print "cell\tis_taken" } NR % 20 == 2 { print $1 "\tyes" }' >"$name.tsv"
	for what in 1024 counts; do
		cellgrep 'class is not null' "$name.$what" |
			celljoin -q -k cell -u drop "$name.tsv" -o "$name.few.$what"
	done
done
"${tuned[@]}" -e 20 -c class -o few {pbmc_facs,kang_ifnb1k}.few.1024
"${scratch[@]}" -e 20 -c class -o few.scratch {pbmc_facs,kang_ifnb1k}.few.1024
logreg -c class -o few.logreg {pbmc_facs,kang_ifnb1k}.few.counts
gfclassify -m few pbmc3k.1024 | report 'pbmc3k, 201 labels: fine-tuned' class
gfclassify -m few.scratch pbmc3k.1024 | report 'pbmc3k, 201 labels: from scratch' class
logreg -m few.logreg pbmc3k.counts | report 'pbmc3k, 201 labels: logistic regression' class

cat report.txt
tail -n 1 metrics.*.jsonl
