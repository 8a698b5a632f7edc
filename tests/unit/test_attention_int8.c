/* Attention in integers against the definition in double precision, by how much attention is
 * spread; the instruction sets' kernels against the plain C one, to the last bit; and that a
 * query's result is its own. */

#include "attention_aid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/cpu_attention_int8.h"
#include "nn/cpu_attention_int8_loops.h"

/* n numbers that are nearly normal: the mean 0, the standard deviation `size`. */
static float *
normal_numbers(struct arena *a, size_t n, float size)
{
	float *x = aid_numbers(a, n, size);

	for (int i = 1; i < 3; i++) {
		const float *y = aid_numbers(a, n, size);

		for (size_t j = 0; j < n; j++)
			x[j] += y[j];
	}
	return x;
}

/* Scores with a standard deviation of score_size; means of keys and values other than 0. */
static struct cell
make_cell(size_t n, size_t heads, size_t d, float score_size)
{
	struct cell c = { .n = n, .heads = heads, .d = d };

	c.q = normal_numbers(&c.arena, n * heads * d, score_size);
	c.k = normal_numbers(&c.arena, n * heads * d, 1);
	c.v = normal_numbers(&c.arena, n * heads * d, 1);
	for (size_t i = 0; i < n * heads * d; i++) {
		c.k[i] += (float)(i % d % 5) * 0.5f - 1;
		c.v[i] += (float)(i % d % 7) * 0.25f - 0.75f;
	}
	return c;
}

static float *
run(const struct attention_kernel *kernel, struct cell *c)
{
	float *out = arena_alloc(&c->arena, c->n * c->heads * c->d, sizeof(*out));

	aid_attend(kernel, c, c->n, out, NULL);
	return out;
}

struct agreement {
	double cosine, worst_row, keys;
};

/* Of ours with the definition: the cosine of all rows of a head together, and the worst row's. */
static struct agreement
compare(const struct cell *c, const float *out, size_t head, size_t n_q, size_t step)
{
	double dot = 0, a = 0, b = 0, rows = 0;
	struct agreement r = { .worst_row = 1 };

	for (size_t i = 0; i < n_q; i += step, rows++) {
		struct arena arena = { 0 };
		struct expected x = aid_define(c, &arena, i, head);
		double row_dot = 0, row_a = 0, row_b = 0;

		for (size_t l = 0; l < c->d; l++) {
			double y = (double)out[(i * c->heads + head) * c->d + l];

			row_dot += x.out[l] * y;
			row_a += x.out[l] * x.out[l];
			row_b += y * y;
		}
		dot += row_dot, a += row_a, b += row_b, r.keys += x.keys;
		r.worst_row = fmin(r.worst_row, row_dot / sqrt(row_a * row_b));
		arena_free(&arena);
	}
	r.keys /= rows;
	r.cosine = dot / sqrt(a * b);
	return r;
}

/* The more keys share the attention, the closer: a weight's rounding is its own, so are a value's.
 * Measured: .9999995, .99999, .99992, .99986, .9997; the worst rows .999998, .9999, .9995, .9989,
 * .993. */
static void
is_close_to_definition(void **state)
{
	static const struct {
		float score_size;
		double keys, cosine, worst_row; /* at least */
	} cases[] = {
		{ .75f, 700, .999999, .999997 },
		{ 1.7f, 200, .99998, .9998 },
		{ 2.5f, 60, .9998, .999 },
		{ 5.5f, 5, .9997, .997 },
		{ 8.5f, 2, .9995, .99 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct cell c = make_cell(1000, 1, 64, cases[i].score_size);
		struct agreement r = compare(&c, run(&attention_int8_generic.base, &c), 0, 1000, 7);

		if (r.keys < cases[i].keys || r.cosine < cases[i].cosine ||
		    r.worst_row < cases[i].worst_row)
			fail_msg("score size %g: %.1f keys, cosine %.7f, worst row %.7f",
			    (double)cases[i].score_size, r.keys, r.cosine, r.worst_row);
		arena_free(&c.arena);
	}
}

/* Odd numbers of keys and values; a head of few values is rounded less finely in its scores. */
static void
knows_all_shapes(void **state)
{
	static const size_t lengths[] = { 1, 2, 3, 15, 16, 17, 63, 64, 65, 255, 256, 257, 700 };
	static const size_t sizes[] = { 64, 16, 17, 30, 32, 48, 50, 80, 96, 128, 1, 2, 7 };

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++)
		for (size_t l = 0; l < sizeof(lengths) / sizeof(*lengths); l++) {
			struct cell c = make_cell(lengths[l], 2, sizes[s], 1);
			float *out = run(&attention_int8_generic.base, &c);

			for (size_t h = 0; h < 2; h++) {
				struct agreement r = compare(&c, out, h, c.n, c.n / 20 + 1);

				if (!(r.cosine >= .9995))
					fail_msg("n %zu d %zu head %zu: cosine %.7f", c.n, c.d, h,
					    r.cosine);
			}
			arena_free(&c.arena);
		}
}

/* Equal keys: the mean of the values, to the last bits of float32: the rounding of deviations of
 * equal weight adds up to less than that of one (0.5 of 127). */
static void
knows_extremes(void **state)
{
	struct cell c = make_cell(500, 1, 64, 1);
	float *out;

	(void)state;
	for (size_t i = 0; i < 500 * 64; i++) {
		c.k[i] = 0.5f;
		c.v[i] = (float)(i / 64 % 250);
	}
	out = run(&attention_int8_generic.base, &c);
	for (size_t i = 0; i < 500 * 64; i++)
		assert_float_equal(out[i], 124.5f, 124.5f / 127 / 2);
	for (size_t i = 0; i < 500 * 64; i++) {
		c.q[i] = 1;
		c.k[i] = i / 64 == 321 ? 40 : -40;
	}
	out = run(&attention_int8_generic.base, &c);
	for (size_t i = 0; i < 500 * 64; i++) /* one key has all: its value, rounded */
		assert_float_equal(out[i], 321 - 250, 124.5f / 127 / 2 + 1e-4f);
	memset(c.q, 0, 500 * 64 * sizeof(float));
	memset(c.k, 0, 500 * 64 * sizeof(float));
	memset(c.v, 0, 500 * 64 * sizeof(float));
	out = run(&attention_int8_generic.base, &c);
	for (size_t i = 0; i < 500 * 64; i++)
		assert_true(out[i] == 0);
	arena_free(&c.arena);
}

/* log2 of the sum of 2^score: the error of a score is a row's unit, some thousandths here. */
static void
knows_sums(void **state)
{
	struct cell c = make_cell(600, 2, 64, 1);
	float *out = arena_alloc(&c.arena, 600 * 128, sizeof(*out)), sums[600 * 2];

	(void)state;
	aid_attend(&attention_int8_generic.base, &c, 600, out, sums);
	for (size_t i = 0; i < 600; i += 13)
		for (size_t h = 0; h < 2; h++) {
			struct expected x = aid_define(&c, &c.arena, i, h);

			assert_float_equal(sums[i * 2 + h], x.log_sum, 0.02);
		}
	arena_free(&c.arena);
}

/* What is not a number stays where the definition has it: in its query's row, its value's channel,
 * for a key in all of the head. */
static void
passes_nan_on(void **state)
{
	const float bad[] = { NAN, INFINITY, -INFINITY };

	(void)state;
	for (size_t b = 0; b < 3; b++) {
		struct cell c = make_cell(300, 2, 64, 1);
		float *out;

		c.q[17 * 128 + 5] = bad[b];
		c.v[200 * 128 + 9] = bad[b];
		out = run(&attention_int8_generic.base, &c);
		for (size_t i = 0; i < 300 * 128; i++) {
			bool is_bad = i % 128 == 9 || (i / 128 == 17 && i % 128 < 64);

			assert_true(isfinite(out[i]) == !is_bad);
		}
		c.k[123 * 128 + 64 + 3] = bad[b];
		out = run(&attention_int8_generic.base, &c);
		for (size_t i = 0; i < 300 * 128; i++)
			assert_true(i % 128 < 64 || !isfinite(out[i]));
		arena_free(&c.arena);
	}
}

static void
check_equal(const struct attention_kernel *kernel, size_t n, size_t heads, size_t d, size_t n_q,
    float score_size)
{
	struct cell c = make_cell(n, heads, d, score_size);
	size_t size = n_q * heads * d;
	float *out = arena_alloc(&c.arena, size, sizeof(*out));
	float *expected = arena_alloc(&c.arena, size, sizeof(*out));
	float *sums = arena_alloc(&c.arena, n_q * heads, sizeof(*sums));
	float *expected_sums = arena_alloc(&c.arena, n_q * heads, sizeof(*sums));

	aid_attend(&attention_int8_generic.base, &c, n_q, expected, expected_sums);
	aid_attend(kernel, &c, n_q, out, sums);
	if (memcmp(out, expected, size * sizeof(*out)) != 0 ||
	    memcmp(sums, expected_sums, n_q * heads * sizeof(*sums)) != 0)
		fail_msg("n %zu heads %zu d %zu: other bytes than plain C", n, heads, d);
	arena_free(&c.arena);
}

/* Units from below 1/32 to far above, blocks that gain and blocks that lose. */
static void
equals_generic(const struct attention_kernel *kernel)
{
	static const size_t sizes[] = { 64, 16, 17, 30, 32, 48, 50, 80, 96, 128, 1, 2, 7, 200 };
	static const size_t lengths[] = { 1, 2, 31, 64, 65, 192, 255, 256, 257, 513, 1100 };

	for (size_t n = 1; n <= 300; n += n < 40 ? 1 : 7)
		check_equal(kernel, n, 1, 64, n, 1);
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++)
		for (size_t l = 0; l < sizeof(lengths) / sizeof(*lengths); l++)
			check_equal(kernel, lengths[l], 2, sizes[s],
			    lengths[l] < 120 ? lengths[l] : 120, 2);
	for (float size = .001f; size < 2e6f; size *= 7)
		check_equal(kernel, 600, 1, 64, 100, size);
	check_equal(kernel, 4096, 1, 64, 97, 1);
}

/* The cell between two others that hold NaN, with all queries and with three of them. */
static void
ignores_neighbours(const struct attention_kernel *kernel)
{
	struct cell c = make_cell(333, 2, 64, 2), all = make_cell(333 + 40 + 17, 2, 64, 2);
	struct attention_scratch *scratch = attention_scratch_create();
	size_t row = 128, cu[4] = { 0, 40, 373, 390 }, few[4] = { 0, 0, 3, 3 },
	       wanted[3] = { 0, 200, 332 };
	float *expected = run(kernel, &c), *out = run(kernel, &all);
	struct attention_call call = { .q = all.q,
		.k = all.k,
		.v = all.v,
		.out = out,
		.cu_q = cu,
		.cu_k = cu,
		.n_cells = 3,
		.heads = 2,
		.head_size = 64 };

	for (size_t i = 0; i < all.n * row; i++)
		all.q[i] = all.k[i] = all.v[i] = NAN;
	memcpy(all.q + 40 * row, c.q, c.n * row * sizeof(float));
	memcpy(all.k + 40 * row, c.k, c.n * row * sizeof(float));
	memcpy(all.v + 40 * row, c.v, c.n * row * sizeof(float));
	attention_run(kernel, &call, scratch);
	assert_memory_equal(out + 40 * row, expected, c.n * row * sizeof(float));
	for (size_t i = 0; i < 3; i++)
		memcpy(all.q + i * row, c.q + wanted[i] * row, row * sizeof(float));
	call.cu_q = few;
	attention_run(kernel, &call, scratch);
	for (size_t i = 0; i < 3; i++)
		assert_memory_equal(out + i * row, expected + wanted[i] * row, row * sizeof(float));
	attention_scratch_free(scratch);
	arena_free(&c.arena);
	arena_free(&all.arena);
}

static void
generic_knows_its_cell(void **state)
{
	(void)state;
	ignores_neighbours(&attention_int8_generic.base);
}

/* The kernel chosen for these instructions, which this CPU must have. */
static const struct attention_kernel *
kernel_of(enum cpu_isa isa)
{
	const struct attention_kernel *kernel = attention_kernel_int8(isa);
	enum cpu_isa native;
	struct err e = { 0 };

	assert_int_equal(cpu_isa_find(&native, &e), 0);
	if (isa > native || kernel == &attention_int8_generic.base ||
	    (isa == CPU_ISA_AMX && kernel == attention_kernel_int8(CPU_ISA_AVX512)))
		skip();
	return kernel;
}

static void
avx512_vnni(void **state)
{
	const struct attention_kernel *kernel = kernel_of(CPU_ISA_AVX512);

	(void)state;
	equals_generic(kernel);
	ignores_neighbours(kernel);
}

static void
amx_int8(void **state)
{
	const struct attention_kernel *kernel = kernel_of(CPU_ISA_AMX);

	(void)state;
	equals_generic(kernel);
	ignores_neighbours(kernel);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_close_to_definition),
		cmocka_unit_test(knows_all_shapes),
		cmocka_unit_test(knows_extremes),
		cmocka_unit_test(knows_sums),
		cmocka_unit_test(passes_nan_on),
		cmocka_unit_test(generic_knows_its_cell),
		cmocka_unit_test(avx512_vnni),
		cmocka_unit_test(amx_int8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
