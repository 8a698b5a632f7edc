/* training_state.h - private to training_run: training.safetensors, all that a run needs to go on
 * as if it had never stopped.
 *
 * Tensors `weights`, `mean`, `square` and, where a task keeps the best, `best`: float32, as
 * parameters.h lays them out. The text `state` is a JSON object: the counters below, the settings,
 * the hash of the corpus, and what the task wants to be kept. */

#ifndef NN_TRAINING_STATE_H
#define NN_TRAINING_STATE_H

#include <jansson.h>

#include "nn/learner.h"

struct training_state {
	uint64_t step, tokens, epoch, place;
	double loss; /* sum over the steps since the last line of metrics */
	uint64_t n_losses;
	bool must_evaluate; /* the evaluation of `step` is still to come */
	bool is_over;       /* the task has had enough */
	float *best;        /* [n_values] in host memory, or NULL */
};

/* Writes the file. settings, memory (NULL: none): borrowed. 0 or -1. */
int training_state_write(const char *path, const struct parameters *p, struct learner *l,
    const struct training_state *state, const json_t *settings, const json_t *memory,
    struct err *e);

/* Reads it into the parameters, the learner and *ret, whose best it may allocate; memory (NULL:
 * none) gets the keys that were kept. -1: damaged, of another model, or settings that differ. */
int training_state_read(const char *path, struct parameters *p, struct learner *l,
    struct training_state *ret, const json_t *settings, json_t *memory, struct err *e);

/* On several ranks: all of it becomes that of rank 0. After a ranks_agree (ranks.h). */
void training_state_share(
    struct parameters *p, struct learner *l, struct training_state *state, json_t *memory);

/* 0 where both objects are equal, else -1 with e naming the first key that differs. `where` is
 * where `kept` comes from. */
int training_settings_compare(
    const json_t *kept, const json_t *now, const char *where, struct err *e);

#endif
