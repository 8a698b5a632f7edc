#!/bin/sh
# perturbstats against the tables of the real InSilicoPerturberStats, against scipy and scikit-learn, and streams against
# pickles of the same numbers.

. "${0%/*}/../cli/lib.sh"
need_command "${CC:-cc}"
need_shared golden/isp/stats golden/stat data/geneformer
need_python current
GENEFORMER_DIR=$SHARED/data/geneformer
export GENEFORMER_DIR
stats=$SHARED/golden/isp/stats

python() {
	"$PYTHON" tests/parity/perturbstats.py "$@"
}

python golden "$stats" >"$T/golden"
while read -r result _ _ name; do
	case $result in
	ok) pass "table of the reference: $name" ;;
	not) echo "${name#- }" >"$T/.why"; fail "table of the reference: ${name#- }" ;;
	'#') echo "# $name" ;;
	esac
done <"$T/golden"
is "$(tail -n 1 "$T/golden")" 1..32 'all tables that can be compared'

# The pool of the reference is a sample of 100,000 of these; ours is all of them.
run perturbstats --mode goal -d V2 --goal 'CD14 Mono' --start 'CD4 Naive T' "$stats/input/synth_states_over_100k"
cp "$T/out" "$T/pool.tsv"
ok 'a pool of more than 100,000 values: ranksums of scipy' python pool "$stats" "$T/pool.tsv"
run perturbstats --mode goal -d V2 --goal 'CD14 Mono' --start 'CD4 Naive T' --max-memory 1M "$stats/input/synth_states_over_100k"
same "$T/out" "$T/pool.tsv" 'the same through a temporary file'

# Gene cosines beside shifts to states, on which the reference fails.
run perturbstats --mode goal -d V2 --goal 'CD14 Mono' "$stats/input/v2_delete_all_states_genes"
status_is 0 'shifts and cosines of genes in one folder'

# The numbers of the pickles as streams, in one shard and in three.
GENES=$T/genes.arrows
export GENES
"$PYTHON" - "$GENES" "$SHARED/data/geneformer/token_dictionary_gc104M.pkl" <<'EOF'
import pickle, sys
import pyarrow as pa
tokens = pickle.load(open(sys.argv[2], "rb"))
table = pa.table({"gene": list(tokens), "token": pa.array(tokens.values(), pa.int32())})
with pa.OSFile(sys.argv[1], "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
    writer.write_table(table)
EOF

table() { # OUT INPUT...
	table_out=$1
	shift
	perturbstats -q -d V2 "$@" >"$table_out" 2>"$T/err"
}

shards() { # NAME
	python stream "$stats" "$1" "$T/$1.0"
	python stream "$stats" "$1" "$T/$1.1" "$T/$1.2" "$T/$1.3"
}

both() { # NAME OPTION...
	name=$1
	shift
	shards "$name"
	table "$T/pickles.tsv" "$@" "$stats/input/$name"
	ok "$name: a table of pickles" test "$(wc -l <"$T/pickles.tsv")" -gt 2
	table "$T/stream.tsv" "$@" "$T/$name.0"
	same "$T/stream.tsv" "$T/pickles.tsv" "$name: the same of a stream"
	table "$T/shards.tsv" "$@" "$T/$name.1" "$T/$name.2" "$T/$name.3"
	same "$T/shards.tsv" "$T/pickles.tsv" "$name: and of three"
}

both v2_delete_all_states --mode goal --start 'CD4 Naive T' --goal 'CD14 Mono'
both synth_states --mode goal --goal B --alt 'CD14 Mono' --tie-correction
both synth_test --mode mixture
both synth_tuple --mode aggregate-genes

# Ranks, rates and mixtures, case by case.
# shellcheck disable=SC2086     # CFLAGS and LDFLAGS are words
"${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L -Icommon -I. ${CFLAGS:-} -o "$T/statistics" tests/parity/statistics.c \
	"${BUILD%/bin}/libcellpipe.a" ${LDFLAGS:-} -ljansson -lxxhash -lm -pthread 2>"$T/.why" || fail 'statistics is built'
for which in ranksums fdr gmm; do
	run "$T/statistics" $which "$SHARED/golden/stat/$which.json"
	sed 's/^/# /' "$T/out"
	status_is 0 "$which of golden/stat"
done

done_testing
