/* corpus_embed.h - the cells of a corpus through a network, on all threads, in order. */

#ifndef NN_CORPUS_EMBED_H
#define NN_CORPUS_EMBED_H

#include "nn/embed.h"
#include "nn/token_corpus.h"

struct corpus_group {
	struct token_cells cells;
	const uint64_t *rows; /* [cells.n] their numbers, ascending */
	const float *vectors; /* [cells.n][width of the plan]; a plan of all tokens: [tokens] */
};

/* Called in the order of the rows, one group at a time. 0, or -1 with e set. */
typedef int corpus_sink(void *context, const struct corpus_group *group, struct err *e);

/* Goes through the cells of a set. workers: as the embedder was opened with. 0 or -1. */
int corpus_embed(const struct token_corpus *c, enum token_set set, struct embedder *embedder,
    size_t workers, corpus_sink *sink, void *context, struct err *e);

#endif
