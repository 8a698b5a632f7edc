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

# Pairs of two time points: the tokens of make_pairs.py, whichever way the previous cells come.
PAIRS=$DATA/pairs.cells
tokens_of() { # FILE NAME: what it has is what $T/expected has
	cellview --tsv --columns cell,input_ids "$1" | sed 1d >"$T/tokens"
	same "$T/tokens" "$T/expected" "$2"
}
encode="rankencode -q -d $DATA/genes.cells --pair previous"
cut -f 1,2 "$DATA/pairs.tsv" >"$T/expected"
run rankencode -v -t 1 -d "$DATA/genes.cells" --pair previous -o "$T/pairs" "$PAIRS"
tokens_of "$T/pairs" '--pair: a cell, <eos>, its previous cell'
err_like 'warning: 1 cells without their previous one, which is not there' 'a previous cell that is not there is counted'
err_like '120 pairs, 0 of them cut, 123 cells that name no previous one' 'so are the others with -v'
run rankencode -q -t 4 -d "$DATA/genes.cells" --pair previous -o "$T/again" "$PAIRS"
same "$T/again" "$T/pairs" 'the same bytes with -t 4'
run_sh "cat $PAIRS | $encode -o $T/again"
same "$T/again" "$T/pairs" 'a pipe is read twice, too'
run_sh "$encode -o $T/again <$PAIRS"
same "$T/again" "$T/pairs" 'and a file on standard input'
run_sh "{ head -c 1000 >/dev/null; $encode -o $T/again; } <$PAIRS"
fails 1 'stdin' 'from where it stands'
run_sh "cat $PAIRS | $encode --pair-with $PAIRS -o $T/again"
tokens_of "$T/again" '--pair-with: previous cells of another file'
like "$(cellview --history "$T/again" | tr -d ' \n')" 'pair-with=[0-9a-f]{32}' 'whose hash goes into the history'
run_sh "$encode --pair-with $DATA/values.cells -o $T/again $PAIRS"
fails 1 'no cell that --pair names is there, with tokens' 'of a file that has none of them'
cut -f 1,3 "$DATA/pairs.tsv" >"$T/expected"
run_sh "$encode -n 12 -o $T/again $PAIRS"
tokens_of "$T/again" '-n 12: both cells are cut, and one may take what the other leaves'
for separator in '<mask>' '<eos>'; do
	run_sh "$encode --separator '$separator' -s no -n 10 -o $T/again $PAIRS"
	sed "s/\t2,/\t/; s/,3$//; s/,3,/,$(test "$separator" = '<eos>' && echo 3 || echo 1),/" "$T/expected" >"$T/tokens_without"
	cellview --tsv --columns cell,input_ids "$T/again" | sed 1d >"$T/tokens"
	same "$T/tokens" "$T/tokens_without" "--separator $separator, without special tokens"
done
python3 - "$T/dictionary" "$DATA/dictionary" <<'END'
import os, pickle, shutil, sys
shutil.copytree(sys.argv[2], sys.argv[1])
path = sys.argv[1] + "/token_dictionary_toy.pkl"
genes = [k for k in pickle.load(open(path, "rb")) if k not in ("<cls>", "<eos>")]
pickle.dump({gene: i for i, gene in enumerate(genes)}, open(path, "wb"))
END
run rankencode -q -d "$T/dictionary" --pair previous -n 10 -o "$T/again" "$PAIRS"
sed 's/\t2,/\t/; s/,3$//; s/,3,/,s,/' "$T/expected" | awk -F '\t' '{
	n = split($2, token, ",")
	for (i = 1; i <= n; i++)
		token[i] = token[i] == "s" ? 61 : token[i] - 2
	printf "%s\t%s", $1, token[1]
	for (i = 2; i <= n; i++)
		printf ",%s", token[i]
	print "" }' >"$T/tokens_added"
cellview --tsv --columns cell,input_ids "$T/again" | sed 1d >"$T/tokens"
same "$T/tokens" "$T/tokens_added" 'a dictionary without <eos> gets <sep>, behind all others'
like "$(cellview --names --tsv --columns input_ids "$T/again" | sed -n 2p)" ',<sep>,' 'whose name is in the vocabulary'
run rankencode -m "$DATA/model" -d "$T/dictionary" --pair previous "$PAIRS"
fails 1 'no room for a separator of pairs' 'but not for a model that has no room for it'

run_sh "$encode $DATA/pairs_twice.cells"
fails 1 'cell b: there are several cells a, its previous one' 'a previous cell that is there twice'
run rankencode -d "$DATA/genes.cells" --pair nosuch "$PAIRS"
fails 1 'pairs.cells: no column nosuch' 'no such column'
run rankencode -d "$DATA/genes.cells" --pair previous --separator '<sep>' "$PAIRS"
fails 1 'dictionary has no token <sep>' 'a separator that is no token'
run rankencode -d "$DATA/genes.cells" --pair previous -n 4 "$PAIRS"
fails 1 'a pair needs room for 5 tokens' 'no room for a pair'
run rankencode -d "$DATA/genes.cells" --pair-with "$PAIRS" "$PAIRS"
fails 2 'go with --pair COLUMN' '--pair-with alone'
mkfifo "$T/fifo"
run rankencode -d "$DATA/genes.cells" --pair previous "$T/fifo"
fails 1 'fifo: is read twice for pairs' 'a named pipe'
run_sh "head -c 5000 $PAIRS | $encode"
fails 1 'stdin' 'a stream that is cut'
TMPDIR=/no/such run_sh "cat $PAIRS | $encode"
fails 1 '/no/such' 'no room for temporary files'

# What only the previous cell says can be learned from pairs, and from nothing else.
run rankencode -q -d "$DATA/genes.cells" -o "$T/alone" "$PAIRS"
for which in pairs alone; do
	gftrain -q --layers 1 --hidden 16 --heads 2 --no-positions -c fate --valid .4 -e 15 --rate 1e-2 \
		--metrics "$T/$which.metrics" -o "$T/$which.model" "$T/$which" 2>"$T/err"
done
accuracy() { # FILE
	sed -n 's/.*"set": "valid".*"accuracy": \([0-9.]*\).*/\1/p' "$1"
}
ok 'a small network learns from pairs what became of a cell' \
	awk -v a="$(accuracy "$T/pairs.metrics")" 'BEGIN { exit !(a >= 0.95) }'
ok 'and cannot without the previous cell' awk -v a="$(accuracy "$T/alone.metrics")" 'BEGIN { exit !(a > 0 && a < 0.75) }'

done_testing
