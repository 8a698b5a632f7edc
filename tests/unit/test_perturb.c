/* Perturbed copies against a plain reading of the papers in double precision; the same bits however
 * the copies are split over calls and threads; and what happens when the original fails. */

#include "bert_aid.h"
#include "network_aid.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "nn/perturb.h"

enum { VOCAB = 50, LENGTH = 23, STATES = 3, CLS = 2, EOS = 3 };

/* float32 through three layers of random weights; a false alignment or pool is off by 1e-2. */
static const double limit = 3e-6;

static const struct model_config small = { .class = MODEL_MLM,
	.layers = 3,
	.hidden = 64,
	.heads = 2,
	.ffn = 96,
	.vocab = VOCAB,
	.positions = 40,
	.type_vocab = 2,
	.activation = ACTIVATION_RELU,
	.layer_norm_eps = 1e-12f };

static const struct perturbation_options singles = { .type = PERTURB_DELETE,
	.combos = 1,
	.anchor = -1,
	.quartiles = 1,
	.max_length = 40,
	.cls = CLS,
	.eos = EOS };

/* <cls>, different genes, <eos> */
static void
make_ids(int32_t ids[LENGTH])
{
	for (int i = 0; i < LENGTH; i++)
		ids[i] = 4 + (i * 17) % (VOCAB - 4);
	ids[0] = CLS;
	ids[LENGTH - 1] = EOS;
}

static struct perturber *
open_perturber(const struct model *m, const struct perturb_options *options)
{
	struct err e = { 0 };
	struct perturber *p = perturber_open(m, options, &e);

	expect(p != NULL, "%s", e.text);
	return p;
}

static struct perturb_options
options_of(enum embed_pool pool, int layer, bool is_per_gene, const float *states)
{
	return (struct perturb_options){ .pool = pool,
		.layer = layer,
		.is_per_gene = is_per_gene,
		.n_states = states ? STATES : 0,
		.states = states,
		.device = "auto",
		.precision = "auto",
		.workers = 2 };
}

/* ---- the definition ---- */

static double
cosine(const double *x, const double *y, size_t n)
{
	double xy = 0, xx = 0, yy = 0;

	for (size_t i = 0; i < n; i++) {
		xy += x[i] * y[i];
		xx += x[i] * x[i];
		yy += y[i] * y[i];
	}
	return xy / fmax(sqrt(xx), 1e-8) / fmax(sqrt(yy), 1e-8);
}

static double *
mean_of(struct arena *a, const double *x, size_t from, size_t to, size_t h)
{
	double *mean = arena_zero(a, h, sizeof(*mean));

	for (size_t r = from; r < to; r++)
		for (size_t i = 0; i < h; i++)
			mean[i] += x[r * h + i] / (double)(to - from);
	return mean;
}

/* Copy i of the results against hidden states x of the original and y of the copy. */
static void
check_copy(struct arena *a, const struct perturb_options *o, size_t h, const double *x, size_t n_x,
    const double *y, const struct cell_copy *copy, const struct perturbed *got, size_t i)
{
	bool is_mean = o->pool == EMBED_MEAN;
	double sum = 0, cos = cosine(x, y, h);
	size_t n = 0, at = o->is_per_gene ? got->cu_genes[i] : 0;

	for (size_t k = 0; k < copy->length; k++) {
		double gene;

		if (copy->sources[k] < 0)
			continue;
		gene = cosine(x + (size_t)copy->sources[k] * h, y + k * h, h);
		sum += gene;
		if (o->is_per_gene) {
			expect(got->affected[at + n] == copy->ids[k], "copy %zu, gene %zu: token",
			    i, n);
			expect(fabs((double)got->gene_cos[at + n] - gene) < limit,
			    "copy %zu, gene %zu: %g, not %g", i, n, (double)got->gene_cos[at + n],
			    gene);
		}
		n++;
	}
	if (o->is_per_gene)
		expect(got->cu_genes[i + 1] == at + n, "copy %zu: %zu genes, not %zu", i,
		    got->cu_genes[i + 1] - at, n);
	if (is_mean)
		cos = sum / (double)n;
	expect(fabs((double)got->cos_sim[i] - cos) < limit, "copy %zu: cosine %g, not %g", i,
	    (double)got->cos_sim[i], cos);
	x = is_mean ? mean_of(a, x, 1, n_x - 1, h) : x;
	y = is_mean ? mean_of(a, y, copy->from, copy->to, h) : y;
	for (size_t s = 0; s < o->n_states; s++) {
		double state[64], shift;

		for (size_t k = 0; k < h; k++)
			state[k] = (double)o->states[s * h + k];
		shift = cosine(y, state, h) - cosine(x, state, h);
		expect(fabs((double)got->shifts[i * o->n_states + s] - shift) < limit,
		    "copy %zu, state %zu: %g, not %g", i, s,
		    (double)got->shifts[i * o->n_states + s], shift);
	}
}

static void
check_definition(
    const struct model *m, const struct perturb_options *o, const struct perturbation_options *how)
{
	struct arena a = { 0 };
	struct perturber *p = open_perturber(m, o);
	size_t h = m->config.hidden, layers = (size_t)((int)m->config.layers + o->layer), most;
	struct cell_perturbations what;
	struct perturber_cell *c;
	struct perturbed got;
	struct cell_copy copy;
	struct err e = { 0 };
	int32_t ids[LENGTH];
	double *x;

	make_ids(ids);
	what = perturbations_find(how, ids, LENGTH, &a);
	most = perturbation_most(how, LENGTH);
	copy.ids = arena_alloc(&a, most, sizeof(*copy.ids));
	copy.sources = arena_alloc(&a, most, sizeof(*copy.sources));
	copy.genes = arena_alloc(&a, most, sizeof(*copy.genes));
	c = perturber_cell_new(p, how, ids, LENGTH, &what);
	expect(perturber_run(p, 0, c, 0, what.n, &a, &got, &e) == 0, "%s", e.text);
	expect((got.shifts != NULL) == (o->n_states > 0), "shifts");
	expect((got.affected != NULL) == o->is_per_gene, "genes");
	x = bert_hidden(&a, m, ids, LENGTH, layers);
	expect(what.n > 0, "no copies");
	for (size_t i = 0; i < what.n; i++) {
		perturbation_apply(how, ids, LENGTH, &what, i, &copy);
		check_copy(&a, o, h, x, LENGTH, bert_hidden(&a, m, copy.ids, copy.length, layers),
		    &copy, &got, i);
	}
	perturber_cell_free(c);
	perturber_close(p);
	arena_free(&a);
}

/* Six genes that follow each other, one at a time: their copies have most in common. */
static struct gene_groups
neighbours_of(const int32_t *ids)
{
	static const size_t cu[] = { 0, 1, 2, 3, 4, 5, 6 };

	return (struct gene_groups){ 6, ids + 9, cu };
}

/* Deletions of genes 1 and 5 of the cell, without any help of perturbation.c. */
static void
check_by_hand(const struct model *m)
{
	struct arena a = { 0 };
	static const int32_t tokens[] = { 4 + 17, 4 + (5 * 17) % (VOCAB - 4) };
	static const size_t cu[] = { 0, 1, 2 }, at[] = { 1, 5 };
	struct perturbation_options how = singles;
	struct perturb_options o = options_of(EMBED_FIRST, -1, false, NULL);
	struct perturber *p = open_perturber(m, &o);
	struct cell_perturbations what;
	struct perturber_cell *c;
	struct perturbed got;
	struct err e = { 0 };
	int32_t ids[LENGTH], copy[LENGTH - 1];
	double *x;

	make_ids(ids);
	how.groups = (struct gene_groups){ 2, tokens, cu };
	what = perturbations_find(&how, ids, LENGTH, &a);
	expect(what.n == 2, "%zu copies", what.n);
	c = perturber_cell_new(p, &how, ids, LENGTH, &what);
	expect(perturber_run(p, 1, c, 0, 2, &a, &got, &e) == 0, "%s", e.text);
	x = bert_hidden(&a, m, ids, LENGTH, 2);
	for (size_t i = 0; i < 2; i++) {
		double cos;

		memcpy(copy, ids, at[i] * sizeof(*ids));
		memcpy(copy + at[i], ids + at[i] + 1, (LENGTH - 1 - at[i]) * sizeof(*ids));
		cos = cosine(x, bert_hidden(&a, m, copy, LENGTH - 1, 2), 64);
		expect(fabs((double)got.cos_sim[i] - cos) < limit, "deletion %zu: %g, not %g", i,
		    (double)got.cos_sim[i], cos);
		expect(cos < 1 - 100 * limit, "the test's deletion %zu has no effect", i);
	}
	perturber_cell_free(c);
	perturber_close(p);
	arena_free(&a);
}

static void
check_definitions(void)
{
	struct arena a = { 0 };
	struct model *m = aid_model(&a, &small);
	const float *states = aid_numbers(&a, STATES * small.hidden, 1);
	struct perturbation_options how = singles;
	int32_t ids[LENGTH];

	make_ids(ids);
	for (int pool = EMBED_FIRST; pool <= EMBED_MEAN; pool++)
		for (int layer = 0; layer >= -3; layer--)
			for (int genes = 0; genes < 2; genes++) {
				struct perturb_options o = options_of((enum embed_pool)pool, layer,
				    genes, layer == -2 ? NULL : states);

				check_definition(m, &o, &how);
			}
	for (int type = PERTURB_DELETE; type <= PERTURB_ACTIVATE; type++) {
		struct perturb_options o = options_of(EMBED_MEAN, -1, true, states);

		how.type = (enum perturbation_type)type;
		how.groups = (struct gene_groups){ 0 };
		check_definition(m, &o, &how);
		how.groups = neighbours_of(ids);
		check_definition(m, &o, &how);
		o.pool = EMBED_FIRST;
		o.is_per_gene = false;
		check_definition(m, &o, &how);
	}
	check_by_hand(m);
	arena_free(&a);
}

/* ---- the same bits ---- */

struct job {
	struct perturber *perturber;
	struct perturber_cell *cell;
	size_t worker, first, n;
	struct arena arena;
	struct perturbed numbers;
	struct err err;
	int status;
	pthread_t thread;
};

static void *
run_job(void *argument)
{
	struct job *j = argument;

	j->status = perturber_run(
	    j->perturber, j->worker, j->cell, j->first, j->n, &j->arena, &j->numbers, &j->err);
	return NULL;
}

static void
expect_part(const struct perturbed *all, const struct job *j)
{
	size_t at = all->cu_genes[j->first], n = j->numbers.cu_genes[j->n];

	expect(memcmp(all->cos_sim + j->first, j->numbers.cos_sim, j->n * sizeof(float)) == 0,
	    "cosines of copies %zu and on", j->first);
	expect(memcmp(all->shifts + j->first * STATES, j->numbers.shifts,
		   j->n * STATES * sizeof(float)) == 0,
	    "shifts of copies %zu and on", j->first);
	expect(all->cu_genes[j->first + j->n] - at == n, "genes of copies %zu and on", j->first);
	expect(memcmp(all->gene_cos + at, j->numbers.gene_cos, n * sizeof(float)) == 0,
	    "cosines of genes of copies %zu and on", j->first);
}

/* All copies in one call; then one thread takes a few and has to wait, since the other starts
 * later, with the first of them. */
static void
check_splits(bool is_of_neighbours)
{
	struct arena a = { 0 };
	struct perturb_options o =
	    options_of(EMBED_MEAN, -1, true, aid_numbers(&a, STATES * small.hidden, 1));
	struct perturber *p = open_perturber(aid_model(&a, &small), &o);
	struct cell_perturbations what;
	struct job whole = { .perturber = p }, jobs[3] = { { 0 } };
	struct perturbation_options how = singles;
	size_t n = is_of_neighbours ? 6 : LENGTH - 2, firsts[] = { 0, 4, 5, n };
	int32_t ids[LENGTH];

	make_ids(ids);
	if (is_of_neighbours)
		how.groups = neighbours_of(ids);
	what = perturbations_find(&how, ids, LENGTH, &a);
	expect(what.n == n, "%zu copies", what.n);
	whole.n = what.n;
	whole.cell = perturber_cell_new(p, &how, ids, LENGTH, &what);
	run_job(&whole);
	expect(whole.status == 0, "%s", whole.err.text);
	jobs[0].cell = perturber_cell_new(p, &how, ids, LENGTH, &what);
	for (size_t i = 0; i < 3; i++) {
		jobs[i].perturber = p;
		jobs[i].cell = jobs[0].cell;
		jobs[i].worker = i == 1;
		jobs[i].first = firsts[i];
		jobs[i].n = firsts[i + 1] - firsts[i];
	}
	expect(pthread_create(&jobs[1].thread, NULL, run_job, &jobs[1]) == 0, "no thread");
	run_job(&jobs[0]);
	run_job(&jobs[2]);
	pthread_join(jobs[1].thread, NULL);
	for (size_t i = 0; i < 3; i++) {
		expect(jobs[i].status == 0, "%s", jobs[i].err.text);
		expect_part(&whole.numbers, &jobs[i]);
		arena_free(&jobs[i].arena);
	}
	arena_free(&whole.arena);
	perturber_cell_free(whole.cell);
	perturber_cell_free(jobs[0].cell);
	perturber_close(p);
	arena_free(&a);
}

/* Two threads begin with a cell at the same time: one computes the original, the other must not
 * compare before it is there. */
static void
check_waiting(void)
{
	struct arena a = { 0 };
	struct perturb_options o = options_of(EMBED_FIRST, -1, false, NULL);
	struct perturber *p = open_perturber(aid_model(&a, &small), &o);
	struct cell_perturbations what;
	float first[2] = { 0 };
	int32_t ids[LENGTH];

	make_ids(ids);
	what = perturbations_find(&singles, ids, LENGTH, &a);
	for (int round = 0; round < 50; round++) {
		struct perturber_cell *c = perturber_cell_new(p, &singles, ids, LENGTH, &what);
		struct job jobs[2] = { { p, c, .worker = 0, .first = 0, .n = 1 },
			{ p, c, .worker = 1, .first = 1, .n = 1 } };

		expect(pthread_create(&jobs[1].thread, NULL, run_job, &jobs[1]) == 0, "no thread");
		run_job(&jobs[0]);
		pthread_join(jobs[1].thread, NULL);
		for (int i = 0; i < 2; i++) {
			expect(jobs[i].status == 0, "%s", jobs[i].err.text);
			if (round == 0)
				first[i] = jobs[i].numbers.cos_sim[0];
			expect(
			    jobs[i].numbers.cos_sim[0] == first[i], "round %d: other bits", round);
			arena_free(&jobs[i].arena);
		}
		perturber_cell_free(c);
	}
	perturber_close(p);
	arena_free(&a);
}

static void
checks(void)
{
	check_definitions();
	check_splits(false);
	check_splits(true);
	check_waiting();
}

TESTS_UNDER_EACH_ISA(checks)

/* ---- failures and options ---- */

/* A call that does nothing since an error stands leaves the original to the next one. */
static void
goes_on_after_an_error(void **state)
{
	struct arena a = { 0 };
	struct perturb_options o = options_of(EMBED_FIRST, -1, false, NULL);
	struct perturber *p = open_perturber(aid_model(&a, &small), &o);
	struct job first = { .perturber = p, .n = 1 }, second = { .perturber = p, .worker = 1 };
	struct cell_perturbations what;
	int32_t ids[LENGTH];

	(void)state;
	make_ids(ids);
	what = perturbations_find(&singles, ids, LENGTH, &a);
	first.cell = second.cell = perturber_cell_new(p, &singles, ids, LENGTH, &what);
	second.first = 1;
	second.n = 2;
	err_set(&first.err, "no memory");
	run_job(&first);
	run_job(&second);
	assert_int_equal(first.status, -1);
	assert_string_equal(first.err.text, "no memory");
	assert_int_equal(second.status, 0);
	perturber_cell_free(first.cell);
	arena_free(&first.arena);
	arena_free(&second.arena);
	perturber_close(p);
	arena_free(&a);
}

static void
refuses_options(void **state)
{
	static const struct {
		int layer;
		const char *device, *precision, *text;
	} cases[] = { { 1, "auto", "auto", "layer 1" }, { -4, "cpu", "f32", "layer -4" },
		{ 0, "gpu", "auto", "device gpu" }, { 0, "auto", "f64", "precision f64" } };
	struct arena a = { 0 };
	struct model *m = aid_model(&a, &small);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct perturb_options o = options_of(EMBED_FIRST, cases[i].layer, false, NULL);
		struct err e = { 0 };

		o.device = cases[i].device;
		o.precision = cases[i].precision;
		assert_null(perturber_open(m, &o, &e));
		assert_non_null(strstr(e.text, cases[i].text));
	}
	arena_free(&a);
}

static void
is_exact_where_nothing_is_said(void **state)
{
	struct arena a = { 0 };
	struct perturb_options o = options_of(EMBED_FIRST, 0, false, NULL);
	struct perturber *p = open_perturber(aid_model(&a, &small), &o);

	(void)state;
	assert_string_equal(perturber_precision(p), "f32");
	assert_memory_equal(perturber_device(p), "cpu", 3);
	assert_int_equal(perturber_pool(p), EMBED_FIRST);
	assert_true(perturber_batch_tokens(p) > 0);
	perturber_close(p);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { UNDER_EACH_ISA,
		cmocka_unit_test(goes_on_after_an_error), cmocka_unit_test(refuses_options),
		cmocka_unit_test(is_exact_where_nothing_is_said) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
