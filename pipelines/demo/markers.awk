# markers.awk - the ranks of known marker genes in a table of perturbstats, as text.
#
#	awk -f markers.awk TABLE.tsv
#
# The markers are those by which the field tells CD14+ monocytes: calprotectin (S100A8, S100A9),
# lysozyme, cystatin C, CD14, LGALS3, and FCN1. A gene's rank is that of its mean shift to the goal
# among the genes that were found in at least five cells.

BEGIN {
	FS = "\t"
	n_markers = split("S100A8 S100A9 LYZ CST3 CD14 LGALS3 FCN1", marker, " ")
}

FNR == 1 {
	for (i = 1; i <= NF; i++)
		column[$i] = i
	next
}

$column["N_Detections"] >= 5 {
	name = $column["Gene_name"]
	shift[name] = $column["Shift_to_goal_end"]
	found[name] = $column["N_Detections"]
	n++
}

END {
	for (i = 1; i <= n_markers; i++) {
		name = marker[i]
		if (!(name in shift)) {
			printf "%-8s not among the highest 256 genes of five cells\n", name
			continue
		}
		rank = 1
		for (other in shift)
			if (shift[other] > shift[name])
				rank++
		in_top += rank <= n / 20
		printf "%-8s rank %4d of %d   shift %+.5f in %d cells\n", name, rank, n, shift[name], found[name]
	}
	printf "%d of %d markers are among the highest 5 %% of the genes\n", in_top, n_markers
}
