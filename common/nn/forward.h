/* forward.h - the forward pass, whatever the device.
 *
 * A network (network.h) is shared by all threads; a forward is one thread's activations. Cells lie
 * end to end, [tokens][hidden], without padding, so a cell's result cannot depend on its
 * neighbours. Architecture: Devlin et al. 2019 (BERT, norms after the residual sums), as
 * transformers' BertModel. */

#ifndef NN_FORWARD_H
#define NN_FORWARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "nn/network.h"
#include "nn/plan.h"

struct forward;

/* Cells end to end: cell i is ids[offsets[i]] .. ids[offsets[i + 1] - 1]; at least one token, at
 * most the model's positions, ids below its vocabulary (asserted). */
struct forward_cells {
	size_t n;
	const int32_t *ids;
	const size_t *offsets; /* [n + 1], from 0 */
	/* PLAN_MEAN: the tokens from[i] .. to[i] - 1 of cell i, counted from its first; NaN where
	 * there are none. */
	const size_t *from, *to; /* [n] */
	/* PLAN_POSITIONS: positions[cu_positions[i]] .. positions[cu_positions[i + 1] - 1] of cell
	 * i, counted from its first token. */
	const size_t *positions, *cu_positions; /* [cu_positions[n]], [n + 1] from 0 */
	/* Cells that are nearly the same, or NULL: whether they all have the same token at a
	 * position, for each of the shortest cell; true at least once, and each cell has a token
	 * besides. For a forward that shares its first layer, where the attention to these tokens
	 * is then computed once for all cells; the result is that of the definition, but which bits
	 * it has depends on what is in common. */
	const bool *is_common;
	size_t n_common; /* positions in is_common */
};

/* One thread's memory: it grows to the largest batch that it meets, about 5 * hidden * 4 bytes a
 * token. */
struct forward *forward_create(const struct network *net);
void forward_free(struct forward *f);

/* From now on queries, keys and values of the first layer are kept by token and position
 * (first_layer.h); pays where cells have most of these in common. Results are the same bits, unless
 * cells say what they have in common. */
void forward_share_first_layer(struct forward *f);

/* The rows of output that the plan gives for these cells. */
size_t forward_rows(const struct plan *plan, const struct forward_cells *cells);

/* Computes ret_rows [forward_rows][plan.width], cell by cell in order. 0, or -1 or BACKEND_NO_ROOM
 * with *e set. */
int forward_run(
    struct forward *f, const struct forward_cells *cells, float *ret_rows, struct err *e);

/* The hidden states without mean and head, where they are: those of the rows FIRST and POSITIONS,
 * else of all tokens. Valid until the next run, for the operations of the workspace. */
struct activations *forward_hidden(struct forward *f, const struct forward_cells *cells);
struct workspace *forward_workspace(const struct forward *f);

#endif
