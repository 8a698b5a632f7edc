"""Makes the small files of this folder: what the tests read, and what they must get from it.

    python make.py        (numpy, scipy, pandas, pyarrow, anndata, safetensors, torch, transformers, datasets)

The cells are drawn at random from a fixed seed: 20 cells, 60 genes. What the programs must make of them (values, tokens,
embeddings) comes from the arithmetic of the reference written in scipy, and from transformers; no program of ours has
a part in it. The streams are foreign ones: no cells:version, written by pyarrow. Each carries columns and metadata that no
program knows, to see them come through.
"""

import json
import os
import pickle
import shutil

import anndata
import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import scipy.sparse as sp
import torch
import transformers
from safetensors.torch import save_file

N_CELLS, N_GENES = 20, 60
SPECIAL = ["<pad>", "<mask>", "<cls>", "<eos>"]
NO_MEDIAN, NO_TOKEN = 57, 59  # gene 57 has a token but no median, gene 59 a median but no token

rng = np.random.default_rng(20240607)
genes = np.array([f"ENSG{90000000000 + 17 * i:011d}" for i in range(N_GENES)])
symbols = np.array([f"TOY{i}" for i in range(N_GENES)])
medians = rng.uniform(0.5, 12, N_GENES).round(2)


def draw_counts():
    """Every cell has 25 to 45 genes with counts from 1, and its own depth; every gene is in some cell."""
    x = np.zeros((N_CELLS, N_GENES), np.float32)
    for i in range(N_CELLS):
        some = rng.choice(N_GENES, rng.integers(25, 46), replace=False)
        x[i, some] = 1 + rng.negative_binomial(1, 0.15, some.size) + (some % 7 == i % 7) * rng.integers(0, 40)
    return x


x = draw_counts()
assert (x.sum(0) > 0).all()
barcodes = [f"TTGA{i:04d}-1" for i in range(N_CELLS)]
n_counts = x.sum(1, dtype=np.float32)

# Columns of the source: every type of obs, nulls in each, and two columns of types that only Arrow has.
obs = {
    "cell_type": pa.array([None if i == 7 else ["T cell", "B cell", "mono, CD14+"][i % 3] for i in range(N_CELLS)])
    .dictionary_encode(),
    "donor": pa.array([f"d{i // 10}" for i in range(N_CELLS)]),
    "n_genes": pa.array([None if i == 3 else int((x[i] > 0).sum()) for i in range(N_CELLS)], pa.int64()),
    "score": pa.array([None if i == 4 else i / 8 - 1 for i in range(N_CELLS)], pa.float64()),
    "doublet": pa.array([None if i == 5 else i % 6 == 0 for i in range(N_CELLS)]),
    "lab_time": pa.array([1700000000 + 60 * i for i in range(N_CELLS)], pa.timestamp("s", tz="UTC")),
    "lab_xy": pa.array([{"x": i, "y": i / 2} for i in range(N_CELLS)], pa.struct([("x", pa.int16()), ("y", pa.float32())])),
}


def write(name, columns, metadata=None, field_metadata=None, batch=7):
    """A stream of three batches, with a metadata key that no program knows."""
    table = pa.table(columns)
    for column, values in (field_metadata or {}).items():
        i = table.schema.get_field_index(column)
        table = table.cast(table.schema.set(i, table.schema.field(i).with_metadata(values)))
    table = table.replace_schema_metadata({"lab:note": "bench 3, shelf B", **(metadata or {})})
    with pa.OSFile(name, "wb") as sink, pa.ipc.new_stream(sink, table.schema) as out:
        out.write_table(table, max_chunksize=batch)


def gene_lists(columns_of_cell, names, value_name, values_of_cell, value_type):
    offsets = np.concatenate([[0], np.cumsum([len(c) for c in columns_of_cell])]).astype(np.int32)
    ids = pa.DictionaryArray.from_arrays(pa.array(np.concatenate(columns_of_cell), pa.int32()), pa.array(names))
    values = pa.array(np.concatenate(values_of_cell), value_type)
    return {
        "gene": pa.ListArray.from_arrays(pa.array(offsets), ids),
        value_name: pa.ListArray.from_arrays(pa.array(offsets), values),
    }


# -- the dictionary: a genes stream, and the same as upstream's pickles ---------------------------------------------------

token = {g: i + len(SPECIAL) for i, g in enumerate(genes) if i != NO_TOKEN}
median = {g: float(medians[i]) for i, g in enumerate(genes) if i != NO_MEDIAN}
vocabulary = SPECIAL + list(token)

write("genes.cells", {
    "gene": pa.array(SPECIAL + list(genes)),
    "token": pa.array(list(range(len(SPECIAL))) + [token.get(g) for g in genes], pa.int32()),
    "median": pa.array([None] * len(SPECIAL) + [median.get(g) for g in genes], pa.float64()),
    "symbol": pa.array([None] * len(SPECIAL) + list(symbols)),
    "aliases": pa.array([[]] * len(SPECIAL) + [[f"OLD{i}", f"OLDER{i}"] if i % 5 == 0 else [] for i in range(N_GENES)],
                        pa.list_(pa.string())),
}, batch=1000)

os.makedirs("dictionary", exist_ok=True)
for name, content in [
    ("token_dictionary_toy", {**{s: i for i, s in enumerate(SPECIAL)}, **token}),
    ("gene_median_dictionary_toy", median),
    ("gene_name_id_dict_toy", dict(zip(symbols, genes))),
    ("ensembl_mapping_dict_toy", {**{g: g for g in genes}, **{s: g for s, g in zip(symbols, genes)}}),
]:
    with open(f"dictionary/{name}.pkl", "wb") as f:
        pickle.dump({str(k): str(v) if isinstance(v, str) else v for k, v in content.items()}, f, protocol=4)

# -- counts ---------------------------------------------------------------------------------------------------------------

columns = [np.flatnonzero(row) for row in x]
counts = gene_lists(columns, genes, "count", [row[c] for row, c in zip(x, columns)], pa.float32())
write("counts.cells", {"cell": pa.array(barcodes), **counts, "n_counts": pa.array(n_counts), **obs})

# The same cells under other names: symbols, an alias, a versioned id, two names of one gene, and one that nobody knows.
named = list(symbols)
named[0], named[5], named[1], named[59] = "OLD0", genes[5] + ".3", genes[1], "TOY2"
named[7] = "NOBODY7"
write("counts_symbols.cells", {
    "cell": pa.array(barcodes),
    **gene_lists(columns, named, "count", [row[c] for row, c in zip(x, columns)], pa.float32()),
    "n_counts": pa.array(n_counts), **obs,
})
mapped = {g: [] for g in genes}
for name, column in zip(named, range(N_GENES)):
    gene = {"OLD0": 0, "TOY2": 2, "NOBODY7": None}.get(name, column)
    if gene is not None:
        mapped[genes[gene]].append(column)
with open("counts_mapped.tsv", "w") as f:
    f.write("cell\tgene\tcount\n")
    for i in range(N_CELLS):
        for gene in sorted(g for g in mapped if mapped[g]):
            if total := x[i, mapped[gene]].sum():
                f.write(f"{barcodes[i]}\t{gene}\t{total:.0f}\n")

ad = anndata.AnnData(
    X=sp.csr_matrix(x),
    obs=pd.DataFrame({
        "n_counts": n_counts,
        "cell_type": pd.Categorical([None if i == 7 else ["T cell", "B cell", "mono, CD14+"][i % 3]
                                     for i in range(N_CELLS)]),
        "donor": [f"d{i // 10}" for i in range(N_CELLS)],
        "n_genes": (x > 0).sum(1),
        "score": [np.nan if i == 4 else i / 8 - 1 for i in range(N_CELLS)],
        "doublet": [i % 6 == 0 for i in range(N_CELLS)],
    }, index=barcodes),
    var=pd.DataFrame({"ensembl_id": genes}, index=symbols),
)
ad.uns["lab"] = {"note": "bench 3, shelf B"}
ad.write_h5ad("counts.h5ad", compression="gzip")

# -- values and tokens, by the reference's expressions ----------------------------------------------------------------------

known = np.array([g in token and g in median for g in genes])
has_median = np.array([g in median for g in genes])
# In the reference X is sparse, so that every step is a scipy product in float32 until the medians come in.
scaled = sp.csr_matrix(sp.csr_matrix(x) / n_counts[:, None] * 10_000)
assert scaled.dtype == np.float32


def divided(keep):
    factors = np.array([median.get(g, np.nan) for g in genes])[keep]
    return sp.csr_matrix(scaled[:, keep] / factors)


values = divided(has_median)
values.sort_indices()
rows = [values.getrow(i) for i in range(N_CELLS)]
kept = genes[has_median]
write("values.cells", {
    "cell": pa.array(barcodes),
    **gene_lists([r.indices for r in rows], kept, "value", [r.data for r in rows], pa.float64()),
    "n_counts": pa.array(n_counts), **obs,
})

ids = np.array([token.get(g, -1) for g in genes])[known]
tokens = []
ranked = divided(known)
ranked.sort_indices()
for i in range(N_CELLS):
    row = ranked.getrow(i)
    order = np.argsort(-row.data, kind="stable")
    tokens.append([2, *ids[row.indices][order], 3])
write("tokens.cells", {
    "cell": pa.array(barcodes),
    "input_ids": pa.array(tokens, pa.list_(pa.uint16())),
    "length": pa.array([len(t) for t in tokens], pa.int64()),
    **obs,
}, field_metadata={"input_ids": {"cells:vocabulary": "\n".join(vocabulary)}})

shutil.rmtree("tokens.dataset", ignore_errors=True)
set_of_tokens = datasets.Dataset.from_dict({
    "input_ids": tokens, "length": [len(t) for t in tokens],
    "cell_type": obs["cell_type"].to_pylist(), "donor": obs["donor"].to_pylist(),
}, features=datasets.Features({
    "input_ids": datasets.Sequence(datasets.Value("int32")), "length": datasets.Value("int64"),
    "cell_type": datasets.Value("string"), "donor": datasets.Value("string"),
}))
set_of_tokens.save_to_disk("tokens.dataset", num_shards=2)
state = json.load(open("tokens.dataset/state.json"))
state["_fingerprint"] = "0123456789abcdef"
json.dump(state, open("tokens.dataset/state.json", "w"), indent=2)

# -- a model, and what transformers makes of the tokens with it -----------------------------------------------------------

config = transformers.BertConfig(
    vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
    max_position_embeddings=64, hidden_act="relu", hidden_dropout_prob=0.02, attention_probs_dropout_prob=0.02,
    layer_norm_eps=1e-12, pad_token_id=0, type_vocab_size=2, architectures=["BertForMaskedLM"])
model = transformers.BertForMaskedLM(config).eval()
weights = {
    name: torch.tensor(rng.normal(1 if "LayerNorm.weight" in name else 0, 0.02 if "bias" in name else 0.15, tuple(t.shape)),
                       dtype=torch.float32)
    for name, t in sorted(model.state_dict().items()) if "position_ids" not in name and "decoder" not in name
}
missing, unexpected = model.load_state_dict(weights, strict=False)
assert not unexpected and all("decoder" in name or "position_ids" in name for name in missing), (missing, unexpected)
model.tie_weights()
os.makedirs("model", exist_ok=True)
save_file(weights, "model/model.safetensors", metadata={"format": "pt"})
settings = {k: v for k, v in config.to_dict().items() if k not in ("transformers_version", "dtype")}
json.dump(settings, open("model/config.json", "w"), indent=2, sort_keys=True)

model = model.double()
with torch.no_grad():
    states = [model.bert(torch.tensor([t]), output_hidden_states=True).hidden_states for t in tokens]
# The second-to-last layer, as the programs do unless told otherwise.
cls = np.stack([s[-2][0, 0].numpy() for s in states])
mean = np.stack([s[-2][0, 1:-1].mean(0).numpy() for s in states])
for name, what in (("embeddings.cells", cls), ("embeddings_mean.cells", mean)):
    write(name, {
        "cell": pa.array(barcodes),
        "embedding": pa.FixedSizeListArray.from_arrays(pa.array(what.astype(np.float32).ravel()), 32),
        **obs,
    })
