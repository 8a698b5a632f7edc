"""Makes the folder perturbations: streams, raw pickles of the same numbers, and the tables that perturbstats must make of them.

    python make_perturbations.py        (numpy, pyarrow, scipy 1.17.1, scikit-learn 1.9.1)

12 cells, 8 genes deleted alone and two pairs of them; three genes have an effect. The tables are computed with scipy and
scikit-learn in the columns of the reference; no program of ours has a part in them. The streams are foreign ones, written by
pyarrow, but name their kind and say in their history what gfperturb was told.
"""

import json
import os
import pickle

import numpy as np
import pyarrow as pa
from scipy.stats import false_discovery_control, mannwhitneyu, ranksums
from sklearn.mixture import GaussianMixture

os.chdir(os.path.dirname(os.path.abspath(__file__)))
os.makedirs("perturbations", exist_ok=True)
rng = np.random.default_rng(20261121)
dictionary = pa.ipc.open_stream("genes.cells").read_all().to_pydict()
rows = {g: i for i, g in enumerate(dictionary["gene"])}
genes = [g for g in dictionary["gene"] if g.startswith("ENSG")][3:11]
token = dict(zip(dictionary["gene"], dictionary["token"]))
symbol = dict(zip(dictionary["gene"], dictionary["symbol"]))
affected = [g for g in dictionary["gene"] if g.startswith("ENSG")][20:26]
groups = [(g,) for g in genes] + [(genes[0], genes[1]), (genes[2], genes[0])]
effect = {genes[1]: 0.02, genes[4]: 0.03, genes[6]: 0.025}
states = ["mono, CD14+", "T cell", "B cell"]
START, GOAL, OTHER = states


def draw(n_cells, lacking=()):
    """One dictionary a (cell, group): not every cell has every gene."""
    out = []
    for i in range(n_cells):
        for g in groups:
            if any(x in lacking for x in g) or rng.random() < 0.25:
                continue
            size = sum(effect.get(x, 0) for x in g)
            x = {"cell": f"TTGA{i:04d}-1", "perturbed": list(g),
                 "cos_sim": round(1 - abs(rng.normal(0.002, 0.0008)) - size * rng.uniform(0.8, 1.2), 4)}
            for k, s in enumerate(states):
                x["shift:" + s] = round(rng.normal((k == 1) * size, 0.004), 3)
            some = sorted(rng.choice(6, 4, replace=False))
            x["affected"] = [affected[k] for k in some]
            x["gene_cos"] = [round(1 - abs(rng.normal(0.01 if k % 3 else 0.06, 0.004)), 4) for k in some]
            out.append(x)
    for x in out:
        for c in x:
            if c == "cos_sim" or c.startswith("shift"):
                x[c] = float(np.float32(x[c]))
        x["gene_cos"] = [float(np.float32(v)) for v in x["gene_cos"]]
    return out


def lists(values, names):
    offsets = np.concatenate([[0], np.cumsum([len(v) for v in values])]).astype(np.int32)
    flat = [v for part in values for v in part]
    if names is None:
        return pa.ListArray.from_arrays(offsets, pa.array(flat, pa.float32()))
    codes = pa.array([names.index(v) for v in flat], pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.DictionaryArray.from_arrays(codes, pa.array(names)))


def write(path, data, has_genes=True, names=genes):
    history = [{"program": "gfperturb", "version": "0.1.0",
                "options": {"type": "delete", "start": START, "goal": GOAL, "alt": OTHER}}]
    columns = {"cell": pa.array([x["cell"] for x in data]), "perturbed": lists([x["perturbed"] for x in data], names),
               "cos_sim": pa.array([x["cos_sim"] for x in data], pa.float32())}
    for s in states:
        columns["shift:" + s] = pa.array([x["shift:" + s] for x in data], pa.float32())
    if has_genes:
        columns["affected"] = lists([x["affected"] for x in data], affected)
        columns["gene_cos"] = lists([x["gene_cos"] for x in data], None)
    table = pa.table(columns).replace_schema_metadata(
        {"cells:kind": "perturbations", "cells:history": json.dumps(history)})
    with pa.OSFile(f"perturbations/{path}.cells", "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=40)


def raw(folder, files):
    """{name: {key: values}} as the reference writes it."""
    os.makedirs(folder, exist_ok=True)
    for name, content in files.items():
        with open(f"{folder}/in_silico_delete_{name}_raw.pickle", "wb") as f:
            pickle.dump(content, f, 4)


def key(x, other="cell_emb"):
    tokens = tuple(token[g] for g in x["perturbed"])
    return (tokens if len(tokens) > 1 else tokens[0], other)


def collect(data, column, with_genes=False):
    out = {}
    for x in data:
        out.setdefault(key(x), []).append(x[column])
        for g, v in zip(x["affected"], x["gene_cos"]) if with_genes else ():
            out.setdefault(key(x, token[g]), []).append(v)
    return out


test, null = draw(12), draw(10, lacking=(genes[7],))
half = len(test) // 2
write("test", test)
# The second shard has its genes in another order.
write("test_1", test[:half])
write("test_2", test[half:], names=genes[::-1])
write("null", null, has_genes=False)
raw("perturbations/raw", {"a": collect(test[:half], "cos_sim", True), "b": collect(test[half:], "cos_sim", True), "c": {}})
raw("perturbations/states", {"a": {s: collect(test, "shift:" + s) for s in states}})


def text(g, names):
    return "+".join(str(names[x]) for x in g)


def number(x):
    return "" if isinstance(x, float) and np.isnan(x) else repr(x) if isinstance(x, float) else str(x)


def save(name, head, table):
    with open(f"perturbations/{name}.tsv", "w") as f:
        f.write("\t".join(head) + "\n")
        f.writelines("\t".join(number(x) for x in row) + "\n" for row in table)


sets = sorted(tuple(sorted(g)) for g in groups)
same = {x: x for x in genes + affected}


def of(data, column):
    return {g: np.array([x[column] for x in data if tuple(sorted(x["perturbed"])) == g]) for g in sets}


def named(g):
    return [text(g, token), text(g, symbol), text(g, same)]


def rates(p):
    q = np.full(len(p), np.nan)
    there = ~np.isnan(p)
    q[there] = false_discovery_control(p[there])
    return q


def goal(name, tie_correction=False, against_all=False):
    columns = {}
    for s in (GOAL, OTHER):
        values = of(test, "shift:" + s)
        p = []
        for g in sets:
            others = np.concatenate([v for k, v in values.items() if against_all or k != g])
            p.append(mannwhitneyu(values[g], others, use_continuity=False, method="asymptotic").pvalue if tie_correction
                     else ranksums(values[g], others).pvalue)
        columns[s] = [values[g].mean() for g in sets], np.array(p), rates(np.array(p))
    table = []
    for i, g in enumerate(sets):
        (m, p, q), (m2, p2, q2) = ([c[i] for c in columns[s]] for s in (GOAL, OTHER))
        n = len(of(test, "shift:" + GOAL)[g])
        table.append(named(g) + [float(m), float(m2), float(p), float(p2), float(q), float(q2), n, int(q < 0.05)])
    table.sort(key=lambda row: (-row[-1], -row[3], row[7]))
    save(name, ["Gene", "Gene_name", "Ensembl_ID", "Shift_to_goal_end", f"Shift_to_alt_end_{OTHER}", "Goal_end_vs_random_pval",
                f"Alt_end_vs_random_pval_{OTHER}", "Goal_end_FDR", f"Alt_end_FDR_{OTHER}", "N_Detections", "Sig"], table)


goal("goal")
goal("goal_ties", tie_correction=True)
goal("goal_as_reference", against_all=True)

values, nulls = of(test, "cos_sim"), of(null, "cos_sim")
p = np.array([ranksums(values[g], nulls[g]).pvalue if len(nulls[g]) else np.nan for g in sets])
q = rates(p)
table = []
for i, g in enumerate(sets):
    a, b = float(values[g].mean()), float(nulls[g].mean()) if len(nulls[g]) else float("nan")
    table.append(named(g) + [a, b, a - b, float(p[i]), float(q[i]), len(values[g]), len(nulls[g]), int(q[i] < 0.05)])
table.sort(key=lambda row: (-row[-1], np.isnan(row[5]), -row[5], row[7]))
save("null", ["Gene", "Gene_name", "Ensembl_ID", "Test_avg_shift", "Null_avg_shift", "Test_vs_null_avg_shift",
              "Test_vs_null_pval", "Test_vs_null_FDR", "N_Detections_test", "N_Detections_null", "Sig"], table)


def mixture(values):
    """Components in the order of means; a value by its posterior, by its side beyond the means."""
    means = np.array([v.mean() for v in values.values()])
    fit = GaussianMixture(2, random_state=0, n_init=10, tol=1e-13, max_iter=10000,
                          reg_covar=min(1e-6, 1e-3 * means.var())).fit(means[:, None])
    low, high = np.argsort(fit.means_.ravel())

    def is_impact(x):
        posterior = fit.predict_proba(x[:, None])[:, low] > 0.5
        return (x < fit.means_[low, 0]) | ((x <= fit.means_[high, 0]) & posterior)

    return [(float(v.mean()), int(i), float(is_impact(v).mean() * 100), len(v))
            for v, i in zip(values.values(), is_impact(means))]


HEAD = ["Test_avg_shift", "Impact_component", "Impact_component_percent", "N_Detections"]
table = [named(g) + list(row) for g, row in zip(sets, mixture(values))]
table.sort(key=lambda row: (-row[4], row[3]))
save("mixture", ["Gene", "Gene_name", "Ensembl_ID", *HEAD], table)

# The genes that the first one affects.
of_anchor = {g: np.array([v for x in test if x["perturbed"] == [genes[4]] for h, v in zip(x["affected"], x["gene_cos"])
                          if h == g]) for g in affected}
table = [named((g,)) + list(row) for g, row in zip(affected, mixture(of_anchor))]
table.sort(key=lambda row: (-row[4], row[3]))
save("anchor", ["Gene", "Gene_name", "Ensembl_ID", *HEAD], table)

# The pairs with the first gene.
cosines = {(x["cell"], tuple(sorted(x["perturbed"]))): x["cos_sim"] for x in test}
parts = {}
incomplete = 0
for (cell, g), both in cosines.items():
    if len(g) == 2 and genes[0] in g:
        other = g[1] if g[0] == genes[0] else g[0]
        a, t = cosines.get((cell, (genes[0],))), cosines.get((cell, (other,)))
        if a is None or t is None:
            incomplete += 1
        else:
            parts.setdefault(other, []).append((a, t, both))
others = sorted(parts)
beyond = mixture({g: np.array([c - (a + t - 1) for a, t, c in parts[g]]) for g in others})
table = []
for g, row in zip(others, beyond):
    a, t, c = np.array(parts[g]).mean(0).tolist()
    table.append(named((g,)) + [a, t, a + t - 1, c, c - (a + t - 1), *row[1:]])
table.sort(key=lambda row: (-row[8], row[7]))
save("combos", ["Gene", "Gene_name", "Ensembl_ID", "Anchor_shift", "Test_token_shift", "Sum_of_indiv_shifts", "Combo_shift",
                "Combo_minus_sum_shift", *HEAD[1:]], table)
print("pairs left out:", incomplete)

some = (genes[0], genes[2])
table = [[x["cos_sim"], text(sorted(x["perturbed"]), symbol), text(sorted(x["perturbed"]), same), x["cell"]]
         for x in test if tuple(sorted(x["perturbed"])) in (some, (genes[4],))]
save("aggregate", ["Cosine_sim", "Gene", "Ensembl_ID", "Cell"], table)

table = []
for g in sets:
    cells = [x for x in test if tuple(sorted(x["perturbed"])) == g]
    v = np.array([x["cos_sim"] for x in cells])
    table.append(named(g) + ["cell_emb", "", "", float(v.mean()), float(v.std()), len(v)])
    for h in affected:
        v = np.array([y for x in cells for k, y in zip(x["affected"], x["gene_cos"]) if k == h])
        if len(v):
            table.append(named(g) + named((h,)) + [float(v.mean()), float(v.std()), len(v)])
table.sort(key=lambda row: (row[3] != "cell_emb", row[6]))
save("aggregate_genes", ["Perturbed", "Gene_name", "Ensembl_ID", "Affected", "Affected_gene_name", "Affected_Ensembl_ID",
                         "Cosine_sim_mean", "Cosine_sim_stdev", "N_Detections"], table)
