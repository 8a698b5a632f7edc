"""Classifies the cells that the reference classified and compares every logit: gfclassify.py GOLDEN [PRECISION].

f32: 3e-5 absolute against float64, and against what the reference printed in float32; another precision: 0.1. In f32 the
predicted classes must be those of the reference. Needs pyarrow and numpy; gfclassify on the PATH and GENEFORMER_DIR.
"""

import atexit
import json
import pickle
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import pyarrow as pa

golden = sys.argv[1]
precision = sys.argv[2] if len(sys.argv) > 2 else "f32"
tolerance = 3e-5 if precision == "f32" else 0.1
folder = tempfile.mkdtemp()
atexit.register(shutil.rmtree, folder)
compared = 0


def read_tensors(path):
    """The tensors of a safetensors file."""
    types = {"F64": np.float64, "F32": np.float32, "I64": np.int64, "I32": np.int32}
    with open(path, "rb") as f:
        data = f.read()
    n = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + n])
    return {k: np.frombuffer(data[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]],
                             types[v["dtype"]]).reshape(v["shape"])
            for k, v in header.items() if k != "__metadata__" and v["dtype"] in types}


def read_ids(data, rows):
    with pa.memory_map(f"{golden}/{data}/data-00000-of-00001.arrow") as source:
        return pa.ipc.open_stream(source).read_all().column("input_ids").take(rows).to_pylist()


def classify(model, cells, names, *arguments):
    """What gfclassify makes of these cells: rows in order. names: of the classes, by id."""
    table = pa.table({"cell": [str(i) for i in range(len(cells))], "input_ids": pa.array(cells, pa.list_(pa.int32()))})
    with pa.OSFile(f"{folder}/tokens", "wb") as sink, pa.ipc.new_stream(sink, table.schema) as out:
        out.write_table(table)
    with open(f"{folder}/id_class_dict.pkl", "wb") as f:
        pickle.dump(dict(enumerate(names)), f)
    subprocess.run(["gfclassify", "-q", "-m", f"{golden}/{model}", "-d", "V2", "-c", f"{folder}/id_class_dict.pkl",
                    "--precision", precision, "--logits", "-l", "0", "-o", f"{folder}/out", *arguments, f"{folder}/tokens"],
                   check=True)
    with pa.OSFile(f"{folder}/out") as source:
        table = pa.ipc.open_stream(source).read_all()
    field = table.schema.field("probabilities")
    assert field.metadata[b"cells:classes"].decode().split("\n") == names, field.metadata
    return table.to_pydict()


def compare(what, got, logits, classes=None):
    """Rows of output against logits, and against the ids of classes that the reference predicted."""
    global compared
    ours, logits = np.array(got["logits"], np.float64), np.asarray(logits, np.float64)
    assert ours.shape == logits.shape, f"{what}: {ours.shape} logits, not {logits.shape}"
    worst = np.abs(ours - logits).max()
    share = np.exp(logits - logits.max(1, keepdims=True))
    off = np.abs(np.array(got["probabilities"], np.float64) - share / share.sum(1, keepdims=True)).max()
    assert worst <= tolerance and off <= tolerance, f"{what}: logits off by {worst}, probabilities by {off}"
    if classes is not None and precision == "f32":
        assert [names.index(p) for p in got["prediction"]] == list(classes), f"{what}: other predictions"
    print(f"ok: {what}: {len(ours)} rows, logits differ by {worst:.2g} at most, probabilities by {off:.2g}")
    compared += 1


names = ["a", "b", "c", "d", "e"]
for model in ("tiny-v2-cell", "tiny-v2-gene"):
    t = read_tensors(f"{golden}/forward/{model}.safetensors")
    cells = [t["ids"][a:b].tolist() for a, b in zip(t["offsets"], t["offsets"][1:])]
    logits = t["logits.f64"]
    if model == "tiny-v2-gene":
        names = names[:2]
        compare(model, classify(f"models/{model}", cells, names, "--per-cell"), logits[t["ids"] > 3])
    else:
        kept = [i for i, c in enumerate(cells) if c[0] == 2]
        assert len(kept) == len(cells)
        compare(model, classify(f"models/{model}", cells, names), logits)

for case in ("evaluate_multiclass", "evaluate_last_row_dropped"):
    g = json.load(open(f"{golden}/classifier/{case}.json"))
    names = list(g["id_class_dict"].values())
    n = len(g["predictions"]["pred_ids"])  # the reference may leave out the last row
    assert n in (len(g["rows"]), len(g["rows"]) - 1)
    got = classify(g["model"], read_ids("tokens/kang_v2.dataset", g["rows"][:n]), names)
    compare(case, got, g["predictions"]["predictions"], g["predictions"]["pred_ids"])


def at_positions(got, cells, positions):
    """The rows of these positions of each cell; rows have no special tokens, and <cls> comes first."""
    starts = np.cumsum([0] + [sum(t > 3 for t in c) for c in cells])
    rows = [starts[i] + p - 1 for i, ps in enumerate(positions) for p in ps]
    return {k: [v[r] for r in rows] for k, v in got.items()}


g = json.load(open(f"{golden}/classifier/evaluate_gene.json"))
labels = json.load(open(f"{golden}/classifier/gene_prepare.json"))["first_30_rows_labels_position_class"]
names = list(g["id_class_dict"].values())
cells = read_ids("tokens/kang_v2.dataset", g["rows"])
got = at_positions(classify(g["model"], cells, names, "--per-cell"), cells, [[p for p, _ in row] for row in labels])
compare("evaluate_gene", got, g["predictions"]["predictions"], g["predictions"]["pred_ids"])

cells = read_ids("isp/data/cells8_v2.dataset", list(range(8))) + read_ids("isp/data/cells40_v2.dataset", [3])
for case in json.load(open(f"{golden}/eval/classifier_predict.json"))["cases"]:
    if "logits" not in case:
        continue
    what = f"classifier_predict, {case['classifier']}"
    if case["classifier"] == "cell":
        names = ["a", "b", "c", "d", "e"]
        compare(what, classify(f"models/{case['model']}", cells, names), case["logits"], case["y_pred"])
    else:
        names = ["a", "b"]
        positions = [[i for i, t in enumerate(c) if t % 5 == 0 and t > 3] for c in cells]
        got = at_positions(classify(f"models/{case['model']}", cells, names, "--per-cell"), cells, positions)
        compare(what, got, case["logits"], case["y_pred"])
sys.exit(0 if compared == 7 else f"{compared} comparisons")
