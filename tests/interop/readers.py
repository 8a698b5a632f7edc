"""Opens streams of ours as their users do: readers.py KIND FILE. The rows must be those that cellview prints
(its JSON lines come on stdin)."""

import json
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

kind, path = sys.argv[1:3]
expected = [json.loads(line) for line in sys.stdin]
value = {"counts": "count", "values": "value", "tokens": "input_ids", "embeddings": "embedding"}[kind]


def check(rows, where):
    rows = list(rows)
    assert len(rows) == len(expected), f"{where}: {len(rows)} rows, not {len(expected)}"
    for got, want in zip(rows, expected):
        assert got["cell"] == want["cell"], where
        np.testing.assert_allclose(np.asarray(got[value], float), np.asarray(want[value], float), rtol=1e-6, err_msg=where)
        if "gene" in want:
            assert list(got["gene"]) == want["gene"], where
        assert got["cell_type"] == want["cell_type"] or pd.isna(got["cell_type"]), where


with open(path, "rb") as f:
    table = pa.ipc.open_stream(f).read_all()
table.validate(full=True)
check(table.to_pylist(), "pyarrow")
with open(path, "rb") as f:
    check(pa.ipc.open_stream(f).read_pandas().to_dict("records"), "pandas")
plain = table.select(["cell", "cell_type", value] + (["gene"] if "gene" in table.column_names else []))
check(pl.read_ipc_stream(path, columns=plain.column_names).to_dicts(), "polars")
if kind in ("tokens", "embeddings"):
    import datasets

    check(datasets.Dataset.from_file(path), "datasets")
print(f"{len(expected)} rows by pyarrow, pandas, polars")
