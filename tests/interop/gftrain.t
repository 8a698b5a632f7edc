#!/bin/sh
# What gftrain learns is what PyTorch learns from the same start; transformers and peft load what it writes.
. "${0%/*}/../cli/lib.sh"
PYTHON=${TORCH_PYTHON:-python3}
"$PYTHON" -c 'import torch, transformers, safetensors' 2>"$T/.why" ||
	skip_all 'no Python with torch and transformers (TORCH_PYTHON may name one)'

run "$PYTHON" tests/interop/gftrain.py "$DATA/tokens.cells" "$DATA/model" "$DATA/genes.cells"
sed 's/^/# /' "$T/out"
status_is 0 'heads, tasks, genes, weights of classes, frozen layers, adapters: the same weights after four steps'

done_testing
