#!/bin/sh
# Hugging Face `datasets` 2, 3 and today's: what cells2hf writes opens there, what they save hf2cells reads.
. "${0%/*}/../cli/lib.sh"
HF_HOME=$T/home
HF_HUB_OFFLINE=1
export HF_HOME HF_HUB_OFFLINE

cells2hf -o "$T/tokens" "$DATA/tokens.cells"
cells2hf -o "$T/shards" --shard-size 3k "$DATA/tokens.cells"
cellhead -n 0 "$DATA/tokens.cells" | cells2hf -o "$T/none"
h5ad2cells -o "$T/counts.cells" "$DATA/counts.h5ad"
cells2hf -o "$T/counts" "$T/counts.cells"
cells2hf -o "$T/embeddings" "$DATA/embeddings.cells"
cellview --jsonl "$DATA/tokens.cells" >"$T/tokens.rows"
cp "$T/tokens.rows" "$T/shards.rows"
: >"$T/none.rows"
cellview --jsonl "$T/counts.cells" >"$T/counts.rows"
cellview --jsonl "$DATA/embeddings.cells" >"$T/embeddings.rows"

for version in datasets-2 datasets-3 current; do
	need_python $version
	for set in tokens shards none counts embeddings; do
		ok "$version opens $set" "$PYTHON" tests/interop/hf_datasets.py read "$T/$set" "$T/$set.rows"
	done

	ok "$version saves the shards backwards" "$PYTHON" tests/interop/hf_datasets.py resave "$T/shards" "$T/$version.back" 2
	run_sh "hf2cells '$T/$version.back' | cellview --jsonl"
	tac "$T/tokens.rows" >"$T/expected"
	same "$T/out" "$T/expected" "$version: all columns come back from there"
	"$PYTHON" tests/interop/hf_datasets.py resave "$T/none" "$T/$version.none" 1
	run_sh "hf2cells '$T/$version.none' | cellview --summary"
	out_like '^tokens: 0 rows' "$version: a dataset without rows"

	for width in int16 int32 int64; do
		"$PYTHON" tests/interop/hf_datasets.py write "$T/$version.$width" $width 3
		"$PYTHON" tests/interop/hf_datasets.py rows "$T/$version.$width" >"$T/expected"
		run_sh "hf2cells '$T/$version.$width' | cellview --jsonl --columns input_ids,length"
		same "$T/out" "$T/expected" "$version: ids of $width"
		is "$(wc -l <"$T/expected")" 25 "$version: $width: 25 rows in 3 shards"
		run_sh "hf2cells '$T/$version.$width' | cellview --schema"
		out_like '^input_ids +list<uint16>$' "$version: $width becomes uint16"
	done
	"$PYTHON" tests/interop/hf_datasets.py splits "$T/$version.splits"
	run hf2cells "$T/$version.splits"
	fails 1 'holds several datasets, one a split \(train, test\)' "$version: a folder of splits"
	run hf2cells "$T/$version.splits/train"
	status_is 0 "$version: one of them"
done

done_testing
