"""The medians that tests expect, by Python's own statistics, and broken copies of a stream.

    cellview --jsonl counts.cells | medians.py expect [MIN-CELLS] >genes.tsv
        gene, token, median of count / n_counts * 10000 over the cells where the count is not 0; in the order of the genes
    cellview --tsv --columns gene,token,median genes.cells | medians.py same genes.tsv
        whether that is the same table, numbers compared as numbers
    medians.py patch IN OUT OLD NEW
        a copy with one run of float32 numbers ("184 281") replaced by another of equal length
"""

import json
import math
import statistics
import struct
import sys


def expect(min_cells):
    values = {}
    for line in sys.stdin:
        cell = json.loads(line)
        total = cell["n_counts"]
        counts = {}
        for gene, count in zip(cell["gene"], cell["count"]):
            counts[gene] = counts.get(gene, 0) + count
        for gene, count in counts.items():
            if count:
                values.setdefault(gene, []).append(count / (total or sum(cell["count"])) * 10000)
    print("gene\ttoken\tmedian")
    for token, name in enumerate(["<pad>", "<mask>", "<cls>", "<eos>"]):
        print(f"{name}\t{token}\t")
    kept = sorted(gene for gene in values if len(values[gene]) >= min_cells)
    for token, gene in enumerate(kept):
        print(f"{gene}\t{token + 4}\t{statistics.median(values[gene])!r}")


def same(expected, got):
    if len(expected) != len(got):
        sys.exit(f"{len(got)} lines, expected {len(expected)}")
    for a, b in zip(expected, got):
        a, b = a.rstrip("\n").split("\t"), b.rstrip("\n").split("\t")
        if a[:2] != b[:2] or a[2] != b[2] and float(a[2]) != float(b[2]):
            sys.exit(f"got {b}, expected {a}")


def patch(data, old, new):
    old, new = ([float(x) for x in text.split()] for text in (old, new))
    old, new = (struct.pack(f"<{len(x)}f", *x) for x in (old, new))
    assert len(old) == len(new) and data.count(old) == 1, f"found {data.count(old)} times"
    return data.replace(old, new)


if sys.argv[1] == "expect":
    expect(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
elif sys.argv[1] == "same":
    same(open(sys.argv[2]).readlines(), sys.stdin.readlines())
else:
    open(sys.argv[3], "wb").write(patch(open(sys.argv[2], "rb").read(), *sys.argv[4:6]))
