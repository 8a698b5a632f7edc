"""The network in PyTorch as somebody who knows it would run it on a GPU, beside bench_forward.

    python cuda_peer.py MODEL TOKENS [SECONDS [PEAK]]

bf16, scaled_dot_product_attention, torch.compile, no masked-LM head, no padding: cells of one length, as many as our batch
has. Weights are random with the real shapes. Prints cells/s, tokens/s and the share of PEAK (TFLOP/s).
"""

import sys
import time

import torch
import torch.nn.functional as F

SHAPES = {"V1-10M": (6, 256, 512, 25426, 2048), "V2-104M": (12, 768, 3072, 20275, 4096), "V2-316M": (18, 1152, 4608, 20275, 4096)}
BATCH_TOKENS = 16384


class Layer(torch.nn.Module):
    def __init__(self, hidden, inner):
        super().__init__()
        self.qkv = torch.nn.Linear(hidden, 3 * hidden)
        self.out = torch.nn.Linear(hidden, hidden)
        self.first = torch.nn.Linear(hidden, inner)
        self.second = torch.nn.Linear(inner, hidden)
        self.norms = torch.nn.ModuleList(torch.nn.LayerNorm(hidden, eps=1e-12) for _ in range(2))

    def forward(self, x):
        b, n, h = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, h // 64, 64).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, h)
        x = self.norms[0](x + self.out(y))
        return self.norms[1](x + self.second(F.relu(self.first(x))))


class Network(torch.nn.Module):
    def __init__(self, layers, hidden, inner, vocab, positions):
        super().__init__()
        self.words = torch.nn.Embedding(vocab, hidden)
        self.places = torch.nn.Embedding(positions, hidden)
        self.norm = torch.nn.LayerNorm(hidden, eps=1e-12)
        self.layers = torch.nn.ModuleList(Layer(hidden, inner) for _ in range(layers))

    def forward(self, ids):
        x = self.norm(self.words(ids) + self.places.weight[: ids.shape[1]])
        for layer in self.layers:
            x = layer(x)
        return x.float().mean(1)


def main():
    name, n = sys.argv[1], int(sys.argv[2])
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 5
    peak = float(sys.argv[4]) if len(sys.argv) > 4 else 0
    layers, hidden, inner, vocab, positions = SHAPES[name]
    cells = max(1, BATCH_TOKENS // n)
    network = torch.compile(Network(layers, hidden, inner, vocab, positions).cuda().bfloat16().eval())
    ids = torch.randint(0, vocab, (cells, n)).pin_memory()
    done = 0
    with torch.inference_mode():
        for _ in range(5):
            network(ids.cuda(non_blocking=True)).cpu()
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            network(ids.cuda(non_blocking=True)).cpu()
            done += cells
        taken = time.perf_counter() - start
    flops = layers * (2 * n * (4 * hidden**2 + 2 * hidden * inner) + 4 * n**2 * hidden)
    share = f" ({done / taken * flops / 1e10 / peak:.1f} % of {peak:.0f})" if peak else ""
    print(f"{name} {n} tokens, PyTorch {torch.__version__} bf16: {done / taken:.1f} cells/s, {done / taken * n:.0f} tokens/s, "
          f"{done / taken * flops / 1e12:.1f} TFLOP/s{share}")


main()
