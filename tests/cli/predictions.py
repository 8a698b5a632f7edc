"""Compares predictions with logits in double precision: predictions.py cells|positions|genes EXPECTED GOT [TOKENS GENES].

EXPECTED: tests/data/classifiers/NAME.jsonl; GOT and the others: JSON lines of cellview. Logits and embeddings must be within
3e-5, probabilities within 1e-5 of the softmax; the prediction is the class of the greatest.
"""

import json
import math
import sys


def read(path):
    with open(path) as lines:
        return [json.loads(line) for line in lines]


def softmax(x):
    e = [math.exp(y - max(x)) for y in x]
    return [y / sum(e) for y in e]


def near(got, expected, tolerance, what):
    assert len(got) == len(expected), f"{what}: {len(got)} numbers and {len(expected)}"
    worst = max(abs(a - b) for a, b in zip(got, expected))
    assert worst <= tolerance, f"{what}: off by {worst}: {got}, {expected}"


def check(row, suffix, logits, probabilities, what):
    if "logits" + suffix in row:
        near(row["logits" + suffix], logits, 3e-5, what)
    got = row["probabilities" + suffix]
    near(got, probabilities, 1e-5, what)
    assert abs(row["probability" + suffix] - max(got)) == 0, what
    assert row["prediction" + suffix] == names[suffix][got.index(max(got))], f"{what}: {row}"


mode, expected, got = sys.argv[1], read(sys.argv[2]), read(sys.argv[3])
three = ["B cell", "T cell", "mono, CD14+"]
names = {":task1": three, ":task2": ["P1", "P2"], "": ["sensitive", "insensitive"] if mode != "cells" else
         three if len(expected[0]["logits"][0]) == 3 else ["low", "high"]}
if mode == "cells":
    assert [r["cell"] for r in got] == [r["cell"] for r in expected]
    for row, e in zip(got, expected):
        for i, logits in enumerate(e["logits"]):
            check(row, f":task{i + 1}" if len(e["logits"]) > 1 else "", logits, softmax(logits), row["cell"])
        if "embedding" in row:
            near(row["embedding"], e["embedding"], 3e-5, row["cell"])
    sys.exit()

tokens, genes = read(sys.argv[4]), {r["token"]: r["gene"] for r in read(sys.argv[5]) if r["token"] is not None}
positions = []
for cell, e in zip(tokens, expected):
    assert cell["cell"] == e["cell"]
    positions += [(cell["cell"], genes[t], x) for t, x in zip(cell["input_ids"], e["logits"][0], strict=True) if t > 3]
if mode == "positions":
    assert [(r["cell"], r["gene"]) for r in got] == [(c, g) for c, g, _ in positions]
    for row, (cell, gene, logits) in zip(got, positions):
        check(row, "", logits, softmax(logits), f"{cell} {gene}")
    sys.exit()
order = [g for _, g in sorted(genes.items()) if any(g == p[1] for p in positions)]
assert [r["gene"] for r in got] == order
for row in got:
    logits = [x for _, g, x in positions if g == row["gene"]]
    assert row["n_cells"] == len(logits)
    check(row, "", [sum(c) / len(c) for c in zip(*logits)], [sum(c) / len(c) for c in zip(*map(softmax, logits))], row["gene"])
