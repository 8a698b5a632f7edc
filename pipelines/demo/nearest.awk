# nearest.awk - how well the mean embeddings of cell types tell the cells apart, as text.
#
#	awk -f nearest.awk STATES.tsv CELLS.tsv
#
# Both are from cellview --tsv: STATES has the columns state, n_cells and embedding (gfembed
# --summary mean --by TYPE), CELLS the type first and embedding second. For each type: the share of
# its cells that lie nearer to the mean of their own type than to any other mean (Euclidean
# distance), and where most of the others lie.

BEGIN {
	FS = "\t"
}

FNR == 1 {
	for (i = 1; i <= NF; i++)
		column[$i] = i
	file++
	next
}

file == 1 {
	name[++types] = $column["state"]
	size = split($column["embedding"], value, ",")
	for (i = 1; i <= size; i++)
		mean[types, i] = value[i]
	next
}

{
	split($2, value, ",")
	best = 0
	for (t = 1; t <= types; t++) {
		distance = 0
		for (i = 1; i <= size; i++) {
			d = value[i] - mean[t, i]
			distance += d * d
		}
		if (!best || distance < least) {
			best = t
			least = distance
		}
	}
	cells[$1]++
	near[$1, name[best]]++
	all++
	own += name[best] == $1
}

function bar(share,    text) {
	while (length(text) < 20)
		text = text (length(text) < share * 20 ? "#" : ".")
	return text
}

function print_type(type,    t, other, n, share) {
	for (t = 1; t <= types; t++)
		if (name[t] != type && near[type, name[t]] > n) {
			n = near[type, name[t]]
			other = name[t]
		}
	n = n ? sprintf("%s %.0f %%", other, 100 * n / cells[type]) : ""
	share = cells[type] ? near[type, type] / cells[type] : 0
	printf "%-18s %6d   %s %3.0f %%   %s\n", type, cells[type], bar(share), 100 * share, n
}

END {
	printf "%-18s %6s   %-26s   %s\n",
	    "cell type", "cells", "nearest to own mean", "else most often"
	for (t = 1; t <= types; t++)
		print_type(name[t])
	printf "%-18s %6d   %s %3.0f %%\n", "all", all, bar(own / all), 100 * own / all
}
