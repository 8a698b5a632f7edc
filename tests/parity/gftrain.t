#!/bin/sh
# Real cells, sorted by their surface (../shared/data/cells/pbmc_facs): the demo's model learns the five populations in a
# hundred steps, and gfclassify and gfeval find what gftrain reports of cells that it never saw.
. "${0%/*}/../cli/lib.sh"
need_shared data/cells/pbmc_facs.h5ad
D=pipelines/demo

run_sh "h5ad2cells -g gene_symbol '$SHARED/data/cells/pbmc_facs.h5ad' | genemap -q -d $D/genes.cells |
	normalize -d $D/genes.cells | rankencode -q -d $D/genes.cells -m $D/model -n 96 -o '$T/facs.cells'"
status_is 0 'tokens of 3,874 cells'

train() { # FOLDER ARG...
	run gftrain -q -m $D/model -c subpop --split split --steps 100 --rate 1e-3 --precision f32 --metrics "$T/$1.metrics" \
		--predictions "$T/$1.predictions" -o "$T/$1" "$2" "$3" "$T/facs.cells"
}

train two -t 2
status_is 0 'a hundred steps of twelve cells'
sed 's/^/# /' "$T/two.metrics" | tail -n 2
gfclassify -q -m "$T/two" --precision f32 "$T/facs.cells" -o "$T/classified"
cellview --tsv --columns cell,split,subpop,prediction,probability "$T/classified" | grep -w test >"$T/expected"
cellview --tsv --columns cell,split,subpop,prediction,probability "$T/two.predictions" | sed 1d >"$T/got"
is "$(wc -l <"$T/got" | tr -d ' ')" 100 'a hundred cells that were not learned from'
same "$T/got" "$T/expected" 'gfclassify says the same of them'
gfeval --truth subpop --no-curves --report json -o "$T/scores" "$T/two.predictions"
ok 'nine of ten are right (chance: four), and gfeval finds what was reported' python3 -c '
import json, sys
said, found = json.loads(open(sys.argv[1]).readlines()[-1]), json.load(open(sys.argv[2]))
assert said["set"] == "test" and said["rows"] == 100, said
assert abs(said["accuracy"] - found["accuracy"]) < 1e-8 and abs(said["macro_f1"] - found["macro"]["f1"]) < 1e-8, found
assert said["accuracy"] >= 0.9, said' "$T/two.metrics" "$T/scores"
train one -t 1
ok 'the same model on one thread' diff -r "$T/one" "$T/two"
same "$T/one.metrics" "$T/two.metrics" 'and the same metrics'

done_testing
