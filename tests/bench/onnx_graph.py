"""The encoder of a model folder as an ONNX graph: ids [cells][tokens], weights [cells][1][tokens] -> embeddings
[cells][hidden], the means of the last hidden states with these weights. Where cells are padded also mask [cells][tokens], 1
for a token and 0 behind the last of a cell.

plain: the operators that an export from PyTorch gives; ONNX Runtime optimises the graph by itself when it loads it.
fused: the operators that ONNX Runtime has for just this: MultiHeadAttention (no length x length matrix in memory),
SkipLayerNormalization, and Gemm with bias on two-dimensional states, into which it fuses the activation.
"""

import json
import os
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

CONTRIB = "com.microsoft"


class _Graph:
    def __init__(self):
        self.nodes, self.constants = [], {}

    def constant(self, name, value):
        self.constants[name] = np.ascontiguousarray(value)
        return name

    def add(self, operator, *inputs, domain="", **attributes):
        """Adds a node and returns the name of its output."""
        name = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], domain=domain, **attributes))
        return name


class _Bert(_Graph):
    def __init__(self, folder, is_fused, has_mask):
        super().__init__()
        with open(os.path.join(folder, "config.json")) as f:
            self.config = json.load(f)
        self.weights = load_file(os.path.join(folder, "model.safetensors"))
        self.is_fused, self.has_mask = is_fused, has_mask
        self.hidden, self.heads = self.config["hidden_size"], self.config["num_attention_heads"]
        self.eps = self.config["layer_norm_eps"]

    def weight(self, name):
        return self.constant(name, self.weights["bert." + name])

    def linear(self, x, name):
        weight = self.constant(name + ".weight", self.weights[f"bert.{name}.weight"].T)
        bias = self.weight(name + ".bias")
        if self.is_fused:
            return self.add("Gemm", x, weight, bias)
        return self.add("Add", self.add("MatMul", x, weight), bias)

    def norm(self, x, name):
        return self.add("LayerNormalization", x, self.weight(name + ".weight"), self.weight(name + ".bias"),
                        axis=-1, epsilon=self.eps)

    def add_norm(self, x, y, name):
        if not self.is_fused:
            return self.norm(self.add("Add", x, y), name)
        return self.add("SkipLayerNormalization", x, y, self.weight(name + ".weight"), self.weight(name + ".bias"),
                        domain=CONTRIB, epsilon=self.eps)

    def embed(self):
        zero = self.constant("zero", np.array([0], np.int64))
        length = self.add("Shape", "ids", start=1, end=2)
        words = self.add("Gather", self.weight("embeddings.word_embeddings.weight"), "ids")
        positions = self.add("Slice", self.weight("embeddings.position_embeddings.weight"), zero, length, zero)
        kind = self.constant("type", self.weights["bert.embeddings.token_type_embeddings.weight"][0])
        x = self.add("Add", self.add("Add", words, kind), positions)
        self.shape = self.add("Shape", x)
        return self.norm(x, "embeddings.LayerNorm")

    def attend_plain(self, q, k, v):
        split = self.constant("split", np.array([0, 0, self.heads, self.hidden // self.heads], np.int64))
        join = self.constant("join", np.array([0, 0, self.hidden], np.int64))
        scale = self.constant("scale", np.array((self.hidden // self.heads) ** -0.5, np.float32))
        q, k, v = (self.add("Transpose", self.add("Reshape", x, split), perm=perm)
                   for x, perm in ((q, [0, 2, 1, 3]), (k, [0, 2, 3, 1]), (v, [0, 2, 1, 3])))
        scores = self.add("Mul", self.add("MatMul", q, k), scale)
        if self.has_mask:
            scores = self.add("Add", scores, self.penalty)
        weights = self.add("Softmax", scores, axis=-1)
        context = self.add("Transpose", self.add("MatMul", weights, v), perm=[0, 2, 1, 3])
        return self.add("Reshape", context, join)

    def attend_fused(self, *qkv):
        cells = [self.add("Reshape", x, self.shape) for x in qkv]
        mask = ["", "mask"] if self.has_mask else []
        return self.flat(self.add("MultiHeadAttention", *cells, *mask, domain=CONTRIB, num_heads=self.heads))

    def flat(self, x):
        return self.add("Reshape", x, self.constant("flat", np.array([-1, self.hidden], np.int64)))

    def layer(self, x, i):
        name = f"encoder.layer.{i}."
        qkv = [self.linear(x, f"{name}attention.self.{part}") for part in ("query", "key", "value")]
        context = self.attend_fused(*qkv) if self.is_fused else self.attend_plain(*qkv)
        x = self.add_norm(self.linear(context, name + "attention.output.dense"), x, name + "attention.output.LayerNorm")
        inner = self.add("Relu", self.linear(x, name + "intermediate.dense"))
        return self.add_norm(self.linear(inner, name + "output.dense"), x, name + "output.LayerNorm")

    def make_penalty(self):
        """[cells][1][1][tokens]: 0 for tokens, and next to minus infinity for padding."""
        is_padding = self.add("Cast", self.add("Sub", self.constant("one", np.array(1, np.int32)), "mask"),
                              to=TensorProto.FLOAT)
        far = self.add("Mul", is_padding, self.constant("far", np.array(-1e9, np.float32)))
        return self.add("Unsqueeze", far, self.constant("heads_and_queries", np.array([1, 2], np.int64)))

    def encode(self):
        x = self.embed()
        if self.has_mask and not self.is_fused:
            self.penalty = self.make_penalty()
        if self.is_fused:
            x = self.flat(x)
        for i in range(self.config["num_hidden_layers"]):
            x = self.layer(x, i)
        if self.is_fused:
            x = self.add("Reshape", x, self.shape)
        axis = self.constant("axis", np.array([1], np.int64))
        return self.add("Squeeze", self.add("MatMul", "weights", x), axis)


def build(folder, is_fused, has_mask):
    """The ModelProto."""
    bert = _Bert(folder, is_fused, has_mask)
    out = bert.encode()
    inputs = [helper.make_tensor_value_info("ids", TensorProto.INT64, ["cells", "tokens"]),
              helper.make_tensor_value_info("weights", TensorProto.FLOAT, ["cells", 1, "tokens"])]
    if has_mask:
        inputs.append(helper.make_tensor_value_info("mask", TensorProto.INT32, ["cells", "tokens"]))
    outputs = [helper.make_tensor_value_info(out, TensorProto.FLOAT, ["cells", bert.hidden])]
    constants = [numpy_helper.from_array(value, name) for name, value in bert.constants.items()]
    return helper.make_model(helper.make_graph(bert.nodes, "bert", inputs, outputs, constants), ir_version=9,
                             opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid(CONTRIB, 1)])


def quantize(graph):
    """The same with 8-bit weights (by channel) and activations (by tensor, their range found at each call), by ONNX
    Runtime's own tool with the arguments that its guide advises for transformers."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        before, after = os.path.join(folder, "float.onnx"), os.path.join(folder, "int8.onnx")
        onnx.save(graph, before)
        quantize_dynamic(before, after, per_channel=True, weight_type=QuantType.QInt8,
                         op_types_to_quantize=["MatMul", "Gemm"])
        return onnx.load(after)
