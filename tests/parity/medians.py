"""What tests/parity/medians.t compares with numpy.

    medians.py expect FILE.h5ad...        gene, n_cells, median by numpy of x / n_counts * 10000 over the cells of all files where x > 0,
                                         columns of one id summed first; no id, no row
    medians.py stream FILE.h5ad OUT      its cells as a foreign stream: gene as list<utf8>, count int32, no n_counts
    medians.py compare EXPECTED.tsv GENES.cells TOLERANCE
                                         exits 1 unless genes are those of EXPECTED.tsv, in order, tokens from 4 on, and medians
                                         within the relative tolerance; prints the largest difference
    medians.py golden TDIGEST.json GENES.cells TOLERANCE
                                         the same for the exact medians of the genes in ../shared/golden/stat/tdigest.json
"""

import json
import sys

import anndata
import numpy as np
import pandas as pd
import pyarrow as pa
import scipy.sparse as sp


def read(path):
    """Ids, and cells x ids as float64 with columns of one id summed."""
    a = anndata.read_h5ad(path)
    ids, place = np.unique(a.var["ensembl_id"].astype(str).to_numpy(), return_inverse=True)
    sums = sp.csr_matrix((np.ones(len(place)), (np.arange(len(place)), place)))
    x = sp.csr_matrix(a.X, dtype=np.float64) @ sums
    x.eliminate_zeros()
    return ids, x, a.obs["n_counts"].to_numpy(np.float64)


def expect(paths):
    parts = {}
    for path in paths:
        ids, x, total = read(path)
        rows = np.repeat(np.arange(x.shape[0]), np.diff(x.indptr))
        x.data = x.data / total[rows] * 10000
        x = x.tocsc()
        for j, gene in enumerate(ids):
            if gene:
                parts.setdefault(gene, []).append(x.data[x.indptr[j]:x.indptr[j + 1]])
    for gene in sorted(parts):
        values = np.concatenate(parts[gene])
        if len(values):
            print(f"{gene}\t{len(values)}\t{float(np.median(values))!r}")


def stream(path, out):
    a = anndata.read_h5ad(path)
    x = sp.csr_matrix(a.X)
    names = a.var["ensembl_id"].astype(str).to_numpy()
    schema = pa.schema([("gene", pa.list_(pa.utf8())), ("count", pa.list_(pa.int32()))])
    with pa.OSFile(out, "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
        for start in range(0, x.shape[0], 100):
            part = x[start:start + 100]
            offsets = pa.array(part.indptr.astype(np.int32))
            writer.write(pa.record_batch([
                pa.ListArray.from_arrays(offsets, pa.array(names[part.indices])),
                pa.ListArray.from_arrays(offsets, pa.array(part.data.astype(np.int32))),
            ], schema=schema))


def compare(expected, got, tolerance):
    expected = pd.read_csv(expected, sep="\t", names=["gene", "n", "median"], float_precision="round_trip", keep_default_na=False)
    got = pa.ipc.open_stream(got).read_all().to_pandas()[4:].reset_index()
    if list(expected["gene"]) != list(got["gene"]) or list(got["token"]) != list(range(4, 4 + len(got))):
        sys.exit("other genes or tokens")
    error = (got["median"] / expected["median"] - 1).abs()
    many = error[expected["n"] > 42]
    print(f"{len(got)} genes, largest difference {error.max():.3g}, of those in more than 42 cells: mean {many.mean():.3g}")
    if not error.max() <= tolerance:
        worst = error.idxmax()
        sys.exit(f"{expected.loc[worst].to_dict()}: got {got.loc[worst, 'median']!r}")


def golden(path, got, tolerance):
    got = pa.ipc.open_stream(got).read_all().to_pandas().set_index("gene")["median"]
    genes = json.load(open(path))["genes"]
    errors = [abs(got[g["gene"]] / g["exact_percentiles_numpy_linear"]["50"] - 1) for g in genes]
    print(errors)
    if len(errors) != 8 or not max(errors) <= tolerance:
        sys.exit("too far")


command, *arguments = sys.argv[1:]
if command == "expect":
    expect(arguments)
elif command == "stream":
    stream(*arguments)
elif command == "golden":
    golden(arguments[0], arguments[1], float(arguments[2]))
else:
    compare(arguments[0], arguments[1], float(arguments[2]))
