"""What tests do to a stream of cells from outside. Reads only the frame of Apache Arrow's IPC format, with nothing but
Python itself, so it shares no code (and no mistake) with the programs under test.

    stream.py rows FILE             the number of rows, by the lengths of its record batches
    stream.py cuts FILE FOLDER      copies cut at every message boundary, one byte before and one after: FOLDER/cut-OFFSET
    stream.py flips FILE N FOLDER   N copies with one bit flipped, spread over the whole file: FOLDER/flip-OFFSET-BIT
"""

import os
import random
import struct
import sys

RECORD_BATCH = 3


def field(table, buffer, number):
    """The offset of a field of a flatbuffer table, or None."""
    vtable = table - struct.unpack_from("<i", buffer, table)[0]
    size = struct.unpack_from("<H", buffer, vtable)[0]
    at = 4 + 2 * number
    offset = struct.unpack_from("<H", buffer, vtable + at)[0] if at < size else 0
    return table + offset if offset else None


def messages(data):
    """(offset, offset of the body, end, rows or None) of every message; the end of the stream is one too."""
    at = 0
    while at < len(data):
        mark, size = struct.unpack_from("<Ii", data, at)
        assert mark == 0xFFFFFFFF, f"no message at {at}"
        body = at + 8 + size
        if size == 0:
            yield at, body, body, None
            return
        meta = data[at + 8:body]
        message = struct.unpack_from("<I", meta, 0)[0]
        kind, header, length = (field(message, meta, i) for i in (1, 2, 3))
        rows = None
        if meta[kind] == RECORD_BATCH:
            batch = header + struct.unpack_from("<I", meta, header)[0]
            n = field(batch, meta, 0)
            rows = struct.unpack_from("<q", meta, n)[0] if n else 0
        end = body + (struct.unpack_from("<q", meta, length)[0] if length else 0)
        yield at, body, end, rows
        at = end


def write(folder, name, data):
    with open(os.path.join(folder, name), "wb") as out:
        out.write(data)


def main():
    command, path = sys.argv[1:3]
    with open(path, "rb") as f:
        data = f.read()
    if command == "rows":
        print(sum(m[3] or 0 for m in messages(data)))
    elif command == "cuts":
        edges = {edge for m in messages(data) for edge in m[:3]}
        for cut in sorted({edge + by for edge in edges for by in (-1, 0, 1)}):
            if 0 <= cut < len(data):
                write(sys.argv[3], f"cut-{cut}", data[:cut])
    elif command == "flips":
        n, chance = int(sys.argv[3]), random.Random(1)
        for i in range(n):
            byte = (len(data) * i + chance.randrange(len(data))) // n
            bit = chance.randrange(8)
            broken = bytearray(data)
            broken[byte] ^= 1 << bit
            write(sys.argv[4], f"flip-{byte}-{bit}", broken)
    else:
        sys.exit(__doc__)


main()
