"""Embeds the cells that the reference embedded and compares every number: embeddings.py GOLDEN [PRECISION].

Rows are compared by cell (the number of the row in the data set), gene or state. f32: 2e-5 absolute against the values the reference
printed; bf16 and int8: a cosine of 0.9999 or 0.999 at least for each row. Needs pyarrow; gfembed on the PATH and GENEFORMER_DIR.
"""

import csv
import json
import math
import os
import subprocess
import sys
import tempfile

import pyarrow as pa

golden = sys.argv[1]
precision = sys.argv[2] if len(sys.argv) > 2 else "f32"
folder = tempfile.mkdtemp()
index = json.load(open(f"{golden}/embs/index.json"))
rows_of = json.load(open(f"{golden}/embs/rows.json"))
POOL = {"cls": "cls", "cell": "mean", "gene": "gene"}


def tokens(data, rows, states=None):
    """A stream of these rows, named by their numbers."""
    with pa.memory_map(f"{golden}/{data}/data-00000-of-00001.arrow") as source:
        table = pa.ipc.open_stream(source).read_all().take(rows)
    table = table.append_column("cell", pa.array([str(i) for i in rows]))
    if states:
        table = table.append_column("state", pa.array(states)).rename_columns([*table.column_names, "the_state"])
    with pa.OSFile(f"{folder}/tokens", "wb") as sink, pa.ipc.new_stream(sink, table.schema) as out:
        out.write_table(table.replace_schema_metadata(None))
    return f"{folder}/tokens"


def embed(entry, stream, *arguments):
    version = entry.get("args", {}).get("model_version") or ("V1" if "v1" in entry["data"] else "V2")
    subprocess.run(["gfembed", "-q", "-m", f"{golden}/{entry['model']}", "-d", version, "--precision", precision,
                    "-l", "0", "-o", f"{folder}/embedded", *arguments, stream], check=True)
    with pa.OSFile(f"{folder}/embedded") as source:
        table = pa.ipc.open_stream(source).read_all()
    return dict(zip(table.column(next(n for n in ("cell", "gene", "state") if n in table.column_names)).to_pylist(),
                    table.column("embedding").to_pylist()))


def compare(name, ours, theirs, tolerance=2e-5):
    assert ours.keys() == theirs.keys(), f"{name}: other rows: {sorted(ours.keys() ^ theirs.keys())[:5]}"
    worst, least = 0.0, 1.0
    for row, y in theirs.items():
        x = ours[row]
        assert len(x) == len(y), f"{name}: {len(x)} numbers, not {len(y)}"
        worst = max(worst, *(abs(p - q) for p, q in zip(x, y)))
        least = min(least, math.sumprod(x, y) / math.sqrt(math.sumprod(x, x) * math.sumprod(y, y))
                    if hasattr(math, "sumprod") else
                    sum(p * q for p, q in zip(x, y)) / math.sqrt(sum(p * p for p in x) * sum(q * q for q in y)))
    good = worst <= tolerance if precision == "f32" else least >= {"bf16": 0.9999, "int8": 0.999}[precision]
    print(f"{'ok' if good else 'DIFFERENT'}: {name}: {len(theirs)} rows, largest difference {worst:.2g}, least cosine {least:.8f}")
    return good


def read_csv(path, width):
    with open(path) as f:
        table = list(csv.reader(f))[1:]
    return [row[0] for row in table], [[float(x) for x in row[1:1 + width]] for row in table]


good, compared = True, 0
for name, entry in index.items():
    if name == "v2_gene_all_style":
        continue
    arguments = entry.get("args", entry)
    pool = POOL[arguments["emb_mode"]]
    if name == "v1_asked_cls":
        pool = "mean"  # the reference changes it, with a warning
    layer = str(arguments.get("emb_layer", -1))
    how = ["--pool", pool, "--layer", layer]
    with open(f"{golden}/{entry['model']}/config.json") as f:
        width = json.load(f)["hidden_size"]
    if "cell_states_to_model" in entry:
        states = [(s, i) for s, rows in rows_of[name].items() for i in rows]
        stream = tokens(entry["data"], [i for _, i in states])
        statistic = entry["summary_stat"].split("_")[1]
        if statistic == "median":  # the reference takes the lower middle value; 25 cells have one middle
            assert all(len(rows) % 2 for rows in rows_of[name].values())
        ours = embed(entry, stream, *how, "--summary", statistic, "--by", entry["cell_states_to_model"]["state_key"])
        good &= compare(name, ours, json.load(open(f"{golden}/{entry['json']}")))
        compared += 1
        continue
    rows = rows_of[name]
    stream = tokens(entry["data"], rows)
    labels, vectors = read_csv(f"{golden}/{entry['csv']}", width)
    if pool == "gene":
        good &= compare(name, embed(entry, stream, *how), dict(zip(labels, vectors)))
    elif arguments["summary_stat"] in ("mean", "median"):
        continue  # approximate digests; the exact statistics stand beside them
    else:
        good &= compare(name, embed(entry, stream, *how), dict(zip(map(str, rows), vectors)))
    compared += 1
sys.exit(0 if good and compared >= 15 else 1)
