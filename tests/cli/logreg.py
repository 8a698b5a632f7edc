"""Compares logreg with scikit-learn's numbers (tests/data/make_logreg.py).

    logreg.py cases LOGREG.json                          a line a case: number, input, arguments
    logreg.py compare LOGREG.json N MODEL PREDICTED      PREDICTED are JSON lines of cellview
    logreg.py break MODEL OUT                            the model with its first number not a number
"""

import json
import math
import struct
import sys


def read_model(path):
    """Of a safetensors file: the description in its metadata, and its tensors as flat lists."""
    data = open(path, "rb").read()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:start])
    tensors = {}
    for name, t in header.items():
        if name != "__metadata__":
            begin, end = t["data_offsets"]
            tensors[name] = struct.unpack(f"<{(end - begin) // 8}d", data[start + begin:start + end])
    return json.loads(header["__metadata__"]["logreg"]), tensors


def near(what, got, expected, tolerance):
    assert len(got) == len(expected), f"{what}: {len(got)} numbers, not {len(expected)}"
    worst = max(abs(x - y) for x, y in zip(got, expected))
    assert worst <= tolerance, f"{what}: off by {worst}"
    print(f"{what}: within {worst:.1g}")


def compare(expected, cells, model, predicted):
    about, tensors = read_model(model)
    assert about["classes"] == expected["classes"], about["classes"]
    assert about.get("genes") == expected["genes"], about.get("genes")
    near("coef", tensors["coef"], [x for row in expected["coef"] for x in row], 1e-6)
    b = tensors["intercept"]
    middle = sum(b) / len(b) if len(b) > 2 else b[0]
    near("intercept", [x - middle for x in b], expected["intercept"], 1e-5)
    near("objective", [about["fit"]["objective"]], [expected["objective"]], 1e-9 * expected["objective"])
    rows = {row["cell"]: row for row in map(json.loads, open(predicted))}
    assert list(rows) == cells, list(rows)
    for cell, p in zip(cells, expected["probabilities"]):
        row = rows[cell]
        assert max(abs(x - y) for x, y in zip(row["probabilities"], p)) <= 1e-5, (cell, row["probabilities"], p)
        best = max(range(len(p)), key=p.__getitem__)
        assert row["prediction"] == expected["classes"][best], (cell, row["prediction"])
        assert row["probability"] == max(row["probabilities"]), cell


mode, path = sys.argv[1:3]
if mode == "break":
    data = bytearray(open(path, "rb").read())
    start = 8 + struct.unpack("<Q", data[:8])[0]
    data[start:start + 8] = struct.pack("<d", math.nan)
    open(sys.argv[3], "wb").write(data)
else:
    data = json.load(open(path))
    if mode == "cases":
        for i, c in enumerate(data["cases"]):
            print(i, c["name"], *c["arguments"])
    else:
        compare(data["cases"][int(sys.argv[3])], data["cells"], *sys.argv[4:])
