#!/bin/sh
# celljoin: columns of a table at the rows of their key. The sample's own cells and columns are on the left of each table.
. "${0%/*}/lib.sh"
. "${0%/*}/common.sh"

cat >"$T/types.csv" <<END
cell_type,class,weight,level,note
T cell,lymphoid,1,0.5,"a ""b"", c"
"mono, CD14+",myeloid,-2,2,
nothing,none,3,,x
END
common_checks filter celljoin "$DATA/tokens.cells" -k cell_type "$T/types.csv" -q

in=$DATA/tokens.cells

# Left is a row of the sample: number, cell_type.
awk 'BEGIN {
	print "cell\tcell_type\tclass\tweight\tlevel\tnote"
	for (i = 0; i < 20; i++) {
		type = i == 7 ? "" : i % 3 == 0 ? "T cell" : i % 3 == 1 ? "B cell" : "mono, CD14+"
		row = type == "T cell" ? "lymphoid\t1\t0.5\ta \"b\", c" : type ~ /mono/ ? "myeloid\t-2\t2\t" : "\t\t\t"
		printf "TTGA%04d-1\t%s\t%s\n", i, type, row
	}
}' >"$T/expected"
run celljoin -k cell_type "$T/types.csv" "$in" -o "$T/joined"
status_is 0 'unmatched rows are kept'
err_is "celljoin: warning: 7 of 20 rows have no match in the table: the first has cell_type 'B cell'" 'with one warning'
cellview --tsv --columns cell,cell_type,class,weight,level,note "$T/joined" >"$T/rows"
same "$T/rows" "$T/expected" 'the columns of the table, or nulls'
cellview --schema "$T/joined" >"$T/schema"
like "$(tr -s ' ' <"$T/schema" | grep -E '^(lab_xy|class|weight|level|note) ' | tr '\n' ';')" \
	'^lab_xy struct<int16, float32>;class dictionary<int32, utf8> 3 texts;weight int64;level float64;note dictionary<int32, utf8> 2 texts;$' \
	'have the types of their texts, and stand behind the others'
run celljoin -q -k cell_type "$T/types.csv" "$in" -o "$T/quiet"
err_is '' '-q: no warning'
run celljoin -u drop -k cell_type "$T/types.csv" "$in" -o "$T/dropped"
err_like '7 of 20 rows have no match in the table and are left out' '-u drop counts'
cellview --tsv --columns cell,cell_type,class,weight,level,note "$T/dropped" >"$T/rows"
awk -F '\t' 'NR == 1 || $3 != ""' "$T/expected" >"$T/expected_dropped"
same "$T/rows" "$T/expected_dropped" '-u drop leaves the unmatched out'
run celljoin -u error -k cell_type "$T/types.csv" "$in" -o "$T/failed"
fails 1 "tokens.cells: no row of the table has cell_type 'B cell'" '-u error names the first'
ok 'and there is no output' test ! -e "$T/failed"
run celljoin -v -u drop -k cell_type "$T/types.csv" "$in" -o "$T/dropped"
err_like '1 of 3 keys of the table are in no row' '-v tells of keys that are not used'

# The same table in other forms.
cellview --jsonl "$T/joined" >"$T/expected"
for form in tsv crlf dash quoted; do
	case $form in
	tsv) sed 's/^"mono, CD14+"/mono; CD14+/; s/,"a.*/,A/; s/,/\t/g; s/mono;/mono,/; s/A$/"a ""b"", c"/' "$T/types.csv" ;;
	crlf) { printf '\357\273\277'; sed 's/$/\r/' "$T/types.csv"; } ;;
	dash) cat "$T/types.csv" ;;
	quoted) sed 's/^T cell,lymphoid,1/"T cell","lymphoid","1"/' "$T/types.csv" ;;
	esac >"$T/form"
	if test $form = dash; then
		celljoin -q -k cell_type - "$in" <"$T/form" | cellview --jsonl >"$T/rows"
	else
		celljoin -q -k cell_type "$T/form" "$in" | cellview --jsonl >"$T/rows"
	fi
	same "$T/rows" "$T/expected" "the table as $form"
done

# Names, several keys, keys of numbers, null keys.
printf 'x,Donor,y\n1,d0,a\n2,d1,b\n' >"$T/donors.csv"
run_sh "celljoin -k donor=Donor --columns y=batch,x,y=again $T/donors.csv $in | cellview --tsv --columns donor,batch,x,again | sed -n '2p;12p'"
out_is "d0	a	1	a
d1	b	2	b" 'columns under other names, one of them twice'
printf 'donor,type,label\nd0,T cell,T0\nd1,T cell,T1\nd0,,null0\n' >"$T/two.csv"
run_sh "celljoin -q -k donor,cell_type=type $T/two.csv $in | cellview --tsv --columns label | tr '\n' ' '"
out_is 'label T0   T0   T0 null0  T0   T1   T1   T1  ' 'two keys; a null is an empty field'
printf 'length,size\n28,small\n36.0,large\n' >"$T/lengths.csv"
run_sh "celljoin -q -u drop -k length $T/lengths.csv $in | cellview --tsv --columns length,size | sort -u"
out_is "28	small
36	large
length	size" 'a key of whole numbers'
printf 'doublet,call\nTrue,yes\nFALSE,no\n,unknown\n' >"$T/calls.csv"
run_sh "celljoin -q -k doublet $T/calls.csv $in | cellview --tsv --columns doublet,call | sort -u"
out_is "	unknown
doublet	call
false	no
true	yes" 'a key of truths'
printf ',score\nTTGA0003-1,7\n' >"$T/index.csv"
run_sh "celljoin -q -u drop -r -k cell= $T/index.csv $in | cellview --tsv --columns cell,score"
out_is "cell	score
TTGA0003-1	7" 'a column without a name as the key; --replace'
run_sh "celljoin -q -r -k cell= $T/index.csv $in | cellview --schema | grep -n score"
out_like '^9:score +int64$' 'what is replaced keeps its place'
run celljoin -k cell= "$T/index.csv" "$in"
fails 1 'there is a column score already \(--replace' 'a column that is there already'
printf 'donor,cell,length\nd0,a,NA\nd1,b,3\n' >"$T/taken.csv"
run celljoin -k donor --null NA,none "$T/taken.csv" "$in" -o "$T/renamed"
err_like 'warning: column cell becomes obs.cell' 'a name of the stream is left to it'
run_sh "cellview --tsv --columns donor,obs.cell,obs.length $T/renamed | sort -u"
out_is "d0	a	
d1	b	3
donor	obs.cell	obs.length" '--null: NA in a column of numbers'
run_sh "celljoin -q --text -k donor=Donor $T/donors.csv $in | cellview --schema | grep -c '^[xy] *dictionary'"
out_is 2 '--text: texts'

# Constants, and keys made of them.
run_sh "celljoin --set 'dataset=a,species=human\\, adult' $in | cellview --tsv --columns dataset,species | sort -u"
out_is "a	human, adult
dataset	species" '--set: constant columns'
printf 'dataset,cell_type,label\na,T cell,AT\nb,T cell,BT\n' >"$T/sets.csv"
run_sh "celljoin -q --set dataset=b -u drop -k dataset,cell_type $T/sets.csv $in | cellview --tsv --columns dataset,label | sort -u"
out_is "b	BT
dataset	label" 'a constant as a key'
run_sh "celljoin -q --set dataset=b -k dataset,cell_type $T/sets.csv $in | cellview --history"
out_like '^celljoin [0-9.]+ --key dataset,cell_type --set dataset=b --unmatched keep .*table=[0-9a-f]{32}$' 'the history has it all'
hash() {
	celljoin -q -k donor "$1" "$in" | cellview --history | sed 's/.*table=//'
}
tr ',' '\t' <"$T/donors.csv" >"$T/donors.tsv"
sed 's/2,d1/3,d1/' "$T/donors.csv" >"$T/donors3.csv"
sed -i 's/Donor/donor/' "$T/donors.csv" "$T/donors.tsv" "$T/donors3.csv"
is "$(hash "$T/donors.csv")" "$(hash "$T/donors.tsv")" 'the hash is that of the content'
unlike "$(hash "$T/donors.csv")" "$(hash "$T/donors3.csv")" 'and of all of it'

# Other kinds: lists with dictionaries come through, genes can be labelled.
h5ad2cells -o "$T/counts" "$DATA/counts.h5ad"
celljoin -q -u drop -k cell_type "$T/types.csv" "$T/counts" | cellview --tsv --columns cell,gene,count >"$T/rows"
cellgrep 'cell_type in ("T cell", "mono, CD14+")' "$T/counts" | cellview --tsv --columns cell,gene,count >"$T/expected"
same "$T/rows" "$T/expected" '-u drop with lists of genes'
run_sh "cellview --csv --columns gene,symbol $DATA/genes.cells | sed 's/symbol/name/' | celljoin -k gene - $DATA/genes.cells | cellgrep -c 'name == symbol or symbol is null or symbol == \"\"'"
is "$(cat "$T/out")" "$(python3 tests/cli/stream.py rows "$DATA/genes.cells")" 'genes joined with themselves'

run celljoin "$in"
fails 2 '-k COLUMN and TABLE, or --set' 'nothing to do'
run celljoin -k donor
fails 2 'TABLE is missing' 'no table'
run celljoin -k donor - -
fails 2 'cannot both be standard input' 'both from stdin'
run celljoin -k donor - <"$in"
fails 2 'cannot both be standard input' 'both from stdin, without saying so'
run celljoin -k donor "$T/donors.csv" "$in" "$in"
fails 2 'one FILE at most' 'two files'
run celljoin --set a=1 --columns b "$in"
fails 2 'need -k' '--columns without a table'
run celljoin --set a "$in"
fails 1 "NAME=VALUE is expected" '--set without a value'
run celljoin --set donor=x "$in"
fails 1 'there is a column donor already' '--set of a column that is there'
run celljoin -k doner "$T/donors.csv" "$in"
fails 1 'no column doner; did you mean donor\? there are' 'no such key in the stream'
run celljoin -k cell_type "$T/donors.csv" "$in"
fails 1 "donors.csv: no column 'cell_type'; there are x, donor, y" 'no such key in the table'
run celljoin -k donor -c z "$T/donors.csv" "$in"
fails 1 "donors.csv: no column 'z'" 'no such column in the table'
run celljoin -k donor -c x=n,y=n "$T/donors.csv" "$in"
fails 1 'two new columns n' 'two columns of one name'
run celljoin -k input_ids=donor "$T/donors.csv" "$in"
fails 1 'the column input_ids is list<uint16>, and keys are' 'a list as a key'
printf 'donor,x\nd0,1\nd1,2\n\nd0,3\n' >"$T/twice.csv"
run celljoin -k donor "$T/twice.csv" "$in"
fails 1 'twice.csv: line 5: the key of line 2 again, with another value of x' 'a key with two values'
printf 'donor,x\nd0,1\nd1\n' >"$T/short.csv"
run celljoin -k donor "$T/short.csv" "$in"
fails 1 'short.csv: line 3 has 1 fields, but the first line has 2' 'a short line'
run celljoin -k donor "$T/no-such.csv" "$in"
fails 1 'no-such.csv' 'no such table'

done_testing
