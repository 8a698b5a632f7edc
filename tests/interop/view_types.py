"""A stream with a column of every type that Arrow has and we read, and its text by Python's own means.

    view_types.py write FILE
    view_types.py check FILE tsv|csv|jsonl      compares standard input with the values of FILE, as pyarrow reads them
"""

import csv
import datetime
import decimal
import io
import json
import math
import re
import sys

import numpy as np
import pyarrow as pa

NS = [0, -1, 1, 1700000000123456789, -5000000000000000000, None]
UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def columns():
    for unit, size in UNITS.items():
        counts = pa.array([None if x is None else x // size for x in NS], pa.int64())
        yield "stamp_" + unit, counts.cast(pa.timestamp(unit))
        yield "zoned_" + unit, counts.cast(pa.timestamp(unit, "Europe/Berlin"))
        yield "duration_" + unit, counts.cast(pa.duration(unit))
    yield "date32", pa.array([0, -1, 59, 11016, -719162, None], pa.int32()).cast(pa.date32())
    days = pa.array([0, -1, 59, 11016, 2932896, None], pa.int64())
    yield "date64", pa.compute.multiply(days, 86400000).cast(pa.date64())
    yield "time32", pa.array([0, 1, 3599, 86399, 43200, None], pa.int32()).cast(pa.time32("s"))
    yield "time64", pa.array([0, 1, 3599, 86399999999999, 43200 * 10**9, None], pa.int64()).cast(pa.time64("ns"))
    texts = ["0.00", "-12.50", "0.01", "99999999999999999999.99", "-0.99"]
    yield "decimal128", pa.array([*map(decimal.Decimal, texts), None], pa.decimal128(30, 2))
    texts = ["0", "-12", "1", "1" + "0" * 60, "-" + "9" * 76]
    yield "decimal256", pa.array([*map(decimal.Decimal, texts), None], pa.decimal256(76, 0))
    yield "float64", pa.array([0.1, 1 / 3, 1e300, float("nan"), float("-inf"), None])
    yield "float32", pa.array([0.1, 1 / 3, 16777216, 1e-45, float("inf"), None], pa.float32())
    yield "float16", pa.array([np.float16(x) for x in (0.1, 1 / 3, 65504, 6e-8, -2)] + [None], pa.float16())
    yield "uint64", pa.array([0, 1, 2**64 - 1, 2**63, 5, None], pa.uint64())
    yield "int64", pa.array([0, -(2**63), 2**63 - 1, 2**53 + 1, 5, None], pa.int64())
    yield "int8", pa.array([0, -128, 127, 1, 5, None], pa.int8())
    yield "bool", pa.array([True, False, None, True, False, False])
    yield "null", pa.nulls(6)
    strange = ["a\tb\nc\\d\r", 'x,y "q"', "", "\x1b[31m\x7f\x85é", "日本", None]
    yield "text", pa.array(strange)
    yield "large_text", pa.array(strange, pa.large_string())
    yield "text_view", pa.array(strange, pa.string_view())
    yield "category", pa.array(strange).dictionary_encode()
    yield "binary", pa.array([b"\0\xff", b"", None, b"a", b"b", b"c"])
    yield "fixed_binary", pa.array([b"\0\xff", b"ab", None, b"aa", b"bb", b"cc"], pa.binary(2))
    yield "texts", pa.array([["a,b", "c\\", None, ""], [], None, ["é"], ["1\n"], ["x"]], pa.list_(pa.string()))
    yield "large_list", pa.array([[1, 2], [], None, [None], [3], [4]], pa.large_list(pa.int16()))
    yield "fixed_list", pa.array([[1, 2], [3, 4], None, [5, None], [7, 8], [9, 10]], pa.list_(pa.float32(), 2))
    yield "list_of_lists", pa.array([[[1, 2], []], [], None, [None], [[3]], [[4]]], pa.list_(pa.list_(pa.int8())))
    person = pa.struct([("name", pa.string()), ('a "b"', pa.list_(pa.float64()))])
    yield "struct", pa.array([{"name": "x", 'a "b"': [0.5]}, {"name": None, 'a "b"': None}, None] * 2, person)
    pairs = [[("a", 1), ("b", 2)], [], [("x", None)], None, [('q"', 3)], [("y", 4)]]
    yield "map", pa.array(pairs, pa.map_(pa.string(), pa.int32()))


def seconds(count, unit):
    text = f"{abs(count) * unit // 10**9}"
    rest = f"{abs(count) * unit % 10**9:09d}"[: {1: 9, 10**3: 6, 10**6: 3, 10**9: 0}[unit]]
    return ("-" if count < 0 else "") + text + ("." + rest if rest.strip("0") else "") + "S"


def moment(count, unit):
    text = str(np.datetime64(count * unit // 10**9, "s"))
    return text + seconds(count * unit % 10**9 // unit, unit)[1:-1]


def number(x):
    """A floating-point number has a text of its own, with no more digits than needed."""
    return float(x) if math.isfinite(x) else {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(float(x))]


def value(scalar):
    """What JSON has for it, decimals as they are."""
    t = scalar.type
    if not scalar.is_valid:
        return None
    if pa.types.is_dictionary(t):
        return value(scalar.value)
    if pa.types.is_map(t):
        return [{"key": k, "value": v} for k, v in scalar.as_py()]
    if pa.types.is_list(t) or pa.types.is_large_list(t) or pa.types.is_fixed_size_list(t):
        return [value(x) for x in scalar.values]
    if pa.types.is_struct(t):
        return {field.name: value(scalar[field.name]) for field in t}
    if pa.types.is_timestamp(t):
        return moment(scalar.value, UNITS[t.unit]) + ("Z" if t.tz else "")
    if pa.types.is_duration(t):
        return "PT" + seconds(scalar.value, UNITS[t.unit])
    if pa.types.is_time64(t):
        return str(datetime.time.fromisoformat(str(np.datetime64(0, "s") + scalar.value // 10**9)[11:])) + \
            seconds(scalar.value % 10**9, 1)[1:-1]
    if pa.types.is_date(t) or pa.types.is_time(t):
        return scalar.as_py().isoformat()
    if pa.types.is_binary(t) or pa.types.is_fixed_size_binary(t):
        return scalar.as_py().hex()
    return number(scalar.as_py()) if pa.types.is_floating(t) else scalar.as_py()


def is_same(got, want, kind):
    if isinstance(want, list):
        inner = kind.value_type if hasattr(kind, "value_type") else kind
        return len(got) == len(want) and all(is_same(g, w, inner) for g, w in zip(got, want))
    if isinstance(want, float):
        size = {"float": np.float32, "halffloat": np.float16}.get(str(kind), float)
        return type(got) in (int, float, decimal.Decimal) and size(float(got)) == size(want)
    if isinstance(want, decimal.Decimal):
        return not isinstance(got, float) and decimal.Decimal(got) == want
    return type(got) is type(want) and got == want


def read_json(text):
    return json.loads(text, parse_float=lambda x: decimal.Decimal(x) if "e" not in x.lower() else float(x))


def plain(want, kind, got):
    """What a table has for it; numbers are checked by their values."""
    if isinstance(want, float):
        return got if is_same(float(got), want, kind) else f"{want}"
    is_nested = pa.types.is_map(kind) or "list<item: list" in str(kind)
    if isinstance(want, list) and not is_nested:
        if want and isinstance(want[0], float):
            return ",".join("" if w is None else plain(w, kind.value_type, g) for w, g in zip(want, got.split(",")))
        return ",".join("" if x is None else re.sub(r"([,\\])", r"\\\1", str(x)) for x in want)
    if isinstance(want, (list, dict)):
        return json.dumps(want, separators=(",", ":"))
    if isinstance(want, bool):
        return "true" if want else "false"
    return {"NaN": "NaN", "Infinity": "Inf", "-Infinity": "-Inf"}.get(want, str(want))


def tsv_fields(line):
    unescape = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}
    for field in line.split("\t"):
        raw = re.sub(rb"\\(x..|.)", lambda m: bytes([int(m[1][1:], 16)]) if m[1][:1] == b"x" else
                     unescape[m[1].decode()].encode(), field.encode())
        yield raw.decode()


def main():
    command, path = sys.argv[1:3]
    if command == "write":
        table = pa.table(dict(columns()))
        with pa.ipc.new_stream(path, table.schema) as out:
            out.write_table(table)
        return
    table = pa.ipc.open_stream(path).read_all()
    form, text = sys.argv[3], sys.stdin.buffer.read().decode()
    if form == "jsonl":
        rows = [list(read_json(line).items()) for line in text.splitlines()]
    else:
        lines = [list(tsv_fields(x)) for x in text.rstrip("\n").split("\n")] if form == "tsv" else \
            list(csv.reader(io.StringIO(text, newline="")))
        rows = [list(zip(lines[0], line)) for line in lines[1:]]
    assert len(rows) == table.num_rows, len(rows)
    for i, row in enumerate(rows):
        assert [name for name, _ in row] == table.column_names
        for name, got in row:
            kind = table.schema.field(name).type
            want = value(table[name][i])
            if form == "jsonl":
                assert is_same(got, want, kind), (i, name, got, want)
            elif want is None:
                assert got == "", (i, name, got)
            else:
                assert got == plain(want, kind, got), (i, name, got, plain(want, kind, got))


main()
