#!/bin/sh
# Principal components against those of scikit-learn (../shared/golden/stat/pca.json, 1e-8 absolute).

. "${0%/*}/../cli/lib.sh"
need_shared golden/stat
need_python current
need_command "${CC:-cc}"

# shellcheck disable=SC2086     # CFLAGS and LDFLAGS are words
"${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L -Icommon -I. ${CFLAGS:-} -o "$T/layouts" tests/parity/layouts.c \
	"${BUILD%/bin}/libcellpipe.a" ${LDFLAGS:-} -llapacke -lxxhash -lm -pthread 2>"$T/.why" || fail 'layouts is built'

run "$PYTHON" tests/parity/pca.py "$T/layouts" "$SHARED/golden/stat" "$T"
sed 's/^/# /' "$T/out"
status_is 0 'components, variances and scores of scikit-learn'

done_testing
