#!/bin/sh
# Logistic regressions against scikit-learn's on real cells (../shared/golden/stat).
. "${0%/*}/../cli/lib.sh"
need_shared golden/stat/logreg.json data/cells/pbmc_facs.h5ad
need_python current

run "$PYTHON" tests/parity/logreg.py "$SHARED" "$T"
sed 's/^/# /' "$T/out" "$T/err"
status_is 0 'coefficients, objectives, probabilities and accuracies of scikit-learn'

done_testing
