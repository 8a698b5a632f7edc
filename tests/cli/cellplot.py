"""Looks into pictures: cellplot.py texts|volcano|roc|png|pdf FILE ARG...

texts SVG: all texts, a line each.
volcano SVG TABLE SHIFT FDR: the points lie where the numbers at the axes say that the table's values are.
roc SVG EXPECTED KEY CLASS: the curve that scikit-learn found; the axes go from 0 to 1.
png FILE WIDTH HEIGHT: its size in pixels.
pdf FILE: begins and ends as a PDF does; a page; no date but the fixed one.
"""

import csv
import json
import math
import re
import struct
import sys
import xml.etree.ElementTree as tree
import zlib

SVG = "{http://www.w3.org/2000/svg}"


def group(root, name):
    return next(g for g in root.iter(SVG + "g") if g.get("class") == name)


def scale(numbers):
    """The straight line through the first and the last (place, label) of an axis."""
    values = [(p, float(label.replace("\u2212", "-"))) for p, label in numbers]
    (p0, v0), (p1, v1) = values[0], values[-1]
    return lambda v: p0 + (v - v0) / (v1 - v0) * (p1 - p0)


def axes(root):
    """Places of values at x and y, from the ticks and their labels."""
    frame = group(root, "frame")
    lines = [[float(line.get(k)) for k in ("x1", "y1", "x2", "y2")] for line in frame.iter(SVG + "line")]
    down = [line[0] for line in lines if line[0] == line[2]]
    across = [line[1] for line in lines if line[1] == line[3]]
    labels = [t for t in frame.iter(SVG + "text") if re.fullmatch("\u2212?[0-9.]+", t.text)]
    x = [t.text for t in labels if t.get("text-anchor") == "middle"]
    y = [t.text for t in labels if t.get("text-anchor") == "end"]
    assert len(x) == len(down) and len(y) == len(across), (x, down, y, across)
    return scale(list(zip(down, x))), scale(list(zip(across, y)))


def volcano(root, path, shift, fdr):
    with open(path) as lines:
        rows = [(float(r[shift]), -math.log10(float(r[fdr]))) for r in csv.DictReader(lines, delimiter="\t")
                if r[shift] and r[fdr]]
    to_x, to_y = axes(root)
    expected = sorted((to_x(x), to_y(y)) for x, y in rows)
    got = sorted((float(c.get("cx")), float(c.get("cy"))) for c in group(root, "points").iter(SVG + "circle"))
    assert len(got) == len(expected), (len(got), len(expected))
    for g, e in zip(got, expected):
        assert abs(g[0] - e[0]) < 0.05 and abs(g[1] - e[1]) < 0.05, (g, e)


def roc(root, path, key, name):
    with open(path) as text:
        curve = next(c for c in json.load(text)[key]["roc"] if c["class"] == name)
    assert any(t.text == f"{name} (AUC {curve['auc']:.3f})" for t in root.iter(SVG + "text")), "no label"
    frame = [r for r in group(root, "frame").iter(SVG + "rect")][-1]
    x, y, w, h = (float(frame.get(k)) for k in ("x", "y", "width", "height"))
    numbers = re.findall("[-0-9.]+", [p for p in group(root, "curves").iter(SVG + "path")][-1].get("d"))
    got = [((float(a) - x) / w, 1 - (float(b) - y) / h) for a, b in zip(numbers[::2], numbers[1::2])]
    expected = list(zip(curve["fpr"], curve["tpr"]))
    assert len(got) == len(expected), (len(got), len(expected))
    for g, e in zip(got, expected):
        assert abs(g[0] - e[0]) < 1e-4 and abs(g[1] - e[1]) < 1e-4, (g, e)


def png(data, width, height):
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, kinds = 8, []
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size:at + 12 + size])[0] == zlib.crc32(kind + body), kind
        if kind == b"IHDR":
            assert struct.unpack(">II", body[:8]) == (int(width), int(height)), struct.unpack(">II", body[:8])
        kinds.append(kind)
        at += 12 + size
    assert kinds[0] == b"IHDR" and kinds[1] == b"pHYs" and kinds[-1] == b"IEND", kinds


def pdf(data):
    assert data.startswith(b"%PDF-1.") and data.rstrip().endswith(b"%%EOF")
    assert b"/Type /Page" in data or b"/Type /ObjStm" in data
    assert re.findall(rb"/CreationDate \((.*?)\)", data) in ([], [b"20000101000000Z"])
    assert b"ModDate" not in data


mode, name, *rest = sys.argv[1:]
if mode in ("png", "pdf"):
    with open(name, "rb") as file:
        {"png": png, "pdf": pdf}[mode](file.read(), *rest)
else:
    root = tree.parse(name).getroot()
    assert root.tag == SVG + "svg"
    if mode == "texts":
        for t in root.iter(SVG + "text"):
            print(t.text)
    else:
        {"volcano": volcano, "roc": roc}[mode](root, *rest)
