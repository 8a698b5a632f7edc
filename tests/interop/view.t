#!/bin/sh
# cellview on every type of Arrow, against the values that pyarrow reads.
. "${0%/*}/../cli/lib.sh"
need_python current

"$PYTHON" tests/interop/view_types.py write "$T/types.arrows"
for form in jsonl tsv csv; do
	run cellview --$form "$T/types.arrows"
	status_is 0 "--$form"
	ok "--$form: every value" sh -c "'$PYTHON' tests/interop/view_types.py check '$T/types.arrows' $form <'$T/out'"
done
for view in '' --summary --schema; do
	# shellcheck disable=SC2086
	run cellview $view "$T/types.arrows"
	status_is 0 "every type in cellview $view"
done
run_sh "cellhead -n 20 '$T/types.arrows' | cellview --jsonl"
ok 'every type through a stream of ours' sh -c "'$PYTHON' tests/interop/view_types.py check '$T/types.arrows' jsonl <'$T/out'"
run_sh "cellhead -n 20 '$T/types.arrows' | cells2hf -o '$T/set'"
err_like '^cells2hf: warning: left out, as datasets has no such types: fixed_binary, map$' 'what a dataset cannot hold is named'
run_sh "cellview --jsonl --columns struct,texts,date32 '$T/set/data-00000-of-00001.arrow'"
cellview --jsonl --columns struct,texts,date32 "$T/types.arrows" >"$T/expected"
same "$T/out" "$T/expected" 'the rest is in it'

done_testing
