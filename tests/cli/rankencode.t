#!/bin/sh
# rankencode: the tokens are those of numpy's stable argsort (tests/data/make.py).
. "${0%/*}/lib.sh"
. "${0%/*}/common.sh"

common_checks filter rankencode "$DATA/values.cells" -d "$DATA/genes.cells"

columns=cell,input_ids,length
cellview --tsv --columns $columns "$DATA/tokens.cells" >"$T/expected"
run_sh "rankencode -d $DATA/genes.cells $DATA/values.cells | cellview --tsv --columns $columns"
same "$T/out" "$T/expected" 'the tokens of numpy'
run_sh "rankencode -d $DATA/dictionary $DATA/values.cells | cellview --tsv --columns $columns"
same "$T/out" "$T/expected" 'the same with a folder of pickles'
run_sh "rankencode -m $DATA/model -d $DATA/genes.cells $DATA/values.cells | cellview --tsv --columns $columns"
same "$T/out" "$T/expected" 'the same with the length of a model'

run_sh "rankencode -d $DATA/genes.cells -n 10 $DATA/values.cells | cellview --jsonl --columns input_ids,length"
is "$(grep -c '"length":10}' "$T/out")" 20 '-n 10: every cell has 10 tokens'
is "$(grep -c '\[2,.*,3\]' "$T/out")" 20 'and still <cls> and <eos>'
run_sh "rankencode -d $DATA/genes.cells -s no $DATA/values.cells | cellview --jsonl --columns input_ids"
is "$(grep -c '"input_ids":\[2,' "$T/out")" 0 '--special no: no <cls>'

run rankencode "$DATA/values.cells"
fails 2 'DICT is required' 'neither dictionary nor model'
run rankencode -m "$DATA/model" "$DATA/values.cells"
fails 1 'no genes.cells' 'a model without a dictionary'
run rankencode -m "$DATA/model" -d "$DATA/genes.cells" -n 100000 "$DATA/values.cells"
fails 1 'positions' 'longer than the model has positions'
run rankencode -d "$DATA/genes.cells" -n 2 "$DATA/values.cells"
fails 1 'room for 3 tokens' 'no room for a gene'
run rankencode -d "$DATA/genes.cells" "$DATA/counts.cells"
fails 1 'holds counts, but rankencode needs values' 'a stream of the wrong kind'

done_testing
