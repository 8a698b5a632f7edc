"""Measures our programs and the peers in turn and prints tables; run by bench.sh, which says how to call it.

network.py, perturbation.py, training.py, ingest.py, scaling.py: what is measured; targets.py: what it should come to;
measure.py: how; peers.py, training_peers.py, reference_tokenizer.py: what the peers do; make_models.py: on what. Every
single run goes to bench.json, part by part, the medians of the network into a picture, bench.svg.
"""

import argparse
import json
import os
import platform

import ingest
import network
import perturbation
import picture
import scaling
import targets
import training
from peers import ENGINES

PARTS = {
    "network": lambda opt, result: network.measure(opt),
    "perturbation": lambda opt, result: perturbation.measure(opt),
    "training": lambda opt, result: training.measure(opt),
    "peak": lambda opt, result: network.measure_peak(opt, result.get("network", [])),
    "startup": lambda opt, result: network.measure_startup(opt, opt.models[-1]),
    "tokens": lambda opt, result: ingest.measure_tokens(opt),
    "decoding": lambda opt, result: ingest.measure_decoding(opt),
    "passing": lambda opt, result: ingest.measure_passing(opt),
    "rankencode": lambda opt, result: ingest.measure_rankencode(opt),
    "memory": lambda opt, result: scaling.measure_memory(opt),
    "growth": lambda opt, result: scaling.measure_growth(opt),
    "threads": lambda opt, result: scaling.measure_threads(opt),
    "busy": lambda opt, result: scaling.measure_busy(opt),
}

# What --quick takes where nothing else is given.
QUICK = {"models": ["V1-10M"], "lengths": [512, 2048], "mixes": [], "rounds": 2, "seconds": 1.0,
         "peers": ["torch", "onnx-fused"], "parts": [p for p in PARTS if p not in ("memory", "growth", "threads", "busy")]}


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

    def numbers(text):
        return [int(w) for w in words(text)]

    p = argparse.ArgumentParser(prog="bench.sh")
    p.add_argument("--folder", required=True, help=argparse.SUPPRESS)
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of every engine (all)")
    p.add_argument("--models", type=words, default=["V1-10M", "V2-104M"], help="V1-10M,V2-104M,V2-316M")
    p.add_argument("--lengths", type=numbers, default=[512, 1024, 2048, 4096], help="tokens a cell")
    p.add_argument("--mixes", type=words, default=["pbmc3k", "tissues"], help="cells of several lengths")
    p.add_argument("--precisions", type=words, default=["f32", "bf16", "int8"], help="of gfembed; f32 comes first")
    p.add_argument("--peers", type=words, default=["reference", "torch", "torch-bf16", "onnx", "onnx-fused", "onnx-int8"],
                   help=f"of {','.join(ENGINES)}")
    p.add_argument("--parts", type=words, default=list(PARTS), help=f"of {','.join(PARTS)} (all)")
    p.add_argument("--rounds", type=int, default=5, help="turns of every engine (5)")
    p.add_argument("--seconds", type=float, default=10, help="about what one turn takes (10)")
    p.add_argument("--quick", action="store_true", help="a rough look in less than two minutes")
    p.add_argument("--resume", action="store_true", help="leave out the parts that bench.json has already")
    if p.parse_args().quick:
        p.set_defaults(**QUICK)
    opt = p.parse_args()
    unknown = [part for part in opt.parts if part not in PARTS]
    if unknown:
        p.error(f"no part {unknown[0]}: {', '.join(PARTS)}")
    opt.largest_batch, opt.rank_cells, opt.demo_times, opt.reference_cells = 16, 20000, 16, (None, 500)
    opt.growth_times = (1, 10, 100)
    if opt.quick:
        opt.largest_batch, opt.rank_cells, opt.demo_times, opt.reference_cells = 2, 5000, 2, (500, 100)
        opt.growth_times = (1, 10)
    return opt


def load(path, is_resumed):
    """What an earlier call found."""
    if not is_resumed or not os.path.exists(path):
        return {}
    with open(path) as f:
        return json.load(f)


def save(path, result):
    with open(path + ".part", "w") as f:
        json.dump(result, f, indent=1)
    os.rename(path + ".part", path)


def main():
    opt = parse()
    cpu, path = processor(), os.path.join(opt.folder, "bench.json")
    result = load(path, opt.resume)
    result.update(processor=cpu, processors=os.cpu_count(), options=vars(opt))
    print(f"{cpu['name']}, {opt.threads} of {os.cpu_count()} processors; medians of {opt.rounds} rounds\n", flush=True)
    for part in PARTS:
        if part in opt.parts and part not in result:
            result[part] = PARTS[part](opt, result)
            save(path, result)
    result = load(path, True)  # with keys as they are in the file
    result["targets"] = targets.show(result)
    save(path, result)
    print(path)
    if "network" in result:
        print(picture.draw(result, os.path.join(opt.folder, "bench.svg")))


if __name__ == "__main__":
    main()
