#!/bin/sh
# Every read, write, rename and allocation fails once, one after the other, until the program gets through: each time
# exit 1, one line, and nothing under the output's name.
. "${0%/*}/lib.sh"

is_instrumented && skip_all 'preloading does not go with the instrumented programs'
need_command "${CC:-cc}"
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

for call in read write rename aligned_alloc; do
	fail_each "$call" genemap -t 1 -d "$DATA/genes.cells" "$DATA/counts.cells"
	fail_each "$call" normalize -t 2 -d "$DATA/genes.cells" "$DATA/counts.cells"
	fail_each "$call" rankencode -t 1 -d "$DATA/genes.cells" "$DATA/values.cells"
done

for level in 0 3; do
	run normalize -l $level -d "$DATA/genes.cells" -o "$T/whole" "$DATA/counts.cells"
	run env FAULT_CALL=short LD_PRELOAD="$T/fault.so" normalize -l $level -d "$DATA/genes.cells" -o "$T/short" "$DATA/counts.cells"
	status_is 0 "one byte a call, level $level"
	same "$T/short" "$T/whole" 'gives the same bytes'
done

done_testing
