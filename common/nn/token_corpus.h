/* token_corpus.h - cells to learn from, more than fit into memory, in an order of chance.
 *
 * A corpus is filled from any number of sources (token_source.h), each read once to its end and
 * checked like any input. Only the tokens are kept, two bytes each (four where the vocabulary is
 * above 65,536): in memory, and beyond max_memory in a temporary file in $TMPDIR. Besides, 5 bytes
 * a row stay in memory: the length, and the set that the row is in. So pipes can be learned from,
 * an epoch reads no more than it needs, and nothing is decoded twice.
 *
 * A row is known by its number, counted over all sources from 0, rows of no set among them. What a
 * caller wants to know of rows beyond their tokens (labels, donors) it takes from the batches while
 * they are read, and keeps by these numbers.
 *
 * Order. Rows lie in blocks of about BLOCK_TOKENS tokens, as they came. An epoch goes through all
 * blocks in an order of chance, WINDOW_BLOCKS of them at a time, whose rows are shuffled together:
 * 2^24 tokens, so that a smaller corpus is shuffled whole, and 32 MiB of memory (64 with wide
 * tokens). The order depends on the seed and the epoch alone. */

#ifndef NN_TOKEN_CORPUS_H
#define NN_TOKEN_CORPUS_H

#include "cell/token_cells.h"
#include "formats/token_source.h"

enum token_set { TOKEN_SET_TRAIN, TOKEN_SET_EVAL, TOKEN_SET_TEST, TOKEN_SET_NONE = 255 };

enum { TOKEN_BLOCK_TOKENS = 1 << 14, TOKEN_WINDOW_BLOCKS = 1 << 10 };

/* ---- what there is ---- */

struct token_corpus_options {
	struct token_limits limits;         /* vocabulary, positions, truncation */
	const struct genes *vocabulary;     /* which the sources must not contradict; NULL: any */
	size_t max_memory;                  /* for the tokens */
	const struct cli *cli;              /* for the progress line; NULL: none */
	size_t block_tokens, window_blocks; /* 0: TOKEN_BLOCK_TOKENS, TOKEN_WINDOW_BLOCKS */
};

struct token_corpus;

/* The vocabulary must outlive the corpus. */
struct token_corpus *token_corpus_new(const struct token_corpus_options *o);
void token_corpus_free(struct token_corpus *c);

/* Sees each batch while it is read. Its rows are number `first` and following ones. sets [b->rows]
 * comes filled with the set that token_corpus_add was given, and may be changed: rows of
 * TOKEN_SET_NONE are not kept (their tokens are checked all the same). 0, or -1 with e set. */
typedef int token_corpus_visit(void *context, const struct schema *s, const struct batch *b,
    uint64_t first, uint8_t *sets, struct err *e);

/* Reads the source to its end (it stays the caller's to close). visit may be NULL. 0 or -1: another
 * vocabulary, a token outside it, a cell that is too long or has no tokens, a full disk. */
int token_corpus_add(struct token_corpus *c, struct token_source *source, enum token_set set,
    token_corpus_visit *visit, void *context, struct err *e);

/* Moves each row of TRAIN to EVAL with this probability. By seed and row number. */
void token_corpus_hold_out(struct token_corpus *c, double fraction, uint64_t seed);

/* Puts a row that was kept into another set; of NONE: it is never taken. */
void token_corpus_move(struct token_corpus *c, uint64_t row, enum token_set set);

/* All rows that came, kept or not: their numbers are below. */
uint64_t token_corpus_rows(const struct token_corpus *c);
/* Rows of a set, and their tokens. */
uint64_t token_corpus_cells(const struct token_corpus *c, enum token_set set);
uint64_t token_corpus_tokens(const struct token_corpus *c, enum token_set set);
enum token_set token_corpus_set_of(const struct token_corpus *c, uint64_t row);
uint64_t token_corpus_truncated(const struct token_corpus *c);
/* Tokens of the longest cell; 0 for no cells. */
size_t token_corpus_longest(const struct token_corpus *c);

/* XXH3-128 of all tokens, lengths and sets: whether a resumed run sees the same cells. */
void token_corpus_hash(const struct token_corpus *c, char ret_hex[33]);

/* ---- going through it ---- */

/* Some cells, end to end. Valid until the next take or seek. */
struct token_step {
	uint64_t epoch;
	size_t n;
	const int32_t *ids;
	const size_t *offsets; /* [n + 1], from 0 */
	const uint64_t *rows;  /* [n] their numbers in the corpus */
};

struct token_order;

/* Goes through the rows of a set, from epoch 0 on; shuffled by `seed`, or as they came (then every
 * epoch is the same). The corpus must outlive it and not change. A set of no rows is fine, and ends
 * at once. One thread's; several orders may go through a corpus at once. */
struct token_order *token_order_new(
    const struct token_corpus *c, enum token_set set, bool is_shuffled, uint64_t seed);
void token_order_free(struct token_order *o);

/* From now on a take has at most this many cells; 0: any number. */
void token_order_limit(struct token_order *o, size_t cells);

/* Goes on at row number `place` of the epoch's order. 0 or -1. */
int token_order_seek(struct token_order *o, uint64_t epoch, uint64_t place, struct err *e);

/* The next cells of the epoch, as many as have at most `budget` tokens together, at least one. 1; 0
 * at the end of the epoch, where the next call begins the next epoch; -1 on failure. */
int token_order_take(struct token_order *o, size_t budget, struct token_step *ret, struct err *e);

/* Where the next take begins. */
uint64_t token_order_epoch(const struct token_order *o);
uint64_t token_order_place(const struct token_order *o);

/* How many takes of this budget there are in the epoch. Reads lengths only. */
uint64_t token_order_count(const struct token_order *o, uint64_t epoch, size_t budget);

#endif
