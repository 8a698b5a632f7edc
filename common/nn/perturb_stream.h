/* perturb_stream.h - perturbs the cells of a stream, one after the other, on all threads.
 *
 * The copies of a cell are spread over the workers by a token budget; results come in input order,
 * a part of a cell at a time, so memory does not depend on the number of cells or of copies. */

#ifndef NN_PERTURB_STREAM_H
#define NN_PERTURB_STREAM_H

#include "cell/token_cells.h"
#include "formats/cells.h"
#include "nn/perturb.h"
#include "nn/screen.h"

/* Copies first .. first + n - 1 of a cell. */
struct perturbed_part {
	const struct batch *row; /* the cell's columns: one row */
	const int32_t *ids;      /* [length] */
	size_t length;
	const struct cell_perturbations *what;
	size_t first, n;
	const struct perturbed *numbers; /* NULL: nothing was computed (no perturber, no copies) */
	bool is_first,
	    is_last;     /* part of this cell; a cell without perturbations is one empty part */
	double fraction; /* of the input file, negative for a pipe */
};
/* Called in order, one part at a time, in any thread. 0, or -1 with e set. */
typedef int perturb_sink(void *context, const struct perturbed_part *part, struct err *e);

/* Whether a cell is to be perturbed (--start, --resume); NULL: all. Called in input order,
 * one cell at a time, while the sink may be at work on an earlier one in another thread. */
typedef bool perturb_filter(void *context, const struct batch *b, size_t row);

struct perturb_stream_options {
	struct perturbation_options what; /* max_length at most the model's positions */
	struct token_limits limits;
	size_t batch_tokens; /* of copies that a worker takes at once; 0: the perturber's */
	size_t workers;      /* as the perturber was opened with */
	perturb_filter *filter;
	/* The first so many copies of the cells that pass the filter are not computed, since the
	 * output has them (gfperturb --resume). A cell all of whose copies are skipped goes to the
	 * sink as one empty part, with `first` = the number of them; one of which some are skipped
	 * starts with the first copy that is not. */
	uint64_t n_skipped;
	/* With a screen, which has as many workers: only the n_screened copies of a cell are made
	 * whose estimates are the greatest. For all genes one at a time, no anchor. */
	struct screen *screen;
	size_t n_screened;
};

/* Reads `in` to its end. perturber may be NULL: then nothing is computed, numbers is NULL, a cell
 * is one part, and the sink makes what it wants of the perturbations (gfperturb --tokens). Filter
 * and sink share `context`. Errors name the stream, the batch and the cell. ret_truncated: cells
 * that were cut (limits.truncate). 0 or -1. */
int perturb_stream(struct cells_reader *in, struct perturber *perturber,
    const struct perturb_stream_options *options, perturb_sink *sink, void *context,
    uint64_t *ret_truncated, struct err *e);

#endif
