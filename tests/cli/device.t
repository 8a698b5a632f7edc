#!/bin/sh
# --device: the numbers of the CUDA backend through the programs, on the emulated device (tests/emulation), and on a real
# one where there is one; every reason why it is not to be had; and that auto goes on without it.
. "${0%/*}/lib.sh"

object=$BUILD/../emulated/cellpipe-cuda.so
test -e "$object" || skip_all "no $object (make units)"
tokens=$DATA/tokens.cells

rows() { # FILE
	cellview --jsonl "$1"
}

near() { # WHAT LIMIT NAME
	rows "$T/got" >"$T/got.jsonl"
	ok "$3" python3 tests/cli/near.py "$T/got.jsonl" "$T/$1.jsonl" embedding "$2"
}

rows "$DATA/embeddings.cells" >"$T/cls.jsonl"
rows "$DATA/embeddings_mean.cells" >"$T/mean.jsonl"

on_device() { # NAME
	run gfembed -m "$DATA/model" --device cuda --precision f32 -o "$T/got" "$tokens"
	status_is 0 "$1: gfembed"
	near cls 3e-5 "$1: the <cls> states of transformers in double precision"
	run gfembed -m "$DATA/model" --device cuda --precision f32 --pool mean -o "$T/got" "$tokens"
	near mean 3e-5 "$1: the means of transformers in double precision"
	run gfembed -v -m "$DATA/model" --device cuda -o "$T/whole" "$tokens"
	err_like 'on cuda .* in bf16' "$1: bf16 without --precision"
	like "$(cellview --history "$T/whole")" 'bf16' "$1: and the history has it"
	for batch in 1 50 1000; do
		run gfembed -m "$DATA/model" --device cuda -t 3 --batch-tokens $batch -o "$T/split" "$tokens"
		same "$T/split" "$T/whole" "$1: the same bytes with -t 3 --batch-tokens $batch"
	done
	run gfembed -m "$DATA/model" --device cuda --precision fp16 --pool mean -o "$T/got" "$tokens"
	near mean 3e-2 "$1: fp16"
	run gfembed -m "$DATA/model" --device cuda --precision int8 -o "$T/none" "$tokens"
	fails 1 'device cuda: it computes in f32, bf16 or fp16 only' "$1: no int8"

	run gfclassify -m "$DATA/classifiers/gene" --device cuda --precision f32 --logits -o "$T/ours" "$tokens"
	run gfclassify -m "$DATA/classifiers/gene" --device cpu --precision f32 --logits -o "$T/theirs" "$tokens"
	rows "$T/ours" >"$T/ours.jsonl"
	rows "$T/theirs" >"$T/theirs.jsonl"
	ok "$1: gfclassify's logits are the CPU's" python3 tests/cli/near.py "$T/ours.jsonl" "$T/theirs.jsonl" logits 1e-4

	for device in cuda cpu; do
		run gfperturb -m "$DATA/model" --type delete --device $device -o "$T/$device" "$tokens"
		rows "$T/$device" >"$T/$device.jsonl"
	done
	like "$(cellview --history "$T/cuda")" 'precision=f32' "$1: gfperturb in f32"
	ok "$1: gfperturb's cosines are the CPU's" python3 - "$T/cuda.jsonl" "$T/cpu.jsonl" <<-'END'
		import json, sys
		ours, theirs = ([json.loads(line) for line in open(path)] for path in sys.argv[1:])
		assert len(ours) == len(theirs) > 100
		for a, b in zip(ours, theirs):
		    assert a["perturbed"] == b["perturbed"] and a["cell"] == b["cell"]
		    assert abs(a["cos_sim"] - b["cos_sim"]) <= 2e-6, (a, b)
	END
}

CELLPIPE_CUDA=$object
export CELLPIPE_CUDA
on_device emulated

refused() { # REGEX NAME [VARIABLE=VALUE...]
	refused_regex=$1
	refused_name=$2
	shift 2
	rm -f "$T/none"
	run env "$@" gfembed -m "$DATA/model" --device cuda -o "$T/none" "$tokens"
	fails 1 "$refused_regex" "$refused_name"
	ok "$refused_name: and no output" not test -e "$T/none"
}

refused 'device cuda: this build has no CUDA backend' 'not built' CELLPIPE_CUDA="$T/no-such"
refused "device cuda: .*$tokens" 'no object at all' CELLPIPE_CUDA="$tokens"
refused 'device cuda: .* is of cellpipe 99.1 and does not fit' 'another version' \
	CELLPIPE_CUDA="${object%/*}/other-version.so"
refused 'device cuda: there is no device' 'no device' CELLPIPE_EMULATED_DEVICE=none
refused 'device cuda: the driver is for CUDA 12.2, too old for 13.0' 'an old driver' CELLPIPE_EMULATED_DEVICE=driver
refused 'device cuda: .* compute capability 7.0, it needs 8.0' 'an old device' CELLPIPE_EMULATED_DEVICE=old
refused 'device cuda: its memory' 'no memory' CELLPIPE_EMULATED_MEMORY=100000
refused 'device cuda: its memory' 'little memory' CELLPIPE_EMULATED_MEMORY=36000000
refused 'device cuda: .*launch failure' 'a device that gets lost' CELLPIPE_EMULATED_FAULT=40

# auto: the device where it works, else the CPU, and nothing is said without -v.
run gfembed -v -m "$DATA/model" -o "$T/got" "$tokens"
err_like 'on cuda emulated in bf16' 'auto takes the device'
run gfembed -m "$DATA/model" --device cpu -o "$T/cpu" "$tokens"
run env CELLPIPE_EMULATED_DEVICE=none gfembed -m "$DATA/model" -o "$T/got" "$tokens"
err_is '' 'auto without a device says nothing'
same "$T/got" "$T/cpu" 'and is the CPU'
run env CELLPIPE_EMULATED_DEVICE=none gfembed -v -m "$DATA/model" -o "$T/got" "$tokens"
err_like 'device cuda: there is no device' 'with -v it says why'

unset CELLPIPE_CUDA
run gfembed -m "$DATA/model" --device cuda -o "$T/got" "$tokens"
if test "$status" = 0; then
	on_device real
else
	skip "$(cat "$T/err")" 'a real device'
fi

done_testing
