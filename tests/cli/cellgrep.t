#!/bin/sh
# cellgrep: the rows that fulfil a condition, as they are. Which rows that are was read off the table of the sample.
. "${0%/*}/lib.sh"
. "${0%/*}/common.sh"

common_checks filter cellgrep "$DATA/tokens.cells" 'cell =~ "^TTGA"'

# The cells of the sample are TTGA0000-1 to TTGA0019-1; their numbers, "0 6 12", are compared.
keeps() { # EXPRESSION NUMBERS
	run_sh "cellgrep -e '$(echo "$1" | sed "s/'/'\\\\''/g")' $DATA/tokens.cells | cellview --tsv --columns cell"
	is "$(sed -n 's/^TTGA00\([0-9]*\)-1$/\1/p' "$T/out" | sed 's/^0\(.\)/\1/' | tr '\n' ' ')" "$2 " "$1"
}

keeps 'donor == "d1" and cell_type != "T cell" and n_genes > 30' '10 11 16 19'
keeps "doublet" '0 6 12 18'
keeps 'not doublet and n_genes >= 38' '4 11 16'
keeps 'cell_type is null or doublet is null' '5 7'
keeps 'n_genes is null' '3'
keeps 'score is null' '4'
keeps 'lab_xy is not null and score < -0.5' '0 1 2 3'
keeps 'not (cell_type == "T cell" or cell_type =~ "^mono")' '1 4 7 10 13 16 19'
keeps 'cell in ("TTGA0003-1", '"'TTGA0017-1'"', "none")' '3 17'
keeps '-0.25 <= score and score <= 0.125 and cell_type not in ("B cell")' '6 8 9'
cellview --tsv --columns length,n_genes,cell "$DATA/tokens.cells" >"$T/table"
for sign in '>' '<=' '!='; do
	run cellgrep -c "length $sign n_genes" "$DATA/tokens.cells"
	is "$(cat "$T/out")" "$(awk -F '\t' "NR > 1 && \$2 != \"\" && \$1 + 0 $sign \$2 + 0" "$T/table" | wc -l)" \
		"a column $sign a column"
done

run cellgrep --count 'donor == "d1"' "$DATA/tokens.cells"
out_is 10 'the number of rows'
run cellgrep --invert -c 'n_genes > 30' "$DATA/tokens.cells"
out_is 8 '--invert has those with a null too'
run cellgrep -c 'donor == "d2"' "$DATA/tokens.cells"
status_is 0 'no such row: exit 0'
out_is 0 'and the number is 0'
run cellgrep -c -o "$T/number" 'donor == "d0"' "$DATA/tokens.cells"
is "$(cat "$T/number")" 10 '-o gets the number'
cellgrep -c 'donor == "d0"' "$DATA/tokens.cells" >/dev/full 2>"$T/err"
status=$?
fails 1 'No space left on device' '-c: a full disk is noticed'
run cellgrep 'donor == "d2"' -o "$T/none" "$DATA/tokens.cells"
is "$status $(python3 tests/cli/stream.py rows "$T/none")" '0 0' 'a stream without rows is whole'
run cellgrep -v -o "$T/some" 'donor == "d1"' "$DATA/tokens.cells"
err_like '10 of 20 rows' '-v tells how many'

# Whole rows: lists, structs and dictionaries of those that are left.
cellview --jsonl "$DATA/tokens.cells" | grep '"donor":"d1"' >"$T/expected"
cellgrep 'donor == "d1"' "$DATA/tokens.cells" | cellview --jsonl >"$T/rows"
same "$T/rows" "$T/expected" 'all columns of the rows'
cellgrep 'not (donor == "d1")' --invert "$DATA/tokens.cells" | cellview --jsonl >"$T/rows"
same "$T/rows" "$T/expected" '--invert of the opposite'
h5ad2cells -o "$T/counts" "$DATA/counts.h5ad"
cellview --jsonl "$T/counts" | grep '"cell_type":"B cell"' >"$T/expected"
cellgrep 'cell_type == "B cell"' "$T/counts" | cellview --jsonl >"$T/rows"
same "$T/rows" "$T/expected" 'a column with a dictionary'
ok 'which has such rows' test -s "$T/expected"
run_sh "cellgrep -e 'donor == \"d1\"' --invert <$DATA/tokens.cells | cellview --history"
out_like 'cellgrep .*--expression donor == "d1" --invert' 'the history has the condition'
run_sh "cellgrep -e '-1 == score' $DATA/tokens.cells | cellview --tsv --columns cell"
out_like '^TTGA0000-1$' '-e: one that begins with a minus'

run cellgrep
fails 2 'EXPRESSION is missing' 'no condition'
run cellgrep 'doublet' "$DATA/tokens.cells" "$DATA/tokens.cells"
fails 2 'one FILE at most' 'two files'
run cellgrep -e 'doublet' "$DATA/tokens.cells" "$DATA/tokens.cells"
fails 2 'one FILE at most' 'two files behind -e'
run cellgrep 'n_genes >= ' "$DATA/tokens.cells"
fails 2 'expression, character 12: the end, where' 'half a condition is wrong usage'
run cellgrep 'n_gene > 1' "$DATA/tokens.cells"
fails 1 'tokens.cells: expression, character 1: no column n_gene; did you mean n_genes\? there are cell, ' 'no such column'
run cellgrep 'donor == 1' "$DATA/tokens.cells"
fails 1 'character 10: the column donor .utf8. cannot be compared with a number' 'a text with a number'
run cellgrep 'input_ids == 1' "$DATA/tokens.cells"
fails 1 'the column input_ids is list<uint16>, and only' 'a list'
run cellgrep 'lab_time > 1' "$DATA/tokens.cells"
fails 1 'the column lab_time is timestamp, and only' 'a time'
run cellgrep 'donor =~ "("' "$DATA/tokens.cells"
fails 1 'character 10: the pattern: ' 'a broken pattern'

done_testing
