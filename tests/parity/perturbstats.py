"""perturbstats against the tables that the real InSilicoPerturberStats wrote (../shared/golden/isp/stats), and against scipy.

    perturbstats.py golden FOLDER             every table of the reference that can be compared; TAP
    perturbstats.py stream FOLDER NAME OUT... the raw pickles FOLDER/input/NAME as streams, in as many shards as OUTs
    perturbstats.py pool FOLDER TABLE         the p-values of goal_synth_over_100k, against the whole pool

The tolerances are those of golden/isp/README.md: means 1e-12, probabilities 1e-9 (relative), the order of rows exact except
among equal keys. The pool of over 100,000 values is another one (the reference draws 100,000 of them).
"""

import csv
import glob
import gzip
import json
import math
import os
import subprocess
import sys

import numpy as np

MEANS, PROBABILITIES = 1e-12, 1e-9
GOAL = ["--mode", "goal", "--goal", "CD14 Mono", "--start", "CD4 Naive T"]
ANCHOR = ["--mode", "mixture", "--anchor"]

# name of the table: model version, input, options. What of the columns differs by intent is in `apart`.
TABLES = {
    "goal_all_v2": ("V2", "v2_delete_all_states", GOAL),
    "goal_all_v1": ("V1", "v1_delete_all_states", GOAL),
    "goal_all_no_alt_v2": ("V2", "v2_delete_all_states_no_alt", GOAL),
    "goal_list_v2": ("V2", "v2_delete_list_states", GOAL),
    "goal_list_v1": ("V1", "v1_overexpress_list_states", GOAL),
    "goal_synth": ("V2", "synth_states", GOAL),
    "goal_synth_over_100k": ("V2", "synth_states_over_100k", GOAL),
    "null_v2": ("V2", "v2_delete_all", ["--mode", "null", "--null", "v2_delete_all_null"]),
    "null_v1": ("V1", "v1_delete_all", ["--mode", "null", "--null", "v1_delete_all_null"]),
    "null_synth": ("V2", "synth_test", ["--mode", "null", "--null", "synth_null"]),
    "null_list_v2": ("V2", "v2_delete_list_common", ["--mode", "null", "--null", "v2_select_filter"]),
    "null_tuples": ("V2", "synth_tuple", ["--mode", "null", "--null", "NULL_OF_TUPLES"]),
    "mixture_v2": ("V2", "v2_delete_all", ["--mode", "mixture"]),
    "mixture_v1": ("V1", "v1_delete_all", ["--mode", "mixture"]),
    "mixture_overexpress_v2": ("V2", "v2_overexpress_all", ["--mode", "mixture"]),
    "mixture_synth": ("V2", "synth_test", ["--mode", "mixture"]),
    "mixture_synth_null": ("V2", "synth_null", ["--mode", "mixture"]),
    "mixture_anchor_pairs": ("V2", "synth_pairs", [*ANCHOR, "ENSG00000001631"]),
    "mixture_anchor_real_genes_v2": ("V2", "v2_delete_all_genes", [*ANCHOR, "ENSG00000126353"]),
    "mixture_anchor_combos1_old_triples": ("V2", "synth_triples", [*ANCHOR, "ENSG00000001631", "--combos"]),
    "aggregate_v2": ("V2", "v2_delete_list_common", ["--mode", "aggregate", "--genes", "ENSG00000167996"]),
    "aggregate_v1": ("V1", "v1_delete_list_common", ["--mode", "aggregate", "--genes", "FTH1"]),
    "aggregate_one_of_all_v2": ("V2", "v2_delete_all", ["--mode", "aggregate", "--genes", "ENSG00000167996"]),
    "shifts_all_v2": ("V2", "v2_delete_all_genes", ["--mode", "aggregate-genes"]),
    "shifts_all_v1": ("V1", "v1_delete_all_genes", ["--mode", "aggregate-genes"]),
    "shifts_synth": ("V2", "synth_pairs", ["--mode", "aggregate-genes"]),
    "shifts_list_v2": ("V2", "v2_delete_list_common_genes", ["--mode", "aggregate-genes", "--genes", "ENSG00000167996"]),
    "shifts_list_v1": ("V1", "v1_delete_list_common_genes", ["--mode", "aggregate-genes", "--genes", "ENSG00000167996"]),
    "shifts_two_v2": ("V2", "v2_delete_list_two_genes",
                      ["--mode", "aggregate-genes", "--genes", "ENSG00000166710+ENSG00000167996"]),
    "shifts_two_all_v2": ("V2", "v2_delete_list_two_genes", ["--mode", "aggregate-genes"]),
    "shifts_several_tuples": ("V2", "synth_tuple_genes", ["--mode", "aggregate-genes"]),
    "shifts_two_tuples_cells_only": ("V2", "synth_tuple", ["--mode", "aggregate-genes"]),
}
IMPACT = {"Impact_component", "Impact_component_percent"}


def apart(name):
    """Columns that are not compared with the reference."""
    if name.startswith("mixture_"):
        # With combos its N_Detections is always 0.
        return IMPACT | ({"N_Detections"} if name.endswith("triples") else set())
    if name == "goal_synth_over_100k":
        return {"Goal_end_vs_random_pval", "Alt_end_vs_random_pval_B", "Goal_end_FDR", "Alt_end_FDR_B", "Sig"}
    # Of a tuple the reference gives one id only.
    return {"Ensembl_ID"} if "tuple" in name or name.startswith("shifts_two") else set()


def sort_keys(columns):
    if "Cosine_sim_mean" in columns:
        return ["Affected_is_gene", "Cosine_sim_mean"]
    for keys in (["Sig", "Shift_to_goal_end", "Goal_end_FDR"], ["Sig", "Test_vs_null_avg_shift", "Test_vs_null_FDR"]):
        if set(keys) <= set(columns):
            return keys
    return []


def group_text(text):
    """A tuple of Python as we write it: in the order of tokens, which is that of ids."""
    if not text.startswith("("):
        return text
    return "+".join(sorted((x.strip(" '") for x in text.strip("()").split(",") if x.strip()),
                           key=lambda x: (int(x) if x.isdigit() else 0, "")))


def equal(column, x, y):
    if x == y:
        return True
    try:
        a, b = float(x), float(y)
    except ValueError:
        return "+" in y and sorted(group_text(x).split("+")) == sorted(y.split("+"))
    tolerance = PROBABILITIES if "pval" in column or "FDR" in column else MEANS
    return abs(a - b) <= tolerance * (abs(a) if tolerance == PROBABILITIES else max(1, abs(a)))


def identity(row):
    names = ("Gene", "Perturbed", "Affected")
    return tuple("+".join(sorted(group_text(row[c]).split("+"))) for c in names if c in row) or (row["Cosine_sim"],)


def compare(name, expected, got):
    if name.startswith("goal_list"):
        # The reference gives the means alone here.
        assert len(got) == 1, f"{len(got)} rows"
        got = [{c: got[0][c] for c in expected[0] if c}]
    if name == "aggregate_one_of_all_v2":
        # Files in the order of the reference's folder, and of ours.
        expected, got = (sorted(rows, key=lambda row: row["Cosine_sim"]) for rows in (expected, got))
    assert len(expected) == len(got), f"{len(got)} rows, the reference has {len(expected)}"
    columns = [c for c in expected[0] if c and c not in apart(name)]
    for row in expected + got:
        row["Affected_is_gene"] = str(row.get("Affected") != "cell_emb")
    in_place = name.startswith(("aggregate", "goal_list"))
    by_name = {} if in_place else {identity(row): row for row in got}
    assert in_place or len(by_name) == len(got), "a row stands twice"
    for i, row in enumerate(expected):
        mine = got[i] if in_place else by_name[identity(row)]
        for c in columns:
            assert equal(c, row[c], mine[c]), f"row {i}: {c} is {mine[c]!r}, in the reference {row[c]!r}"
    if name.startswith("mixture") or name == "goal_synth_over_100k" or not sort_keys(columns):
        return
    for row, mine in zip(expected, got):
        same = identity(row) == identity(mine)
        assert same or all(equal(c, row[c], mine[c]) for c in sort_keys(row)), f"{identity(mine)} stands for {identity(row)}"


def run(*arguments):
    done = subprocess.run(["perturbstats", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(done.stdout.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


def check_mixture(name, folder, got):
    """Impact rows first, by their means; in the case with a known answer all of it."""
    flags = [row["Impact_component"] for row in got]
    assert flags == sorted(flags, reverse=True), "not sorted by component"
    if name == "mixture_synth":
        truth = {str(x) for x in json.load(open(f"{folder}/input/synth.json"))["impact"]}
        found = {row["Gene"] for row in got if row["Impact_component"] == "1"}
        assert truth == found, f"not the {len(truth)} genes with an effect: {sorted(truth ^ found)}"


def golden(folder):
    n = 0
    for name, (version, source, options) in TABLES.items():
        n += 1
        path = f"{folder}/input/{source}"
        null = "NULL" in str(options)
        options = [f"{folder}/input/synth_tuple_genes" if null and x == "NULL_OF_TUPLES" else x for x in options]
        if "--null" in options:
            at = options.index("--null")
            base = os.path.basename(options[at + 1])
            arguments = ["-d", version, "--as-reference", *options[:at], path, "--null", f"{folder}/input/{base}"]
        else:
            arguments = ["-d", version, "--as-reference", *options, path]
        try:
            expected = list(csv.DictReader(open(f"{folder}/{name}.csv", newline="")))
            got = run(*arguments)
            compare(name, expected, [dict(row) for row in got])
            if name.startswith("mixture"):
                check_mixture(name, folder, got)
            print(f"ok {n} - {name}: {len(got)} rows")
        except (AssertionError, KeyError) as problem:
            print(f"not ok {n} - {name}\n# {type(problem).__name__}: {problem}")
    print(f"1..{n}")


def values(folder, name):
    """(file, state, key, values) of the JSON lines that go with the pickles."""
    path = glob.glob(f"{folder}/input/{name}.jsonl*")[0]
    with (gzip.open if path.endswith(".gz") else open)(path, "rt") as lines:
        for line in lines:
            x = json.loads(line)
            if not x.get("empty"):
                yield x["file"], x.get("state"), x["key"], np.array(x["values"], np.float32).astype(float)


def pool(folder, table):
    from scipy.stats import ranksums
    genes = {}
    for _, state, key, x in values(folder, "synth_states_over_100k"):
        genes.setdefault(state, {})[key[0]] = x
    rows = list(csv.DictReader(open(table), delimiter="\t"))
    worst = 0
    for state, column in (("CD14 Mono", "Goal_end_vs_random_pval"), ("B", "Alt_end_vs_random_pval_B")):
        for row in rows:
            mine = genes[state][int(row["Gene"])]
            others = np.concatenate([x for g, x in genes[state].items() if g != int(row["Gene"])])
            expected = ranksums(others, mine).pvalue
            worst = max(worst, abs(float(row[column]) / expected - 1))
    print(f"{len(rows)} genes, largest relative difference {worst:.2g}")
    assert len(rows) == len(genes["B"]) == 40 and worst < PROBABILITIES


def stream(folder, name, *paths):
    """A row for each value of the cell, with the shifts to all states or the cosine; a key's i-th values make a row."""
    import pyarrow as pa
    dictionary = pa.ipc.open_stream(os.environ["GENES"]).read_all().to_pydict()
    ids = dict(zip(dictionary["token"], dictionary["gene"]))
    rows = {}
    for file, state, key, x in values(folder, name):
        for i, value in enumerate(x):
            row = rows.setdefault((file, str(key), i), {"cell": f"c{i}", "perturbed": key[0] if isinstance(key[0], list) else [key[0]]})
            row["shift:" + state if state else "cos_sim"] = value
    rows = list(rows.values())
    genes = sorted({g for row in rows for g in row["perturbed"]})
    places = {g: i for i, g in enumerate(genes)}
    numbers = [c for c in rows[0] if c not in ("cell", "perturbed")]
    for shard, path in enumerate(paths):
        part = rows[len(rows) * shard // len(paths):len(rows) * (shard + 1) // len(paths)]
        offsets = np.concatenate([[0], np.cumsum([len(row["perturbed"]) for row in part])]).astype(np.int32)
        codes = pa.array([places[g] for row in part for g in row["perturbed"]], pa.int32())
        names = pa.DictionaryArray.from_arrays(codes, pa.array([ids[g] for g in genes]))
        table = pa.table({"cell": [row["cell"] for row in part], "perturbed": pa.ListArray.from_arrays(offsets, names),
                          **{c: pa.array([row[c] for row in part], pa.float32()) for c in numbers}})
        with pa.OSFile(path, "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=700)


command, *arguments = sys.argv[1:]
{"golden": golden, "pool": pool, "stream": stream}[command](*arguments)
