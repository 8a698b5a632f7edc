"""Measures our programs and the peers in turn and prints a table; run by bench.sh, which says how to call it.

Ours is measured as its user runs it, a whole process with its files, less what the same process takes for one short cell
(start-up has a table of its own); a peer without its start, within one process that stays, after it has warmed up and found
its best number of cells a call. Both work with the same cells on the same number of threads. In every round each engine has
its turn, so that what disturbs the machine disturbs all; a ratio is the median of the ratios within the rounds.

cells/CPU-s counts the processor time that was used, waiting included where an engine waits by spinning. "others" is how many
cores the rest of the machine kept busy meanwhile: with more than a tenth the figures are not those of a quiet machine.
"""

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa

import make_models
from peers import ENGINES

HERE = os.path.dirname(os.path.abspath(__file__))
THREAD_FLOPS = 175e9  # a guess, only for how many cells make a run of the seconds asked for
MOST_TOKENS = 4096  # that a peer gets at once; on V1-10M 8,192 and 16,384 were not faster


# -- measuring ------------------------------------------------------------------------------------------------------------


class Machine:
    """What the processors did since it was made, by the system's count."""

    def __init__(self):
        self.start, self.busy = time.perf_counter(), self._busy()

    @staticmethod
    def _busy():
        try:
            with open("/proc/stat") as f:
                user, nice, system, _, _, irq, soft, steal = map(int, f.readline().split()[1:9])
        except OSError:
            return math.nan
        return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")

    def others(self, cpu):
        seconds = time.perf_counter() - self.start
        return max((self._busy() - self.busy - cpu) / seconds, 0.0)


def run(*command, output=subprocess.DEVNULL):
    """Runs one of our programs: seconds, processor seconds, cores that others used."""
    machine, start = Machine(), time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output)
    _, status, used = os.wait4(process.pid, 0)
    seconds, cpu = time.perf_counter() - start, used.ru_utime + used.ru_stime
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"bench: failed: {' '.join(command)}")
    return {"seconds": seconds, "cpu": cpu, "others": machine.others(cpu), "memory": used.ru_maxrss * 1024}


class Peer:
    """A process of peers.py."""

    def __init__(self, engine, folder, threads, log):
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "peers.py"), engine, folder, str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        self.engine = engine

    def ask(self, **question):
        machine = Machine()
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"bench: {self.engine} ended; its messages are in peers.log")
        answer = json.loads(line)
        if "cpu" in answer:
            answer["others"] = machine.others(answer["cpu"])
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def gfembed(opt, model, cells, output):
    return run("gfembed", "-q", "-m", model, "-t", str(opt.threads), "--precision", "f32", "--layer", "0", "--pool", "mean",
               "-o", output, cells)


# -- the network ----------------------------------------------------------------------------------------------------------


def count_cells(opt, name, length):
    """As many as take about opt.seconds, in whole batches of the peers and equal shares of the threads."""
    unit = math.lcm(opt.threads, max(1, min(opt.largest_batch, MOST_TOKENS // length)))
    return max(1, round(opt.seconds * opt.threads * THREAD_FLOPS / make_models.flops(name, length) / unit)) * unit


def batch_sizes(opt, length, n):
    largest = max(1, min(opt.largest_batch, MOST_TOKENS // length, n))
    return [b for b in (1, 2, 4, 8, 16) if b <= largest][-3:]


def largest_difference(output, saved):
    ours = np.stack(pa.ipc.open_stream(output).read_all()["embedding"].to_numpy())
    return float(np.abs(ours - np.load(saved)).max())


def measure_length(opt, name, model, peers, length):
    """All engines on cells of one length: a row each."""
    n = count_cells(opt, name, length)
    cells = make_models.tokens(opt.folder, name, length, n)
    short = make_models.tokens(opt.folder, name, 20, 1)
    output = os.path.join(opt.folder, "ours.cells")
    genes = make_models.gene_part(name, length)
    rows = {"gfembed": {"runs": [], "startup": []}}
    for peer in peers:
        found = peer.ask(batch=batch_sizes(opt, length, n), cells=cells, genes=genes)
        rows[peer.engine] = {"runs": [], "batch": found["batch"], "versions": found["versions"]}
    for _ in range(opt.rounds):
        startup = gfembed(opt, model, short, output)
        ours = gfembed(opt, model, cells, output)
        rows["gfembed"]["startup"].append(startup)
        rows["gfembed"]["runs"].append({**ours, "seconds": ours["seconds"] - startup["seconds"],
                                        "cpu": ours["cpu"] - startup["cpu"]})
        for peer in peers:
            saved = os.path.join(opt.folder, f"{peer.engine}.npy")
            rows[peer.engine]["runs"].append(peer.ask(run=n, cells=cells, genes=genes, save=saved))
            rows[peer.engine]["difference"] = largest_difference(output, saved)
    os.remove(cells)
    return [summarise(name, length, n, engine, row, rows["gfembed"]["runs"]) for engine, row in rows.items()]


def summarise(name, length, n, engine, row, ours):
    def ratios(key):
        return [theirs[key] / mine[key] for theirs, mine in zip(row["runs"], ours)]

    def median(key):
        return statistics.median(r[key] for r in row["runs"])

    return {
        "model": name, "tokens": length, "cells": n, "engine": engine, **row,
        "cells_per_second": n / median("seconds"), "cells_per_cpu_second": n / median("cpu"),
        "flops_per_second": n / median("seconds") * make_models.flops(name, length),
        "others": median("others"), "ours_faster": statistics.median(ratios("seconds")),
        "ours_faster_least": min(ratios("seconds")), "ours_faster_most": max(ratios("seconds")),
        "ours_cheaper": statistics.median(ratios("cpu")),
    }


def measure_network(opt):
    rows = []
    for name in opt.models:
        model = make_models.model(opt.folder, name)
        with open(os.path.join(opt.folder, "peers.log"), "a") as log:
            peers = [Peer(engine, model, opt.threads, log) for engine in opt.peers]
            for length in opt.lengths:
                if length <= make_models.MODELS[name]["positions"]:
                    found = measure_length(opt, name, model, peers, length)
                    print_network(found, is_first=not rows)
                    rows += found
            for peer in peers:
                peer.close()
    return rows


def print_network(rows, is_first):
    if is_first:
        print(f"{'model':8} {'tokens':>6} {'engine':11} {'batch':>5} {'cells/s':>8} {'GFLOP/s':>8} {'cells/CPU-s':>11}"
              f" {'ours is':>8} {'(range)':>12} {'a CPU-s':>8} {'differs by':>10} {'others':>6}")
    for r in rows:
        line = (f"{r['model']:8} {r['tokens']:6} {r['engine']:11} {r.get('batch', ''):5} {r['cells_per_second']:8.3g}"
                f" {r['flops_per_second'] / 1e9:8.0f} {r['cells_per_cpu_second']:11.3g}")
        if r["engine"] != "gfembed":
            spread = f"({r['ours_faster_least']:.2f}-{r['ours_faster_most']:.2f})"
            line += f" {r['ours_faster']:7.2f}x {spread:>12} {r['ours_cheaper']:7.2f}x {r['difference']:10.1e}"
        else:
            line += " " * 50
        print(f"{line} {r['others']:6.2f}", flush=True)
    print()


# -- start-up, and ranking ------------------------------------------------------------------------------------------------


def measure_startup(opt, name):
    """Whole processes, from nothing to the embedding of one cell of 20 tokens; files are in the cache."""
    model, cells = make_models.model(opt.folder, name), make_models.tokens(opt.folder, name, 20, 1)
    seconds = {engine: [] for engine in ["gfembed"] + opt.peers}
    with open(os.path.join(opt.folder, "peers.log"), "a") as log:
        for _ in range(opt.rounds + 1):
            seconds["gfembed"].append(gfembed(opt, model, cells, os.path.join(opt.folder, "ours.cells"))["seconds"])
            for engine in opt.peers:
                start = time.perf_counter()
                peer = Peer(engine, model, opt.threads, log)
                peer.ask(run=1, cells=cells, genes=make_models.gene_part(name, 20), save=None)
                peer.close()
                seconds[engine].append(time.perf_counter() - start)
    print(f"one cell of 20 tokens through {name}, whole process, {opt.threads} threads:")
    medians = {engine: statistics.median(s[1:]) for engine, s in seconds.items()}  # the first filled the cache
    for engine, s in medians.items():
        print(f"  {engine:11} {s:6.2f} s" + (f"   ours is {s / medians['gfembed']:.1f}x" if engine != "gfembed" else ""))
    print(flush=True)
    return {"model": name, "seconds": medians, "runs": seconds}


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
        runs.append({**whole, "seconds": whole["seconds"] - startup["seconds"], "cpu": whole["cpu"] - startup["cpu"]})
    rate, cpu = (n / statistics.median(r[key] for r in runs[1:]) for key in ("seconds", "cpu"))
    others = statistics.median(r["others"] for r in runs[1:])
    print(f"rankencode -t 1, {n} cells of {n_genes} genes, less start-up: {rate:.0f} cells/s, {cpu:.0f} cells/CPU-s"
          f" (others {others:.2f})\n", flush=True)
    return {"genes": n_genes, "cells": n, "cells_per_second": rate, "cells_per_cpu_second": cpu, "runs": runs}


# -- the whole ------------------------------------------------------------------------------------------------------------


def processor():
    try:
        with open("/proc/cpuinfo") as f:
            lines = dict(line.strip().replace("\t", "").split(": ", 1) for line in f if ": " in line)
        return {"name": lines.get("model name", platform.machine()), "flags": lines.get("flags", "").split()}
    except OSError:
        return {"name": platform.machine(), "flags": []}


def parse():
    def words(text):
        return [w for w in text.split(",") if w]

    p = argparse.ArgumentParser(prog="bench.sh")
    p.add_argument("--folder", required=True, help=argparse.SUPPRESS)
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of every engine (all)")
    p.add_argument("--models", type=words, default=["V1-10M", "V2-104M"], help="V1-10M,V2-104M,V2-316M")
    p.add_argument("--lengths", type=lambda s: [int(w) for w in words(s)], default=[512, 1024, 2048], help="tokens a cell")
    p.add_argument("--peers", type=words, default=["torch", "onnx", "onnx-fused"], help=f"of {','.join(ENGINES)}")
    p.add_argument("--parts", type=words, default=["network", "startup", "rankencode"], help="what to measure (all)")
    p.add_argument("--rounds", type=int, default=5, help="turns of every engine (5)")
    p.add_argument("--seconds", type=float, default=10, help="about what one turn takes (10)")
    p.add_argument("--quick", action="store_true", help="a rough look: 2 rounds of few cells, two lengths, two peers")
    opt = p.parse_args()
    opt.largest_batch, opt.rank_cells = 16, 20000
    if opt.quick:
        opt.lengths, opt.peers, opt.rounds, opt.seconds, opt.largest_batch = [512, 2048], ["torch", "onnx-fused"], 2, 2, 2
    return opt


def main():
    opt = parse()
    cpu = processor()
    result = {"processor": cpu, "processors": os.cpu_count(), "options": vars(opt)}
    print(f"{cpu['name']}, {opt.threads} of {os.cpu_count()} processors, float32; medians of {opt.rounds} rounds\n",
          flush=True)
    if "network" in opt.parts:
        result["network"] = measure_network(opt)
    if "startup" in opt.parts:
        result["startup"] = [measure_startup(opt, opt.models[-1])]
    if "rankencode" in opt.parts:
        result["rankencode"] = measure_rankencode(opt)
    with open(os.path.join(opt.folder, "bench.json"), "w") as f:
        json.dump(result, f, indent=1)
    print(os.path.join(opt.folder, "bench.json"))


if __name__ == "__main__":
    main()
