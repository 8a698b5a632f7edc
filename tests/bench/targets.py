"""What the parts of the benchmark should come to, and whether they do."""

import math

BEST_F32 = {"V1-10M": {512: 1.2, 1024: 1.2, 2048: 1.25}, "V2-104M": {512: 1.03, 1024: 1.1, 2048: 1.3, 4096: 1.25}}
INT8 = {"V1-10M": {512: 2.0, 2048: 2.5}, "V2-104M": {512: 1.5, 2048: 2.2, 4096: 2.5}}
PEAK = {"V1-10M 2048": 0.86, "V2-104M 2048": 0.90}
PIPE = {"unique ids": {"two cores": (50, 43000), "one core": (28, 24000)},
        "collapsing ids": {"two cores": (220, 43000), "one core": (120, 24000)}}
MEBIBYTE = 1 << 20


class Row:
    def __init__(self, what, found, least=None, most=None, unit="x"):
        self.what, self.found, self.least, self.most, self.unit = what, found, least, most, unit

    def is_met(self):
        return (self.least is None or self.found >= self.least) and (self.most is None or self.found <= self.most)

    def asked(self):
        return f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"


def _rate(rows, model, length, engines):
    """The best cells a second among these engines; NaN where none was measured."""
    found = [r["cells_per_second"] for r in rows
             if (r["model"], r["cells_are"]) == (model, str(length)) and r["engine"] in engines]
    return max(found, default=math.nan)


def network(rows):
    for model, lengths in BEST_F32.items():
        for length, least in lengths.items():
            ours = _rate(rows, model, length, ["gfembed f32"])
            yield Row(f"gfembed f32 {model} {length} / best f32 peer",
                      ours / _rate(rows, model, length, ["torch", "onnx", "onnx-fused"]), least)
            if model == "V1-10M":
                yield Row(f"gfembed f32 {model} {length} / the reference",
                          ours / _rate(rows, model, length, ["reference"]), 2.3)
            yield Row(f"gfembed bf16 {model} {length} / our f32", _rate(rows, model, length, ["gfembed bf16"]) / ours, 1.7)
    for model, lengths in INT8.items():
        for length, least in lengths.items():
            yield Row(f"gfembed int8 {model} {length} / ONNX Runtime int8", _rate(rows, model, length, ["gfembed int8"]) /
                      _rate(rows, model, length, ["onnx-int8"]), least)


def peak(found):
    for cells, least in PEAK.items():
        yield Row(f"share of the f32 peak, {cells}", found["shares"].get(cells, math.nan), least, unit="")


def tokens(found):
    for kind, places in PIPE.items():
        for place, (ratio, rate) in places.items():
            yield Row(f"tokens, {kind}, {place}", found["rates"][kind][place], rate, unit=" cells/s")
            yield Row(f"tokens, {kind}, {place} / the reference's steps", found["ratios"][kind][place], ratio)
    yield Row("file of tokens / X of the .h5ad", found["size"]["tokens"] / found["size"]["matrix"], most=0.9, unit="")


def decoding(found):
    for threads, least in (("1", 2.0), ("2", 3.5)):
        yield Row(f"reading a matrix / h5py, {threads} threads", found["ratios"][threads][0], least)


def passing(found):
    yield Row("passing cells on / cat", found["ratios"][0], 0.7)


def startup(found):
    yield Row(f"one short cell, {found['model']}, whole process", found["seconds"]["gfembed"], most=0.5, unit=" s")


def memory(found):
    for cells, bytes_ in found["gfembed"].items():
        yield Row(f"memory of gfembed, {cells}", bytes_ / MEBIBYTE, most=1024, unit=" MB")


def growth(found):
    for what, row in found.items():
        for n, x in row["growth"].items():
            yield Row(f"cost a cell, {what}, {n} cells / a tenth of them", x, most=1.1)


def threads(found):
    for what, row in found.items():
        if what != "h5ad2cells":
            yield Row(f"threads 1 to 2, {what}", row["ratios"][0], 1.85)


def busy(found):
    for what, row in found.items():
        yield Row(f"cells a CPU-second beside busy processes, {what}", row["ratios"][0], 0.9, unit="")


def lengths_growth(rows):
    """Twice the tokens as the FLOPs say: the rate of arithmetic stays."""
    ours = {(r["model"], int(r["cells_are"])): r["flops_per_second"] for r in rows
            if r["engine"] == "gfembed f32" and r["cells_are"].isdigit()}
    for (model, length), rate in sorted(ours.items()):
        if (model, length // 2) in ours:
            yield Row(f"FLOP/s of gfembed f32 {model}, {length} / {length // 2} tokens", rate / ours[model, length // 2],
                      0.9)


PARTS = {"network": (network, lengths_growth), "peak": (peak,), "tokens": (tokens,), "decoding": (decoding,),
         "passing": (passing,), "startup": (startup,), "memory": (memory,), "growth": (growth,), "threads": (threads,),
         "busy": (busy,)}


def show(result):
    """Prints a line for each target of which something was measured; returns them for the file."""
    rows = [row for part, makers in PARTS.items() if part in result for make in makers for row in make(result[part])]
    rows = [row for row in rows if not math.isnan(row.found)]
    if rows:
        print("targets")
    for row in rows:
        print(f"  {'met' if row.is_met() else 'NOT MET':8} {row.what:66} {row.found:9.4g}{row.unit:8} {row.asked()}")
    print(flush=True)
    return [{"what": r.what, "found": r.found, "least": r.least, "most": r.most, "met": r.is_met()} for r in rows]
