"""Makes the small predictions of this folder, and what scikit-learn says of them and of ../embeddings.cells (expected.json).

    python make.py        (numpy, pyarrow, scikit-learn 1.9.1)

predictions.cells   60 cells, classes healthy, DCM, HCM (not in the order of their names); donor (d0 .. d4) is the fold; row 7 has
                    no truth, row 11 no prediction, row 13 a true class that the model does not know
binary.cells        40 cells, classes healthy, disease
tasks.cells         the same cells with two heads, cell_type and disease
genes.cells         30 genes; gene_classes.tsv has classes of 20, two of which are not among them
folds/d0 ..         the rows of predictions.cells by donor
faults/             predictions that cannot be evaluated
"""

import json
import os

import numpy as np
import pyarrow as pa
import sklearn
import sklearn.metrics as metrics
from sklearn.neighbors import NearestNeighbors

rng = np.random.default_rng(20261121)


def draw(truth, n_classes, strength):
    """Probabilities in float32; some rows are alike, so that scores tie."""
    logits = rng.normal(size=(len(truth), n_classes)).round(1)
    logits[np.arange(len(truth)), truth] += strength
    p = np.exp(logits)
    return (p / p.sum(1, keepdims=True)).astype(np.float32)


def head(p, classes, task=""):
    texts = pa.array([classes[i] for i in p.argmax(1)]).dictionary_encode()
    return {
        f"prediction{task}": (texts, None),
        f"probability{task}": (pa.array(p.max(1)), None),
        f"probabilities{task}": (pa.FixedSizeListArray.from_arrays(pa.array(p.ravel()), p.shape[1]), "\n".join(classes)),
    }


def write(name, columns, metadata=None):
    fields = [pa.field(k, v.type, metadata={"cells:classes": c} if c else None) for k, (v, c) in columns.items()]
    table = pa.Table.from_arrays([v for v, _ in columns.values()], schema=pa.schema(fields, metadata=metadata))
    with pa.OSFile(name, "wb") as sink, pa.ipc.new_stream(sink, table.schema) as out:
        out.write_table(table, max_chunksize=25)


def plain(texts):
    return pa.array(texts), None


def means(report, which):
    return {"precision": report[which]["precision"], "recall": report[which]["recall"], "f1": report[which]["f1-score"]}


def curves(truth, p, classes):
    """Each class against the rest; p in double."""
    roc, pr, per_class = [], [], []
    for i, name in enumerate(classes):
        own = np.array(truth) == name
        fpr, tpr, thresholds = metrics.roc_curve(own, p[:, i])
        precision, recall, cuts = metrics.precision_recall_curve(own, p[:, i], drop_intermediate=True)
        area = metrics.auc(recall, precision)
        roc.append({"class": name, "auc": metrics.roc_auc_score(own, p[:, i]), "fpr": list(fpr), "tpr": list(tpr),
                    "thresholds": [None, *map(float, thresholds[1:])]})
        pr.append({"class": name, "auc": area, "recall": list(recall), "precision": list(precision),
                   "thresholds": [*map(float, cuts), None]})
        per_class.append({"class": name, "roc_auc": roc[-1]["auc"], "pr_auc": area,
                          "average_precision": metrics.average_precision_score(own, p[:, i])})
    return {"roc": roc, "pr": pr, "per_class": per_class}


def scores(truth, predicted, classes):
    report = metrics.classification_report(truth, predicted, labels=None, output_dict=True, zero_division=0)
    return {
        "rows": len(truth),
        "classes": classes,
        "accuracy": metrics.accuracy_score(truth, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, predicted),
        "macro": means(report, "macro avg"),
        "weighted": means(report, "weighted avg"),
        "matthews": metrics.matthews_corrcoef(truth, predicted),
        "kappa": metrics.cohen_kappa_score(truth, predicted),
        "confusion_matrix": metrics.confusion_matrix(truth, predicted, labels=classes).tolist(),
    }


def reference_folds(truth, p, positive, fold):
    """get_cross_valid_roc_metrics of the reference, from its description."""
    grid = np.linspace(0, 1, 100)
    tprs, areas, weights = [], [], []
    for f in sorted(set(fold)):
        rows = [i for i in range(len(truth)) if fold[i] == f]
        fpr, tpr, _ = metrics.roc_curve([truth[i] == positive for i in rows], p[rows])
        on_grid = np.interp(grid, fpr, tpr)
        on_grid[0] = 0
        tprs.append(on_grid)
        areas.append(metrics.auc(fpr, tpr))
        weights.append(len(tpr))
    mean = np.average(tprs, axis=0, weights=weights)
    mean[-1] = 1
    area = np.average(areas, weights=weights)
    return {"class": positive, "auc": area, "auc_sd": np.sqrt(np.average((np.array(areas) - area) ** 2, weights=weights)),
            "fold_auc": areas, "fold_points": weights, "mean_fpr": list(grid), "mean_tpr": list(mean)}


expected = {"scikit-learn": sklearn.__version__}

# Three classes
classes = ["healthy", "DCM", "HCM"]
numbers = rng.integers(0, 3, 60)
p = draw(numbers, 3, 1.2)
truth = [classes[i] for i in numbers]
truth[7], truth[13] = None, "ARVC"
columns = {
    "cell": plain([f"c{i}" for i in range(60)]),
    "diagnosis": plain(truth),
    "donor": plain([f"d{i % 5}" for i in range(60)]),
    "lane": plain([i % 2 for i in range(60)]),
    **head(p, classes),
}
predicted = columns["prediction"][0].to_pylist()
predicted[11] = None
columns["prediction"] = (pa.array(predicted).dictionary_encode(), None)
write("predictions.cells", columns)
os.makedirs("folds", exist_ok=True)
for d in range(5):
    write(f"folds/d{d}", {k: (v.take(pa.array(range(d, 60, 5))), c) for k, (v, c) in columns.items()})
kept = [i for i in range(60) if i not in (7, 11)]
known = [i for i in kept if i != 13]
truth, predicted = [truth[i] for i in kept], [predicted[i] for i in kept]
wide = p.astype(np.float64)
all_classes = [*classes, "ARVC"]
one = scores(truth, predicted, all_classes) | {"rows_without_truth": 1, "rows_without_prediction": 1, "task": None}
found = curves(truth, wide[kept], classes)
own_order = [classes.index(t) for t in np.array([t for t in truth if t in classes])]
one["log_loss"] = metrics.log_loss(own_order, wide[known], labels=[0, 1, 2])
one["brier"] = float(np.mean(((wide[known] - np.eye(3)[own_order]) ** 2).sum(1)))
one["roc_auc_macro"] = float(np.mean([c["roc_auc"] for c in found["per_class"]]))
expected["predictions"] = one | found
fold = [f"d{i % 5}" for i in kept]
rows = {f: [j for j in range(len(kept)) if fold[j] == f] for f in sorted(set(fold))}
accuracies = [metrics.accuracy_score([truth[j] for j in r], [predicted[j] for j in r]) for r in rows.values()]
f1 = [metrics.f1_score([truth[j] for j in r], [predicted[j] for j in r], average="macro") for r in rows.values()]
expected["folds"] = {"cross_validation": {
    "folds": list(rows),
    "rows": [len(r) for r in rows.values()],
    "accuracy": {"folds": accuracies, "mean": np.mean(accuracies), "sd": np.std(accuracies)},
    "macro_f1": {"folds": f1, "mean": np.mean(f1), "sd": np.std(f1)},
    "roc": [reference_folds(truth, wide[kept][:, i], c, fold) for i, c in enumerate(classes)],
}}

# Faults
os.makedirs("faults", exist_ok=True)
few = {k: (v.slice(0, 3), c) for k, (v, c) in columns.items()}
lists, names = few["probabilities"]


def spoil(name, metadata=None, without=(), **changed):
    write(f"faults/{name}", {k: v for k, v in (few | changed).items() if k not in without}, metadata)


def numbers_of(row):
    return pa.FixedSizeListArray.from_arrays(pa.array([*row, *[0.3] * 6], pa.float32()), 3)


spoil("no_prediction", {"cells:kind": "predictions"}, ["prediction"])
spoil("no_names", probabilities=(lists, None))
spoil("two_names", probabilities=(lists, "healthy\nDCM"))
spoil("four_names", probabilities=(lists, names + "\nARVC"))
spoil("same_names", probabilities=(lists, "healthy\nDCM\nDCM"))
spoil("other_names", probabilities=(lists, "healthy\nDCM\nARVC"))
spoil("null_probabilities", probabilities=(pa.array([None, [0.2, 0.3, 0.5], [1, 0, 0]], lists.type), names))
spoil("null_probability", probabilities=(numbers_of([0.5, None, 0.5]), names))
spoil("nan_probability", probabilities=(numbers_of([0.5, float("nan"), 0.5]), names))
spoil("no_truth", diagnosis=(pa.array([None] * 3, pa.string()), None))
spoil("one_class", diagnosis=plain(["DCM"] * 3))
spoil("no_fold", donor=plain(["d0", None, "d1"]))
spoil("lists", diagnosis=(lists, None))

# Two classes
numbers = rng.integers(0, 2, 40)
p = draw(numbers, 2, 0.8)
truth = [["healthy", "disease"][i] for i in numbers]
columns = {"cell": plain([f"c{i}" for i in range(40)]), "sick": plain([bool(i) for i in numbers]), "state": plain(truth)}
write("binary.cells", columns | head(p, ["healthy", "disease"]))
predicted = [["healthy", "disease"][i] for i in p.argmax(1)]
expected["binary"] = scores(truth, predicted, ["healthy", "disease"]) | curves(
    truth, p.astype(np.float64), ["healthy", "disease"])
expected["binary"]["text"] = metrics.classification_report(
    truth, predicted, labels=["healthy", "disease"], digits=4)

# Two heads
other = rng.integers(0, 2, 40)
q = draw(other, 2, 2)
columns["kind"] = plain([["T cell", "B cell"][i] for i in other])
write("tasks.cells", columns | head(q, ["T cell", "B cell"], ":kind") | head(p, ["healthy", "disease"], ":disease"),
      {"cells:kind": "predictions"})
kinds = [["T cell", "B cell"][i] for i in q.argmax(1)]
expected["tasks"] = scores(columns["kind"][0].to_pylist(), kinds, ["T cell", "B cell"]) | {"task": "kind"}

# Genes
names = [f"ENSG{i:011d}" for i in range(30)]
numbers = rng.integers(0, 2, 30)
p = draw(numbers, 2, 1)
write("genes.cells", {"gene": plain(names), "n_cells": plain(list(range(30)))} | head(p, ["sensitive", "insensitive"]))
given = list(range(0, 27, 3)) + list(range(1, 27, 3))
lines = [f"{names[i]}\t{['sensitive', 'insensitive'][numbers[i]]}\n" for i in given]
with open("gene_classes.tsv", "w") as out:
    out.write("gene_id\tclass\n" + "".join(lines) + "ENSG99999999998\tsensitive\nENSG99999999999\tinsensitive\n")
expected["genes"] = scores(
    [["sensitive", "insensitive"][numbers[i]] for i in sorted(given)],
    [["sensitive", "insensitive"][p[i].argmax()] for i in sorted(given)], ["sensitive", "insensitive"]
) | {"rows_without_truth": 30 - len(given), "truth_genes": {"all": len(given) + 2, "with_prediction": len(given)}}

# Embeddings
table = pa.ipc.open_stream("../embeddings.cells").read_all().to_pydict()
rows = [i for i in range(20) if table["cell_type"][i] is not None]
x = np.array([table["embedding"][i] for i in rows])
names = sorted({table["cell_type"][i] for i in rows}, key=str.encode)
label = np.array([names.index(table["cell_type"][i]) for i in rows])
batch = np.array([int(table["donor"][i][1:]) for i in rows])
near = NearestNeighbors(n_neighbors=4).fit(x).kneighbors(return_distance=False)
vote = np.array([np.bincount(label[r], minlength=3).argmax() for r in near])
asw = [np.mean(1 - np.abs(metrics.silhouette_samples(x[label == k], batch[label == k]))) for k in range(3)]
expected["embeddings"] = {
    "kind": "integration", "rows": 19, "rows_left_out": 1, "dimensions": 32, "labels": names, "batches": ["d0", "d1"],
    "neighbours": 4, "metric": "euclidean", "batch_asw": np.mean(asw), "knn_accuracy": np.mean(vote == label),
    "label": {"knn_purity": np.mean(label[near] == label[:, None]),
              "silhouette": {"euclidean": metrics.silhouette_score(x, label),
                             "cosine": metrics.silhouette_score(x, label, metric="cosine")}},
    "batch": {"knn_purity": np.mean(batch[near] == batch[:, None]),
              "silhouette": {"euclidean": metrics.silhouette_score(x, batch),
                             "cosine": metrics.silhouette_score(x, batch, metric="cosine")}},
    "per_label": [{"label": n, "rows": int((label == i).sum()),
                   "silhouette": metrics.silhouette_samples(x, label)[label == i].mean(),
                   "knn_recall": np.mean(vote[label == i] == i)} for i, n in enumerate(names)],
}

with open("expected.json", "w") as out:
    json.dump(expected, out, indent=1, default=float)
    out.write("\n")
