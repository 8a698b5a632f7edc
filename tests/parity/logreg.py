"""Logistic regressions of logreg against scikit-learn's on the same cells (../shared/golden/stat/logreg.json).

    python logreg.py SHARED FOLDER      the programs are on the PATH; FOLDER is for temporary files

The golden models stopped at gradients of up to 7e-5 an entry: in coefficients 1.9e-4 (C = 1) and 3.2e-5 (C = 0.01) off the
optimum, in intercepts 0.035 and 0.004, and above its objective by 2e-8 and 5e-9 of it. The optimum itself is known from
scikit-learn 1.9.1 with solver="newton-cholesky", tol=1e-13 on the same numbers (gradient left: 2e-12). logreg's objective,
computed here in double precision from the file's coefficients, is held to it within 1e-9, its coefficients to the golden ones
within their own error.
"""

import json
import os
import subprocess
import sys

import anndata
import numpy as np
import pandas as pd
from scipy.special import log_softmax

shared, folder = sys.argv[1:]
OPTIMUM = {1: 57.6492227835769, 0.01: 8.999757983353359}
LIMIT = {1: 2e-4, 0.01: 5e-5}  # of coefficients
golden = json.load(open(f"{shared}/golden/stat/logreg.json"))
failures = []


def check(name, holds, text):
    print(f"{'ok' if holds else 'WRONG'}: {name}: {text}")
    if not holds:
        failures.append(name)


def path(name):
    return os.path.join(folder, name)


def run(*words):
    subprocess.run(words, check=True)


def features(a, genes):
    """log1p(count / total * 10000) in float64, of these genes."""
    x = a.X.tocsr().astype(np.float64)
    total = np.asarray(x.sum(1)).ravel()
    x.data = np.log1p(x.data / np.repeat(total, np.diff(x.indptr)) * 10000)
    return x[:, a.var_names.get_indexer(genes)]


def read_model(name):
    """Of a safetensors file: coef, intercept, and the description in its metadata."""
    data = open(path(name), "rb").read()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])

    def tensor(key):
        begin, end = header[key]["data_offsets"]
        return np.frombuffer(data[start + begin:start + end], "<f8").reshape(header[key]["shape"])

    return tensor("coef"), tensor("intercept"), json.loads(header["__metadata__"]["logreg"])


def predict(model):
    run("logreg", "-q", "-m", path(model), "-o", path("predicted"), path("test.cells"))
    lines = subprocess.run(["cellview", "--jsonl", path("predicted")], check=True, capture_output=True).stdout
    return pd.DataFrame(map(json.loads, lines.splitlines())).set_index("cell")


def accuracy(rows, label):
    return float((rows["prediction"] == rows[label]).mean())


def compare_model(m):
    name, cost = m["tag"], m["C"]
    run("logreg", "-q", "--label", "cell_type", "--genes", "@" + path("genes"), "-C", repr(cost), "--tolerance", "1e-5",
        "--max-iterations", "20000", "-o", path(name), path("train.cells"))
    coef, intercept, about = read_model(name)
    table = pd.read_csv(f"{shared}/golden/stat/logreg_{name}_coef.csv", index_col=0)
    table = table.loc[about["genes"]]
    check(name, about["classes"] == golden["classes"] == list(table.columns), "classes")

    x = features(train, about["genes"])
    y = train.obs["cell_type"].astype(str).map(about["classes"].index).to_numpy()
    entropies = -log_softmax(x @ coef.T + intercept, axis=1)[np.arange(len(y)), y]
    objective = 0.5 * (coef**2).sum() + cost * entropies.sum()
    off = objective / OPTIMUM[cost] - 1
    check(name, abs(off) <= 1e-9, f"objective {objective:.15g}, optimum {OPTIMUM[cost]}: {off:+.1e}")
    check(name, objective <= m["objective_value"] * (1 + 1e-9), f"not above the golden one, {m['objective_value']}")
    off = about["fit"]["objective"] / objective - 1
    check(name, abs(off) < 1e-8, f"what logreg saw, with features in float32, is within 1e-8: {off:+.1e}")
    off = np.abs(coef.T - table.to_numpy()).max()
    check(name, off <= LIMIT[cost], f"coefficients within {LIMIT[cost]} of the golden ones: {off:.1e}")
    check(name, np.abs(coef.sum(0)).max() < 1e-9, "the columns of W sum to zero over the classes")

    rows = predict(name)
    known = pd.read_csv(f"{shared}/golden/stat/logreg_{name}_test_proba_first200.csv", index_col=0)
    ours = np.array(rows.loc[known.index, "probabilities"].tolist())
    off = np.abs(ours - known.to_numpy()).max()
    check(name, len(known) == 100 and off <= 2e-4, f"probabilities of {len(known)} cells within 2e-4: {off:.1e}")
    got = accuracy(rows, "cell_type")
    check(name, abs(got - m["test_accuracy"]) < 1e-9, f"accuracy {got}, golden {m['test_accuracy']}")


def compare_binary(m):
    run("logreg", "-q", "--label", "is_positive", "--genes", "@" + path("genes"), "--tolerance", "1e-5", "--max-iterations",
        "20000", "-o", path("binary"), path("train.cells"))
    coef, intercept, about = read_model("binary")
    expected = pd.Series(m["coef"], golden["features"]).loc[about["genes"]].to_numpy()
    check("binary", about["classes"] == ["no", "yes"] and not coef[0].any(), "the first class has no coefficients")
    off = np.abs(coef[1] - expected).max()
    check("binary", off <= 2e-4, f"coefficients within 2e-4: {off:.1e}")
    off = abs(intercept[1] - intercept[0] - m["intercept"])
    check("binary", off <= 2e-3, f"intercept within 2e-3: {off:.1e}")
    got = accuracy(predict("binary"), "is_positive")
    check("binary", abs(got - m["test_accuracy"]) < 1e-9, f"accuracy {got}, golden {m['test_accuracy']}")


def compare_all_genes(m):
    run("logreg", "-q", "--label", "cell_type", "--genes", "all", "-o", path("all"), path("train.cells"))
    got = accuracy(predict("all"), "cell_type")
    check("all genes", abs(got - m["test_accuracy"]) < 0.011, f"accuracy {got}, golden {m['test_accuracy']}")


a = anndata.read_h5ad(f"{shared}/data/cells/pbmc_facs.h5ad")
a.obs["is_positive"] = np.where(a.obs["cell_type"] == golden["binary"]["positive"], "yes", "no")
train = a[a.obs["split"] == "train"].copy()
for name, part in [("train", train), ("test", a[a.obs["split"] == "test"].copy())]:
    part.write_h5ad(path(name + ".h5ad"))
    run("h5ad2cells", "-q", path(name + ".h5ad"), "-o", path(name + ".cells"))
with open(path("genes"), "w") as f:
    f.write("\n".join(golden["features"]) + "\n")

for model in golden["models"]:
    compare_model(model)
compare_binary(golden["binary"])
compare_all_genes(golden["all_genes"])
sys.exit(bool(failures))
