#!/bin/sh
# cellhead: the first rows, as they are.
. "${0%/*}/lib.sh"
. "${0%/*}/common.sh"

common_checks filter cellhead "$DATA/tokens.cells" -n 1000

for kind in counts values tokens embeddings genes; do
	cellview --jsonl "$DATA/$kind.cells" >"$T/all"
	for n in 0 1 7 8 20; do
		head -n $n "$T/all" >"$T/expected"
		run cellhead -n $n -o "$T/first" "$DATA/$kind.cells"
		cellview --jsonl "$T/first" >"$T/rows"
		same "$T/rows" "$T/expected" "$kind: the first $n rows"
	done
	like "$(cellview --schema "$T/first" | head -n 1)" "^$kind\$" "$kind stay $kind"
done
run cellhead -o "$T/ten" "$DATA/tokens.cells"
is "$(python3 tests/cli/stream.py rows "$T/ten")" 10 'ten rows unless told otherwise'

# Of ours, with dictionaries of categories and of list entries.
h5ad2cells -o "$T/counts" "$DATA/counts.h5ad"
cellview --jsonl "$T/counts" | head -n 3 >"$T/expected"
cellhead -n 3 "$T/counts" | cellview --jsonl >"$T/rows"
same "$T/rows" "$T/expected" 'dictionaries come through'

# The sample has batches of 7, 7 and 6 rows.
size=$(wc -c <"$DATA/tokens.cells")
head -c $((size - 100)) "$DATA/tokens.cells" >"$T/cut"
run cellhead -n 14 -o "$T/first" "$T/cut"
status_is 0 'what comes behind the rows is not read'
run cellhead -n 15 -o "$T/first15" "$T/cut"
fails 1 'cut: .*truncated' 'what comes before is'
ok 'and then there is no output' test ! -e "$T/first15"

done_testing
