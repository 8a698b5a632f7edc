#!/bin/sh
# The examples of the manual pages and of README.md run, in the order in which they stand, from the root of a copy of what
# the repository bundles, with no GENEFORMER_DIR.
#
# In a page: the lines of its EXAMPLES that start with "$ ", in .Dl or a literal display; a line that ends with a bar or a
# backslash goes on in the next. In README.md: each block of code marked sh, as one script.

. "${0%/*}/lib.sh"
need_command bash awk

commands_of_page() { # PAGE
	awk '
		/^\.Sh/ { inside = $2 == "EXAMPLES" || $0 ~ /^\.Sh "?EXAMPLES/ }
		!inside { next }
		{ sub(/^\.Dl /, "") }
		/^\.[A-Z]/ && !going_on { next }
		!going_on && !/^\$ / { next }
		{
			gsub(/\\e/, "\\")
			gsub(/\\-/, "-")
			gsub(/\\&/, "")
			gsub(/\\\(aq/, "\047")
			gsub(/\\\(dq/, "\"")
			gsub(/\\\(ti/, "~")
			sub(/^\$ /, "")
			line = line $0
			going_on = line ~ /[|\\]$/
			sub(/\\$/, "", line)
			if (!going_on) {
				print line
				line = ""
			} else
				line = line " "
		}
		END { if (line) print line }
	' "$1"
}

# Each block is one line, its lines divided by \001.
scripts_of_readme() {
	awk '
		/^ *```sh$/ { inside = 1; script = ""; next }
		/^ *```$/ && inside { inside = 0; print script; next }
		inside { script = script (script ? "\001" : "") $0 }
	' README.md
}

# A copy of what there is to work on.
enter_copy() {
	rm -rf "$T/copy"
	mkdir -p "$T/copy/tests"
	cp -R pipelines README.md LICENSE "$T/copy"
	cp -R tests/data "$T/copy/tests"
	cd "$T/copy" || exit 1
}

# The first command that fails ends the script; but what writes to a program that reads only the first rows ends by SIGPIPE.
try() { # NAME SCRIPT
	ok "$1" timeout 120 bash -o pipefail -c "trap 'test \$? = 141 || exit 1' ERR
$2
true"
}

for page in man/*; do
	test -e "$page" || continue
	commands_of_page "$page" >"$T/commands"
	case $page in
	*.1) ok "$page has examples" test -s "$T/commands" ;;
	esac
	enter_copy
	while read -r command; do
		try "$page: $command" "$command" </dev/null
	done <"$T/commands"
	cd "$ROOT" || exit 1
done

scripts_of_readme >"$T/commands"
enter_copy
while read -r script; do
	script=$(echo "$script" | tr '\001' '\n')
	try "README.md: $(echo "$script" | head -n 1)" "$script" </dev/null
done <"$T/commands"
cd "$ROOT" || exit 1
done_testing
