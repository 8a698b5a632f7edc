"""Compares tokens with those of the reference: tokens.py OURS REFERENCE SOURCE TIES.tsv.

The first three are JSON lines of cellview: {"input_ids": [names]} twice, {"gene": [ids]} of the counts before any mapping. Equal
means: the same cells and the same tokens in the same order, but for
- groups of ties listed in TIES.tsv (row, first position, number of positions in the reference), compared as sets;
- ids that stand twice in the source: the reference keeps them twice, ours are summed, which moves them. They are left
  out of both sides, and of a cell that was cut to its length the common beginning is compared.
"""

import collections
import csv
import json
import sys


def read(path, column):
    with open(path) as lines:
        return [json.loads(line)[column] for line in lines]


def sort_group(cell, group):
    """Brings the names of the group, where they stand in the cell, into one order."""
    places = [i for i, name in enumerate(cell) if name in group]
    for i, name in zip(places, sorted(cell[i] for i in places)):
        cell[i] = name


ours, reference = read(sys.argv[1], "input_ids"), read(sys.argv[2], "input_ids")
repeated = {g for cell in read(sys.argv[3], "gene") for g, n in collections.Counter(cell).items() if n > 1}
groups = collections.defaultdict(list)
with open(sys.argv[4]) as f:
    for row, first, n in list(csv.reader(f, delimiter="\t"))[1:]:
        groups[int(row)].append(set(reference[int(row)][int(first):int(first) + int(n)]))

assert len(ours) == len(reference), f"{len(ours)} cells, the reference has {len(reference)}"
n_moved = 0
for i, (a, b) in enumerate(zip(ours, reference)):
    for group in groups[i]:
        sort_group(a, group)
        sort_group(b, group)
    if a == b:
        continue
    n_moved += 1
    assert repeated & set(b), f"cell {i} differs"
    whole = len(a) < len(b)  # the sum takes one place instead of two, unless the cell was cut
    a, b = ([t for t in cell if t not in repeated] for cell in (a, b))
    n = min(len(a), len(b))
    assert n and a[:n] == b[:n] and (len(a) == len(b) or not whole), f"cell {i} differs beyond repeated ids"
print(f"{len(ours)} cells, {sum(map(len, ours))} tokens, {n_moved} cells with repeated ids")
