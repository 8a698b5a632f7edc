"""What Geneformer's tokenizer does with an .h5ad, step by step with the libraries that it uses, to measure against:

    reference_tokenizer.py FILE.h5ad DICTIONARY OUT.dataset

Reads the cells with anndata. Where some genes stand in several columns, these are summed: a gene and
512 cells at a time, through sparse frames of pandas, and the sums joined to the other genes again. Then, 512 cells at a
time: divided by n_counts, times 10,000, by the median; each cell ranked with numpy.argsort. A datasets.Dataset of the
lists is mapped row by row: cut to the model's length, <cls> before and <eos> behind. That is saved. Prints the seconds from
the opening of the file to the saved folder. Its tokens are not checked against ours here (tests/parity does that with what
the real one gave).
"""

import sys
import time
import warnings

import anndata
import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import scipy.sparse as sp

CHUNK, LENGTH = 512, 4096


def read_dictionary(path):
    table = pa.ipc.open_stream(path).read_all().to_pandas()
    symbols = {}
    for gene, symbol, aliases in zip(table["gene"], table["symbol"], table["aliases"]):
        symbols[gene] = gene
        for name in [symbol, *(aliases if aliases is not None else [])]:
            if name:
                symbols.setdefault(name.upper(), gene)
    tokens = dict(zip(table["gene"], table["token"]))
    known = table[table["token"].notna() & table["median"].notna()]
    medians = dict(zip(known["gene"], known["median"]))
    return symbols, {gene: int(tokens[gene]) for gene in medians}, medians, [int(tokens[t]) for t in ("<cls>", "<eos>")]


def sum_columns(part, gene):
    """The columns of one gene, summed."""
    columns = part[:, part.var_names == gene]
    frame = pd.DataFrame.sparse.from_spmatrix(columns.X, index=columns.obs_names, columns=columns.var_names)
    total = pd.DataFrame(frame.sum(axis=1))
    total.columns = [gene]
    return total


def collapse(data, genes):
    """The columns of each gene summed, a chunk of cells and a gene at a time."""
    data.var_names = pd.Index(genes)
    data = data[:, ~data.var_names.isna()]
    repeated = data.var_names[data.var_names.duplicated()].unique()
    sums = []
    for start in range(0, data.n_obs, CHUNK):
        part = data[start:start + CHUNK]
        sums.append(pd.concat([sum_columns(part, gene) for gene in repeated], axis=1))
    summed = anndata.AnnData(pd.concat(sums, axis=0), obs=data.obs)
    summed.X = sp.csr_matrix(summed.X)
    return anndata.concat([data[:, ~data.var_names.isin(repeated)], summed], axis=1, merge="first")


def main():
    path, dictionary, out = sys.argv[1:]
    symbols, tokens, medians, (cls, eos) = read_dictionary(dictionary)
    datasets.disable_progress_bars()
    warnings.filterwarnings("ignore")
    start = time.perf_counter()
    data = anndata.read_h5ad(path)
    genes = [symbols.get(name.upper()) for name in data.var_names]
    known = [gene for gene in genes if gene]
    if len(set(known)) < len(known):
        data = collapse(data, genes)
        genes = data.var_names.tolist()
    columns = [i for i, gene in enumerate(genes) if gene in tokens]
    ids = np.array([tokens[genes[i]] for i in columns])
    norms = np.array([medians[genes[i]] for i in columns])
    cells = []
    for first in range(0, data.n_obs, CHUNK):
        part = data[first:first + CHUNK, columns]
        scaled = sp.csr_matrix(part.X / part.obs["n_counts"].values[:, None] * 10_000 / norms)
        cells += [ids[row.indices][np.argsort(-row.data)] for row in (scaled[i] for i in range(scaled.shape[0]))]
    table = datasets.Dataset.from_dict({"input_ids": cells, "cell": data.obs_names.tolist()})

    def cut(example):
        ids = np.insert(example["input_ids"][: LENGTH - 2], 0, cls)
        example["input_ids"] = np.insert(ids, len(ids), eos)
        example["length"] = len(example["input_ids"])
        return example

    table.map(cut).save_to_disk(out)
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main()
