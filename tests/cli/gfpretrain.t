#!/bin/sh
# gfpretrain: a tiny model learns; nothing that stops it changes what comes out.
. "${0%/*}/lib.sh"
. "${0%/*}/common.sh"

without='zero'
tiny='--layers 1 --hidden 8 --heads 2 --positions 64 -b 300'
# shellcheck disable=SC2086
common_checks writer gfpretrain "$DATA/tokens.cells" $tiny --steps 2

pretrain() { # ARG...: on the cells of tests/data
	# shellcheck disable=SC2086
	run gfpretrain $tiny "$@" "$DATA/tokens.cells"
}

metric() { # FILE KEY: its last value
	python3 -c 'import json, sys
print([v[sys.argv[2]] for v in map(json.loads, open(sys.argv[1])) if sys.argv[2] in v][-1])' "$1" "$2"
}

# Learning: the loss falls below that of guessing by frequency, and the same run gives the same bytes.
learn='--steps 400 --rate 0.02 --hold-out 0.2 --eval-every 100 --save-every 25'
# shellcheck disable=SC2086
pretrain $learn -t 1 --metrics "$T/metrics" -o "$T/model"
status_is 0 'learns'
err_is '' 'and says nothing'
is "$(find "$T/model" -type f | sed 's,.*/,,' | sort | tr '\n' ' ')" 'config.json genes.cells model.safetensors ' 'the files of a model'
is "$(grep -c eval_loss "$T/metrics")" 4 'evaluations, the last at the end'
is "$(sed -n 1p "$T/metrics" | sed 's/: [^,}]*/:/g')" \
	'{"step":, "tokens":, "loss":, "learning_rate":, "gradient_norm":}' 'a line of metrics'
unlike "$(cat "$T/metrics")" 'time|second' 'no times in them'
cellview --jsonl --columns input_ids "$DATA/tokens.cells" >"$T/ids"
ok 'less loss than guessing by frequency has' python3 -c '
import collections, json, math, sys
genes = [t for line in open(sys.argv[1]) for t in json.loads(line)["input_ids"] if t > 3]
entropy = -sum(n / len(genes) * math.log(n / len(genes)) for n in collections.Counter(genes).values())
print(entropy)
sys.exit(not float(sys.argv[2]) < entropy - 0.1)' "$T/ids" "$(metric "$T/metrics" loss)"
for threads in 2 4; do
	# shellcheck disable=SC2086
	pretrain $learn -t $threads --metrics "$T/metrics2" -o "$T/model2"
	ok "the same bytes with -t $threads" diff -r "$T/model" "$T/model2"
	same "$T/metrics" "$T/metrics2" "the same metrics with -t $threads"
	rm -r "$T/model2"
done
# Steps of several parts: the cells ten times.
tokens=$DATA/tokens.cells
many="$tokens $tokens $tokens $tokens $tokens $tokens $tokens $tokens $tokens $tokens"
for threads in 1 2 5; do
	# shellcheck disable=SC2086
	run gfpretrain $tiny -b 5000 --steps 12 -t $threads -o "$T/parts$threads" $many
	ok "steps of five parts: the same bytes with -t $threads" diff -r "$T/parts1" "$T/parts$threads"
done
cp -r "$DATA/tokens.dataset" "$T/set.dataset"
run_sh "hf2cells -d '$DATA/genes.cells' '$T/set.dataset' >'$T/set.cells'"
# shellcheck disable=SC2086
for set in dataset cells; do
	run gfpretrain $tiny --steps 5 -d "$DATA/genes.cells" -o "$T/of_$set" "$T/set.$set"
	status_is 0 "learns from a $set"
done
same "$T/of_dataset/model.safetensors" "$T/of_cells/model.safetensors" 'a folder of datasets is the same cells'
pretrain --steps 5 --max-memory 0 -o "$T/spilled"
pretrain --steps 5 -o "$T/kept"
same "$T/spilled/model.safetensors" "$T/kept/model.safetensors" 'the same from a temporary file'

# Stopped by a signal, killed, short of disk, and gone on with.
long='--steps 2500 --hold-out 0.2 --eval-every 100 --save-every 20'
state_of() {
	ls -i "$T/part/training.safetensors" 2>/dev/null
}

# Waits for a checkpoint of its own, sends the signal, waits for the end.
stop() { # SIGNAL ARG...
	signal=$1
	shift
	state=$(state_of)
	# shellcheck disable=SC2086
	gfpretrain $tiny $long --metrics "$T/part.metrics" -o "$T/part" "$@" "$DATA/tokens.cells" \
		>"$T/out" 2>"$T/err" </dev/null &
	pid=$!
	for _ in $(seq 400); do
		test "$(state_of)" = "$state" || break
		sleep 0.02
	done
	kill -"$signal" $pid
	wait $pid
	status=$?
}
# shellcheck disable=SC2086
pretrain $long --metrics "$T/whole.metrics" -o "$T/whole"
stop TERM
status_is 0 'a signal: exit 0'
err_like '^gfpretrain: warning: stopped by a signal after step [0-9]+ of 2500; --resume goes on$' 'and a line'
ok 'a checkpoint' test -s "$T/part/training.safetensors"
ok 'that is a model folder' gfembed -m "$T/part" -o "$T/embedded" "$DATA/tokens.cells"
stop TERM --resume -t 3
status_is 0 'and again'
cp -r "$T/part" "$T/before"
(
	ulimit -f 4
	trap '' XFSZ
	# shellcheck disable=SC2086
	exec gfpretrain $tiny $long -o "$T/part" --resume "$DATA/tokens.cells"
) >"$T/out" 2>"$T/err" </dev/null
status=$?
fails 1 'step [0-9]+: no checkpoint: .*File too large' 'a disk that is full'
ok 'the checkpoint before it stays as it was' diff -r "$T/before" "$T/part"
is "$(find "$T" -name 'part.*' ! -name part.metrics)" '' 'and nothing else'
stop KILL --resume -t 1
is "$status" 137 'killed'
ok 'the checkpoint is whole' gfembed -m "$T/part" -o "$T/embedded" "$DATA/tokens.cells"
rm -rf "$T"/part.??????
# shellcheck disable=SC2086
pretrain $long --metrics "$T/part.metrics" -o "$T/part" --resume
status_is 0 'to the end'
ok 'the same bytes as without interruption' diff -r "$T/whole" "$T/part"
same "$T/whole.metrics" "$T/part.metrics" 'the same metrics'
# shellcheck disable=SC2086
pretrain $long -o "$T/part" --resume
err_like 'is complete already: 2500 steps' 'a run that is complete stays'
# shellcheck disable=SC2086
pretrain $long -o "$T/part"
fails 1 'exists already' 'no model is overwritten'
# shellcheck disable=SC2086
pretrain $long --rate 0.1 -o "$T/part" --resume
fails 1 'was made with rate 0.001, not 0.1' 'a run is gone on with as it was begun'
pretrain --steps 5 --resume -o "$DATA/model"
fails 1 'no training.safetensors to go on from' 'a model that was not made so'

# In bfloat16: another model that has learned as much; the bytes do not depend on threads either.
short='--steps 150 --rate 0.01 --dropout 0'
# shellcheck disable=SC2086
if gfpretrain $tiny --precision bf16 --steps 1 -q -o "$T/try" "$tokens" 2>"$T/.why"; then
	for precision in f32 bf16; do
		pretrain $short --precision $precision -t 1 --metrics "$T/$precision.metrics" -o "$T/$precision"
	done
	ok 'bf16 learns what f32 does' python3 -c 'import sys
f32, bf16 = map(float, sys.argv[1:])
print(f32, bf16)
sys.exit(not 0 < abs(f32 - bf16) < 0.03 * f32)' "$(metric "$T/f32.metrics" loss)" "$(metric "$T/bf16.metrics" loss)"
	run gfpretrain $tiny -b 5000 --steps 12 --precision bf16 -t 1 -o "$T/bf16.parts1" $many
	run gfpretrain $tiny -b 5000 --steps 12 --precision bf16 -t 3 -o "$T/bf16.parts3" $many
	ok 'bf16: the same bytes with -t 3' diff -r "$T/bf16.parts1" "$T/bf16.parts3"
	pretrain $short --precision bf16 --resume -o "$T/f32"
	fails 1 'was made with precision "f32", not "bf16"' 'bf16 does not go on from f32'
	run env CELLPIPE_ISA=avx2 gfpretrain $tiny --precision bf16 --steps 1 -o "$T/none" "$tokens"
	fails 1 'precision bf16: needs AVX-512' 'bf16 without AVX-512'
	run env CELLPIPE_ISA=avx2 gfpretrain $tiny --steps 1 -o "$T/auto" "$tokens"
	status_is 0 'auto without AVX-512 is f32'
else
	skip "$(cat "$T/.why")" 'bfloat16'
fi

# Every write, rename and new file fails once: one line, and the checkpoint before is gone on from.
fail_each() { # CALL
	n=1
	while :; do
		rm -rf "$T/faulty" && cp -r "$T/ten" "$T/faulty"
		# shellcheck disable=SC2086
		run env FAULT_CALL="$1" FAULT_AT=$n LD_PRELOAD="$T/fault.so" \
			gfpretrain $forty --save-every 10 --resume -o "$T/faulty" "$DATA/tokens.cells"
		test "$status" = 0 && break
		if test "$status" != 1 || test "$(wc -l <"$T/err")" != 1 || test $n -gt 300 || ls "$T"/faulty.* >/dev/null 2>&1 ||
			! test -e "$T/faulty/model.safetensors"; then
			{ echo "$1 $n: exit status $status"; cat "$T/err"; ls "$T"; } >"$T/.why"
			fail "every $1 fails once"
			return
		fi
		# shellcheck disable=SC2086
		gfpretrain $forty --resume -o "$T/faulty" "$DATA/tokens.cells" || status=$?
		diff -r "$T/faulty" "$T/forty" >"$T/.why" || { fail "$1 $n: goes on"; return; }
		n=$((n + 1))
	done
	ok "every $1 fails once ($((n - 1))), and the run goes on" test $n -gt 1
}
if ! is_instrumented && "${CC:-cc}" -shared -fPIC -O1 -o "$T/fault.so" tests/fault/fault.c -ldl; then
	forty="-q $tiny --steps 40 -t 1"
	# shellcheck disable=SC2086
	gfpretrain $forty -o "$T/forty" "$DATA/tokens.cells"
	# The disk is full at the second checkpoint: the first one stays.
	for at in $(seq 5 40); do
		rm -rf "$T/ten"
		# shellcheck disable=SC2086
		env FAULT_CALL=rename FAULT_AT="$at" LD_PRELOAD="$T/fault.so" \
			gfpretrain $forty --save-every 10 -o "$T/ten" "$DATA/tokens.cells" 2>"$T/err"
		test -e "$T/ten/training.safetensors" && break
	done
	for call in write rename mkstemp fchmod; do
		fail_each $call
	done
	# Where folders cannot be exchanged in one step.
	# shellcheck disable=SC2086
	run env FAULT_CALL=renameat2 FAULT_FROM=1 LD_PRELOAD="$T/fault.so" \
		gfpretrain $forty --save-every 10 -o "$T/aside" "$DATA/tokens.cells"
	ok 'the same without an exchange of folders' diff -r "$T/aside" "$T/forty"
	ok 'and nothing else stays' test -z "$(find "$T" -name 'aside.*')"
fi

# Starts and shapes.
pretrain --steps 1 -o "$T/one"
pretrain --steps 1 --init coexpression -t 1 -o "$T/svd1"
pretrain --steps 1 --init coexpression -t 4 -o "$T/svd4"
ok '--init coexpression: the same bytes with -t 4' diff -r "$T/svd1" "$T/svd4"
not_same=$(cmp "$T/svd1/model.safetensors" "$T/one/model.safetensors" 2>&1)
like "$not_same" 'differ' 'and other ones than from chance'
for storage in f32 bf16; do
	pretrain --steps 1 --storage $storage -o "$T/stored.$storage"
done
ok 'bf16 takes less room' test "$(wc -c <"$T/stored.bf16/model.safetensors")" -lt "$(wc -c <"$T/stored.f32/model.safetensors")"
run gfpretrain -m "$T/model" -b 300 --steps 3 -o "$T/more" "$DATA/tokens.cells"
status_is 0 'goes on from a model'
same "$T/more/config.json" "$T/model/config.json" 'which keeps its shape'
sed 's/"vocab_size": [0-9]*/"vocab_size": 64/' "$T/model/config.json" >"$T/config.json"
run gfpretrain --config "$T/model/config.json" -b 300 --steps 3 -o "$T/shaped" "$DATA/tokens.cells"
same "$T/shaped/config.json" "$T/model/config.json" '--config: the same shape'
run gfpretrain --config "$T/config.json" -b 300 --steps 3 -o "$T/no" "$DATA/tokens.cells"
fails 1 'vocab_size of 64, but the cells have 63' 'another vocabulary'
run gfpretrain -m "$T/model" --layers 3 --steps 3 -o "$T/no" "$DATA/tokens.cells"
fails 2 'shape of the model' 'one shape only'
run gfpretrain --hidden 10 --heads 4 --steps 3 -o "$T/no" "$DATA/tokens.cells"
fails 2 'multiple' 'heads that do not divide'
run gfpretrain --layers 1 --hidden 8 --heads 2 --positions 30 --steps 1 -o "$T/no" "$DATA/tokens.cells"
fails 1 'has 30 positions' 'a cell that is too long'
run gfpretrain --layers 1 --hidden 8 --heads 2 --positions 30 --truncate --steps 1 -o "$T/cut" "$DATA/tokens.cells"
err_like 'cells cut to the model.s 30 positions' '--truncate cuts and counts'
run_sh "hf2cells '$DATA/tokens.dataset' | gfpretrain $tiny --steps 1 -o '$T/no'"
fails 1 'no vocabulary.*-d DICT' 'cells without a vocabulary'
cellhead -n 0 -o "$T/none" "$DATA/tokens.cells"
run gfpretrain --steps 1 -o "$T/no" "$T/none"
fails 1 'no cells to learn from' 'no cells'
pretrain --steps 90 --rate 10 --decay 10 --warmup 0 --schedule constant -o "$T/no"
fails 1 'step [0-9]+, epoch [0-9]+: .*not a number' 'a loss that is no number'
ok 'and no folder of it' test ! -e "$T/no"

done_testing
