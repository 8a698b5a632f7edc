#!/bin/sh
# cellplot: pictures have what they are to show, at the place where it belongs, in each format; each mistake has its line.
. "${0%/*}/lib.sh"
. "${0%/*}/common.sh"

E=$DATA/evaluation
C=$DATA/embeddings.cells

common_checks text cellplot "$C" -k pca -c cell_type --format svg
check_terminal_out cellplot "$C" -k pca --format png
check_stdout cellplot "$C" -k umap -c score --format png
check_stdout cellplot "$C" -k heatmap -c cell_type --format pdf
check_stdout cellplot "$C" -k umap -c donor --format html

need_command python3

texts() { # SVG: its texts in one line, with bars between them
	python3 tests/cli/cellplot.py texts "$1" | tr '\n' '|'
}

# 1. Embeddings
for kind in umap pca; do
	run cellplot -k $kind -c cell_type --labels legend --title 'A <title>' -o "$T/$kind.svg" "$C"
	status_is 0 "$kind of cells"
	like "$(texts "$T/$kind.svg")" 'A <title>.*cell_type\|.*mono, CD14\+.*no value \(1\)' "$kind: title and legend"
	is "$(grep -c '<circle' "$T/$kind.svg")" 24 "$kind: 20 cells, four marks in the legend"
done
like "$(texts "$T/pca.svg")" 'PC1 \([0-9.]+%\)\|PC2 \([0-9.]+%\)' 'pca: what the components explain'
run cellplot -k umap --seed 1 -o "$T/seed.svg" "$C"
run cellplot -k umap --seed 2 -o "$T/other.svg" "$C"
ok 'another seed is another UMAP' not cmp -s "$T/seed.svg" "$T/other.svg"
run cellplot -k pca -c n_genes --categories -o "$T/groups.svg" "$C"
run cellplot -k pca -c n_genes -o "$T/scale.svg" "$C"
ok 'numbers have a colour bar' grep -q color-bar "$T/scale.svg"
ok 'unless they are names of groups' not grep -q color-bar "$T/groups.svg"
run cellplot -k heatmap -c cell_type -o "$T/heat.svg" "$C"
like "$(texts "$T/heat.svg")" '^B cell\|T cell\|mono, CD14\+\|\(missing\)\|z-score\|.*20 cells\|' 'heatmap: groups in their order, and cells'
run cellplot -k heatmap --raw -o "$T/raw.svg" "$C"
like "$(texts "$T/raw.svg")" 'Value\|' 'heatmap: raw values'
run cellplot -k umap -c donor -o "$T/page.html" "$C"
ok 'html: one page' grep -q -i '<!doctype html>' "$T/page.html"

# The first number of the third cell becomes NaN.
cellview --jsonl --columns embedding "$C" | python3 -c '
import json, struct, sys
rows = [json.loads(line)["embedding"] for line in sys.stdin]
data = open(sys.argv[1], "rb").read()
number = struct.pack("<f", rows[2][0])
assert data.count(number) == 1
open(sys.argv[2], "wb").write(data.replace(number, struct.pack("<f", float("nan"))))' "$C" "$T/nan.cells"
run cellplot -k pca -o "$T/nan.svg" "$T/nan.cells"
status_is 0 'a cell whose embedding is no number'
err_is 'cellplot: warning: cells without a finite embedding, left out: 1 of 20' 'is left out with a warning'
is "$(grep -c '<circle' "$T/nan.svg")" 19 'and the others are drawn'

# 2. Predictions: curves and areas are scikit-learn's
run cellplot -k roc --truth state -o "$T/roc.svg" "$E/binary.cells"
status_is 0 'a ROC curve'
ok 'roc: the second of two classes, as scikit-learn has it' \
	python3 tests/cli/cellplot.py roc "$T/roc.svg" "$E/expected.json" binary disease
run cellplot -k roc --truth state --positive healthy -o "$T/roc.svg" "$E/binary.cells"
ok 'roc: the class that is asked for' \
	python3 tests/cli/cellplot.py roc "$T/roc.svg" "$E/expected.json" binary healthy
for kind in confusion roc pr; do
	gfeval --report json --truth diagnosis -o "$T/report.json" "$E/predictions.cells"
	run cellplot -k $kind -o "$T/report.svg" "$T/report.json"
	status_is 0 "$kind: of a report"
	run cellplot -k $kind --truth diagnosis -q -o "$T/stream.svg" "$E/predictions.cells"
	same "$T/report.svg" "$T/stream.svg" "$kind: a report and its predictions give the same picture"
done
run cellplot -k confusion --counts --truth state -o "$T/confusion.svg" "$E/binary.cells"
like "$(texts "$T/confusion.svg")" '^12\|4\|3\|21\|' 'confusion: the counts'
run cellplot -k confusion --truth state -o "$T/confusion.svg" "$E/binary.cells"
like "$(texts "$T/confusion.svg")" '^12\|75%\|4\|25%\|3\|12%\|21\|88%\|' 'confusion: shares of the rows'
run cellplot -k confusion --gene-truth "$E/gene_classes.tsv" -q -o "$T/genes.svg" "$E/genes.cells"
status_is 0 'confusion: of genes'
run cellplot -k confusion --truth kind --task kind -o "$T/task.svg" "$E/tasks.cells"
status_is 0 'confusion: of a task'
gfeval --report json --truth diagnosis --fold donor "$E/predictions.cells" >"$T/folds.json"
run cellplot -k roc -o "$T/folds.svg" "$T/folds.json"
like "$(texts "$T/folds.svg")" 'healthy \(AUC 0\.796 .* 0\.102\)\|DCM \(AUC 0\.818 .* 0\.113\)' 'roc: the mean over folds'

# 3. Genes
run cellplot -k volcano -o "$T/volcano.svg" "$DATA/perturbations/goal.tsv"
status_is 0 'a volcano'
ok 'volcano: points where the axes say' python3 tests/cli/cellplot.py volcano "$T/volcano.svg" \
	"$DATA/perturbations/goal.tsv" Shift_to_goal_end Goal_end_FDR
like "$(texts "$T/volcano.svg")" 'TOY7\|' 'volcano: names'
like "$(texts "$T/volcano.svg")" 'FDR .* 0\.05\|Up \(' 'volcano: the legend'
tr '\t' , <"$DATA/perturbations/goal.tsv" >"$T/goal.csv"
run cellplot -k volcano -o "$T/csv.svg" "$T/goal.csv"
same "$T/csv.svg" "$T/volcano.svg" 'volcano: a CSV is as good'
run cellplot -k ranked -n 2 -o "$T/ranked.svg" "$DATA/perturbations/goal.tsv"
like "$(texts "$T/ranked.svg")" 'TOY7\|TOY9\|' 'ranked: the largest shifts first'

# 4. Training
cat >"$T/one.jsonl" <<'END'
{"step": 1, "loss": 3.0, "learning_rate": 1e-05}
{"step": 2, "loss": NaN, "learning_rate": 2e-05, "note": "odd"}
{"step": 3, "loss": 2.0, "eval_loss": 2.5}
END
sed 's/: 3\.0/: 2.5/' "$T/one.jsonl" >"$T/two.jsonl"
run cellplot -k training -o "$T/training.svg" "$T/one.jsonl"
like "$(texts "$T/training.svg")" 'loss\|eval_loss\|' 'training: both losses'
run cellplot -k training --metrics loss,learning_rate -o "$T/training.svg" "$T/one.jsonl" "$T/two.jsonl"
like "$(texts "$T/training.svg")" 'one\|two\|.*learning_rate\|.*one\|two\|$' 'training: two runs, two panels'
run_sh "cat '$T/one.jsonl' | cellplot -k training -o '$T/stdin.svg'"
status_is 0 'training: from stdin'

# 5. Files and pages
run cellplot -k pca --size 2x1in --dpi 150 -o "$T/page.png" "$C"
ok 'png: size and chunks' python3 tests/cli/cellplot.py png "$T/page.png" 300 150
run cellplot -k pca -c cell_type --title 'T' -o "$T/page.pdf" "$C"
ok 'pdf: whole, and without a date' python3 tests/cli/cellplot.py pdf "$T/page.pdf"
cp "$T/page.pdf" "$T/first.pdf"
run cellplot -k pca -c cell_type --title 'T' -t 3 -o "$T/page.pdf" "$C"
same "$T/first.pdf" "$T/page.pdf" 'pdf: the same bytes again, with other threads'
run cellplot -k pca --format png -o "$T/odd.name" "$C"
is "$(head -c 4 "$T/odd.name" | tail -c 3)" PNG '--format decides'

# 6. Mistakes
cellhead -n 0 -o "$T/none" "$C"
for kind in umap pca heatmap; do
	run cellplot -k $kind -o "$T/bad.svg" "$T/none"
	fails 1 'none: no embeddings in it' "$kind: of no cells"
done
run cellplot -k umap -c nothing -o "$T/bad.svg" "$C"
fails 1 'embeddings.cells: no column nothing; there are cell' 'a column that is not there'
run cellplot -k roc --truth nothing -o "$T/bad.svg" "$E/binary.cells"
fails 1 'no column nothing' 'a truth that is not there'
run cellplot -k roc -o "$T/bad.svg" "$E/binary.cells"
fails 1 'no JSON report of gfeval; for a stream of predictions say --truth' 'predictions without --truth'
run cellplot -k roc --truth cell -o "$T/bad.svg" "$C"
fails 1 'holds embeddings, but cellplot needs predictions' 'embeddings instead of predictions'
run cellplot -k pca -o "$T/bad.svg" "$E/binary.cells"
fails 1 'holds predictions, but cellplot needs embeddings' 'predictions instead of embeddings'
run cellplot -k roc --truth state --positive sick -o "$T/bad.svg" "$E/binary.cells"
fails 1 "no class 'sick'" 'a class that is not there'
cellhead -n 1 -o "$T/one_class" "$E/binary.cells"
for kind in confusion roc pr; do
	run cellplot -k $kind --truth state -o "$T/bad.svg" "$T/one_class"
	fails 1 'all rows have the same true class' "$kind: of one class"
done
run cellplot -k confusion --truth cell -o "$T/bad.svg" "$E/predictions.cells"
status_is 0 'classes that the model does not know are classes'
rm -f "$T/bad.svg"
awk 'BEGIN { printf "{\"classes\": [\"0\""; for (i = 1; i < 1001; i++) printf ",\"%d\"", i; print "]}" }' >"$T/many.json"
run cellplot -k confusion -o "$T/bad.svg" "$T/many.json"
fails 1 '1001 classes, and a picture has room for 1000' 'too many classes'
run cellplot -k volcano -o "$T/bad.svg" "$T/one.jsonl"
fails 1 'one.jsonl: ' 'no table'
run cellplot -k volcano --y nothing -o "$T/bad.svg" "$T/goal.csv"
fails 1 'goal.csv: no column nothing' 'no such column of a table'
run cellplot -k training --metrics loss,nothing -o "$T/bad.svg" "$T/one.jsonl"
fails 1 "no metric 'nothing'; there are loss, learning_rate, eval_loss" 'no such metric'
echo '{"loss": 1' >"$T/cut.jsonl"
run cellplot -k training -o "$T/bad.svg" "$T/cut.jsonl"
fails 1 'cut.jsonl: line 1' 'a log that is cut'
echo '{"classes": ["a", "b"], "confusion_matrix": [[1, 2], [3]]}' >"$T/bad.json"
run cellplot -k confusion -o "$T/bad.svg" "$T/bad.json"
fails 1 'bad.json: confusion_matrix: no count at row 1, column 1 of 2' 'a report that is no matrix'
run cellplot -k pca --size 1900x1900 -o "$T/bad.png" "$C"
fails 1 'too many for a picture' 'a page of too many pixels'
ok 'nothing stays of those' not test -e "$T/bad.svg"

run cellplot -o "$T/bad.svg" "$C"
fails 2 '--kind is required' 'no kind'
run cellplot -k pie -o "$T/bad.svg" "$C"
fails 2 "'pie' is none of umap" 'an unknown kind'
run cellplot -k pca "$C"
fails 2 'what should it be' 'no name and no format'
run cellplot -k pca -o "$T/bad.gif" "$C"
fails 2 'bad.gif: no name that ends with .svg' 'an unknown format'
run cellplot -k heatmap -o "$T/bad.html" "$C"
fails 2 '--format html is for --kind umap pca' 'HTML of what has none'
run cellplot -k pca --size 5x5 -o "$T/bad.svg" "$C"
fails 2 "--size: '5x5'" 'a page that is too small'
run cellplot -k pca --metrics loss -o "$T/bad.svg" "$C"
fails 2 '--metrics is for --kind training' 'an option of another kind'
run cellplot -k pca -o "$T/bad.svg" "$C" "$C"
fails 2 'one FILE' 'two files'

done_testing
