"""Steps of learning: ours and the peers of training_peers.py, in turn.

A step is the forward pass, the loss, the backward pass, clipping and AdamW over about 8,192 tokens (2,048 of V2-104M). Ours is
bench_training, which does what gfpretrain and gftrain do between reading cells and writing metrics; both sides are processes
that stay, and have warmed up with a step. Against the reference ours drops hidden states and attention's weights as it does,
against PyTorch only hidden states, as that does. Backward over forward is of a step without dropout, the forward pass alone
measured beside it. Memory is the most that gfpretrain takes with 16,384 tokens a step.
"""

import json
import os
import subprocess
import sys

import make_models
from measure import HERE, Machine, median, ratios, run

PEERS = {"reference": "full", "torch": "hidden", "torch-bf16": "hidden"}  # and what ours drops against them
DROPOUT = {"full": ("0.02", "0.02"), "hidden": ("0.02", "0"), "none": ("0", "0")}


class Steps:
    """A process that makes a step for each line."""

    def __init__(self, command, log):
        self.command = command
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        self.runs = []

    def step(self):
        machine = Machine()
        self.process.stdin.write("step\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"bench: failed: {' '.join(self.command)}; its messages are in training.log")
        answer = json.loads(line)
        answer["others"] = machine.others(answer["cpu"])
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def has_precision(opt, precision):
    return subprocess.run([os.path.join(opt.folder, "bench_training"), "V1-10M", "class", "1", "1", "1", precision, "0", "0"],
                          stdin=subprocess.DEVNULL, capture_output=True).returncode == 0


def start(opt, name, task, length, cells, precisions, log):
    where = [name, task, str(length), str(cells), str(opt.threads)]
    engines = {}
    for precision in precisions:
        for kind, rates in DROPOUT.items():
            engines[precision, kind] = Steps([os.path.join(opt.folder, "bench_training"), *where, precision, *rates], log)
    for peer in PEERS:
        engines[peer] = Steps([sys.executable, os.path.join(HERE, "training_peers.py"), peer, *where], log)
    return engines


def compare(engines, precisions, tokens):
    rows = []
    for precision in precisions:
        ours = {kind: engines[precision, kind].runs for kind in DROPOUT}
        forward, gradient = median(ours["none"], "forward"), median(ours["none"], "gradient")
        rows.append({
            "precision": precision, "tokens_per_second": tokens / median(ours["full"], "seconds"),
            "others": median(ours["full"], "others"), "backward": (gradient - forward) / forward,
            "update": median(ours["full"], "update"), "runs": ours,
            "against": {peer: ratios(engines[peer].runs, ours[kind]) for peer, kind in PEERS.items()},
            "by_cpu": {peer: ratios(engines[peer].runs, ours[kind], "cpu")[0] for peer, kind in PEERS.items()},
        })
    return rows


def measure_task(opt, name, task, length, precisions, log):
    cells = max(1, (8192 if name == "V1-10M" else 2048) // length)
    engines = start(opt, name, task, length, cells, precisions, log)
    for engine in engines.values():
        engine.step()
    for _ in range(opt.rounds):
        for engine in engines.values():
            engine.runs.append(engine.step())
    for engine in engines.values():
        engine.close()
    rows = compare(engines, precisions, cells * length)
    for r in rows:
        against = " ".join(f"{r['against'][p][0]:9.2f}x ({r['by_cpu'][p]:5.2f}x)" for p in PEERS)
        print(f"{name:8} {task:5} {length:6} {r['precision']:9} {r['tokens_per_second']:9.0f} {against}"
              f" {r['backward']:8.2f} {r['update']:7.3f} {r['others']:6.2f}", flush=True)
    return [{"model": name, "task": task, "tokens": length, "cells": cells,
             "peers": {p: engines[p].runs for p in PEERS}, **r} for r in rows]


def measure_memory(opt):
    cells = make_models.tokens(opt.folder, "V1-10M", 2048, 16)
    output = os.path.join(opt.folder, "memory.model")
    subprocess.run(["rm", "-rf", output], check=True)
    memory = run("gfpretrain", "-q", "-t", str(opt.threads), "-b", "16384", "--steps", "2", "-o", output, cells)["memory"]
    print(f"gfpretrain, V1-10M, 16,384 tokens a step: {memory >> 20} MB\n", flush=True)
    return memory


def measure(opt):
    precisions = [p for p in ("f32", "bf16") if has_precision(opt, p)]
    rows = []
    print(f"{'model':8} {'task':5} {'tokens':>6} {'precision':9} {'tokens/s':>9} "
          + " ".join(f"{'than ' + p:>18}" for p in PEERS) + f" {'backward':>8} {'update':>7} {'others':>6}")
    with open(os.path.join(opt.folder, "training.log"), "w") as log:
        for name in [n for n in opt.models if n in ("V1-10M", "V2-104M")]:
            for task in ("mlm", "class"):
                for length in (512, 2048) if name == "V1-10M" else (512,):
                    if length in opt.lengths:
                        rows += measure_task(opt, name, task, length, precisions, log)
    return {"steps": rows, "memory": measure_memory(opt)}
