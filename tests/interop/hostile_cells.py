"""Embeddings of five cells whose names and labels try to become part of a page.

	hostile_cells.py FILE
"""

import sys

import pyarrow

table = pyarrow.table({
	"cell": ["</script><script>throw 1</script>", "<!-- <script>", "b & \"c\" \\ '`${d}`", "</SCRIPT >", "plain"],
	"type": pyarrow.array(["<b>T</b>", "B", None, "B", "<b>T</b>"]).dictionary_encode(),
	"big": pyarrow.array([9007199254740991, 2, 3, 4, None], pyarrow.int64()),
	"score": pyarrow.array([0.125, None, float("nan"), -1e-9, 1234567.0]),
	"<i>odd</i>": [True, False, True, None, True],
	"embedding": pyarrow.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [5, 5, 5], [9, 0, 3]],
	                           pyarrow.list_(pyarrow.float32(), 3)),
})
with pyarrow.OSFile(sys.argv[1], "wb") as file, pyarrow.ipc.new_stream(file, table.schema) as stream:
	stream.write_table(table)
