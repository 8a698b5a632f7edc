"""From a file to tokens: our pipe and the reference's tokenizer, our reading of a matrix and h5py's, streams and cat.

The .h5ad is the demo's cells repeated, a CSR matrix with gzip as AnnData writes it; the dictionary the demo's.
"""

import os
import shutil
import statistics
import subprocess
import sys

import h5py
import numpy as np

import make_models
from measure import HERE, Machine, less, median, ratios, run, shell

DEMO = os.path.join(os.path.dirname(os.path.dirname(HERE)), "pipelines", "demo")
DICTIONARY = os.path.join(DEMO, "genes.cells")


def repeated_demo(opt, times):
    """The demo's cells that many times, under names of their own."""
    path = os.path.join(opt.folder, f"pbmc3k.x{times}.h5ad")
    if os.path.exists(path):
        return path
    with h5py.File(os.path.join(DEMO, "pbmc3k.h5ad")) as source, h5py.File(path + ".part", "w") as to:
        to.attrs.update(source.attrs)
        x, n_cells = source["X"], source["X/indptr"].shape[0] - 1
        group = to.create_group("X")
        group.attrs.update(x.attrs)
        group.attrs["shape"] = [n_cells * times, int(x.attrs["shape"][1])]
        for name in ("data", "indices"):
            group.create_dataset(name, data=np.tile(x[name][:], times), chunks=(1 << 16,), compression="gzip")
        ends = x["indptr"][1:].astype(np.int64)
        group["indptr"] = np.concatenate([[0]] + [ends + i * ends[-1] for i in range(times)])
        source.copy("var", to)
        make_models.frame(to, "obs", [f"cell{i}" for i in range(n_cells * times)],
                          n_counts=np.tile(np.add.reduceat(x["data"][:], x["indptr"][:-1]), times).astype(np.float32))
    os.rename(path + ".part", path)
    return path


# -- tokens ---------------------------------------------------------------------------------------------------------------


def stages(source, output):
    return [f"h5ad2cells -q {source}", f"genemap -q -d {DICTIONARY}", f"normalize -q -d {DICTIONARY}",
            f"rankencode -q -d {DICTIONARY} -o {output}"]


def measure_tokens(opt):
    source, output = repeated_demo(opt, opt.demo_times), os.path.join(opt.folder, "ours.tokens")
    with h5py.File(source) as f:
        n = f["X/indptr"].shape[0] - 1
    kinds = {"two cores": None, "one core": {min(os.sched_getaffinity(0))}}
    ours, theirs = {k: [] for k in kinds}, {k: [] for k in ("unique ids", "collapsing ids")}
    for _ in range(opt.rounds):
        for kind, cpus in kinds.items():
            ours[kind].append(shell(" | ".join(stages(source, output)), cpus))
        for kind in theirs:
            theirs[kind].append(tokenize(opt, source, kind, opt.reference_cells))
    result = {"cells": n, "ours": ours, "reference": theirs, "ratios": {}, "stages": measure_stages(opt, source, n)}
    print(f"tokens from a gzip .h5ad, {n} cells (the reference's steps on {opt.reference_cells} of them)")
    for kind, runs in ours.items():
        print(f"  ours, {kind:16} {n / median(runs, 'seconds'):8.0f} cells/s")
    for kind, runs in theirs.items():
        rate = opt.reference_cells / median(runs, "seconds")
        each = {k: n / median(r, "seconds") / rate for k, r in ours.items()}
        result["ratios"][kind] = each
        print(f"  reference, {kind:14} {rate:5.0f} cells/s" +
              "".join(f"   ours on {k} is {x:.0f}x" for k, x in each.items()))
    for stage, seconds in result["stages"].items():
        print(f"  {stage:12} alone, 1 thread: {seconds / n * 1e6:6.1f} us a cell")
    sizes = os.path.getsize(output), matrix_bytes(source)
    result["size"] = {"tokens": sizes[0], "matrix": sizes[1]}
    print(f"  file of tokens: {sizes[0] / sizes[1]:.2f} of the .h5ad's X\n", flush=True)
    return result


def tokenize(opt, source, kind, n):
    answer = subprocess.run([sys.executable, os.path.join(HERE, "reference_tokenizer.py"), source, DICTIONARY, kind, str(n),
                             os.path.join(opt.folder, "reference.dataset")], capture_output=True, text=True)
    shutil.rmtree(os.path.join(opt.folder, "reference.dataset"), ignore_errors=True)
    if answer.returncode:
        sys.exit(f"bench: reference_tokenizer.py failed:\n{answer.stderr}")
    return {"seconds": float(answer.stdout.split()[-1])}


def measure_stages(opt, source, n):
    """Each program by itself, from a file to nowhere."""
    seconds, cells = {}, source
    for line in stages(source, "")[:4]:
        name = line.split()[0]
        output = os.path.join(opt.folder, f"stage.{name}.cells")
        options = [] if name == "h5ad2cells" else ["-d", DICTIONARY]
        runs = [run(name, "-q", "-t", "1", "-l", "0", *options, "-o", output, cells) for _ in range(opt.rounds)]
        seconds[name] = median(runs, "cpu")
        if cells != source:
            os.remove(cells)
        cells = output
    os.remove(cells)
    return seconds


def matrix_bytes(path):
    with h5py.File(path) as f:
        return sum(f["X"][name].id.get_storage_size() for name in ("data", "indices", "indptr"))


# -- reading --------------------------------------------------------------------------------------------------------------


def measure_decoding(opt):
    """h5ad2cells, all that it does, and h5py reading data, indices and indptr into memory."""
    source = repeated_demo(opt, opt.demo_times)
    ours, theirs = {1: [], 2: []}, []
    for _ in range(opt.rounds):
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
    source = repeated_demo(opt, opt.demo_times)
    cells = os.path.join(opt.folder, "passing.cells")
    run("h5ad2cells", "-q", "-l", "0", "-o", cells, source)
    ours, theirs = [], []
    for _ in range(max(opt.rounds, 5)):
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
