#!/bin/sh
# The network against the reference's hidden states and logits in float64 (3e-5 absolute), lengths 1 to 4,096.

. "${0%/*}/../cli/lib.sh"
need_shared golden/models golden/forward
need_command "${CC:-cc}"

# shellcheck disable=SC2086     # CFLAGS and LDFLAGS are words
"${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L -Icommon -I. ${CFLAGS:-} -o "$T/forward" \
	tests/parity/parity_forward.c "${BUILD%/bin}/libcellpipe.a" ${LDFLAGS:-} -ldnnl -ljansson -ldeflate -llz4 -lzstd \
	-lxxhash -lm -pthread 2>"$T/.why" || fail 'parity_forward is built'

check() { # ISA PRECISION MODEL...
	isa=$1
	precision=$2
	shift 2
	for model; do
		ok "$model ${isa:-native} $precision" env CELLPIPE_ISA="$isa" "$T/forward" "$SHARED/golden/models/$model" \
			"$SHARED/golden/forward/${model%-bin}.safetensors" "$precision"
	done
}

# The program meets the instruction set before it meets the model.
has_isa() { # ISA
	! CELLPIPE_ISA=$1 "$T/forward" none none f32 2>&1 | grep -q CELLPIPE_ISA
}

# shellcheck disable=SC2086     # a list
{
	all='tiny-v2-mlm tiny-v1-mlm tiny-v2-cell tiny-v2-gene tiny-v2-gelu tiny-v2-gelu-bin'
	check '' f32 $all
	check generic f32 tiny-v1-mlm tiny-v2-gelu
	has_isa avx2 && check avx2 f32 $all
	has_isa avx512 && check avx512 f32 $all && check '' bf16 $all
}

done_testing
