/* rank.h - rank value encoding: a cell as its tokens, from the highest value to the lowest.
 *
 * Theodoris et al. 2023, Methods, "rank value encoding". Equal values keep the order of the cell's
 * entries (the reference leaves their order to numpy's unstable sort; its section 2.5). */

#ifndef CELL_RANK_H
#define CELL_RANK_H

#include "cell/gene_lookup.h"

/* What rank_order works in; grows as needed, one a thread. Zero-initialise to start,
 * rank_scratch_free at the end. */
struct rank_scratch {
	uint32_t *a, *b; /* [room] */
	size_t room;
};

/* The order of n values (no NaN, n < 2^32) from high to low, equal ones by place: ret_order[k] is
 * the place of the k-th. */
void rank_order(const double *values, size_t n, struct rank_scratch *s, uint32_t *ret_order);
void rank_scratch_free(struct rank_scratch *s);

struct rank_options {
	size_t max_length; /* of a cell, special tokens included */
	bool special;      /* <cls> before, <eos> behind */
	bool keep_empty;   /* cells without any token too */
};

struct ranking;

/* For values of that schema (gene, value), which must outlive the plan, as must the dictionary.
 * NULL with e set: no gene known, special tokens wanted that the dictionary has not, or e set
 * before. */
struct ranking *ranking_plan(const struct schema *in, const struct genes *genes,
    const struct rank_options *options, struct err *e);

/* The schema of the tokens: gene and value give way to input_ids list<uint16> (int32 above 65,535
 * tokens) with the vocabulary, and length. The caller's. */
struct schema *ranking_schema(const struct ranking *r);

/* Encodes a batch (a cells_work). A value that is NaN is an error naming the cell. */
int ranking_batch(struct batch *b, void *ranking, struct err *e);

/* The share of names with a token; -1 with e set where none has one. */
int ranking_check(const struct ranking *r, double *ret_share, struct err *e);

struct rank_totals {
	uint64_t n_empty;     /* cells left out, or kept without genes */
	uint64_t n_truncated; /* cells cut to max_length */
	uint64_t n_dropped;   /* entries of genes without a token */
};
/* Whether cells without any token are kept. */
bool ranking_keeps_empty(const struct ranking *r);
struct rank_totals ranking_totals(const struct ranking *r);
void ranking_free(struct ranking *r);

#endif
