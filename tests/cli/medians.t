#!/bin/sh
# medians: non-zero medians of genes, and a vocabulary. Expected numbers: Python's statistics (medians.py).

. "${0%/*}/lib.sh"
. "${0%/*}/common.sh"
need_command python3

without='columns zero rows'
common_checks filter medians "$DATA/counts.cells" -d "$DATA/genes.cells"
common_checks filter medians "$DATA/counts.cells" --digest --special no

expect() { # FILE MIN-CELLS
	cellview --jsonl "$1" | python3 tests/cli/medians.py expect "$2"
}

table_is() { # FILE EXPECTED
	cellview --tsv --columns gene,token,median "$1" | python3 tests/cli/medians.py same "$2"
}

# -- numbers

expect "$DATA/counts.cells" 1 >"$T/all.tsv"
is "$(wc -l <"$T/all.tsv")" 65 'the sample: a header, 4 special tokens, 60 genes'
run medians "$DATA/counts.cells" -o "$T/all.cells"
status_is 0 'medians of the sample'
err_is '' 'and no word'
ok 'they are those of Python' table_is "$T/all.cells" "$T/all.tsv"

expect "$DATA/counts.cells" 12 >"$T/min.tsv"
ok 'some genes are in fewer than 12 cells' not cmp -s "$T/min.tsv" "$T/all.tsv"
run medians --min-cells 12 "$DATA/counts.cells" -o "$T/min.cells"
ok '--min-cells 12: tokens and medians of the others' table_is "$T/min.cells" "$T/min.tsv"

run medians --digest "$DATA/counts.cells" -o "$T/digest.cells"
ok '--digest is exact for so few cells' table_is "$T/digest.cells" "$T/all.tsv"

sed '1!s/^<cls>.*//; /^<eos>/d; /^$/d' "$T/all.tsv" |
	awk -F '\t' -v OFS='\t' 'NR > 3 { $2 -= 2 } { print }' >"$T/plain.tsv"
run medians --special no "$DATA/counts.cells" -o "$T/plain.cells"
ok '--special no: genes from 2' table_is "$T/plain.cells" "$T/plain.tsv"

awk -F '\t' -v OFS='\t' 'NR > 5 { $3 = sprintf("%.17g", $3 / 10) } { print }' "$T/all.tsv" >"$T/thousand.tsv"
run medians --target-sum 1000 "$DATA/counts.cells" -o "$T/thousand.cells"
ok '--target-sum 1000: a tenth' sh -c 'cellview --tsv --columns gene,median "$T/thousand.cells" |
	paste - "$T/thousand.tsv" | awk "NR > 5 && (\$2 - \$5) ^ 2 > (1e-14 * \$5) ^ 2 { exit 1 }"'

# -- several files

run medians "$DATA/counts.cells" "$DATA/counts.cells" -o "$T/twice.cells"
ok 'every cell twice: the same medians' table_is "$T/twice.cells" "$T/all.tsv"
run cellhead -n 7 "$DATA/counts.cells" -o "$T/seven.cells"
run medians "$T/seven.cells" "$DATA/counts.cells" -o "$T/ab"
run medians "$DATA/counts.cells" "$T/seven.cells" -o "$T/ba"
same "$T/ab" "$T/ba" 'the order of files does not matter'
ok 'but seven cells twice do' not table_is "$T/ab" "$T/all.tsv"
run_sh 'medians - "$DATA/counts.cells" <"$T/seven.cells" >"$T/stdin"'
run_sh 'medians "$T/seven.cells" "$DATA/counts.cells" | cat >"$T/pipe"'
same "$T/stdin" "$T/ab" 'one of them from stdin'
run cellview --history "$T/ab"
is "$(wc -l <"$T/out")" 1 'several inputs: a history of its own'
run cellview --history "$T/all.cells"
out_like 'medians.*10000' 'one input: the program in its history'
for n in 1 2 4; do
	run medians -t $n -l 0 "$DATA/counts.cells" "$DATA/counts_symbols.cells" "$T/seven.cells" -o "$T/t$n"
done
same "$T/t1" "$T/t2" 'three files: the same bytes with -t 2'
same "$T/t1" "$T/t4" 'and with -t 4'

# -- more than memory holds: the sample a hundred times

many=
for n in 1 2 3 4 5 6 7 8 9 10; do
	many="$many $DATA/counts.cells"
done
# shellcheck disable=SC2086
run medians -v --max-memory 1M $many $many $many $many $many $many $many $many $many $many -o "$T/many.cells"
status_is 0 'a hundred files in 1 MB'
err_like 'spilled to TMPDIR' 'values go to TMPDIR'
ok 'the same medians' table_is "$T/many.cells" "$T/all.tsv"
# shellcheck disable=SC2086
run env TMPDIR=/no/such medians --max-memory 1M $many $many $many $many $many $many $many $many $many $many -o "$T/wrong"
fails 1 '/no/such' 'no TMPDIR: an error'

# -- names

run medians -d "$DATA/genes.cells" "$DATA/counts.cells" -o "$T/named.cells"
run_sh 'cellview --tsv "$T/named.cells" | sed -n "6p;10p;11p" | cut -f1,4,5'
out_is "$(printf 'ENSG90000000000\tTOY0\tOLD0,OLDER0\nENSG90000000068\tTOY4\t\nENSG90000000085\tTOY5\tOLD5,OLDER5')" \
	'-d: symbols and aliases'
run_sh 'genemap -d "$T/named.cells" "$DATA/counts_symbols.cells" | cellview --summary'
status_is 0 'genemap takes the new dictionary'
run_sh 'normalize -d "$T/all.cells" "$DATA/counts.cells" | rankencode -d "$T/all.cells" | cellview --tsv --columns length |
	sed 1d | sort -n | tail -n 1'
out_is "$(cellview --tsv --columns gene "$DATA/counts.cells" | awk -F , '{ n = NF > n ? NF : n } END { print n + 2 }')" \
	'normalize and rankencode, too: the most genes of a cell, <cls>, <eos>'
run medians "$DATA/counts_symbols.cells" -o "$T/symbols.cells"
status_is 0 'symbols are no error'
err_like "warning: '.*' is not an Ensembl id.*genemap" 'but a warning that says what to do'
run medians -q "$DATA/counts_symbols.cells" -o "$T/symbols.cells"
err_is '' 'none with -q'

# -- no cells, no genes

cellhead -n 0 "$DATA/counts.cells" -o "$T/zero.cells"
run medians "$T/zero.cells" -o "$T/none.cells"
status_is 0 'no cells'
err_like 'warning: no gene' 'a warning'
is "$(cellview --tsv --columns gene "$T/none.cells" | tr '\n' ' ')" 'gene <pad> <mask> <cls> <eos> ' 'only special tokens'
run medians --min-cells 21 "$DATA/counts.cells" -o "$T/none.cells"
err_like 'warning: no gene was found in 21 cells or more' '--min-cells above the number of cells'

# -- n_counts

sed 's/n_counts/m_counts/g' "$DATA/counts.cells" >"$T/no_total.cells"
run medians "$T/no_total.cells" -o "$T/summed.cells"
status_is 0 'no n_counts'
err_like '^medians: warning: .*no_total.cells: no column n_counts' 'one warning'
ok 'the sum of the counts takes its place' table_is "$T/summed.cells" "$T/all.tsv"

totals=$(cellview --tsv --columns n_counts -n 3 "$DATA/counts.cells" | sed 1d | tr '\n' ' ')
first=${totals%% *}
for bad in 0 -5 nan inf; do
	python3 tests/cli/medians.py patch "$DATA/counts.cells" "$T/bad.cells" "$totals" "$bad ${totals#* }"
	run medians "$T/bad.cells" -o "$T/bad"
	fails 1 "bad.cells: batch 0: cell TTGA0000-1: counts cannot be divided by an n_counts of $bad\$" "n_counts of $bad"
	ok 'no output' not test -e "$T/bad"
done
counts=$(cellview --jsonl -n 1 "$DATA/counts.cells" | sed 's/.*"count":\[//; s/\].*//; s/,/ /g')
for bad in -1 nan inf; do
	python3 tests/cli/medians.py patch "$DATA/counts.cells" "$T/bad.cells" "$counts" "$bad ${counts#* }"
	run medians -t 1 "$DATA/counts.cells" "$T/bad.cells" -o "$T/bad"
	fails 1 "bad.cells: batch 0: cell TTGA0000-1: a count of $bad\$" "a count of $bad"
done
python3 tests/cli/medians.py patch "$DATA/counts.cells" "$T/zeros.cells" "$counts" "$(echo "$counts" | sed 's/[0-9][0-9]*/0/g')"
python3 tests/cli/medians.py patch "$T/zeros.cells" "$T/empty.cells" "$totals" "0 ${totals#* }"
expect "$T/empty.cells" 1 >"$T/empty.tsv"
run medians "$T/empty.cells" -o "$T/empty"
status_is 0 'explicit zeros only, and n_counts of 0: an empty cell'
ok 'does not count' table_is "$T/empty" "$T/empty.tsv"
ok 'which is another result' not cmp -s "$T/empty.tsv" "$T/all.tsv"

# -- other failures

run medians "$DATA/tokens.cells" -o "$T/wrong"
fails 1 'tokens.cells: holds tokens, but medians needs counts' 'another kind'
run medians "$DATA/counts.cells" "$T/missing.cells" -o "$T/wrong"
fails 1 'missing.cells' 'a second file that is not there'
run medians "$DATA/counts.cells" "$DATA/values.cells" -o "$T/wrong"
fails 1 'values.cells: holds values' 'a second file of another kind'
ok 'no output' not test -e "$T/wrong"
sed 's/ENSG90000000017/<eos>\&\&\&\&\&\&\&\&\&\&/' "$DATA/counts.cells" >"$T/odd.cells"
run medians "$T/odd.cells" -o "$T/odd"
status_is 0 'a gene that is only like a special token'
run medians -d "$T/missing.cells" "$DATA/counts.cells" -o "$T/wrong"
fails 1 'missing.cells' 'a dictionary that is not there'
run medians --max-memory 1000 "$DATA/counts.cells"
fails 2 'max-memory' 'too little memory'
done_testing
