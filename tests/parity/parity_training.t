#!/bin/sh
# Gradients and steps of learning against the reference's float64 (../shared/golden/training).

. "${0%/*}/../cli/lib.sh"
need_shared golden/models golden/training
need_command make
need_command python3
golden=$SHARED/golden

training=${BUILD%/bin}/parity/parity_training
make -s B="${BUILD%/bin}" "$training" >"$T/.why" 2>&1 || fail 'parity_training is built'

names() { # KEY
	python3 -c 'import json, sys
print("\n".join(json.load(open(sys.argv[1]))[sys.argv[2]]["tensor_names"]))' "$golden/training/index.json" "$1"
}

check() { # ISA WHAT KEY MODEL RATE WARMUP DECAY FROZEN
	isa=$1
	names "$3" >"$T/names"
	CELLPIPE_ISA=$isa "$training" "$2" "$golden/models/$4" "$golden/training/$3.safetensors" "$5" "$6" "$7" "$8" \
		<"$T/names" >"$T/out" 2>"$T/err"
	status=$?
	sed 's/^/# /' "$T/out"
	status_is 0 "$2 $3 ${isa:-native}"
}

# The program meets the instruction set before it meets the model.
has_isa() { # ISA
	! CELLPIPE_ISA=$1 "$training" grads none none 0 0 0 0 </dev/null 2>&1 | grep -q CELLPIPE_ISA
}

for isa in '' avx2 generic; do
	test -z "$isa" || has_isa $isa || continue
	check "$isa" grads grads_mlm_v1 tiny-v1-mlm 0 0 0 0
	check "$isa" grads grads_mlm_v2 tiny-v2-mlm 0 0 0 0
	check "$isa" grads grads_cell tiny-v2-cell 0 0 0 0
	check "$isa" grads grads_gene tiny-v2-gene 0 0 0 0
	check "$isa" bf16 grads_mlm_v1 tiny-v1-mlm 0 0 0 0
	check "$isa" bf16 grads_cell tiny-v2-cell 0 0 0 0
	check "$isa" bf16 grads_gene tiny-v2-gene 0 0 0 0
	check "$isa" steps steps_mlm_v1 tiny-v1-mlm 1e-3 4 0.001 0
	check "$isa" steps steps_cell tiny-v2-cell 5e-4 5 0.01 0
	check "$isa" steps steps_cell_frozen tiny-v2-cell 5e-4 5 0.01 2
done

done_testing
