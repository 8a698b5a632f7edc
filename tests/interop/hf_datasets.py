"""Hugging Face `datasets`, of any version from 2.14, on one side and our folders on the other.

    hf_datasets.py read FOLDER ROWS       the folder holds the rows of ROWS (JSON lines of cellview); it can be worked with
    hf_datasets.py resave FOLDER NEW N    loads the folder, saves it in N shards
    hf_datasets.py write FOLDER WIDTH N   makes up 25 cells with ids of int16, int32 or int64 and saves them in N shards
    hf_datasets.py splits FOLDER          saves two datasets as splits
    hf_datasets.py rows FOLDER            prints input_ids and length as JSON lines
"""

import json
import math
import sys

import datasets

datasets.disable_progress_bars() if hasattr(datasets, "disable_progress_bars") else datasets.disable_progress_bar()


def same(ours, theirs):
    """Equal, but that the text of a float32 is the shortest one."""
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[k], theirs[k]) for k in ours)
    if isinstance(theirs, float) and math.isnan(theirs):
        return ours == "NaN"
    if isinstance(theirs, float):
        return ours == theirs or abs(ours - theirs) <= 1e-7 * abs(theirs)
    if hasattr(theirs, "isoformat"):
        return ours == theirs.replace(tzinfo=None).isoformat() + "Z"
    return ours == theirs


def read(folder, path):
    rows = [json.loads(line) for line in open(path)]
    d = datasets.load_from_disk(folder)
    assert d.num_rows == len(rows), (d.num_rows, len(rows))
    for i, row in enumerate(rows):
        assert list(d[i]) == list(row), (list(d[i]), list(row))
        assert same(row, d[i]), (i, row, d[i])
    types = {name: d.features.arrow_schema.field(name).type for name in d.column_names}
    if "input_ids" in types:
        assert str(types["input_ids"].value_type) == "int32", types
        assert str(types["length"]) == "int64", types
        # What Geneformer's programs do with a dataset.
        longer = d.filter(lambda cell: cell["length"] > 30).sort("length").select_columns(["input_ids", "length"])
        assert list(longer["length"]) == sorted(r["length"] for r in rows if r["length"] > 30)
        cut = d.map(lambda cell: {"input_ids": cell["input_ids"][:5], "length": 5})
        assert [c["input_ids"] for c in cut] == [r["input_ids"][:5] for r in rows]
    assert len(d.to_pandas()) == len(rows)


def write(folder, width, n_shards):
    cells = [[(7 * i * k) % 30000 for k in range(i)] for i in range(25)]
    features = datasets.Features({
        "input_ids": datasets.Sequence(datasets.Value(width)), "cell_type": datasets.Value("string"),
        "score": datasets.Value("float64"), "length": datasets.Value("int64"),
    })
    datasets.Dataset.from_dict({
        "input_ids": cells, "cell_type": ["T" if i % 2 else None for i in range(25)],
        "score": [i / 4 for i in range(25)], "length": [len(c) for c in cells],
    }, features=features).save_to_disk(folder, num_shards=n_shards)


def main():
    command, folder = sys.argv[1:3]
    if command == "read":
        read(folder, sys.argv[3])
    elif command == "resave":
        # A selection in another order, so that the rows have indices in memory.
        d = datasets.load_from_disk(folder)
        d.select(list(range(d.num_rows))[::-1]).save_to_disk(sys.argv[3], num_shards=int(sys.argv[4]))
    elif command == "write":
        write(folder, sys.argv[3], int(sys.argv[4]))
    elif command == "splits":
        d = datasets.Dataset.from_dict({"input_ids": [[1, 2]], "length": [2]})
        datasets.DatasetDict({"train": d, "test": d}).save_to_disk(folder)
    elif command == "rows":
        for row in datasets.load_from_disk(folder):
            print(json.dumps({k: row[k] for k in ("input_ids", "length")}, separators=(",", ":")))
    else:
        sys.exit(__doc__)


main()
