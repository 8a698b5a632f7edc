"""Perturbs the cells that the reference perturbed and compares every number with float64 brute force: gfperturb.py GOLDEN.

The expected values are golden/isp/truth (one copy at a time, in float64); 2e-6 absolute on cosines and shifts. Copies must come in the same
order, with the same genes. Needs pyarrow; gfperturb on the PATH and GENEFORMER_DIR.
"""

import csv
import functools
import gzip
import json
import os
import pathlib
import pickle
import struct
import subprocess
import sys
import tempfile

import pyarrow as pa

golden = pathlib.Path(sys.argv[1])
isp = golden / "isp"
folder = pathlib.Path(tempfile.mkdtemp())
TOLERANCE = 2e-6


def read_truth(name):
    for path in (isp / f"truth/{name}.jsonl", isp / f"truth/{name}.jsonl.gz"):
        if path.exists():
            with gzip.open(path, "rt") if path.suffix == ".gz" else open(path) as f:
                return [json.loads(line) for line in f]
    return None


def cut_model(name, positions):
    """The model with the first rows of its position table only."""
    new = folder / f"{name}-{positions}"
    if new.exists():
        return new
    new.mkdir()
    config = json.loads((golden / "models" / name / "config.json").read_text())
    config["max_position_embeddings"] = positions
    (new / "config.json").write_text(json.dumps(config))
    data = (golden / "models" / name / "model.safetensors").read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    tensors, body, header = json.loads(data[8:8 + size]), b"", {}
    for key, t in tensors.items():
        if key == "__metadata__" or key.endswith("position_ids"):
            continue
        start, end = (8 + size + x for x in t["data_offsets"])
        if key.endswith("position_embeddings.weight"):
            end = start + (end - start) // t["shape"][0] * positions
            t["shape"][0] = positions
        header[key] = {"dtype": t["dtype"], "shape": t["shape"], "data_offsets": [len(body), len(body) + end - start]}
        body += data[start:end]
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (new / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + body)
    return new


def write(path, table):
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as out:
        out.write_table(table)
    return str(path)


def write_tokens(data, rows):
    """A stream of these rows (None: all), named by their numbers."""
    with pa.memory_map(str(isp / f"data/{data}.dataset/data-00000-of-00001.arrow")) as source:
        table = pa.ipc.open_stream(source).read_all()
    rows = range(table.num_rows) if rows is None else rows
    table = table.take(list(rows)).replace_schema_metadata(None)
    return write(folder / "tokens", table.set_column(table.column_names.index("cell"), "cell", pa.array([str(i) for i in rows])))


def write_states(path):
    with open(path) as f:
        table = list(csv.reader(f))
    names = table[0]
    vectors = [[float(row[i]) for row in table[1:]] for i in range(len(names))]
    return write(folder / "states", pa.table({
        "state": names, "embedding": pa.array(vectors, pa.list_(pa.float32(), len(vectors[0])))}))


def arguments(case):
    a = case["args"]
    mode = a["emb_mode"]
    model, _, cut = case["model"].partition(" cut to ")
    list_ = [
        "-m", str(cut_model(model, int(cut.split()[0])) if cut else golden / "models" / model),
        "-d", a["model_version"], "--type", a["perturb_type"], "--layer", str(a["emb_layer"]), "--precision", "f32",
        "--pool", "cls" if mode.startswith("cls") else "mean"]
    genes = a["genes_to_perturb"]
    if genes != "all":
        list_ += ["--genes", "+".join(genes)]
    elif a["anchor_gene"] and not a["combos"]:
        list_ += ["--genes", a["anchor_gene"]]
    elif a["anchor_gene"]:
        list_ += ["--anchor", a["anchor_gene"]]
    if mode.endswith("gene"):
        list_ += ["--per-gene"]
    states = a.get("cell_states_to_model")
    if states:
        list_ += ["--states", write_states(isp / a["state_embs_dict"]), "--by", states["state_key"],
                  "--start", states["start_state"], "--goal", states["goal_state"]]
        if states.get("alt_states"):
            list_ += ["--alt", ",".join(states["alt_states"])]
    return list_


def perturb(case, rows):
    path = folder / "perturbed"
    subprocess.run(["gfperturb", "-q", "-l", "0", "-o", str(path), *arguments(case), write_tokens(case["data"], rows)], check=True)
    with pa.OSFile(str(path)) as source:
        rows = pa.ipc.open_stream(source).read_all().to_pylist()
    by_cell = {}
    for row in rows:
        by_cell.setdefault(int(row["cell"]), []).append(row)
    return by_cell


@functools.cache
def token_names(version):
    """The ids of the genes by token, as gfperturb names them."""
    names = {"V1": "token_dictionary_gc30M.pkl", "V2": "token_dictionary_gc104M.pkl"}
    path = next(pathlib.Path(os.environ["GENEFORMER_DIR"]).rglob(names[version]))
    with open(path, "rb") as f:
        return {token: gene for gene, token in pickle.load(f).items()}


def compare(case, truth, ours):
    """The number of values and the largest difference."""
    names = token_names(case["args"]["model_version"])
    expected = {}
    for t in truth:
        expected.setdefault(t["row"], []).append(t)
    assert set(expected) <= set(ours), f"cells {sorted(set(expected) - set(ours))} are missing"
    worst = n = 0
    for row, list_ in expected.items():
        got = ours[row]
        assert [g["perturbed"] for g in got] == [[names[t] for t in x["perturbed"]] for x in list_], f"cell {row}: other copies"
        for x, g in zip(list_, got):
            pairs = [(x["value"], g["cos_sim"])] if "value" in x else []
            pairs += [(y, g[f"shift:{state}"]) for state, y in x.get("shift", {}).items()]
            if "genes" in x:
                assert g["affected"] == [names[t] for t in x["genes"]], f"cell {row}, {g['perturbed']}: other genes"
                pairs += zip(x["gene_cos"], g["gene_cos"], strict=True)
            worst = max(worst, *(abs(p - q) for p, q in pairs))
            n += len(pairs)
    return n, worst


good, compared, values = True, 0, 0
for case in json.loads((isp / "manifest.json").read_text()):
    truth = read_truth(case["name"])
    if truth is None:
        continue
    states = case["args"].get("cell_states_to_model")
    ours = perturb(case, None if states else sorted({t["row"] for t in truth}))
    n, worst = compare(case, truth, ours)
    same = worst <= TOLERANCE and n > 0
    good &= same
    compared += 1
    values += n
    if not same:
        print(f"DIFFERENT: {case['name']}: {n} values, largest difference {worst:.2g}")
    elif os.environ.get("VERBOSE"):
        print(f"ok: {case['name']}: {n} values, largest difference {worst:.2g}")
print(f"{compared} cases, {values} values")
sys.exit(not good or compared < 170)
