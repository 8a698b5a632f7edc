#!/bin/sh
# gfperturb: the perturbed cells are those that lists of genes give, and its numbers those of gfembed on these cells.
. "${0%/*}/lib.sh"
. "${0%/*}/common.sh"

without='rows columns'
common_checks filter gfperturb "$DATA/tokens.cells" -m "$DATA/model" --type delete

perturb() { # ARG...: the stream to $T/perturbed, as JSON lines to $T/got
	run gfperturb -m "$DATA/model" -o "$T/perturbed" "$@"
	status_is 0 "gfperturb $*"
	cellview --jsonl "$T/perturbed" >"$T/got"
}

gene() { # TOKEN: its id
	cellview --tsv "$DATA/genes.cells" | awk -F'\t' -v t="$1" 'NR > 1 && $2 == t { print $1 }'
}

# Copies: TYPE, groups as tokens, quartiles, the model's positions.
cellview --jsonl "$DATA/tokens.cells" >"$T/tokens"
ids() { # GROUPS of tokens: with the ids of the genes
	echo "$1" | sed 's/[0-9][0-9]*/\n&\n/g' | while read -r word; do
		case $word in
		[0-9]*) printf %s "$(gene "$word")" ;;
		*) printf %s "$word" ;;
		esac
	done
}
expect_copies() { # TYPE GROUPS QUARTILES ARG...
	type=$1 groups=$2 quartiles=$3
	shift 3
	python3 tests/cli/gfperturb.py copies "$type" "$groups" "$quartiles" 64 "$T/tokens" >"$T/expected"
	test "$groups" = all || set -- "$@" --genes "$(ids "$groups")"
	perturb --tokens --type "$type" "$@" "$DATA/tokens.cells"
	ok "$type $groups $quartiles: the copies" python3 - "$T/expected" "$T/got" "$DATA/genes.cells" <<'EOF'
import json, subprocess, sys
genes = subprocess.run(["cellview", "--jsonl", sys.argv[3]], capture_output=True, text=True, check=True).stdout
names = {row["token"]: row["gene"] for row in map(json.loads, genes.splitlines())}
expected, got = [list(map(json.loads, open(path))) for path in sys.argv[1:3]]
assert expected, "none"
for x, y in zip(expected, got, strict=True):
    x["perturbed"] = [names[t] for t in x["perturbed"]]
    assert all(y[key] == x[key] for key in x) and y["length"] == len(x["input_ids"]), f"{y} is not {x}"
print(len(got))
EOF
}
for type in delete overexpress; do
	expect_copies "$type" all 1
	expect_copies "$type" 7,12+9,30,5+6+7 1
done
for type in inhibit activate; do
	for quartiles in 1 2 3; do
		expect_copies "$type" all "$quartiles" --quartiles "$quartiles"
		expect_copies "$type" 7,12+9,30,5+6+7 "$quartiles" --quartiles "$quartiles"
	done
done
is "$(head -n 1 "$T/got" | tr -d '\n' | grep -c '"donor":"d0".*"lab_xy":.*"perturbed"')" 1 'with all columns of the cell'

# Numbers: cosines and shifts of what gfembed makes of these cells.
embed() { # INPUT OUTPUT ARG...
	embed_in=$1 embed_out=$2
	shift 2
	gfembed -q -m "$DATA/model" --precision f32 "$@" "$embed_in" | cellview --jsonl >"$embed_out"
}
embed "$DATA/tokens.cells" "$T/originals"
states="--by cell_type --start B\ cell --goal T\ cell --alt mono\\\\,\ CD14+"
gfembed -q -m "$DATA/model" --precision f32 --summary mean --by cell_type -o "$T/states" "$DATA/tokens.cells"
gfembed -q -m "$DATA/model" --precision f32 --summary mean --by cell_type --pool mean -o "$T/mean_states" "$DATA/tokens.cells"
cellview --jsonl "$T/states" >"$T/states.jsonl"
cellview --jsonl "$T/mean_states" >"$T/mean_states.jsonl"
for type in delete overexpress inhibit activate; do
	gfperturb -m "$DATA/model" --type $type --tokens -o "$T/copies" "$DATA/tokens.cells"
	embed "$T/copies" "$T/embedded"
	perturb --type $type "$DATA/tokens.cells"
	ok "$type: the cosines of gfembed" python3 tests/cli/gfperturb.py embedded "$T/got" "$T/originals" "$T/embedded"
done
for pool in cls mean; do
	file=$T/states
	test $pool = cls || file=$T/mean_states
	eval "set -- --type delete --pool $pool --states '$file' $states"
	gfperturb -m "$DATA/model" --type delete --tokens --by cell_type --start 'B cell' -o "$T/copies" "$DATA/tokens.cells"
	embed "$DATA/tokens.cells" "$T/pooled" --pool $pool
	embed "$T/copies" "$T/embedded" --pool $pool
	perturb "$@" "$DATA/tokens.cells"
	ok "shifts of $pool" python3 tests/cli/gfperturb.py embedded "$T/got" "$T/pooled" "$T/embedded" "$file.jsonl"
	like "$(head -n 1 "$T/got")" '"shift:B cell":.*"shift:T cell":.*"shift:mono, CD14\+"' 'start, goal and alternatives'
	is "$(cut -d'"' -f4 "$T/got" | sort -u | wc -l)" 6 'only cells of the start'
done
perturb --type overexpress --pool mean --per-gene "$DATA/tokens.cells"
ok 'the mean of the genes, each by name' python3 - "$T/got" "$T/tokens" "$DATA/genes.cells" <<'EOF'
import json, subprocess, sys
genes = subprocess.run(["cellview", "--jsonl", sys.argv[3]], capture_output=True, text=True, check=True).stdout
names = {row["token"]: row["gene"] for row in map(json.loads, genes.splitlines())}
cells = {row["cell"]: [names[t] for t in row["input_ids"][1:-1]] for row in map(json.loads, open(sys.argv[2]))}
rows = [json.loads(line) for line in open(sys.argv[1])]
assert len(rows) == sum(len(genes) - 1 for genes in cells.values())
for row in rows:
    assert row["affected"] == [g for g in cells[row["cell"]] if g not in row["perturbed"]], row
    assert abs(row["cos_sim"] - sum(row["gene_cos"]) / len(row["gene_cos"])) < 1e-6, row
EOF

# Threads and batches.
perturb --type delete --per-gene --keep donor,score "$DATA/tokens.cells"
cp "$T/perturbed" "$T/whole"
like "$(head -n 1 "$T/got")" '"cell":"TTGA0000-1","donor":"d0","score":-1,"perturbed":' '--keep'
for tokens in 1 100 1000; do
	for threads in 1 2 4; do
		run gfperturb -m "$DATA/model" --type delete --per-gene --keep donor,score -t $threads --batch-tokens $tokens \
			-o "$T/split" "$DATA/tokens.cells"
		same "$T/split" "$T/whole" "the same bytes with -t $threads --batch-tokens $tokens"
	done
done

# The most promising genes: as without --screen, but fewer, and those of great effect. (The estimate supposes that one gene
# of a cell matters little; these cells have about ten, and <cls> is where that shows most.)
screened() { # SHARE ARG...: with --screen 5 and without; this share of the three best genes of a cell must be there
	share=$1
	shift
	perturb "$@" "$DATA/tokens.cells"
	cp "$T/got" "$T/all"
	perturb "$@" --screen 5 "$DATA/tokens.cells"
	ok "--screen 5 $*" python3 - "$T/all" "$T/got" "$share" <<'EOF'
import json, sys
rows = [[json.loads(line) for line in open(path)] for path in sys.argv[1:3]]
goal = next((key for key in rows[0][0] if key == "shift:T cell"), None)
effect = (lambda row: row[goal]) if goal else (lambda row: -row["cos_sim"])
cells = dict.fromkeys(row["cell"] for row in rows[0])
caught = n = 0
for cell in cells:
    every, some = ([row for row in r if row["cell"] == cell] for r in rows)
    assert len(some) == min(5, len(every)), f"{cell}: {len(some)} of {len(every)}"
    kept = [row["perturbed"] for row in some]
    for x, y in zip([row for row in every if row["perturbed"] in kept], some, strict=True):
        assert x["perturbed"] == y["perturbed"], f"{cell}: another order"
        assert all(abs(x[k] - y[k]) < 1e-6 for k in x if isinstance(x[k], float)), f"{x} is not {y}"
    best = sorted(every, key=effect, reverse=True)[:3]
    caught += sum(row["perturbed"] in kept for row in best)
    n += len(best)
assert caught >= float(sys.argv[3]) * n, f"only {caught} of the {n} best are there"
EOF
}
screened 0.7 --type delete
screened 0.8 --type delete --pool mean
screened 0.8 --type overexpress --pool mean
eval "screened 0.5 --type delete --states '$T/states' $states"
eval "screened 0.8 --type delete --pool mean --states '$T/mean_states' $states"
cp "$T/perturbed" "$T/whole"
eval "set -- --type delete --pool mean --states '$T/mean_states' $states --screen 5 '$DATA/tokens.cells'"
for threads in 1 3; do
	run gfperturb -m "$DATA/model" -t $threads --batch-tokens 10 -o "$T/split" "$@"
	same "$T/split" "$T/whole" "--screen: the same bytes with -t $threads"
done
for wrong in '--genes ENSG00000000003' '--combos 2' '--anchor ENSG00000000003' '--tokens'; do
	# shellcheck disable=SC2086
	run gfperturb -m "$DATA/model" --type delete --screen 5 $wrong "$DATA/tokens.cells"
	status_is 2 "--screen 5 $wrong"
done
run gfperturb -m "$DATA/model" --type inhibit --screen 5 "$DATA/tokens.cells"
status_is 2 '--screen 5 --type inhibit'

# Groups, tuples, an anchor.
a=$(gene 7) b=$(gene 9) c=$(gene 12)
cellhead -n 1 -o "$T/one" "$DATA/tokens.cells"
n=$(cellview --jsonl "$T/one" | python3 -c 'import json, sys; print(json.loads(sys.stdin.read())["length"] - 2)')
perturb --type delete --combos 2 "$T/one"
is "$(wc -l <"$T/got")" $((n + n * (n - 1) / 2)) 'each gene, and each pair'
perturb --type overexpress --genes "$a,$b,$c" --combos 2 "$T/one"
is "$(sed 's/.*"perturbed":\[\([^]]*\)\].*/\1/' "$T/got" | tr -d '"' | tr '\n' ' ')" "$a $b $c $a,$b $a,$c $b,$c " \
	'groups, then their pairs'
perturb --type overexpress --genes "$a,$b+$c" --combos 2 --anchor "$(gene 6)" "$DATA/tokens.cells"
is "$(sed 's/.*"perturbed":\[\([^]]*\)\].*/\1/' "$T/got" | tr -d '"' | sort -u | tr '\n' ' ')" \
	"$(printf '%s\n' "$(gene 6),$a" "$(gene 6),$a,$b,$c" "$(gene 6),$b,$c" | sort | tr '\n' ' ')" 'the anchor joins each'
is "$(cut -d'"' -f4 "$T/got" | uniq | wc -l)" "$(grep -c '[[,]6[],]' "$T/tokens")" 'in the cells that have it'
run gfperturb -v -m "$DATA/model" --type delete --genes "$a" --anchor "$(gene 6)" -o "$T/x" "$DATA/tokens.cells"
like "$(cat "$T/err")" 'left out: [0-9]+ cells without the anchor' 'the others are counted'
perturb --type delete --anchor "$a" "$DATA/tokens.cells"
ok 'by rank, with all genes' python3 - "$T/got" "$T/tokens" "$DATA/genes.cells" "$a" <<'EOF'
import json, subprocess, sys
genes = subprocess.run(["cellview", "--jsonl", sys.argv[3]], capture_output=True, text=True, check=True).stdout
names = {row["token"]: row["gene"] for row in map(json.loads, genes.splitlines())}
cells = {row["cell"]: [names[t] for t in row["input_ids"][1:-1]] for row in map(json.loads, open(sys.argv[2]))}
got = [[row["cell"], row["perturbed"]] for row in map(json.loads, open(sys.argv[1]))]
expected = [[cell, sorted([gene, sys.argv[4]], key=genes.index)]
            for cell, genes in cells.items() if sys.argv[4] in genes for gene in genes if gene != sys.argv[4]]
assert expected and got == expected
EOF

# Names of genes.
perturb --type delete --genes TOY3 -d "$DATA/genes.cells" "$DATA/tokens.cells"
cp "$T/got" "$T/by_symbol"
perturb --type delete --genes "$a" "$DATA/tokens.cells"
same "$T/got" "$T/by_symbol" 'a symbol is as good as an id'
printf '%s\n\n%s+%s\r\n' "$a" "$b" "$c" >"$T/groups"
perturb --type delete --genes "@$T/groups" "$DATA/tokens.cells"
cp "$T/got" "$T/from_file"
ok 'the history has a hash, not the name of the file' not grep -q groups "$T/perturbed"
perturb --type delete --genes "$a,$b+$c" "$DATA/tokens.cells"
same "$T/got" "$T/from_file" 'a file of groups, an empty line and a CR in it'
run gfperturb -m "$DATA/model" --type delete --genes "$a,$a" -o "$T/x" "$DATA/tokens.cells"
like "$(cat "$T/err")" 'more than once' 'a group twice is a warning'
is "$(cellview --tsv "$T/x" | sed 1d | cut -f1 | sort | uniq -d | wc -l)" 0 'and taken once'

refused() { # STATUS PATTERN NAME ARG...
	refused_status=$1 refused_pattern=$2 refused_name=$3
	shift 3
	run gfperturb -m "$DATA/model" --type delete -o "$T/refused" "$@"
	fails "$refused_status" "$refused_pattern" "$refused_name"
}
in=$DATA/tokens.cells
refused 1 'gene NOPE is not in the vocabulary' 'an unknown gene' --genes "$a,NOPE" "$in"
refused 1 'gene TOY3.*-d DICT' 'a symbol without a dictionary' --genes TOY3 "$in"
refused 1 'special token' 'a special token' --genes '<cls>' "$in"
refused 1 'an empty group' 'an empty group' --genes "$a,,$b" "$in"
refused 1 'an empty group' 'an empty last group' --genes "$a," "$in"
refused 1 'without a name' 'an empty gene' --genes "$a+" "$in"
echo >"$T/nothing"
refused 1 'nothing: holds no gene' 'a file without a gene' --genes "@$T/nothing" "$in"
refused 1 'no-such-file' 'a file that is not there' --genes "@$T/no-such-file" "$in"
refused 1 'anchor: gene NOPE' 'an unknown anchor' --anchor NOPE "$in"
refused 1 'only 2 groups' 'tuples of more groups than there are' --genes "$a,$b" --combos 3 "$in"
refused 1 'no column nope' 'a label column that is not there' --by nope --start x "$in"
refused 1 'no such column' 'a column to keep that is not there' --keep nope "$in"
refused 1 'there is no state Q; there are B cell, T cell' 'an unknown state' --states "$T/states" --by cell_type --start Q --goal 'T cell' "$in"
refused 1 'stands twice' 'a state twice' --states "$T/states" --by cell_type --start 'T cell' --goal 'T cell' "$in"
refused 1 'of --layer -1, not 0' 'states of another layer' --states "$T/states" --by cell_type --start 'B cell' --goal 'T cell' --layer 0 "$in"
refused 1 'of --pool mean, not cls' 'states of another pooling' --states "$T/mean_states" --by cell_type --start 'B cell' --goal 'T cell' "$in"
cp -r "$DATA/model" "$T/model"
python3 - "$T/model/model.safetensors" <<'EOF'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(-3, 2)
    byte = f.read(1)
    f.seek(-3, 2)
    f.write(bytes([byte[0] ^ 1]))
EOF
gfembed -q -m "$T/model" --precision f32 --summary mean --by cell_type -o "$T/other_states" "$in"
refused 1 'another model than -m' 'states of another model' --states "$T/other_states" --by cell_type --start 'B cell' --goal 'T cell' "$in"
refused 1 'needs embeddings' 'states that are none' --states "$in" --by cell_type --start 'B cell' --goal 'T cell' "$in"
refused 2 'go together' '--goal without --states' --by cell_type --start 'B cell' --goal 'T cell' "$in"
refused 2 'go together' '--by without --start' --by cell_type "$in"
refused 2 'needs --by' '--states without --start' --states "$T/states" --goal 'T cell' "$in"
refused 2 'inhibit and activate' '--quartiles of a deletion' --quartiles 2 "$in"
refused 2 'as small as its rounding' 'bf16' --precision bf16 "$in"
refused 2 'computes nothing' '--tokens with states' --tokens --per-gene "$in"
run gfperturb --type delete -m "$DATA/model" --resume "$in"
fails 2 'needs -o FILE' '--resume without -o'
run gfperturb -m "$DATA/model" "$in"
fails 2 'type is required' 'no --type'
run gfperturb --type delete "$in"
fails 2 'MODEL is required' 'no model'
run gfperturb -m "$DATA/model" --type delete "$DATA/counts.cells"
fails 1 'holds counts, but gfperturb needs tokens' 'a stream of the wrong kind'
hf2cells -o "$T/bare" "$DATA/tokens.dataset"
run gfperturb -m "$DATA/model" --type delete "$T/bare"
fails 1 'no vocabulary.*-d DICT' 'a stream without a vocabulary'
run gfperturb -m "$DATA/model" -d "$DATA/genes.cells" --type delete -o "$T/x" "$T/bare"
status_is 0 'and with a dictionary'
rankencode -s no -d "$DATA/genes.cells" -o "$T/no_cls" "$DATA/values.cells"
run gfperturb -m "$DATA/model" --type delete "$T/no_cls"
fails 1 'row 0: does not begin with <cls>' 'cells without <cls>, though the vocabulary has it'
perturb --type delete --pool mean "$T/no_cls"
run gfperturb -m "$DATA/model" --type delete --by cell_type --start nothing -o "$T/x" "$in"
like "$(cat "$T/err")" 'no cell has nothing in the column cell_type' 'a state that no cell has is a warning'
cellhead -n 1 -o "$T/one" "$in"
absent=$(cellview --jsonl "$T/one" | python3 -c '
import json, sys
met = json.loads(sys.stdin.read())["input_ids"]
print(next(t for t in range(4, 63) if t not in met))')
run gfperturb -m "$DATA/model" --type delete --genes "$(gene "$absent")" -o "$T/x" "$T/one"
like "$(cat "$T/err")" "$(gene "$absent") is in none of the cells" 'a gene that no cell has is a warning'
is "$(cellview --tsv "$T/x" | sed 1d | wc -l)" 0 'and gives no row'

# A cell of one gene has nothing left to compare.
rankencode -n 3 -d "$DATA/genes.cells" -o "$T/tiny" "$DATA/values.cells"
for type in delete overexpress inhibit activate; do
	run gfperturb -v -m "$DATA/model" --type $type -o "$T/x" "$T/tiny"
	like "$(cat "$T/err")" 'left out: 20 perturbations that leave no gene' "$type: cells of one gene are counted"
	is "$(cellview --tsv "$T/x" | sed 1d | wc -l)" 0 'and give no row'
done

# The longest cells: what is put in pushes genes out, and they are left out of the original as well.
rankencode -n 20 -d "$DATA/genes.cells" -o "$T/short" "$DATA/values.cells"
python3 - "$DATA/model" "$T/model20" <<'EOF'
import json, os, struct, sys
source, target = sys.argv[1:]
os.mkdir(target)
config = json.load(open(f"{source}/config.json"))
config["max_position_embeddings"] = 20
json.dump(config, open(f"{target}/config.json", "w"))
data = open(f"{source}/model.safetensors", "rb").read()
size = struct.unpack("<Q", data[:8])[0]
header, body = {}, b""
for name, t in json.loads(data[8:8 + size]).items():
    if name == "__metadata__":
        continue
    start, end = (8 + size + x for x in t["data_offsets"])
    if "position_embeddings" in name:
        end = start + (end - start) // t["shape"][0] * 20
        t["shape"][0] = 20
    header[name] = {**t, "data_offsets": [len(body), len(body) + end - start]}
    body += data[start:end]
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
open(f"{target}/model.safetensors", "wb").write(struct.pack("<Q", len(text)) + text + body)
EOF
cellhead -n 1 -o "$T/one20" "$T/short"
absent=$(cellview --jsonl "$T/one20" | python3 -c '
import json, sys
met = json.loads(sys.stdin.read())["input_ids"]
print(next(t for t in range(4, 63) if t not in met))')
run gfperturb -m "$T/model20" --type overexpress --genes "$(gene "$absent")" -o "$T/at_limit" "$T/one20"
status_is 0 'overexpression at the length limit'
gfperturb -m "$T/model20" --type overexpress --genes "$(gene "$absent")" --tokens "$T/one20" | gfembed -q -m "$T/model20" --precision f32 |
	cellview --jsonl >"$T/embedded"
rankencode -n 19 -d "$DATA/genes.cells" "$DATA/values.cells" | cellhead -n 1 | gfembed -q -m "$T/model20" --precision f32 |
	cellview --jsonl >"$T/originals19"
cellview --jsonl "$T/at_limit" >"$T/got"
ok 'the original has lost what the copy has lost' python3 tests/cli/gfperturb.py embedded "$T/got" "$T/originals19" "$T/embedded"

# Interrupted, at every place of the stream: a rerun gives the same bytes.
resume() { # ARG...: all that is left of whole is its first bytes
	run gfperturb -m "$DATA/model" --resume -o "$T/resumed" "$@"
}
cut_everywhere() { # STEP ARG...
	step=$1
	shift
	gfperturb -m "$DATA/model" -o "$T/whole" "$@"
	size=$(wc -c <"$T/whole")
	at=0
	while test $at -le "$size"; do
		head -c $at "$T/whole" >"$T/resumed.part"
		resume "$@"
		cmp -s "$T/resumed" "$T/whole" || { echo "cut at $at of $size"; cat "$T/err"; return 1; }
		test ! -e "$T/resumed.part" || return 1
		rm "$T/resumed"
		at=$((at + step))
	done
}
ok 'cut between cells and in them' cut_everywhere 331 --type delete "$in"
ok 'cut in the middle of a cell' cut_everywhere 2503 --type delete --combos 3 "$T/one"
ok 'perturbed cells, too' cut_everywhere 9001 --type inhibit --tokens --combos 2 "$in"
gfperturb -m "$DATA/model" --type delete --combos 3 -o "$T/whole" "$T/one"
ok 'killed, it leaves its part; the next run goes on with it' sh -c '
	gfperturb -m "$DATA/model" --type delete --combos 3 --resume -o "$T/resumed" -t 1 "$T/one" &
	while test ! -s "$T/resumed.part"; do test ! -e "$T/resumed" || break; done
	kill -9 $! 2>/dev/null
	wait $! 2>/dev/null
	gfperturb -m "$DATA/model" --type delete --combos 3 --resume -o "$T/resumed" "$T/one" && cmp "$T/resumed" "$T/whole"'
ok 'so does a full disk' sh -c '
	rm -f "$T/resumed"
	(ulimit -f 8; trap "" XFSZ; ! gfperturb -m "$DATA/model" --type delete --combos 3 --resume -o "$T/resumed" "$T/one" 2>"$T/why") &&
	test -s "$T/resumed.part" && test ! -e "$T/resumed" &&
	gfperturb -m "$DATA/model" --type delete --combos 3 --resume -o "$T/resumed" "$T/one" && cmp "$T/resumed" "$T/whole"'
keep_part() {
	gfperturb -m "$DATA/model" --type delete -o "$T/whole" "$in"
	head -c 9000 "$T/whole" >"$T/resumed.part"
	rm -f "$T/resumed"
}
for other in '--type overexpress' '--type delete --layer 0' '--type delete --keep donor'; do
	keep_part
	# shellcheck disable=SC2086
	resume $other "$in"
	fails 1 'resumed.part: begun with other options, another model or other cells' "not gone on with: $other"
	ok 'and left as it was' cmp -n 9000 "$T/resumed.part" "$T/whole"
done
keep_part
run gfperturb -m "$T/model" --type delete --resume -o "$T/resumed" "$in"
fails 1 'resumed.part: begun with' 'with another model'
# Other cells in a stream of the same making.
cells2hf -o "$T/these.dataset" "$in"
cp -r "$T/these.dataset" "$T/others.dataset"
sed -i 's/TTGA0001-1/TTGA0099-1/' "$T"/others.dataset/*.arrow
for which in these others; do
	hf2cells -o "$T/$which" "$T/$which.dataset"
done
gfperturb -m "$DATA/model" -d "$DATA/genes.cells" --type delete -o "$T/whole" "$T/these"
head -c 9000 "$T/whole" >"$T/resumed.part"
resume -d "$DATA/genes.cells" --type delete "$T/others"
fails 1 'resumed.part: holds other cells than the input' 'other cells'
resume -d "$DATA/genes.cells" --type delete "$T/these"
status_is 0 'and with the same ones it goes on'
same "$T/resumed" "$T/whole" 'to the same bytes'
run gfperturb -m "$DATA/model" --type delete --resume -o /dev/null "$in"
fails 1 'is no file' '--resume with a device'

done_testing
