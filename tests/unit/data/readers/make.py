"""make.py - writes the small files beside it that the tests of the readers open.

    python3 tests/unit/data/readers/make.py

Needs numpy, torch, transformers and safetensors; the tests do not. The files are made by the
programs whose formats they are, so that the tests compare with them and not with ourselves.
"""

import collections
import json
import os
import pickle
import shutil

import numpy as np
import safetensors.torch
import torch
import transformers

HERE = os.path.dirname(os.path.abspath(__file__))
os.chdir(HERE)


def values():
    shared = [1, [2, "a"]]
    return {
        "ENSG00000000003": np.int16(-7),
        "ENSG00000000005": np.float64(1.7629378614450941),
        "i4": np.int32(-70000),
        "i8": np.int64(-5000000000),
        "u1": np.uint8(200),
        "u4": np.uint32(4000000000),
        "f4": np.float32(0.1),
        "b1": np.bool_(True),
        "none": None,
        "true": True,
        "false": False,
        "one byte": 255,
        "two bytes": 65535,
        "four bytes": -2147483648,
        "long": 1 << 40,
        "longest": -(1 << 63),
        "float": 0.1,
        "\u00e9\U0001f9ec": "\u00fc",
        "long text": "x" * 300,
        "bytes": b"\x00\x7f\x80\xff",
        "no bytes": b"",
        "list": shared,
        "same list": shared,
        "empty": [[], (), {}],
        "tuple": ((1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
        "ordered": collections.OrderedDict([("b", 1), ("a", 2)]),
        "default": collections.defaultdict(list, {("k", 1): [0.5]}),
    }


def pickles():
    for protocol in (2, 3, 4, 5):
        with open(f"values_{protocol}.pkl", "wb") as f:
            pickle.dump(values(), f, protocol=protocol)
    with open("many_4.pkl", "wb") as f:
        pickle.dump({f"G{i}": i for i in range(2500)}, f, protocol=4)
    with open("text_protocol.pkl", "wb") as f:
        pickle.dump({"a": 1}, f, protocol=0)

    class Attack:
        def __reduce__(self):
            return (os.system, ("touch pickle_was_run",))

    for protocol in (2, 4):
        with open(f"attack_{protocol}.pkl", "wb") as f:
            pickle.dump({"token": Attack()}, f, protocol=protocol)
    with open("big_endian.pkl", "wb") as f:
        pickle.dump({"x": np.dtype(">f8")}, f, protocol=4)


def tensors():
    halves = torch.tensor([0.0, -0.0, 1.0, -2.5, 65504.0, 6.1035156e-05, 5.9604645e-08,
                           -3.3378601e-06, float("inf"), float("-inf"), 0.33325195])
    return {
        "f32": torch.arange(6, dtype=torch.float32).reshape(2, 3) / 3,
        "f16": halves.to(torch.float16),
        "bf16": halves.clamp(-3e38, 3e38).to(torch.bfloat16),
        "f64": torch.tensor([0.1, 1e-50, -3.0], dtype=torch.float64),
        "i64": torch.tensor([[1, -2]], dtype=torch.int64),
        "bool": torch.tensor([True, False, True]),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 4),
    }


def torch_files():
    plain = tensors()
    safetensors.torch.save_file(plain, "tensors.safetensors", metadata={"format": "pt", "k": "v"})
    plain["view"] = plain["f32"][1]  # shares its storage
    plain["parameter"] = torch.nn.Parameter(torch.ones(2))
    plain["step"] = 7
    torch.save(plain, "tensors.bin")
    torch.serialization.set_crc32_options(False)
    torch.save(plain, "tensors_no_crc.bin")
    torch.serialization.set_crc32_options(True)
    torch.save({"a": torch.arange(4.0)}, "legacy.bin", _use_new_zipfile_serialization=False)
    torch.save({"a": torch.arange(6.0).reshape(2, 3).t()}, "transposed.bin")
    torch.save({"a": torch.arange(3).to(torch.uint16)}, "uint16.bin")
    torch.save(torch.nn.Linear(2, 2), "module.bin")
    torch.save({"a": torch.arange(4.0).to_sparse()}, "sparse.bin")
    # What the float32 of each number is, as numpy and torch convert it.
    with open("tensors.f32.json", "w") as f:
        json.dump({k: [x.hex() for x in v.detach().to(torch.float32).flatten().tolist()]
                   for k, v in plain.items()
                   if isinstance(v, torch.Tensor) and v.is_floating_point()}, f, indent=1)


CONFIG = dict(vocab_size=13, hidden_size=8, num_hidden_layers=2, num_attention_heads=2,
              intermediate_size=12, max_position_embeddings=5, hidden_act="relu", pad_token_id=0)


def fresh(name):
    shutil.rmtree(name, ignore_errors=True)
    os.mkdir(name)


def randomise(model):
    for p in model.parameters():
        p.data.normal_(0, 0.5)
    return model


def models():
    torch.manual_seed(1)
    config = transformers.BertConfig(**CONFIG)
    mlm = randomise(transformers.BertForMaskedLM(config))
    mlm.tie_weights()
    mlm.save_pretrained("mlm")
    mlm.save_pretrained("mlm-sharded", max_shard_size="2KB")
    fresh("mlm-bin")
    shutil.copy("mlm/config.json", "mlm-bin")
    torch.save(mlm.state_dict(), "mlm-bin/pytorch_model.bin")

    fresh("mlm-bin-sharded")
    shutil.copy("mlm/config.json", "mlm-bin-sharded")
    state = mlm.state_dict()
    names = sorted(state)
    parts = {"pytorch_model-00001-of-00002.bin": names[::2], "pytorch_model-00002-of-00002.bin": names[1::2]}
    for file, part in parts.items():
        torch.save({k: state[k].clone() for k in part}, "mlm-bin-sharded/" + file)
    with open("mlm-bin-sharded/pytorch_model.bin.index.json", "w") as f:
        json.dump({"metadata": {}, "weight_map": {k: f for f, p in parts.items() for k in p}}, f, indent=1)

    labels = {0: "B", 1: "NK", 2: "T \u03b3\u03b4"}
    config = transformers.BertConfig(**CONFIG, id2label=labels, label2id={v: k for k, v in labels.items()})
    randomise(transformers.BertForSequenceClassification(config)).save_pretrained("sequence")
    randomise(transformers.BertForTokenClassification(config)).save_pretrained("token")

    config = transformers.BertConfig(**CONFIG)
    base = randomise(transformers.BertModel(config))
    base.save_pretrained("base")

    # As Geneformer's multi-task classifier saves itself.
    fresh("multitask")
    shutil.copy("mlm/config.json", "multitask")
    state = {"bert." + k: v for k, v in base.state_dict().items()}
    state["attention_pool.attention_weights"] = torch.randn(8, 1)
    for i, n in enumerate((3, 2)):
        state[f"classification_heads.{i}.weight"] = torch.randn(n, 8)
        state[f"classification_heads.{i}.bias"] = torch.randn(n)
    torch.save(state, "multitask/pytorch_model.bin")


pickles()
torch_files()
models()
for folder, _, files in os.walk("."):
    for file in files:
        os.chmod(os.path.join(folder, file), 0o644)
