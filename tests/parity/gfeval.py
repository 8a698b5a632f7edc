"""gfeval on streams made of the reference's logits: its confusion matrices, macro F1, accuracies, ROC areas and cross-validation,
and the very text of scikit-learn's reports.

    gfeval.py GOLDEN FOLDER        (pyarrow; writes streams to FOLDER)
"""

import csv
import json
import math
import os
import struct
import subprocess
import sys

import pyarrow as pa

golden, folder = sys.argv[1:]
worst = {}


def read(name):
    with open(os.path.join(golden, name)) as file:
        return json.load(file)


def softmax(logits):
    """As the reference does it, in double; which scores tie depends on it."""
    e = [math.exp(x) for x in logits]
    return [x / sum(e) for x in e]


def is_kept_by_float32(logits):
    """The probabilities of a stream are float32. Where that makes scores tie which differ in the last bits of a double, the curve
    has other points; parity_metrics.c has those cases in double."""
    scores = [softmax(row)[1] for row in logits]
    return len({struct.pack("<f", x) for x in scores}) == len(set(scores))


def write(name, truth, predicted, classes, logits=None):
    columns = [
        ("cell", pa.array([str(i) for i in range(len(truth))]), None),
        ("label", pa.array([classes[i] for i in truth]), None),
        ("prediction", pa.array([classes[i] for i in predicted]).dictionary_encode(), None),
    ]
    if logits:
        flat = pa.array([x for row in logits for x in softmax(row)], pa.float32())
        columns.append(("probabilities", pa.FixedSizeListArray.from_arrays(flat, len(classes)),
                        {"cells:classes": "\n".join(classes)}))
    schema = pa.schema([pa.field(n, a.type, metadata=m) for n, a, m in columns])
    path = os.path.join(folder, name)
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_stream(sink, schema) as out:
        out.write_table(pa.Table.from_arrays([a for _, a, _ in columns], schema=schema))
    return path


def gfeval(*arguments):
    return subprocess.run(["gfeval", "--truth", "label", *arguments], check=True, stdout=subprocess.PIPE).stdout


def report(*arguments):
    return json.loads(gfeval("--report", "json", *arguments))


def compare(table, got, expected):
    if isinstance(expected, list):
        assert len(got) == len(expected), f"{table}: {len(got)} values, expected {len(expected)}"
        for pair in zip(got, expected):
            compare(table, *pair)
        return
    n, most = worst.get(table, (0, 0))
    worst[table] = (n + 1, max(most, abs(got - expected)))


def check_case(table, case, name):
    """A case of get_metrics; its stream."""
    k = case.get("num_classes", case.get("classes"))
    one_class = len(set(case["y_true"])) == 1
    path = write(name, case["y_true"], case["y_pred"], [f"class {i}" for i in range(k)], case["logits"])
    got = report(path, *(["--no-curves"] if one_class else []))
    present = [[row[i] for i in range(len(row))] for row in got["confusion_matrix"]]
    if len(present) == k:
        compare(table, present, case["conf_mat"])
    compare(table, got["macro"]["f1"], case["macro_f1"])
    compare(table, got["accuracy"], case["acc"])
    if case.get("roc") and not one_class and is_kept_by_float32(case["logits"]):
        roc = got["roc"][1]
        compare(table, [roc["auc"], roc["fpr"], roc["tpr"]],
                [case["roc"]["auc"], case["roc"]["fpr"], case["roc"]["tpr"]])
    return path


def check_folds(table, paths, expected):
    """The positive class is the second, as in the reference."""
    got = report(*paths)
    cv = got["cross_validation"]
    roc = cv["roc"][1]
    compare(table, [roc["auc"], roc["auc_sd"], roc["mean_tpr"]],
            [expected["roc_auc"], expected["roc_auc_sd"], expected["mean_tpr"]])
    if "all_roc_auc" in expected:
        compare(table, [roc["fold_auc"], roc["fold_points"], roc["mean_fpr"]],
                [expected["all_roc_auc"], expected["tpr_wt"], expected["mean_fpr"]])
        compare(table, [cv["macro_f1"]["folds"], cv["accuracy"]["folds"], got["confusion_matrix"]],
                [expected["macro_f1"], expected["acc"], expected["conf_matrix"]])


cases = {c["name"]: c for c in read("eval/metrics.json")["cases"] if "conf_mat" in c}
paths = [check_case("eval/metrics.json", c, name) for name, c in cases.items()]
check_folds("eval/cross_validation.json", paths[:5], read("eval/cross_validation.json"))
classifier = read("classifier/metrics.json")
paths = [check_case("classifier/metrics.json", c, c["name"]) for c in classifier["cases"]]
if all(is_kept_by_float32(c["logits"]) for c in classifier["cases"][:2]):
    check_folds("classifier/metrics.json", paths[:2], classifier["cross_validated"])

# The table that the reference plots, and its shares.
names = ["B", "CD4 T", "CD8 T", "Mono", "NK"]
five = cases["five_classes"]
got = report(write("five", five["y_true"], five["y_pred"], names, five["logits"]))
for name, shares in (("conf_matrix_counts.csv", False), ("conf_matrix_plotted.csv", True)):
    with open(os.path.join(golden, "eval", name)) as file:
        header, *rows = list(csv.reader(file))
    assert header[1:] == got["classes"] and [r[0] for r in rows] == got["classes"], name
    matrix = got["confusion_matrix"]
    if shares:
        matrix = [[x / sum(row) for x in row] for row in matrix]
    compare("eval/" + name, matrix, [[float(x) for x in row[1:]] for row in rows])

# The trainer's callback: the greatest logit, the first of equal ones; -100 is no label.
for case in read("eval/compute_metrics.json"):
    labels, logits = case["label_ids"], case["predictions"]
    if isinstance(labels[0], list):
        logits = [x for row in logits for x in row]
        labels = [x for row in labels for x in row]
    kept = [i for i, x in enumerate(labels) if x != -100]
    truth = [labels[i] for i in kept]
    predicted = [max(range(len(logits[i])), key=logits[i].__getitem__) for i in kept]
    path = write("callback", truth, predicted, [str(i) for i in range(len(logits[0]))])
    got = report(path)
    compare("eval/compute_metrics.json", [got["accuracy"], got["macro"]["f1"]],
            [case["out"]["accuracy"], case["out"]["macro_f1"]])

# The text, where scikit-learn itself chose the labels. It prints the support of all_wrong as 2.0.
n = 0
for case in read("stat/classification.json")["cases"]:
    if case["labels"] is None and case["name"] != "all_wrong":
        path = write("text", case["y_true"], case["y_pred"], [str(i) for i in range(10)])
        text = gfeval(path).decode()
        assert case["report_text"] in text, f"{case['name']}:\n{text}\n{case['report_text']}"
        n += 1
print(f"{n} reports have the same text")
assert n > 0

failed = False
for table, (n, most) in worst.items():
    print(f"{table}: {n} numbers, greatest difference {most:.2g}")
    failed |= not most <= 1e-12
sys.exit(failed)
