"""How cost grows: with the cells, with the threads, in memory, and beside other work.

Growth is told as processor time a cell, start-up taken off, relative to that of a tenth of the cells: 1 is linear.
"""

import os

import ingest
import make_models
from measure import busy_processors, less, median, peak_memory, ratios, run, shell

SHORT, MIDDLE = 128, 1024  # tokens a cell, where the length is not what is asked


def command(opt, name, threads):
    return ["gfembed", "-q", "-m", make_models.model(opt.folder, name), "-t", str(threads), "--precision", "f32",
            "--layer", "0", "--pool", "mean", "-o", os.path.join(opt.folder, "ours.scaling.cells")]


def gfembed(opt, name, length, n, threads):
    """n cells of that length, start-up taken off."""
    startup = run(*command(opt, name, threads), make_models.tokens(opt.folder, name, 20, 1))
    return less(run(*command(opt, name, threads), make_models.tokens(opt.folder, name, length, n)), startup)


def cells_for(opt, name, length, share=1.0):
    """As many as take about that share of opt.seconds on one thread, an even number; enough for several batches."""
    return max(16, round(share * opt.seconds * 100e9 / make_models.flops(name, length) / 2) * 2)


# -- memory ---------------------------------------------------------------------------------------------------------------


def pipe_memory(opt, times):
    """The most that each program of the pipe takes, from a file to a file."""
    found, cells = {}, ingest.demo_cells(opt, times)
    for name in ("h5ad2cells", "genemap", "normalize", "rankencode"):
        output = os.path.join(opt.folder, f"memory.{name}.cells")
        found[name] = peak_memory(name, "-q", "-t", "2", *([] if name == "h5ad2cells" else ["-d", ingest.DICTIONARY]),
                                  "-l", "0", "-o", output, cells)
        if cells.startswith(os.path.join(opt.folder, "memory.")):
            os.remove(cells)
        cells = output
    os.remove(cells)
    return found


def measure_memory(opt):
    result = {"pipe": {}, "gfembed": {}}
    print("most memory, 2 threads")
    for times in opt.growth_times[:2]:
        result["pipe"][times] = pipe_memory(opt, times)
        print(f"  {2638 * times:7} cells: " + ", ".join(f"{k} {v >> 20} MB" for k, v in result["pipe"][times].items()))
    for name in opt.models:
        length = make_models.MODELS[name]["positions"]
        for n in (4, 8) if not opt.quick else (2,):
            memory = peak_memory(*command(opt, name, 2), make_models.tokens(opt.folder, name, length, n))
            result["gfembed"][f"{name} {length} x {n}"] = memory
            print(f"  gfembed {name}, {n} cells of {length} tokens: {memory >> 20} MB", flush=True)
    print()
    return result


# -- growth ---------------------------------------------------------------------------------------------------------------


def growth(costs):
    """Cost a cell against that of the size before."""
    sizes = sorted(costs)
    return {b: costs[b] / b / (costs[a] / a) for a, b in zip(sizes, sizes[1:])}


def measure_growth(opt):
    pipes, output = {}, os.path.join(opt.folder, "growth.tokens")
    start = median([shell(ingest.pipe(ingest.demo_cells(opt, 1, n=1), output)) for _ in range(3)], "cpu")
    for times in opt.growth_times:
        source = ingest.demo_cells(opt, times)
        runs = [shell(ingest.pipe(source, output)) for _ in range(opt.rounds if times < 100 else 1)]
        pipes[ingest.count_cells(source)] = median(runs, "cpu") - start
        os.remove(output)
    name = opt.models[0]
    least = max(cells_for(opt, name, SHORT, 0.02), 20)
    embedded = {n: median([gfembed(opt, name, SHORT, n, opt.threads) for _ in range(min(opt.rounds, 3))], "cpu")
                for n in [least * t for t in opt.growth_times]}
    result = {"pipe": {"cpu": pipes, "growth": growth(pipes)},
              f"gfembed {name}, {SHORT} tokens": {"cpu": embedded, "growth": growth(embedded)}}
    for what, found in result.items():
        print(f"growth of {what}: " + ", ".join(f"{n} cells {s / n * 1e6:.1f} us" for n, s in found["cpu"].items()) +
              "; tenfold cells, cost a cell " + ", ".join(f"{x:.2f}x" for x in found["growth"].values()))
    print(flush=True)
    return result


# -- threads and other work -----------------------------------------------------------------------------------------------


def measure_threads(opt):
    result = {}
    for name in opt.models:
        n = cells_for(opt, name, MIDDLE, 0.5)
        runs = {t: [] for t in (1, 2)}
        for _ in range(opt.rounds):
            for t, found in runs.items():
                found.append(gfembed(opt, name, MIDDLE, n, t))
        result[f"gfembed {name}"] = {"runs": runs, "ratios": ratios(runs[1], runs[2])}
    source, runs = ingest.demo_cells(opt, opt.demo_times), {1: [], 2: []}
    for _ in range(max(opt.rounds, 5)):
        for t, found in runs.items():
            found.append(run("h5ad2cells", "-q", "-t", str(t), source))
    result["h5ad2cells"] = {"runs": runs, "ratios": ratios(runs[1], runs[2])}
    for what, found in result.items():
        print(f"threads 1 to 2, {what}: {found['ratios'][0]:.2f}x ({found['ratios'][1]:.2f}-{found['ratios'][2]:.2f})")
    print(flush=True)
    return result


def measure_busy(opt):
    """Cells a processor second beside two processes that never rest, against those of the quiet run."""
    name = opt.models[0]
    n = cells_for(opt, name, 512, 0.5)
    output = os.path.join(opt.folder, "busy.tokens")
    source = ingest.demo_cells(opt, opt.demo_times)
    works = {f"gfembed {name}, 512 tokens": lambda: gfembed(opt, name, 512, n, opt.threads),
             "the pipe to tokens": lambda: shell(ingest.pipe(source, output))}
    result = {}
    for what, work in works.items():
        quiet, busy = [], []
        for _ in range(opt.rounds):
            quiet.append(work())
            with busy_processors(2):
                busy.append(work())
        result[what] = {"quiet": quiet, "busy": busy, "ratios": ratios(quiet, busy, "cpu")}
        print(f"cells a CPU-second beside two busy processes, {what}: {result[what]['ratios'][0]:.2f} of the quiet run's"
              f" ({result[what]['ratios'][1]:.2f}-{result[what]['ratios'][2]:.2f})")
    os.remove(output)
    print(flush=True)
    return result
