#!/bin/sh
# h5ad2cells: AnnData files of every age and every kind of column. The small files are made by tests/data/h5ad/make.py: four
# cells, three genes; what must come out of them is written here by hand.
. "${0%/*}/lib.sh"
. "${0%/*}/common.sh"

H=$DATA/h5ad

common_checks reader h5ad2cells "$DATA/counts.h5ad"

# The rows of a file as text, tabs as bars: the header apart.
rows_are() { # NAME EXPECTED FILE ARG...
	rows_name=$1 rows_expected=$2
	shift 2
	run h5ad2cells "$@" -o "$T/rows"
	status_is 0 "$rows_name: exit 0"
	is "$(cellview --tsv "$T/rows" | sed 1d | tr '\t' '|')" "$rows_expected" "$rows_name"
}

plain='AAA|G1,G3|5,2|7
CCC|G2|3|3
GGG|||0
TTT|G1,G2,G3|1,4,9|14'

for form in plain csc dense int32; do
	rows_are "$form matrix" "$plain" "$H/$form.h5ad"
	err_is '' "$form: no warning"
done
rows_are 'nothing but a header' '' "$H/no_rows.h5ad"
rows_are 'storage order is kept' 'AAA|G3,G1|2,5|7
CCC|G2|3|3
GGG|||0
TTT|G3,G1,G2|9,1,4|14' "$H/unsorted.h5ad"
rows_are 'stored zeros are entries' 'AAA|G1,G3|5,0|5
CCC|G2|3|3
GGG|||0
TTT|G1,G2,G3|1,0,9|10' "$H/stored_zeros.h5ad"
rows_are 'genes that occur twice stay' 'AAA|G1,G1|5,2|7
CCC|G2|3|3
GGG|||0
TTT|G1,G2,G1|1,4,9|14' "$H/repeated_genes.h5ad"
h5ad2cells -l 0 - <"$H/plain.h5ad" >"$T/stdin"
h5ad2cells -o "$T/named" -l 0 "$H/plain.h5ad"
same "$T/stdin" "$T/named" 'a regular file as standard input'

# Totals: trusted where obs has them; their type is that of the reference's division.
total_type() {
	cellview --schema "$T/rows" | awk '$1 == "n_counts" { print $2 }'
}
rows_are 'obs n_counts is trusted' 'AAA|G1,G3|5,2|10
CCC|G2|3|20
GGG|||0
TTT|G1,G2,G3|1,4,9|40' "$H/n_counts.h5ad"
is "$(total_type)" float32 'float32 by float32'
rows_are 'unless --recount' "$plain" --recount "$H/n_counts.h5ad"
is "$(total_type)" float32 'the sum of float32'
run h5ad2cells -o "$T/rows" "$H/n_counts_int.h5ad"
is "$(total_type)" float64 'float32 by int64'
run h5ad2cells -o "$T/rows" "$H/int32.h5ad"
is "$(total_type)" float64 'the sum of int32'
run h5ad2cells "$H/n_counts_text.h5ad"
fails 1 'obs/n_counts: not numbers; --recount' 'n_counts that is text'
rows_are '--recount then' "$plain" --recount --obs none "$H/n_counts_text.h5ad"

# filter_pass: the number 1 only.
rows_are 'filter_pass of bools' 'AAA|G1,G3|5,2|7|true
GGG|||0|true
TTT|G1,G2,G3|1,4,9|14|true' "$H/filter_bool.h5ad"
err_like 'warning: 1 of 4 cells left out' 'cells left out are counted'
rows_are 'filter_pass of floats' 'AAA|G1,G3|5,2|7|1
TTT|G1,G2,G3|1,4,9|14|1' "$H/filter_float.h5ad"
rows_are 'filter_pass of categories that are numbers' 'AAA|G1,G3|5,2|7|1
TTT|G1,G2,G3|1,4,9|14|1' "$H/filter_category.h5ad"
rows_are 'the text "1" does not pass' '' "$H/filter_text.h5ad"
rows_are '--keep-filtered' "$plain" --keep-filtered --obs '' "$H/filter_bool.h5ad"
err_is '' 'no warning then'

# Columns.
run h5ad2cells -o "$T/rows" "$H/columns.h5ad"
status_is 0 'columns of every sort'
err_like 'renamed, since the stream uses their names: obs.cell, obs.length$' 'names of the stream are not taken'
is "$(cellview --tsv "$T/rows" | cut -f 4- | tr '\t' '|')" \
	'n_counts|text|int|single|double|bool|half|bytes|obs.cell|obs.length|category|cluster|null_int|null_bool|null_text
10|x|1|0.5|0.1|true|0.5|a|1|7|t cell|3|1|true|p
20||-2|NaN|-0|false|1|bb|2|8|b cell|12||true|q
30|ü|3|1|Inf|true|2||3|9||12|3|false|
40|x|1099511627776|2|1e+300|false|3|dddd|4|10|t cell|3|4||s' 'values and nulls of every column'
is "$(cellview --jsonl --columns text,null_text "$T/rows" | sed -n '2p;3p' | tr -d ' ')" \
	'{"text":"","null_text":"q"}
{"text":"ü","null_text":null}' 'an empty text is no null'
rows_are 'a column of two dimensions, one of big-endian numbers' 'AAA|G1,G3|5,2|7|1
CCC|G2|3|3|2
GGG|||0|3
TTT|G1,G2,G3|1,4,9|14|4' "$H/odd_column.h5ad"
err_like 'left out, since a stream cannot carry them: matrix$' 'is named'
rows_are 'chosen columns, in the order of the file' 'AAA|ENSG1,|5,2|10|x|1
CCC|ENSG2|3|20||-2
GGG|||30|ü|3
TTT|ENSG1,ENSG2,|1,4,9|40|x|1099511627776' --obs int,text "$H/columns.h5ad"
err_is '' 'and no word about the others'
rows_are '-c COLUMN' '1|ENSG1,|5,2|10
2|ENSG2|3|20
3|||30
4|ENSG1,ENSG2,|1,4,9|40' -c cell --obs none "$H/columns.h5ad"
rows_are '-g COLUMN' 'AAA|A,C|5,2|10
CCC|B|3|20
GGG|||30
TTT|A,B,C|1,4,9|40' -g symbol --obs none "$H/columns.h5ad"
rows_are 'ensembl_id before gene_ids' 'AAA|E1,E3|5,2|7
CCC|E2|3|3
GGG|||0
TTT|E1,E2,E3|1,4,9|14' "$H/ids.h5ad"
rows_are '-g index' "$plain" -g index "$H/ids.h5ad"
rows_are '-g of numbers' 'AAA|7,9|5,2|7
CCC|8|3|3
GGG|||0
TTT|7,8,9|1,4,9|14' -g number "$H/ids.h5ad"
for wrong in '-g x' '-c x' '--obs x' '--obs int,x'; do
	# shellcheck disable=SC2086
	run h5ad2cells $wrong "$H/columns.h5ad"
	fails 1 "no column x" "$wrong: a column that is not there"
done

# Older files.
rows_are 'anndata 0.7' 'AAA|G1,G3|5,2|7|
CCC|G2|3|3|k1
GGG|||0|k2
TTT|G1,G2,G3|1,4,9|14|' "$H/v0.7.h5ad"
rows_are 'anndata 0.6' 'AAA|EG1,EG3|5,2|10|k1
CCC|EG2|3|20|k2
GGG|||30|
TTT|EG1,EG2,EG3|1,4,9|40|k1' -x raw "$H/v0.6.h5ad"

# Other matrices.
run h5ad2cells "$H/log_normalised.h5ad"
fails 1 'cell AAA, gene G1: 1.79175949: not a whole count; whole counts are in raw/X \(-x raw\), layers/counts \(-x counts\);' \
	'log-normalised X: says where counts are'
rows_are '-x raw, with its own genes' 'AAA|R1,R3|5,2|7
CCC|R2|3|3
GGG|||0
TTT|R1,R2,R3|1,4,9|14' -x raw "$H/log_normalised.h5ad"
rows_are '-x LAYER' "$plain" -x counts "$H/log_normalised.h5ad"
rows_are '-x layers/LAYER' "$plain" -x layers/counts "$H/log_normalised.h5ad"
run h5ad2cells -x nosuch "$H/log_normalised.h5ad"
fails 1 'no nosuch; the file has -x X or raw or counts or scaled' 'a layer that is not there'
run h5ad2cells "$H/log_normalised_only.h5ad"
fails 1 'no other matrix of the file holds whole counts' 'no counts anywhere'
run h5ad2cells --allow-non-integer -o "$T/rows" "$H/log_normalised_only.h5ad"
status_is 0 '--allow-non-integer'
is "$(cellview --tsv --columns count "$T/rows" | sed -n 2p)" '1.7917595,1.0986123' 'gives the numbers'
run h5ad2cells --allow-non-integer -x scaled "$H/log_normalised.h5ad"
fails 1 'a count cannot be negative; whole counts are in raw/X' 'but no negative ones'
run h5ad2cells -o "$T/rows" "$H/at_float32.h5ad"
is "$(cellview --tsv --columns count "$T/rows" | sed -n '3p;5p' | tr '\n' ' ')" '16777216 1,4,1.2676506e+30 ' \
	'whole numbers that float32 holds'

# What is wrong is named, with file and place.
refuses() { # FILE EXTENDED-REGEX
	run h5ad2cells -o "$T/refused" "$H/$1.h5ad"
	fails 1 "$1.h5ad: $2" "$1"
	ok "$1: no output" not test -e "$T/refused"
}
refuses negative 'X: cell CCC, gene G2: -3: a count cannot be negative'
refuses not_a_number 'X: cell TTT, gene G2: nan: not a number'
refuses infinite 'X: cell TTT, gene G1: inf: a count cannot be infinite'
refuses above_float32 'X: cell CCC, gene G2: 16777217: too large'
refuses gene_beyond 'X: row 3: gene number 3, but there are 3'
refuses gene_negative 'X: row 1: gene number -1'
refuses indptr_back 'X/indptr: goes back at row 1 \(2 to 1\)'
refuses indptr_beyond 'X/indptr: ends at 7, but there are 6 values'
refuses indptr_short 'X: indptr has 3 values for 4 rows'
refuses indptr_start 'X/indptr: does not start at 0'
refuses unequal_parts 'X: 5 indices for 6 values'
refuses obs_short 'X: 4 rows, but obs has 3 cells'
refuses var_short 'X: 3 columns, but var has 2 genes'
refuses code_beyond 'obs/kind/codes: row 2: code 2 of 2 categories'
refuses latin1 'obs/name: row 2: text is not UTF-8'
refuses no_x 'no X; the file has no matrix at all'
refuses odd_x 'X: encoding awkward-array is no matrix'
refuses not_anndata 'an HDF5 file, but not AnnData: it has no obs'
rows_are 'a bad column can be left out' "$plain" --obs none "$H/latin1.h5ad"
run h5ad2cells -o "$T/rows" "$H/repeated_cells.h5ad"
status_is 0 'cells that occur twice'
err_like 'warning: .*: cell AAA occurs more than once' 'are told of, once'
is "$(wc -l <"$T/err")" 1 'in one line'

# shellcheck disable=SC2002
cat "$H/plain.h5ad" | h5ad2cells - >"$T/out" 2>"$T/err"
status=$?
fails 1 'stdin: not a regular file' 'a pipe cannot be read'
run h5ad2cells "$T"
fails 1 'is a folder' 'nor can a folder'
run h5ad2cells
fails 2 'FILE' 'no file at all'

survives() { # FOLDER
	for file in "$1"/*; do
		run h5ad2cells -q -o "$T/refused" "$file"
		test "$status" = 0 || { test "$status" = 1 && test "$(wc -l <"$T/err")" = 1; } || {
			echo "$file: $status"
			cat "$T/err"
			return 1
		}
	done
}

# Every cut of a file, and bits that flip: an error or, where HDF5 cannot know, the same cells or other ones; never a crash.
size=$(wc -c <"$H/plain.h5ad")
n=0
for part in 1 8 100 512 2048 4096 $((size / 2)) $((size - 1)); do
	head -c "$part" "$H/plain.h5ad" >"$T/cut.h5ad"
	run h5ad2cells -o "$T/refused" "$T/cut.h5ad"
	test "$status" = 1 && test "$(wc -l <"$T/err")" = 1 && grep -q 'cut.h5ad: ' "$T/err" && n=$((n + 1))
done
is $n 8 'a file that is cut short is an error of one line'

# Under ASan HDF5's own faults would be ours.
if is_instrumented; then
	skip 'HDF5 itself does not look' 'flipped bits'
else
	mkdir "$T/cuts"
	for file in plain columns v0.7; do
		python3 tests/cli/stream.py flips "$H/$file.h5ad" 15 "$T/cuts"
		ok "flipped bits in $file.h5ad: cells or one line, no crash" survives "$T/cuts"
		rm "$T"/cuts/*
	done
fi

done_testing
