"""Compares numbers: near.py A B COLUMN TOLERANCE. Both files are JSON lines of cellview; rows are matched by cell, gene or state;
every number of the column must be within the tolerance, and every row there on both sides."""

import json
import sys


def read(path):
    rows = {}
    with open(path) as lines:
        for line in lines:
            row = json.loads(line)
            name = next(row[k] for k in ("cell", "gene", "state") if k in row)
            assert name not in rows, f"{path}: {name} stands twice"
            rows[name] = row[sys.argv[3]]
    return rows


a, b = read(sys.argv[1]), read(sys.argv[2])
assert a.keys() == b.keys(), f"different rows: {sorted(a.keys() ^ b.keys())[:5]}"
worst = 0.0
for name, x in a.items():
    y = b[name]
    assert len(x) == len(y), f"{name}: {len(x)} numbers and {len(y)}"
    worst = max([worst, *(abs(p - q) for p, q in zip(x, y))])
assert a and worst <= float(sys.argv[4]), f"they differ by {worst}"
print(f"{len(a)} rows, largest difference {worst:.2g}")
