#!/bin/sh
# options.sh - the options that a program has are those that its manual page describes, and the other way round.
#
#	sh tests/lint/options.sh FOLDER-OF-PROGRAMS
#
# A page describes an option in a line `.It Fl d , Fl -dictionary Ar DICT` and names it in the SYNOPSIS, by its letter where
# it has one. The options that all programs share may be left to cellpipe.7, if the page refers there.

set -u

programs=$1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

# "letter name value?" of each option described, "-" where there is none.
described() { # PAGE
	awk '
		$1 != ".It" || $2 != "Fl" { next }
		{
			letter = name = "-"
			value = "flag"
			for (i = 2; i <= NF; i++) {
				if ($i == "Ar" || $i == "Cm")
					value = "value"
				if ($i != "Fl" || $(i + 1) == "Fl")
					continue
				word = $(i + 1)
				sub(/[,=]+$/, "", word)
				if ($(i - 1) == "Fl")
					name = word
				else if (word ~ /^(\\-|-)/)
					name = substr(word, index(word, "-") + 1)
				else
					letter = word
			}
			gsub(/\\-/, "-", name)
			print letter, name, value
		}
	' "$1" | sort -u
}

# Letters and long names of the SYNOPSIS, one a line. `Fl fqv` are three letters.
in_synopsis() { # PAGE
	awk '
		$1 == ".Sh" { inside = $2 == "SYNOPSIS" }
		!inside { next }
		{
			for (i = 1; i < NF; i++) {
				if ($i != "Fl" && $i != ".Fl" || $(i + 1) == "Fl")
					continue
				word = $(i + 1)
				gsub(/\\-/, "-", word)
				if ($(i - 1) == "Fl" || word ~ /^-/) {
					sub(/^-/, "", word)
					print word
				} else
					for (k = 1; k <= length(word); k++)
						print substr(word, k, 1)
			}
		}
	' "$1" | sort -u
}

complain() { # NAME WHAT FILE
	test -s "$3" || return
	failed=1
	sed "s/^/$1: $2: /" "$3"
}

check() { # NAME
	page=man/$1.1
	test -r "$page" || { echo "$1: no page $page"; failed=1; return; }
	"$programs/$1" --print-options |
		awk -F '\t' 'NR > 1 { print $2, $1, ($4 == "flag" ? "flag" : "value") }' | sort -u >"$work/table"
	described "$page" >"$work/page"
	cp "$work/page" "$work/covered"
	: >"$work/shared"
	if grep -q 'Xr cellpipe 7' "$page" && test -r man/cellpipe.7; then
		described man/cellpipe.7 >"$work/shared"
		sort -u "$work/page" "$work/shared" >"$work/covered"
	fi
	comm -23 "$work/table" "$work/covered" >"$work/wrong"
	complain "$1" 'not described in the page (letter, name, flag or value)' "$work/wrong"
	comm -13 "$work/table" "$work/page" >"$work/wrong"
	complain "$1" 'described, but no such option (letter, name, flag or value)' "$work/wrong"
	in_synopsis "$page" >"$work/synopsis"
	{ cut -d' ' -f1 "$work/table"; cut -d' ' -f2 "$work/table"; } | sort -u >"$work/names"
	comm -13 "$work/names" "$work/synopsis" >"$work/wrong"
	complain "$1" 'in the synopsis, but no such option' "$work/wrong"
	comm -23 "$work/table" "$work/shared" | grep -Ev ' (help|version|print-options) ' |
		awk '{ print $1 == "-" ? $2 : $1 }' | sort -u >"$work/names"
	comm -23 "$work/names" "$work/synopsis" >"$work/wrong"
	complain "$1" 'not in the synopsis' "$work/wrong"
}

LC_ALL=C
export LC_ALL
for file in filters/*.c; do
	test -e "$file" && check "$(basename "$file" .c)"
done
exit $failed
