#!/bin/sh
# cellview: what it shows is what make.py put in.
. "${0%/*}/lib.sh"
. "${0%/*}/common.sh"

common_checks text cellview "$DATA/tokens.cells" --jsonl
check_stdout cellview "$DATA/tokens.cells"
check_stdout cellview "$DATA/tokens.cells" --summary

need_command python3 script
columns=cell,cell_type,donor,score,doublet,lab_time,lab_xy
for form in tsv csv jsonl; do
	python3 tests/cli/cellview.py $form >"$T/expected"
	run cellview --$form --columns $columns "$DATA/tokens.cells"
	status_is 0 "--$form exits 0"
	same "$T/out" "$T/expected" "--$form: the columns that are known"
	cellhead -n 20 -o "$T/own" "$DATA/tokens.cells"
	run cellview --$form --columns $columns "$T/own"
	same "$T/out" "$T/expected" "--$form: of a stream of ours"
	cellview --$form -n 9 --columns $columns "$DATA/tokens.cells" >"$T/nine"
	test $form = jsonl && lines=9 || lines=10
	head -n "$lines" "$T/expected" >"$T/expected9"
	same "$T/nine" "$T/expected9" "--$form -n 9: nine rows, of two batches"
	run cellview --$form -n 0 --columns cell "$DATA/tokens.cells"
	test $form = jsonl && names= || names=cell
	out_is "$names" "--$form -n 0: no row"
done

run cellview --tsv --columns donor,cell -n 1 "$DATA/tokens.cells"
out_is "$(printf 'donor\tcell\nd0\tTTGA0000-1')" 'columns in the order asked for'
run cellview --columns cell,nothing "$DATA/tokens.cells"
fails 1 "tokens.cells: no column 'nothing'" 'a column that is not there'
run cellview --tsv --csv "$DATA/tokens.cells"
fails 2 'at a time' 'two forms at once'

# Cell 0: <cls>, its 26 genes, <eos>.
run cellview --names --jsonl --columns input_ids -n 1 "$DATA/tokens.cells"
out_like '^\{"input_ids":\["<cls>",("ENSG9[0-9]{10}",){26}"<eos>"\]\}$' '--names: genes and special tokens'
run cellview --names "$DATA/counts.cells"
fails 1 'no input_ids with a vocabulary' '--names without tokens'

run cellview --summary "$DATA/tokens.cells"
summary=$(cat "$T/out")
like "$summary" '^tokens: 20 rows in 3 batches$' '--summary: rows and batches'
like "$summary" '^cell +utf8 +0 +20 different$' '--summary: barcodes'
like "$summary" '^cell_type +utf8 +1 +3 different: T cell 7, B cell 6, mono, CD14\+ 6$' '--summary: categories'
like "$summary" '^donor +utf8 +0 +2 different: d0 10, d1 10$' '--summary: texts'
# i / 8 - 1 for i from 0 to 19 but 4: (190 - 4) / 8 / 19 - 1
like "$summary" '^score +float64 +1 +-1 to 1.375, mean 0.223684$' '--summary: numbers'
like "$summary" '^doublet +bool +1 +4 true, 15 false$' '--summary: bool'
lengths=$(cellview --tsv --columns length "$DATA/tokens.cells" | sed 1d | sort -n)
median=$(echo "$lengths" | awk '{ n[NR] = $1 } END { print (n[10] + n[11]) / 2 }')
least=$(echo "$lengths" | head -n 1)
like "$summary" "^input_ids +list<uint16> +0 +length $least to 44, median $median; 2 to 62, mean [0-9.]+\$" \
	'--summary: lists'
run_sh "cellhead -n 20 '$DATA/tokens.cells' | cellview --summary"
is "$(sed 1d "$T/out")" "$(echo "$summary" | sed 1d)" '--summary: the same from a pipe'

run cellview "$DATA/tokens.cells"
out_like '^tokens, rows 1 to 5$' 'a look: the kind, and how much'
out_like '^cell  .*TTGA0004-1$' 'five rows'
out_like '^n_genes +int64 .*\| null \|' 'and nulls'
is "$(awk '{ if (length > n) n = length } END { print n }' "$T/out")" 100 'no wider than the page'
cellhead -n 0 -o "$T/none" "$DATA/tokens.cells"
run cellview "$T/none"
out_like '^tokens, made by cellhead, no rows$' 'a look at nothing'
run cellview --summary "$T/none"
status_is 0 'a summary of nothing'

run cellview --schema "$DATA/tokens.cells"
out_like '^input_ids +list<uint16>$' '--schema: types'
out_like '^ +cells:vocabulary  <pad> \.\.\. \(63 lines\)$' '--schema: metadata of a column'
out_like '^ +lab:note  bench 3, shelf B$' '--schema: metadata of the stream'
run_sh "cellhead -n 3 '$DATA/tokens.cells' | cellhead -n 2 | cellview --history"
out_like '^cellhead [0-9.]+ --rows 3$' '--history: the first stage'
out_like '^cellhead [0-9.]+ --rows 2$' '--history: the second'
run cellview --history "$DATA/tokens.cells"
out_is '' '--history: nothing where there is none'

# Never the control characters of the data on a terminal. A foreign stream has no hash, so that a text of it can be changed.
python3 - "$DATA/tokens.cells" "$T/control.cells" <<'EOT'
import sys
with open(sys.argv[1], "rb") as source, open(sys.argv[2], "wb") as changed:
    changed.write(source.read().replace(b"mono, CD14+", b"\x1b[31m\x07\xc2\x9bab!"))
EOT
for form in --csv --tsv --jsonl --summary --schema ''; do
	on_terminal "$(quoted cellview "$T/control.cells") $form"
	is "$status" 0 "cellview $form on a terminal"
	unlike "$(od -An -v -t x1 <"$T/err" | tr -d '\n')" ' 1b| 07| c2 9b' "cellview $form: no control characters there"
done
run cellview --csv "$T/control.cells"
like "$(od -An -v -t x1 <"$T/out" | tr -d '\n')" ' 1b 5b 33 31 6d 07 c2 9b 61 62' 'in a file they stay what they are'
run cellview --tsv --columns cell_type "$T/control.cells"
out_like '^\\x1b\[31m\\x07\\xc2\\x9bab!$' '--tsv: escaped'
run cellview --jsonl --columns cell_type "$T/control.cells"
out_like '^\{"cell_type":"\\u001B\[31m\\u0007\\u009Bab!"\}$' '--jsonl: escaped'

done_testing
