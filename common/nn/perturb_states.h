/* perturb_states.h - the embeddings of cell states towards which perturbed cells are measured.
 *
 * They come from a stream of embeddings with a column `state` (gfembed --summary), which must be
 * of the model, the layer and the pooling that the cells are perturbed with: the stream's history
 * tells. */

#ifndef NN_PERTURB_STATES_H
#define NN_PERTURB_STATES_H

#include "formats/cells.h"
#include "nn/embed.h"

struct perturb_states {
	size_t n;
	char **names;       /* [n]: start, goal, then the alternatives */
	float *vectors;     /* [n][hidden] */
	char hash[33];      /* XXH3-128 of the vectors */
	char precision[16]; /* that they were computed in; "": unknown */
};

/* The options that name states; alt is a list (name_list.h), or NULL. */
struct perturb_state_names {
	const char *start, *goal, *alt;
};

/* What the states must have been made with. */
struct perturb_states_of {
	size_t hidden;
	const char *model; /* hash */
	enum embed_pool pool;
	int layer;
	bool has_cls; /* so `auto` was cls */
};

/* Reads the states from the file `path`. NULL with e set: a name that stands twice or is not there,
 * other dimensions, another model, layer or pooling, a vector that is no number. A stream that says
 * nothing of its making is a warning. */
struct perturb_states *perturb_states_read(const struct cli *cli, const char *path,
    const struct perturb_state_names *names, const struct perturb_states_of *of, struct err *e);
void perturb_states_free(struct perturb_states *s);

#endif
