"""Compares two tables with tabs: tables.py A B. Texts and whole numbers must be equal, other numbers within 1e-9 of each
other (relative; 1e-12 absolute); same columns, same order of rows."""

import sys


def read(path):
    with open(path) as lines:
        return [line.rstrip("\n").split("\t") for line in lines]


def is_near(x, y):
    if x == y:
        return True
    try:
        a, b = float(x), float(y)
    except ValueError:
        return False
    return abs(a - b) <= max(1e-12, 1e-9 * abs(b))


got, expected = read(sys.argv[1]), read(sys.argv[2])
assert got[0] == expected[0], f"columns {got[0]}, expected {expected[0]}"
assert len(got) == len(expected) > 1, f"{len(got)} lines, expected {len(expected)}"
for i, (a, b) in enumerate(zip(got, expected)):
    assert len(a) == len(b), f"line {i}: {len(a)} fields"
    for name, x, y in zip(expected[0], a, b):
        assert is_near(x, y), f"line {i}: {name} is {x}, expected {y}"
print(f"{len(got) - 1} rows")
