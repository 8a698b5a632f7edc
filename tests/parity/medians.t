#!/bin/sh
# medians on real cells, against numpy.median, and against the percentiles of ../shared/golden/stat/tdigest.json.

. "${0%/*}/../cli/lib.sh"
need_command python3
need_shared data/cells golden/stat/tdigest.json
need_python current

python() {
	"$PYTHON" tests/parity/medians.py "$@"
}

for name in kang_ifnb1k pbmc_facs brain_fluidigm_130; do
	h5ad2cells -q "$SHARED/data/cells/$name.h5ad" -o "$T/$name.cells"
done
cells="$T/kang_ifnb1k.cells $T/pbmc_facs.cells $T/brain_fluidigm_130.cells"
python expect "$SHARED/data/cells/kang_ifnb1k.h5ad" "$SHARED/data/cells/pbmc_facs.h5ad" \
	"$SHARED/data/cells/brain_fluidigm_130.h5ad" >"$T/expected.tsv"
ok 'numpy has medians of more than 20000 genes' test "$(wc -l <"$T/expected.tsv")" -gt 20000

# shellcheck disable=SC2086
{
	run medians $cells -o "$T/exact.cells"
	ok 'exact: every bit of numpy.median' python compare "$T/expected.tsv" "$T/exact.cells" 0
	run medians --max-memory 1M $cells -o "$T/spilled.cells"
	same "$T/spilled.cells" "$T/exact.cells" 'with 1 MB of memory, too'
	run medians --digest $cells -o "$T/digest.cells"
	ok 'digest: within 6 %, as far as crick is off for genes of some hundred cells' python compare \
		"$T/expected.tsv" "$T/digest.cells" 0.06
}

python stream "$SHARED/data/cells/kang_ifnb1k.h5ad" "$T/plain.arrows"
run_sh 'medians -q "$T/plain.arrows" | cellview --tsv >"$T/plain.tsv"'
run_sh 'h5ad2cells -q --recount "$SHARED/data/cells/kang_ifnb1k.h5ad" | medians | cellview --tsv >"$T/recounted.tsv"'
ok 'a foreign stream: text without dictionary, whole numbers, no n_counts' test "$(wc -l <"$T/plain.tsv")" -gt 10000
same "$T/plain.tsv" "$T/recounted.tsv" 'gives what --recount gives'

run medians "$T/pbmc_facs.cells" -o "$T/facs.cells"
ok 'golden percentiles: exact' python golden "$SHARED/golden/stat/tdigest.json" "$T/facs.cells" 1e-14
run medians --digest "$T/pbmc_facs.cells" -o "$T/facs_digest.cells"
ok 'golden percentiles: digest, within 2 %' python golden "$SHARED/golden/stat/tdigest.json" "$T/facs_digest.cells" 0.02
done_testing
