#!/bin/sh
# hf2cells: folders of Hugging Face datasets, whole and broken.
. "${0%/*}/lib.sh"
. "${0%/*}/common.sh"

common_checks reader hf2cells "$DATA/tokens.dataset"

# make.py gave the same cells to tokens.cells, without dictionaries of ours.
columns=input_ids,length,cell_type,donor
cellview --jsonl --columns $columns "$DATA/tokens.cells" >"$T/expected"
run_sh "hf2cells '$DATA/tokens.dataset' | cellview --jsonl --columns $columns"
same "$T/out" "$T/expected" 'the rows of two shards, in order'
run_sh "hf2cells '$DATA/tokens.dataset' | cellview --tsv --columns cell"
is "$(sed 1d "$T/out" | tr '\n' ' ')" "$(seq 0 19 | tr '\n' ' ')" 'cell is the number of the row'
run_sh "hf2cells '$DATA/tokens.dataset' | cellview --schema"
out_like '^input_ids +list<uint16>$' 'small ids become uint16'

run_sh "hf2cells -d '$DATA/genes.cells' '$DATA/tokens.dataset' | cellview --names --jsonl --columns input_ids"
cellview --names --jsonl --columns input_ids "$DATA/tokens.cells" >"$T/expected"
same "$T/out" "$T/expected" '-d: the vocabulary'
run_sh "hf2cells -d '$DATA/genes.cells' '$DATA/tokens.dataset' | cellview --history"
out_like '^hf2cells [0-9.]+ dictionary=[0-9a-f]{32}$' '-d: its hash in the history'
run_sh "hf2cells -d '$DATA/dictionary' '$DATA/tokens.dataset' | cellview --names --jsonl --columns input_ids"
same "$T/out" "$T/expected" '-d: a folder of pickles'

# Our own folder carries the vocabulary itself.
cells2hf -o "$T/own.dataset" "$DATA/tokens.cells"
run_sh "hf2cells '$T/own.dataset' | cellview --names --jsonl --columns input_ids"
same "$T/out" "$T/expected" 'the vocabulary of a folder of ours'

# Ids above 65,535: one of the first shard is made 70,000 where it stands, as int32. The first cell begins 2, 59, 50, 52.
copy() {
	rm -rf "$T/set"
	cp -R "$DATA/tokens.dataset" "$T/set"
	chmod -R u+w "$T/set"
}
set_id() { # NUMBER
	python3 - "$T/set/data-00000-of-00002.arrow" "$1" <<'EOT'
import struct, sys
path, new = sys.argv[1], int(sys.argv[2])
with open(path, "rb") as f:
    data = f.read()
old = struct.pack("<4i", 2, 59, 50, 52)
assert data.count(old) == 1
with open(path, "wb") as f:
    f.write(data.replace(old, struct.pack("<4i", 2, new, 50, 52)))
EOT
}
need_command python3
copy
set_id 70000
run_sh "hf2cells '$T/set' | cellview --schema"
out_like '^input_ids +list<int32>$' 'great ids stay int32'
run_sh "hf2cells '$T/set' | cellview --jsonl -n 1 --columns input_ids"
out_like '\[2,70000,50,52,' 'and are right'
run hf2cells -d "$DATA/genes.cells" -o "$T/failed" "$T/set"
fails 1 'data-00000-of-00002.arrow: batch 0: row 0: token 70000, but the vocabulary has 63' '-d: an id above the vocabulary'
ok 'and no output' test ! -e "$T/failed"
set_id_to() { copy && set_id "$1"; }
set_id_to 65535
run_sh "hf2cells '$T/set' | cellview --jsonl -n 1 --columns input_ids"
out_like '\[2,65535,50,52,' 'the greatest id that uint16 holds'
set_id_to -7
run hf2cells "$T/set"
fails 1 'row 0: token -7' 'a negative id'

# Folders that are something else, or damaged.
run hf2cells
fails 2 'FOLDER.dataset is missing' 'no folder given'
mkdir "$T/folder"
run hf2cells "$T/folder"
fails 1 'folder: has no state.json' 'a folder that is no dataset'
echo '{"splits": ["train", "test"]}' >"$T/folder/dataset_dict.json"
run hf2cells "$T/folder"
fails 1 'holds several datasets, one a split \(train, test\)' 'a folder of splits'
run hf2cells "$DATA/tokens.dataset/data-00000-of-00002.arrow"
fails 1 'is not a folder \(a single shard is a stream already' 'a shard'

state() { # JSON
	copy
	echo "$1" >"$T/set/state.json"
}
state '{"_data_files": [{"filename": "data-00001-of-00002.arrow"}]}'
run_sh "hf2cells '$T/set' | cellview --tsv --columns donor | sed 1d | sort -u"
out_is d1 'state.json says which shards'
state '{"_data_files": []}'
run hf2cells "$T/set"
fails 1 'lists no files' 'no shards'
state '{"_data_files": [{"filename": "../x.arrow"}]}'
run hf2cells "$T/set"
fails 1 'no "filename" in the folder' 'a shard elsewhere'
state '{"_data_files": [{"filename": "data-00000-of-00002.arrow"}, {"filename": "x.arrow"}]}'
run hf2cells "$T/set"
fails 1 'x.arrow: No such file' 'a shard that is not there'
state '{"_data_files": [{"filename": "data-00000-of-00002.arrow"}], "_indices_data_files": [{"filename": "i"}]}'
run hf2cells "$T/set"
fails 1 'flatten_indices' 'a selection of rows'
state '{'
run hf2cells "$T/set"
fails 1 'state.json:[0-9]+:' 'a state.json that is not JSON'

copy
head -c 1500 "$DATA/tokens.dataset/data-00001-of-00002.arrow" >"$T/set/data-00001-of-00002.arrow"
run hf2cells -o "$T/failed" "$T/set"
fails 1 'data-00001-of-00002.arrow: .*truncated' 'a truncated shard'
copy
cp "$DATA/values.cells" "$T/set/data-00001-of-00002.arrow"
run hf2cells -o "$T/failed" "$T/set"
fails 1 'data-00001-of-00002.arrow: has 1[0-9] columns, the first shard 4' 'a shard of other columns'
cp "$DATA/values.cells" "$T/set/data-00000-of-00002.arrow"
run hf2cells -o "$T/failed" "$T/set"
fails 1 'needs the column input_ids' 'cells without tokens'
ok 'nothing stays of any of them' test ! -e "$T/failed"

done_testing
