#!/bin/sh
# lint.sh - everything about the files that is not what they do. One TAP line a check; run from the root of the repository.
#
# The builds with gcc and clang under -Werror come before, in the Makefile.
#
# shellcheck disable=SC2016,SC2046,SC2317     # back quotes are meant; lists are words; functions are called by name

set -u

B=${B:-build}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
LC_ALL=C
export LC_ALL
n=0
failed=0

# The files of the repository, or of an unpacked tarball. Those that git knows but that are gone are left out.
{
	git ls-files -co --exclude-standard 2>/dev/null ||
		find . -type f ! -path "./$B/*" | sed 's,^\./,,'
} | sort -u | while read -r file; do
	test -f "$file" && echo "$file"
done >"$work/files"

files() { # EXTENDED-REGEX
	grep -E "$1" "$work/files"
}

# A check fails where it prints something or its status is not 0.
check() { # NAME COMMAND ARG...
	title=$1
	shift
	n=$((n + 1))
	if "$@" >"$work/said" 2>&1 && ! test -s "$work/said"; then
		echo "ok $n - $title"
	else
		echo "not ok $n - $title"
		sed 's/^/#   /' "$work/said"
		failed=1
	fi
}

manual_pages() {
	for page in $(files '^man/'); do
		mandoc -T lint "$page" 2>&1 | grep -Ev 'referenced manual not found|outdated mandoc.db'
	done
	grep -Eho '^\.Xr (cellpipe|cells|[a-z0-9]*(cells|2[a-z0-9]+)[a-z0-9]*|gf[a-z]+) [157]' $(files '^man/') | sort -u |
		while read -r _ name section; do
			test -r "man/$name.$section" || echo "no page for .Xr $name $section"
		done
}

formatting() {
	format=clang-format-14
	command -v "$format" >/dev/null || format=clang-format
	for file in $(files '\.([ch]|cu|cc)$'); do
		"$format" "$file" | cmp -s - "$file" || echo "make format would change $file"
	done
}

unique_names() {
	files '\.(c|h|cu|cc|awk|sh)$' | sed 's,.*/,,' | sort | uniq -d
}

# Words that do not belong into finished work, and functions that the house does without.
words() {
	grep -En '\b(TO''DO|FIX''ME|XX''X)\b' $(files '\.(c|h|cu|cc|awk|sh|t|py|mk|[157]|md)$|^Makefile$')
	grep -EHn '(^|[^a-z_.>])(atoi|atol|atof|sprintf|vsprintf|strtok|strcpy|strcat|alloca|gets)\(' $(files '\.([ch]|cu|cc)$')
	grep -EHn '(^|[^a-z_.>])exit\(' $(files '^(common|formats)/.*\.c$' | grep -v '^common/base/cli\.c$')
	grep -EHn '^[ 	]*//.*[;{}]$' $(files '\.[ch]$')
	true
}

lengths() {
	wc -l $(files '\.([ch]|cu|cc)$') | awk '
		$2 != "total" && $1 > ($2 ~ /^filters\// ? 300 : 600) { print $2 " has " $1 " lines" }'
}

scripts() {
	shellcheck -x -P SCRIPTDIR -e SC1091 $(files '\.sh$|^\.ci/run$')
	# What a test names after common.sh is read there.
	for file in $(files '\.t$'); do
		head -n 1 "$file" | grep -q python || shellcheck -s sh -e SC1091,SC2016,SC2034,SC2154 "$file"
	done
	python3 - $(files '\.py$') <<-'END'
		import ast, sys
		for path in sys.argv[1:]:
		    ast.parse(open(path).read(), path)
	END
}

# Every program has its page, its test and its row in README.md; nothing else has.
complete() {
	for file in $(files '^filters/'); do
		name=$(basename "$file" .c)
		test -r "man/$name.1" || echo "man/$name.1 is missing"
		test -r "tests/cli/$name.t" || echo "tests/cli/$name.t is missing"
		grep -q "^| \`$name\` |" README.md || echo "README.md: no row for $name"
	done
	for page in $(files '^man/.*\.1$'); do
		test -r "filters/$(basename "$page" .1).c" || echo "$page: no such program"
	done
	grep -Eo '^\| `[a-z0-9]+` \|' README.md | tr -d '|` ' | while read -r name; do
		test -r "filters/$name.c" || echo "README.md: no program $name"
	done
}

top_level() {
	sed 's,/.*,,' "$work/files" | sort -u |
		grep -Evx 'Makefile|filters|common|formats|tests|pipelines|man|README\.md|LICENSE|\..*'
	true
}

big_files() {
	while read -r file; do
		test "$(wc -c <"$file")" -lt 8000000 || echo "$file is larger than 8 MB"
	done <"$work/files"
}

check 'manual pages: mandoc -T lint' manual_pages
check 'options: table and page agree' sh tests/lint/options.sh "$B/bin"
check 'includes: nothing points back' sh tests/lint/includes.sh
check 'formatting: clang-format 14' formatting
check 'file names are unique' unique_names
check 'words and functions the house does without' words
check 'lengths of files' lengths
check 'scripts: shellcheck' scripts
check 'every program has a page, a test and a row in README.md' complete
check 'nothing else at the top level' top_level
check 'no big files' big_files
echo "1..$n"
exit $failed
