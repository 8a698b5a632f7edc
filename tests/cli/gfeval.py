"""Compares a report of gfeval with what scikit-learn says: gfeval.py REPORT EXPECTED-KEY.

Every number, text and null of tests/data/evaluation/expected.json under that key must be in the report (members that it does not
have are left alone), numbers within 1e-12."""

import json
import math
import sys

count = 0


def compare(got, expected, place):
    global count
    if isinstance(expected, dict):
        assert isinstance(got, dict), f"{place}: no object"
        for key, value in expected.items():
            assert key in got, f"{place}.{key} is missing"
            compare(got[key], value, f"{place}.{key}")
    elif isinstance(expected, list):
        names = [g.get("class", g.get("label")) for g in got if isinstance(g, dict)]
        if names and len(got) > len(expected):  # classes that the model does not know have no curve
            got = [g for g, n in zip(got, names) if n in [x.get("class") for x in expected]]
        assert len(got) == len(expected), f"{place}: {len(got)} values, expected {len(expected)}"
        for i, pair in enumerate(zip(got, expected)):
            compare(*pair, f"{place}[{i}]")
    elif isinstance(expected, float):
        count += 1
        assert isinstance(got, (int, float)), f"{place}: {got}, expected {expected}"
        assert math.isclose(got, expected, rel_tol=0, abs_tol=1e-12), f"{place}: {got}, expected {expected}"
    else:
        count += 1
        assert got == expected, f"{place}: {got}, expected {expected}"


with open(sys.argv[1]) as report, open("tests/data/evaluation/expected.json") as table:
    expected = json.load(table)[sys.argv[2]]
    expected.pop("text", None)
    compare(json.load(report), expected, sys.argv[2])
assert count > 0
print(f"{count} values")
