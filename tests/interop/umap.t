#!/bin/sh
# UMAP and principal components of the demo's cells against umap-learn and scikit-learn.

. "${0%/*}/../cli/lib.sh"
need_python current
need_command "${CC:-cc}"
demo=pipelines/demo

# shellcheck disable=SC2086     # CFLAGS and LDFLAGS are words
"${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L -Icommon -I. ${CFLAGS:-} -o "$T/layouts" tests/parity/layouts.c \
	"${BUILD%/bin}/libcellpipe.a" ${LDFLAGS:-} -llapacke -lxxhash -lm -pthread 2>"$T/.why" || fail 'layouts is built'

run_sh "h5ad2cells $demo/pbmc3k.h5ad | genemap -q -d $demo/genes.cells | normalize -q -d $demo/genes.cells |
	rankencode -q -d $demo/genes.cells -m $demo/model | gfembed -q -m $demo/model --pool mean -l 0 -o $T/cells"
status_is 0 'the cells of the demo have embeddings'
run "$PYTHON" tests/interop/layouts.py "$T/layouts" "$T/cells" "$T"
sed 's/^/# /' "$T/out"
status_is 0 'UMAP is as good as that of umap-learn, components are those of scikit-learn'

done_testing
