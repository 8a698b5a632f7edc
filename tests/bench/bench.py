"""Measures our programs and the peers in turn and prints tables; run by bench.sh, which says how to call it.

network.py, perturbation.py, ingest.py: what is measured; measure.py: how; peers.py, reference_tokenizer.py: what the peers do;
make_models.py: on what. Every single run goes to bench.json, the medians into a picture, bench.svg.
"""

import argparse
import json
import os
import platform

import ingest
import network
import perturbation
import picture
from peers import ENGINES

PARTS = {
    "network": lambda opt, result: network.measure(opt),
    "perturbation": lambda opt, result: perturbation.measure(opt),
    "peak": lambda opt, result: network.measure_peak(opt, result.get("network", [])),
    "startup": lambda opt, result: network.measure_startup(opt, opt.models[-1]),
    "tokens": lambda opt, result: ingest.measure_tokens(opt),
    "decoding": lambda opt, result: ingest.measure_decoding(opt),
    "passing": lambda opt, result: ingest.measure_passing(opt),
    "rankencode": lambda opt, result: ingest.measure_rankencode(opt),
}


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
    opt = p.parse_args()
    opt.largest_batch, opt.rank_cells, opt.demo_times, opt.reference_cells = 16, 20000, 8, 2638
    if opt.quick:
        opt.models, opt.lengths, opt.mixes, opt.rounds, opt.seconds = ["V1-10M"], [512, 2048], [], 2, 1
        opt.peers, opt.largest_batch, opt.demo_times, opt.reference_cells = ["torch", "onnx-fused"], 2, 2, 500
        opt.rank_cells = 5000
    return opt


def main():
    opt = parse()
    cpu = processor()
    result = {"processor": cpu, "processors": os.cpu_count(), "options": vars(opt)}
    print(f"{cpu['name']}, {opt.threads} of {os.cpu_count()} processors; medians of {opt.rounds} rounds\n", flush=True)
    for part in PARTS:
        if part in opt.parts:
            result[part] = PARTS[part](opt, result)
    with open(os.path.join(opt.folder, "bench.json"), "w") as f:
        json.dump(result, f, indent=1)
    print(os.path.join(opt.folder, "bench.json"))
    if "network" in result:
        print(picture.draw(result, os.path.join(opt.folder, "bench.svg")))


if __name__ == "__main__":
    main()
