"""What Geneformer's tokenizer does with an .h5ad, step by step with the libraries that it uses, to measure against:

    reference_tokenizer.py FILE.h5ad DICTIONARY "unique ids"|"collapsing ids" CELLS OUT.dataset

Reads the first CELLS cells with anndata; sums the columns whose ids map to one gene (a chunk of 512 cells and a gene at a
time, in pandas' hands: what makes it slow as soon as there are any); in chunks of 512 cells divides by n_counts, times
10,000, by the median; ranks each cell with numpy.argsort; makes a datasets.Dataset of the lists; cuts each cell to the
model's length in a map over single rows; saves. Prints the seconds from the opening of the file to the saved folder. Its
tokens are not checked against ours here (tests/parity does that with what the real one gave).
"""

import sys
import time

import anndata
import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import scipy.sparse as sp

CHUNK, LENGTH = 512, 2048


def read_dictionary(path):
    table = pa.ipc.open_stream(path).read_all().to_pandas()
    symbols = {}
    for gene, symbol, aliases in zip(table["gene"], table["symbol"], table["aliases"]):
        symbols[gene] = gene
        for name in [symbol, *(aliases if aliases is not None else [])]:
            if name:
                symbols.setdefault(name.upper(), gene)
    known = table[table["token"].notna() & table["median"].notna()]
    return symbols, dict(zip(known["gene"], known["token"].astype(int))), dict(zip(known["gene"], known["median"]))


def collapse(data, genes):
    """Columns of one gene summed, a chunk of cells and a gene at a time."""
    data.var["gene"] = genes
    data = data[:, data.var["gene"].notna()]
    repeated = data.var["gene"][data.var["gene"].duplicated()].unique()
    alone = data[:, ~data.var["gene"].isin(repeated)]
    chunks = []
    for start in range(0, data.n_obs, CHUNK):
        part = data[start:start + CHUNK]
        sums = [pd.DataFrame(part[:, part.var["gene"] == gene].X.sum(axis=1), index=part.obs_names, columns=[gene])
                for gene in repeated]
        frame = pd.concat(sums, axis=1)
        summed = anndata.AnnData(sp.csr_matrix(frame.values.astype(np.float32)), obs=part.obs,
                                 var=pd.DataFrame({"gene": repeated}, index=repeated))
        chunks.append(anndata.concat([alone[start:start + CHUNK], summed], axis=1, merge="first"))
    return anndata.concat(chunks, merge="same")


def main():
    path, dictionary, kind, n, out = sys.argv[1:]
    symbols, tokens, medians = read_dictionary(dictionary)
    datasets.disable_progress_bars()
    start = time.perf_counter()
    data = anndata.read_h5ad(path)[: int(n)].copy()
    genes = [symbols.get(name.upper()) for name in data.var_names]
    if kind == "collapsing ids":  # as in most real files: some genes stand in two rows
        known = [i for i, gene in enumerate(genes) if gene in tokens][:200]
        for a, b in zip(known[::2], known[1::2]):
            genes[b] = genes[a]
        data = collapse(data, genes)
        genes = data.var["gene"].tolist()
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
        example["input_ids"] = example["input_ids"][:LENGTH]
        example["length"] = len(example["input_ids"])
        return example

    table.map(cut).save_to_disk(out)
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main()
