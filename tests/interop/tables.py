"""cellgrep and celljoin beside Python and pandas, on rows, conditions and tables drawn at random.

    python tables.py grep|join FOLDER

The streams are pyarrow's, with every type that can be compared, nulls in each.
"""

import io
import math
import random
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.ipc

ROWS = 2500  # more than one batch
TEXTS = ["a", "ab", "B", "", "Zz", "CD4+ T", "it's", 'say "x"', "ä", "mono, CD14+", "007"]


def draw(rng):
    """A table of a column of each type, and the same values as Python lists."""

    def some(values):
        return [None if rng.random() < 0.1 else v for v in values]

    lists = {
        "text": some(rng.choice(TEXTS) for _ in range(ROWS)),
        "kind": some(rng.choice(TEXTS) for _ in range(ROWS)),
        "n": some(rng.randint(-5, 5) for _ in range(ROWS)),
        "small": some(rng.randint(0, 9) for _ in range(ROWS)),
        "large": some(2**53 + rng.randint(-3, 3) for _ in range(ROWS)),
        "real": some(rng.choice([math.nan, 0.1, 0.25, -1.5, 3.0, 2.0**53]) for _ in range(ROWS)),
        "single": some(float(np.float32(rng.choice([0.1, 0.2, -0.5, 4]))) for _ in range(ROWS)),
        "odd name": some(rng.random() < 0.5 for _ in range(ROWS)),
    }
    types = {"n": pa.int64(), "small": pa.uint8(), "large": pa.int64(), "real": pa.float64(), "single": pa.float32()}
    columns = {name: pa.array(values, types.get(name)) for name, values in lists.items()}
    columns["kind"] = columns["kind"].dictionary_encode()
    for name in "real", "single":
        lists[name] = [None if x is None or math.isnan(x) else x for x in lists[name]]
    return pa.table(columns), lists


def write(table, path):
    with pa.ipc.new_stream(path, table.schema) as out:
        out.write_table(table, max_chunksize=700)


def run(*args):
    result = subprocess.run(args, capture_output=True)
    if result.returncode:
        sys.exit(f"{args}: {result.stderr.decode()}")
    return result.stdout


def quoted(text):
    sign = random.choice("\"'")
    return sign + text.replace(sign, sign + sign) + sign


ORDERS = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def bytes_of(x):
    return x.encode() if isinstance(x, str) else x


def test(rng):
    """A comparison as text, and as a function of a row; false where something is null."""
    name = rng.choice(["text", "kind", "n", "small", "large", "real", "single", "odd name"])
    shown = "`odd name`" if name == "odd name" else name
    form = rng.choice(["order", "order", "among", "null", "pattern", "columns"])
    negated = rng.random() < 0.4
    if name in ("text", "kind"):
        draw_value, show = lambda: rng.choice(TEXTS), quoted
    elif name == "odd name":
        draw_value, show = lambda: rng.random() < 0.5, lambda x: str(x).lower()
    else:
        pool = [-1.5, -1, 0, 1, 3, 4, 0.25, 2**53, 2**53 + 1, 2**53 - 1]
        pool = pool + [0.1, 0.2] if name != "single" else [0.1, 0.2, -0.5, 4, 1]
        draw_value, show = lambda: rng.choice(pool), repr
    exact = (lambda x: float(np.float32(x))) if name == "single" else (lambda x: x)
    if form == "null":
        return f"{shown} is {'not ' if negated else ''}null", lambda row: (row[name] is None) != negated
    if form == "among":
        values = [draw_value() for _ in range(rng.randint(1, 4))]
        kept = [exact(v) for v in values]
        text = f"{shown} {'not ' if negated else ''}in ({', '.join(map(show, values))})"
        return text, lambda row: row[name] is not None and (row[name] in kept) != negated
    if form == "pattern" and name in ("text", "kind"):
        pattern = rng.choice(["^a", "b$", "^(a|B)", "CD[0-9]+[+]", "[^a-zA-Z]", "x"])
        sign = "!~" if negated else "=~"
        return f"{shown} {sign} {quoted(pattern)}", lambda row: (
            row[name] is not None and (re.search(pattern, row[name]) is not None) != negated
        )
    sign = rng.choice(["==", "!="] if name == "odd name" else list(ORDERS))
    if form == "columns":
        other = {"text": "kind", "kind": "text", "odd name": "odd name"}.get(name) or rng.choice(["n", "large", "real"])
        return f"{shown} {sign} " + ("`odd name`" if other == "odd name" else other), lambda row: (
            row[name] is not None
            and row[other] is not None
            and ORDERS[sign](bytes_of(row[name]), bytes_of(row[other]))
        )
    value = draw_value()
    if rng.random() < 0.3:
        return f"{show(value)} {sign} {shown}", lambda row: (
            row[name] is not None and ORDERS[sign](bytes_of(exact(value)), bytes_of(row[name]))
        )
    return f"{shown} {sign} {show(value)}", lambda row: (
        row[name] is not None and ORDERS[sign](bytes_of(row[name]), bytes_of(exact(value)))
    )


def condition(rng, depth=3):
    """Without parentheses wherever the precedence gives the same."""

    def part(level):
        if level == 3 or depth == 0:
            return test(rng)
        if level == 2:
            if rng.random() < 0.25:
                text, f = part(2)
                return f"not {text}", lambda row: not f(row)
            if rng.random() < 0.25:
                text, f = condition(rng, depth - 1)
                return f"({text})", f
            return test(rng)
        parts = [part(level + 1) for _ in range(rng.choice([1, 1, 2, 3]))]
        joined = any if level == 0 else all
        return (" or " if level == 0 else " and ").join(t for t, _ in parts), lambda row: joined(f(row) for _, f in parts)

    return part(0)


def check_grep(folder):
    rng = random.Random(5)
    random.seed(6)
    table, lists = draw(rng)
    path = f"{folder}/grep.arrows"
    write(table, path)
    rows = [dict(zip(lists, values)) for values in zip(*lists.values())]
    used = 0
    for _ in range(150):
        text, f = condition(rng)
        expected = [i for i, row in enumerate(rows) if f(row)]
        got = pa.ipc.open_stream(io.BytesIO(run("cellgrep", "-e", text, path))).read_all()
        assert got.num_rows == len(expected), (text, got.num_rows, len(expected))
        whole = table.take(pa.array(expected, pa.int64()))
        assert repr(got.to_pylist()) == repr(whole.to_pylist()), text  # by repr, since NaN is not NaN
        used += 0 < len(expected) < ROWS
    assert used > 100, used


def draw_labels(rng):
    keys = sorted({(rng.choice(TEXTS[:8]), rng.randint(-5, 5)) for _ in range(60)})
    return pd.DataFrame(
        {
            "": range(len(keys)),
            "type": [k[0] or None for k in keys],
            "number": [k[1] for k in keys],
            "label": [rng.choice(TEXTS[:6] + [None]) or None for _ in keys],
            "whole": pd.array([rng.choice([None, -7, 2**62 + 1]) for _ in keys], "Int64"),
            "share": [rng.choice([math.nan, 0.1, 1e-300, 3.0]) for _ in keys],
        }
    )


def plain(values):
    return [None if x is None or x is pd.NA or x != x else x for x in values]


def check_join(folder):
    rng = random.Random(7)
    table, lists = draw(rng)
    path = f"{folder}/join.arrows"
    write(table, path)
    text = pd.Series([x or None for x in lists["text"]], dtype=object)
    left = pd.DataFrame({"text": text, "n": pd.array(lists["n"], "Int64")})
    for form in "csv", "tsv", "csv_quoted", "crlf":
        labels = draw_labels(rng)
        file = f"{folder}/labels.{form}"
        labels.to_csv(
            file,
            index=False,
            sep="\t" if form == "tsv" else ",",
            quoting=1 if form == "csv_quoted" else 0,
            lineterminator="\r\n" if form == "crlf" else "\n",
        )
        labels["number"] = labels["number"].astype("Int64")
        labels = labels.drop(columns="")
        keys = {"left_on": ["text", "n"], "right_on": ["type", "number"]}
        expected = left.merge(labels, how="left", indicator=True, **keys)
        assert len(expected) == ROWS
        key = ("-k", "text=type,n=number", file, path)
        got = pa.ipc.open_stream(io.BytesIO(run("celljoin", "-q", *key))).read_all()
        assert got.column_names == table.column_names + ["label", "whole", "share"]
        assert got.schema.field("whole").type == pa.int64() and got.schema.field("share").type == pa.float64()
        for name in "label", "whole", "share":
            assert got[name].to_pylist() == plain(expected[name].astype(object)), (form, name)
        found = (expected["_merge"] == "both").to_numpy()
        assert 100 < found.sum() < ROWS - 100
        got = pa.ipc.open_stream(io.BytesIO(run("celljoin", "-q", "-u", "drop", *key))).read_all()
        assert got["large"].to_pylist() == table.filter(found)["large"].to_pylist()


{"grep": check_grep, "join": check_join}[sys.argv[1]](sys.argv[2])
