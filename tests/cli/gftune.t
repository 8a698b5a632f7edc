#!/bin/sh
# gftune with a trainer that trains nothing (gftune_trainer.sh): what it says is known beforehand, so are the best trials.
. "${0%/*}/lib.sh"
. "${0%/*}/common.sh"

need_command awk sed
trainer="sh $ROOT/tests/cli/gftune_trainer.sh"
cd "$T" || exit 1

# The program as it is used below: trials of --x, nine of them unless told otherwise.
tune() { # FOLDER OPTION... [-- ARGUMENT...]
	tune_folder=$1
	shift
	run gftune -o "$tune_folder" -c "$trainer" -s x=0..99 "$@"
}

field() { # NAME: the column of the table
	awk -F '\t' -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; next } { print $c }' "$T/out" |
		tr '\n' ' '
}

events() { # FOLDER EVENT: trial:rung of each, in their order
	sed -n "s/.*\"trial\":\([0-9]*\),\"event\":\"$2\",\"rung\":\([0-9]*\).*/\1:\2/p" "$1/study.jsonl" | tr '\n' ' '
}

sorted() { # [-r]: the words of a line
	tr ' ' '\n' | sed '/^$/d' | sort -g "$@" | tr '\n' ' '
}

folders() { # FOLDER: those of models
	for model in "$1"/trial-????; do
		test -d "$model" && printf '%s ' "${model##*/}"
	done
}

processes() { # ARGUMENT: how many have it
	cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' | grep -c -x -e "$1"
}

has_none() { # ARGUMENT: no process
	test "$(processes "$1")" = 0
}

wait_for() { # COMMAND ARG...: ten seconds at most
	waited=0
	until "$@" >/dev/null 2>&1; do
		sleep 0.05
		test $((waited += 1)) -lt 200 || return 1
	done
}

cd "$ROOT" || exit 1
check_usage gftune
cd "$T" || exit 1

# Random search: more is better of an accuracy, less of a loss; the best model stays.
tune one -n 6 -m eval_accuracy -- data.cells
status_is 0 'random search'
err_is '' 'says nothing'
cp out table
is "$(field eval_accuracy)" "$(field eval_accuracy | sorted -r)" 'the best come first'
is "$(field eval_accuracy)" "$(field x | tr ' ' '\n' | awk 'NF { printf "%.9g ", $1 / 100 + 0.003 }')" \
	'each trial was trained with its --x, three epochs'
best=$(field trial | cut -d' ' -f1)
is "$(folders one)" "$(printf 'trial-%04d ' "$best")" 'only the best model stays'
is "$(readlink one/best)" "$(printf 'trial-%04d' "$best")" 'and is called best, too'
is "$(field model)" "$(printf 'one/trial-%04d      ' "$best")" 'and stands in the table'
is "$(events one start)" '1:0 2:0 3:0 4:0 5:0 6:0 ' 'each trial is started once'
for jobs in 2 6; do
	tune "jobs$jobs" -n 6 -j $jobs -m eval_accuracy -- data.cells
	sed "s,jobs$jobs/,one/," out >changed
	same changed table "$jobs trials at once: the same table"
done
tune keep -n 3 --keep-all -m eval_loss -- data.cells
is "$(folders keep)" 'trial-0001 trial-0002 trial-0003 ' '--keep-all'
is "$(field eval_loss)" "$(field eval_loss | sorted)" 'of a loss the least is best'
tune most -n 3 --maximize -m eval_loss -- data.cells
is "$(field eval_loss)" "$(field eval_loss | sorted -r)" '--maximize'
tune seed -n 6 --seed 1 -m eval_accuracy -- data.cells
ok 'another seed, other trials' not cmp -s out table
tune f1 -n 3 -- --set data.cells
is "$(field eval_macro_f1)" "$(field x | tr ' ' '\n' | awk 'NF { printf "%.9g ", 1 - $1 / 100 }')" \
	'eval_macro_f1 is that of the model that was written'

# What the trainer gets.
cat >show <<'END'
#!/bin/sh
printf '%s\n' "$@"
metrics=$(printf '%s\n' "$@" | sed -n '/^--metrics$/{n;p;}')
echo '{"eval_macro_f1": 1}' >"$metrics"
END
chmod +x show
run gftune -o args -n 1 -t 7 -j 2 -c './show first' -s 'word=only' -s 'n=3..3' -- -m 'a model' --flag 'x;$y' file
status_is 0 'a command of several words'
printf '%s\n' first --output args/trial-0001 --metrics args/trial-0001.metrics.jsonl --threads 3 --word only --n 3 \
	-m 'a model' --flag 'x;$y' file >expected
same args/trial-0001.log expected 'its options, then the arguments, without a shell'
run gftune -o default -n 2 -c ./show -- file
for option in rate warmup decay schedule seed; do
	ok "without --space: $option" grep -q -x -e "--$option" default/trial-0001.log
done

# Trials that fail.
x=$(sed -n 's/.*"trial":2,.*"x":"\([0-9]*\)".*/\1/p' one/study.jsonl)
tune fail -n 4 -m eval_accuracy -- --fail-at "$x"
status_is 0 'a trial that fails does not end the study'
err_like "trial 2 failed: exit status 3: trainer: $x is not to my taste" 'it is named'
is "$(tail -n 1 out)" "2	failed		$x		exit status 3: trainer: $x is not to my taste" 'and stands last'
tune fail -n 4 -m eval_accuracy -- --fail-at "$x"
is "$(events fail start)" '1:0 2:0 3:0 4:0 ' 'it is not tried again'
tune fail -n 4 -m eval_accuracy --retry -- --fail-at "$x"
is "$(events fail start)" '1:0 2:0 3:0 4:0 2:0 ' 'but with --retry, once'
tune nothing -n 2 -m no_such_metric -- data.cells
fails_all=$(tail -n 1 err)
is "$status" 1 'no trial succeeds'
like "$fails_all" 'gftune: no trial succeeded; the first one: .*metrics.jsonl has no no_such_metric' 'says why'
tune none -n 2 -c no-such-program -- data.cells
fails 1 'no-such-program: No such file' 'no such trainer'
is "$(events none release)" '1:0 ' 'that is no trial that failed'

# Successive halving: as test_halving.c has it on paper.
tune half -n 9 -H -m eval_accuracy -- data.cells
status_is 0 '--halving'
is "$(field x | sorted)" '6 55 57 58 65 66 71 89 93 ' 'with the numbers of test_halving'
is "$(events half start)" '1:0 2:0 3:0 1:1 4:0 5:0 6:0 2:1 7:0 8:0 8:1 1:2 9:0 ' 'goes on with the best, and begins new ones'
is "$(field trial)" '1 8 2 5 9 7 6 4 3 ' 'more epochs come first in the table'
is "$(field epochs)" '9 3 3 1 1 1 1 1 1 ' 'with its epochs'
is "$(field eval_accuracy)" '0.939 0.893 0.713 0.661 0.651 0.581 0.571 0.551 0.061 ' 'and the accuracy after these'
is "$(tr '\n' ';' <half/trial-0001.starts)" '93 9 0;93 9 1;93 9 1;' 'the trainer plans all epochs, and resumes'
tune slow -n 3 -H -j 3 -m eval_accuracy -- --pause 0.2 data.cells
like "$(grep -c eval slow/trial-0003.metrics.jsonl)" '^[12]$' 'a trial is stopped where its value is known'
tune anew -n 9 -H --restart -m eval_accuracy -- data.cells
is "$(field trial)" '1 8 2 5 9 7 6 4 3 ' '--restart: the same trials'
is "$(tr '\n' ';' <anew/trial-0001.starts)" '93 1 0;93 3 0;93 9 0;' 'trained anew with more epochs'
tune two -n 2 -H -m eval_accuracy --from 2 --to 8 --reduction 4 -- data.cells
is "$(events two start)" '1:0 2:0 1:1 ' 'fewer trials than the reduction: the best one goes on all the same'
is "$(field epochs)" '8 2 ' 'to the end'
tune blind -n 2 -H -- --pause 0.1 data.cells
like "$(head -n 1 err)" 'its evaluations do not say eval_macro_f1: choose another metric, or --restart' \
	'a metric that evaluations do not say'

# Several processes on one study: each trial once, the same table in the end.
gftune -o many -c "$trainer" -s x=0..99 -n 12 -m eval_accuracy -- --pause 0.05 data.cells >out1 2>err1 &
first=$!
wait_for test -s many/study.jsonl
gftune -o many -j 2 >out2 2>err2 &
second=$!
wait $first && wait $second
is "$?" 0 'two processes on a study'
same out1 out2 'come to the same table'
is "$(events many start | sorted)" '1:0 2:0 3:0 4:0 5:0 6:0 7:0 8:0 9:0 10:0 11:0 12:0 ' \
	'each trial was started once'
is "$(cat many/*.starts | wc -l | tr -d ' ')" 12 'by one of them'

# A study that goes on.
tune one -n 8 -m eval_accuracy -- data.cells
is "$(events one start)" '1:0 2:0 3:0 4:0 5:0 6:0 7:0 8:0 ' 'more trials'
cp out table
tune one -n 8 -m eval_accuracy -- other.cells
fails 1 'one/study.jsonl: is a study with other arguments' 'other arguments are another study'
head -c 20 one/study.jsonl >half_a_line
cp one/study.jsonl whole
cat half_a_line >>one/study.jsonl
run gftune -o one
err_like 'warning: one: half a line at the end was cut off' 'half a line at the end'
same one/study.jsonl whole 'is cut off'
same out table 'and the table is the same'
echo '{"trial": 99, "event": "start"}' >>one/study.jsonl
run gftune -o one
fails 1 'one/study.jsonl: line [0-9]+: cannot follow' 'a line that cannot be'

# A signal: the trainers stop, the study goes on later.
tune calm -n 4 -j 2 -m eval_accuracy -- data.cells
sed 's,calm/,term/,' out >table
gftune -o term -c "$trainer" -s x=0..99 -n 4 -j 2 -m eval_accuracy -- --pause 0.2 "$T/cells" >out 2>err &
tuner=$!
wait_for grep -q eval_loss term/trial-0002.metrics.jsonl
kill -TERM $tuner
wait $tuner
is "$?" 0 'SIGTERM: exit 0'
err_is 'gftune: warning: stopped by a signal; the same command goes on' 'and a message'
out_is '' 'but no table'
is "$(events term release | sorted)" '1:0 2:0 ' 'both trials are released'
ok 'no trainer stays' wait_for has_none "$T/cells"
run gftune -o term -j 2
same out table 'the same table in the end'
like "$(tr '\n' ';' <term/trial-0001.starts)" '^93 3 0;93 3 1;$' 'the trainer resumed'
gftune -o deaf -c "$trainer" -s x=0..99 -n 1 -m eval_accuracy --grace 0 -- --pause 30 --deaf "$T/cells" >out 2>err &
tuner=$!
wait_for test -e deaf/trial-0001.starts
kill -TERM $tuner
wait $tuner
is "$?" 0 'a trainer that does not stop'
ok 'is killed after --grace' wait_for has_none "$T/cells"
gftune -o killed -c "$trainer" -s x=0..99 -n 2 -m eval_accuracy -- --pause 0.2 data.cells >out 2>err &
tuner=$!
wait_for grep -q eval_loss killed/trial-0001.metrics.jsonl
kill -KILL $tuner
wait $tuner 2>/dev/null
run gftune -o killed
status_is 0 'after SIGKILL: the study goes on'
is "$(events killed start | sorted)" '1:0 1:0 2:0 ' 'with the trial that nobody trained any more'
is "$(field trial)" '1 2 ' 'to its end'

# With gftrain itself: stopped after each rung, the best model is that of a training that was not.
new='--layers 1 --hidden 16 --heads 1 --label cell_type --valid 0.3'
# shellcheck disable=SC2086
run gftune -o real -t 1 -n 2 -H --to 4 --reduction 2 -s rate=log:1e-4..1e-2 -- $new "$DATA/tokens.cells"
status_is 0 'gftrain'
best=$(printf '%04d' "$(field trial | cut -d' ' -f1)")
# shellcheck disable=SC2086
run gftrain -o direct -t 1 --metrics direct.jsonl --epochs 4 --rate "$(field rate | cut -d' ' -f1)" $new "$DATA/tokens.cells"
ok 'the same model as without stops' diff -r direct "real/trial-$best"
same direct.jsonl "real/trial-$best.metrics.jsonl" 'and the same metrics'

# Wrong use.
run gftune -o wrong
fails 1 'wrong/study.jsonl: No such file' 'no study, and no arguments'
run gftune -o wrong -n 3
fails 2 'arguments are required' 'a new study without arguments'
run gftune -o no/such/folder -- data.cells
fails 1 'no/such/folder: No such file' 'a folder that cannot be'
for argument in --output -o --metrics=x --resume --rate --rate=1; do
	run gftune -o wrong -s rate=1..2 -- "$argument" x
	fails 2 "'$argument' is set by the study" "$argument is not to be given"
done
run gftune -o wrong -H -- --epochs 3 x
fails 2 "'--epochs' is set" '--epochs with --halving'
run gftune -o wrong -H -s epochs=1..3 -- x
fails 2 'halving says the epochs' 'epochs in the space with --halving'
run gftune -o wrong --to 3 -- x
fails 2 'go with --halving' '--to without --halving'
run gftune -o wrong -H --from 10 -- x
fails 2 'from is more than' '--from above --to'
run gftune -o wrong --maximize --minimize -- x
fails 2 'not both' '--maximize and --minimize'
run gftune -o wrong -c ' ' -- x
fails 2 'no words' 'an empty command'
for space in x x=2..1 x=log:0..1 x=1..y =1; do
	run gftune -o wrong -s "$space" -- x
	fails 2 '' "--space $space"
done
ok 'none of these began a study' not test -e wrong
run gftune -o calm
gftune -o calm >/dev/full 2>err
status=$?
fails 1 'No space left on device' 'a full disk is noticed'

done_testing
