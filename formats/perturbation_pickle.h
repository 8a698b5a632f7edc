/* perturbation_pickle.h - a raw result of the reference's InSilicoPerturber (*_raw.pickle).
 *
 * A dictionary from (perturbed, affected) to a list of numbers, one a cell. perturbed is a token,
 * or a tuple of tokens perturbed together; affected is the token of another gene, or "cell_emb" for
 * the cell as a whole. Modelled cell states give {state: such a dictionary}. In results of old
 * versions each number may be a tuple: (anchor, gene, both). Values of numpy's types are read, too.
 * Reads with pickle.h, so nothing is executed. */

#ifndef FORMATS_PERTURBATION_PICKLE_H
#define FORMATS_PERTURBATION_PICKLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct perturbation_pickle;

/* Reads the whole file. NULL with *e set on failure, also where it holds anything else. */
struct perturbation_pickle *perturbation_pickle_open(const char *path, struct err *e);
void perturbation_pickle_close(struct perturbation_pickle *p);

/* Entries (perturbed, affected) of all states. */
size_t perturbation_pickle_entries(const struct perturbation_pickle *p);

/* The modelled states, 0: none; and their names (not NUL-terminated, valid until close). */
size_t perturbation_pickle_states(const struct perturbation_pickle *p);
const char *perturbation_pickle_state(
    const struct perturbation_pickle *p, size_t i, size_t *ret_size);

#define AFFECTED_CELL (-1)

struct pickle_entry {
	const int64_t *perturbed; /* [n_perturbed] tokens, at least one, not negative */
	size_t n_perturbed;
	int64_t affected;     /* a token, or AFFECTED_CELL */
	const double *values; /* [n][width] */
	size_t n, width;
};

typedef int pickle_entry_visit(void *context, const struct pickle_entry *entry, struct err *e);

/* Shows every entry of state i (0 where there are no states), as they are written. -1 where an
 * entry is none of the above, or visit returns -1. */
int perturbation_pickle_visit(const struct perturbation_pickle *p, size_t state,
    pickle_entry_visit *visit, void *context, struct err *e);

#endif
