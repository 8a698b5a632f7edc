# shellcheck shell=sh
# lib.sh - a test in shell: what NAME.t files source first. Output is TAP, for prove.
#
#	. "${0%/*}/lib.sh"              from tests/cli;  . "${0%/*}/../cli/lib.sh" from another folder
#	run normalize -d genes.cells counts.cells
#	status_is 0 'normalize works'
#	err_is '' 'and says nothing'
#	ok 'output is what scipy computes' cmp -s $T/out $DATA/values.cells
#	done_testing
#
# Run from the root of the repository. The programs come from $BUILD (build/bin) and are called by name. $T is a folder
# for this test, removed at its end; $DATA are the small files of tests/data (made by make.py there), $SHARED the data
# beside the repository, which may be missing (need_shared). Nothing in the environment reaches the programs but PATH,
# TMPDIR, HOME and what the test sets itself.

set -u

ROOT=$(pwd -P)
test -r "$ROOT/tests/cli/lib.sh" || { echo 'Bail out! run from the root of the repository'; exit 1; }
BUILD=${BUILD:-build/bin}
case $BUILD in /*) ;; *) BUILD=$ROOT/$BUILD ;; esac
PATH=$BUILD:$PATH
DATA=$ROOT/tests/data
SHARED=${SHARED:-$ROOT/../shared}
LC_ALL=C
export PATH LC_ALL ROOT DATA SHARED
unset GENEFORMER_DIR CELLPIPE_ISA CELLPIPE_CUDA NO_COLOR SOURCE_DATE_EPOCH CUDA_VISIBLE_DEVICES

T=$(mktemp -d "${TMPDIR:-/tmp}/cellpipe-test.XXXXXX") || exit 1
export T
trap 'rm -rf "$T"' EXIT
trap 'exit 130' INT TERM HUP

test_count=0
failed_count=0

pass() { # NAME
	test_count=$((test_count + 1))
	echo "ok $test_count - $1"
}

# What went wrong is in $T/.why.
fail() { # NAME
	test_count=$((test_count + 1))
	failed_count=$((failed_count + 1))
	echo "not ok $test_count - $1"
	head -c 2000 "$T/.why" | tr -c '[:print:]\n\t' '?' | sed 's/^/#   /'
}

# Passes where the command succeeds; its output is shown where it does not.
ok() { # NAME COMMAND ARG...
	ok_name=$1
	shift
	if "$@" >"$T/.ok" 2>&1; then
		pass "$ok_name"
	else
		{ echo "failed: $*"; cat "$T/.ok"; } >"$T/.why"
		fail "$ok_name"
	fi
}

not() {
	! "$@"
}

is() { # GOT EXPECTED NAME
	if test "$1" = "$2"; then
		pass "$3"
	else
		printf 'got:      %s\nexpected: %s\n' "$1" "$2" >"$T/.why"
		fail "$3"
	fi
}

like() { # TEXT EXTENDED-REGEX NAME
	if printf '%s\n' "$1" | grep -Eq -e "$2"; then
		pass "$3"
	else
		printf 'got:      %s\nnot like: %s\n' "$1" "$2" >"$T/.why"
		fail "$3"
	fi
}

unlike() { # TEXT EXTENDED-REGEX NAME
	if printf '%s\n' "$1" | grep -Eq -e "$2"; then
		printf 'got:  %s\nlike: %s\n' "$1" "$2" >"$T/.why"
		fail "$3"
	else
		pass "$3"
	fi
}

same() { # FILE FILE NAME
	ok "$3" cmp "$1" "$2"
}

# Runs a command: its output goes to $T/out, its messages to $T/err, its exit status to $status.
run() { # COMMAND ARG...
	"$@" >"$T/out" 2>"$T/err" </dev/null
	status=$?
}

# The same for a line of shell, as a pipe: run_sh 'genemap -d x y | normalize -d x'.
run_sh() {
	sh -c "$1" >"$T/out" 2>"$T/err" </dev/null
	status=$?
}

status_is() { # N NAME
	if test "$status" = "$1"; then
		pass "$2"
	else
		{ echo "exit status $status, expected $1"; cat "$T/err"; } >"$T/.why"
		fail "$2"
	fi
}

out_is() { # TEXT NAME
	is "$(cat "$T/out")" "$1" "$2"
}

out_like() { # EXTENDED-REGEX NAME
	like "$(cat "$T/out")" "$1" "$2"
}

err_is() { # TEXT NAME
	is "$(cat "$T/err")" "$1" "$2"
}

err_like() { # EXTENDED-REGEX NAME
	like "$(cat "$T/err")" "$1" "$2"
}

# A failure as the user is to see it: the exit status, and one line that starts with the program's name.
fails() { # STATUS EXTENDED-REGEX NAME
	if test "$status" = "$1" && test "$(wc -l <"$T/err")" = 1 && grep -Eq -e "^[a-z0-9]+: .*($2)" "$T/err"; then
		pass "$3"
	else
		{ echo "exit status $status, expected $1 and one line like: $2"; cat "$T/err"; } >"$T/.why"
		fail "$3"
	fi
}

skip() { # REASON NAME
	test_count=$((test_count + 1))
	echo "ok $test_count - $2 # SKIP $1"
}

skip_all() { # REASON
	echo "1..0 # SKIP $1"
	exit 0
}

# Skips the whole test for want of a package; where CI=true that is a failure, for there all packages are to be.
skip_missing() { # WHAT
	if test "${CI:-}" = true; then
		echo '1..1'
		echo "not ok 1 - $1, and CI=true"
		exit 1
	fi
	skip_all "$1"
}

need_command() { # NAME...
	for need in "$@"; do
		command -v "$need" >/dev/null 2>&1 || skip_missing "$need is not installed"
	done
}

need_shared() { # FILE...
	for need in "${@:-.}"; do
		test -e "$SHARED/$need" || skip_all "../shared/$need is not there"
	done
}

# Sets $PYTHON to the python of the environment that tests/interop/requirements-NAME.txt describes.
need_python() { # NAME
	# shellcheck disable=SC2034
	PYTHON=$(sh tests/deps.sh venv "$1" 2>"$T/.venv") ||
		skip_missing "no Python environment $1: $(tail -n 1 "$T/.venv" | tr '\n' ' ')"
}

# True under AddressSanitizer or valgrind, where everything is slow and memory is not what it is otherwise.
is_instrumented() {
	test -n "${CELLPIPE_INSTRUMENTED:-}"
}

done_testing() {
	echo "1..$test_count"
	test "$failed_count" = 0
	exit
}
