/* embed_stream.h - a stream of tokens through the network, on all threads, in order, in constant
 * memory.
 *
 * Cells are taken from the stream in groups of about 16,384 tokens; a group is worked on in parts
 * of as many tokens as the backend likes, by as many workers as there are threads, and handed on
 * whole. Which cells make a group depends on the stream alone, so what is written does not depend
 * on threads or time. */

#ifndef NN_EMBED_STREAM_H
#define NN_EMBED_STREAM_H

#include "cell/token_cells.h"
#include "formats/cells.h"
#include "nn/embed.h"

/* A group of cells that has been through the network. */
struct embedded_group {
	struct batch *rows; /* the cells' columns, as in the input stream (tokens too) */
	const struct token_cells *cells; /* what the network saw (cut where truncated) */
	const float *vectors; /* [cells->n][width of the plan]; a plan of all tokens: [tokens] */
	double fraction;      /* of the input read so far, for the progress line */
};

struct embed_stream_options {
	struct token_limits limits;
	int32_t cls, eos; /* special tokens that a mean leaves out; -1: none */
	/* Why a cell that does not begin with cls is refused; NULL: it is not. */
	const char *without_cls;
	size_t batch_tokens; /* at most in one call of the network; 0: what the backend likes */
	size_t workers;      /* as the embedder was opened with */
};

/* Called in order, one group at a time, in a thread of its own. 0, or -1 with e set. */
typedef int embed_sink(void *context, const struct embedded_group *group, struct err *e);

/* Reads `in` to its end. Errors name the stream, the batch and the cell. ret_truncated: cells that
 * were cut. */
int embed_stream(struct cells_reader *in, struct embedder *embedder,
    const struct embed_stream_options *options, embed_sink *sink, void *context,
    uint64_t *ret_truncated, struct err *e);

#endif
