/* Learning in bfloat16: products against sums in double precision of the rounded operands, with
 * every kernel that the CPU has; the gradient of attention against that in float32. */

#include "network_aid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/cpu_bf16.h"
#include "nn/cpu_product_bf16.h"
#include "nn/gradient.h"

/* ---- products ---- */

static double
rounded(float x)
{
	uint16_t half;
	uint32_t bits;
	float y;

	bf16_from_f32(&half, &x, 1);
	bits = (uint32_t)half << 16;
	memcpy(&y, &bits, sizeof(y));
	return (double)y;
}

/* Element (i, j) of A B, and in *ret_size the sum of the absolute products. */
static double
element(const struct product *p, size_t i, size_t j, double *ret_size)
{
	double sum = 0;

	*ret_size = 0;
	for (size_t k = 0; k < p->k; k++) {
		double a = rounded(p->a[p->is_a_transposed ? k * p->m + i : i * p->k + k]);
		double b = rounded(p->b[p->is_b_transposed ? j * p->k + k : k * p->n + j]);

		sum += a * b;
		*ret_size += fabs(a * b);
	}
	return sum;
}

static void
check_product(const struct bf16_kernel *kernel, size_t m, size_t n, size_t k, int form)
{
	struct arena a = { 0 };
	struct bf16_scratch *s = bf16_scratch_create();
	float *c = aid_numbers(&a, m * n, 1), *old = arena_copy(&a, c, m * n, sizeof(*c)), *first;
	struct product p = { .a = aid_numbers(&a, m * k, 2),
		.b = aid_numbers(&a, k * n, 2),
		.c = c,
		.m = m,
		.n = n,
		.k = k,
		.is_a_transposed = form == 1,
		.is_b_transposed = form == 2,
		.is_added = form != 0 };

	product_bf16_run(&p, kernel, s);
	for (size_t i = 0; i < m; i += m / 37 + 1)
		for (size_t j = 0; j < n; j += n / 41 + 1) {
			double size, sum = element(&p, i, j, &size);

			sum += p.is_added ? (double)old[i * n + j] : 0;
			expect(fabs(sum - (double)c[i * n + j]) <= 1e-6 * (size + 1),
			    "%zu x %zu x %zu, form %d, (%zu, %zu): %g, not %g", m, n, k, form, i, j,
			    (double)c[i * n + j], sum);
		}
	first = arena_copy(&a, c, m * n, sizeof(*c));
	memcpy(c, old, m * n * sizeof(*c));
	product_bf16_run(&p, kernel, s);
	expect(memcmp(first, c, m * n * sizeof(*c)) == 0, "other bits the second time");
	bf16_scratch_free(s);
	arena_free(&a);
}

static void
check_products(const struct bf16_kernel *kernel)
{
	static const size_t sizes[][3] = { { 1, 1, 1 }, { 5, 3, 2 }, { 32, 32, 32 }, { 33, 31, 65 },
		{ 70, 100, 47 }, { 16, 1100, 33 }, { 40, 48, 1090 } };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (int form = 0; form < 3; form++)
			check_product(kernel, sizes[i][0], sizes[i][1], sizes[i][2], form);
}

/* ---- attention ---- */

struct side {
	struct backend *backend;
	struct gradient_workspace *ws;
	float *d[3]; /* of queries, keys, values */
};

static struct side
open_side(enum precision precision)
{
	struct side s = { 0 };
	struct err e = { 0 };

	s.backend = backend_open(DEVICE_CPU, precision, &e);
	expect(s.backend != NULL, "%s", e.text);
	s.ws = s.backend->gradient->workspace_create(s.backend);
	return s;
}

static void
close_side(struct side *s)
{
	struct err e = { 0 };

	expect(s->backend->gradient->failed(s->ws, &e) == 0, "%s", e.text);
	s->backend->gradient->workspace_free(s->ws);
	backend_close(s->backend);
}

/* Forward and back. x: queries, keys, values. */
static void
run_attention(struct side *s, struct arena *a, struct attention_gradient call, size_t n_q,
    size_t n_k, float *const x[3])
{
	const struct gradient_ops *op = s->backend->gradient;
	size_t width = call.heads * call.head_size;
	float *out = arena_alloc(a, n_q * width, sizeof(*out));
	float *log_sum = arena_alloc(a, n_q * call.heads, sizeof(*log_sum));

	for (int i = 0; i < 3; i++)
		s->d[i] = arena_alloc(a, (i ? n_k : n_q) * width, sizeof(float));
	call.q = x[0], call.k = x[1], call.v = x[2];
	call.d_q = s->d[0], call.d_k = s->d[1], call.d_v = s->d[2];
	op->attention(s->ws, &call, out, log_sum);
	call.out = out;
	call.log_sum = log_sum;
	op->attention_back(s->ws, &call);
}

static double
cosine(const float *x, const float *y, size_t n)
{
	double xy = 0, xx = 0, yy = 0;

	for (size_t i = 0; i < n; i++) {
		xy += (double)x[i] * (double)y[i];
		xx += (double)x[i] * (double)x[i];
		yy += (double)y[i] * (double)y[i];
	}
	return xx == 0 && yy == 0 ? 1 : xy / sqrt(xx * yy);
}

static void
check_attention(size_t heads, size_t size, bool is_narrow, double rate, bool is_rounded)
{
	enum { CELLS = 4 };
	static const size_t cu_k[CELLS + 1] = { 0, 1, 41, 171, 471 };
	static const size_t cu_narrow[CELLS + 1] = { 0, 1, 2, 2, 3 };
	const size_t *cu_q = is_narrow ? cu_narrow : cu_k;
	size_t width = heads * size, n_q = cu_q[CELLS], n_k = cu_k[CELLS];
	struct packing cells = { CELLS, cu_q, cu_k };
	struct arena a = { 0 };
	struct side one = open_side(PRECISION_F32), two = open_side(PRECISION_BF16);
	float *const x[3] = { aid_numbers(&a, n_q * width, 1), aid_numbers(&a, n_k * width, 1),
		aid_numbers(&a, n_k * width, 1) };
	struct attention_gradient call = { .cells = &cells, .heads = heads, .head_size = size };
	uint64_t *examples = arena_zero(&a, n_q, sizeof(*examples));
	int32_t *places = arena_zero(&a, n_q, sizeof(*places));
	static const char *const names[] = { "queries", "keys", "values" };

	for (size_t i = 0; i < n_q; i++)
		places[i] = (int32_t)i;
	call.drop = dropout_make(rate, 1, 2);
	call.drop.examples = examples;
	call.drop.places = places;
	call.d_out = aid_numbers(&a, n_q * width, 1);
	run_attention(&one, &a, call, n_q, n_k, x);
	run_attention(&two, &a, call, n_q, n_k, x);
	for (int i = 0; i < 3; i++) {
		double c = cosine(one.d[i], two.d[i], (i ? n_k : n_q) * width);

		expect(c > 0.9998, "%zu heads of %zu, %s: cosine %.6f", heads, size, names[i], c);
		expect(c < 1 - 1e-12 || !is_rounded, "%s: nothing was rounded", names[i]);
	}
	close_side(&one);
	close_side(&two);
	arena_free(&a);
}

/* ---- all ---- */

/* Of each set of instructions, the kernels of all lesser ones that learn in bfloat16. */
static void
checks(void)
{
	enum cpu_isa isa;
	struct err e = { 0 };

	expect(cpu_isa_find(&isa, &e) == 0, "%s", e.text);
	if (isa < CPU_ISA_AVX512) {
		expect(bf16_kernel(isa) == NULL, "a kernel without AVX-512");
		expect(backend_open(DEVICE_CPU, PRECISION_BF16, &e) == NULL, "no refusal");
		expect(strstr(e.text, "AVX-512") != NULL, "%s", e.text);
		return;
	}
	check_products(bf16_kernel(isa));
#if defined(__x86_64__)
	check_products(&bf16_kernel_avx512);
#endif
	check_attention(2, 64, false, 0, isa == CPU_ISA_AMX);
	check_attention(1, 20, false, 0, isa == CPU_ISA_AMX);
	check_attention(2, 72, true, 0, isa == CPU_ISA_AMX);
	check_attention(2, 16, false, 0.3, isa == CPU_ISA_AMX);
	check_attention(1, 64, true, 0.1, isa == CPU_ISA_AMX);
}

TESTS_UNDER_EACH_ISA(checks)

int
main(void)
{
	const struct CMUnitTest tests[] = { UNDER_EACH_ISA };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
