#!/bin/sh
# Predictions against the reference: float64 logits (../shared/golden/forward), and what its Classifier printed
# (../shared/golden/classifier, ../shared/golden/eval).
. "${0%/*}/../cli/lib.sh"
need_shared golden/forward golden/classifier golden/eval golden/isp/data data/geneformer
need_python current
GENEFORMER_DIR=$SHARED/data/geneformer
export GENEFORMER_DIR

for precision in f32 bf16; do
	run "$PYTHON" tests/parity/gfclassify.py "$SHARED/golden" $precision
	sed 's/^/# /' "$T/out"
	status_is 0 "logits and predictions of the reference in $precision"
done

done_testing
