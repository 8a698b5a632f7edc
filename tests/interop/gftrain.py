"""Learns with PyTorch what gftrain learns, from the same start, and compares every weight: gftrain.py TOKENS MODEL GENES.cells

A step is an epoch: all cells that are to be learned from (--batch 1000), so that their order does not matter; no dropout. The start is
what gftrain writes with --rate 0. The head, the loss, its weights and the adapters are written here anew, the encoder is
transformers' BertModel; AdamW, the clipping and the schedule are torch's. In float64: ours is float32, so weights may differ by 5e-5
after four steps of rate 1e-3 (those of the keys' biases, whose gradient is 0, by 4e-3). Folders of one task and of genes are loaded by
transformers, adapters by peft where it is installed, and give the logits of gfclassify within 1e-5.
"""

import json
import shutil
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertForSequenceClassification, BertForTokenClassification, BertModel

tokens, base, genes = sys.argv[1:]
T = tempfile.mkdtemp()
STEPS, RATE, DECAY, WARMUP = 4, 1e-3, 0.1, 2
torch.set_default_dtype(torch.float64)


def lines(command):
    return [json.loads(line) for line in
            subprocess.run(command, shell=True, check=True, capture_output=True, text=True).stdout.splitlines()]


cells = lines(f"cellview --jsonl {tokens}")

def gftrain(name, options, rate):
    subprocess.run(f"gftrain -q -m {base} -b 1000 --steps {STEPS} --rate {rate} --decay {DECAY} --warmup {WARMUP} --dropout 0 --precision f32 "
                   f"--clip 0.5 {options} -o {T}/{name} {tokens}", shell=True, check=True)
    return f"{T}/{name}"


def read(folder):
    return {k: v.double() for k, v in load_file(f"{folder}/model.safetensors").items()}


def encoder(folder):
    config = BertConfig.from_pretrained(folder)
    config._attn_implementation = "eager"
    return BertModel(config, add_pooling_layer=False)


def states(weights, bert, ids):
    named = {k[5:]: v for k, v in weights.items() if k.startswith("bert.") and "pooler" not in k}
    return torch.func.functional_call(bert, named, (torch.tensor([ids]),)).last_hidden_state[0]


def head(weights, name, x):
    if f"{name}.dense.weight" in weights:
        x = torch.tanh(x @ weights[f"{name}.dense.weight"].T + weights[f"{name}.dense.bias"])
        name += ".out_proj"
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def pooled(weights, h):
    if "attention_pool.attention_weights" in weights:
        return torch.softmax((h @ weights["attention_pool.attention_weights"])[:, 0], 0) @ h
    if "bert.pooler.dense.weight" in weights:
        return torch.tanh(weights["bert.pooler.dense.weight"] @ h[0] + weights["bert.pooler.dense.bias"])
    return h[0]


def balanced(labels, n):
    counts = torch.bincount(torch.tensor([x for x in labels if x >= 0]), minlength=n)
    return counts.sum() / (n * counts)


def cell_loss(weights, bert, tasks, is_balanced):
    total = 0
    xs = {i: pooled(weights, states(weights, bert, c["input_ids"])) for i, c in enumerate(cells)
          if any(labels[i] >= 0 for labels, _ in tasks)}
    for k, (labels, n) in enumerate(tasks):
        name = "classifier" if len(tasks) == 1 else f"classification_heads.{k}"
        rows = [i for i in xs if labels[i] >= 0]
        logits = torch.stack([head(weights, name, xs[i]) for i in rows])
        w = balanced(labels, n) if is_balanced else None
        total = total + torch.nn.functional.cross_entropy(logits, torch.tensor([labels[i] for i in rows]), w)
    return total


def gene_loss(weights, bert, of):
    logits, labels = [], []
    for c in cells:
        at = [i for i, t in enumerate(c["input_ids"]) if t in of]
        logits.append(head(weights, "classifier", states(weights, bert, c["input_ids"])[at]))
        labels += [of[c["input_ids"][i]] for i in at]
    return torch.nn.functional.cross_entropy(torch.cat(logits), torch.tensor(labels))


def learn(start, loss, frozen=()):
    """The weights after the steps."""
    weights = {k: v.clone().requires_grad_(not any(f in k for f in frozen)) for k, v in start.items()}
    learned = {k: v for k, v in weights.items() if v.requires_grad}
    optimizer = torch.optim.AdamW([
        {"params": [v for v in learned.values() if v.dim() > 1], "weight_decay": DECAY},
        {"params": [v for v in learned.values() if v.dim() == 1], "weight_decay": 0.0}], lr=RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda t: t / WARMUP if t < WARMUP else (STEPS - t) / (STEPS - WARMUP))
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss(weights).backward()
        for v in learned.values():
            if v.grad is None:
                v.grad = torch.zeros_like(v)
        torch.nn.utils.clip_grad_norm_(list(learned.values()), 0.5)
        optimizer.step()
        schedule.step()
    return {k: v.detach() for k, v in weights.items()}


def compare(what, ours, theirs):
    assert set(ours) == set(theirs), set(ours) ^ set(theirs)
    worst = 0.0
    for name in theirs:
        off = (ours[name] - theirs[name]).abs().max().item()
        if name.endswith("key.bias"):
            assert off <= 4 * RATE, f"{what}: {name} differs by {off}"
            continue
        assert off <= 5e-5, f"{what}: {name} differs by {off}"
        worst = max(worst, off)
    print(f"ok: {what}: weights differ by {worst:.2g} at most")


def numbers(column):
    names = sorted({c[column] for c in cells if c[column] is not None})
    return [-1 if c[column] is None else names.index(c[column]) for c in cells], len(names)


def check(what, options, loss, frozen=()):
    start = read(gftrain(f"{what}.start", f"{options}", 0))
    ours = read(gftrain(what, options, RATE))
    bert = encoder(f"{T}/{what}")
    compare(what, ours, learn(start, lambda w: loss(w, bert), frozen))


types, donors = numbers("cell_type"), numbers("donor")
check("pooler", "-c cell_type", lambda w, b: cell_loss(w, b, [types], False))
check("balanced", "-c cell_type --class-weights balanced", lambda w, b: cell_loss(w, b, [types], True))
check("frozen", "-c cell_type --freeze 1", lambda w, b: cell_loss(w, b, [types], False), ("layer.0.",))
check("mlp", "-c cell_type --head mlp", lambda w, b: cell_loss(w, b, [types], False))
check("attention", "-c cell_type --head attention", lambda w, b: cell_loss(w, b, [types], False))
check("tasks", "-c cell_type,donor --head attention", lambda w, b: cell_loss(w, b, [types, donors], False))

known = [g for g in lines(f"cellview --jsonl {genes}") if (g["token"] or 0) > 3]
of = {g["token"]: g["token"] % 3 % 2 for g in known}
with open(f"{T}/genes.tsv", "w") as f:
    f.writelines(f"{g['gene']}\t{'ab'[of[g['token']]]}\n" for g in known)
check("genes", f"-g {T}/genes.tsv", lambda w, b: gene_loss(w, b, of))

# Adapters: the head and A, B learn; the encoder sees W + alpha / rank * B A.
PREFIX = "base_model.model."
options = "-c cell_type --lora 3 --lora-alpha 5"


def adapters(folder):
    return {k[len(PREFIX):]: v.double() for k, v in load_file(f"{folder}/adapter_model.safetensors").items()}


def effective(weights):
    full = {k: v for k, v in weights.items() if "lora_" not in k}
    for name in [k for k in weights if k.endswith(".lora_A.weight")]:
        plain = name.replace(".lora_A", "")
        full[plain] = full[plain] + 5 / 3 * weights[name.replace("lora_A", "lora_B")] @ weights[name]
    return full


started = adapters(gftrain("lora.start", options, 0))
ours = adapters(gftrain("lora", options, RATE))
whole = {k: v for k, v in read(base).items() if k.startswith("bert.")}
bert = encoder(f"{T}/pooler")
theirs = learn({**whole, **started}, lambda w: cell_loss(effective(w), bert, [types], False), whole)
compare("lora", ours, {k: v for k, v in theirs.items() if k in started})
merged = read(gftrain("merged", f"{options} --merge", RATE))
compare("merged", merged, {k: v for k, v in effective(theirs).items() if k in merged})


# What is written, transformers and peft load whole, and give the logits of gfclassify.
def compare_logits(what, model, folder, options=""):
    worst, got = 0.0, iter(lines(f"gfclassify -q --precision f32 --logits {options} -m {folder} {tokens} | cellview --jsonl"))
    with torch.no_grad():
        for c in cells:
            out = model.double().eval()(input_ids=torch.tensor([c["input_ids"]])).logits[0]
            for row in [out] if out.dim() == 1 else [o for o, t in zip(out, c["input_ids"]) if t > 3]:
                worst = max(worst, (row - torch.tensor(next(got)["logits"])).abs().max().item())
    assert next(got, None) is None and worst <= 1e-5, f"{what}: {worst}"
    print(f"ok: {what}: logits differ by {worst:.2g} at most")


for kind, name, options in ((BertForSequenceClassification, "pooler", ""), (BertForSequenceClassification, "merged", ""),
                            (BertForTokenClassification, "genes", "--per-cell")):
    model, info = kind.from_pretrained(f"{T}/{name}", output_loading_info=True)
    assert not any(info.values()), info
    compare_logits(name, model, f"{T}/{name}", options)
try:
    from peft import PeftModel
except ImportError:
    print("no peft")
else:
    compare_logits("peft", PeftModel.from_pretrained(
        BertForSequenceClassification.from_pretrained(base, num_labels=types[1]), f"{T}/lora"), f"{T}/lora")
shutil.rmtree(T)
