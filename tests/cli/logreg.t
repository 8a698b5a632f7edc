#!/bin/sh
# logreg: the numbers are those of scikit-learn 1.9.1 (tests/data/make_logreg.py); models and predictions as others read them.
. "${0%/*}/lib.sh"
. "${0%/*}/common.sh"

fit() { # INPUT ARG...: to $T/model
	fit_input=$1
	shift
	run logreg --label cell_type -o "$T/model" "$@" "$fit_input"
}

logreg -q --label cell_type -o "$T/counts.model" "$DATA/counts.cells"
logreg -q --label cell_type -o "$T/tokens.model" "$DATA/tokens.cells"
common_checks filter logreg "$DATA/counts.cells" -m "$T/counts.model"
check_stream_in logreg "$DATA/counts.cells" --label cell_type

# Every kind of cells, class weights, two classes, costs.
python3 tests/cli/logreg.py cases "$DATA/logreg.json" >"$T/cases"
is "$(wc -l <"$T/cases" | tr -d ' ')" 11 'eleven cases'
while read -r number input arguments; do
	# shellcheck disable=SC2086
	run logreg -q $arguments --tolerance 1e-6 -o "$T/model" "$DATA/$input"
	status_is 0 "$input $arguments"
	logreg -m "$T/model" "$DATA/$input" | cellview --jsonl >"$T/predicted"
	ok 'coefficients, objective and predictions are those of scikit-learn' python3 tests/cli/logreg.py compare \
		"$DATA/logreg.json" "$number" "$T/model" "$T/predicted"
done <"$T/cases"

# A model is the same bytes for any number of threads and any memory, from files and from a pipe.
files=
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	files="$files $DATA/counts.cells"
done
# shellcheck disable=SC2086
{
	run logreg -q --label cell_type -t 1 -o "$T/one" $files
	status_is 0 'twenty files'
	run logreg -q --label cell_type -t 4 -o "$T/four" $files
	same "$T/four" "$T/one" 'the same model with -t 4'
	run logreg -q --label cell_type --max-memory 64k -o "$T/spilled" $files
	same "$T/spilled" "$T/one" 'the same model with little memory'
	run logreg -q --label cell_type --max-memory 64k -o "$T/spilled" -g 7 $files
	run logreg -q --label cell_type -o "$T/one" -g 7 $files
	same "$T/spilled" "$T/one" 'the same of seven genes'
}
run logreg -q --label cell_type -o "$T/first" "$DATA/counts.cells"
run_sh 'logreg -q --label cell_type -o "$T/model" <"$DATA/counts.cells"'
same "$T/model" "$T/first" 'the same model from a pipe'
cellhead -n 10 "$DATA/counts.cells" -o "$T/head.cells"
python3 - "$T/first" <<'EOF' >"$T/about"
import json, sys
data = open(sys.argv[1], "rb").read()
about = json.loads(json.loads(data[8:8 + int.from_bytes(data[:8], "little")])["__metadata__"]["logreg"])
print(about["version"], about["kind"], about["feature"], about["fit"]["label"], about["fit"]["cells"], about["fit"]["cells_left_out"])
EOF
is "$(cat "$T/about")" '1 counts log1p of counts per 10000 cell_type 19 1' 'the model says what it is of'

# Messages of fitting.
fit "$DATA/counts.cells"
err_is 'logreg: warning: 1 cells without a label left out' 'cells without a label are counted'
fit "$DATA/counts.cells" -v
err_like '19 cells, 3 classes, 60 features: objective [0-9.]+ after [0-9]+ iterations' '-v says how it went'
rm -f "$T/model"
fit "$DATA/counts.cells" --strict
fails 1 'counts.cells: batch 1: row 0: no label' '--strict'
ok 'and no model' test ! -e "$T/model"
fit "$DATA/counts.cells" --max-iterations 2
status_is 0 'not converged is no error'
err_like 'warning: not converged after 2 iterations: the norm of the gradient is [0-9.]+, not 0.01' 'but a warning'
fit "$DATA/counts.cells" -g ENSG90000000051,NOBODY
status_is 0 'a gene that is not there'
err_like 'warning: 1 genes of --genes are in no cell' 'is counted'
printf 'ENSG90000000289\nENSG90000000051\n\n' >"$T/genes"
fit "$DATA/counts.cells" -q -g "@$T/genes"
cp "$T/model" "$T/by_file"
fit "$DATA/counts.cells" -q -g ENSG90000000051,ENSG90000000289
same "$T/model" "$T/by_file" 'genes of a file, in any order'

# What cannot be fitted.
rm -f "$T/model"
fit "$DATA/counts.cells" -g NOBODY
fails 1 'no cell has any of the 1 genes of --genes NOBODY' 'genes of which none is there'
fit "$DATA/counts.cells" -g A+B
fails 1 "'\\+' stands behind A" 'a set of genes'
fit "$DATA/counts.cells" -g "@$T/no-such"
fails 1 'no-such' 'a list that is not there'
fit "$DATA/embeddings.cells" -g 10
fails 1 'embeddings have no genes' 'genes of embeddings'
run logreg --label nosuch -o "$T/model" "$DATA/counts.cells"
fails 1 'counts.cells: no column nosuch; there are cell, ' 'no such column'
run logreg --label lab_xy -o "$T/model" "$DATA/counts.cells"
fails 1 'lab_xy is struct' 'a column of no labels'
run logreg --label donor -o "$T/model" "$T/head.cells"
fails 1 'all 10 cells have the label d0, and one class is nothing to learn' 'one class'
cellhead -n 0 "$DATA/counts.cells" -o "$T/zero.cells"
fit "$T/zero.cells"
fails 1 'no cell has a label in the column cell_type' 'no cells'
fit "$DATA/genes.cells"
fails 1 'holds genes, but logreg needs counts or values or tokens or embeddings' 'no cells but genes'
run logreg --label cell_type -o "$T/model" "$DATA/counts.cells" "$DATA/values.cells"
fails 1 'values.cells: holds values, but logreg needs counts' 'files of different kinds'
run logreg --label cell_type -o "$T/no-such-folder/model" "$DATA/counts.cells"
fails 1 'no-such-folder' 'a model that cannot be written'
ok 'no model from any of those' test ! -e "$T/model"
logreg -q --label cell_type -o /dev/full "$DATA/counts.cells" >"$T/out" 2>"$T/err"
status=$?
fails 1 '/dev/full' 'a full disk'

# Tokens without a vocabulary.
hf2cells "$DATA/tokens.dataset" -o "$T/bare"
run logreg --label cell_type -o "$T/model" "$T/bare"
fails 1 'bare: the stream has no vocabulary, so its genes are unknown; give it with -d DICT' 'tokens without names'
run logreg -q --label cell_type -d "$DATA/genes.cells" -o "$T/model" "$T/bare"
status_is 0 'and with a dictionary'
run logreg -m "$T/model" "$T/bare"
fails 1 'no vocabulary.*-d DICT' 'the same when predicting'
logreg -m "$T/model" -d "$DATA/genes.cells" "$T/bare" | cellview --tsv --columns prediction >"$T/bare.tsv"
logreg -m "$T/tokens.model" "$DATA/tokens.cells" | cellview --tsv --columns prediction >"$T/named.tsv"
same "$T/bare.tsv" "$T/named.tsv" 'the same predictions with a dictionary as with a vocabulary'

# Predicting: columns, messages.
run logreg -m "$T/counts.model" -o "$T/predicted" "$DATA/counts.cells"
err_is '' 'nothing to say'
cellview --schema "$T/predicted" | tr '\n' '~' >"$T/schema"
like "$(cat "$T/schema")" '^predictions~cell +utf8~prediction +dictionary<int32, utf8>.*~probability +float32~probabilities +fixed_size_list<float32>\[3\]~ +cells:classes  B cell ' 'the columns of predictions'
unlike "$(cat "$T/schema")" '~(gene|count|logits) ' 'and not those of counts'
like "$(cat "$T/schema")" '~n_counts +float32' 'n_counts stays'
run gfeval --truth cell_type --no-curves "$T/predicted"
out_like '^ +accuracy +1\.0000 +19$' 'gfeval reads it'
cellview --history "$T/predicted" >"$T/history"
like "$(cat "$T/history")" '^logreg .*model=[0-9a-f]{32}$' 'the hash of the model is in the history'
LC_ALL=C sed 's/lab_xy/logits/; s/ENSG90000000051/ENSG99999999999/g' "$DATA/tokens.cells" >"$T/taken"
run logreg -m "$T/tokens.model" -o "$T/predicted" "$T/taken"
err_like "warning: .*taken: 1 of the model's 5[0-9] genes are not there and count as 0" 'a gene that is missing'
err_like 'warning: column logits becomes obs.logits' 'a column that is in the way is renamed'
is "$(wc -l <"$T/err" | tr -d ' ')" 2 'each is said once'

# What cannot be predicted.
run logreg -m "$T/counts.model" "$DATA/tokens.cells"
fails 1 'holds tokens, but logreg needs counts' 'another kind than the model is of'
logreg -q --label cell_type -g ENSG90000000051 -o "$T/one_gene" "$DATA/counts.cells"
LC_ALL=C sed 's/ENSG90000000051/ENSG99999999999/g' "$DATA/counts.cells" >"$T/other.cells"
run logreg -m "$T/one_gene" "$T/other.cells" -o "$T/failed"
fails 1 "other.cells: no cell has any of the model's 1 genes \(the first is ENSG90000000051\)" 'no gene in common'
ok 'and nothing is written' test ! -e "$T/failed"
logreg -q --label cell_type -o "$T/embeddings.model" "$DATA/embeddings.cells"
head -c 1000 "$T/counts.model" >"$T/cut"
run logreg -m "$T/cut" "$DATA/counts.cells"
fails 1 'cut' 'a model that is cut'
run logreg -m "$DATA/model/model.safetensors" "$DATA/counts.cells"
fails 1 'not a model of logreg' 'weights of another model'
python3 tests/cli/logreg.py break "$T/counts.model" "$T/broken"
run logreg -m "$T/broken" "$DATA/counts.cells"
fails 1 'broken: coef: a number is not finite' 'a model with a number that is none'
run logreg -m "$T/no-such-model" "$DATA/counts.cells"
fails 1 'no-such-model' 'a model that is not there'

# Usage.
run logreg "$DATA/counts.cells"
fails 2 'one of --label COLUMN \(fit a model\) and -m MODEL \(predict\) is required' 'neither'
run logreg --label cell_type -m "$T/counts.model" "$DATA/counts.cells"
fails 2 'one of' 'both'
run logreg --label cell_type "$DATA/counts.cells"
fails 2 '-o MODEL is required' 'no place for the model'
run logreg -m "$T/counts.model" -C 2 "$DATA/counts.cells"
fails 2 'only -d goes with -m' 'options of fitting with a model'
run logreg -m "$T/counts.model" "$DATA/counts.cells" "$DATA/counts.cells"
fails 2 '-m takes one FILE' 'two files to predict'

done_testing
