"""What gfperturb must write, worked out another way. Files are JSON lines of cellview.

gfperturb.py copies TYPE GROUPS QUARTILES MAX_LENGTH TOKENS   the copies of each cell: JSON lines of cell, perturbed, input_ids
gfperturb.py embedded ROWS ORIGINALS COPIES [STATES]          cos_sim, or the shifts, from embeddings of the cells and of the copies

GROUPS are tokens, "7,9+12", or all. Each copy is made by moving genes one by one through a list.
"""

import json
import math
import sys

CLS, EOS = 2, 3


def read(path):
    with open(path) as lines:
        return [json.loads(line) for line in lines]


def move(genes, group, quartiles, is_up):
    """Genes of the group to their new places, in order; the others keep theirs."""
    m = len(genes)
    distance = math.floor(quartiles * m / 4 + 0.5)
    moved = [g for g in genes if g in group]
    places = []
    for i, g in enumerate(moved):
        place = genes.index(g) + (-distance if is_up else distance)
        places.append(min(max(place, i), m - len(moved) + i))
    others = iter([g for g in genes if g not in group])
    where = dict(zip(places, moved))
    return [where[p] if p in where else next(others) for p in range(m)]


def copy(kind, genes, group, quartiles, room):
    if kind == "delete":
        return [g for g in genes if g not in group]
    if kind == "overexpress":
        return (group + [g for g in genes if g not in group])[:room]
    return move(genes, group, quartiles, kind == "activate")


def copies(kind, groups, quartiles, max_length, tokens):
    for row in read(tokens):
        ids = row["input_ids"]
        head, tail = ids[:1] if ids[0] == CLS else [], ids[-1:] if ids[-1] == EOS else []
        genes = ids[len(head):len(ids) - len(tail)]
        if groups == "all":
            unmoved = {"delete": None, "inhibit": genes[-1]}.get(kind, genes[0])
            wanted = [[g] for g in genes if g != unmoved]
        else:
            wanted = [[int(t) for t in g.split("+")] for g in groups.split(",")]
            wanted = [g for g in wanted if kind == "overexpress" or all(t in genes for t in g)]
        for group in wanted:
            new = head + copy(kind, genes, group, int(quartiles), int(max_length) - len(head) - len(tail)) + tail
            print(json.dumps({"cell": row["cell"], "perturbed": group, "input_ids": new}))


def cosine(x, y):
    return math.fsum(a * b for a, b in zip(x, y)) / math.sqrt(math.fsum(a * a for a in x) * math.fsum(b * b for b in y))


def embedded(rows, originals, copies_, states=None):
    rows, copies_ = read(rows), read(copies_)
    originals = {row["cell"]: row["embedding"] for row in read(originals)}
    assert len(rows) == len(copies_) > 0, f"{len(rows)} rows and {len(copies_)} copies"
    worst = 0.0
    for row, x in zip(rows, copies_):
        assert (row["cell"], row["perturbed"]) == (x["cell"], x["perturbed"]), f"{row} is not {x['cell']}, {x['perturbed']}"
        original = originals[row["cell"]]
        if not states:
            worst = max(worst, abs(row["cos_sim"] - cosine(x["embedding"], original)))
        for state in read(states) if states else []:
            if f"shift:{state['state']}" in row:
                expected = cosine(x["embedding"], state["embedding"]) - cosine(original, state["embedding"])
                worst = max(worst, abs(row[f"shift:{state['state']}"] - expected))
    assert worst < 2e-6, f"largest difference {worst}"
    print(f"{len(rows)} rows, largest difference {worst:.2g}")


{"copies": copies, "embedded": embedded}[sys.argv[1]](*sys.argv[2:])
