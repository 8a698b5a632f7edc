"""The loss of a model folder on masked cells, by transformers: masked_loss.py MODEL ROWS SEED FIRST [PROBABILITY].

ROWS: cells as JSON lines (cellview --jsonl). FIRST: the number of the first of them in the corpus. The masks are gfpretrain's own for
evaluations: Philox4x32-10, the seed as its key, in the counter the number of the position and (row << 16 | 0xff06). Prints the number of
keys that were missing or unexpected, the number of labels, the mean loss and the share of labels that were guessed, in float64.
"""

import json
import sys

import torch
from transformers import BertForMaskedLM

SPECIAL = range(4)  # <pad> <mask> <cls> <eos>
SITE = 0xFF06


def philox(seed, stream, i):
    """Salmon et al. 2011: ten rounds."""
    word = 0xFFFFFFFF
    key = [seed & word, seed >> 32]
    c = [i & word, i >> 32, stream & word, stream >> 32]
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ key[0], b & word, (a >> 32) ^ c[3] ^ key[1], a & word]
        key = [(key[0] + 0x9E3779B9) & word, (key[1] + 0xBB67AE85) & word]
    return c


def unit(number):
    return (number >> 8) * 2.0**-24


def hide(ids, row, seed, vocabulary, probability):
    genes = [t for t in range(vocabulary) if t not in SPECIAL]
    masked, labels = list(ids), [-100] * len(ids)
    for k, token in enumerate(ids):
        word = philox(seed, row << 16 | SITE, k)
        if token in SPECIAL or unit(word[0]) >= torch.tensor(probability, dtype=torch.float32).item():
            continue
        labels[k] = token
        what = unit(word[1])
        if what < 0.8:
            masked[k] = 1
        elif what < 0.9:
            masked[k] = genes[word[2] * len(genes) >> 32]
    return masked, labels


folder, rows, seed, first = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
probability = float(sys.argv[5]) if len(sys.argv) > 5 else 0.15
model, info = BertForMaskedLM.from_pretrained(folder, output_loading_info=True)
model = model.double().eval()
total, right, n = 0.0, 0, 0
for i, line in enumerate(open(rows)):
    ids, labels = hide(json.loads(line)["input_ids"], first + i, seed, model.config.vocab_size, probability)
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids])).logits[0]
    labels = torch.tensor(labels)
    used = labels >= 0
    total += torch.nn.functional.cross_entropy(logits[used], labels[used], reduction="sum").item()
    right += (logits[used].argmax(-1) == labels[used]).sum().item()
    n += used.sum().item()
print(sum(len(info[key]) for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), n, total / n, right / n)
