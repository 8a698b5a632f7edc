"""Makes logreg.json: what scikit-learn's logistic regression gets from the streams of this folder.

    python make_logreg.py        (numpy, pyarrow, scikit-learn 1.9.1)

Features are computed in double precision and rounded to float32, as the manual says. The solver is Newton's with an exact
factorisation, far from the one that logreg has; it goes on until the gradient is about 1e-12.
"""

import json

import numpy as np
import pyarrow as pa
import sklearn
from sklearn.linear_model import LogisticRegression

SPECIAL = {"<pad>", "<mask>", "<cls>", "<eos>"}


def rows(name):
    with pa.OSFile(name, "rb") as source:
        table = pa.ipc.open_stream(source).read_all()
    return table, table.to_pylist()


def of_counts(row):
    return {g: np.log1p(c / row["n_counts"] * 10000) for g, c in zip(row["gene"], row["count"])}


def of_values(row):
    return {g: np.log1p(v) for g, v in zip(row["gene"], row["value"])}


def of_tokens(row, names, feature):
    genes = [names[i] for i in row["input_ids"] if names[i] not in SPECIAL]
    return {g: feature(i, len(genes)) for i, g in enumerate(genes)}


def most_variable(x, n):
    order = np.argsort(-x.astype(np.float64).var(axis=0, ddof=1).round(12), kind="stable")  # ties by name
    return np.sort(order[:n])


def fit(x, labels, cost=1.0, weights=None):
    has_label = np.array([label is not None for label in labels])
    text = np.array([str(label).lower() if isinstance(label, bool) else str(label) for label in labels])
    classes, y = np.unique(text[has_label], return_inverse=True)
    x64 = x.astype(np.float64)
    m = LogisticRegression(C=cost, class_weight=weights, solver="newton-cholesky", tol=1e-14, max_iter=1000)
    m.fit(x64[has_label], y)
    coef, intercept = m.coef_, m.intercept_
    if len(classes) == 2:
        coef, intercept = np.vstack([0 * coef, coef]), np.array([0, intercept[0]])
    logits = x64 @ coef.T + intercept
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    size = np.bincount(y)
    each = len(y) / (len(size) * size) if weights else np.ones(len(size))
    entropy = -np.log(p[has_label][np.arange(len(y)), y])
    return {
        "classes": classes.tolist(),
        "coef": coef.tolist(),
        "intercept": (intercept - (intercept.mean() if len(classes) > 2 else 0)).tolist(),
        "objective": float(0.5 * (coef**2).sum() + cost * (each[y] * entropy).sum()),
        "probabilities": p.tolist(),
    }


def case(name, arguments, source, features, label, n=None, listed=None, **how):
    table, cells = source
    if features is None:
        genes, x = None, np.array([c["embedding"] for c in cells], np.float32)
    else:
        found = [features(c) for c in cells]
        genes = sorted({g for f in found for g in f})
        x = np.array([[f.get(g, 0) for g in genes] for f in found], np.float32)
        labelled = np.array([c[label] is not None for c in cells])
        chosen = [genes.index(g) for g in listed] if listed else most_variable(x[labelled], n or len(genes))
        genes, x = [genes[i] for i in chosen], x[:, chosen]
    print(name, x.shape)
    return {"name": name, "arguments": ["--label", label, *arguments], "genes": genes,
            **fit(x, [c[label] for c in cells], **how)}


counts, values = rows("counts.cells"), rows("values.cells")
tokens, embeddings = rows("tokens.cells"), rows("embeddings.cells")
vocabulary = tokens[0].schema.field("input_ids").metadata[b"cells:vocabulary"].decode().split("\n")
genes = sorted({g for c in counts[1] for g in c["gene"]})
some = [genes[i] for i in (3, 17, 44)]

cases = [
    case("counts.cells", ["-g", "all"], counts, of_counts, "cell_type"),
    case("counts.cells", ["-g", "10"], counts, of_counts, "cell_type", 10),
    case("counts.cells", ["--genes", ",".join(reversed(some))], counts, of_counts, "cell_type", listed=some),
    case("counts.cells", ["-g", "10", "-C", "0.1"], counts, of_counts, "cell_type", 10, cost=0.1),
    case("counts.cells", ["-g", "10", "-w", "balanced"], counts, of_counts, "cell_type", 10, weights="balanced"),
    case("counts.cells", ["-g", "10"], counts, of_counts, "doublet", 10),
    case("counts.cells", ["-g", "10"], counts, of_counts, "donor", 10),
    case("values.cells", ["-g", "10"], values, of_values, "cell_type", 10),
    case("tokens.cells", ["-g", "10", "--token-feature", "presence"], tokens,
         lambda c: of_tokens(c, vocabulary, lambda i, n: 1), "cell_type", 10),
    case("tokens.cells", ["-g", "10", "--token-feature", "rank"], tokens,
         lambda c: of_tokens(c, vocabulary, lambda i, n: 1 - i / n), "cell_type", 10),
    case("embeddings.cells", [], embeddings, None, "cell_type"),
]


def rounded(x):
    if isinstance(x, float):
        return float(f"{x:.12g}")
    if isinstance(x, list):
        return [rounded(v) for v in x]
    return {k: rounded(v) for k, v in x.items()} if isinstance(x, dict) else x


with open("logreg.json", "w") as f:
    f.write('{"scikit-learn": "%s", "cells": %s, "cases": [\n' % (
        sklearn.__version__, json.dumps([c["cell"] for c in counts[1]])))
    f.write(",\n".join(json.dumps(rounded(c)) for c in cases) + "\n]}\n")
