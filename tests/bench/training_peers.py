"""The other ways to learn, one engine a process: training_peers.py ENGINE MODEL mlm|class TOKENS CELLS THREADS.

    reference   what Geneformer's pretrainer and classifier do: transformers' BertForMaskedLM, the head and the loss on all
                positions with a label of -100 where none is wanted, or BertForSequenceClassification; the attention mask of a
                padded batch; attention as transformers chooses it; dropout 0.02 everywhere; float32
    torch       the same network tuned: no mask, scaled-dot-product attention (without dropout, so that its fused kernel is
                taken), head and loss on the masked positions only; float32
    torch-bf16  torch under autocast to bfloat16

All of them clip the gradient's norm to 1 and take a step of fused AdamW. Weights and cells are random, of the real shapes;
all cells are as long, so nobody pads. 15 % of the tokens are guessed, or four classes found. Each line of stdin is answered by
one step, as a line of JSON on stdout.
"""

import json
import os
import resource
import sys
import time

import torch
import transformers

from make_models import MODELS, _config

CLASSES, MASKED = 4, 0.15


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Peer:
    def __init__(self, engine, model, task, tokens, cells):
        self.is_mlm, self.is_reference, self.is_bf16 = task == "mlm", engine == "reference", engine == "torch-bf16"
        settings = {k: v for k, v in _config(MODELS[model]).items() if k != "architectures"}
        config = transformers.BertConfig(**settings, num_labels=CLASSES)
        if not self.is_reference:
            config._attn_implementation = "sdpa"
            config.attention_probs_dropout_prob = 0.0
        kind = transformers.BertForMaskedLM if self.is_mlm else transformers.BertForSequenceClassification
        self.model = kind(config).train()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4, weight_decay=0.001, fused=True)
        self.ids = torch.randint(2, MODELS[model]["vocab"], (cells, tokens))
        self.mask = torch.ones_like(self.ids) if self.is_reference else None
        self.labels = torch.randint(0, CLASSES, (cells,))
        if self.is_mlm:
            self.labels = torch.where(torch.rand(cells, tokens) < MASKED, self.ids, -100)

    def loss(self):
        if self.is_reference or not self.is_mlm:
            return self.model(input_ids=self.ids, attention_mask=self.mask, labels=self.labels).loss
        is_wanted = self.labels >= 0
        states = self.model.bert(input_ids=self.ids).last_hidden_state[is_wanted]
        return torch.nn.functional.cross_entropy(self.model.cls(states).float(), self.labels[is_wanted])

    def step(self):
        cpu, start = cpu_seconds(), time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.is_bf16):
            loss = self.loss()
        forward = time.perf_counter() - start
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return {"seconds": time.perf_counter() - start, "cpu": cpu_seconds() - cpu, "forward": forward,
                "loss": loss.item()}


def main():
    engine, model, task, tokens, cells, threads = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    peer = Peer(engine, model, task, int(tokens), int(cells))
    for _ in sys.stdin:
        print(json.dumps(peer.step()), file=answers, flush=True)


if __name__ == "__main__":
    main()
