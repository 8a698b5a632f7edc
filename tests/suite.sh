#!/bin/sh
# suite.sh - runs groups of tests with prove, keeps their output and counts.
#
#	sh tests/suite.sh GROUP...        unit, cli, interop, asan, valgrind, parity, lint; or `count` alone
#
# Everything is built before (make check does it). What each test said lies in $B/tap/GROUP. Ends with why tests were
# skipped and the line "N passed, N failed, N skipped" over the groups given; `count` shows it for all that lies there.
# Exit status 1 where something failed.
#
# shellcheck disable=SC2046,SC2086     # lists of files are words, without spaces in them

set -u

B=${B:-build}
jobs=$(getconf _NPROCESSORS_ONLN)

# Runs one test for prove: a program, or a .t file by its first line. Its output is kept with its exit status.
run_one() { # GROUP FILE
	kept=$B/tap/$1/$(basename "$2")
	case $2 in
	*.t | *.sh)
		interpreter=$(sed -n '1s/^#! *//p' "$2")
		timeout 900 ${interpreter:-/bin/sh} "$2" >"$kept"
		;;
	*)
		CMOCKA_MESSAGE_OUTPUT=TAP timeout 900 ${UNDER:-} "$2" >"$kept"
		;;
	esac
	status=$?
	sed -i 's/^not ok\( [0-9]* # SKIP\)/ok\1/' "$kept" # cmocka before 1.1.6
	cat "$kept"
	test $status = 0 || echo "exit status $status" >>"$kept"
	return $status
}

tests_of() { # GROUP FILE...
	group=$1
	shift
	rm -rf "$B/tap/$group"
	mkdir -p "$B/tap/$group"
	test $# -gt 0 && test -e "$1" || return 0
	echo "== $group"
	prove --timer --jobs "$jobs" --exec "sh tests/suite.sh --one $group" "$@" || failed=1
}

# The tests of tests/unit that are in the build.
units_in() { # FOLDER
	for source in tests/unit/test_*.c; do
		test -e "$source" && echo "$1/unit/$(basename "$source" .c)"
	done
}

# Those need the processor as it is, or so much of it that the emulated one takes minutes.
is_for_valgrind() {
	grep -Ev '/test_(cpu_|cuda_|attention|matmul|forward|worker)' |
		grep -Ev '/test_(backward|first_layer|gradient|heads|learner|perturb|perturb_stream|screen|corpus_embed|umap)$' | grep -Ev "/(${VALGRIND_SKIP:-none})\$"
}

make_python_environments() {
	for file in tests/interop/requirements-*.txt; do
		test -e "$file" || continue
		name=${file##*requirements-}
		timeout 600 sh tests/deps.sh venv "${name%.txt}" >/dev/null || echo "no Python environment ${name%.txt}"
	done
}

# A report of a sanitizer fails the group, wherever the program that made it was called from.
run_asan() {
	here=$(pwd)
	case $B in /*) log=$B/asan/report ;; *) log=$here/$B/asan/report ;; esac
	rm -f "$log".*
	export ASAN_OPTIONS="exitcode=99:log_path=$log:allocator_may_return_null=1"
	export LSAN_OPTIONS="exitcode=99:suppressions=$here/tests/lint/leaks.supp:print_suppressions=0"
	export UBSAN_OPTIONS="exitcode=99:print_stacktrace=1:log_path=$log"
	export BUILD="$B/asan/bin" CELLPIPE_INSTRUMENTED=asan FLIPS=10
	tests_of asan $(units_in "$B/asan") $(find tests/cli -name '*.t' ! -name manual.t ! -name completions.t | sort)
	unset ASAN_OPTIONS LSAN_OPTIONS UBSAN_OPTIONS BUILD CELLPIPE_INSTRUMENTED FLIPS
	for report in "$log".*; do
		test -e "$report" || return
		head -n 40 "$report"
		echo "not ok - $report" >>"$B/tap/asan/reports"
		failed=1
	done
}

run_valgrind() {
	export CELLPIPE_INSTRUMENTED=valgrind
	UNDER='valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite'
	export UNDER="$UNDER --child-silent-after-fork=yes --suppressions=tests/lint/valgrind.supp"
	tests_of valgrind $(units_in "$B" | is_for_valgrind)
	unset CELLPIPE_INSTRUMENTED UNDER
}

run_group() { # GROUP
	case $1 in
	unit) tests_of unit $(units_in "$B") ;;
	cli) tests_of cli tests/cli/*.t ;;
	interop)
		make_python_environments
		tests_of interop tests/interop/*.t
		;;
	parity) tests_of parity tests/parity/*.t ;;
	lint) tests_of lint tests/lint/lint.sh ;;
	asan) run_asan ;;
	valgrind) run_valgrind ;;
	*)
		echo "suite.sh: no group '$1'" >&2
		exit 2
		;;
	esac
}

# A file that ended badly, or without as many tests as it planned, has at least one failure.
count() { # FOLDER...
	awk '
		function close_file() {
			if (file && (ended_badly || planned != seen) && !failed_here)
				failed++
			if (file && (ended_badly || planned != seen))
				print "failed: " file ": " seen " of " planned " tests" (ended_badly ? ", bad exit status" : "")
		}
		FNR == 1 { close_file(); file = FILENAME; planned = seen = failed_here = ended_badly = 0 }
		/^1\.\.[0-9]+/ { planned = substr($1, 4) + 0 }
		/^1\.\.0 # SKIP/ { skipped++; sub(/^.*# SKIP /, ""); print "skipped: " file ": " $0 }
		/^ok / { seen++; if (/# SKIP/) { skipped++; print "skipped: " file ": " $0 } else passed++ }
		/^not ok / { seen++; failed++; failed_here++; print "failed: " file ": " $0 }
		/^exit status / { ended_badly = 1 }
		END { close_file(); printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped; exit failed > 0 }
	' /dev/null $(find "$@" -type f 2>/dev/null | sort)
}

failed=0
case ${1:-} in
--one)
	run_one "$2" "$3"
	exit
	;;
'')
	echo 'usage: suite.sh GROUP...' >&2
	exit 2
	;;
count)
	folders=$B/tap
	;;
*)
	unset UNDER
	folders=
	for group in "$@"; do
		run_group "$group"
		folders="$folders $B/tap/$group"
	done
	;;
esac
count $folders || failed=1
exit $failed
