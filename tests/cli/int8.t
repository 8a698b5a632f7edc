#!/bin/sh
# --precision int8: refused where it cannot be computed or makes no sense; else near float32 on real cells (1,000 of the
# demo's, its model), and the same bytes for any split. float32 itself is held to the reference in gfembed.t and parity/.

. "${0%/*}/lib.sh"
demo=pipelines/demo
model=$demo/model

for isa in generic avx2; do
	run env CELLPIPE_ISA=$isa gfembed -m "$DATA/model" --precision int8 -o "$T/x" "$DATA/tokens.cells"
	if grep -q CELLPIPE_ISA "$T/err"; then
		skip "this CPU has no $isa" "int8 with $isa"
	else
		fails 1 "precision int8: needs AVX-512 with VNNI, and there is $isa only; use f32" "int8 with $isa"
	fi
	ok "and nothing is written" test ! -e "$T/x"
done

run gfperturb -m "$DATA/model" --type delete --precision int8 -o "$T/x" "$DATA/tokens.cells"
fails 2 'as small as its rounding' 'gfperturb does not take it'

run gfembed -m "$DATA/model" --precision int8 -o "$T/whole" "$DATA/tokens.cells"
if grep -q 'needs AVX-512 with VNNI' "$T/err"; then
	skip 'this CPU has no AVX-512 with VNNI' 'what int8 computes'
	done_testing
	exit
fi
status_is 0 'gfembed in int8'

for program in 'gfembed' 'gfembed --pool mean' 'gfembed --pool gene' 'gfclassify' \
	'gfperturb -f --type delete' 'gfperturb -f --type overexpress --pool mean --per-gene'; do
	model_of=$DATA/model
	test "$program" = gfclassify && model_of=$DATA/classifiers/cell
	for split in '-t 1' '-t 4' '--batch-tokens 1' '--batch-tokens 70'; do
		# shellcheck disable=SC2086     # words
		run $program -m "$model_of" --precision int8 -l 0 $split -o "$T/split" "$DATA/tokens.cells"
		status_is 0 "$program $split"
		test "$split" = '-t 1' && cp "$T/split" "$T/first"
		same "$T/split" "$T/first" 'the same bytes'
	done
	ok 'the history tells' grep -a -q 'int8' "$T/split"
done

# The instruction sets that have it give the same bytes.
run gfembed -m "$DATA/model" --precision int8 --pool mean -l 0 -o "$T/native" "$DATA/tokens.cells"
run env CELLPIPE_ISA=avx512 gfembed -m "$DATA/model" --precision int8 --pool mean -l 0 -o "$T/avx512" "$DATA/tokens.cells"
same "$T/avx512" "$T/native" 'the same bytes with AVX-512 and with all that there is'

need_command "${CC:-cc}"
ok 'vectors_agree is built' "${CC:-cc}" -std=c11 -O2 -o "$T/vectors_agree" tests/cli/vectors_agree.c -lm
h5ad2cells $demo/pbmc3k.h5ad | cellhead -n 1000 | genemap -d $demo/genes.cells | normalize -d $demo/genes.cells |
	rankencode -d $demo/genes.cells -m $model -o "$T/tokens"
for how in '--pool cls' '--pool mean' '--pool mean --layer 0'; do
	for precision in f32 int8; do
		# shellcheck disable=SC2086     # words
		gfembed -q -m $model $how --precision $precision "$T/tokens" | cellview --tsv --columns embedding |
			sed 1d >"$T/$precision"
	done
	agreement=$("$T/vectors_agree" "$T/f32" "$T/int8" 128)
	echo "# gfembed $how: mean and least cosine, share of the 10 nearest: $agreement"
	ok "$how: as near to float32 as the manual says" awk -v a="$agreement" \
		'BEGIN { split(a, x, " "); exit !(x[1] >= .9995 && x[2] >= .999 && x[3] >= .97) }'
done

done_testing
