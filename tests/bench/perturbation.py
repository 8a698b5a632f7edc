"""Perturbing genes of a cell against embedding the same perturbed cells: gfperturb, and gfembed on what gfperturb --tokens
writes, with the same pool and layer.

The deletions of genes that follow each other, as when all genes of a cell are deleted one at a time. A run with a single
gene is taken off, so that neither the start nor the cell without perturbation counts, which a cell has once.
"""

import os

import pyarrow as pa

import make_models
from measure import less, median, ratios, run
from network import THREAD_FLOPS


def gene_file(opt, name, length, n):
    """The names of n genes from the middle of the cell, one a line."""
    cells = make_models.tokens(opt.folder, name, length, 1)
    ids = pa.ipc.open_stream(cells).read_all()["input_ids"][0].as_py()
    names, path = make_models.names(name), os.path.join(opt.folder, f"{name}.{length}x{n}.genes.txt")
    with open(path, "w") as f:
        f.writelines(f"{names[i]}\n" for i in ids[(length - n) // 2:][:n])
    return path


def gfperturb(opt, model, genes, cells, output, *more):
    return run("gfperturb", "-q", "-m", model, "-t", str(opt.threads), "--type", "delete", "-g", "@" + genes, *more,
               "-o", output, cells)


def gfembed(opt, model, cells, output):
    return run("gfembed", "-q", "-m", model, "-t", str(opt.threads), "--precision", "f32", "-o", output, cells)


def measure_length(opt, name, model, length):
    cells, output = make_models.tokens(opt.folder, name, length, 1), os.path.join(opt.folder, "ours.perturbed.cells")
    n = max(2, min(length // 2, round(opt.seconds * opt.threads * THREAD_FLOPS / make_models.flops(name, length))))
    many, one = gene_file(opt, name, length, n), gene_file(opt, name, length, 1)
    copies = {genes: f"{genes}.tokens" for genes in (many, one)}
    for genes, path in copies.items():
        gfperturb(opt, model, genes, cells, path, "--tokens")
    perturbed, embedded, memory = [], [], 0
    for _ in range(opt.rounds):
        whole = gfperturb(opt, model, many, cells, output)
        perturbed.append(less(whole, gfperturb(opt, model, one, cells, output)))
        embedded.append(less(gfembed(opt, model, copies[many], output), gfembed(opt, model, copies[one], output)))
        memory = max(memory, whole["memory"])
    faster, least, most = ratios(embedded, perturbed)
    return {
        "model": name, "tokens": length, "copies": n, "perturbed": perturbed, "embedded": embedded,
        "tokens_per_second": (n - 1) * (length - 1) / median(perturbed, "seconds"), "faster": faster, "least": least,
        "most": most, "cheaper": ratios(embedded, perturbed, "cpu")[0], "memory": memory,
        "others": median(perturbed, "others"),
    }


def measure(opt):
    rows = []
    print(f"{'model':8} {'tokens':>6} {'copies':>6} {'tokens/s':>9} {'than gfembed':>12} {'(range)':>12} {'a CPU-s':>8}"
          f" {'MB':>5} {'others':>6}")
    for name in opt.models:
        model = make_models.model(opt.folder, name)
        for length in opt.lengths:
            if length <= make_models.MODELS[name]["positions"]:
                r = measure_length(opt, name, model, length)
                spread = f"({r['least']:.2f}-{r['most']:.2f})"
                print(f"{name:8} {length:6} {r['copies']:6} {r['tokens_per_second']:9.0f} {r['faster']:11.2f}x {spread:>12}"
                      f" {r['cheaper']:7.2f}x {r['memory'] >> 20:5} {r['others']:6.2f}", flush=True)
                rows.append(r)
    print()
    return rows
