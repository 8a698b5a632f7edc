/* The first layer's kept rows are those computed anew, bit for bit, also when they fill up and
 * start anew; a whole forward pass is the same with them; and attention to what cells have in
 * common is joined as the definition has it. */

#include "network_aid.h"

#include <math.h>
#include <string.h>

#include "nn/cpu_isa.h"
#include "nn/first_layer.h"
#include "nn/forward.h"

/* 60 tokens at 40 positions are 2,400 pairs: more than the 2 * 40 + 1,024 rows that are kept. */
static const struct model_config config = { .class = MODEL_MLM,
	.layers = 2,
	.hidden = 64,
	.heads = 2,
	.ffn = 96,
	.vocab = 60,
	.positions = 40,
	.type_vocab = 2,
	.activation = ACTIVATION_RELU,
	.layer_norm_eps = 1e-12f };

struct network_run {
	struct backend *backend;
	struct network *net;
	struct plan plan;
};

static struct network_run
start(const struct model *m, enum precision precision, enum plan_rows rows, int layer)
{
	struct network_run r = { 0 };
	struct err e = { 0 };

	r.backend = backend_open(DEVICE_CPU, precision, &e);
	expect(r.backend != NULL, "%s", e.text);
	expect(plan_make(&r.plan, m, rows, PLAN_HIDDEN, layer, &e) == 0, "%s", e.text);
	r.net = network_create(r.backend, m, &r.plan);
	expect(network_prepare(r.net, 1, &e) == 0, "%s", e.text);
	return r;
}

static void
stop(struct network_run *r)
{
	network_free(r->net);
	backend_close(r->backend);
}

/* n tokens as they are computed without this module. */
static float *
compute_plain(struct arena *a, struct network_run *r, struct workspace *ws, const struct linear *w,
    const int32_t *ids, const int32_t *positions, size_t n)
{
	const struct backend_ops *op = r->backend->op;
	struct activations *x = op->activations_create(ws, config.hidden);
	struct activations *y = op->activations_create(ws, config.hidden);
	float *out = arena_alloc(a, n * config.hidden, sizeof(*out));
	struct err e = { 0 };

	op->activations_shape(x, n);
	op->activations_shape(y, n);
	op->embed(ws, r->net->embedding, ids, positions, (struct rows){ x, 0, n });
	op->linear(ws, w, (struct rows){ x, 0, n }, (struct rows){ y, 0, n });
	expect(op->fetch(ws, (struct rows){ y, 0, n }, out, &e) == 0, "%s", e.text);
	op->activations_free(x);
	op->activations_free(y);
	return out;
}

static void
expect_rows(struct network_run *r, struct workspace *ws, struct activations *got,
    const float *expected, size_t n, const char *what)
{
	struct arena a = { 0 };
	struct err e = { 0 };
	float *host = arena_alloc(&a, n * config.hidden, sizeof(*host));

	expect(r->backend->op->fetch(ws, (struct rows){ got, 0, n }, host, &e) == 0, "%s", e.text);
	expect(memcmp(host, expected, n * config.hidden * sizeof(float)) == 0,
	    "%s of %zu tokens has other bits", what, n);
	arena_free(&a);
}

/* Batches of these sizes, of random tokens at random positions: new ones, known ones, and too many
 * of them. */
static void
check_rows(enum precision precision)
{
	static const size_t sizes[] = { 1, 5, 5, 300, 17, 0, 700, 2, 500, 1500, 3, 40, 700 };
	struct arena a = { 0 };
	struct network_run r = start(aid_model(&a, &config), precision, PLAN_ALL, 0);
	const struct backend_ops *op = r.backend->op;
	struct workspace *ws = op->workspace_create(r.backend);
	struct activations *out[5];
	struct first_layer *f = first_layer_create(r.net, ws);
	const struct layer *w = &r.net->layers[0];

	for (size_t i = 0; i < 5; i++)
		out[i] = op->activations_create(ws, config.hidden);
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		size_t n = sizes[s];
		int32_t *ids = arena_alloc(&a, n, sizeof(*ids));
		int32_t *positions = arena_alloc(&a, n, sizeof(*positions));

		for (size_t i = 0; i < n; i++) {
			ids[i] = (int32_t)aid_number_below(config.vocab);
			positions[i] = (int32_t)aid_number_below(config.positions);
		}
		first_layer_find(f, ids, positions, n, out[0], out[1]);
		first_layer_take(f, out[2], out[3], out[4]);
		if (n == 0)
			continue;
		expect_rows(&r, ws, out[2], compute_plain(&a, &r, ws, w->query, ids, positions, n),
		    n, "query");
		expect_rows(
		    &r, ws, out[3], compute_plain(&a, &r, ws, w->key, ids, positions, n), n, "key");
		expect_rows(&r, ws, out[4], compute_plain(&a, &r, ws, w->value, ids, positions, n),
		    n, "value");
	}
	for (size_t i = 0; i < 5; i++)
		op->activations_free(out[i]);
	first_layer_free(f);
	op->workspace_free(ws);
	stop(&r);
	arena_free(&a);
}

/* Whole cells with and without it; layer -2 has no layer at all, -1 with FIRST a narrow one only.
 */
static void
check_forward(enum precision precision, enum plan_rows rows, int layer)
{
	static const size_t offsets[] = { 0, 7, 8, 48, 60 };
	struct arena a = { 0 };
	struct network_run r = start(aid_model(&a, &config), precision, rows, layer);
	struct forward *plain = forward_create(r.net), *shared = forward_create(r.net);
	size_t n = rows == PLAN_ALL ? 60 : 4, bytes = n * config.hidden * sizeof(float);
	float *expected = arena_alloc(&a, bytes, 1), *got = arena_alloc(&a, bytes, 1);

	forward_share_first_layer(shared);
	for (size_t round = 0; round < 3; round++) {
		int32_t ids[60];
		struct forward_cells cells = { .n = 4, .ids = ids, .offsets = offsets };
		struct err e = { 0 };

		for (size_t i = 0; i < 60; i++)
			ids[i] = (int32_t)aid_number_below(config.vocab);
		expect(forward_run(plain, &cells, expected, &e) == 0, "%s", e.text);
		expect(forward_run(shared, &cells, got, &e) == 0, "%s", e.text);
		expect(memcmp(expected, got, bytes) == 0, "rows %d, layer %d: other bits", rows,
		    layer);
	}
	forward_free(plain);
	forward_free(shared);
	stop(&r);
	arena_free(&a);
}

/* Cells that differ at a few positions only, and in length: as the plain pass, but for rounding. */
static void
check_common(enum precision precision, double limit)
{
	static const size_t offsets[] = { 0, 40, 79, 119, 157 };
	struct arena a = { 0 };
	struct network_run r = start(aid_model(&a, &config), precision, PLAN_ALL, 0);
	struct forward *plain = forward_create(r.net), *shared = forward_create(r.net);
	size_t n = offsets[4] * config.hidden;
	float *expected = arena_alloc(&a, n, sizeof(*expected));
	float *got = arena_alloc(&a, n, sizeof(*got));
	struct err e = { 0 };
	bool is_common[38];
	int32_t ids[157];
	struct forward_cells cells = { .n = 4, .ids = ids, .offsets = offsets };

	for (size_t i = 0; i < 157; i++)
		ids[i] = (int32_t)aid_number_below(config.vocab);
	for (size_t k = 0; k < 38; k++) {
		is_common[k] = k % 7 != 3;
		for (size_t i = 1; is_common[k] && i < 4; i++)
			ids[offsets[i] + k] = ids[k];
	}
	expect(forward_run(plain, &cells, expected, &e) == 0, "%s", e.text);
	cells.is_common = is_common;
	cells.n_common = 38;
	forward_share_first_layer(shared);
	expect(forward_run(shared, &cells, got, &e) == 0, "%s", e.text);
	for (size_t i = 0; i < n; i++)
		expect(fabs((double)got[i] - (double)expected[i]) < limit, "value %zu: %g, not %g",
		    i, (double)got[i], (double)expected[i]);
	expect(memcmp(got, expected, n * sizeof(float)) != 0, "nothing was shared");
	forward_free(plain);
	forward_free(shared);
	stop(&r);
	arena_free(&a);
}

static void
check_precision(enum precision precision)
{
	check_rows(precision);
	for (int layer = 0; layer >= -2; layer--) {
		check_forward(precision, PLAN_FIRST, layer);
		check_forward(precision, PLAN_ALL, layer);
	}
}

static void
checks(void)
{
	struct err e = { 0 };
	enum cpu_isa isa;

	check_precision(PRECISION_F32);
	check_common(PRECISION_F32, 2e-5);
	expect(cpu_isa_find(&isa, &e) == 0, "%s", e.text);
	if (isa < CPU_ISA_AVX512)
		return;
	check_precision(PRECISION_BF16);
	check_common(PRECISION_BF16, 0.2);
	if (cpu_isa_has_vnni(isa)) {
		check_precision(PRECISION_INT8);
		check_common(PRECISION_INT8, 0.2);
	}
}

TESTS_UNDER_EACH_ISA(checks)

int
main(void)
{
	const struct CMUnitTest tests[] = { UNDER_EACH_ISA };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
