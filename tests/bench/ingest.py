"""From a file to tokens: our pipe and the reference's tokenizer, our reading of a matrix and h5py's, streams and cat.

The .h5ad is the demo's cells repeated, a CSR matrix with gzip as AnnData writes it; the dictionary the demo's. Real files
have genes that stand in two columns, which costs the reference most of its time, so there are two of them: one without
such genes, and one with a hundred. Ours goes through the whole of the repeated cells; the reference, which takes a time
that grows with the cells, through fewer.
"""

import os
import shutil
import statistics
import subprocess
import sys

import h5py
import numpy as np
import pyarrow as pa

import make_models
from measure import HERE, Machine, less, median, ratios, reader, run, shell

DEMO = os.path.join(os.path.dirname(os.path.dirname(HERE)), "pipelines", "demo")
DICTIONARY = os.path.join(DEMO, "genes.cells")
KINDS = ("unique ids", "collapsing ids")
N_COLLAPSING = 100


# -- cells ----------------------------------------------------------------------------------------------------------------


def read_symbols():
    """Upper-case names -> gene."""
    table = pa.ipc.open_stream(DICTIONARY).read_all().to_pydict()
    symbols = {gene: gene for gene in table["gene"]}
    for gene, symbol, aliases in zip(table["gene"], table["symbol"], table["aliases"]):
        for name in [symbol, *(aliases or [])]:
            if name:
                symbols.setdefault(name.upper(), gene)
    return symbols


def gene_names(names, kind):
    """The names of the columns, so that no two of them, or N_COLLAPSING pairs, stand for one gene."""
    symbols, seen, names = read_symbols(), set(), list(names)
    for i, name in enumerate(names):
        gene = symbols.get(name.upper())
        if gene in seen:
            names[i] = f"unknown-{i}"
        elif gene:
            seen.add(gene)
    known = [i for i, name in enumerate(names) if name.upper() in symbols]
    for a, b in zip(known[::2][:N_COLLAPSING] if kind == "collapsing ids" else [], known[1::2]):
        names[b] = symbols[names[a].upper()]
    return names


def write_repeated(group, name, values, times):
    """The values that many times, compressed once: equal chunks are equal bytes."""
    chunk = max(d for d in range(1, 1 << 17) if len(values) % d == 0)
    data = group.create_dataset(name, shape=(len(values) * times,), dtype=values.dtype, chunks=(chunk,), compression="gzip")
    data[: len(values)] = values
    for start in range(0, len(values), chunk):
        mask, packed = data.id.read_direct_chunk((start,))
        for i in range(1, times):
            data.id.write_direct_chunk((start + i * len(values),), packed, mask)


def demo_cells(opt, times, kind=KINDS[0], n=None):
    """The demo's cells (the first n of them) that many times, under names of their own; returns the path."""
    path = os.path.join(opt.folder, f"pbmc3k.{n or 'all'}x{times}.{kind.split()[0]}.h5ad")
    if os.path.exists(path):
        return path
    with h5py.File(os.path.join(DEMO, "pbmc3k.h5ad")) as source, h5py.File(path + ".part", "w") as to:
        to.attrs.update(source.attrs)
        x, ends = source["X"], source["X/indptr"][: n and n + 1].astype(np.int64)
        size, n_cells = int(ends[-1]), len(ends) - 1
        group = to.create_group("X")
        group.attrs.update(x.attrs)
        group.attrs["shape"] = [n_cells * times, int(x.attrs["shape"][1])]
        for name in ("data", "indices"):
            write_repeated(group, name, x[name][:size], times)
        group["indptr"] = np.concatenate([[0]] + [ends[1:] + i * size for i in range(times)])
        index = source["var"].attrs["_index"]
        make_models.frame(to, "var", gene_names(source["var"][index].asstr()[:], kind))
        totals = np.add.reduceat(x["data"][:size], ends[:-1]).astype(np.float32)
        make_models.frame(to, "obs", [f"cell{i}" for i in range(n_cells * times)], n_counts=np.tile(totals, times))
    os.rename(path + ".part", path)
    return path


def count_cells(path):
    with h5py.File(path) as f:
        return f["X/indptr"].shape[0] - 1


def matrix_bytes(path):
    with h5py.File(path) as f:
        return sum(f["X"][name].id.get_storage_size() for name in ("data", "indices", "indptr"))


# -- tokens ---------------------------------------------------------------------------------------------------------------


def pipe(source, output):
    return (f"h5ad2cells -q {source} | genemap -q -d {DICTIONARY} | normalize -q -d {DICTIONARY} | "
            f"rankencode -q -d {DICTIONARY} -o {output}")


def measure_tokens(opt):
    output = os.path.join(opt.folder, "ours.tokens")
    ours = {kind: demo_cells(opt, opt.demo_times, kind) for kind in KINDS}
    theirs = {kind: demo_cells(opt, 1, kind, n) for kind, n in zip(KINDS, opt.reference_cells)}
    n = count_cells(ours[KINDS[0]])
    places = {"two cores": set(sorted(os.sched_getaffinity(0))[:2]), "one core": {min(os.sched_getaffinity(0))}}
    rows = {kind: {**{place: [] for place in places}, "reference": []} for kind in KINDS}
    for _ in range(opt.rounds):
        for kind in KINDS:
            for place, cpus in places.items():
                rows[kind][place].append(shell(pipe(ours[kind], output), cpus))
            rows[kind]["reference"].append(tokenize(opt, theirs[kind]))
    result = {"cells": n, "reference_cells": {k: count_cells(p) for k, p in theirs.items()}, "runs": rows, "rates": {},
              "ratios": {}, "stages": measure_stages(opt, ours[KINDS[0]]), "cpu": {}}
    print(f"tokens from a gzip .h5ad, {n} cells; the reference's steps on {result['reference_cells']}")
    for kind in KINDS:
        show_rates(result, kind, n)
    for stage, seconds in result["stages"].items():
        print(f"  {stage:12} alone, 1 thread: {seconds / n * 1e6:6.1f} us a cell")
    result["size"] = {"tokens": os.path.getsize(output), "matrix": matrix_bytes(ours[KINDS[0]])}
    print(f"  file of tokens: {result['size']['tokens'] / result['size']['matrix']:.2f} of the .h5ad's X\n", flush=True)
    return result


def show_rates(result, kind, n):
    runs = result["runs"][kind]
    cells = {place: result["reference_cells"][kind] if place == "reference" else n for place in runs}
    rates = {place: cells[place] / median(r, "seconds") for place, r in runs.items()}
    result["rates"][kind] = rates
    result["ratios"][kind] = {place: rates[place] / rates["reference"] for place in runs if place != "reference"}
    result["cpu"][kind] = {place: median(r, "cpu") / n for place, r in runs.items() if place != "reference"}
    print(f"  {kind:15} reference {rates['reference']:6.0f} cells/s" + "".join(
        f"   ours on {place} {rates[place]:6.0f} ({ratio:.0f}x)" for place, ratio in result["ratios"][kind].items()))


def tokenize(opt, source):
    saved = os.path.join(opt.folder, "reference.dataset")
    answer = subprocess.run([sys.executable, os.path.join(HERE, "reference_tokenizer.py"), source, DICTIONARY, saved],
                            capture_output=True, text=True)
    shutil.rmtree(saved, ignore_errors=True)
    if answer.returncode:
        sys.exit(f"bench: reference_tokenizer.py failed:\n{answer.stderr}")
    return {"seconds": float(answer.stdout.split()[-1])}


def measure_stages(opt, source):
    """Processor seconds of each program by itself, from a file to a pipe; the last one to a file, as in the pipe."""
    seconds, cells = {}, source
    for name in ("h5ad2cells", "genemap", "normalize", "rankencode"):
        output = os.path.join(opt.folder, f"stage.{name}.cells")
        command = [name, "-q", "-t", "1", *([] if name == "h5ad2cells" else ["-d", DICTIONARY])]
        if name == "rankencode":
            runs = [run(*command, "-o", output, cells) for _ in range(opt.rounds)]
        else:
            run(*command, "-l", "0", "-o", output, cells)
            runs = []
            for _ in range(opt.rounds):
                with reader() as sink:
                    runs.append(run(*command, cells, output=sink))
        seconds[name] = median(runs, "cpu")
        if cells != source:
            os.remove(cells)
        cells = output
    os.remove(cells)
    return seconds


# -- reading and passing on -----------------------------------------------------------------------------------------------


def measure_decoding(opt):
    """h5ad2cells, all that it does, and h5py reading data, indices and indptr into memory."""
    source = demo_cells(opt, opt.demo_times)
    ours, theirs = {1: [], 2: []}, []
    for _ in range(max(opt.rounds, 5)):
        for threads, runs in ours.items():
            runs.append(run("h5ad2cells", "-q", "-t", str(threads), source))
        machine = Machine()
        with h5py.File(source) as f:
            for name in ("data", "indices", "indptr"):
                f["X"][name][:]
        theirs.append({"seconds": machine.seconds()})
    print("reading a gzip .h5ad: h5ad2cells, checks and writing included, against h5py reading X's arrays")
    found = {threads: ratios(theirs, runs) for threads, runs in ours.items()}
    for threads, (middle, least, most) in found.items():
        print(f"  {threads} threads: {middle:.2f}x ({least:.2f}-{most:.2f})")
    print(flush=True)
    return {"ours": ours, "h5py": theirs, "ratios": found}


def measure_passing(opt):
    """A stage that only passes cells on, against cat."""
    source = demo_cells(opt, opt.demo_times)
    cells = os.path.join(opt.folder, "passing.cells")
    run("h5ad2cells", "-q", "-l", "0", "-o", cells, source)
    ours, theirs = [], []
    for _ in range(max(opt.rounds, 11)):
        ours.append(shell(f"cellhead -q -n 1000000000 {cells} | cat >/dev/null"))
        theirs.append(shell(f"cat {cells} | cat >/dev/null"))
    size = os.path.getsize(cells)
    os.remove(cells)
    share = ratios(theirs, ours)
    print(f"cellhead without limit, file in, pipe out: {size / median(ours, 'seconds') / 1e9:.2f} GB/s,"
          f" {share[0]:.2f} ({share[1]:.2f}-{share[2]:.2f}) of what cat moves\n", flush=True)
    return {"bytes": size, "ours": ours, "cat": theirs, "ratios": share}


# -- ranking --------------------------------------------------------------------------------------------------------------


def make_values(opt, dictionary, name, n_genes, n):
    """What rankencode reads: our own stream, made by the programs before it."""
    path = os.path.join(opt.folder, f"{name}.{n_genes}x{n}.values")
    if not os.path.exists(path):
        source = make_models.counts(opt.folder, name, n_genes, n)
        with open(path + ".part", "wb") as out, subprocess.Popen(["h5ad2cells", source], stdout=subprocess.PIPE) as first:
            subprocess.run(["normalize", "-l", "0", "-d", dictionary], stdin=first.stdout, stdout=out, check=True)
        os.remove(source)
        os.rename(path + ".part", path)
    return path


def measure_rankencode(opt, n_genes=800):
    name, n = "V1-10M", opt.rank_cells
    dictionary = make_models.dictionary(opt.folder, name)
    few, many = (make_values(opt, dictionary, name, n_genes, cells) for cells in (1, n))
    runs = []
    for _ in range(opt.rounds + 1):
        startup, whole = (run("rankencode", "-q", "-l", "0", "-t", "1", "-d", dictionary, f) for f in (few, many))
        runs.append(less(whole, startup))
    rate, cpu = (n / statistics.median(r[key] for r in runs[1:]) for key in ("seconds", "cpu"))
    print(f"rankencode -t 1, {n} cells of {n_genes} genes, less start-up: {rate:.0f} cells/s, {cpu:.0f} cells/CPU-s"
          f" (others {median(runs[1:], 'others'):.2f})\n", flush=True)
    return {"genes": n_genes, "cells": n, "cells_per_second": rate, "cells_per_cpu_second": cpu, "runs": runs}
