#!/bin/sh
# perturbstats: the tables are those of scipy and scikit-learn (tests/data/make_perturbations.py).
. "${0%/*}/lib.sh"
. "${0%/*}/common.sh"
need_command python3

files=$DATA/perturbations
common_checks text perturbstats "$files/test.cells" --mode goal -d "$DATA/genes.cells"

stats() { # ARG...: to $T/out
	run perturbstats -d "$DATA/genes.cells" "$@"
	status_is 0 "perturbstats $*"
}

is_table() { # NAME: $T/out is the table NAME.tsv
	ok "the table $1" python3 tests/cli/tables.py "$T/out" "$files/$1.tsv"
}

genes=$(cut -f3 "$files/goal.tsv" | sed 1d | tr '\n' ',')
first=ENSG90000000051
fifth=ENSG90000000119

# -- the modes, by scipy and scikit-learn

stats --mode goal "$files/test.cells"
is_table goal
err_is '' 'no word'
stats --mode goal --tie-correction "$files/test.cells"
is_table goal_ties
stats --mode goal --as-reference "$files/test.cells"
is_table goal_as_reference
stats --mode null "$files/test.cells" --null "$files/null.cells"
is_table null
stats --mode mixture "$files/test.cells"
is_table mixture
stats --mode mixture --anchor $fifth "$files/test.cells"
is_table anchor
stats -q --mode mixture --combos --anchor TOY3 "$files/test.cells"
is_table combos
run perturbstats --mode mixture --combos --anchor $first "$files/test.cells"
err_like '10 pairs left out' 'pairs without both alone are counted'
stats --mode aggregate --genes "TOY5+$first,$fifth" "$files/test.cells"
is_table aggregate
stats --mode aggregate-genes "$files/test.cells"
is_table aggregate_genes

# -- the same of shards, of pickles, through a temporary file, from stdin

for mode in goal mixture aggregate-genes; do
	stats --mode $mode "$files/test_1.cells" "$files/test_2.cells"
	is_table "$(echo $mode | tr - _)"
done
stats --mode null "$files/test_1.cells" --null "$files/null.cells" -o "$T/by_shards"
stats --mode null "$files/test_1.cells" --null "$files/test_2.cells"
ok 'another null distribution gives another table' not cmp -s "$T/out" "$T/by_shards"
stats --mode goal --start 'mono, CD14+' --goal 'T cell' "$files/states"
is_table goal
stats --mode mixture "$files/raw"
is_table mixture
stats --mode mixture --anchor $fifth "$files/raw/in_silico_delete_b_raw.pickle" "$files/raw/in_silico_delete_a_raw.pickle"
is_table anchor
stats --mode aggregate-genes "$files/raw"
is_table aggregate_genes
stats --mode null "$files/raw" --null "$files/null.cells"
is_table null
stats --mode aggregate --genes "$genes$first" "$files/raw"
is "$(wc -l <"$T/out")" "$(cellview --tsv "$files/test.cells" | wc -l)" 'pickles: a row a value'
out_like "^0\\.[0-9]*	TOY3	$first	\$" 'without the cell, which they do not name'
run_sh 'perturbstats -m goal -d "$DATA/genes.cells" <"$DATA/perturbations/test.cells"'
is_table goal
run_sh 'perturbstats -d "$DATA/genes.cells" -m null --null "$DATA/perturbations/null.cells" <"$DATA/perturbations/test.cells"'
is_table null
run_sh 'perturbstats -d "$DATA/genes.cells" -m null "$DATA/perturbations/test.cells" --null - <"$DATA/perturbations/null.cells"'
is_table null

many=
for n in 1 2 3 4 5 6 7 8 9 10; do
	many="$many $files/test.cells"
done
many="$many $many $many $many $many"
many="$many $many $many $many $many $many $many $many"
for mode in goal mixture aggregate-genes; do
	# shellcheck disable=SC2086
	run perturbstats --mode $mode $many -o "$T/kept"
	# shellcheck disable=SC2086
	run perturbstats --mode $mode --max-memory 1M $many -o "$T/spilled"
	same "$T/spilled" "$T/kept" "$mode: 400 files through 1 MB"
done
# shellcheck disable=SC2086
run env TMPDIR="$T/no-such" perturbstats --mode goal --max-memory 1M $many
fails 1 'no-such' 'which needs a temporary file'

# -- which states, which genes

stats --mode goal --goal 'B cell' --alt 'T cell,B cell' "$files/test.cells"
like "$(head -n 1 "$T/out")" 'Shift_to_goal_end	Shift_to_alt_end_T cell	Shift_to_alt_end_B cell	' '--alt: those states'
is "$(sed 1d "$T/out" | awk -F '\t' '$4 != $6' | wc -l)" 0 'a goal by its option'
stats --mode goal --start 'T cell' --goal 'B cell' "$files/test.cells"
like "$(head -n 1 "$T/out")" 'Shift_to_goal_end	Shift_to_alt_end_mono, CD14\+	Goal' 'all states but start and goal'
run perturbstats --mode goal "$files/states"
fails 1 'raw.pickle: --goal is needed: .* 3 states' 'pickles do not tell the goal'
run perturbstats --mode goal --goal 'NK cell' "$files/test.cells"
fails 1 "test.cells: no state 'NK cell' among the 3 .*\\('mono, CD14\\+', ...\\)" 'a state that is not there'
run perturbstats --mode goal --alt 'NK cell' "$files/test.cells"
fails 1 "no state 'NK cell'" 'nor as another one'
stats --mode goal --genes "TOY9,$first+TOY4" "$files/test.cells"
is "$(cut -f2 "$T/out" | tr '\n' ' ')" 'Gene_name TOY9 TOY3+TOY4 ' '--genes: these rows'
is "$(awk -F '\t' '$2 == "TOY9" { printf "%.9g %.9g", $4, $6 }' "$T/out")" \
	"$(awk -F '\t' '$2 == "TOY9" { printf "%.9g %.9g", $4, $6 }' "$files/goal.tsv")" 'tested against all others'
printf 'TOY9\n\n%s+TOY4\n' $first >"$T/list"
cp "$T/out" "$T/by_name"
stats --mode goal --genes "@$T/list" "$files/test.cells"
same "$T/out" "$T/by_name" 'the same from a file'
run perturbstats --mode null --goal 'T cell' "$files/test.cells" --null "$files/test.cells"
is "$(sed 1d "$T/out" | awk -F '\t' '$6 != 0 || $7 != 1' | wc -l)" 0 'shifts against themselves'
run perturbstats --mode goal "$files/test.cells"
is "$(sed 1d "$T/out" | awk -F '\t' '$1 != "" || $2 != ""' | wc -l)" 0 'without -d no tokens and no symbols'
is "$(cut -f3- "$T/out" | md5sum)" "$(perturbstats -d "$DATA/genes.cells" -m goal "$files/test.cells" | cut -f3- | md5sum)" \
	'but the same otherwise'

# -- bad input

run perturbstats "$files/test.cells"
fails 2 'mode is required' 'no mode'
run perturbstats --mode null "$files/test.cells"
fails 2 'null FILE ... go together' 'no null distribution'
run perturbstats --mode goal "$files/test.cells" --null "$files/null.cells"
fails 2 'null FILE ... go together' 'a null distribution for another mode'
run perturbstats --mode null "$files/test.cells" --null
fails 2 'no FILE behind --null' 'nothing behind --null'
run perturbstats --mode mixture --goal 'T cell' "$files/test.cells"
fails 2 'goal is not for' '--goal where there is none'
run perturbstats --mode null --start 'T cell' "$files/test.cells" --null "$files/null.cells"
fails 2 'are for --mode goal' '--start where there is none'
run perturbstats --mode mixture --combos "$files/test.cells"
fails 2 'combos needs --anchor' '--combos without --anchor'
run perturbstats --mode goal --anchor TOY3 "$files/test.cells"
fails 2 'anchor is for --mode mixture' '--anchor in another mode'
run perturbstats --mode mixture --combos --anchor A+B "$files/test.cells"
fails 1 'not one gene' 'two anchors'
run perturbstats --mode mixture --anchor ENSG90000000357 "$files/test.cells"
fails 1 'no genes that --anchor affects' 'an anchor that is never perturbed'
run perturbstats --mode aggregate --genes ENSG1 "$files/test.cells"
fails 1 'none of --genes was perturbed' 'genes that were never perturbed'
run perturbstats --mode aggregate --genes 'A,,B' "$files/test.cells"
fails 1 'empty group' 'an empty group'
run perturbstats --mode mixture "$DATA/tokens.cells"
fails 1 'holds tokens, but perturbstats needs perturbations' 'a stream of another kind'
run perturbstats --mode goal "$files/test.cells" "$DATA/tokens.cells"
fails 1 'holds tokens' 'also behind the right one'
run cellhead -n 0 -o "$T/zero" "$files/test.cells"
run perturbstats --mode mixture "$T/zero"
fails 1 'nothing for this table in the input' 'no rows at all'
run perturbstats --mode goal "$T/zero"
fails 1 'nothing for this table' 'nor with states'
run perturbstats --mode null "$files/test.cells" --null "$T/zero"
fails 1 'what follows --null' 'an empty null distribution'
run perturbstats --mode mixture "$files/raw"
fails 1 'raw.pickle: holds tokens; -d DICT' 'pickles without a dictionary'
run perturbstats --mode mixture -d "$DATA/genes.cells" "$files/states"
fails 1 'holds shifts to states, no cosines' 'shifts where cosines are needed'
run perturbstats --mode goal -d "$DATA/genes.cells" "$files/raw"
fails 1 'no shifts to cell states' 'cosines where shifts are needed'
run perturbstats --mode goal -d "$DATA/genes.cells" --goal 'T cell' "$files/states" "$files/raw"
fails 1 'raw.pickle: holds cosines of cells, but no shifts' 'also behind the right ones'
run perturbstats --mode mixture --combos --anchor TOY3 -d "$DATA/genes.cells" "$files/raw"
fails 1 'holds numbers, not tuples' 'numbers where tuples are needed'
mkdir "$T/none"
run perturbstats --mode mixture "$T/none"
fails 1 'a folder without files \*_raw.pickle' 'a folder of nothing'

# What Python pickles: no dictionary; a token outside of it; an empty group; NaN; tuples; the greatest token.
python3 - "$T" <<'EOF'
import pickle, statistics, sys
nan, inf = float("nan"), float("inf")
cases = {
    "list": [1, 2],
    "token": {(99999, "cell_emb"): [0.5]},
    "group": {((), "cell_emb"): [0.5]},
    "nan": {(7, "cell_emb"): [0.5, nan, 0.75], (8, "cell_emb"): [1.0], (9, "cell_emb"): [nan]},
    "inf": {(7, "cell_emb"): [inf]},
    "tuples": {(7, "cell_emb"): [(0.5, 0.25, 1.0)]},
    "normal": {(5 + i, "cell_emb"): [0.99 + 0.001 * statistics.NormalDist().inv_cdf((i + 0.5) / 40)] for i in range(40)},
    "one": {(7, "cell_emb"): [0.5], (8, "cell_emb"): [0.5]},
}
for name, x in cases.items():
    pickle.dump(x, open(f"{sys.argv[1]}/{name}.pickle", "wb"), 4)
EOF
refused() { # NAME EXTENDED-REGEX
	run perturbstats -m mixture -d "$DATA/genes.cells" "$T/$1.pickle"
	fails 1 "$1.pickle: $2" "a pickle: $1"
}
refused list 'holds a list, not a dictionary'
refused token 'entry 0: token 99999 is outside of the dictionary, which has 63'
refused group 'entry 0: an empty group'
refused inf 'entry 0: an infinite value'
refused tuples 'entry 0: holds tuples, as old versions'
run perturbstats -m mixture -d "$DATA/genes.cells" "$T/one.pickle"
fails 1 'two different effects' 'a mixture of one value'
run perturbstats -m mixture -d "$DATA/genes.cells" "$T/normal.pickle"
err_like 'one normal distribution describes' 'a mixture where there is none'
run perturbstats -m mixture -d "$DATA/genes.cells" "$T/nan.pickle"
status_is 0 'NaN is no value'
err_like '2 values that are null or NaN left out \(the first in .*nan.pickle' 'which is told'
is "$(sed 1d "$T/out" | cut -f2,4,7 | tr '\t\n' '  ')" 'TOY3 0.625 2 TOY4 1 1 ' 'the others are counted'

done_testing
