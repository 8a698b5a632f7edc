#!/bin/sh
# What gfpretrain writes, transformers loads whole, and its loss on the same masked cells is the same.
. "${0%/*}/../cli/lib.sh"
PYTHON=${TORCH_PYTHON:-python3}
"$PYTHON" -c 'import torch, transformers' 2>"$T/.why" ||
	skip_all 'no Python with torch and transformers (TORCH_PYTHON may name one)'

cellhead -n 7 -o "$T/seven.cells" "$DATA/tokens.cells"
cellview --jsonl --columns input_ids "$T/seven.cells" >"$T/seven"

compare() { # NAME SEED MASK ARG...: evaluates on rows 20 to 26 of the corpus
	name=$1
	seed=$2
	mask=$3
	shift 3
	gfpretrain --layers 2 --hidden 16 --heads 2 --positions 64 -b 300 --steps 60 --rate 0.01 --precision f32 \
		--seed "$seed" --mask "$mask" \
		--eval "$T/seven.cells" --log-every 0 --metrics "$T/metrics" -o "$T/$name" "$@" "$DATA/tokens.cells"
	run "$PYTHON" tests/interop/masked_loss.py "$T/$name" "$T/seven" "$seed" 20 "$mask"
	sed 's/^/# /' "$T/out" "$T/metrics"
	ok "$name: nothing is missing, the loss to 1e-5" python3 -c '
import json, sys
odd, n, loss, right = map(float, open(sys.argv[1]).read().split())
ours = json.loads(open(sys.argv[2]).readlines()[-1])
good = odd == 0 and n > 10 and abs(loss - ours["eval_loss"]) <= float(sys.argv[3]) and abs(right - ours["eval_accuracy"]) < 1e-9
sys.exit(not good)' "$T/out" "$T/metrics" 1e-5
}

compare relu 0 0.15
compare gelu 5 0.5 --activation gelu
compare gelu_new 123456789012345 0.3 --activation gelu_new --init coexpression

done_testing
