"""Writes the seeds of fuzz_arrow:  make_arrow_corpus.py FOLDER

Small streams of pyarrow in every form that the reader knows. Not made here: cells.arrows and cells_zstd.arrows, which
arrow_write made of the samples of tests/unit/arrow_aid.c."""

import os
import sys

import pyarrow as pa
import pyarrow.ipc as ipc


def columns():
    ids = [[3, 4], None, [], [5, 6, 7]]
    texts = ["a", None, "größe", "a long text, more than twelve bytes"]
    entries = pa.map_(pa.string(), pa.int32())
    return {
        "flat": {
            "flag": pa.array([True, None, False, True]),
            "i8": pa.array([1, None, -3, 4], pa.int8()),
            "f64": pa.array([0.5, None, 1e300, 2]),
            "half": pa.array([1, 2, None, 3], pa.float16()),
            "nothing": pa.nulls(4),
            "stamp": pa.array([1, 2, None, 4], pa.timestamp("us", "UTC")),
            "decimal": pa.array([1, 2, None, 4], pa.decimal128(10, 2)),
            "fixed": pa.array([b"abc", None, b"def", b"ghi"], pa.binary(3)),
        },
        "texts": {
            "utf8": pa.array(texts),
            "large": pa.array(texts, pa.large_string()),
            "binary": pa.array([b"\xff", None, b"", b"xyz"]),
        },
        "views": {
            "utf8_view": pa.array(texts, pa.string_view()),
            "binary_view": pa.array([b"\xff" * 20, None, b"", b"xyz"], pa.binary_view()),
        },
        "lists": {
            "list": pa.array(ids, pa.list_(pa.int32())),
            "large": pa.array(ids, pa.large_list(pa.uint16())),
            "fixed": pa.array([[1, 2], None, [3, 4], [5, None]], pa.list_(pa.float32(), 2)),
            "nested": pa.array([[["a"], None], [], None, [["b", None], []]]),
        },
        "structs": {
            "pair": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}, {"a": 2, "b": None}]),
            "map": pa.array([[("a", 1)], [], None, [("b", 2), ("c", None)]], entries),
        },
        "dictionaries": {
            "i8": pa.array(["T", "B", None, "T"]).dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string())),
            "u32": pa.array([7, 8, None, 7]).dictionary_encode().cast(pa.dictionary(pa.uint32(), pa.int64())),
            "list": pa.ListArray.from_arrays([0, 1, 2, 3, 4], pa.array(["x", "y", "x", None]).dictionary_encode()),
        },
    }


def write(path, batches, is_file=False, **options):
    make = ipc.new_file if is_file else ipc.new_stream
    with make(path, batches[0].schema, options=ipc.IpcWriteOptions(**options)) as w:
        for batch in batches:
            w.write_batch(batch)


def dictionary_batch(values, indices):
    column = pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), pa.array(values))
    return pa.record_batch({"cell_type": column})


def main(folder):
    def place(name):
        return os.path.join(folder, name + ".arrows")

    os.makedirs(folder, exist_ok=True)
    for name, arrays in columns().items():
        batch = pa.record_batch(arrays)
        write(place(name), [batch, batch.slice(1, 2)])
        if name != "flat":
            write(place(name + "_zstd"), [batch], compression="zstd")
    batch = pa.record_batch(columns()["lists"])
    write(place("lz4"), [batch], compression="lz4")
    write(place("v4"), [batch], metadata_version=ipc.MetadataVersion.V4)
    write(place("legacy"), [batch], use_legacy_format=True)
    write(place("file"), [batch], is_file=True)
    grown = [dictionary_batch(["T", "B"], [0, 1]), dictionary_batch(["T", "B", "NK"], [2, None])]
    write(place("delta"), grown, emit_dictionary_deltas=True)
    write(place("replaced"), [grown[0], dictionary_batch(["X"], [0, 0])])


main(sys.argv[1])
