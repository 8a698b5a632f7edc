/* Which tensors a model gets for its classes, when it keeps those that it has, and how they start.
 */

#include <math.h>
#include <string.h>

#include "near_aid.h"
#include "network_aid.h"
#include "nn/new_head.h"
#include "reader_aid.h"

static struct arena arena;
static struct class_names *three, *tasks;

static struct model *make(enum model_class class)
{
	const struct model_config config = { .class = class,
		.layers = 1,
		.hidden = 24,
		.heads = 2,
		.ffn = 40,
		.vocab = 11,
		.positions = 8,
		.type_vocab = 2,
		.activation = ACTIVATION_RELU,
		.layer_norm_eps = 1e-12f,
		.initializer_range = 0.5f,
		.n_labels = 3 };

	return aid_model(&arena, &config);
}

static struct new_head *
put(const struct model *m, enum model_class class, enum head_kind kind, bool is_same)
{
	struct new_head_options o = { class, kind, class == MODEL_MULTITASK ? tasks : three,
		is_same, 42 };

	return new_head_create(m, &o);
}

static int
setup(void **state)
{
	static const char *const names[] = { "a", "b", "c" };
	static const struct class_list lists[] = { { "type", names, 3 }, { "sex", names, 2 } };
	struct err e = { 0 };

	(void)state;
	three = class_names_of_tasks(lists, 1, &e);
	tasks = class_names_of_tasks(lists, 2, &e);
	aid_expect_no_error(&e);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	class_names_free(three);
	class_names_free(tasks);
	arena_free(&arena);
	return 0;
}

/* Normal with sd 0.5, or all 0: means and deviations within five standard errors. */
static void
expect_start(const float *x, size_t n, double sd)
{
	double sum = 0, squares = 0;

	for (size_t i = 0; i < n; i++) {
		sum += (double)x[i];
		squares += (double)x[i] * (double)x[i];
	}
	assert_near(sum / (double)n, 0, 5 * sd / sqrt((double)n));
	assert_near(sqrt(squares / (double)n), sd, 5 * sd / sqrt(2 * (double)n));
}

static void
a_pretrained_model_gets_a_pooler_and_a_layer(void **state)
{
	const struct model *m = make(MODEL_MLM);
	struct new_head *h = put(m, MODEL_SEQUENCE, HEAD_AUTO, false);

	(void)state;
	assert_int_equal(h->model.config.class, MODEL_SEQUENCE);
	assert_true(model_has_pooled_head(&h->model));
	assert_null(h->model.decoder_weight);
	assert_null(h->model.mlm_dense_weight);
	assert_ptr_equal(h->model.word_embeddings, m->word_embeddings);
	assert_int_equal(h->model.n_heads_out, 1);
	assert_int_equal(h->model.head[0].n_labels, 3);
	assert_int_equal(h->model.config.n_labels, 3);
	assert_string_equal(h->model.config.labels[2], "c");
	expect_start(h->model.pooler_weight, 24 * 24, 0.5);
	expect_start(h->model.pooler_bias, 24, 0);
	expect_start(h->model.head[0].weight, 3 * 24, 0.5);
	expect_start(h->model.head[0].bias, 3, 0);
	assert_memory_not_equal(
	    h->model.pooler_weight, h->model.head[0].weight, 24 * sizeof(float));
	assert_true(h->has_positions);
	assert_false(h->is_kept);
	new_head_free(h);
}

static void
the_kinds_have_their_tensors(void **state)
{
	const struct model *m = make(MODEL_MLM);
	struct new_head *h = put(m, MODEL_SEQUENCE, HEAD_MLP, false);

	(void)state;
	assert_int_equal(h->model.head[0].n_hidden, 24);
	assert_non_null(h->model.head[0].dense_bias);
	assert_null(h->model.pooler_weight);
	assert_null(h->model.attention_pool);
	new_head_free(h);

	h = put(m, MODEL_MULTITASK, HEAD_ATTENTION, false);
	assert_int_equal(h->model.n_heads_out, 2);
	assert_int_equal(h->model.head[1].n_labels, 2);
	assert_null(h->model.head[1].dense_weight);
	expect_start(h->model.attention_pool, 24, 0.5);
	assert_int_equal(h->model.config.n_labels, 0);
	new_head_free(h);

	h = put(m, MODEL_TOKEN, HEAD_AUTO, false);
	assert_null(h->model.pooler_weight);
	assert_null(h->model.head[0].dense_weight);
	assert_int_equal(h->model.config.n_labels, 3);
	new_head_free(h);
}

static void
the_same_classes_keep_the_head(void **state)
{
	const struct model *m = make(MODEL_SEQUENCE);
	struct new_head *h = put(m, MODEL_SEQUENCE, HEAD_AUTO, true);
	bool is_pooled = model_has_pooled_head(m);

	(void)state;
	assert_true(h->is_kept);
	assert_ptr_equal(h->model.head[0].weight, m->head[0].weight);
	new_head_free(h);

	h = put(m, MODEL_SEQUENCE, HEAD_AUTO, false);
	assert_false(h->is_kept);
	assert_ptr_not_equal(h->model.head[0].weight, m->head[0].weight);
	new_head_free(h);

	h = put(m, MODEL_TOKEN, HEAD_AUTO, true);
	assert_false(h->is_kept);
	new_head_free(h);

	h = put(m, MODEL_SEQUENCE, is_pooled ? HEAD_MLP : HEAD_POOLER, true);
	assert_false(h->is_kept);
	new_head_free(h);
}

static void
positions_that_are_all_zero_are_none(void **state)
{
	struct model *m = make(MODEL_MLM);
	struct new_head *h;

	(void)state;
	m->position_embeddings = arena_zero(&arena, 8 * 24, sizeof(float));
	h = put(m, MODEL_SEQUENCE, HEAD_AUTO, false);
	assert_false(h->has_positions);
	new_head_free(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pretrained_model_gets_a_pooler_and_a_layer),
		cmocka_unit_test(the_kinds_have_their_tensors),
		cmocka_unit_test(the_same_classes_keep_the_head),
		cmocka_unit_test(positions_that_are_all_zero_are_none),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
