/* Estimates of perturbations against the perturbations, on small random models: nearly in the same
 * order, nearly the same size, the same for every worker and at every call. */

#include "bert_aid.h"
#include "network_aid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/screen.h"

enum { N = 120, VOCAB = 200 };

static const struct model_config config = { .class = MODEL_MLM,
	.layers = 2,
	.hidden = 32,
	.heads = 2,
	.ffn = 48,
	.vocab = VOCAB,
	.positions = N,
	.type_vocab = 2,
	.activation = ACTIVATION_GELU,
	.layer_norm_eps = 1e-12f };

struct cell {
	struct arena a;
	struct model *m;
	int32_t ids[N];
	float *goal;
};

static struct cell
make_cell(void)
{
	struct cell c = { 0 };

	c.m = aid_model(&c.a, &config);
	/* positions that matter, but not more than the genes */
	for (size_t i = 0; i < N * config.hidden; i++)
		((float *)(uintptr_t)c.m->position_embeddings)[i] *= 0.2f;
	for (int i = 0; i < N; i++)
		c.ids[i] = (int32_t)aid_number_below(VOCAB);
	c.goal = aid_numbers(&c.a, config.hidden, 1);
	return c;
}

static double
cosine(const double *x, const double *y, size_t h)
{
	double xy = 0, xx = 0, yy = 0;

	for (size_t i = 0; i < h; i++) {
		xy += x[i] * y[i];
		xx += x[i] * x[i];
		yy += y[i] * y[i];
	}
	return xy / sqrt(xx * yy);
}

/* [hidden]: of the first token, or of all but the first and the last. */
static double *
pooled(struct arena *a, const double *x, size_t n, enum embed_pool pool)
{
	size_t h = config.hidden;
	double *out = arena_zero(a, h, sizeof(*out));

	for (size_t i = 1; i + 1 < n; i++)
		for (size_t c = 0; c < h; c++)
			out[c] += pool == EMBED_FIRST ? x[c] : x[i * h + c];
	return out;
}

/* The copy in which token `at` is deleted or put first; ret_from[i]: where its token i was. Returns
 * its length. */
static size_t
perturb(
    const struct cell *c, enum perturbation_type type, size_t at, int32_t *ids, size_t *ret_from)
{
	size_t n = 0;

	for (size_t i = 0; i < N; i++) {
		if (i == 1 && type == PERTURB_OVEREXPRESS)
			ret_from[n++] = at;
		if (i != at)
			ret_from[n++] = i;
	}
	for (size_t i = 0; i < n; i++)
		ids[i] = c->ids[ret_from[i]];
	return n;
}

/* What gfperturb would say, for each pool, without and with a goal. */
struct truth {
	double of[2][2][N - 2];
};

static double
mean_change(const double *y, const double *x, const size_t *from, size_t n, size_t at)
{
	size_t h = config.hidden, used = 0;
	double sum = 0;

	for (size_t i = 1; i + 1 < n; i++) {
		sum += from[i] == at ? 0 : 1 - cosine(y + i * h, x + from[i] * h, h);
		used += from[i] != at;
	}
	return sum / (double)used;
}

/* In double precision: of the copies without each gene, or with it first. */
static void
perturb_in_truth(const struct cell *c, enum perturbation_type type, struct truth *ret)
{
	struct arena original = { 0 }, a = { 0 };
	size_t h = config.hidden, from[N];
	double *x = bert_hidden(&original, c->m, c->ids, N, 2);
	double *goal = arena_alloc(&original, h, sizeof(*goal));
	int32_t ids[N];

	for (size_t i = 0; i < h; i++)
		goal[i] = (double)c->goal[i];
	for (size_t at = 1; at + 1 < N; at++) {
		size_t n = perturb(c, type, at, ids, from);
		double *y = bert_hidden(&a, c->m, ids, n, 2);

		ret->of[EMBED_FIRST][0][at - 1] = 1 - cosine(x, y, h);
		ret->of[EMBED_MEAN][0][at - 1] = mean_change(y, x, from, n, at);
		for (int pool = EMBED_FIRST; pool <= EMBED_MEAN; pool++)
			ret->of[pool][1][at - 1] =
			    cosine(pooled(&a, y, n, (enum embed_pool)pool), goal, h) -
			    cosine(pooled(&a, x, N, (enum embed_pool)pool), goal, h);
		arena_reset(&a);
	}
	arena_free(&a);
	arena_free(&original);
}

static double
correlation(const double *x, const double *y, size_t n)
{
	double sum[5] = { 0 };

	for (size_t i = 0; i < n; i++) {
		sum[0] += x[i] / (double)n;
		sum[1] += y[i] / (double)n;
	}
	for (size_t i = 0; i < n; i++) {
		sum[2] += (x[i] - sum[0]) * (y[i] - sum[1]);
		sum[3] += (x[i] - sum[0]) * (x[i] - sum[0]);
		sum[4] += (y[i] - sum[1]) * (y[i] - sum[1]);
	}
	return sum[2] / sqrt(sum[3] * sum[4]);
}

static double
size_of(const double *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i] * x[i];
	return sqrt(sum / (double)n);
}

static void
check_pool(const struct cell *c, const struct truth *all, enum embed_pool pool, bool has_goal,
    enum perturbation_type type)
{
	const struct screen_options o = { .type = type,
		.pool = pool,
		.goal = has_goal ? c->goal : NULL,
		.device = "cpu",
		.workers = 2 };
	struct err e = { 0 };
	struct screen *s = screen_open(c->m, &o, &e);
	const double *truth = all->of[pool][has_goal];
	double ours[N - 2], again[N - 2], r, ratio;

	expect(s != NULL, "%s", e.text);
	expect(screen_cell(s, 0, c->ids, N, 1, N - 2, ours, &e) == 0, "%s", e.text);
	expect(screen_cell(s, 0, c->ids, N / 2, 0, N / 2, again, &e) == 0, "%s", e.text);
	expect(pool != EMBED_FIRST || isinf(again[0]), "the first token itself");
	expect(screen_cell(s, 1, c->ids, N, 1, N - 2, again, &e) == 0, "%s", e.text);
	expect(memcmp(ours, again, sizeof(ours)) == 0, "the worker matters");
	r = correlation(truth, ours, N - 2);
	ratio = size_of(ours, N - 2) / size_of(truth, N - 2);
	/* directions of chance have an error, but where the moved genes are most of it */
	expect(r > (has_goal || pool == EMBED_MEAN ? 0.97 : 0.8),
	    "type %d, pool %d, goal %d: correlation %g", (int)type, (int)pool, has_goal, r);
	expect(ratio > 0.7 && ratio < 1.4, "pool %d, goal %d: %g of the size", (int)pool, has_goal,
	    ratio);
	screen_close(s);
}

static void
checks(void)
{
	struct cell c = make_cell();

	for (int type = PERTURB_DELETE; type <= PERTURB_OVEREXPRESS; type++) {
		struct truth truth;

		perturb_in_truth(&c, (enum perturbation_type)type, &truth);
		for (int i = 0; i < 4; i++)
			check_pool(&c, &truth, i / 2 ? EMBED_MEAN : EMBED_FIRST, i % 2,
			    (enum perturbation_type)type);
	}
	arena_free(&c.a);
}

static void
refuses(void **state)
{
	const struct screen_options no_layer = { .layer = -3, .device = "cpu", .workers = 1 },
				    no_device = { .device = "abacus", .workers = 1 };
	struct cell c = make_cell();
	struct err e = { 0 };

	(void)state;
	assert_null(screen_open(c.m, &no_layer, &e));
	assert_non_null(strstr(e.text, "layer -3"));
	e.is_set = false;
	assert_null(screen_open(c.m, &no_device, &e));
	assert_non_null(strstr(e.text, "abacus"));
	arena_free(&c.a);
}

TESTS_UNDER_EACH_ISA(checks)

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(refuses), UNDER_EACH_ISA };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
