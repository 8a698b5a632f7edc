#!/bin/sh
# Embeddings against what the real EmbExtractor wrote (../shared/golden/embs).
. "${0%/*}/../cli/lib.sh"
need_shared golden/embs data/geneformer
need_python current
GENEFORMER_DIR=$SHARED/data/geneformer
export GENEFORMER_DIR

for precision in f32 bf16 int8; do
	run "$PYTHON" tests/parity/embeddings.py "$SHARED/golden" $precision
	if grep -q 'needs AVX-512' "$T/out" "$T/err"; then
		skip "this CPU has no instructions for $precision" "embeddings of the reference in $precision"
		continue
	fi
	sed 's/^/# /' "$T/out"
	status_is 0 "embeddings of the reference in $precision"
done

done_testing
