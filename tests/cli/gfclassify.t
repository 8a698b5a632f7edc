#!/bin/sh
# gfclassify: logits, probabilities and embeddings are those of PyTorch in double precision (tests/data/make_classifiers.py).
. "${0%/*}/lib.sh"
. "${0%/*}/common.sh"

C=$DATA/classifiers
common_checks filter gfclassify "$DATA/tokens.cells" -m "$C/cell"

classify() { # MODEL ARG...: as JSON lines to $T/got
	case $1 in /*) with=$1 ;; *) with=$C/$1 ;; esac
	shift
	run gfclassify -m "$with" --precision f32 -o "$T/classified" "$@"
	status_is 0 "${with##*/}: gfclassify $*"
	cellview --jsonl "$T/classified" >"$T/got"
}

compare() { # MODE MODEL NAME
	ok "$3" python3 tests/cli/predictions.py "$1" "$C/$2.jsonl" "$T/got" "$T/tokens" "$T/genes"
}

schema() {
	cellview --schema "$T/classified"
}

cellview --jsonl "$DATA/tokens.cells" >"$T/tokens"
cellview --jsonl "$DATA/genes.cells" >"$T/genes"

for model in cell perceptron pooled multitask; do
	classify $model --logits --embeddings "$DATA/tokens.cells"
	compare cells $model "$model: what PyTorch computes"
	is "$(grep -c '"embedding":' "$T/got")" 20 "$model: --embeddings"
	is "$(grep -c '"logits' "$T/got")" 20 "$model: --logits"
	classify $model "$DATA/tokens.cells"
	compare cells $model "$model: the same without logits"
	is "$(grep -c '"logits\|"embedding\|"input_ids\|"length' "$T/got")" 0 "$model: and nothing that was not asked for"
done
like "$(schema)" '^predictions' 'the kind of the stream'
like "$(schema | tr '\n' '~')" 'prediction:task2 +dictionary<int32, utf8>.*probabilities:task2 +fixed_size_list<float32>\[2\]~ +cells:classes  P1 ' \
	'the columns of a task, with the names of its classes'

classify gene --logits --per-cell "$DATA/tokens.cells"
compare positions gene 'genes of cells: what PyTorch computes'
is "$(grep -c '"donor":' "$T/got")" "$(wc -l <"$T/got" | tr -d ' ')" 'with the columns of their cell'
classify gene --logits "$DATA/tokens.cells"
compare genes gene 'genes: the mean over the cells'
classify gene --embeddings "$DATA/tokens.cells"
cp "$T/got" "$T/genes_got"
run gfembed -m "$C/gene" --precision f32 --pool gene --layer 0 -o "$T/embedded" "$DATA/tokens.cells"
cellview --jsonl "$T/embedded" | grep -v '"gene":"<' >"$T/embedded.jsonl"
ok 'and their embeddings are those of gfembed' python3 tests/cli/near.py "$T/genes_got" "$T/embedded.jsonl" embedding 1e-6

# Any division of the work gives the same bytes.
for how in cell pooled multitask gene 'gene --per-cell --embeddings'; do
	# shellcheck disable=SC2086
	run gfclassify -m "$C/"$how --precision f32 -o "$T/whole" "$DATA/tokens.cells"
	for split in '-t 1 --batch-tokens 1' '-t 2 --batch-tokens 50' '-t 4 --batch-tokens 100' '-t 4 --batch-tokens 1000'; do
		# shellcheck disable=SC2086
		run gfclassify -m "$C/"$how --precision f32 $split -o "$T/split" "$DATA/tokens.cells"
		same "$T/split" "$T/whole" "$how: the same bytes with $split"
	done
done

# Names of classes.
printf 'one\ntwo\nthree\n' >"$T/names"
classify cell -c "$T/names" "$DATA/tokens.cells"
like "$(head -n 1 "$T/got")" '"prediction":"(one|two|three)"' 'names from a text'
mkdir "$T/nameless"
cp "$C/cell/model.safetensors" "$T/nameless"
sed 's/"id2label"/"no"/' "$C/cell/config.json" >"$T/nameless/config.json"
classify "$T/nameless" "$DATA/tokens.cells"
like "$(head -n 1 "$T/got")" '"prediction":"LABEL_[012]"' 'a folder without names'
classify "$T/nameless" -c "$C/id_class_dict.pkl" "$DATA/tokens.cells"
compare cells cell 'names from the id_class_dict.pkl of the reference'
cp -R "$C/multitask" "$T/multitask"
rm "$T/multitask/task_label_mappings.pkl"
run gfclassify -m "$T/multitask" -o "$T/classified" "$DATA/tokens.cells"
like "$(schema | tr '\n' '~')" 'probabilities:task2 [^~]*~ +cells:classes  LABEL_0 ' 'several tasks without names'
run gfclassify -m "$T/multitask" -c "$C/multitask/task_label_mappings.pkl" --precision f32 -o "$T/classified" "$DATA/tokens.cells"
run gfclassify -m "$C/multitask" --precision f32 -o "$T/whole" "$DATA/tokens.cells"
same "$T/classified" "$T/whole" 'names from task_label_mappings.pkl, in the folder or beside'
printf 'one\ntwo\n' >"$T/names"
run gfclassify -m "$C/cell" -c "$T/names" "$DATA/tokens.cells"
fails 1 'names: no name for class 2 of 3' 'too few names'
run gfclassify -m "$C/multitask" -c "$T/names" "$DATA/tokens.cells"
fails 1 'names: no pickle of the names of tasks' 'a text of names for several tasks'

# Folders of peft's (tests/data/make_adapters.py): the adapters are added to the model that the folder names.
A=$DATA/adapters
with_adapters() { # NAME ARG...: as classify, of the folder $A/NAME
	adapters=$A/$1
	shift
	classify "$adapters" "$@" "$DATA/tokens.cells"
}
with_adapters cell --logits
ok 'adapters of cells: what peft computes' python3 tests/cli/predictions.py cells "$A/cell.jsonl" "$T/got"
printf 'sensitive\ninsensitive\n' >"$T/names"
with_adapters gene --logits --per-cell -c "$T/names"
ok 'of genes, rank-stabilised, of several ranks, with biases' \
	python3 tests/cli/predictions.py positions "$A/gene.jsonl" "$T/got" "$T/tokens" "$T/genes"
adapted() { # OLD NEW: a copy of the folder elsewhere, its adapter_config.json changed
	rm -rf "$T/adapted"
	cp -R "$A/cell" "$T/adapted"
	sed "s,$1,$2," "$A/cell/adapter_config.json" >"$T/adapted/adapter_config.json"
}
adapted x x
run gfclassify -m "$T/adapted" "$DATA/tokens.cells"
fails 1 'adapted/adapter_config.json: base_model_name_or_path, the model of the adapters: .*/cell: no such model folder' \
	'the model is not there'
run gfclassify -m "$T/adapted" --base "$C/cell" --precision f32 -o "$T/again" "$DATA/tokens.cells"
run gfclassify -m "$A/cell" --precision f32 -o "$T/whole" "$DATA/tokens.cells"
same "$T/again" "$T/whole" '--base says where it is'
GENEFORMER_DIR=$C run gfclassify -m "$T/adapted" --base cell --precision f32 -o "$T/again" "$DATA/tokens.cells"
same "$T/again" "$T/whole" 'or its name under $GENEFORMER_DIR'
run gfembed -m "$A/cell" --layer 0 --precision f32 -o "$T/embedded" "$DATA/tokens.cells"
status_is 0 'other programs read such a folder, too'
run gfembed -m "$C/cell" --layer 0 --precision f32 -o "$T/plain" "$DATA/tokens.cells"
ok 'with its adapters' not cmp -s "$T/embedded" "$T/plain"
run gfclassify -m "$T/adapted" --base "$DATA/model" "$DATA/tokens.cells"
fails 1 'lora_A.weight: shape .3, 16., not .3, 32.' 'another model than that of the adapters'
run gfclassify -m "$A/cell" --base "$T/adapted" "$DATA/tokens.cells"
fails 1 'is a folder of adapters itself' 'adapters for adapters'
adapted '"r": 3' '"r": 4'
run gfclassify -m "$T/adapted" --base "$C/cell" "$DATA/tokens.cells"
fails 1 'lora_A.weight: shape .3, 16., not .4, 16.' 'another rank than that of the file'
for bad in '"use_dora": false=use_dora": true=adapters with .use_dora. are not known' \
	'"alpha_pattern": {}=alpha_pattern": {"x": 2}=adapters with .alpha_pattern. are not known' \
	'"peft_type": "LORA"=peft_type": "IA3"=adapters of type IA3; only LORA is known' \
	'"lora_alpha": 7=lora_alpha": "much"=lora_alpha'; do
	rest=${bad#*=}
	adapted "${bad%%=*}" "\"${rest%%=*}"
	run gfclassify -m "$T/adapted" --base "$C/cell" "$DATA/tokens.cells"
	fails 1 "adapter_config.json: .*${rest#*=}" "what would change the computation: ${rest%%=*}"
done
adapted x x
LC_ALL=C sed 's/layer.0.attention.self.query.lora_A/layer.7.attention.self.query.lora_A/' \
	"$A/cell/adapter_model.safetensors" >"$T/adapted/adapter_model.safetensors"
run gfclassify -m "$T/adapted" --base "$C/cell" "$DATA/tokens.cells"
fails 1 'no tensor .*layer.0.attention.self.query.lora_A.weight, but|no tensor .*layer.7.*lora_B' 'half an adapter'
LC_ALL=C sed 's/layer.0.attention.self.query.lora_/layer.7.attention.self.query.lora_/g' \
	"$A/cell/adapter_model.safetensors" >"$T/adapted/adapter_model.safetensors"
run gfclassify -m "$T/adapted" --base "$C/cell" "$DATA/tokens.cells"
fails 1 'adapts bert.encoder.layer.7.attention.self.query.weight, which the model .* has not' 'of a layer that is not there'
rm "$T/adapted/adapter_model.safetensors"
run gfclassify -m "$T/adapted" --base "$C/cell" "$DATA/tokens.cells"
fails 1 'adapted: no weights .adapter_model.safetensors' 'a folder without adapters'

# A column that has a name of this kind; the stream is a foreign one, without a checksum.
LC_ALL=C sed 's/lab_xy/logits/' "$DATA/tokens.cells" >"$T/taken"
classify cell --logits "$T/taken"
err_like 'warning: column logits becomes obs.logits' 'a column that is in the way is renamed'
compare cells cell 'and has no part in the predictions'

# What is refused.
run gfclassify "$DATA/tokens.cells"
fails 2 'MODEL is required' 'no model'
run gfclassify -m "$DATA/no-such" "$DATA/tokens.cells"
fails 1 'no-such' 'a model that is not there'
run gfclassify -m "$DATA/model" "$DATA/tokens.cells"
fails 1 'model: the model has no classification head; gfembed makes embeddings' 'a model without a classifier'
run gfclassify -m "$C/cell" --per-cell "$DATA/tokens.cells"
fails 1 'classifies cells' '--per-cell with a model that classifies cells'
run gfclassify -m "$C/cell" "$DATA/counts.cells"
fails 1 'holds counts, but gfclassify needs tokens' 'a stream of the wrong kind'
run gfembed -m "$C/cell" "$T/classified"
fails 1 'holds predictions, but gfembed needs tokens' 'predictions are no tokens'

hf2cells -o "$T/bare" "$DATA/tokens.dataset"
run gfclassify -m "$C/cell" "$T/bare"
fails 1 'no vocabulary.*-d DICT' 'a stream without a vocabulary'
classify cell -d "$DATA/genes.cells" "$T/bare"
is "$(wc -l <"$T/got" | tr -d ' ')" 20 'and with a dictionary: 20 cells'
run gfclassify -m "$C/cell" -d pipelines/demo/genes.cells "$T/bare"
fails 1 'has a vocabulary of 63, but the cells have one of' 'another vocabulary than that of the model'

rankencode -s no -d "$DATA/genes.cells" -o "$T/no_cls" "$DATA/values.cells"
run gfclassify -m "$C/cell" "$T/no_cls"
fails 1 'row 0: does not begin with <cls>, which the classifier looks at' 'a cell without <cls>'
run gfclassify -m "$C/pooled" "$T/no_cls"
status_is 0 'an attention pool needs none'
run gfclassify -m "$C/gene" "$T/no_cls"
status_is 0 'and neither do genes'

# A weight that is no number.
cp -R "$C/cell" "$T/broken"
python3 - "$T/broken/model.safetensors" <<'EOF'
import json, struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
n = struct.unpack("<Q", data[:8])[0]
at = 8 + n + json.loads(data[8:8 + n])["classifier.bias"]["data_offsets"][0]
data[at:at + 4] = struct.pack("<f", float("nan"))
open(sys.argv[1], "wb").write(data)
EOF
run gfclassify -m "$T/broken" -o "$T/failed" "$DATA/tokens.cells"
fails 1 'cell TTGA0000-1: the model gives logits that are no numbers' 'logits that are no numbers'
ok 'and nothing is written' test ! -e "$T/failed"

done_testing
