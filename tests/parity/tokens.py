"""Compares tokens with those of the reference: tokens.py OURS.jsonl REFERENCE.jsonl [TIES.tsv].

Both files are lines {"input_ids": [...]}. Equal means: the same cells and the same tokens in the same order, but for
- groups of ties listed in TIES.tsv (row, first position, number of positions), which are compared as sets;
- ids that stand twice in a cell of the reference: ours are summed, which moves them, so they are left out of both
  sides, and of a cell that was cut to its length the common beginning is compared.
"""

import collections
import csv
import json
import sys


def read(path):
    with open(path) as lines:
        return [json.loads(line)["input_ids"] for line in lines]


def with_ties_sorted(cells, ties):
    for row, first, n in ties:
        cells[row][first:first + n] = sorted(cells[row][first:first + n])
    return cells


ours, reference = read(sys.argv[1]), read(sys.argv[2])
assert len(ours) == len(reference), f"{len(ours)} cells, the reference has {len(reference)}"
ties = []
if len(sys.argv) > 3:
    with open(sys.argv[3]) as f:
        ties = [tuple(int(x) for x in row[:3]) for row in list(csv.reader(f, delimiter="\t"))[1:]]
ours, reference = with_ties_sorted(ours, ties), with_ties_sorted(reference, ties)
repeated = {t for cell in reference for t, n in collections.Counter(cell).items() if n > 1}
n_moved = 0
for i, (a, b) in enumerate(zip(ours, reference)):
    if a == b:
        continue
    n_moved += 1
    assert repeated, f"cell {i} differs"
    a, b = ([t for t in cell if t not in repeated] for cell in (a, b))
    n = min(len(a), len(b))
    assert n >= 0.98 * max(len(a), len(b)) and a[:n] == b[:n], f"cell {i} differs beyond repeated ids"
print(f"{len(ours)} cells, {sum(map(len, ours))} tokens, {n_moved} cells with repeated ids")
