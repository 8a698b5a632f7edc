/* perturbation_reading.h - private to perturbation_inputs: what its parts share.
 *
 * perturbation_inputs.c finds the files and goes through them, perturbation_states.c finds out
 * which states they have, perturbation_rows.c reads streams, perturbation_entries.c pickles. */

#ifndef FORMATS_PERTURBATION_READING_H
#define FORMATS_PERTURBATION_READING_H

#include <jansson.h>

#include "base/progress.h"
#include "formats/perturbation_inputs.h"

#define SHIFT_PREFIX "shift:" /* of the column of a state */

enum { MISSING_ROOM = 200 };

struct perturbation_inputs {
	const struct cli *cli;
	const struct genes *genes;
	size_t n;
	char **paths;               /* [n] */
	struct cells_reader *first; /* of paths[0], while it is open already */

	/* While values are read */
	const struct perturbation_wanted *what;
	struct gene_sets *sets;
	perturbation_sink *sink;
	void *context;
	const char *path;
	uint32_t *token_genes; /* [genes->n_tokens] gene of the sets; NO_GENE: not met yet */
	size_t state;          /* the wanted one that is being read from a pickle */
	uint64_t n_rows, n_missing, n_left_out;
	char missing[MISSING_ROOM]; /* the first file with a missing value */
	struct progress progress;
};

/* True for a file that begins as a pickle does. */
bool perturbation_is_pickle(const char *path);

/* Shows a number to the sink, with v's other members as they are; counts it where it is missing.
 * -1 for an infinite one. */
int perturbation_show(
    struct perturbation_inputs *in, struct perturbation_value *v, double value, struct err *e);

/* Shows all values of the stream r; from and share: where it begins in the whole work, and how much
 * of it it is. */
int perturbation_read_stream(struct perturbation_inputs *in, struct cells_reader *r, double from,
    double share, struct err *e);

/* Shows all values of the pickle in->path. */
int perturbation_read_pickle(struct perturbation_inputs *in, struct err *e);

#endif
