/* Layer norm, sums and means of rows, rounding to bfloat16, and the choice of instructions. */

#include "network_aid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/cpu_bf16.h"
#include "nn/cpu_isa.h"
#include "nn/cpu_rows.h"

static enum cpu_isa
native_isa(void)
{
	struct err e = { 0 };
	enum cpu_isa isa;

	assert_int_equal(cpu_isa_find(&isa, &e), 0);
	return isa;
}

static void
check_norm(struct arena *a, size_t n, float size, float offset, float eps)
{
	float *in = aid_numbers(a, 3 * n, size), *gain = aid_numbers(a, n, 2),
	      *bias = aid_numbers(a, n, 1);
	float *plain = arena_alloc(a, 3 * n, sizeof(float)),
	      *out = arena_alloc(a, 3 * n, sizeof(float));

	for (size_t i = 0; i < 3 * n; i++)
		in[i] += offset;
	rows_normalize(CPU_ISA_GENERIC, in, plain, 3, n, gain, bias, eps);
	for (size_t r = 0; r < 3; r++) {
		double mean = 0, variance = 0;

		for (size_t i = 0; i < n; i++)
			mean += (double)in[r * n + i] / (double)n;
		for (size_t i = 0; i < n; i++)
			variance += pow((double)in[r * n + i] - mean, 2) / (double)n;
		for (size_t i = 0; i < n; i++) {
			double x = ((double)in[r * n + i] - mean) / sqrt(variance + (double)eps);

			x = x * (double)gain[i] + (double)bias[i];
			assert_true(
			    fabs(x - (double)plain[r * n + i]) < 1e-5 * (1 + fabs((double)offset)));
		}
	}
	/* the same bits with every instruction set, and in place */
	for (int isa = CPU_ISA_GENERIC; isa <= (int)native_isa(); isa++) {
		memcpy(out, in, 3 * n * sizeof(float));
		rows_normalize((enum cpu_isa)isa, out, out, 3, n, gain, bias, eps);
		assert_memory_equal(out, plain, 3 * n * sizeof(float));
	}
}

static void
normalizes(void **state)
{
	struct arena a = { 0 };

	(void)state;
	for (size_t n = 2; n < 100; n++)
		check_norm(&a, n, 1, 0, 1e-12f);
	check_norm(&a, 256, 3, 0, 1e-12f);
	check_norm(&a, 768, 0.01f, 0, 1e-5f);
	check_norm(&a, 1152, 1, 5, 1e-12f);
	arena_free(&a);
}

/* Equal values have variance 0: what is left is the bias. */
static void
normalizes_constants(void **state)
{
	float in[48], out[48], gain[48], bias[48];

	(void)state;
	for (size_t i = 0; i < 48; i++) {
		in[i] = 4;
		gain[i] = 2;
		bias[i] = (float)i;
	}
	rows_normalize(native_isa(), in, out, 1, 48, gain, bias, 1e-12f);
	assert_memory_equal(out, bias, sizeof(out));
}

/* Two keys with scores 0 and log2(3) to one side, one with log2(4) to the other: shares 1/8, 3/8
 * and 4/8. */
static void
joins(void **state)
{
	float out[2 * 20], other[2 * 20];
	static const float sums[] = { 2, -1000 }, other_sums[] = { 2, 1000 };

	(void)state;
	for (size_t i = 0; i < 20; i++) {
		out[i] = 0.25f * (float)i + 0.75f * 8;
		other[i] = 16;
		out[20 + i] = 1;
		other[20 + i] = (float)i;
	}
	rows_join(out, sums, other, other_sums, 2, 20);
	for (size_t i = 0; i < 20; i++) {
		assert_true(fabsf(out[i] - ((float)i / 8 + 3 + 8)) < 1e-5f);
		assert_true(out[20 + i] == (float)i);
	}
}

static void
adds_and_averages(void **state)
{
	float a[3] = { 1, 1e8f, -2 }, b[3] = { 2, -1e8f, 0.5f }, c[3] = { 4, 1, 1 }, out[3];
	float rows[4][3] = { { 1, 2, 3 }, { 10, 20, 30 }, { 100, 200, 300 }, { 1, 1, 1 } };

	(void)state;
	rows_add3(a, b, c, out, 3);
	assert_true(out[0] == 7 && out[1] == 1 && out[2] == -0.5f);
	rows_mean(rows[0], 1, 3, 3, out);
	assert_true(out[0] == 55 && out[1] == 110 && out[2] == 165);
	rows_mean(rows[0], 0, 1, 3, out);
	assert_memory_equal(out, rows[0], sizeof(out));
	rows_mean(rows[0], 2, 2, 3, out);
	assert_true(isnan(out[0]) && isnan(out[2]));
}

static void
compares(void **state)
{
	static const float x[] = { 3, 4, 0 }, y[] = { 6, 8, 0 }, z[] = { 0, 0, -7 },
			   w[] = { 4, 3, 0 };
	static const float zero[] = { 0, 0, 0 }, tiny[] = { 3e-9f, 4e-9f, 0 };
	struct arena a = { 0 };

	(void)state;
	assert_true(fabs(rows_cosine(x, y, 3) - 1) < 1e-15);
	assert_true(rows_cosine(x, z, 3) == 0);
	assert_true(fabs(rows_cosine(x, w, 3) - 24.0 / 25) < 1e-15);
	/* a norm counts as 1e-8 at least */
	assert_true(rows_cosine(x, zero, 3) == 0);
	assert_true(fabs(rows_cosine(x, tiny, 3) - 0.5) < 1e-6);
	/* near 1, where float32 has steps of 6e-8 */
	for (size_t n = 1; n < 1000; n += 37) {
		float *p = aid_numbers(&a, n, 2), *q = arena_copy(&a, p, n, sizeof(*p));
		long double pq = 0, pp = 0, qq = 0;

		q[n / 2] += 0.001f;
		for (size_t i = 0; i < n; i++) {
			pq += (long double)p[i] * (long double)q[i];
			pp += (long double)p[i] * (long double)p[i];
			qq += (long double)q[i] * (long double)q[i];
		}
		assert_true(fabs(rows_cosine(p, q, n) - (double)(pq / sqrtl(pp * qq))) < 1e-14);
	}
	arena_free(&a);
}

/* Two rows whose products with the vector differ by log 3 have the shares 1/4 and 3/4; 37 columns,
 * so that a rest follows the lanes. */
static void
pools_by_attention(void **state)
{
	enum { N = 37 };
	float in[3 * N] = { 0 }, w[N] = { 0 }, out[N];
	double shares[3];

	(void)state;
	for (size_t i = 0; i < N; i++) {
		in[N + i] = (float)i;
		in[2 * N + i] = -(float)i;
	}
	in[N + 36] = 1000;
	in[2 * N + 36] = 1001;
	w[36] = 1.0986122886681098f;
	rows_pool(in, 1, 3, N, w, shares, out);
	for (size_t i = 0; i < 36; i++)
		assert_true(fabsf(out[i] - -0.5f * (float)i) <= 1e-5f);
	assert_true(fabsf(out[36] - 1000.75f) <= 1e-3f);
	rows_pool(in, 2, 3, N, w, shares, out);
	for (size_t i = 0; i < N; i++)
		assert_true(out[i] == in[2 * N + i]);
}

/* bfloat16 has 7 bits behind the point: between 1 and 2 its steps are 1/128. */
static void
rounds_to_bf16(void **state)
{
	static const struct {
		float in;
		uint16_t out;
	} cases[] = {
		{ 0.0f, 0x0000 },
		{ -0.0f, 0x8000 },
		{ 1.0f, 0x3f80 },
		{ -2.5f, 0xc020 },
		{ 1.0f + 1.0f / 256, 0x3f80 },            /* a tie, to even */
		{ 1.0f + 3.0f / 256, 0x3f82 },            /* a tie, to even */
		{ 1.0f + 1.0f / 256 + 0x1p-20f, 0x3f81 }, /* just above */
		{ 1.0f + 3.0f / 256 - 0x1p-20f, 0x3f81 }, /* just below */
		{ INFINITY, 0x7f80 },
		{ -INFINITY, 0xff80 },
		{ 3.4028235e38f, 0x7f80 }, /* the greatest float rounds up to infinity */
		{ 1.4e-45f, 0x0000 },
	};
	enum { N = sizeof(cases) / sizeof(*cases) };
	float in[7 * N];
	uint16_t out[7 * N], nan;

	(void)state;
	for (size_t i = 0; i < 7 * N; i++)
		in[i] = cases[i % N].in;
	bf16_from_f32(out, in, 7 * N);
	for (size_t i = 0; i < 7 * N; i++)
		assert_int_equal(out[i], cases[i % N].out);
	for (size_t i = 0; i < 20; i++)
		in[i] = NAN;
	bf16_from_f32(out, in, 20);
	nan = 0x7f80;
	assert_true((out[0] & 0x7fff) > nan && (out[19] & 0x7fff) > nan);
}

static void
chooses_instructions(void **state)
{
	struct err e = { 0 };
	enum cpu_isa isa, native = native_isa();

	(void)state;
	setenv("CELLPIPE_ISA", "generic", 1);
	assert_int_equal(cpu_isa_find(&isa, &e), 0);
	assert_int_equal(isa, CPU_ISA_GENERIC);
	setenv("CELLPIPE_ISA", "", 1);
	assert_int_equal(cpu_isa_find(&isa, &e), 0);
	assert_int_equal(isa, native);
	setenv("CELLPIPE_ISA", "sse9", 1);
	assert_int_equal(cpu_isa_find(&isa, &e), -1);
	assert_string_equal(e.text, "CELLPIPE_ISA=sse9: not one of avx512, avx2, generic");
	unsetenv("CELLPIPE_ISA");
	assert_false(cpu_isa_prefers_bf16(CPU_ISA_GENERIC));
	assert_false(cpu_isa_prefers_bf16(CPU_ISA_AVX2));
	assert_true(native < CPU_ISA_AMX || cpu_isa_prefers_bf16(native));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(normalizes),
		cmocka_unit_test(normalizes_constants),
		cmocka_unit_test(adds_and_averages),
		cmocka_unit_test(compares),
		cmocka_unit_test(joins),
		cmocka_unit_test(pools_by_attention),
		cmocka_unit_test(rounds_to_bf16),
		cmocka_unit_test(chooses_instructions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
