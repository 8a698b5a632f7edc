#!/bin/sh
# Metrics against scikit-learn and the reference's own evaluation: the functions on the golden numbers in double precision, and
# gfeval on streams of the same predictions.
. "${0%/*}/../cli/lib.sh"
need_shared golden/stat golden/eval golden/classifier
need_command "${CC:-cc}"

# shellcheck disable=SC2086     # CFLAGS and LDFLAGS are words
"${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L -Icommon -I. ${CFLAGS:-} -o "$T/metrics" tests/parity/parity_metrics.c \
	"${BUILD%/bin}/libcellpipe.a" ${LDFLAGS:-} -ljansson -lxxhash -lm -pthread 2>"$T/.why" || fail 'parity_metrics is built'
run "$T/metrics" "$SHARED/golden"
sed 's/^/# /' "$T/out"
status_is 0 'every table of metrics'

need_python current
mkdir "$T/streams"
run "$PYTHON" tests/parity/gfeval.py "$SHARED/golden" "$T/streams"
sed 's/^/# /' "$T/out"
status_is 0 'gfeval on the same predictions'

done_testing
