#!/bin/sh
# gfeval: the numbers are those of scikit-learn 1.9.1 (tests/data/evaluation/make.py), within 1e-12.
. "${0%/*}/lib.sh"
. "${0%/*}/common.sh"

E=$DATA/evaluation

common_checks text gfeval "$E/predictions.cells" --truth diagnosis
check_stream_in gfeval "$DATA/embeddings.cells" --labels cell_type --neighbours 4
check_stdout gfeval "$DATA/embeddings.cells" --labels cell_type --batch donor --neighbours 4

expect() { # KEY ARG...
	key=$1
	shift
	run gfeval --report json "$@"
	status_is 0 "gfeval $*"
	ok "$key: as scikit-learn says" python3 tests/cli/gfeval.py "$T/out" "$key"
}

expect predictions --truth diagnosis "$E/predictions.cells"
expect folds --truth diagnosis --fold donor "$E/predictions.cells"
expect binary --truth state "$E/binary.cells"
expect tasks --truth kind --task kind "$E/tasks.cells"
expect genes --gene-truth "$E/gene_classes.tsv" "$E/genes.cells"
expect embeddings --labels cell_type --batch donor --neighbours 4 "$DATA/embeddings.cells"
run gfeval --report json --no-curves --truth diagnosis "$E/predictions.cells"
unlike "$(cat "$T/out")" 'log_loss|roc|"pr"' '--no-curves: no curves'
out_like '"accuracy": 0.6551724137931' '--no-curves: but the rest'

# The table of classes is the very text of classification_report.
python3 - "$E/expected.json" >"$T/table" <<'END'
import json, sys
print(json.load(open(sys.argv[1]))["binary"]["text"], end="")
END
run gfeval --truth state "$E/binary.cells"
sed -n '3,10p' "$T/out" >"$T/ours"
same "$T/ours" "$T/table" 'the table of classification_report'

# Files as folds are the same as a column of folds.
cd "$E/folds" || exit 1
run gfeval --report json --truth diagnosis d0 d1 d2 d3 d4
cd "$ROOT" || exit 1
status_is 0 'five files'
ok 'five files are five folds' python3 tests/cli/gfeval.py "$T/out" folds
run gfeval --truth diagnosis --fold donor "$E/predictions.cells"
out_like '^mean macro F1 +0\.[0-9]{4}, standard deviation 0\.[0-9]{4}$' 'means over folds in the text'
run gfeval --truth diagnosis "$E/folds/d0" "$E/folds/d0"
fails 1 'stands twice' 'the same file twice'
run gfeval --truth diagnosis "$E/folds/d0" "$E/faults/other_names"
fails 1 'other_names: its classes are not those' 'folds of different models'
run gfeval --truth diagnosis "$E/folds/d0" "$E/binary.cells"
fails 1 'binary.cells: its classes are not those' 'folds of different tasks'

# Any kind of labels; truths that no model says.
run gfeval --truth sick "$E/binary.cells"
status_is 0 'truths as labels'
out_like 'the model has no class false' 'classes that the model has not are named'
run gfeval --truth lane "$E/predictions.cells"
status_is 0 'whole numbers as labels'

# Threads and the seed.
run gfeval --labels cell_type --neighbours 4 --clusters 5 --seed 3 --report json "$DATA/embeddings.cells"
out_like '"clusters": \{"k":5,' '--clusters'
cp "$T/out" "$T/seed3"
run gfeval --labels cell_type --neighbours 4 --clusters 5 --seed 3 --report json -t 3 "$DATA/embeddings.cells"
same "$T/out" "$T/seed3" 'the same with three threads'
run gfeval --labels cell_type --neighbours 4 --metric cosine --report json "$DATA/embeddings.cells"
out_like '"metric": "cosine"' '--metric cosine'

# Rows that are left out.
run gfeval --truth diagnosis "$E/predictions.cells"
out_like '^58 rows, 1 without truth left out, 1 without prediction left out$' 'rows left out are counted'
run gfeval --truth diagnosis --strict "$E/predictions.cells"
fails 1 'predictions.cells: batch 0: row 7: no truth' '--strict: a row without truth'
run gfeval --labels cell_type --strict "$DATA/embeddings.cells"
fails 1 'embeddings.cells: batch 1: row 0: no label' '--strict: a row without label'

# Genes.
run gfeval --gene-truth "$E/gene_classes.tsv" "$E/genes.cells"
out_like '^18 of 20 genes of the table have a prediction$' 'genes of the table are counted'
tr '\t' ',' <"$E/gene_classes.tsv" | sed '1d; s/,/,"/; s/$/",more/' >"$T/genes.csv"
run gfeval --report json --gene-truth "$T/genes.csv" "$E/genes.cells"
ok 'a quoted CSV file without header' python3 tests/cli/gfeval.py "$T/out" genes
printf 'TOY1\tsensitive\n' >"$T/other"
run gfeval --gene-truth "$T/other" "$E/genes.cells"
fails 1 'other: none of its 1 genes has a prediction' 'a table of other genes'
printf 'TOY1,sensitive\nTOY1,insensitive\n' >"$T/other"
run gfeval --gene-truth "$T/other" "$E/genes.cells"
fails 1 'other: line 2: TOY1 has another class above' 'a gene of two classes'
printf 'TOY1,sensitive\nTOY2\n' >"$T/other"
run gfeval --gene-truth "$T/other" "$E/genes.cells"
fails 1 'other: line 2: no class' 'a gene without a class'
printf 'gene,class\n' >"$T/other"
run gfeval --gene-truth "$T/other" "$E/genes.cells"
fails 1 'other: no gene has a class' 'a table without genes'
printf 'TOY1,"sensitive\n' >"$T/other"
run gfeval --gene-truth "$T/other" "$E/genes.cells"
fails 1 'other: line 1: a quote' 'a quote that does not end'
run gfeval --gene-truth "$E/gene_classes.tsv" "$E/predictions.cells"
fails 1 'not of genes' 'genes of predictions of cells'

# Tasks.
run gfeval --truth kind "$E/tasks.cells"
fails 1 'several tasks: kind, disease' 'which task?'
run gfeval --truth kind --task no-such "$E/tasks.cells"
fails 1 'no task no-such' 'a task that is not there'

# What cannot be evaluated: one line each.
fault() { # FILE REGEX NAME ARG...
	fault_file=$1
	fault_text=$2
	fault_name=$3
	shift 3
	run gfeval --truth diagnosis "$@" "$E/faults/$fault_file"
	fails 1 "$fault_text" "$fault_name"
}
fault no_prediction 'no_prediction: no column prediction' 'no predictions'
fault no_names 'does not say what its classes are' 'probabilities without names'
fault two_names '3 probabilities, but names of 2 classes' 'too few names'
fault four_names 'more names of classes than the 3 probabilities' 'too many names'
fault same_names 'two classes have the same name' 'a name that stands twice'
fault null_probabilities 'row 0: a prediction without probabilities' 'probabilities that are null'
fault null_probability 'row 0: a probability that is not a number' 'a probability that is null'
fault nan_probability 'row 0: a probability that is not a number' 'a probability that is NaN'
fault no_truth 'no row has both truth and prediction' 'no truth at all'
fault one_class 'all 3 rows have the true class DCM, .*--no-curves' 'one class only'
fault no_fold 'row 1: no fold in the column donor' 'a row without fold' --fold donor
fault lists 'the column diagnosis is fixed_size_list' 'lists are no labels'
run gfeval --no-curves --truth diagnosis "$E/faults/one_class"
status_is 0 'one class with --no-curves'
run gfeval --truth no-such "$E/predictions.cells"
fails 1 'no column no-such; there are cell, diagnosis, donor' 'no such truth'
run gfeval --truth diagnosis --fold no-such "$E/predictions.cells"
fails 1 'no column no-such' 'no such fold'
run gfeval --truth cell_type "$DATA/embeddings.cells"
fails 1 'holds embeddings, but gfeval needs predictions' 'embeddings are no predictions'
run gfeval --labels cell "$E/predictions.cells"
fails 1 'holds predictions, but gfeval needs embeddings' 'predictions are no embeddings'
run gfeval --labels cell_type "$DATA/embeddings.cells" --neighbours 19
fails 1 'embeddings.cells: 19 vectors have no 19 nearest neighbours' 'too few cells'
run gfeval --labels cell_type "$DATA/embeddings.cells" --neighbours 4 --clusters 20
fails 1 'embeddings.cells: 19 vectors make no 20 clusters' 'too many clusters'
run gfeval --labels cell "$DATA/embeddings.cells" --neighbours 4
fails 1 'all are alone' 'every cell its own label'
cellhead -n 1 -o "$T/one.cells" "$DATA/embeddings.cells"
run gfeval --labels cell_type --neighbours 4 "$T/one.cells"
fails 1 'all 1 rows have the label T cell' 'one label only'
cellhead -n 5 -o "$T/five.cells" "$DATA/embeddings.cells"
run gfeval --labels cell_type --batch donor --neighbours 4 "$T/five.cells"
fails 1 'all 5 rows are of the batch d0' 'one batch only'
cellhead -n 0 -o "$T/none.cells" "$DATA/embeddings.cells"
run gfeval --labels cell_type "$T/none.cells"
fails 1 'none.cells: no row has a label' 'no cells'

run gfeval "$E/predictions.cells"
fails 2 'is required' 'nothing to compare with'
run gfeval --truth diagnosis --labels cell_type "$E/predictions.cells"
fails 2 'one of --truth' 'two things to compare with'
run gfeval --truth diagnosis --batch donor "$E/predictions.cells"
fails 2 'go with --labels' '--batch without --labels'
run gfeval --labels cell_type --no-curves "$DATA/embeddings.cells"
fails 2 'are of predictions' '--no-curves with --labels'
run gfeval --labels cell_type "$DATA/embeddings.cells" "$DATA/embeddings.cells"
fails 2 'cellcat' 'two files of embeddings'

done_testing
