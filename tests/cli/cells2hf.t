#!/bin/sh
# cells2hf: what it writes comes back by hf2cells; tests/interop/datasets.t has `datasets` itself read it.
. "${0%/*}/lib.sh"
. "${0%/*}/common.sh"

common_checks writer cells2hf "$DATA/tokens.cells"

run cells2hf "$DATA/tokens.cells"
fails 2 '-o is required' 'no folder given'
run cells2hf -o - "$DATA/tokens.cells"
fails 2 'standard output' 'a folder does not go to a pipe'

cellview --jsonl "$DATA/tokens.cells" >"$T/expected"
for size in 500000000 3k 1; do
	run cells2hf -o "$T/$size.dataset/" --shard-size $size "$DATA/tokens.cells"
	status_is 0 "--shard-size $size"
	run_sh "hf2cells '$T/$size.dataset' | cellview --jsonl"
	same "$T/out" "$T/expected" "--shard-size $size: the rows come back"
done
is "$(find "$T/500000000.dataset" -type f | sed 's,.*/,,' | sort | tr '\n' ' ')" 'data-00000-of-00001.arrow dataset_info.json state.json ' 'one shard'
is "$(find "$T/1.dataset" -name 'data-*-of-00020.arrow' | wc -l)" 20 'a row in a shard is the least'
ok 'the rest of the file names' ls "$T/3k.dataset/data-00000-of-00003.arrow" "$T/3k.dataset/data-00002-of-00003.arrow"
is "$(cat "$T/1.dataset/dataset_info.json")" '{}' 'dataset_info.json'
is "$(grep -c '"_[a-z_]*":' "$T/1.dataset/state.json")" 7 'the seven keys of state.json'
mkdir "$T/plain"
is "$(stat -c %a "$T/1.dataset")" "$(stat -c %a "$T/plain")" 'the permissions of a new folder'
run cells2hf -o "$T/again.dataset" --shard-size 3k "$DATA/tokens.cells"
ok 'equal input gives equal bytes' diff -r "$T/again.dataset" "$T/3k.dataset"
run_sh "cellview --schema '$T/1.dataset/data-00000-of-00020.arrow'"
out_like '^input_ids +list<int32>$' 'ids are int32'

# Every kind; categories become plain texts.
h5ad2cells -o "$T/counts.cells" "$DATA/counts.h5ad"
for file in "$T/counts.cells" "$DATA/embeddings.cells" "$DATA/genes.cells"; do
	rm -rf "$T/set"
	run cells2hf -o "$T/set" "$file"
	status_is 0 "${file##*/}"
	cellview --jsonl "$file" >"$T/expected"
	cellview --jsonl "$T/set/data-00000-of-00001.arrow" >"$T/rows"
	same "$T/rows" "$T/expected" "${file##*/}: the rows are in the shard"
	unlike "$(cellview --schema "$T/set/data-00000-of-00001.arrow")" dictionary "${file##*/}: no dictionaries"
done

# What is there stays, and what fails leaves nothing.
mkdir "$T/there"
for name in there set counts.cells; do
	run cells2hf -o "$T/$name" "$DATA/tokens.cells"
	fails 1 "$name: exists already" "$name is not written over"
done
before=$(ls -A "$T")
size=$(wc -c <"$DATA/tokens.cells")
head -c $((size - 100)) "$DATA/tokens.cells" >"$T/.cut"
run cells2hf -o "$T/failed" --shard-size 1 "$T/.cut"
fails 1 'truncated' 'a stream that breaks off'
rm "$T/.cut"
is "$(ls -A "$T")" "$before" 'nothing stays of it'

# Ended by a signal in the middle of its work: the input is held open by the pipe.
{ head -c $((size - 100)) "$DATA/tokens.cells"; sleep 5; } | cells2hf -o "$T/failed" --shard-size 1 2>"$T/err" &
sleep 1
ok 'it is at work' sh -c "ls -d '$T'/failed.*"
# The job is the pipe's last program.
kill $!
wait $! 2>/dev/null
is "$(ls -A "$T")" "$before" 'nothing stays after a signal'

if ! is_instrumented && "${CC:-cc}" -shared -fPIC -O1 -o "$T/.fault.so" tests/fault/fault.c -ldl 2>"$T/err"; then
	for call in write rename read aligned_alloc; do
		n=1
		bad=
		while test -z "$bad" && test $n -lt 3000; do
			run env FAULT_CALL=$call FAULT_AT=$n LD_PRELOAD="$T/.fault.so" cells2hf --shard-size 3k -o "$T/failed" "$DATA/tokens.cells"
			test "$status" = 0 && break
			test "$status" = 1 && test "$(wc -l <"$T/err")" = 1 && ! ls -d "$T"/failed* >"$T/.ls" 2>&1 || bad=$n
			n=$((n + 1))
		done
		is "$bad" '' "every $call fails once ($((n - 1)))"
		ok "and in the end it works ($call)" test -e "$T/failed/state.json" -a $n -gt 1
		rm -rf "$T"/failed*
	done
fi

done_testing
