/* Cells of a corpus through a network: each once, in order, with the rows that it has by itself. */

#include <stdlib.h>
#include <string.h>

#include "corpus_aid.h"
#include "network_aid.h"
#include "nn/corpus_embed.h"

enum { ROWS = 700, HIDDEN = 16 };

struct seen {
	uint64_t n, refuse_at;
	float *vectors; /* [ROWS][HIDDEN] */
};

static int
take(void *context, const struct corpus_group *group, struct err *e)
{
	struct seen *s = context;

	for (size_t i = 0; i < group->cells.n; i++) {
		int32_t ids[16];
		size_t n = aid_cell(group->rows[i], ids), from = group->cells.offsets[i];

		assert_int_equal(group->rows[i], 2 * s->n); /* the even rows */
		assert_int_equal(group->cells.offsets[i + 1] - from, n);
		assert_memory_equal(group->cells.ids + from, ids, n * sizeof(*ids));
		memcpy(s->vectors + s->n * HIDDEN, group->vectors + i * HIDDEN,
		    HIDDEN * sizeof(float));
		s->n++;
	}
	return s->refuse_at && s->n >= s->refuse_at ? err_set(e, "enough") : 0;
}

static struct embedder *
open_embedder(struct arena *a, size_t workers)
{
	const struct model_config config = { .class = MODEL_BASE,
		.layers = 1,
		.hidden = HIDDEN,
		.heads = 2,
		.ffn = 24,
		.vocab = AID_TOKENS,
		.positions = 16,
		.type_vocab = 2,
		.activation = ACTIVATION_RELU,
		.layer_norm_eps = 1e-12f };
	const struct embed_options how = { EMBED_FIRST, 0, "cpu", "f32", workers };
	struct err e = { 0 };
	struct embedder *m = embedder_open(aid_model(a, &config), &how, &e);

	aid_expect_no_error(&e);
	return m;
}

static struct token_corpus *
make_corpus(void)
{
	const struct token_corpus_options o = { .limits = { AID_TOKENS, 16, false, 3 },
		.max_memory = 1 << 20 };
	struct token_corpus *c = aid_corpus(&o, ROWS, NULL, NULL);

	for (uint64_t row = 1; row < ROWS; row += 2)
		token_corpus_move(c, row, TOKEN_SET_TEST);
	return c;
}

/* With this many workers: the vectors of all cells, the caller's. */
static float *
embed_all(const struct token_corpus *c, size_t workers)
{
	struct arena a = { 0 };
	struct embedder *m = open_embedder(&a, workers);
	struct seen s = { .vectors = mem_zero(ROWS * HIDDEN, sizeof(float)) };
	struct err e = { 0 };
	float alone[HIDDEN];
	int32_t ids[16];
	size_t offsets[2] = { 0, aid_cell(8, ids) };
	struct embed_cells cell = { .n = 1, .ids = ids, .offsets = offsets };

	corpus_embed(c, TOKEN_SET_TRAIN, m, workers, take, &s, &e);
	aid_expect_no_error(&e);
	assert_int_equal(s.n, ROWS / 2);
	embedder_run(m, 0, &cell, alone, &e);
	assert_memory_equal(s.vectors + (ptrdiff_t)4 * HIDDEN, alone, sizeof(alone));
	embedder_close(m);
	arena_free(&a);
	return s.vectors;
}

static void
each_cell_once_and_in_order(void **state)
{
	struct token_corpus *c = make_corpus();

	(void)state;
	free(embed_all(c, 1));
	free(embed_all(c, 3));
	token_corpus_free(c);
}

static void
a_sink_that_fails_ends_it(void **state)
{
	struct token_corpus *c = make_corpus();
	struct arena a = { 0 };
	struct embedder *m = open_embedder(&a, 2);
	struct seen s = { .refuse_at = 1, .vectors = mem_zero(ROWS * HIDDEN, sizeof(float)) };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(corpus_embed(c, TOKEN_SET_TRAIN, m, 2, take, &s, &e), -1);
	aid_expect_error(&e, "enough");
	assert_int_equal(corpus_embed(c, TOKEN_SET_EVAL, m, 2, take, &s, &e), 0);
	free(s.vectors);
	embedder_close(m);
	arena_free(&a);
	token_corpus_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_cell_once_and_in_order),
		cmocka_unit_test(a_sink_that_fails_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
