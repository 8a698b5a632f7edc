#!/bin/sh
# gfembed: the embeddings are those of transformers in double precision (tests/data/make.py), within 3e-5.
. "${0%/*}/lib.sh"
. "${0%/*}/common.sh"

common_checks filter gfembed "$DATA/tokens.cells" -m "$DATA/model"

rows() { # FILE: as JSON lines
	cellview --jsonl "$1"
}

embed() { # ARG...: to $T/got as JSON lines
	run gfembed -m "$DATA/model" --precision f32 -o "$T/embedded" "$@"
	status_is 0 "gfembed $*"
	rows "$T/embedded" >"$T/got"
}

near() { # EXPECTED NAME
	ok "$2" python3 tests/cli/near.py "$T/got" "$1" embedding 3e-5
}

rows "$DATA/embeddings.cells" >"$T/cls"
rows "$DATA/embeddings_mean.cells" >"$T/mean"
embed "$DATA/tokens.cells"
near "$T/cls" 'the <cls> states of transformers'
cp "$T/embedded" "$T/whole"
embed --pool mean "$DATA/tokens.cells"
near "$T/mean" 'the means of transformers'
hf2cells -d "$DATA/genes.cells" -o "$T/hf" "$DATA/tokens.dataset"
hf2cells -o "$T/bare" "$DATA/tokens.dataset"
run gfembed -m "$DATA/model" "$T/bare"
fails 1 'no vocabulary.*-d DICT' 'a stream without a vocabulary'
embed -d "$DATA/genes.cells" "$T/bare"
is "$(wc -l <"$T/got")" 20 'and with a dictionary: 20 cells'

for tokens in 1 50 100 1000; do
	for threads in 1 2 4; do
		run gfembed -m "$DATA/model" --precision f32 -t $threads --batch-tokens $tokens -o "$T/split" "$DATA/tokens.cells"
		same "$T/split" "$T/whole" "the same bytes with -t $threads --batch-tokens $tokens"
	done
done

# Genes and states, from the vectors of the cells.
embed --pool gene "$DATA/tokens.cells"
is "$(sed -n 1p "$T/got" | cut -c1-27)" '{"gene":"<cls>","n_cells":2' 'genes: <cls> first, in every cell'
for statistic in mean median; do
	embed --summary $statistic --by cell_type "$DATA/tokens.cells"
	python3 - "$T/cls" $statistic >"$T/states" <<'EOF'
import collections, json, statistics, sys
groups = collections.defaultdict(list)
for line in open(sys.argv[1]):
    row = json.loads(line)
    if row["cell_type"] is not None:
        groups[row["cell_type"]].append(row["embedding"])
for name in sorted(groups):
    columns = [getattr(statistics, sys.argv[2])(c) for c in zip(*groups[name])]
    print(json.dumps({"state": name, "embedding": columns}))
EOF
	near "$T/states" "--summary $statistic: as computed from the cells"
	is "$(cut -d'"' -f4 "$T/got" | tr '\n' '|')" 'B cell|T cell|mono, CD14+|' 'states by name'
	like "$(cat "$T/err")" '1 cells without a state' 'a cell without a state is counted'
done
# The cells thirty times, so that they take more than 64k; without a folder for temporary files that fails.
cp -r "$DATA/tokens.dataset" "$T/many.dataset"
python3 - "$T/many.dataset/state.json" <<'EOF'
import json, sys
state = json.load(open(sys.argv[1]))
state["_data_files"] *= 30
json.dump(state, open(sys.argv[1], "w"))
EOF
hf2cells -d "$DATA/genes.cells" -o "$T/many" "$T/many.dataset"
run env TMPDIR="$T/no-such" gfembed -m "$DATA/model" --summary median --by donor --max-memory 64k -o "$T/spilled" "$T/many"
fails 1 'no-such' 'the medians of many cells need a temporary file'
run gfembed -m "$DATA/model" --summary median --by donor --max-memory 64k -o "$T/spilled" "$T/many"
run gfembed -m "$DATA/model" --summary median --by donor -o "$T/kept" "$T/many"
same "$T/spilled" "$T/kept" 'and are the same through it'

# Every layer: 0 the last, -2 the embedding output of this model.
for layer in 0 -1 -2; do
	embed --layer $layer "$DATA/tokens.cells"
done
run gfembed -m "$DATA/model" --layer -3 "$DATA/tokens.cells"
fails 1 'layer' 'a layer that the model has not'

rankencode -s no -d "$DATA/genes.cells" -o "$T/no_cls" "$DATA/values.cells"
run gfembed -m "$DATA/model" "$T/no_cls"
fails 1 'row 0: does not begin with <cls>' 'cells without <cls>, though the vocabulary has it'
embed --pool mean "$T/no_cls"

# A dictionary of as many tokens, two of which stand for each other's genes.
mkdir "$T/swapped"
python3 - "$DATA/dictionary" "$T/swapped" <<'EOF'
import os, pickle, shutil, sys
for name in os.listdir(sys.argv[1]):
    target = shutil.copy(os.path.join(sys.argv[1], name), sys.argv[2])
    if name.startswith("token_dictionary"):
        tokens = pickle.load(open(target, "rb"))
        genes = sorted(tokens, key=tokens.get)
        tokens[genes[4]], tokens[genes[5]] = 5, 4
        pickle.dump(tokens, open(target, "wb"), 4)
EOF
embed -d "$DATA/dictionary" "$DATA/tokens.cells"
run gfembed -m "$DATA/model" -d "$T/swapped" "$DATA/tokens.cells"
fails 1 'tokens.cells: its vocabulary is not that of the dictionary' 'a dictionary that contradicts the cells'

run gfembed "$DATA/tokens.cells"
fails 2 'MODEL is required' 'no model'
run gfembed -m "$DATA/model" --pool 'cls|mean' "$DATA/tokens.cells"
fails 2 'none of auto' 'two choices at once'
run gfembed -m "$DATA/no-such" "$DATA/tokens.cells"
fails 1 'no-such' 'a model that is not there'
run gfembed -m "$DATA/model" --summary mean "$DATA/tokens.cells"
fails 2 'go together' '--summary without --by'
run gfembed -m "$DATA/model" --summary mean --by nothing "$DATA/tokens.cells"
fails 1 '--by: no column [^ ]*; there are ' 'a column that is not there'
run gfembed -m "$DATA/model" "$DATA/counts.cells"
fails 1 'holds counts, but gfembed needs tokens' 'a stream of the wrong kind'

done_testing
