/* Attention of every instruction set against the definition in double precision; and that a query's
 * result is its own: the same bits whatever lies beside it. */

#include "attention_aid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One cell of random q, k, v. */
static struct cell
make_cell(size_t n, size_t heads, size_t d, float score_size)
{
	struct cell c = { .n = n, .heads = heads, .d = d };

	c.q = aid_numbers(&c.arena, n * heads * d, score_size);
	c.k = aid_numbers(&c.arena, n * heads * d, 1);
	c.v = aid_numbers(&c.arena, n * heads * d, 1);
	c.out = aid_numbers(&c.arena, n * heads * d, 1);
	return c;
}

/* The greatest difference of ours from the definition, for one query of one head. */
static double
difference_at(const struct cell *c, size_t query, size_t head)
{
	struct arena arena = { 0 };
	struct expected x = aid_define(c, &arena, query, head);
	double worst = 0;

	for (size_t i = 0; i < c->d; i++) {
		double ours = (double)c->out[(query * c->heads + head) * c->d + i];
		double difference = fabs(x.out[i] - ours);

		worst = difference <= worst ? worst : difference;
	}
	arena_free(&arena);
	return worst;
}

/* Checks some queries of each head. score_size * sqrt(d) is about the greatest score, whose last
 * bit is 1.2e-7 of it, and an error of the score is one of the result. Of bfloat16 the last bit is
 * 4e-3 of weights and values, and the errors of a score's products are independent. */
static void
check_cell(
    const struct attention_kernel *kernel, size_t n, size_t heads, size_t d, float score_size)
{
	struct cell c = make_cell(n, heads, d, score_size);
	size_t n_q = n < 1000 ? n : 200; /* the plain C kernel is slow under the sanitizers */
	size_t queries[5] = { 0, n_q / 2, n_q - 1, aid_number_below(n_q), aid_number_below(n_q) };
	double limit = kernel->element == 2 ? 4e-3 + 4e-3 * (double)score_size
					    : 1e-6 + 4e-7 * (double)score_size * sqrt((double)d);

	aid_attend(kernel, &c, n_q, c.out, NULL);
	for (size_t h = 0; h < heads; h++)
		for (size_t i = 0; i < 5; i++) {
			double difference = difference_at(&c, queries[i], h);

			if (!(difference <= limit))
				fail_msg("n %zu d %zu query %zu head %zu: %g", n, d, queries[i], h,
				    difference);
		}
	arena_free(&c.arena);
}

static void
equals_definition(const struct attention_kernel *kernel)
{
	static const size_t sizes[] = { 16, 32, 48, 64, 80, 128, 1, 7, 20 };

	for (size_t n = 1; n <= 300; n++)
		check_cell(kernel, n, 1, 64, 1);
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++)
		for (size_t n = 1; n < 700; n = n * 3 + 1)
			check_cell(kernel, n, 2, sizes[s], 1);
	check_cell(kernel, 4096, 1, 64, 1);
	for (float size = 4; size < 200; size *= 3) /* down to one key that has all the weight */
		check_cell(kernel, 600, 1, 64, size);
}

/* Equal keys: the mean of the values. One key far above the others: its value, exactly. */
static void
knows_extremes(const struct attention_kernel *kernel)
{
	struct cell c = make_cell(500, 1, 64, 1);

	for (size_t i = 0; i < 500 * 64; i++) {
		c.k[i] = 0.5f;
		c.v[i] = (float)(i / 64 % 250); /* bfloat16 numbers, twice 0 to 249 */
	}
	aid_attend(kernel, &c, c.n, c.out, NULL);
	for (size_t i = 0; i < 500 * 64; i++)
		assert_float_equal(c.out[i], 124.5f, 1e-4f);
	for (size_t i = 0; i < 500 * 64; i++) {
		c.q[i] = 1;
		c.k[i] = i / 64 == 321 ? 40 : -40;
	}
	aid_attend(kernel, &c, c.n, c.out, NULL);
	for (size_t i = 0; i < 500 * 64; i++)
		assert_true(c.out[i] == 321 - 250);
	arena_free(&c.arena);
}

/* The cell between two others that hold NaN, with all queries and with three of them. */
static void
ignores_neighbours(const struct attention_kernel *kernel)
{
	struct cell c = make_cell(333, 2, 64, 2), all = make_cell(333 + 40 + 17, 2, 64, 2);
	struct attention_scratch *scratch = attention_scratch_create();
	size_t row = 128, cu[4] = { 0, 40, 373, 390 }, few[4] = { 0, 0, 3, 3 },
	       wanted[3] = { 0, 200, 332 };
	struct attention_call call = { .q = all.q,
		.k = all.k,
		.v = all.v,
		.out = all.out,
		.cu_q = cu,
		.cu_k = cu,
		.n_cells = 3,
		.heads = 2,
		.head_size = 64 };

	aid_attend(kernel, &c, c.n, c.out, NULL);
	for (size_t i = 0; i < all.n * row; i++)
		all.q[i] = all.k[i] = all.v[i] = NAN;
	memcpy(all.q + 40 * row, c.q, c.n * row * sizeof(float));
	memcpy(all.k + 40 * row, c.k, c.n * row * sizeof(float));
	memcpy(all.v + 40 * row, c.v, c.n * row * sizeof(float));
	attention_run(kernel, &call, scratch);
	assert_memory_equal(all.out + 40 * row, c.out, c.n * row * sizeof(float));
	for (size_t i = 0; i < 3; i++)
		memcpy(all.q + i * row, c.q + wanted[i] * row, row * sizeof(float));
	call.cu_q = few;
	attention_run(kernel, &call, scratch);
	for (size_t i = 0; i < 3; i++)
		assert_memory_equal(
		    all.out + i * row, c.out + wanted[i] * row, row * sizeof(float));
	attention_scratch_free(scratch);
	arena_free(&c.arena);
	arena_free(&all.arena);
}

static void
checks(enum cpu_isa isa, bool is_bf16)
{
	const struct attention_kernel *kernel = attention_kernel(isa, is_bf16);
	enum cpu_isa native;
	struct err e = { 0 };

	assert_int_equal(cpu_isa_find(&native, &e), 0);
	if (isa > native)
		skip();
	equals_definition(kernel);
	knows_extremes(kernel);
	ignores_neighbours(kernel);
}

static void
generic(void **state)
{
	(void)state;
	checks(CPU_ISA_GENERIC, false);
}

static void
avx2(void **state)
{
	(void)state;
	checks(CPU_ISA_AVX2, false);
}

static void
avx512(void **state)
{
	(void)state;
	checks(CPU_ISA_AVX512, false);
}

static void
amx_bf16(void **state)
{
	(void)state;
	checks(CPU_ISA_AMX, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generic),
		cmocka_unit_test(avx2),
		cmocka_unit_test(avx512),
		cmocka_unit_test(amx_bf16),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
