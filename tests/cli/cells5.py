"""Prints a stream byte by byte, as man/cells.5 shows one:  cells5.py FILE

Walks Arrow's IPC frames and their flatbuffers with a table of the specification's Message.fbs and Schema.fbs, so that it
shares no code with the programs. Every byte is printed once, in order: hexadecimal, or texts in quotes. What a byte means stands
beside it; bytes that nothing points at must be 0, and the hash must be that of what is before it.
"""

import struct
import sys

ROW = 12     # bytes of hexadecimal in a line
NOTE = 43    # column where the notes start
FORMATS = {"bool": "<B", "u8": "<B", "i16": "<h", "i32": "<i", "i64": "<q"}

TABLES = {
    "Message": [("version", "i16"), ("header_type", "u8"), ("header", "union"), ("bodyLength", "i64"),
                ("custom_metadata", "[KeyValue]")],
    "Schema": [("endianness", "i16"), ("fields", "[Field]"), ("custom_metadata", "[KeyValue]"), ("features", "[i64]")],
    "Field": [("name", "string"), ("nullable", "bool"), ("type_type", "u8"), ("type", "union"),
              ("dictionary", "DictionaryEncoding"), ("children", "[Field]"), ("custom_metadata", "[KeyValue]")],
    "DictionaryEncoding": [("id", "i64"), ("indexType", "Int"), ("isOrdered", "bool"), ("dictionaryKind", "i16")],
    "Int": [("bitWidth", "i32"), ("is_signed", "bool")],
    "FloatingPoint": [("precision", "i16")],
    "Utf8": [],
    "List": [],
    "KeyValue": [("key", "string"), ("value", "string")],
    "RecordBatch": [("length", "i64"), ("nodes", "(FieldNode)"), ("buffers", "(Buffer)"), ("compression", "BodyCompression")],
    "DictionaryBatch": [("id", "i64"), ("data", "RecordBatch"), ("isDelta", "bool")],
}
STRUCTS = {"FieldNode": ("node", "length", "nulls"), "Buffer": ("buffer", "offset", "length")}
UNIONS = {"Message": {1: "Schema", 2: "DictionaryBatch", 3: "RecordBatch"},
          "Field": {2: "Int", 3: "FloatingPoint", 5: "Utf8", 12: "List"}}
NAMES = {("Message", "version"): {4: "V5"}, ("Schema", "endianness"): {0: "little"},
         ("FloatingPoint", "precision"): {1: "float32", 2: "float64"}}


def xxh64(data):
    """XXH64 of the bytes, seed 0, from its specification."""
    p1, p2, p3, p4, p5 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
    mask = (1 << 64) - 1

    def rotl(x, n):
        return (x << n | x >> 64 - n) & mask

    def mix(lane, word):
        return rotl(lane + word * p2 & mask, 31) * p1 & mask

    n = len(data) // 32 * 32
    lanes = [p1 + p2 & mask, p2, 0, -p1 & mask]
    for at in range(0, n, 32):
        lanes = [mix(lane, word) for lane, word in zip(lanes, struct.unpack_from("<4Q", data, at))]
    h = p5
    if n:
        h = sum(rotl(lane, r) for lane, r in zip(lanes, (1, 7, 12, 18))) & mask
        for lane in lanes:
            h = (h ^ mix(0, lane)) * p1 + p4 & mask
    h = h + len(data) & mask
    while len(data) - n >= 8:
        h = rotl(h ^ mix(0, struct.unpack_from("<Q", data, n)[0]), 27) * p1 + p4 & mask
        n += 8
    if len(data) - n >= 4:
        h = rotl(h ^ struct.unpack_from("<I", data, n)[0] * p1 & mask, 23) * p2 + p3 & mask
        n += 4
    for byte in data[n:]:
        h = rotl(h ^ byte * p5 & mask, 11) * p1 & mask
    h = (h ^ h >> 33) * p2 & mask
    h = (h ^ h >> 29) * p3 & mask
    return f"{h ^ h >> 32:016x}"


class Dump:
    def __init__(self, data):
        self.data = data
        self.spans = {}  # start -> (length, note, is text)

    def get(self, kind, at):
        return struct.unpack_from(FORMATS.get(kind, kind), self.data, at)[0]

    def span(self, at, length, note, text=False):
        if at in self.spans:
            assert self.spans[at][0] == length
        self.spans[at] = (length, note, text)

    # -- flatbuffers

    def offset(self, at, note):
        """A relative offset: where it leads."""
        to = at + self.get("<I", at)
        self.span(at, 4, f"{note} at {to:04x}")
        return to

    def string(self, at, note):
        n = self.get("<I", at)
        self.span(at, 4, f"{note}: {n} bytes")
        self.span(at + 4, n, "", True)
        assert self.data[at + 4 + n] == 0
        self.span(at + 4 + n, 1, "its end")
        return self.data[at + 4:at + 4 + n].decode()

    def table(self, at, name):
        """Fills the spans of a table and of what it points at; returns {slot name: value}."""
        vtable = at - self.get("<i", at)
        self.span(at, 4, f"{name} (vtable {vtable:04x})")
        size, length = struct.unpack_from("<HH", self.data, vtable)
        slots = struct.unpack_from(f"<{size // 2 - 2}H", self.data, vtable + 4)
        self.span(vtable, size, f"vtable of {name}")
        found = {}
        for (slot, kind), place in zip(TABLES[name], slots):
            if place:
                found[slot] = self.slot(at + place, name, slot, kind, found)
        return found

    def slot(self, at, table, slot, kind, found):
        if kind in FORMATS:
            value = self.get(kind, at)
            text = NAMES.get((table, slot), {}).get(value, value)
            if slot.endswith("_type"):
                text = f"{value} ({UNIONS[table][value]})"
            elif kind == "bool":
                text = "true" if value else "false"
            self.span(at, struct.calcsize(FORMATS[kind]), f"{slot} {text}")
            return value
        to = self.offset(at, slot)
        if kind == "string":
            return self.string(to, slot)
        if kind == "union":
            return self.table(to, UNIONS[table][found[slot + "_type"]])
        if kind[0] not in "[(":
            return self.table(to, kind)
        n = self.get("<I", to)
        self.span(to, 4, f"{slot}: {n}")
        if kind[0] == "[":
            return [self.table(self.offset(to + 4 + 4 * i, f"{slot} {i}"), kind[1:-1]) for i in range(n)]
        return self.structs(to + 4, n, *STRUCTS[kind[1:-1]])

    def structs(self, at, n, name, first, second):
        values = [struct.unpack_from("<qq", self.data, at + 16 * i) for i in range(n)]
        for i, (a, b) in enumerate(values):
            self.span(at + 16 * i, 8, f"{name} {i}: {first} {a}")
            self.span(at + 16 * i + 8, 8, f"{second} {b}")
        return values

    # -- messages

    def stream(self):
        at, fields, number = 0, [], 0
        while True:
            size = self.get("<I", at + 4)
            self.span(at, 4, "continuation" if size else "continuation: the end of the stream")
            if size == 0:
                self.span(at + 4, 4, "no metadata: the end")
                assert at + 8 == len(self.data)
                return
            self.span(at + 4, 4, f"message {number}: metadata of {size} bytes")
            message = self.table(self.offset(at + 8, "Message"), "Message")
            body, header = at + 8 + size, message["header"]
            for pair in message.get("custom_metadata", []):
                assert pair["key"] != "cells:xxh64" or pair["value"] == xxh64(self.data[:at]), "another hash"
            if "fields" in header:
                fields = header["fields"]
            elif "data" in header:
                self.body(body, [("dictionary", texts)], header["data"])
            else:
                self.body(body, [b for f in fields for b in buffers_of(f)], header)
            at = body + message.get("bodyLength", 0)
            number += 1

    def body(self, start, kinds, batch):
        """Each column's validity, offsets and values."""
        buffers = iter(batch["buffers"])
        for name, kind in kinds:
            for note, form in kind:
                offset, length = next(buffers)
                if not length:
                    continue
                if form is None:
                    self.span(start + offset, length, "", True)
                    continue
                values = struct.unpack_from(f"<{length // struct.calcsize(form)}{form}", self.data, start + offset)
                self.span(start + offset, length, f"{name}: {note} " + " ".join(f"{v:g}" for v in values))

    # -- printing

    def lines(self):
        at = 0
        for start in sorted(self.spans):
            if start > at:
                yield from self.padding(at, start)
            assert start >= at, f"overlap at {start:04x}"
            length, note, text = self.spans[start]
            yield from self.texts(start, length) if text else self.bytes(start, length, note)
            at = start + length
        assert at == len(self.data)

    def padding(self, start, end):
        assert not any(self.data[start:end]), f"unknown bytes at {start:04x}"
        yield from self.bytes(start, end - start, "padding" if end - start <= ROW else "")

    def bytes(self, start, length, note):
        for at in range(start, start + length, ROW):
            part = self.data[at:min(at + ROW, start + length)]
            yield f"{at:04x}  {part.hex(' '):{NOTE - 6}}{note}".rstrip()
            note = ""

    def texts(self, start, length):
        width = 64
        for at in range(start, start + length, width):
            part = self.data[at:min(at + width, start + length)].decode("ascii")
            yield f'{at:04x}  "{part}"'


texts = [("validity", "B"), ("offsets", "i"), ("texts", None)]


def buffers_of(field):
    """(name, buffers) of a field and its children, in the order of the body."""
    children = [b for child in field.get("children", []) for b in buffers_of(child)]
    name = field["name"]
    if "dictionary" in field:
        return [(name, [("validity", "B"), ("indices", "i")])]
    if field["type_type"] == 5:
        return [(name, texts)]
    if field["type_type"] == 12:
        return [(name, [("validity", "B"), ("offsets", "i")])] + children
    return [(name, [("validity", "B"), ("values", {1: "f", 2: "d"}[field["type"]["precision"]])])]


with open(sys.argv[1], "rb") as stream:
    dump = Dump(stream.read())
dump.stream()
print("\n".join(dump.lines()))
