"""Looks into what gftrain wrote.

gftrain.py scores REPORT.json ACCURACY MACRO_F1    both are those of a report of gfeval
gftrain.py tasks FILE.pkl                          the names of two tasks' classes, by pickle
gftrain.py weights FOLDER OTHER PART               tensors with PART in their names are the same; the others of the encoder
                                                   are not, unless PART is '' (then all are)
gftrain.py zero FOLDER                             the table of positions is 0
gftrain.py poison FOLDER TOKENS                    makes the last position of the longest cell NaN; prints the cell's row
"""

import json
import pickle
import subprocess
import sys


def read(folder):
    with open(f"{folder}/model.safetensors", "rb") as f:
        data = f.read()
    n = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + n])
    return {k: data[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]] for k, v in header.items()
            if k != "__metadata__"}


mode, *args = sys.argv[1:]
if mode == "scores":
    with open(args[0]) as f:
        report = json.load(f)
    for key, got in (("accuracy", report["accuracy"]), ("macro_f1", report["macro"]["f1"])):
        said = float(args[1] if key == "accuracy" else args[2])
        assert abs(said - got) < 1e-8, f"{key}: {said}, gfeval says {got}"
elif mode == "tasks":
    with open(args[0], "rb") as f:
        tasks = pickle.load(f)
    assert tasks == {"cell_type": {"B cell": 0, "T cell": 1, "mono, CD14+": 2}, "donor": {"d0": 0, "d1": 1}}, tasks
    assert list(tasks) == ["cell_type", "donor"]
elif mode == "weights":
    one, other, part = read(args[0]), read(args[1]), args[2]
    assert set(one) == set(other), set(one) ^ set(other)
    for name in one:
        if part in name:
            assert one[name] == other[name], f"{name} has changed"
        elif "encoder" in name and not name.endswith("key.bias"):
            assert one[name] != other[name], f"{name} is the same"
elif mode == "poison":
    lines = subprocess.run(["cellview", "--jsonl", args[1]], check=True, capture_output=True, text=True).stdout.splitlines()
    lengths = [json.loads(line)["length"] for line in lines]
    longest = max(lengths)
    assert lengths.count(longest) == 1, lengths
    with open(f"{args[0]}/model.safetensors", "r+b") as f:
        n = int.from_bytes(f.read(8), "little")
        begin, end = json.loads(f.read(n))["bert.embeddings.position_embeddings.weight"]["data_offsets"]
        width = (end - begin) // 64
        f.seek(8 + n + begin + (longest - 1) * width)
        f.write(b"\xff" * width)
    print(lengths.index(longest))
else:
    table = read(args[0])["bert.embeddings.position_embeddings.weight"]
    assert table and not any(table), "positions"
