#!/bin/sh
# Perturbations of every comparable case of the reference against float64 brute force (../shared/golden/isp/truth).
. "${0%/*}/../cli/lib.sh"
need_shared golden/isp data/geneformer
need_python current
GENEFORMER_DIR=$SHARED/data/geneformer
export GENEFORMER_DIR

run "$PYTHON" tests/parity/gfperturb.py "$SHARED/golden"
sed 's/^/# /' "$T/out"
status_is 0 'cosines, shifts and genes of 175 cases within 2e-6'

done_testing
