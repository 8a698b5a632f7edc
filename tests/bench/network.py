"""Embedding cells: gfembed in each of its precisions, and the peers.

Ours is measured as its user runs it, a whole process with its files, less what the same process takes for one short cell
(start-up has a table of its own); a peer without its start, within one process that stays, after it has warmed up and found
its best number of cells a call. All work with the same cells on the same number of threads. In every round each engine has
its turn, so that what disturbs the machine disturbs all; a ratio is the median of the ratios within the rounds.

A peer is compared with ours in the same precision, where the machine has it, else with ours in float32. "cls -1" is what
the usual call of ours gains beyond equal work: the second-to-last layer, and of it the first token only.
"""

import math
import os
import subprocess
import time

import numpy as np
import pyarrow as pa

import make_models
from measure import HERE, Peer, less, median, ratios, run, shell
from peers import ENGINES

THREAD_FLOPS = 175e9  # a guess, only for how many cells make a run of the seconds asked for
MOST_TOKENS = 4096  # that a peer gets at once; on V1-10M 8,192 and 16,384 were not faster


def command(opt, model, cells, output, precision, *more):
    return ["gfembed", "-q", "-m", model, "-t", str(opt.threads), "--precision", precision, *more, "-o", output, cells]


EQUAL_WORK = ("--layer", "0", "--pool", "mean")
USUAL = ("--layer", "-1", "--pool", "cls")


def find_precisions(opt, model, cells):
    """Those asked for that gfembed has here; a message for each other."""
    found = []
    for precision in opt.precisions:
        process = subprocess.run(command(opt, model, cells, os.devnull, precision, *EQUAL_WORK, "-f"),
                                 stderr=subprocess.PIPE, text=True)
        if process.returncode:
            print(f"without {precision}: {process.stderr.strip()}")
        else:
            found.append(precision)
    return found


def count_cells(opt, name, length):
    """As many as take about opt.seconds, in whole batches of the peers and equal shares of the threads."""
    unit = math.lcm(opt.threads, max(1, min(opt.largest_batch, MOST_TOKENS // length)))
    return max(1, round(opt.seconds * opt.threads * THREAD_FLOPS / make_models.flops(name, length) / unit)) * unit


def batch_sizes(opt, length, n):
    largest = max(1, min(opt.largest_batch, MOST_TOKENS // length, n))
    return [b for b in (1, 2, 4, 8, 16) if b <= largest][-3:]


def embeddings(path):
    return np.stack(pa.ipc.open_stream(path).read_all()["embedding"].to_numpy()).astype(np.float64)


def agreement(rows, exact):
    """Least and mean cosine of a cell with the float32 result of ours."""
    cosines = (rows * exact).sum(1) / np.linalg.norm(rows, axis=1) / np.linalg.norm(exact, axis=1)
    return {"cosine_least": float(cosines.min()), "cosine_mean": float(cosines.mean()),
            "difference": float(np.abs(rows - exact).max())}


class Ours:
    def __init__(self, opt, model, precision, work=EQUAL_WORK, label=""):
        self.opt, self.model, self.precision, self.work = opt, model, precision, work
        self.engine = f"gfembed {precision}{label}"
        self.runs, self.startups = [], []

    def go(self, cells, short):
        output = os.path.join(self.opt.folder, f"ours.{self.precision}.cells")
        startup = run(*command(self.opt, self.model, short, output, self.precision, *self.work))
        whole = run(*command(self.opt, self.model, cells, output, self.precision, *self.work))
        self.startups.append(startup)
        self.runs.append(less(whole, startup))
        return output


def measure_cells(opt, name, model, peers, precisions, cells, n, flops, label, batches):
    """All engines on these cells: a row each. flops: of all n cells."""
    short = make_models.tokens(opt.folder, name, 20, 1)
    genes = make_models.gene_part(name, 0)
    ours = {p: Ours(opt, model, p) for p in precisions}
    extra = [Ours(opt, model, p, USUAL, " cls -1") for p in precisions] if genes[0] else []
    rows = {peer.engine: {"runs": []} for peer in peers}
    for peer in peers:
        rows[peer.engine].update(peer.ask(batch=batches, cells=cells, genes=genes))
    for _ in range(opt.rounds):
        outputs = {p: embeddings(o.go(cells, short)) for p, o in ours.items()}
        exact = outputs[precisions[0]]
        for p in precisions[1:]:
            rows.setdefault(ours[p].engine, {}).update(agreement(outputs[p], exact))
        for o in extra:
            o.go(cells, short)
        for peer in peers:
            saved = os.path.join(opt.folder, f"{peer.engine}.npy")
            row = rows[peer.engine]
            row["runs"].append(peer.ask(run=n, cells=cells, genes=genes, save=saved))
            row.update(agreement(np.load(saved).astype(np.float64), exact))
    for o in [*ours.values(), *extra]:
        rows.setdefault(o.engine, {}).update(runs=o.runs, startup=o.startups)
    order = [o.engine for o in ours.values()] + [o.engine for o in extra] + [p.engine for p in peers]
    return [summarise(name, label, n, flops, engine, rows[engine], ours) for engine in order]


def summarise(name, label, n, flops, engine, row, ours):
    wanted = ENGINES[engine].precision if engine in ENGINES else None
    matched = ours.get(wanted) or next(iter(ours.values()))
    faster, least, most = ratios(row["runs"], matched.runs)
    return {
        "model": name, "cells_are": label, "cells": n, "engine": engine, **row,
        "cells_per_second": n / median(row["runs"], "seconds"), "cells_per_cpu_second": n / median(row["runs"], "cpu"),
        "flops_per_second": flops / median(row["runs"], "seconds"), "others": median(row["runs"], "others"),
        "compared_with": matched.engine, "ours_faster": faster, "ours_faster_least": least, "ours_faster_most": most,
        "ours_cheaper": ratios(row["runs"], matched.runs, "cpu")[0],
    }


def measure_length(opt, name, model, peers, precisions, length):
    n = count_cells(opt, name, length)
    cells = make_models.tokens(opt.folder, name, length, n)
    found = measure_cells(opt, name, model, peers, precisions, cells, n, n * make_models.flops(name, length),
                          str(length), batch_sizes(opt, length, n))
    os.remove(cells)
    return found


def demo_lengths(opt):
    """The lengths of the demo's cells, ascending."""
    demo = os.path.join(os.path.dirname(os.path.dirname(HERE)), "pipelines", "demo")
    tokens = os.path.join(opt.folder, "demo.tokens")
    if not os.path.exists(tokens):
        shell(f"cd {demo} && h5ad2cells pbmc3k.h5ad | genemap -d genes.cells | normalize -d genes.cells | "
              f"rankencode -d genes.cells -o {os.path.abspath(tokens)}")
    return sorted(pa.ipc.open_stream(tokens).read_all()["length"].to_pylist())


def measure_mix(opt, name, model, peers, precisions, label, lengths):
    """Cells of several lengths: no token of ours is wasted, a peer sorts them and pads little."""
    mean = sum(make_models.flops(name, length) for length in lengths) / len(lengths)
    n = min(len(lengths), max(32, round(opt.seconds * opt.threads * THREAD_FLOPS / mean)))
    lengths = [lengths[i * len(lengths) // n] for i in range(n)]
    cells = make_models.mixed_tokens(opt.folder, name, lengths)
    flops = sum(make_models.flops(name, length) for length in lengths)
    found = measure_cells(opt, name, model, peers, precisions, cells, n, flops, label, [MOST_TOKENS])
    os.remove(cells)
    return found


def measure(opt):
    rows = []
    for name in opt.models:
        model = make_models.model(opt.folder, name)
        precisions = find_precisions(opt, model, make_models.tokens(opt.folder, name, 20, 1))
        with open(os.path.join(opt.folder, "peers.log"), "a") as log:
            peers = [Peer(engine, model, opt.threads, log) for engine in opt.peers]
            for length in opt.lengths:
                if length <= make_models.MODELS[name]["positions"]:
                    rows += show(measure_length(opt, name, model, peers, precisions, length), not rows)
            mixes = {"pbmc3k": demo_lengths, "tissues": lambda opt: make_models.tissue_lengths(name, 4096)}
            for label in opt.mixes:
                rows += show(measure_mix(opt, name, model, peers, precisions, label, mixes[label](opt)), not rows)
            for peer in peers:
                peer.close()
    return rows


def show(rows, is_first):
    if is_first:
        print(f"{'model':8} {'tokens':>7} {'engine':18} {'batch':>5} {'cells/s':>8} {'GFLOP/s':>8} {'cells/CPU-s':>11}"
              f" {'ours is':>8} {'(range)':>13} {'a CPU-s':>8} {'cosine':>9} {'others':>6}")
    for r in rows:
        line = (f"{r['model']:8} {r['cells_are']:>7} {r['engine']:18} {r.get('batch', ''):5} {r['cells_per_second']:8.3g}"
                f" {r['flops_per_second'] / 1e9:8.0f} {r['cells_per_cpu_second']:11.3g}")
        spread = f"({r['ours_faster_least']:.2f}-{r['ours_faster_most']:.2f})"
        is_peer = not r["engine"].startswith("gfembed")
        line += f" {r['ours_faster']:7.2f}x {spread:>13} {r['ours_cheaper']:7.2f}x" if is_peer else " " * 32
        line += f" {r['cosine_least']:9.6f}" if "cosine_least" in r else " " * 10
        print(f"{line} {r['others']:6.2f}", flush=True)
    print()
    return rows


def measure_startup(opt, name):
    """Whole processes, from nothing to the embedding of one cell of 20 tokens; files are in the cache."""
    model, cells = make_models.model(opt.folder, name), make_models.tokens(opt.folder, name, 20, 1)
    output = os.path.join(opt.folder, "ours.cells")
    seconds = {engine: [] for engine in ["gfembed"] + opt.peers}
    with open(os.path.join(opt.folder, "peers.log"), "a") as log:
        for _ in range(opt.rounds + 1):
            seconds["gfembed"].append(run(*command(opt, model, cells, output, "f32", *EQUAL_WORK))["seconds"])
            for engine in opt.peers:
                start = time.perf_counter()
                peer = Peer(engine, model, opt.threads, log)
                peer.ask(run=1, cells=cells, genes=make_models.gene_part(name, 0), save=None)
                peer.close()
                seconds[engine].append(time.perf_counter() - start)
    print(f"one cell of 20 tokens through {name}, whole process, {opt.threads} threads:")
    medians = {engine: median([{"s": x} for x in s[1:]], "s") for engine, s in seconds.items()}  # the first fills the cache
    for engine, s in medians.items():
        print(f"  {engine:12} {s:6.2f} s" + (f"   ours is {s / medians['gfembed']:.1f}x" if engine != "gfembed" else ""))
    print(flush=True)
    return {"model": name, "seconds": medians, "runs": seconds}


def measure_peak(opt, rows):
    """The best that oneDNN makes of one large product in float32, and what share of it the whole network reaches."""
    process = subprocess.run([os.path.join(opt.folder, "bench_peak")], capture_output=True, text=True, check=True,
                             env={**os.environ, "OMP_NUM_THREADS": str(opt.threads)})
    peak = float(process.stdout)
    print(f"float32 peak (oneDNN, large matrices, {opt.threads} threads): {peak / 1e9:.0f} GFLOP/s")
    shares = {f"{r['model']} {r['cells_are']}": r["flops_per_second"] / peak for r in rows if r["engine"] == "gfembed f32"}
    for cells, share in shares.items():
        print(f"  {cells:16} {100 * share:5.1f} %")
    print(flush=True)
    return {"flops_per_second": peak, "shares": shares}
