"""The columns of tests/data/tokens.cells that make.py computes from the number of the row, as text.

    cellview.py tsv|csv|jsonl
"""

import csv
import datetime
import json
import sys

NAMES = ["cell", "cell_type", "donor", "score", "doublet", "lab_time", "lab_xy"]


def time(i):
    at = datetime.datetime.fromtimestamp(1700000000 + 60 * i, datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def rows():
    for i in range(20):
        score = None if i == 4 else i / 8 - 1
        yield [
            f"TTGA{i:04d}-1",
            None if i == 7 else ["T cell", "B cell", "mono, CD14+"][i % 3],
            f"d{i // 10}",
            int(score) if score in (-1, 0, 1) else score,
            None if i == 5 else i % 6 == 0,
            time(i),
            {"x": i, "y": i // 2 if i % 2 == 0 else i / 2},
        ]


def plain(value):
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def main():
    form = sys.argv[1]
    if form == "jsonl":
        for row in rows():
            print(json.dumps(dict(zip(NAMES, row)), separators=(",", ":")))
    elif form == "csv":
        out = csv.writer(sys.stdout, lineterminator="\n")
        out.writerow(NAMES)
        out.writerows([plain(v) for v in row] for row in rows())
    else:
        print("\t".join(NAMES))
        for row in rows():
            print("\t".join(plain(v) for v in row))


main()
