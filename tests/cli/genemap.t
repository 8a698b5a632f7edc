#!/bin/sh
# genemap: names of every sort become ids; the expected counts are summed by numpy (tests/data/make.py).
. "${0%/*}/lib.sh"
. "${0%/*}/common.sh"

common_checks filter genemap "$DATA/counts.cells" -d "$DATA/genes.cells"

# One line a count: cell, gene, count, in the order of gene ids.
counts_by_line() {
	cellview --jsonl --columns cell,gene,count "$1" |
		python3 -c 'import json, sys
print("cell\tgene\tcount")
for line in sys.stdin:
    row = json.loads(line)
    for gene, count in sorted(zip(row["gene"], row["count"])):
        print(row["cell"], gene, f"{count:.0f}", sep="\t")'
}

run genemap -v -d "$DATA/genes.cells" -u "$T/unmapped" -o "$T/mapped" "$DATA/counts_symbols.cells"
status_is 0 'symbols, aliases, versioned ids'
err_like ': 1 genes unknown, 9 of 654 entries dropped, 2 summed' 'one gene is unknown'
counts_by_line "$T/mapped" >"$T/lines"
same "$T/lines" "$DATA/counts_mapped.tsv" 'mapped and summed as numpy does'
is "$(sed 1q "$T/unmapped")" "$(printf 'gene\tcells')" 'the list of unknown genes has a header'
like "$(sed -n 2p "$T/unmapped")" '^NOBODY7	[1-9]' 'and the gene, and how many cells have it'
run_sh "genemap -d $DATA/dictionary $DATA/counts_symbols.cells -o $T/pickled"
err_is '' 'the same with a folder of pickles'

run genemap -e -d "$DATA/genes.cells" -u "$T/unmapped" -o "$T/exact" "$DATA/counts_symbols.cells"
status_is 0 'genemap --exact'
like "$(cat "$T/unmapped")" 'ENSG90000000085\.3' 'leaves versioned ids out'

run genemap -d "$DATA/dictionary" -o "$T/same" "$DATA/counts.cells"
run genemap -d "$DATA/genes.cells" -o "$T/again" "$T/same"
run_sh "cellview --tsv --columns cell,gene,count,n_counts $T/same >$T/a; cellview --tsv --columns cell,gene,count,n_counts $T/again >$T/b"
same "$T/a" "$T/b" 'ids stay themselves'

run genemap "$DATA/counts.cells"
fails 2 'DICT is required' 'no dictionary'
run genemap -d "$DATA/genes.cells" -u "$T/one" -o "$T/one" "$DATA/counts.cells"
fails 2 'same place' 'cells and unknown genes to one file'
run genemap -d "$DATA/genes.cells" -u - "$DATA/counts.cells"
fails 2 'same place' 'cells and unknown genes to standard output'
run genemap -d "$DATA/genes.cells" -u - -o "$T/mapped" "$DATA/counts_symbols.cells"
out_like '^NOBODY7	' 'unknown genes to standard output, cells to a file'
run genemap -d "$DATA/genes.cells" -u '' -o "$T/nowhere" "$DATA/counts.cells"
fails 1 "'' is not the name of a file" 'an empty name'
run genemap -d "$DATA/no-such" "$DATA/counts.cells"
fails 1 'no-such' 'a dictionary that is not there'
run genemap -d "$DATA/genes.cells" "$DATA/embeddings.cells"
fails 1 'holds embeddings, but genemap needs counts' 'a stream of the wrong kind'
run genemap -d "$DATA/genes.cells" -u /dev/full -o "$T/failed" "$DATA/counts_symbols.cells"
fails 1 'No space left' 'a full disk for the list of unknown genes'
ok 'leaves no output' not test -e "$T/failed"

done_testing
