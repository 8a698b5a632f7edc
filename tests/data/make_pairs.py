"""Makes pairs.cells, pairs.tsv and pairs_twice.cells, cells of two time points:  python make_pairs.py   (numpy, pyarrow)

Each cell of the second time point names its previous one in `previous`; all stand in one order of chance. Its own genes are of
chance, too: which `fate` it has says its previous cell, by having gene TOY0 or gene TOY1. Some cells have no previous one, and
one names a cell that is not there; in pairs_twice.cells one names two. The tokens in pairs.tsv are what rankencode --pair is to give, for any length and for
-n 12, by the rules of its manual.
"""

import numpy as np
import pyarrow as pa

CLS, EOS, FIRST = 2, 3, 4  # tokens of genes.cells; that of gene TOYi is FIRST + i
N_PAIRS = 120

rng = np.random.default_rng(20261121)


def id_of(gene):
    return f"ENSG{90000000000 + 17 * gene:011d}"


cells = []  # name, genes from the highest to the lowest value, time, previous, fate
for i in range(N_PAIRS):
    fate = i % 2
    before = rng.choice(np.arange(10, 55), rng.integers(3, 7), replace=False).tolist()
    before.insert(int(rng.integers(0, len(before) + 1)), fate)
    own = rng.choice(np.arange(10, 55), rng.integers(3, 9), replace=False).tolist()
    cells.append((f"day0-{i:03d}", before, 0, None, None))
    cells.append((f"day2-{i:03d}", own, 2, f"day0-{i:03d}", ["stays", "leaves"][fate]))
for i in range(4):
    own = rng.choice(np.arange(10, 55), 9, replace=False).tolist()
    cells.append((f"lone-{i:03d}", own, 2, "day0-999" if i == 3 else "" if i == 2 else None, None))
genes_of = {cell[0]: cell[1] for cell in cells}
cells = [cells[i] for i in rng.permutation(len(cells))]

schema = pa.schema([("cell", pa.utf8()), ("gene", pa.list_(pa.utf8())), ("value", pa.list_(pa.float64())),
                    ("n_counts", pa.float32()), ("day", pa.int64()), ("previous", pa.utf8()), ("fate", pa.utf8())])


def write(path, chosen):
    rows = []
    for name, genes, day, previous, fate in chosen:
        order = rng.permutation(len(genes))  # in the file in any order; the place in `genes` is the rank
        rows.append({"cell": name, "gene": [id_of(genes[k]) for k in order], "n_counts": 1000.0, "day": day,
                     "value": [8.0 - 0.5 * int(k) for k in order], "previous": previous, "fate": fate})
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_stream(
            sink, schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        for start in range(0, len(rows), 100):
            writer.write_batch(pa.RecordBatch.from_pylist(rows[start:start + 100], schema))


write("pairs.cells", cells)
write("pairs_twice.cells", cells[:5] + [("a", [10, 11], 0, None, None), ("a", [12], 0, None, None), ("b", [13], 2, "a", None)])


def tokens(name, previous, longest):
    own = [FIRST + g for g in genes_of[name]]
    if previous not in genes_of:
        return [CLS] + own[:longest - 2] + [EOS]
    before = [FIRST + g for g in genes_of[previous]]
    room = longest - 3
    half = (room + 1) // 2
    n = min(len(own), max(half, room - len(before)))
    return [CLS] + own[:n] + [EOS] + before[:room - n] + [EOS]


with open("pairs.tsv", "w") as out:
    for name, _, _, previous, _ in cells:
        print(name, *(",".join(map(str, tokens(name, previous, n))) for n in (4096, 12)), sep="\t", file=out)
