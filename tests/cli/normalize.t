#!/bin/sh
# normalize: the values are those of scipy's arithmetic (tests/data/make.py), to the last bit.
. "${0%/*}/lib.sh"
. "${0%/*}/common.sh"

common_checks filter normalize "$DATA/counts.cells" -d "$DATA/genes.cells"

columns=cell,gene,value,n_counts
cellview --tsv --columns $columns "$DATA/values.cells" >"$T/expected"
run_sh "normalize -d $DATA/genes.cells $DATA/counts.cells | cellview --tsv --columns $columns"
same "$T/out" "$T/expected" 'the values of scipy'
run_sh "normalize -d $DATA/dictionary $DATA/counts.cells | cellview --tsv --columns $columns"
same "$T/out" "$T/expected" 'the same with a folder of pickles'
run_sh "normalize -d $DATA/genes.cells -s 5000 $DATA/counts.cells | cellview --tsv --columns n_counts"
run_sh "genemap -d $DATA/genes.cells $DATA/counts.cells | normalize -d $DATA/genes.cells | cellview --tsv --columns $columns"
same "$T/out" "$T/expected" 'the same from our own counts'

run normalize "$DATA/counts.cells"
fails 2 'DICT is required' 'no dictionary'
run normalize -d V2 "$DATA/counts.cells"
fails 1 'GENEFORMER_DIR' 'V2 without GENEFORMER_DIR'
run normalize -d "$DATA/genes.cells" -o "$T/x" "$DATA/counts_symbols.cells"
status_is 0 'a few ids among symbols are enough'
like "$(cat "$T/err")" 'warning: only .*genemap' 'with a warning that names genemap'
run normalize -d "$DATA/genes.cells" "$DATA/tokens.cells"
fails 1 'holds tokens, but normalize needs counts' 'a stream of the wrong kind'
run normalize -d "$DATA/counts.cells" "$DATA/counts.cells"
fails 1 'holds counts, but normalize needs genes' 'a dictionary of the wrong kind'

done_testing
