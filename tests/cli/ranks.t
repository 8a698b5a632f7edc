#!/bin/sh
# ranks: gfpretrain and gftrain as several processes of mpirun learn what one process learns, to the bit; one of them
# speaks, and all end together, however they end.
. "${0%/*}/lib.sh"

if is_instrumented; then
	skip_all 'Open MPI leaks memory of its own, and has handlers of signals of its own'
fi
need_command mpirun ldd python3
mpirun --version | grep -q 'Open MPI' || skip_all 'mpirun is not that of Open MPI'
ldd "$BUILD/gftrain" | grep -q libmpi || skip_missing 'gftrain is built without MPI'

# As root in a container, on fewer CPUs than processes, on this machine only.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 \
	OMPI_MCA_plm=isolated OMPI_MCA_btl=self,vader OMPI_MCA_btl_vader_single_copy_mechanism=none \
	OMPI_MCA_oob_tcp_if_include=lo

M=$DATA/model
tokens=$DATA/tokens.cells
many="$tokens $tokens $tokens $tokens $tokens $tokens $tokens $tokens $tokens $tokens"

ranks() { # N COMMAND ARG...: as `run` does; mpirun without remarks of its own
	n=$1
	shift
	run timeout 120 mpirun -q -n "$n" "$@"
}

# The first three losses of two files of metrics agree to 1e-6 of them. (Later ones need not: learning magnifies.)
agree() { # FILE FILE
	python3 - "$1" "$2" <<-'END'
		import json, sys
		a, b = ([json.loads(line)["loss"] for line in list(open(path))[:3]] for path in sys.argv[1:])
		print(a, b)
		sys.exit(not all(abs(x - y) < 1e-6 * x for x, y in zip(a, b, strict=True)))
	END
}

for program in "$BUILD"/*; do
	ldd "$program" | grep -q libmpi && echo "${program##*/}"
done >"$T/with"
is "$(tr '\n' ' ' <"$T/with")" 'gfpretrain gftrain ' 'no other programs have MPI'

# Twenty steps of several parts: up to four processes find the bits that one finds, and more of them but for
# roundings.
compare() { # NAME COMMAND ARG...
	name=$1
	shift
	# shellcheck disable=SC2086
	run "$@" --metrics "$T/1.metrics" -o "$T/1" $many
	status_is 0 "$name: one process"
	for n in 2 3 4; do
		# shellcheck disable=SC2086
		ranks $n "$@" -t $((n - 1)) --metrics "$T/$n.metrics" -o "$T/$n" $many
		is "$status $(cat "$T/err")" '0 ' "$name: $n processes"
		ok 'the same model' diff -r "$T/1" "$T/$n"
		same "$T/$n.metrics" "$T/1.metrics" 'and the same metrics'
		rm -r "${T:?}/$n"
	done
}
every='-q --steps 20 --eval-every 10 --log-every 1 --rate 5e-4 --dropout 0.1'
# shellcheck disable=SC2086
{
	compare gfpretrain gfpretrain $every --layers 2 --hidden 64 --heads 4 --positions 64 -b 5000 --hold-out 0.2
	for n in 5 5b; do
		ranks "${n%b}" gfpretrain $every --layers 2 --hidden 64 --heads 4 --positions 64 -b 5000 --hold-out 0.2 \
			--metrics "$T/$n.metrics" -o "$T/$n" $many
		status_is 0 'five processes'
	done
	ok 'begin as one does' agree "$T/1.metrics" "$T/5.metrics"
	ok 'and with themselves to the bit' diff -r "$T/5" "$T/5b"
	same "$T/5.metrics" "$T/5b.metrics" 'metrics, too'
	rm -r "$T/1" "$T/5" "$T/5b"
	compare 'gftrain --lora, two tasks' gftrain $every -m "$M" -c cell_type,donor -b 150 --valid .2 --keep macro_f1 --lora 4 --merge
	rm -r "$T/1"
}
# Fewer parts than processes.
for n in 1 4; do
	ranks $n gftrain -q -m "$M" -c donor -b 4 -e 2 --rate 1e-3 --valid .2 --test .2 --metrics "$T/$n.metrics" \
		--predictions "$T/$n.predictions" -o "$T/few$n" "$tokens"
	status_is 0 "steps of one part: $n processes"
done
ok 'the same model' diff -r "$T/few1" "$T/few4"
same "$T/1.predictions" "$T/4.predictions" 'the same predictions'
same "$T/1.metrics" "$T/4.metrics" 'the same metrics, tests among them'

# Faults: one line, whoever has them.
ranks 2 gftrain -m "$M" -c donor -o "$T/x" "$T/nosuch"
fails 1 'nosuch: No such file' 'a file that is not there'
ranks 2 gftrain -m "$M" -c donor --no-such-option -o "$T/x" "$tokens"
fails 2 'no-such-option' 'an unknown option'
ranks 2 gftrain -m "$M" -c donor -o "$T/few1" "$tokens"
fails 1 'few1: exists already' 'a folder that is there'
ranks 2 gftrain -m "$M" -c donor -o "$T/x"
fails 1 'each process reads FILE, so it cannot be standard input' 'standard input'
mkfifo "$T/fifo"
ranks 2 gftrain -m "$M" -c donor -o "$T/x" "$T/fifo"
fails 1 'fifo: each process reads FILE, so it cannot be a pipe' 'a pipe'
ranks 1 gftrain -m "$M" -c donor -o "$T/x" "$tokens" : -n 1 gftrain -m "$M" -c donor -o "$T/x" "$tokens" "$T/nosuch"
fails 1 'process 1: .*nosuch: No such file' 'a file that one of them does not find'
ranks 1 gftrain -m "$M" -c donor -o "$T/x" "$tokens" : -n 1 gftrain -m "$M" -c donor -o "$T/x" "$tokens" "$tokens"
fails 1 'process 1: has other cells, .* than process 0' 'processes that read other cells'
ranks 2 gftrain -m "$M" -c donor --metrics /dev/full --log-every 1 -o "$T/x" "$tokens"
fails 1 '/dev/full: .*No space left' 'metrics on a full disk'
ranks 2 gfpretrain --layers 1 --hidden 8 --heads 2 --positions 64 -b 300 --steps 90 --rate 10 --decay 10 --warmup 0 --schedule constant -o "$T/x" "$tokens"
fails 1 'step [0-9]+, epoch [0-9]+: .*not a number' 'a loss that is no number'
cp -R "$M" "$T/poisoned"
row=$(python3 tests/cli/gftrain.py poison "$T/poisoned" "$tokens")
# shellcheck disable=SC2086
ranks 4 gftrain -q -m "$T/poisoned" -c donor -b 400 --seed 3 -o "$T/x" $many
fails 1 'step 1, epoch 0: .*not a number .cells of rows .*; no checkpoint' 'the rows of it, of whichever process'
like "$(sed 's/.*cells of rows//' "$T/err")" "[ ,]${row}[,)]| and [0-9]+ more" 'among them a poisoned one'
ok 'none of them leaves a folder' test ! -e "$T/x"

# What started them says so, but nothing connects them.
for kind in 'PMI_RANK PMI_SIZE' 'SLURM_PROCID SLURM_STEP_NUM_TASKS'; do
	for rank in 0 1; do
		run env "${kind% *}=$rank" "${kind#* }=2" gftrain -m "$M" -c donor -o "$T/x" "$tokens"
		test $rank = 0 && fails 1 'started as one of 2 processes' "$kind: not two runs of one folder"
	done
	is "$status $(cat "$T/err")" '1 ' 'which only the first says'
done

# Signals: to one of them, or to mpirun.
cat >"$T/rank.sh" <<'END'
echo $$ >"$T/pid.$OMPI_COMM_WORLD_RANK"
exec "$@"
END
learn="gftrain -m $M -c donor -b 40 --steps 400 --valid .2 --rate 1e-3 --dropout .1 --log-every 7 --eval-every 50"
# shellcheck disable=SC2086
run $learn --metrics "$T/whole.metrics" -o "$T/whole" $many
status_is 0 'a whole run, of one process'

start() { # N: in the background, until there are more metrics
	rm -f "$T"/pid.*
	touch "$T/stopped.metrics"
	lines=$(grep -c . "$T/stopped.metrics")
	# shellcheck disable=SC2086
	timeout 300 mpirun -q -n "$1" sh "$T/rank.sh" $learn --resume --metrics "$T/stopped.metrics" -o "$T/stopped" $many \
		>"$T/out" 2>"$T/err" &
	mpirun_pid=$!
	tries=0
	while test $tries -lt 300 && test "$(grep -c . "$T/stopped.metrics")" -le "$lines"; do
		tries=$((tries + 1))
		sleep 0.2
	done
}

finish() { # its exit status to $status
	wait $mpirun_pid
	status=$?
}

for rank in 1 0; do
	start 2
	kill -TERM "$(cat "$T/pid.$rank")"
	finish
	fails 0 'stopped by a signal after step .*--resume goes on' "SIGTERM to process $rank ends all of them, and one says so"
	ok 'a checkpoint is there' test -s "$T/stopped/training.safetensors"
done
start 3
kill -TERM $mpirun_pid
finish
ok 'SIGTERM to mpirun: a checkpoint is there' test -s "$T/stopped/training.safetensors"
start 2
kill -KILL "$(cat "$T/pid.1")"
finish
ok 'a process that is killed ends the others' test $status -ne 0 -a $status -ne 124
ok 'and the checkpoint stays' test -s "$T/stopped/training.safetensors"
is "$(find "$T" -maxdepth 1 -name 'stopped?*' ! -name stopped.metrics | wc -l | tr -d ' ')" 0 'and nothing else'
# shellcheck disable=SC2086
ranks 5 $learn --resume -o "$T/stopped" $many
fails 1 'was made with processes nothing, not 5' 'five do not go on, for they would end with other bytes'
# shellcheck disable=SC2086
ranks 4 $learn --resume --metrics "$T/stopped.metrics" -o "$T/stopped" $many
status_is 0 'four do, to the end'
ok 'the same bytes as without interruptions, of one process' diff -r "$T/whole" "$T/stopped"
ok 'and the same metrics' diff "$T/stopped.metrics" "$T/whole.metrics"

done_testing
