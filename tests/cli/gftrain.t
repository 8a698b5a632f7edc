#!/bin/sh
# gftrain: what it writes is what gfclassify reads and finds; the same bytes for any threads, and however often it was
# interrupted; every fault of the user's has its sentence.
. "${0%/*}/lib.sh"
. "${0%/*}/common.sh"

M=$DATA/model
TOKENS=$DATA/tokens.cells
common_checks writer gftrain "$TOKENS" -m "$M" --label donor --epochs 1

train() { # FOLDER ARG...: quietly, with metrics in $T/FOLDER.metrics
	folder=$1
	shift
	rm -rf "${T:?}/$folder"
	run gftrain -q -m "$M" -b 4 --metrics "$T/$folder.metrics" -o "$T/$folder" "$@" "$TOKENS"
}

evaluations() { # FOLDER NAME: its value in each of them
	sed -n "s/.*\"eval_$2\": \([0-9.e-]*\)[,}].*/\1/p" "$T/$1.metrics"
}

metric() { # FOLDER SET NAME
	sed -n "s/.*\"set\": \"$2\".*\"$3\": \([0-9.e-]*\)[,}].*/\1/p" "$T/$1.metrics"
}

# Cells: what gftrain reports is what gfeval finds in its predictions, and in those of gfclassify.
train cell -c cell_type -e 3 --valid .2 --test .2 --rate 1e-3 --predictions "$T/predictions"
status_is 0 'cells of three classes'
is "$(find "$T/cell" -type f | sed 's,.*/,,' | sort | tr '\n' ' ')" 'config.json genes.cells model.safetensors ' \
	'the files of a model folder'
like "$(tr -d '\n ' <"$T/cell/config.json")" '"id2label":\{"0":"Bcell","1":"Tcell","2":"mono,CD14\+"\}' \
	'the classes, sorted by name'
like "$(cat "$T/cell/config.json")" 'BertForSequenceClassification' 'the class of the model'
is "$(grep -c eval_loss "$T/cell.metrics")" 3 'an evaluation an epoch'
is "$(python3 tests/cli/stream.py rows "$T/predictions")" 3 'predictions of the cells of the test'
gfeval --truth cell_type --report json -o "$T/scores" "$T/predictions"
ok 'accuracy and macro F1 are those of gfeval' python3 tests/cli/gftrain.py scores "$T/scores" \
	"$(metric cell test accuracy)" "$(metric cell test macro_f1)"
run gfclassify -m "$T/cell" --precision f32 -o "$T/classified" "$TOKENS"
status_is 0 'gfclassify reads the model'
for file in predictions classified; do
	cellview --tsv "$T/$file" >"$T/$file.tsv"
done
is "$(grep -cxFf "$T/predictions.tsv" "$T/classified.tsv")" "$(wc -l <"$T/predictions.tsv" | tr -d ' ')" \
	'and predicts the same of these cells, with all their columns'

# Threads, and interruptions: by a signal, wherever it comes.
set -- -c cell_type -e 40 --valid .2 --test .2 --dropout .1 --rate 1e-3 --log-every 7 --patience 30
train one -t 1 "$@" --predictions "$T/one.predictions"
for n in 2 4; do
	train more -t $n "$@" --predictions "$T/more.predictions"
	ok "the same model with -t $n" diff -r "$T/one" "$T/more"
	same "$T/more.metrics" "$T/one.metrics" "the same metrics with -t $n"
	same "$T/more.predictions" "$T/one.predictions" "the same predictions with -t $n"
done
for how in '' '--lora 4' '--lora 4 --merge'; do
	# shellcheck disable=SC2086
	train whole $how "$@"
	rm -rf "$T/parts" "$T/parts.metrics"
	n_stops=0
	for wait in 0.05 0.1 0.15 0.2 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0; do
		# shellcheck disable=SC2086
		gftrain -m "$M" -b 4 --metrics "$T/parts.metrics" --resume -o "$T/parts" $how "$@" "$TOKENS" >"$T/out" 2>"$T/err" &
		if test $wait != 0; then
			sleep $wait
			kill -TERM $! 2>/dev/null
		fi
		wait $!
		status=$?
		grep -q 'stopped by a signal after step .*--resume goes on' "$T/err" && n_stops=$((n_stops + 1))
	done
	is "$status" 0 "the end of an interrupted run${how:+, $how}"
	ok "the same bytes as without $n_stops interruptions${how:+, $how}" diff -r "$T/parts" "$T/whole"
	same "$T/parts.metrics" "$T/whole.metrics" "and the same metrics${how:+, $how}"
done
train peft -c cell_type -e 2 --rate 1e-2 --lora 4 --valid .2
train merged -c cell_type -e 2 --rate 1e-2 --lora 4 --valid .2 --merge
is "$(find "$T/peft" -type f | sed 's,.*/,,' | sort | tr '\n' ' ')" 'adapter_config.json adapter_model.safetensors genes.cells ' \
	'--lora: the files of peft'
for model in peft merged; do
	gfclassify -m "$T/$model" --precision f32 "$TOKENS" | cellview --jsonl >"$T/classified.$model"
done
same "$T/classified.peft" "$T/classified.merged" 'gfclassify makes of adapters what it makes of the merged model, classes included'
run gftrain -q -m "$M" -b 4 --resume -o "$T/whole" --lora 4 --merge "$@" --rate 1e-2 "$TOKENS"
fails 1 'whole: was made with rate 0.001, not 0.01' 'a run with other options is not gone on with'
run gftrain -m "$M" -b 4 -o "$T/whole" -c donor "$TOKENS"
fails 1 'whole: exists already' 'a folder that is there stays'

# Heads, tasks, genes: gfclassify reads them all, and finds what was reported.
for head in pooler mlp attention; do
	train head -c donor --head $head --valid .2 -e 2 --keep last --rate 1e-2 --precision f32
	status_is 0 "--head $head"
	evaluated=$(evaluations head loss | tail -n 1)
	ok "--head $head: learning and inference compute the same" \
		python3 -c "import sys; sys.exit(abs($evaluated - $(metric head valid loss)) > 1e-5)"
	for name in accuracy macro_f1; do
		is "$(evaluations head $name | tail -n 1)" "$(metric head valid $name)" "--head $head: and the same $name"
	done
	gfclassify -m "$T/head" --precision f32 -o "$T/classified" "$TOKENS"
	ok "--head $head: gfclassify reads it" test "$(python3 tests/cli/stream.py rows "$T/classified")" = 20
done
train best --precision f32 -c cell_type --valid .5 -e 12 --rate 3e-3 --seed 1 --keep macro_f1
is "$(metric best valid macro_f1)" "$(evaluations best macro_f1 | sort -g | tail -n 1)" '--keep macro_f1: the best one is written'
ok 'which is not the last' test "$(evaluations best macro_f1 | tail -n 1)" != "$(metric best valid macro_f1)"
train tasks -c cell_type,donor -e 2 --valid .2 --test .2 --predictions "$T/predictions" --class-weights balanced
status_is 0 'two tasks'
for name in accuracy macro_f1; do
	ok "an evaluation has the mean $name of the tasks" awk -v a="$(evaluations tasks $name:cell_type | tail -n 1)" \
		-v b="$(evaluations tasks $name:donor | tail -n 1)" -v mean="$(evaluations tasks $name | tail -n 1)" \
		'BEGIN { d = (a + b) / 2 - mean; exit !(a != b && d < 1e-8 && d > -1e-8) }'
done
like "$(cellview --schema "$T/predictions" | tr '\n' '~')" 'prediction:cell_type .*~prediction:donor ' 'with names'
for task in cell_type donor; do
	gfeval --truth $task --task $task --no-curves --report json -o "$T/scores" "$T/predictions"
	grep "\"$task\"" "$T/tasks.metrics" >"$T/$task.metrics"
	ok "$task: accuracy and macro F1 are those of gfeval" python3 tests/cli/gftrain.py scores "$T/scores" \
		"$(metric $task test accuracy)" "$(metric $task test macro_f1)"
done
run gfclassify -m "$T/tasks" --precision f32 -o "$T/classified" "$TOKENS"
status_is 0 'gfclassify reads the tasks'
ok 'Python reads the names of their classes' python3 tests/cli/gftrain.py tasks "$T/tasks/task_label_mappings.pkl"

cellview --tsv --columns gene "$DATA/genes.cells" | awk 'NR > 5 { print $1 "\t" (NR % 3 ? "even" : "odd") }' >"$T/genes.tsv"
train genes -g "$T/genes.tsv" --valid .2 --test .2 -e 2 --predictions "$T/predictions"
status_is 0 'classes of genes'
like "$(cat "$T/genes/config.json")" 'BertForTokenClassification' 'the class of the model'
gfeval --gene-truth "$T/genes.tsv" --no-curves --report json -o "$T/scores" "$T/predictions"
ok 'genes: accuracy and macro F1 are those of gfeval' python3 tests/cli/gftrain.py scores "$T/scores" \
	"$(metric genes test accuracy)" "$(metric genes test macro_f1)"
run gfclassify -m "$T/genes" -o "$T/classified" "$TOKENS"
status_is 0 'gfclassify reads the model of genes'

# A head that is there already, for the same classes, is gone on with: without a step that changes anything it stays.
train again -m "$T/cell" -c cell_type --rate 0 --decay 0 --keep last -e 1
ok 'the same classes: the same head' python3 tests/cli/gftrain.py weights "$T/again" "$T/cell" ''
train again -m "$T/cell" -c donor --rate 0 --decay 0 --keep last -e 1 -v
err_like 'head is for other classes, so it gets a new one' 'other classes: a new head'
train again -m "$T/cell" -c cell_type -e 2 --freeze 1 --rate 1e-3 --decay 0
ok '--freeze: the first layer stays, the others learn' python3 tests/cli/gftrain.py weights "$T/again" "$T/cell" layer.0.

train attention -c donor --head attention -e 1
run gftrain -q -m "$T/attention" -c donor --lora 2 -o "$T/x" "$TOKENS"
fails 1 'attention: peft knows no such head, so --lora needs --merge' 'a head that adapters cannot bring along'
run gftrain -q -m "$T/attention" -c donor --lora 2 --merge -e 1 -o "$T/x" "$TOKENS"
status_is 0 'but --merge'
rm -rf "$T/x"

# A new model, which may know no positions.
run gftrain -q --layers 1 --hidden 16 --heads 2 --positions 64 --no-positions -c donor -e 2 --rate 1e-2 -o "$T/new" "$TOKENS"
status_is 0 'a new model'
ok 'without positions' python3 tests/cli/gftrain.py zero "$T/new"
run gftrain -q -m "$T/new" -c donor -e 2 --rate 1e-2 -o "$T/newer" "$TOKENS"
ok 'a model without positions stays so' python3 tests/cli/gftrain.py zero "$T/newer"

# Sets: by a column, by donors, from another file.
train sets --split doublet -c donor
fails 1 'column doublet: .(true|false). is none of train, valid, validation, test' 'a column of something else'
train sets --split-by donor --test .5 -c cell_type --predictions "$T/predictions"
status_is 0 'whole donors'
is "$(cellview --tsv --columns donor "$T/predictions" | sed 1d | sort -u | wc -l | tr -d ' ')" 1 'one of the two is tested'
train sets --split-by donor --test .3 --valid .3 -c cell_type
fails 1 'column donor: 2 groups cannot be divided over 3 sets' 'too few donors'
train sets --eval "$TOKENS" -c donor --predictions "$T/predictions"
is "$(python3 tests/cli/stream.py rows "$T/predictions")" 20 '--eval: cells of another file are for validation'
train sets -c donor --valid .2 --patience 2 --rate 0 -e 50
is "$(grep -c eval_loss "$T/sets.metrics")" 3 '--patience: over after two evaluations that are no better'

# What is refused.
run gftrain -m "$M" -o "$T/x" "$TOKENS"
fails 2 'one of --label COLUMN and --gene-labels FILE' 'nothing to learn'
run gftrain -c donor -o "$T/x" "$TOKENS"
fails 2 'either -m MODEL or the shape of a new model' 'no model'
run gftrain -m "$M" -c donor "$TOKENS"
fails 2 'o is required' 'no folder'
for bad in '--lora-alpha 3' '--lora 2 --freeze 1' '--lora 2 --head mlp' '--split donor --test .1' '--split-by donor' \
	'--predictions x' '--keep last --patience 2' '--valid .5 --test .5'; do
	# shellcheck disable=SC2086
	run gftrain -m "$M" -c donor $bad -o "$T/x" "$TOKENS"
	fails 2 "${bad%% *}" "usage: $bad"
done
run gftrain -m "$M" -c donor,donor -o "$T/x" "$TOKENS"
fails 2 'names a column twice' 'a task twice'
run gftrain -m "$M" -c donor,cell_type --head pooler -o "$T/x" "$TOKENS"
fails 2 'pooler is for one task' 'a pooler for two tasks'
run gftrain -m "$M" -c nosuch -o "$T/x" "$TOKENS"
fails 1 'no column nosuch; there are .*cell_type' 'a column that is not there'
cellhead -n 1 -o "$T/two" "$TOKENS"
run gftrain -m "$M" -c cell_type -o "$T/x" "$T/two"
fails 1 'all cells are T cell; there must be two classes' 'one class only'
cellhead -n 0 -o "$T/none" "$TOKENS"
run gftrain -m "$M" -c cell_type -o "$T/x" "$T/none"
fails 1 'no cell has a label' 'no cells'
run gftrain -m "$M" -c cell_type -e 1 -o "$T/x" "$TOKENS"
err_like 'warning: 1 cells without a value of cell_type left out' 'a label that is missing is counted'
rm -rf "$T/x"
run gftrain -m "$M" -c cell_type --strict -o "$T/x" "$TOKENS"
fails 1 'cell [^ ]*: no value of cell_type' 'and with --strict an error'
run gftrain -m pipelines/demo/model -c donor -o "$T/x" "$TOKENS"
fails 1 'vocabulary of 9794' 'another vocabulary than that of the model'
cp -R "$M" "$T/poisoned"
row=$(python3 tests/cli/gftrain.py poison "$T/poisoned" "$TOKENS")
run gftrain -q -m "$T/poisoned" -c donor -b 1 --save-every 1 --seed 3 -o "$T/x" "$TOKENS"
fails 1 "step [0-9]+, epoch 0: .*not a number .cells of rows $row.; the checkpoint of step [0-9]+ stays" \
	'a loss that is not a number names the step and the cells'
ok 'and the last good checkpoint stays' test -s "$T/x/training.safetensors"
rm -rf "$T/x"
rankencode -s no -d "$DATA/genes.cells" -o "$T/no_cls" "$DATA/values.cells"
run gftrain -m "$M" -c donor -o "$T/x" "$T/no_cls"
fails 1 'does not begin with <cls>, which the classifier looks at' 'cells without <cls>'
run_sh "gftrain -m '$M' -c donor --test .2 --predictions '$T/p' -o '$T/x' - <'$TOKENS'"
fails 1 'reads FILE again, so it cannot be' 'predictions of a pipe'
gftrain -q -m "$M" -c donor -e 1 --log-every 1 --metrics /dev/full -o "$T/x" "$TOKENS" 2>"$T/err"
status=$?
fails 1 'No space left on device' 'a full disk under the metrics'
rm -rf "$T/x"
gftrain -q -m "$M" -c donor -e 9999 -o "$T/x" "$TOKENS" 2>"$T/err" &
sleep 0.5
kill -TERM $!
wait $!
cp -R "$T/x" "$T/copy"
(
	trap '' XFSZ
	ulimit -f 100
	exec gftrain -q -m "$M" -c donor -e 9999 --save-every 1 --resume -o "$T/x" "$TOKENS"
) 2>"$T/err"
status=$?
fails 1 'step [0-9]+: no checkpoint: .*safetensors: write: File too large' 'a disk that is full at a checkpoint'
ok 'and the last one is as it was' diff -r "$T/x" "$T/copy"
run gftrain -q -m "$M" -c donor -e 1 -o "$T/no/such" "$TOKENS"
fails 1 'no/such' 'a folder that cannot be made'

done_testing
