"""make_readers.py - first inputs of the fuzz targets pickle, safetensors and torch_zip.

    python3 tests/fuzz/make_readers.py

Taken from the small files of tests/unit/data/readers (see make.py there), with a few more that
those do not cover. Standard library only.
"""

import collections
import io
import json
import os
import pickle
import struct
import sys
import types
import zipfile

os.chdir(os.path.dirname(os.path.abspath(__file__)))
READERS = "../unit/data/readers/"


def save(target, name, data):
    os.makedirs(f"corpus/{target}", exist_ok=True)
    with open(f"corpus/{target}/{name}", "wb") as f:
        f.write(data)


def load(name):
    with open(READERS + name, "rb") as f:
        return f.read()


for name in ("values_2.pkl", "values_3.pkl", "values_4.pkl", "attack_2.pkl", "attack_4.pkl"):
    save("pickle", name, load(name))
for protocol in (2, 4):
    save("pickle", f"small_{protocol}.pkl", pickle.dumps({"a": [1, (2.5, None)], "b": {"c": True}}, protocol))
    save("pickle", f"ordered_{protocol}.pkl", pickle.dumps(collections.OrderedDict(a=1), protocol))
save("pickle", "empty_tuple.pkl", pickle.dumps((), 2))
for name in ("raw/in_silico_delete_a_raw.pickle", "states/in_silico_delete_a_raw.pickle"):
    with open("../data/perturbations/" + name, "rb") as f:
        save("pickle", "perturbations_" + name.split("/")[0] + ".pkl", f.read())
loop = []
loop.append(loop)
save("pickle", "loop.pkl", pickle.dumps(loop, 2))

save("safetensors", "tensors", load("tensors.safetensors"))


def safetensors(header, data):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


save("safetensors", "none", safetensors({}, b""))
save("safetensors", "two", safetensors({
    "a": {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]},
    "b": {"dtype": "F64", "shape": [1, 1], "data_offsets": [4, 12]},
    "__metadata__": {"format": "pt"}}, bytes(12)))
save("safetensors", "overlap", safetensors({
    "a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]},
    "b": {"dtype": "U8", "shape": [2], "data_offsets": [1, 3]}}, bytes(3)))

save("torch_zip", "archive", load("tensors_no_crc.bin"))
save("torch_zip", "archive_crc", load("transposed.bin"))
for name in ("tensors.bin", "transposed.bin", "uint16.bin"):
    with zipfile.ZipFile(READERS + name) as z:
        entry = [x for x in z.namelist() if x.endswith("/data.pkl")][0]
        save("torch_zip", "pickle_" + name.removesuffix(".bin"), z.read(entry))


# A dictionary of tensors of the two storages that fuzz_torch_zip.c puts beside it (24 float32, one int64). pickle
# writes a function by the module that it says it is of, so stand-ins with torch's names do.
def stand_in(module, name):
    def function():
        raise AssertionError
    function.__module__, function.__name__, function.__qualname__ = module, name, name
    sys.modules.setdefault(module, types.ModuleType(module))
    setattr(sys.modules[module], name, function)
    return function


class Storage:
    def __init__(self, kind, key, n):
        self.id = ("storage", stand_in("torch", kind), key, "cpu", n)


class Call:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return value.id if isinstance(value, Storage) else None


tensor, parameter = stand_in("torch._utils", "_rebuild_tensor_v2"), stand_in("torch._utils", "_rebuild_parameter")
floats, whole = Storage("FloatStorage", "0", 24), Storage("LongStorage", "1", 1)
hooks = collections.OrderedDict()
view = Call(tensor, floats, 6, (3, 1, 2), (2, 9, 1), False, hooks)
out = io.BytesIO()
Pickler(out, 2).dump(collections.OrderedDict([
    ("a", Call(tensor, floats, 0, (4, 6), (6, 1), False, hooks)),
    ("view", view),
    ("parameter", Call(parameter, view, True, hooks)),
    ("number", Call(tensor, whole, 0, (), (), False, hooks)),
    ("none", Call(tensor, whole, 1, (0, 5), (5, 1), False, hooks)),
    ("step", 3)]))
save("torch_zip", "pickle_two_storages", out.getvalue())


def zip64(entries):
    """A stored archive whose every size and place stands in the zip64 records."""
    body, directory = b"", b""
    for name, data in entries:
        directory += struct.pack("<IHHHHHHIIIHHHHHII", 0x02014b50, 45, 45, 0, 0, 0, 0, 0, 0xffffffff, 0xffffffff,
                                 len(name), 28, 0, 0, 0, 0, 0xffffffff) + name
        directory += struct.pack("<HHQQQ", 1, 24, len(data), len(data), len(body))
        body += struct.pack("<IHHHHHIIIHH", 0x04034b50, 45, 0, 0, 0, 0, 0, 0, 0, len(name), 0) + name + data
    end = struct.pack("<IQHHIIQQQQ", 0x06064b50, 44, 45, 45, 0, 0, len(entries), len(entries), len(directory), len(body))
    end += struct.pack("<IIQI", 0x07064b50, 0, len(body) + len(directory), 1)
    end += struct.pack("<IHHHHIIH", 0x06054b50, 0, 0, 0xffff, 0xffff, 0xffffffff, 0xffffffff, 0)
    return body + directory + end


save("torch_zip", "archive_zip64", zip64([(b"a/data.pkl", out.getvalue()), (b"a/byteorder", b"little"),
                                          (b"a/data/0", bytes(96)), (b"a/data/1", bytes(8))]))
