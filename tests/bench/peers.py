"""The other ways to embed cells, one engine a process: peers.py ENGINE MODEL THREADS (THREADS as gfembed's -t).

    reference   what Geneformer's EmbExtractor does: transformers' BertForMaskedLM with its head, all hidden states kept,
                the attention mask of a padded batch, float32
    torch       transformers' BertModel without a head, scaled-dot-product attention, float32, inference mode
    torch-bf16  the same with weights and activations in bfloat16
    compiled    torch through torch.compile with frozen weights (it needs a C++ compiler and minutes)
    onnx        ONNX Runtime on the graph as it is exported: MatMul, Softmax, LayerNormalization ...
    onnx-fused  ONNX Runtime on its own fused operators: MultiHeadAttention, SkipLayerNormalization, Gemm with bias
    onnx-int8   onnx after onnxruntime.quantization.quantize_dynamic: 8-bit weights by channel, activations by tensor

All do the work of `gfembed --layer 0 --pool mean`: every layer, then the mean over the genes of the last one's states.
Cells go in sorted by length, as many of equal length a call as was found best; of cells of several lengths as many as
make the tokens asked for, padded to the longest. A mask is used only where there is padding, but by the reference.
Commands come on stdin as JSON lines, an answer on stdout for each:

    {"batch": [1, 2, 4], "cells": FILE, "genes": [FROM, TO]}                try these numbers of cells a call, keep the best;
                                                                            for several lengths: [TOKENS]
    {"run": N, "cells": FILE, "genes": [FROM, TO], "save": FILE.npy|null}   embed the first N cells of a stream of tokens

FROM tokens at the beginning and TO at the end of a cell are no genes.
"""

import json
import os
import resource
import sys
import time

import numpy as np


class Batch:
    """Cells of a call: ids [cells][tokens] padded with 0; lengths [cells]."""

    def __init__(self, rows):
        self.lengths = np.array([len(r) for r in rows])
        self.ids = np.zeros((len(rows), self.lengths.max()), np.int64)
        for to, row in zip(self.ids, rows):
            to[: len(row)] = row
        self.is_padded = (self.lengths < self.ids.shape[1]).any()

    def mask(self):
        return (np.arange(self.ids.shape[1]) < self.lengths[:, None]).astype(np.int64)

    def mean_weights(self, genes):
        """[cells][1][tokens]: one over the number of genes at each gene."""
        at = np.arange(self.ids.shape[1])
        is_gene = (at >= genes[0]) & (at < (self.lengths - genes[1])[:, None])
        return (is_gene / is_gene.sum(1, keepdims=True)).astype(np.float32)[:, None, :]


class Torch:
    def __init__(self, folder, threads, kind):
        import torch
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        torch.set_num_threads(threads)
        self.torch, self.is_reference = torch, kind == "reference"
        self.versions = {"torch": torch.__version__, "transformers": transformers.__version__}
        if self.is_reference:
            self.model = transformers.BertForMaskedLM.from_pretrained(
                folder, output_hidden_states=True, output_attentions=False, dtype=torch.float32).eval()
        else:
            self.model = transformers.BertModel.from_pretrained(
                folder, add_pooling_layer=False, attn_implementation="sdpa",
                dtype=torch.bfloat16 if kind == "torch-bf16" else torch.float32).eval()
        self.mode = torch.no_grad if self.is_reference else torch.inference_mode
        if kind == "compiled":
            import torch._inductor.config

            torch._inductor.config.freezing = True
            self.mode = torch.no_grad  # freezing refuses inference mode
            self.model = torch.compile(self.model, dynamic=False)

    def embed(self, batch, genes):
        ids, weights = self.torch.from_numpy(batch.ids), self.torch.from_numpy(batch.mean_weights(genes))
        mask = self.torch.from_numpy(batch.mask()) if batch.is_padded or self.is_reference else None
        with self.mode():
            out = self.model(input_ids=ids, attention_mask=mask)
            states = out.hidden_states[-1] if self.is_reference else out.last_hidden_state
            return (weights @ states.float())[:, 0].numpy()


class OnnxRuntime:
    def __init__(self, folder, threads, kind):
        import onnxruntime

        self.onnxruntime, self.folder, self.threads, self.kind = onnxruntime, folder, threads, kind
        self.versions = {"onnxruntime": onnxruntime.__version__}
        self.sessions = {}

    def session(self, has_mask):
        if has_mask not in self.sessions:
            from onnx_graph import build, quantize

            options = self.onnxruntime.SessionOptions()
            options.intra_op_num_threads = self.threads
            options.inter_op_num_threads = 1
            options.graph_optimization_level = self.onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
            graph = build(self.folder, self.kind == "onnx-fused", has_mask)
            if self.kind == "onnx-int8":
                graph = quantize(graph)
            self.sessions[has_mask] = self.onnxruntime.InferenceSession(graph.SerializeToString(), options,
                                                                        providers=["CPUExecutionProvider"])
        return self.sessions[has_mask]

    def embed(self, batch, genes):
        feed = {"ids": batch.ids, "weights": batch.mean_weights(genes)}
        if batch.is_padded:
            feed["mask"] = batch.mask().astype(np.int32)
        return self.session(bool(batch.is_padded)).run(None, feed)[0]


class Engine:
    def __init__(self, make, precision):
        self.make, self.precision = make, precision


ENGINES = {
    **{kind: Engine(Torch, "f32") for kind in ("reference", "torch", "compiled")},
    "torch-bf16": Engine(Torch, "bf16"),
    **{kind: Engine(OnnxRuntime, "f32") for kind in ("onnx", "onnx-fused")},
    "onnx-int8": Engine(OnnxRuntime, "int8"),
}


def read_cells(path, n=None):
    """A list of arrays of ids."""
    import pyarrow as pa

    with pa.memory_map(path) as f:
        lists = pa.ipc.open_stream(f).read_all()["input_ids"].combine_chunks()
    offsets, ids = lists.offsets.to_numpy(), lists.values.to_numpy().astype(np.int64)
    return [ids[a:b] for a, b in zip(offsets[:-1], offsets[1:])][:n]


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Peer:
    def __init__(self, engine, folder, threads):
        self.engine = ENGINES[engine].make(folder, threads, engine)
        self.batch = 1

    def cut(self, cells):
        """Numbers of the cells of each call."""
        order = sorted(range(len(cells)), key=lambda i: -len(cells[i]))
        if len(cells[order[0]]) == len(cells[order[-1]]):
            return [order[i:i + self.batch] for i in range(0, len(order), self.batch)]
        calls = [[]]
        for i in order:
            if calls[-1] and (len(calls[-1]) + 1) * len(cells[calls[-1][0]]) > self.batch:
                calls.append([])
            calls[-1].append(i)
        return calls

    def embed(self, cells, genes):
        rows = {}
        for call in self.cut(cells):
            rows.update(zip(call, self.engine.embed(Batch([cells[i] for i in call]), genes)))
        return np.stack([rows[i] for i in range(len(cells))])

    def choose_batch(self, sizes, cells, genes):
        """Two calls of each size, the first to get warm."""
        seconds = {}
        for self.batch in sizes:
            some = [cells[i] for i in self.cut(cells)[0]]
            self.embed(some, genes)
            start = time.perf_counter()
            self.embed(some, genes)
            seconds[self.batch] = (time.perf_counter() - start) / len(some)
        self.batch = min(seconds, key=seconds.get)
        return {"batch": self.batch, "versions": self.engine.versions}

    def run(self, cells, genes, save):
        cpu, start = cpu_seconds(), time.perf_counter()
        rows = self.embed(cells, genes)
        answer = {"seconds": time.perf_counter() - start, "cpu": cpu_seconds() - cpu}
        if save:
            np.save(save, rows)
        return answer


def main():
    engine, folder, threads = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    peer = Peer(engine, folder, int(threads))
    for line in sys.stdin:
        ask = json.loads(line)
        cells = read_cells(ask["cells"], ask.get("run"))
        answer = (peer.choose_batch(ask["batch"], cells, ask["genes"]) if "batch" in ask
                  else peer.run(cells, ask["genes"], ask["save"]))
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
