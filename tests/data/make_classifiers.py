"""Makes the classifiers of the folder classifiers/, and what PyTorch in double precision makes of tokens.cells with them.

    python make_classifiers.py        (numpy, pyarrow, safetensors, torch, transformers)

    cell        BertForSequenceClassification          gene   BertForTokenClassification
    perceptron  a head of two layers on <cls>          pooled the same behind an attention pool
    multitask   as Geneformer's MTLClassifier saves itself: pytorch_model.bin, an attention pool, two heads, and
                task_label_mappings.pkl

NAME.jsonl has a line a cell: its logits, a list for each head, and the vector that the heads see; for gene, the logits of
each token.
The heads of perceptron, pooled and multitask are written out here as their papers and the reference have them, on the
hidden states of transformers' BertModel.
"""

import json
import os
import pickle

import pyarrow as pa
import torch
import transformers
from safetensors.torch import save_file

SIZES = dict(vocab_size=63, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
             max_position_embeddings=64, hidden_act="relu", pad_token_id=0, layer_norm_eps=1e-12)
NAMES = {"cell": ["B cell", "T cell", "mono, CD14+"], "gene": ["sensitive", "insensitive"],
         "perceptron": ["B cell", "T cell", "mono, CD14+"], "pooled": ["low", "high"]}
HIDDEN = 10  # of the perceptrons

torch.manual_seed(20261121)
with pa.OSFile("tokens.cells") as source:
    table = pa.ipc.open_stream(source).read_all()
cells, tokens = table.column("cell").to_pylist(), table.column("input_ids").to_pylist()
os.makedirs("classifiers", exist_ok=True)


def randomise(module):
    for name, p in module.named_parameters():
        p.data.normal_(1 if "LayerNorm.weight" in name else 0, 0.05 if "bias" in name else 0.35)
    return module.eval()


def config_of(name, architecture):
    names = NAMES.get(name, [])
    labels = dict(id2label=dict(enumerate(names)), label2id={n: i for i, n in enumerate(names)}) if names else {}
    return transformers.BertConfig(**SIZES, **labels, architectures=[architecture])


def save(name, config, weights, is_bin=False):
    folder = f"classifiers/{name}"
    os.makedirs(folder, exist_ok=True)
    settings = {k: v for k, v in config.to_dict().items() if k not in ("transformers_version", "dtype")}
    if not NAMES.get(name):
        settings.pop("id2label"), settings.pop("label2id")
    with open(f"{folder}/config.json", "w") as f:
        json.dump(settings, f, indent=1, sort_keys=True)
    if is_bin:
        torch.save(weights, f"{folder}/pytorch_model.bin")
    else:
        save_file({k: v.contiguous() for k, v in weights.items()}, f"{folder}/model.safetensors", metadata={"format": "pt"})


def write(name, rows):
    with open(f"classifiers/{name}.jsonl", "w") as f:
        for cell, row in zip(cells, rows, strict=True):
            print(json.dumps({"cell": cell, **row}), file=f)


def rounded(x):
    return [rounded(y) for y in x] if x.dim() > 1 else [round(y, 8) for y in x.tolist()]


def plain(name, kind):
    """A classifier of transformers."""
    model = randomise(kind(config_of(name, kind.__name__)))
    save(name, model.config, {k: v for k, v in model.state_dict().items() if "position_ids" not in k})
    model = model.double()
    rows = []
    with torch.no_grad():
        for ids in tokens:
            hidden = model.bert(torch.tensor([ids]))
            logits = model(torch.tensor([ids])).logits[0]
            rows.append({"logits": [rounded(logits)]})
            if name != "gene":
                rows[-1]["embedding"] = rounded(hidden.pooler_output[0])
    write(name, rows)


def written_out(name, prefixes, has_pool, has_hidden, sizes, is_bin=False):
    """Heads on a BertModel, in double precision."""
    base = randomise(transformers.BertModel(config_of(name, "BertModel")))
    weights = {"bert." + k: v for k, v in base.state_dict().items() if "position_ids" not in k}
    if has_pool:
        weights["attention_pool.attention_weights"] = torch.randn(16, 1)
    for prefix, n in zip(prefixes, sizes, strict=True):
        layers = {"dense": (HIDDEN, 16), "out_proj": (n, HIDDEN)} if has_hidden else {"": (n, 16)}
        for layer, shape in layers.items():
            stem = f"{prefix}.{layer}" if layer else prefix
            weights[f"{stem}.weight"], weights[f"{stem}.bias"] = torch.randn(shape), torch.randn(shape[0])
    save(name, base.config, weights, is_bin)
    w = {k: v.double() for k, v in weights.items()}
    base = base.double()
    rows = []
    with torch.no_grad():
        for ids in tokens:
            x = base(torch.tensor([ids])).last_hidden_state[0]
            seen = x[0]
            if has_pool:
                share = torch.softmax(x @ w["attention_pool.attention_weights"], 0)
                seen = (share * x).sum(0)
            logits = []
            for prefix in prefixes:
                if has_hidden:
                    y = torch.tanh(w[f"{prefix}.dense.weight"] @ seen + w[f"{prefix}.dense.bias"])
                    logits.append(rounded(w[f"{prefix}.out_proj.weight"] @ y + w[f"{prefix}.out_proj.bias"]))
                else:
                    logits.append(rounded(w[f"{prefix}.weight"] @ seen + w[f"{prefix}.bias"]))
            rows.append({"logits": logits, "embedding": rounded(seen)})
    write(name, rows)


plain("cell", transformers.BertForSequenceClassification)
plain("gene", transformers.BertForTokenClassification)
written_out("perceptron", ["classifier"], False, True, [3])
written_out("pooled", ["classifier"], True, True, [2])
written_out("multitask", ["classification_heads.0", "classification_heads.1"], True, False, [3, 2], is_bin=True)
with open("classifiers/multitask/task_label_mappings.pkl", "wb") as f:
    pickle.dump({"task1": {"B cell": 0, "T cell": 1, "mono, CD14+": 2}, "task2": {"P1": 0, "P2": 1}}, f)
with open("classifiers/id_class_dict.pkl", "wb") as f:
    pickle.dump({0: "B cell", 1: "T cell", 2: "mono, CD14+"}, f)
for folder, _, files in os.walk("classifiers"):
    for file in files:
        os.chmod(os.path.join(folder, file), 0o644)
