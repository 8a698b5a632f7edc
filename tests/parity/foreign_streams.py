"""Prints streams as tests/parity/arrow_dump.c does, read by pyarrow:  foreign_streams.py FILE ...

With --table, what foreign_streams.t expects instead: a line a file with its number of rows, the SHA-256 of the
dump, and its name. pyarrow is the judge of the values; which files must be refused stands in foreign_streams.t."""

import hashlib
import os
import struct
import sys

import pyarrow as pa
import pyarrow.ipc as ipc


def type_text(t):
    if pa.types.is_dictionary(t):
        return type_text(t.value_type)
    if isinstance(t, pa.BaseExtensionType):
        return type_text(t.storage_type)
    if pa.types.is_string(t) or pa.types.is_large_string(t) or pa.types.is_string_view(t):
        return "utf8"
    if pa.types.is_fixed_size_list(t):
        return "fixed_size_list<%s>[%d]" % (type_text(t.value_type), t.list_size)
    if pa.types.is_list(t) or pa.types.is_large_list(t):
        return "list<%s>" % type_text(t.value_type)
    if pa.types.is_struct(t):
        return "struct<%s>" % ", ".join(type_text(f.type) for f in t)
    if pa.types.is_map(t):
        return "map<struct<%s, %s>>" % (type_text(t.key_type), type_text(t.item_type))
    if pa.types.is_timestamp(t) or pa.types.is_decimal(t):
        return str(t).split("[")[0].split("1")[0]
    if pa.types.is_fixed_size_binary(t):
        return "fixed_size_binary"
    if pa.types.is_binary_view(t):
        return "binary"
    return {"halffloat": "float16", "float": "float32", "double": "float64"}.get(str(t), str(t))


def text(s):
    out = []
    for c in s:
        out.append("\\" + c if c in '"\\' else "\\u%04x" % ord(c) if c < " " else c)
    return '"%s"' % "".join(out)


def value_text(t, x):
    """x is a pyarrow scalar of type t."""
    if pa.types.is_dictionary(t):
        return "null" if not x.is_valid else value_text(t.value_type, x.value)
    if isinstance(t, pa.BaseExtensionType):
        return value_text(t.storage_type, x.value)
    if not x.is_valid:
        return "null"
    if pa.types.is_map(t):
        pairs = zip(x.values.field(0), x.values.field(1))
        return "[%s]" % ", ".join("{%s, %s}" % (value_text(t.key_type, k), value_text(t.item_type, v)) for k, v in pairs)
    if pa.types.is_nested(t) and not pa.types.is_struct(t):
        return "[%s]" % ", ".join(value_text(t.value_type, v) for v in x)
    if pa.types.is_struct(t):
        return "{%s}" % ", ".join(value_text(f.type, x[f.name]) for f in t)
    if type_text(t) == "utf8":
        return text(x.as_py())
    if pa.types.is_binary(t) or pa.types.is_binary_view(t) or pa.types.is_fixed_size_binary(t):
        return "x" + x.as_py().hex()
    if pa.types.is_boolean(t):
        return "true" if x.as_py() else "false"
    if pa.types.is_timestamp(t):
        return "x" + struct.pack("<q", x.value).hex()
    if pa.types.is_decimal(t):
        return "x" + int(x.as_py().scaleb(t.scale)).to_bytes(16, "little", signed=True).hex()
    if pa.types.is_floating(t):
        return "%.17g" % float(x.as_py())
    return str(x.as_py())


def dump(path):
    with open(path, "rb") as f:
        data = f.read()
    reader = ipc.open_file(data) if data[:6] == b"ARROW1" else ipc.open_stream(data)
    lines = [", ".join("%s %s" % (f.name, type_text(f.type)) for f in reader.schema)]
    batches = (reader.get_batch(i) for i in range(reader.num_record_batches)) if data[:6] == b"ARROW1" else reader
    for batch in batches:
        batch.validate(full=True)
        for i in range(batch.num_rows):
            row = (value_text(batch.schema.field(c).type, batch.column(c)[i]) for c in range(batch.num_columns))
            lines.append("[%s]" % ", ".join(row))
    return lines


def main(arguments):
    is_table = arguments[:1] == ["--table"]
    for path in arguments[is_table:]:
        lines = dump(path)
        whole = "".join(line + "\n" for line in lines)
        if is_table:
            digest = hashlib.sha256(whole.encode()).hexdigest()
            print(len(lines) - 1, digest, os.path.basename(path))
        else:
            sys.stdout.write(whole)


main(sys.argv[1:])
