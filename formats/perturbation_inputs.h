/* perturbation_inputs.h - the numbers of perturbations, from streams of gfperturb and from raw
 * pickles of the reference alike, over any number of files.
 *
 * Every number is shown alone: which genes were perturbed, what was affected (the cell as a whole,
 * or another gene), and the value. So a shard, a file or a kind of file makes no difference to who
 * uses them, and nothing is kept here. */

#ifndef FORMATS_PERTURBATION_INPUTS_H
#define FORMATS_PERTURBATION_INPUTS_H

#include "cell/gene_sets.h"
#include "cell/genes.h"
#include "formats/cells.h"

struct perturbation_inputs;

/* Finds the files: a path may be a stream ("-": standard input), a pickle, or a folder, which
 * stands for all *_raw.pickle in it, in bytewise order of names; no path at all is standard input.
 * `genes` names the tokens of
 * pickles; NULL is fine where there are none. NULL with e set on failure. */
struct perturbation_inputs *perturbation_inputs_open(
    const struct cli *cli, char *const *paths, size_t n, const struct genes *genes, struct err *e);
void perturbation_inputs_close(struct perturbation_inputs *in);

/* Which state is which. */
struct perturbation_states {
	const char *goal, *start; /* NULL: not known */
	const char *alternatives; /* "A,B"; NULL: all but goal and start */
};

/* The states to be read, the goal first, then the alternatives: what `told` leaves open comes from
 * the history of the first file, where gfperturb noted it. Texts and array in the arena; NULL with
 * e set where the input has no states, or not these, or the goal is not known. */
const char **perturbation_inputs_choose(struct perturbation_inputs *in,
    const struct perturbation_states *told, struct arena *arena, size_t *ret_n, struct err *e);

/* What is to be read. */
struct perturbation_wanted {
	/* [n_states] Shifts of the cell towards these states, as series 0, 1, ...; 0: the cosine of
	 * the cell, as series 0. */
	const char *const *states;
	size_t n_states;
	bool genes; /* the cosines of affected genes, too */
	/* Of pickles only the tuples (anchor, gene, both) that old versions wrote, as series 0, 1,
	 * 2; of streams only those that name the cells. */
	bool triples;
};

#define NO_GENE UINT32_MAX

struct perturbation_value {
	uint32_t set;      /* of gene_sets: what was perturbed */
	uint32_t affected; /* a gene of gene_sets, or NO_GENE: the cell as a whole */
	uint32_t series;
	float value;      /* finite */
	const char *cell; /* not NUL-terminated; NULL: the file does not say */
	size_t cell_size;
	uint64_t row; /* the same for all numbers of one row of a stream, or tuple of a pickle */
};

typedef int perturbation_sink(void *context, const struct perturbation_value *value, struct err *e);

/* Shows all values of all files, in their order. Those that are missing (null, NaN) are left out
 * and counted, with one warning at the end. -1 on failure; a file without what is wanted is one. */
int perturbation_inputs_read(struct perturbation_inputs *in, const struct perturbation_wanted *what,
    struct gene_sets *sets, perturbation_sink *sink, void *context, struct err *e);

#endif
