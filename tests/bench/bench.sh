#!/bin/sh
# bench.sh - measures our programs and what else there is, in turn, on this machine; what `make bench` runs.
#
#	sh tests/bench/bench.sh [--quick] [--threads N] [--models V1-10M,V2-104M,V2-316M] [--lengths 512,2048]
#	                        [--peers reference,torch,...] [--parts network,tokens,...] [--resume] [--rounds N] [--help]
#
# All of it takes hours; every part that has ended is in bench.json, and --resume goes on with the others.
#
# Run from the root of the repository, with the programs in PATH. The peers live in a Python environment of their own
# (tests/bench/requirements.txt, several GB; $PYTHON names another that has the same packages). Models and cells are
# random, but of the real shapes. The table goes to stdout, every single run to build/bench/bench.json. bench.py says in
# which file stands what is measured, and how.
#
# One figure alone says nothing: only ratios of one run on a quiet machine are worth keeping.

set -eu

folder=${B:-build}/bench
mkdir -p "$folder"
if test -z "${PYTHON:-}"; then
	PYTHON=$(sh tests/deps.sh venv bench)
fi
PYTHONDONTWRITEBYTECODE=1 exec "$PYTHON" tests/bench/bench.py --folder "$folder" "$@"
