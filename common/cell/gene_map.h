/* gene_map.h - bringing the gene names of counts to the ids of a gene dictionary.
 *
 * Names are looked up by genes_map. Entries whose gene is unknown are dropped and counted; entries
 * of one cell whose genes become the same are summed where the first of them stands, as are ids
 * that occur twice (the reference keeps those twice unless another pair makes it sum; its
 * section 2.3). n_counts stays: it is the total over all genes. */

#ifndef CELL_GENE_MAP_H
#define CELL_GENE_MAP_H

#include "cell/gene_lookup.h"

struct gene_map;

/* For counts of that schema (gene, count); both must outlive the plan. NULL, with e set, where no
 * gene is known, or where e was set before. */
struct gene_map *gene_map_plan(
    const struct schema *in, const struct genes *genes, enum lookup mode, struct err *e);

/* The schema of what comes out: the gene column's dictionary is the ids met (all ids, where the
 * names came as plain text). The caller's. */
struct schema *gene_map_schema(const struct gene_map *m);

/* Maps a batch (a cells_work: several threads at once, on different batches). */
int gene_map_batch(struct batch *b, void *gene_map, struct err *e);

/* The share of names that are known; -1 with e set where none is. */
int gene_map_check(const struct gene_map *m, double *ret_share, struct err *e);

/* Entries (non-zero counts) read, dropped, and added to another of the same cell. */
struct gene_map_totals {
	uint64_t n_entries, n_dropped, n_summed;
	size_t n_unmapped_names; /* distinct */
};
struct gene_map_totals gene_map_totals(const struct gene_map *m);

/* The names that are not known, sorted by name, and the number of cells' entries each had;
 * [n_unmapped_names], freed by the caller, the names belong to the map. */
struct unmapped_gene {
	const char *name;
	size_t size;
	uint64_t n_entries;
};
struct unmapped_gene *gene_map_unmapped(const struct gene_map *m);

void gene_map_free(struct gene_map *m);

#endif
