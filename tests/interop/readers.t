#!/bin/sh
# What every stage writes is read by pyarrow, pandas, polars and datasets, as a file and from a pipe.
. "${0%/*}/../cli/lib.sh"
need_python current

read_back() { # KIND FILE
	cellview --jsonl "$2" >"$T/rows"
	ok "$1 in a file" sh -c "$PYTHON tests/interop/readers.py $1 $2 <$T/rows"
	cat <"$2" | cellhead -n 1000000 -l 0 | cat >"$T/piped"
	ok "$1 from a pipe" sh -c "$PYTHON tests/interop/readers.py $1 $T/piped <$T/rows"
}

h5ad2cells -o "$T/counts" "$DATA/counts.h5ad"
read_back counts "$T/counts"
genemap -d "$DATA/genes.cells" -o "$T/mapped" "$T/counts"
read_back counts "$T/mapped"
normalize -d "$DATA/genes.cells" -o "$T/values" "$T/mapped"
read_back values "$T/values"
rankencode -d "$DATA/genes.cells" -o "$T/tokens" "$T/values"
read_back tokens "$T/tokens"
gfembed -m "$DATA/model" -o "$T/embeddings" "$T/tokens"
read_back embeddings "$T/embeddings"
cellhead -n 0 -o "$T/none" "$T/tokens"
: >"$T/rows"
ok 'no cells' sh -c "$PYTHON tests/interop/readers.py tokens $T/none <$T/rows"

done_testing
