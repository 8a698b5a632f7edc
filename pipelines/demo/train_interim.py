#!/usr/bin/env python3
"""Train the demo's interim model: a small BERT, masked-LM on rank-encoded cells, with PyTorch.

    python3 train_interim.py --genes genes.cells --test pbmc3k.h5ad -o model TRAIN.h5ad ...

TRAIN are .h5ad files of human cells with raw counts in X and n_counts in obs; ids are matched to
the dictionary by Ensembl id, symbol or alias. --test is never trained on; the loss of every fourth
of its cells is reported. Of TRAIN a twentieth of the cells is held out.

Encoding   As cellpipe's normalize and rankencode do it: count / n_counts * 10,000 / median, sorted
           downwards, cut to the model's 1,024 positions, <cls> first and <eos> last. Only equal
           values stand in another order: by token, not by column.
Model      4 layers of 128, 2 heads, feed-forward 256, ReLU, learned positions, decoder tied to the
           word embeddings; no dropout (each cell is seen about four times, each time other tokens
           of it).
Start      Word embeddings from co-expression: the rank-128 SVD of the cell x gene occurrence
           matrix, columns weighted by log inverse document frequency, rows scaled to length 1; the
           genes' factors, scaled to a standard deviation of 0.04, are added to the usual random
           start. The decoder's bias starts from the log frequencies of the genes. Without this a
           corpus of this size does not leave the plateau of gene frequencies (see --plain).
           Positions start smooth: random combinations of cosines of the logarithm of the rank.
Steps      3,072 tokens each. 12 cells, of each 256 tokens drawn at random, in order and with their
           true positions (so every position is trained, at the cost of short cells); in the last
           tenth of the steps 3 cells, up to 1,024 tokens. 15 % of the genes are masked: 80 % become
           <mask>, 10 % a random gene, 10 % stay. The reference masks <cls> and <eos> like genes;
           here they are left alone.
Optimiser  AdamW, learning rate 1e-3, 150 steps of warm-up, then linear to 0; weight decay 0.001,
           gradient norm cut at 1.

The weights are stored as float16, rounded once at the end; the losses printed are those of the
rounded model. Needs anndata, numpy, pyarrow, scipy, torch and transformers. One thread of a server
CPU takes about 20 minutes.
"""

import argparse
import json
import math
import time

import anndata
import numpy as np
import pyarrow as pa
import torch
from scipy import sparse
from scipy.sparse.linalg import svds
from torch.nn import functional
from transformers import BertConfig, BertForMaskedLM

MASK, CLS, EOS, SPECIAL = 1, 2, 3, 4
POSITIONS, WIDTH, BUDGET = 1024, 128, 3072


def read_dictionary(path):
    """Name in upper case -> token; the medians by token; the size of the vocabulary."""
    with pa.ipc.open_stream(path) as reader:
        table = reader.read_all().to_pydict()
    names = {}
    for column in ("aliases", "symbol", "gene"):
        for token, value in zip(table["token"], table[column]):
            for name in value if column == "aliases" else [value or ""]:
                names[name.upper()] = token
    names.pop("", None)
    medians = np.array([math.nan if m is None else m for m in table["median"]])
    return names, medians, len(medians)


def encode_file(path, names, medians):
    """Rank-encode the cells of one .h5ad file: a list of int64 arrays, <cls> first, <eos> last."""
    cells = anndata.read_h5ad(path)
    if "species" in cells.obs:
        cells = cells[cells.obs.species == "human"]
    symbols = cells.var["gene_symbol"] if "gene_symbol" in cells.var else cells.var_names
    tokens = [names.get(gene.upper(), names.get(symbol.upper()))
              for gene, symbol in zip(cells.var_names, symbols)]
    pairs = [(i, token) for i, token in enumerate(tokens) if token is not None]
    rows, columns = zip(*pairs)
    gather = sparse.csr_matrix((np.ones(len(pairs)), (rows, columns)),
                               (cells.n_vars, len(medians)))
    counts = sparse.csr_matrix(sparse.csr_matrix(cells.X, dtype=np.float64) @ gather)
    totals = cells.obs["n_counts"].to_numpy(np.float64)
    return [encode_cell(counts[i], totals[i], medians) for i in range(counts.shape[0])]


def encode_cell(row, total, medians):
    """Tokens of one cell, a sparse row of counts by token."""
    row.sort_indices()
    values = row.data / total * 10000 / medians[row.indices]
    order = np.argsort(-values, kind="stable")[:POSITIONS - 2]
    return np.concatenate(([CLS], row.indices[order], [EOS])).astype(np.int64)


def coexpression(cells, size, generator):
    """Start of the word embeddings from which genes occur together: size x WIDTH, sd 0.04."""
    columns = np.concatenate(cells)
    rows = np.repeat(np.arange(len(cells)), [len(c) for c in cells])
    occurs = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), (len(cells), size))
    in_cells = np.asarray(occurs.sum(axis=0)).ravel()
    weighted = occurs @ sparse.diags(np.log(len(cells) / np.maximum(in_cells, 1)))
    lengths = np.sqrt(weighted.multiply(weighted).sum(axis=1)).A1
    unit = sparse.diags(1 / np.maximum(lengths, 1e-12)) @ weighted
    _, scale, factors = svds(unit, k=WIDTH, v0=generator.standard_normal(min(unit.shape)))
    start = factors.T * scale
    return torch.tensor(start * (0.04 / start.std()), dtype=torch.float32)


def smooth_positions(generator):
    """Start of the position embeddings: POSITIONS x WIDTH, smooth in the log rank, sd 0.02."""
    place = np.log1p(np.arange(POSITIONS)) / math.log1p(POSITIONS)
    waves = np.cos(np.pi * np.outer(place, np.arange(1, 17)))
    start = waves @ generator.standard_normal((16, WIDTH))
    return torch.tensor(start * (0.02 / start.std()), dtype=torch.float32)


def make_model(cells, size, plain, generator):
    """The untrained network; with plain the usual random start only."""
    config = BertConfig(
        vocab_size=size, hidden_size=WIDTH, num_hidden_layers=4, num_attention_heads=2,
        intermediate_size=256, hidden_act="relu", max_position_embeddings=POSITIONS,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, layer_norm_eps=1e-12,
        pad_token_id=0)
    model = BertForMaskedLM(config)
    if not plain:
        counts = np.bincount(np.concatenate(cells), minlength=size) + 1.0
        with torch.no_grad():
            model.bert.embeddings.word_embeddings.weight += coexpression(cells, size, generator)
            model.bert.embeddings.position_embeddings.weight += smooth_positions(generator)
            model.cls.predictions.bias.copy_(torch.tensor(np.log(counts / counts.sum())))
    return model


def draw_batch(cells, generator, length, whole):
    """A batch of BUDGET tokens: ids, positions and attention mask, padded with 0.

    whole: the first length tokens of each cell; else length tokens at random, <cls> among them."""
    batch = []
    for i in generator.integers(len(cells), size=BUDGET // length):
        cell = cells[i]
        if whole or len(cell) <= length:
            batch.append(np.arange(min(len(cell), length)))
        else:
            chosen = generator.choice(len(cell) - 1, length - 1, replace=False) + 1
            batch.append(np.concatenate(([0], np.sort(chosen))))
        batch[-1] = (cell[batch[-1]], batch[-1])
    return pad(batch)


def pad(batch):
    """(ids, positions) pairs -> ids, positions and attention mask, padded to the longest."""
    longest = max(len(ids) for ids, _ in batch)
    ids, positions = np.zeros((2, len(batch), longest), np.int64)
    for row, (tokens, places) in enumerate(batch):
        ids[row, :len(tokens)] = tokens
        positions[row, :len(tokens)] = places
    ids = torch.from_numpy(ids)
    return ids, torch.from_numpy(positions), (ids != 0).long()


def mask_tokens(ids, size, generator):
    """Mask 15 % of the genes: the ids to feed, and where (bool) a gene is to be predicted."""
    chance = torch.rand(ids.shape, generator=generator)
    how = torch.rand(ids.shape, generator=generator)
    wanted = (chance < 0.15) & (ids >= SPECIAL)
    random = torch.randint(SPECIAL, size, ids.shape, generator=generator)
    fed = torch.where(wanted & (how < 0.8), MASK, ids)
    return torch.where(wanted & (how >= 0.8) & (how < 0.9), random, fed), wanted


def loss_of(model, batch, size, generator, reduction="mean"):
    """Cross entropy at the masked places; the head runs on these rows only."""
    ids, positions, attention = batch
    fed, wanted = mask_tokens(ids, size, generator)
    output = model.bert(input_ids=fed, position_ids=positions, attention_mask=attention)
    hidden = output.last_hidden_state
    return functional.cross_entropy(model.cls(hidden[wanted]), ids[wanted], reduction=reduction)


def evaluate(model, cells, size):
    """Mean loss over the masked places of whole cells, the masks drawn with a fixed seed."""
    model.eval()
    generator = torch.Generator().manual_seed(1)
    total = places = 0
    with torch.no_grad():
        for i in range(0, len(cells), 8):
            batch = pad([(cell, np.arange(len(cell))) for cell in cells[i:i + 8]])
            losses = loss_of(model, batch, size, generator, "none")
            total, places = total + losses.sum().item(), places + len(losses)
    model.train()
    return total / places


def optimiser_of(model, rate, steps):
    """AdamW without decay of biases and norms, and its schedule."""
    decayed = [p for name, p in model.named_parameters() if p.dim() == 2]
    others = [p for name, p in model.named_parameters() if p.dim() != 2]
    optimiser = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.001},
                                   {"params": others, "weight_decay": 0.0}], lr=rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / 150, (steps - step) / max(steps - 150, 1)))
    return optimiser, schedule


def train(model, cells, held_out, size, options):
    """The training loop. Prints the running loss, and that of held-out cells now and then."""
    optimiser, schedule = optimiser_of(model, options.rate, options.steps)
    draws = np.random.default_rng(options.seed)
    masks = torch.Generator().manual_seed(options.seed)
    begin, running = time.monotonic(), None
    model.train()
    for step in range(options.steps):
        whole = step >= options.steps * 9 // 10
        batch = draw_batch(cells, draws, POSITIONS if whole else 256, whole)
        loss = loss_of(model, batch, size, masks)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        running = loss.item() if running is None else 0.98 * running + 0.02 * loss.item()
        if (step + 1) % 250 == 0:
            seconds = time.monotonic() - begin
            print(f"step {step + 1:5d}  {seconds:5.0f} s  loss {running:.3f}", flush=True)
        if (step + 1) % 1000 == 0:
            print(f"            held out {evaluate(model, held_out[:200], size):.3f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description="Train the demo's interim model.")
    parser.add_argument("train", nargs="+", metavar="TRAIN.h5ad")
    parser.add_argument("--genes", required=True, metavar="FILE")
    parser.add_argument("--test", required=True, metavar="FILE.h5ad")
    parser.add_argument("--steps", type=int, default=3600)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--plain", action="store_true", help="the usual random start only")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", dest="output", required=True, metavar="FOLDER")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    generator = np.random.default_rng(options.seed)
    names, medians, size = read_dictionary(options.genes)
    cells = [cell for path in options.train for cell in encode_file(path, names, medians)]
    cells = [cells[i] for i in generator.permutation(len(cells)) if len(cells[i]) >= 100]
    held_out, cells = cells[:len(cells) // 20], cells[len(cells) // 20:]
    print(f"{len(cells)} cells, {sum(map(len, cells))} tokens; {len(held_out)} held out",
          flush=True)

    model = make_model(cells, size, options.plain, generator)
    train(model, cells, held_out, size, options)
    model = model.half().float()
    test = encode_file(options.test, names, medians)[::4]
    report = {"steps": options.steps, "cells": len(cells), "tokens": sum(map(len, cells)),
              "held_out_cells": len(held_out),
              "held_out_loss": round(evaluate(model, held_out, size), 4),
              "test_cells": len(test), "test_loss": round(evaluate(model, test, size), 4)}
    print(json.dumps(report))
    model.half().save_pretrained(options.output)


if __name__ == "__main__":
    main()
