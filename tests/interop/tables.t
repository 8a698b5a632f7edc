#!/bin/sh
# cellgrep and celljoin do what Python and pandas do, on conditions and tables drawn at random.
. "${0%/*}/../cli/lib.sh"

need_python current

ok '150 conditions' "$PYTHON" tests/interop/tables.py grep "$T"
ok 'tables joined by two keys' "$PYTHON" tests/interop/tables.py join "$T"

done_testing
