"""Makes what the benchmark reads: models of the real shapes with random weights, and random cells.

    python make_models.py FOLDER        makes a small set, to look at

Nothing here is learned and nothing measured depends on it: the arithmetic costs the same for any weights and tokens. The
weights have the spread that keeps every layer's outputs near 1, so that attention chooses and rounding errors show. A file
that exists is left as it is; its name says what is in it.
"""

import json
import os
import sys
from statistics import NormalDist

import h5py
import numpy as np
import pyarrow as pa
from safetensors.numpy import save_file

# Geneformer's shapes: its config.json, and the special tokens of its dictionary.
MODELS = {
    "V1-10M": dict(layers=6, hidden=256, heads=4, ffn=512, vocab=25426, positions=2048, special=["<pad>", "<mask>"]),
    "V2-104M": dict(layers=12, hidden=768, heads=12, ffn=3072, vocab=20275, positions=4096,
                    special=["<pad>", "<mask>", "<cls>", "<eos>"]),
    "V2-316M": dict(layers=18, hidden=1152, heads=18, ffn=4608, vocab=20275, positions=4096,
                    special=["<pad>", "<mask>", "<cls>", "<eos>"]),
}


def flops(model, length):
    """Of the encoder for one cell: two for each weight and token, and the two products of attention."""
    m = MODELS[model]
    weights = 4 * m["hidden"] ** 2 + 2 * m["hidden"] * m["ffn"]
    return m["layers"] * (2 * length * weights + 4 * length**2 * m["hidden"])


def gene_part(model, length):
    """The tokens of a cell that are genes: from, to; of length 0: how many tokens at its ends are none."""
    n = 1 if "<cls>" in MODELS[model]["special"] else 0
    return (n, length - n) if length else (n, n)


def _config(m):
    return {
        "architectures": ["BertForMaskedLM"], "model_type": "bert", "hidden_act": "relu", "hidden_size": m["hidden"],
        "num_hidden_layers": m["layers"], "num_attention_heads": m["heads"], "intermediate_size": m["ffn"],
        "vocab_size": m["vocab"], "max_position_embeddings": m["positions"], "type_vocab_size": 2,
        "layer_norm_eps": 1e-12, "hidden_dropout_prob": 0.02, "attention_probs_dropout_prob": 0.02,
        "initializer_range": 0.02, "pad_token_id": 0,
    }


def _weights(m, rng):
    hidden, ffn = m["hidden"], m["ffn"]
    tensors = {}

    def draw(name, *shape, sd):
        tensors[name] = rng.standard_normal(shape, np.float32) * np.float32(sd)

    def linear(name, n_out, n_in):
        draw(name + ".weight", n_out, n_in, sd=n_in**-0.5)
        draw(name + ".bias", n_out, sd=0.1)

    def norm(name):
        draw(name + ".weight", hidden, sd=0.1)
        tensors[name + ".weight"] += 1
        draw(name + ".bias", hidden, sd=0.1)

    draw("bert.embeddings.word_embeddings.weight", m["vocab"], hidden, sd=1)
    draw("bert.embeddings.position_embeddings.weight", m["positions"], hidden, sd=0.3)
    draw("bert.embeddings.token_type_embeddings.weight", 2, hidden, sd=0.3)
    norm("bert.embeddings.LayerNorm")
    for i in range(m["layers"]):
        layer = f"bert.encoder.layer.{i}."
        for part in ("query", "key", "value"):
            linear(layer + "attention.self." + part, hidden, hidden)
        linear(layer + "attention.output.dense", hidden, hidden)
        norm(layer + "attention.output.LayerNorm")
        linear(layer + "intermediate.dense", ffn, hidden)
        linear(layer + "output.dense", hidden, ffn)
        norm(layer + "output.LayerNorm")
    linear("cls.predictions.transform.dense", hidden, hidden)
    norm("cls.predictions.transform.LayerNorm")
    draw("cls.predictions.bias", m["vocab"], sd=0.1)
    return tensors


def model(folder, name):
    """A Hugging Face model folder; returns its path."""
    path = os.path.join(folder, name)
    if not os.path.exists(os.path.join(path, "config.json")):
        os.makedirs(path, exist_ok=True)
        rng = np.random.default_rng(len(name))
        save_file(_weights(MODELS[name], rng), os.path.join(path, "model.safetensors"), metadata={"format": "pt"})
        with open(os.path.join(path, "config.json"), "w") as f:
            json.dump(_config(MODELS[name]), f, indent=1)
    return path


def names(name):
    """All tokens by id: the special ones, then made-up genes."""
    special = MODELS[name]["special"]
    return special + [f"ENSG{i:011d}" for i in range(MODELS[name]["vocab"] - len(special))]


def _write(path, table, rows):
    with pa.OSFile(path + ".part", "wb") as sink, pa.ipc.new_stream(sink, table.schema) as out:
        out.write_table(table, max_chunksize=rows)
    os.rename(path + ".part", path)


def _lists(lengths, values):
    return pa.ListArray.from_arrays(pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)), values)


def tokens(folder, name, length, n):
    """n cells of that many tokens, their genes drawn without repetition, as a stream of tokens; returns its path."""
    path = os.path.join(folder, f"{name}.{length}x{n}.tokens")
    if not os.path.exists(path):
        _write_tokens(path, name, [length] * n)
    return path


def mixed_tokens(folder, name, lengths):
    """The same with a cell of each of these lengths, in an order of chance."""
    path = os.path.join(folder, f"{name}.mix{len(lengths)}.tokens")
    if not os.path.exists(path):
        _write_tokens(path, name, np.random.default_rng(1).permutation(lengths).tolist())
    return path


def tissue_lengths(name, n):
    """n lengths as a mix of tissues has them, ascending: log-normal with 1,200 in the middle and two thirds between 660 and
    2,190, cut at the model's positions."""
    at = (np.arange(n) + 0.5) / n
    lengths = np.exp(np.log(1200) + 0.6 * np.array([NormalDist().inv_cdf(p) for p in at]))
    return np.clip(lengths, 50, MODELS[name]["positions"]).astype(int).tolist()


def _write_tokens(path, name, lengths):
    vocabulary, n_special = names(name), len(MODELS[name]["special"])
    rng = np.random.default_rng(lengths[0])
    rows = []
    for length in lengths:
        first, end = gene_part(name, length)
        row = np.empty(length, np.uint16)
        row[0], row[-1] = 2, 3
        row[first:end] = n_special + rng.permutation(len(vocabulary) - n_special)[: end - first]
        rows.append(row)
    fields = [
        pa.field("cell", pa.string()),
        pa.field("input_ids", pa.list_(pa.uint16()), metadata={"cells:vocabulary": "\n".join(vocabulary)}),
        pa.field("length", pa.int64()),
    ]
    columns = [pa.array([f"cell{i}" for i in range(len(lengths))]), _lists(lengths, pa.array(np.concatenate(rows))),
               pa.array(lengths, pa.int64())]
    _write(path, pa.table(columns, pa.schema(fields)), 1000)


def counts(folder, name, n_genes, n):
    """n cells with n_genes expressed genes each, as an .h5ad file with a CSR matrix; returns its path."""
    path = os.path.join(folder, f"{name}.{n_genes}x{n}.h5ad")
    if os.path.exists(path):
        return path
    genes = names(name)[len(MODELS[name]["special"]):]
    rng = np.random.default_rng(n_genes)
    columns = np.stack([np.sort(rng.choice(len(genes), n_genes, replace=False, shuffle=False)) for _ in range(n)])
    with h5py.File(path + ".part", "w") as f:
        f.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        x = f.create_group("X")
        x.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": [n, len(genes)]})
        x["data"] = rng.geometric(0.4, n * n_genes).astype(np.float32)
        x["indices"] = columns.ravel().astype(np.int32)
        x["indptr"] = np.arange(n + 1, dtype=np.int64) * n_genes
        frame(f, "obs", [f"cell{i}" for i in range(n)])
        frame(f, "var", genes)
    os.rename(path + ".part", path)
    return path


def frame(file, name, index, **columns):
    frame = file.create_group(name)
    frame.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index"})
    frame.attrs["column-order"] = np.array(list(columns), dtype=h5py.string_dtype())
    for column, values in columns.items():
        frame[column] = values
        frame[column].attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
    frame["_index"] = np.array(index, dtype=h5py.string_dtype())
    frame["_index"].attrs.update({"encoding-type": "string-array", "encoding-version": "0.2.0"})


def dictionary(folder, name):
    """The gene dictionary to it, as a stream of genes; returns its path."""
    path = os.path.join(folder, f"{name}.genes")
    if not os.path.exists(path):
        ids, n = names(name), MODELS[name]["vocab"]
        medians = np.random.default_rng(n).uniform(0.5, 5, n)
        _write(path, pa.table({
            "gene": pa.array(ids),
            "token": pa.array(range(n), pa.int32()),
            "median": pa.array([None if i.startswith("<") else m for i, m in zip(ids, medians)], pa.float64()),
            "symbol": pa.nulls(n, pa.string()),
            "aliases": pa.array([[]] * n, pa.list_(pa.string())),
        }), n)
    return path


if __name__ == "__main__":
    target = sys.argv[1]
    os.makedirs(target, exist_ok=True)
    print(model(target, "V1-10M"), tokens(target, "V1-10M", 512, 8), counts(target, "V1-10M", 800, 100),
          dictionary(target, "V1-10M"), sep="\n")
