"""Makes the adapters of the folder adapters/, with peft, and what it makes of tokens.cells with them, in double precision.

    python make_adapters.py        (peft 0.21, pyarrow, torch, transformers)

    cell    LoRA of queries, values and the feed-forward layers of classifiers/cell, a new head of the same classes
    gene    rank-stabilised LoRA of several ranks, and biases, of model (a masked-language model), which classifies genes then;
            adapter_model.bin

NAME.jsonl has a line a cell: its logits, a list for each head; for gene, the logits of each token. The models are named from the folder.
"""

import json
import os

import peft
import pyarrow as pa
import torch
import transformers

torch.manual_seed(20261121)
with pa.OSFile("tokens.cells") as source:
    table = pa.ipc.open_stream(source).read_all()
cells, tokens = table.column("cell").to_pylist(), table.column("input_ids").to_pylist()


def rounded(x):
    return [rounded(y) for y in x] if x.dim() > 1 else [round(y, 8) for y in x.tolist()]


def make(name, base, kind, n_labels, is_safe, **options):
    folder = f"adapters/{name}"
    model = peft.get_peft_model(kind.from_pretrained(base, num_labels=n_labels), peft.LoraConfig(**options))
    with torch.no_grad():
        for p in model.parameters():
            if p.requires_grad:
                p.normal_(0, 0.3)
    model.eval().save_pretrained(folder, safe_serialization=is_safe)
    with open(f"{folder}/adapter_config.json") as f:
        config = json.load(f)
    config["base_model_name_or_path"] = os.path.relpath(base, folder)
    with open(f"{folder}/adapter_config.json", "w") as f:
        json.dump(config, f, indent=1, sort_keys=True)
    os.remove(f"{folder}/README.md")
    model = model.double()
    with open(f"adapters/{name}.jsonl", "w") as f, torch.no_grad():
        for cell, ids in zip(cells, tokens, strict=True):
            logits = model(input_ids=torch.tensor([ids])).logits[0]
            print(json.dumps({"cell": cell, "logits": [rounded(logits)]}), file=f)


make("cell", "classifiers/cell", transformers.BertForSequenceClassification, 3, True, task_type="SEQ_CLS", r=3, lora_alpha=7,
     target_modules=["query", "value", "intermediate.dense", "output.dense"], modules_to_save=["classifier", "pooler"])
make("gene", "model", transformers.BertForTokenClassification, 2, False, task_type="TOKEN_CLS", r=4, lora_alpha=3, use_rslora=True,
     rank_pattern={"layer.1.attention.self.key": 2}, bias="lora_only", target_modules=["key", "attention.output.dense"])
for folder, _, files in os.walk("adapters"):
    for file in files:
        os.chmod(os.path.join(folder, file), 0o644)
