#!/bin/sh
# The datasets that the real TranscriptomeTokenizer wrote (../shared/golden/tokens): hf2cells gives the ids that `datasets` gives.
. "${0%/*}/../cli/lib.sh"
need_shared golden/tokens
need_python current
HF_HOME=$T/home
HF_HUB_OFFLINE=1
export HF_HOME HF_HUB_OFFLINE

for folder in "$SHARED"/golden/tokens/*.dataset; do
	name=${folder##*/}
	"$PYTHON" tests/interop/hf_datasets.py rows "$folder" >"$T/expected"
	run_sh "hf2cells '$folder' | cellview --jsonl --columns input_ids,length"
	same "$T/out" "$T/expected" "$name: $(wc -l <"$T/expected") cells"
	ok "$name: not empty" test -s "$T/expected"
	rm -rf "$T/back"
	run_sh "hf2cells '$folder' | cells2hf -o '$T/back'"
	"$PYTHON" tests/interop/hf_datasets.py rows "$T/back" >"$T/out"
	same "$T/out" "$T/expected" "$name: there and back"
done

done_testing
