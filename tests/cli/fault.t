#!/bin/sh
# Every read, write, rename and allocation fails once, one after the other, until the program gets through: each time
# exit 1, one line, and nothing under the output's name. Then: no threads, no standard files, signals.
. "${0%/*}/lib.sh"

is_instrumented && skip_all 'preloading does not go with the instrumented programs'
need_command "${CC:-cc}" python3
"${CC:-cc}" -shared -fPIC -O1 -o "$T/fault.so" tests/fault/fault.c -ldl || skip_missing 'fault.c cannot be built'

fail_each() { # CALL COMMAND...
	call=$1
	shift
	n=1
	while :; do
		rm -f "$T/output"
		run env FAULT_CALL="$call" FAULT_AT=$n LD_PRELOAD="$T/fault.so" "$@" -o "$T/output"
		test "$status" = 0 && break
		if test "$status" != 1 || test "$(wc -l <"$T/err")" != 1 || test -e "$T/output" ||
			ls "$T"/output.* >/dev/null 2>&1 || test $n -gt 3000; then
			{ echo "$call $n: exit status $status"; cat "$T/err"; ls "$T"; } >"$T/.why"
			fail "$1: every $call fails once"
			return
		fi
		n=$((n + 1))
	done
	ok "$1: every $call fails once ($((n - 1)))" test $n -gt 1 -a -s "$T/output"
}

# The cells thirty times: their medians go through a temporary file.
cp -r "$DATA/tokens.dataset" "$T/many.dataset"
python3 - "$T/many.dataset/state.json" <<'EOF'
import json, sys
state = json.load(open(sys.argv[1]))
state["_data_files"] *= 30
json.dump(state, open(sys.argv[1], "w"))
EOF
hf2cells -d "$DATA/genes.cells" -o "$T/many" "$T/many.dataset"

for call in read write rename mkstemp fchmod aligned_alloc; do
	fail_each "$call" genemap -t 1 -d "$DATA/genes.cells" "$DATA/counts.cells"
	fail_each "$call" normalize -t 2 -d "$DATA/genes.cells" "$DATA/counts.cells"
	fail_each "$call" rankencode -t 1 -d "$DATA/genes.cells" "$DATA/values.cells"
done

medians="gfembed -t 1 -m $DATA/model --summary median --by donor --max-memory 64k $T/many"
for call in read aligned_alloc mkstemp; do
	# shellcheck disable=SC2086
	fail_each "$call" $medians
done
rm -f "$T/output"
# shellcheck disable=SC2086
run env FAULT_CALL=pread FAULT_AT=300 LD_PRELOAD="$T/fault.so" $medians -o "$T/output"
fails 1 'temporary file in TMPDIR: read' 'gfembed: the temporary file cannot be read'
ok 'leaves no output' not test -e "$T/output"
# shellcheck disable=SC2086
run $medians -o "$T/whole"
# shellcheck disable=SC2086
run env FAULT_CALL=short LD_PRELOAD="$T/fault.so" $medians -o "$T/short"
same "$T/short" "$T/whole" 'and gives the same a byte a call'

for level in 0 3; do
	run normalize -l $level -d "$DATA/genes.cells" -o "$T/whole" "$DATA/counts.cells"
	run env FAULT_CALL=short LD_PRELOAD="$T/fault.so" normalize -l $level -d "$DATA/genes.cells" -o "$T/short" "$DATA/counts.cells"
	status_is 0 "one byte a call, level $level"
	same "$T/short" "$T/whole" 'gives the same bytes'
done

# Where the system has no more threads, those there are do the work, at last the first one alone.
run normalize -l 0 -t 1 -d "$DATA/genes.cells" -o "$T/whole" "$DATA/counts.cells"
for n in 1 2 3 4 5; do
	run env FAULT_CALL=pthread_create FAULT_FROM=$n LD_PRELOAD="$T/fault.so" normalize -l 0 -t 4 -d "$DATA/genes.cells" -o "$T/few" "$DATA/counts.cells"
	status_is 0 "no more than $((n - 1)) threads"
	same "$T/few" "$T/whole" 'give the same bytes'
done

# Without the standard files: no other file comes to be in their places.
run genemap -l 0 -d "$DATA/dictionary" -o "$T/whole" "$DATA/counts_symbols.cells"
genemap -v -l 0 -d "$DATA/dictionary" -o "$T/closed" <"$DATA/counts_symbols.cells" 2>&-
is "$?" 0 'no standard error'
same "$T/closed" "$T/whole" 'no message gets into the cells'
genemap -v -l 0 -d "$DATA/dictionary" -o "$T/closed" "$DATA/counts_symbols.cells" <&- >&- 2>&-
is "$?" 0 'none of them'
same "$T/closed" "$T/whole" 'gives the same bytes'
genemap -d "$DATA/genes.cells" -o "$T/nothing" <&- 2>"$T/err"
status=$?
fails 1 'stdin: .*Bad file' 'no standard input'
genemap -d "$DATA/genes.cells" "$DATA/counts.cells" >&- 2>"$T/err"
status=$?
fails 1 'stdout: .*Bad file' 'no standard output'

# A name for the standard output stays one.
ln -s /proc/self/fd/1 "$T/stdout"
genemap -l 0 -d "$DATA/dictionary" -o "$T/stdout" "$DATA/counts_symbols.cells" >"$T/named" 2>"$T/err"
same "$T/named" "$T/whole" 'a link to the standard output, which is a file'
ok 'is still a link' test -h "$T/stdout"

# A signal while the program waits for more cells.
mkfifo "$T/fifo"
for signal in TERM HUP USR1 USR2 ALRM SEGV ABRT; do
	genemap -d "$DATA/genes.cells" -o "$T/killed" "$T/fifo" 2>"$T/err" &
	killed=$!
	exec 3>"$T/fifo"
	head -c 3000 "$DATA/counts.cells" >&3
	n=0
	while ! ls "$T"/killed.* >/dev/null 2>&1 && test $((n += 1)) -lt 100; do
		sleep 0.05
	done
	ok "$signal: there is a file" ls "$T"/killed.*
	kill -s $signal $killed
	wait $killed 2>/dev/null
	exec 3>&-
	ok "$signal: nothing stays" not ls "$T"/killed*
done

done_testing
