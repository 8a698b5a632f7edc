"""The other ways to embed cells, one engine a process: peers.py ENGINE MODEL THREADS (THREADS as gfembed's -t).

    torch       transformers' BertModel without a head, scaled-dot-product attention, float32, inference mode
    compiled    the same through torch.compile with frozen weights (it needs a C++ compiler and minutes)
    onnx        ONNX Runtime on the graph as it is exported: MatMul, Softmax, LayerNormalization ...
    onnx-fused  ONNX Runtime on its own fused operators: MultiHeadAttention, SkipLayerNormalization, Gemm with bias

All do the work of `gfembed --layer 0 --pool mean`: every layer, then the mean over the genes of the last one's states.
Cells of a run are equally long, so that nothing is padded. Commands come on stdin as JSON lines, an answer on stdout for
each:

    {"batch": [1, 2, 4], "cells": FILE, "genes": [FROM, TO]}                try these numbers of cells a call, keep the best
    {"run": N, "cells": FILE, "genes": [FROM, TO], "save": FILE.npy|null}   embed the first N cells of a stream of tokens
"""

import json
import os
import resource
import sys
import time

import numpy as np


class Torch:
    def __init__(self, folder, threads, is_compiled):
        import torch
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        torch.set_num_threads(threads)
        self.torch = torch
        self.versions = {"torch": torch.__version__, "transformers": transformers.__version__}
        self.model = transformers.BertModel.from_pretrained(
            folder, add_pooling_layer=False, attn_implementation="sdpa", dtype=torch.float32).eval()
        self.mode = torch.inference_mode
        if is_compiled:
            import torch._inductor.config

            torch._inductor.config.freezing = True
            self.mode = torch.no_grad  # freezing refuses inference mode
            self.model = torch.compile(self.model, dynamic=False)

    def embed(self, ids, first, end):
        with self.mode():
            return self.model(input_ids=self.torch.from_numpy(ids)).last_hidden_state[:, first:end].mean(1).numpy()


class OnnxRuntime:
    def __init__(self, folder, threads, is_fused):
        import onnxruntime

        from onnx_graph import build

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.versions = {"onnxruntime": onnxruntime.__version__}
        self.session = onnxruntime.InferenceSession(build(folder, is_fused).SerializeToString(), options,
                                                    providers=["CPUExecutionProvider"])

    def embed(self, ids, first, end):
        genes = np.array([first], np.int64), np.array([end], np.int64)
        return self.session.run(None, {"ids": ids, "first": genes[0], "end": genes[1]})[0]


ENGINES = {
    "torch": lambda folder, threads: Torch(folder, threads, False),
    "compiled": lambda folder, threads: Torch(folder, threads, True),
    "onnx": lambda folder, threads: OnnxRuntime(folder, threads, False),
    "onnx-fused": lambda folder, threads: OnnxRuntime(folder, threads, True),
}


def read_cells(path, n=None):
    import pyarrow as pa

    with pa.memory_map(path) as f:
        lists = pa.ipc.open_stream(f).read_all()["input_ids"].combine_chunks()
    lengths = np.diff(lists.offsets.to_numpy())
    assert (lengths == lengths[0]).all()
    return lists.flatten().to_numpy().astype(np.int64).reshape(len(lists), lengths[0])[:n]


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Peer:
    def __init__(self, engine, folder, threads):
        self.engine = ENGINES[engine](folder, threads)
        self.batch = 1

    def embed(self, ids, genes):
        return np.concatenate([self.engine.embed(ids[i:i + self.batch], *genes)
                               for i in range(0, len(ids), self.batch)])

    def choose_batch(self, sizes, ids, genes):
        """Two calls of each size, the first to get warm."""
        seconds = {}
        for self.batch in sizes:
            some = ids[:self.batch]
            self.embed(some, genes)
            start = time.perf_counter()
            self.embed(some, genes)
            seconds[self.batch] = (time.perf_counter() - start) / len(some)
        self.batch = min(seconds, key=seconds.get)
        return {"batch": self.batch, "versions": self.engine.versions}

    def run(self, ids, genes, save):
        cpu, start = cpu_seconds(), time.perf_counter()
        rows = self.embed(ids, genes)
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
        ids = read_cells(ask["cells"], ask.get("run"))
        answer = (peer.choose_batch(ask["batch"], ids, ask["genes"]) if "batch" in ask
                  else peer.run(ids, ask["genes"], ask["save"]))
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
