# shellcheck shell=sh
# common.sh - the checks that every program passes, so that NAME.t lists only a sample input and the arguments.
#
#	. "${0%/*}/lib.sh"
#	. "${0%/*}/common.sh"
#	common_checks filter normalize "$DATA/counts.cells" -d "$DATA/genes.cells"
#
# The kinds of programs, and the input that they need:
#	filter   a stream of cells -> a stream
#	reader   a file or folder -> a stream
#	writer   a stream -> a file or folder that -o names
#	text     a stream -> text
# What a program has by its nature cannot do is listed beforehand in `without`:
#	without='columns'    obs columns do not come through: its rows are other ones (medians)
#	without='zero'       no cells at all is an error for it
#	without='stdin'      its input is given by name only
#	without='rows'       its output has another number of rows
# Each group of checks can be called alone, too, with the same arguments less the kind.

without=

has() { # WHAT: not listed in `without`
	case " $without " in *" $1 "*) return 1 ;; esac
}

# True where the program has the long option.
has_option() { # NAME OPTION
	"$1" --print-options | cut -f1 | grep -qx -e "$2"
}

# Words as the shell reads them back.
quoted() {
	for word in "$@"; do
		printf "'%s' " "$word"
	done
}

# The input as our own writer writes it (zstd bodies, closing values): $T/own.cells, plain: $T/own0.cells, without rows:
# $T/zero.cells.
make_own() { # INPUT
	test "${own_of:-}" = "$1" && return
	own_of=$1
	cellhead -n 1000000 -l 3 -o "$T/own.cells" "$1" && cellhead -n 1000000 -l 0 -o "$T/own0.cells" "$1" &&
		cellhead -n 0 -o "$T/zero.cells" "$1"
}

# Help, version, every option with a wrong value.
check_usage() { # NAME
	run "$1" -h
	status_is 0 "$1 -h exits 0"
	err_is '' "$1 -h: nothing on stderr"
	ok "$1 -h names every option" every_option_in_help "$1"
	run "$1" -V
	status_is 0 "$1 -V exits 0"
	like "$(head -n 1 "$T/out")" "^$1 [0-9]+\\.[0-9]+\\.[0-9]+\$" "$1 -V: name and version"
	for text in -h -V --print-options; do
		"$1" $text >/dev/full 2>"$T/err"
		status=$?
		fails 1 'No space left on device' "$1 $text: a full disk is noticed"
	done
	run "$1" --no-such-option
	fails 2 'no-such-option' "$1: an unknown option"
	run "$1" -o
	fails 2 '-o' "$1: an option without its value"
	ok "$1: wrong values of numbers and choices" wrong_values_are_refused "$1"
}

every_option_in_help() { # NAME
	"$1" --print-options | sed 1d | cut -f1 | while read -r option; do
		grep -q -e "--$option" "$T/out" || { echo "missing: --$option"; false; } || return 1
	done
}

wrong_values_are_refused() { # NAME
	"$1" --print-options | sed 1d | while IFS='	' read -r option _ _ type _; do
		case $type in
		int | size | double) values='x 1x 1e999 nan' ;;
		choice) values='nosuch' ;;
		*) continue ;;
		esac
		for value in $values ''; do
			run "$1" "--$option" "$value"
			fails 2 "$option" "--$option '$value'" | grep '^ok' >/dev/null ||
				{ echo "--$option '$value': status $status"; cat "$T/err"; false; } || return 1
		done
	done
}

# Files that cannot be read or written; nothing stays under the name of the output.
check_failures() { # NAME INPUT ARG...
	failures_program=$1
	failures_input=$2
	shift 2
	set -- "$failures_program" "$@"
	touch "$T/.after" "$T/.ok" "$T/.why" "$T/out" "$T/err"
	before=$(ls -A "$T")
	run "$@" -o "$T/failed" "$T/no-such-file"
	fails 1 'no-such-file' "$1: an input that is not there"
	run "$@" -o "$T/no-such-folder/x" "$failures_input"
	fails 1 'no-such-folder' "$1: an output folder that is not there"
	echo 'This is a text, and neither cells nor HDF5.' >"$T/text"
	: >"$T/empty"
	for input in text empty; do
		run "$@" -o "$T/failed" "$T/$input"
		fails 1 "$input" "$1: a file that is $input"
	done
	rm "$T/text" "$T/empty"
	ls -A "$T" >"$T/.after"
	is "$(cat "$T/.after")" "$before" "$1: no output and no temporary file from those"
}

# A stream or a text on stdout: a full disk, a terminal, stdout and -o the same, any number of threads.
check_stdout() { # NAME INPUT ARG...
	stdout_program=$1
	stdout_input=$2
	shift 2
	set -- "$stdout_program" "$@"
	"$@" "$stdout_input" >/dev/full 2>"$T/err" </dev/null
	status=$?
	fails 1 'No space left on device' "$1: a full disk is noticed"
	level=
	has_option "$1" level && level='-l 0'
	# shellcheck disable=SC2086
	"$@" $level "$stdout_input" 2>"$T/err" </dev/null | cat >"$T/piped"
	# shellcheck disable=SC2086
	run "$@" $level -o "$T/named" "$stdout_input"
	status_is 0 "$1 -o FILE exits 0"
	same "$T/named" "$T/piped" "$1: -o FILE has what a pipe gets"
	ok "$1: the output is not empty" test -s "$T/piped"
	if has_option "$1" threads; then
		for n in 1 2 4; do
			# shellcheck disable=SC2086
			"$@" $level -t $n "$stdout_input" 2>"$T/err" </dev/null | cat >"$T/threads$n"
			same "$T/threads$n" "$T/piped" "$1: the same bytes with -t $n"
		done
	fi
	rm -f "$T/piped" "$T/named" "$T"/threads*
}

# Runs a line of shell on a terminal, for ten seconds at most.
on_terminal() { # LINE
	timeout 10 script -qec "$1" /dev/null </dev/null >"$T/out" 2>&1
	status=$?
	tr -d '\r' <"$T/out" >"$T/err"
}

check_terminal_out() { # NAME INPUT ARG...
	terminal_program=$1
	terminal_input=$2
	shift 2
	on_terminal "$(quoted "$terminal_program" "$@" "$terminal_input")"
	like "$status $(grep -a -c terminal "$T/err")" '^[12] 1$' "$terminal_program does not write binary to a terminal"
	on_terminal "$(quoted "$terminal_program" -f "$@" "$terminal_input")"
	is "$status" 0 "$terminal_program -f does"
}

# A stream as the input: stdin and FILE the same, a terminal refused, every cut and flipped bit found.
check_stream_in() { # NAME INPUT ARG...
	in_program=$1
	in_input=$2
	shift 2
	ok "$in_program: the sample as our own stream" make_own "$in_input"
	if has stdin; then
		"$in_program" "$@" "$in_input" -o "$T/by_name" >"$T/err" 2>&1 </dev/null
		"$in_program" "$@" -o "$T/by_stdin" <"$in_input" >"$T/err" 2>&1
		"$in_program" "$@" -o "$T/by_dash" - <"$in_input" >"$T/err" 2>&1
		"$in_program" "$@" -o "$T/own_pipe" <"$T/own0.cells" >"$T/err" 2>&1
		ok "$in_program: stdin is the same as FILE" diff -r "$T/by_name" "$T/by_stdin"
		ok "$in_program: and so is -" diff -r "$T/by_name" "$T/by_dash"
		ok "$in_program: a stream of ours as input" test -e "$T/own_pipe"
		rm -rf "$T/by_name" "$T/by_stdin" "$T/by_dash" "$T/own_pipe"
		on_terminal "$(quoted "$in_program" "$@" -o "$T/out2")"
		like "$status $(grep -c terminal "$T/err")" '^[12] 1$' "$in_program does not read from a terminal"
		rm -rf "$T/out2"
	fi
	for kind in own own0; do
		rm -rf "$T/cuts"
		mkdir "$T/cuts"
		python3 tests/cli/stream.py cuts "$T/$kind.cells" "$T/cuts"
		check_broken "$in_program: every truncation is an error ($kind)" "$in_program" "$@"
		rm -rf "$T/cuts"
		mkdir "$T/cuts"
		python3 tests/cli/stream.py flips "$T/$kind.cells" "${FLIPS:-40}" "$T/cuts"
		check_broken "$in_program: every flipped bit is an error ($kind)" "$in_program" "$@"
	done
	rm -rf "$T/cuts"
}

# Each file of $T/cuts gives exit 1, one line that names it, and no output.
check_broken() { # NAME COMMAND ARG...
	broken_name=$1
	shift
	n=0
	for file in "$T"/cuts/*; do
		run "$@" -o "$T/failed" "$file"
		if test "$status" != 1 || test "$(wc -l <"$T/err")" != 1 || ! grep -q "${file##*/}" "$T/err" ||
			test -e "$T/failed"; then
			rm -rf "$T/failed"
			{ echo "${file##*/}: status $status"; cat "$T/err"; } >"$T/.why"
			fail "$broken_name"
			return
		fi
		n=$((n + 1))
	done
	ok "$broken_name: $n files" test $n -gt 0
}

# Rows in, rows out; unknown columns and metadata come through; no cells at all.
check_stream_through() { # NAME INPUT ARG...
	through_program=$1
	through_input=$2
	shift 2
	run "$through_program" "$@" -l 0 -o "$T/through" "$through_input"
	status_is 0 "$through_program: the sample is processed"
	if has rows; then
		is "$(python3 tests/cli/stream.py rows "$T/through")" "$(python3 tests/cli/stream.py rows "$through_input")" \
			"$through_program: as many rows as in the sample"
	fi
	if has columns; then
		known=cell,cell_type,donor,n_genes,score,doublet,lab_time,lab_xy
		for which in through_input through; do
			test $which = through && file=$T/through || file=$through_input
			cellview --tsv --columns $known "$file" >"$T/$which.tsv"
		done
		same "$T/through.tsv" "$T/through_input.tsv" "$through_program: other columns come through"
		is "$(wc -l <"$T/through.tsv")" 21 "$through_program: a header and 20 cells"
		ok "$through_program: unknown metadata comes through" grep -a -q 'bench 3, shelf B' "$T/through"
	fi
	if has zero; then
		ok "$through_program: the sample as our own stream" make_own "$through_input"
		run "$through_program" "$@" -o "$T/none" "$T/zero.cells"
		status_is 0 "$through_program: no cells at all"
		is "$(python3 tests/cli/stream.py rows "$T/none")" 0 "$through_program: no rows from it"
		run cellhead "$T/none" -o "$T/none2"
		status_is 0 "$through_program: a whole stream from it"
	fi
	rm -f "$T"/through* "$T"/none*
}

common_checks() { # KIND NAME INPUT ARG...
	kind_of_program=$1
	shift
	check_usage "$1"
	if test "$kind_of_program" != reader; then
		need_command python3
		check_stream_in "$@"
	fi
	test "$kind_of_program" = filter && check_stream_through "$@"
	test "$kind_of_program" = writer || check_stdout "$@"
	case $kind_of_program in filter | reader) check_terminal_out "$@" ;; esac
	check_failures "$@"
}
