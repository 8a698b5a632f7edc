#!/bin/sh
# cells.5: the stream that the page shows byte by byte is the one that h5ad2cells writes, and what the page says of each byte
# is what a parser of Arrow's format finds there (cells5.py).
#
# The version in the history, and with it the hash, may differ. Where another length of it moves everything, or the
# programs write other bytes: h5ad2cells tests/data/two_cells.h5ad >x; python3 tests/cli/cells5.py x    gives the new text.

. "${0%/*}/lib.sh"
need_command python3

shown() {
	sed -n '/^\.Sh A STREAM BYTE BY BYTE/,/^\.Sh SEE ALSO/p' man/cells.5 | grep -E '^[0-9a-f]{4}  '
}

without_version() {
	sed -E 's/"version":"[0-9.]+"/"version":"X"/; s/^([0-9a-f]{4}  )"[0-9a-f]{16}"$/\1"HASH"/'
}

run_sh 'h5ad2cells "$DATA/two_cells.h5ad" | cat >"$T/two.cells"'
status_is 0 'two cells'
run python3 tests/cli/cells5.py "$T/two.cells"
status_is 0 'every byte has a meaning, or is padding of zeros; the hash is right'
shown >"$T/shown"
ok 'the page shows a stream' test "$(wc -l <"$T/shown")" -gt 300
without_version <"$T/shown" >"$T/expected"
without_version <"$T/out" >"$T/got"
ok 'the page shows this stream' diff "$T/expected" "$T/got"
like "$(grep -c HASH "$T/expected")" '^1$' 'one hash'

closing=$(sed -n 's/^The message at \([0-9a-f]*\) is the closing batch.*/\1/p' man/cells.5)
run_sh 'sed "s/ENSG00000075624/ENSG00000075625/" "$T/two.cells" >"$T/other"; python3 tests/cli/cells5.py "$T/other"'
ok 'with another byte it is not' test "$status" != 0
ok 'the closing message is where the page says' grep -q "^$closing  ff ff ff ff  *continuation$" "$T/shown"
done_testing
