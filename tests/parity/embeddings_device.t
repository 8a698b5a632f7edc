#!/bin/sh
# Embeddings on a GPU against what the real EmbExtractor wrote (../shared/golden/embs), where there is one.
. "${0%/*}/../cli/lib.sh"
need_shared golden/embs data/geneformer
run gfembed -m "$DATA/model" --device cuda -o "$T/embedded" "$DATA/tokens.cells"
test "$status" = 0 || skip_all "$(cat "$T/err")"
need_python current
GENEFORMER_DIR=$SHARED/data/geneformer
export GENEFORMER_DIR

# embeddings.py calls gfembed by name.
program=$(command -v gfembed)
mkdir "$T/bin"
printf '#!/bin/sh\nexec "%s" --device cuda "$@"\n' "$program" >"$T/bin/gfembed"
chmod +x "$T/bin/gfembed"
PATH=$T/bin:$PATH

for precision in f32 bf16; do
	run "$PYTHON" tests/parity/embeddings.py "$SHARED/golden" $precision
	sed 's/^/# /' "$T/out"
	status_is 0 "embeddings of the reference in $precision"
done

done_testing
