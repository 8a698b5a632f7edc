"""Compares a stream of h5ad2cells with what anndata reads from the same file.

    python h5ad_formats.py FILE.h5ad STREAM [MATRIX [GENE_COLUMN]]

MATRIX: X (default), raw, or a layer. Every cell, gene, count, total and obs column must be equal. Prints the number of
cells; says what differs and exits 1 otherwise.
"""

import sys
import warnings

import anndata
import numpy as np
import pandas as pd
import pyarrow.ipc
import scipy.sparse as sp

warnings.filterwarnings("ignore")
TAKEN = {"cell", "gene", "count", "value", "input_ids", "length", "embedding", "prediction", "probability",
         "probabilities", "perturbed", "cos_sim", "affected", "gene_cos", "state", "n_cells"}


def same(what, ours, theirs):
    if not np.array_equal(np.asarray(ours), np.asarray(theirs)):
        sys.exit(f"{what} differs: {np.asarray(ours)[:5]} is not {np.asarray(theirs)[:5]}")


def matrix_of(adata, name):
    """The matrix in rows, its entries in the order of the file, and its var."""
    x, var = (adata.raw.X, adata.raw.var) if name == "raw" else (adata.X if name == "X" else adata.layers[name], adata.var)
    return (x.tocsr() if sp.issparse(x) else sp.csr_matrix(x)), var


def genes_of(var, column):
    for name in [column] if column else ["ensembl_id", "gene_ids", "feature_id"]:
        if name in var:
            return var[name].astype(object).astype(str).to_numpy()
    return var.index.astype(str).to_numpy()


def check_column(name, ours, theirs):
    """One obs column: texts and categories by their text, numbers as float64 or int64, missing values where they are."""
    if isinstance(theirs.dtype, pd.CategoricalDtype) or theirs.dtype == object:
        same(f"nulls of {name}", pd.isna(ours), pd.isna(theirs))
        keep = ~pd.isna(theirs).to_numpy()
        same(f"obs {name}", ours[keep].astype(str), theirs[keep].astype(object).astype(str))
    elif theirs.dtype == bool:
        same(f"obs {name}", ours.astype(bool), theirs)
    else:
        same(f"nulls of {name}", pd.isna(ours), pd.isna(theirs))
        keep = ~pd.isna(theirs).to_numpy()
        kind = np.float64 if theirs.dtype.kind == "f" else np.int64
        same(f"obs {name}", ours[keep].astype(kind), theirs[keep].astype(kind))


def main(path, stream, name="X", gene_column=None):
    table = pyarrow.ipc.open_stream(stream).read_all()
    adata = anndata.read_h5ad(path)
    x, var = matrix_of(adata, name)
    obs = adata.obs
    if "filter_pass" in obs:
        keep = (obs["filter_pass"] == 1).to_numpy()
        x, obs = x[keep], obs[keep]
    same("cells", table["cell"].to_pylist(), obs.index.astype(str))
    lengths = table["gene"].combine_chunks().value_lengths().to_numpy() if len(table) else []
    same("entries of the cells", lengths, np.diff(x.indptr))
    genes = genes_of(var, gene_column)
    ours = np.concatenate([c.values.dictionary.to_numpy(False)[c.values.indices.to_numpy()]
                           for c in table["gene"].chunks]) if len(table) else []
    same("genes", ours, genes[x.indices])
    counts = np.concatenate([c.values.to_numpy() for c in table["count"].chunks]) if len(table) else []
    same("counts", counts, x.data.astype(np.float32))
    total = obs["n_counts"].to_numpy() if "n_counts" in obs else np.asarray(x.astype(np.float64).sum(1)).ravel()
    single = x.dtype == np.float32 and ("n_counts" not in obs or total.dtype == np.float32)
    if str(table["n_counts"].type) != ("float" if single else "double"):
        sys.exit(f"n_counts is {table['n_counts'].type}")
    total = total.astype(np.float32 if single else np.float64)
    if "n_counts" in obs:
        same("n_counts", table["n_counts"].to_numpy(), total)
    else:  # sums of whole numbers are exact, those of others depend on the order
        np.testing.assert_allclose(table["n_counts"].to_numpy(), total, rtol=1e-6 if single else 1e-14)
    columns = [c for c in obs.columns if c != "n_counts"]
    same("columns", table.column_names[4:], ["obs." + c if c in TAKEN else c for c in columns])
    frame = table.select(table.column_names[4:]).to_pandas(integer_object_nulls=True)
    for ours_name, theirs_name in zip(frame.columns, columns):
        check_column(theirs_name, frame[ours_name], obs[theirs_name].reset_index(drop=True))
    print(len(table))


main(*sys.argv[1:])
