"""Adds embeddings to an .h5ad with cells2h5ad and compares everything in the result with anndata's view of the source.

    python cells2h5ad.py SOURCE.h5ad FOLDER

Two thirds of the cells, in random order, get a random embedding and a few new columns; once the source is copied whole, once
with --subset. FOLDER is for the files of the test.
"""

import subprocess
import sys
import warnings

import anndata
import numpy as np
import pandas as pd
import pyarrow as pa
import scipy.sparse as sp

warnings.filterwarnings("ignore")


def same_array(what, ours, theirs):
    """Equal values, NaN at the same places; sparse matrices compared entry by entry."""
    if sp.issparse(theirs):
        assert sp.issparse(ours) and ours.format == theirs.format, what
        ours, theirs = ours.tocsr().sorted_indices(), theirs.tocsr().sorted_indices()
        assert ours.shape == theirs.shape and ours.dtype == theirs.dtype, what
        for part in "indptr", "indices", "data":
            np.testing.assert_array_equal(getattr(ours, part), getattr(theirs, part), what)
    elif isinstance(theirs, pd.DataFrame):
        pd.testing.assert_frame_equal(ours, theirs, check_categorical=False, obj=what)
    elif isinstance(theirs, np.ndarray):
        assert ours.dtype == theirs.dtype, what
        np.testing.assert_array_equal(ours, theirs, what)
    elif isinstance(theirs, dict):
        assert ours.keys() == theirs.keys(), (what, ours.keys(), theirs.keys())
        for key in theirs:
            same_array(f"{what}/{key}", ours[key], theirs[key])
    else:
        assert type(ours) is type(theirs) and (ours == theirs or ours != ours), (what, ours, theirs)


def check(result, expected, rows, embedding, new):
    """`rows` of the result have what the stream says, the others nothing; the rest is as in `expected`."""
    for key in expected.obsm:
        same_array(f"obsm/{key}", result.obsm[key], expected.obsm[key])
    for part in "layers", "varm", "varp", "obsp":
        assert set(getattr(result, part)) == set(getattr(expected, part)), part
        for key in getattr(expected, part):
            same_array(f"{part}/{key}", getattr(result, part)[key], getattr(expected, part)[key])
    if expected.X is not None:
        same_array("X", result.X, expected.X)
    pd.testing.assert_frame_equal(result.var, expected.var)
    pd.testing.assert_frame_equal(result.obs[expected.obs.columns], expected.obs, check_categorical=False)
    assert (result.raw is None) == (expected.raw is None)
    if expected.raw is not None:
        same_array("raw/X", result.raw.X, expected.raw.X)
        pd.testing.assert_frame_equal(result.raw.var, expected.raw.var)
    same_array("uns", dict(result.uns), dict(expected.uns))
    x = np.full((result.n_obs, embedding.shape[1]), np.nan, np.float32)
    x[rows] = embedding
    same_array("embedding", result.obsm["X_geneformer"], x)
    for name, values in new.items():
        ours = result.obs[f"new_{name}"]
        assert ours.iloc[rows].astype(object).tolist() == values, name
        rest = np.ones(result.n_obs, bool)
        rest[rows] = False
        assert ours[rest].isna().all(), name


def main(path, folder):
    source = anndata.read_h5ad(path)
    rng = np.random.default_rng(5)
    n = source.n_obs
    rows = rng.permutation(n)[: max(1, 2 * n // 3)]
    embedding = rng.normal(size=(rows.size, 5)).astype(np.float32)
    new = {"text": [f"t{i % 7}" for i in range(rows.size)], "int": list(range(rows.size)),
           "float": [i / 4 for i in range(rows.size)], "bool": [i % 3 == 0 for i in range(rows.size)]}
    table = {"cell": pa.array(source.obs_names[rows].astype(str)),
             "embedding": pa.FixedSizeListArray.from_arrays(pa.array(embedding.ravel()), 5)}
    table.update({f"new_{k}": pa.array(v) for k, v in new.items()})
    table = pa.table(table)
    with pa.ipc.new_stream(f"{folder}/embeddings", table.schema) as out:
        out.write_table(table, max_chunksize=100)
    for subset in False, True:
        subprocess.run(["cells2h5ad", "-i", path, *(["--subset"] if subset else []), "-o", f"{folder}/out.h5ad",
                        f"{folder}/embeddings"], check=True)
        result = anndata.read_h5ad(f"{folder}/out.h5ad")
        if not subset:
            check(result, source, rows, embedding, new)
            continue
        keep = np.sort(rows)
        expected = source[keep].copy()
        place = np.searchsorted(keep, rows)
        check(result, expected, place, embedding, new)
    print(n)


main(*sys.argv[1:])
