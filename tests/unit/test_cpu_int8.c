/* Rows as bytes against their definition, products of bytes against sums of whole numbers, and what
 * becomes of zeros, huge values, NaN and infinity. */

#include "network_aid.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "nn/cpu_int8_matmul.h"

/* ---- rows ---- */

static struct int8_rows
make(struct arena *a, enum cpu_isa isa, const float *x, size_t rows, size_t n)
{
	struct int8_rows r = { arena_zero(a, rows * n, 1),
		arena_zero(a, rows, sizeof(struct int8_scale)) };

	int8_rows_make(isa, x, rows, n, &r);
	return r;
}

static double
decode(const struct int8_rows *r, size_t row, size_t n, size_t i)
{
	return (double)r->scale[row].unit * (r->code[row * n + i] - r->scale[row].zero);
}

/* 255 steps from the least to the greatest value, 0 one of them: none is off by more than half a
 * step, but the greatest, which may be off by a whole one. */
static void
expect_steps(const float *x, const struct int8_rows *r, size_t row, size_t n)
{
	double least = 0, most = 0, step;

	for (size_t i = 0; i < n; i++) {
		least = fmin(least, (double)x[row * n + i]);
		most = fmax(most, (double)x[row * n + i]);
	}
	step = (most - least) / 255;
	expect(fabs((double)r->scale[row].unit - step) <= 1e-6 * step, "row %zu: unit %g, not %g",
	    row, (double)r->scale[row].unit, step);
	for (size_t i = 0; i < n; i++) {
		double off = fabs(decode(r, row, n, i) - (double)x[row * n + i]);
		double limit = (double)x[row * n + i] < most - step ? 0.5 : 1;

		expect(off <= (limit + 1e-3) * step, "row %zu: value %zu is off by %g steps", row,
		    i, off / step);
	}
}

static void
check_rows(enum cpu_isa isa, size_t n)
{
	enum { ROWS = 6 };
	static const float sizes[ROWS] = { 1, 1e-30f, 3e38f, 1, 1, 40 };
	struct arena a = { 0 };
	float *x = aid_numbers(&a, ROWS * n, 1);
	struct int8_rows r, plain;

	for (size_t row = 0; row < ROWS; row++)
		for (size_t i = 0; i < n; i++) {
			float *v = x + row * n + i;

			*v *= sizes[row];
			if (row == 3)
				*v = *v > 0 ? *v : 0;
			if (row == 4)
				*v = -fabsf(*v) - 1;
		}
	r = make(&a, isa, x, ROWS, n);
	plain = make(&a, CPU_ISA_GENERIC, x, ROWS, n);
	for (size_t row = 0; row < ROWS; row++)
		expect_steps(x, &r, row, n);
	expect(r.scale[3].zero == 0, "after ReLU zero is %d", (int)r.scale[3].zero);
	expect(r.scale[4].zero == 255, "below zero, zero is %d", (int)r.scale[4].zero);
	expect(memcmp(r.code, plain.code, ROWS * n) == 0, "other bytes than plain C");
	expect(memcmp(r.scale, plain.scale, ROWS * sizeof(*r.scale)) == 0, "other units");
	arena_free(&a);
}

static void
check_odd_rows(enum cpu_isa isa)
{
	enum { N = 40, ROWS = 5 };
	static const float odd[ROWS] = { NAN, INFINITY, -INFINITY, 0, 1e-38f };
	struct arena a = { 0 };
	float *x = aid_numbers(&a, ROWS * N, 1);
	struct int8_rows r;

	for (size_t row = 0; row < ROWS; row++)
		for (size_t i = 0; i < N; i++)
			if (row > 2 || i == 7 + 13 * row)
				x[row * N + i] = odd[row];
	r = make(&a, isa, x, ROWS, N);
	for (size_t row = 0; row < ROWS; row++)
		expect(row < 3 ? isnan(r.scale[row].unit) : r.scale[row].unit == 0,
		    "row of %g: unit %g", (double)odd[row], (double)r.scale[row].unit);
	arena_free(&a);
}

static void
check_weights(enum cpu_isa isa)
{
	enum { N = 37, ROWS = 4 };
	struct arena a = { 0 };
	float *w = aid_numbers(&a, ROWS * N, 0.3f), unit[ROWS];
	int8_t code[ROWS * N];
	int32_t sum[ROWS];

	memset(w + N, 0, N * sizeof(*w));
	w[2 * N + 5] = INFINITY;
	w[3 * N + 36] = -2;
	int8_rows_make_weights(isa, w, ROWS, N, code, unit, sum);
	expect(unit[1] == 0 && isnan(unit[2]), "zeros and infinity: %g, %g", (double)unit[1],
	    (double)unit[2]);
	expect(code[3 * N + 36] == -127, "the greatest is %d", code[3 * N + 36]);
	for (size_t row = 0; row < ROWS; row += 3) {
		int32_t total = 0;

		for (size_t i = 0; i < N; i++) {
			double off = (double)unit[row] * code[row * N + i] - (double)w[row * N + i];

			total += code[row * N + i];
			expect(fabs(off) <= 0.5001 * (double)unit[row], "weight %zu: %g", i, off);
		}
		expect(total == sum[row], "sum of row %zu: %d", row, (int)sum[row]);
	}
	arena_free(&a);
}

/* ---- products ---- */

enum { ROWS = 300 };

struct layer {
	struct arena arena;
	struct int8_matmul *matmul;
	struct int8_matmul_scratch *scratch;
	float *weight, *bias, *in, *out, *again;
	struct int8_rows in_bytes, out_bytes;
	size_t n_out, n_in;
	enum activation f;
};

static void
make_layer(struct layer *l, struct matmul_library *lib, enum cpu_isa isa)
{
	struct err e = { 0 };
	struct arena *a = &l->arena;

	l->weight = aid_numbers(a, l->n_out * l->n_in, 0.1f);
	l->bias = l->f == ACTIVATION_SILU ? NULL : aid_numbers(a, l->n_out, 1);
	l->in = aid_numbers(a, (ROWS + 64) * l->n_in, 1);
	l->out = arena_zero(a, ROWS * l->n_out, sizeof(float));
	l->again = arena_zero(a, ROWS * l->n_out, sizeof(float));
	l->in[5 * l->n_in] = NAN;
	memset(l->in + 6 * l->n_in, 0, l->n_in * sizeof(float));
	l->in_bytes = make(a, isa, l->in, ROWS + 64, l->n_in);
	l->out_bytes = make(a, isa, l->out, ROWS, l->n_out);
	l->matmul = int8_matmul_create(lib, isa, l->weight, l->bias, l->n_out, l->n_in, l->f);
	expect(int8_matmul_pack(l->matmul, &e) == 0, "%s", e.text);
	l->scratch = int8_matmul_scratch_create();
}

static void
free_layer(struct layer *l)
{
	int8_matmul_free(l->matmul);
	int8_matmul_scratch_free(l->scratch);
	arena_free(&l->arena);
}

static void
run(struct layer *l, struct int8_call call)
{
	struct err e = { 0 };

	expect(int8_matmul_run(l->matmul, &call, l->scratch, &e) == 0, "%s", e.text);
}

/* What stands before the activation function: the sum in whole numbers, the rest rounded as the
 * header says. */
static float
expected(const struct layer *l, const int8_t *code, const float *unit, size_t row, size_t o)
{
	const struct int8_scale *s = &l->in_bytes.scale[row];
	int64_t sum = 0;
	volatile float y, by;

	for (size_t i = 0; i < l->n_in; i++)
		sum += (int64_t)(l->in_bytes.code[row * l->n_in + i] - s->zero) *
		       code[o * l->n_in + i];
	y = (float)sum;
	by = s->unit * unit[o];
	y = y * by;
	return y + (l->bias ? l->bias[o] : 0);
}

static double
apply(enum activation f, double x)
{
	switch (f) {
	case ACTIVATION_RELU:
		return x < 0 ? 0 : x;
	case ACTIVATION_GELU:
		return x * 0.5 * (1 + erf(x / sqrt(2)));
	case ACTIVATION_SILU:
		return x / (1 + exp(-x));
	default:
		return x;
	}
}

static void
expect_products(struct layer *l)
{
	int8_t *code = arena_alloc(&l->arena, l->n_out * l->n_in, 1);
	float *unit = arena_alloc(&l->arena, l->n_out, sizeof(float));
	int32_t *sum = arena_alloc(&l->arena, l->n_out, sizeof(*sum));

	int8_rows_make_weights(CPU_ISA_GENERIC, l->weight, l->n_out, l->n_in, code, unit, sum);
	for (size_t row = 0; row < ROWS; row += row < 8 ? 1 : 73)
		for (size_t o = 0; o < l->n_out; o++) {
			double y = apply(l->f, (double)expected(l, code, unit, row, o));
			double got = (double)l->out[row * l->n_out + o];
			bool is_exact = l->f == ACTIVATION_NONE || l->f == ACTIVATION_RELU;

			expect(isnan(y) ? isnan(got)
					: fabs(got - y) <= (is_exact ? 0 : 1e-6 * (1 + fabs(y))),
			    "%zu x %zu, row %zu, output %zu: %g, not %g", l->n_out, l->n_in, row, o,
			    got, y);
		}
}

static void
check_layer(
    struct matmul_library *lib, enum cpu_isa isa, size_t n_out, size_t n_in, enum activation f)
{
	struct layer l = { .n_out = n_out, .n_in = n_in, .f = f };
	struct int8_rows bytes;

	make_layer(&l, lib, isa);
	run(&l, (struct int8_call){
		    .in = l.in, .out = l.out, .out_bytes = &l.out_bytes, .rows = ROWS });
	expect_products(&l);
	bytes = make(&l.arena, isa, l.out, ROWS, n_out);
	expect(memcmp(bytes.code, l.out_bytes.code, ROWS * n_out) == 0, "bytes of the output");
	/* bytes that the caller brings, and other numbers of rows */
	for (size_t n = 1; n < ROWS; n += 37) {
		size_t from = ROWS - n;
		struct int8_rows part = { l.in_bytes.code + from * n_in, l.in_bytes.scale + from };

		run(&l,
		    (struct int8_call){
			.in = l.in + from * n_in, .in_bytes = &part, .out = l.again, .rows = n });
		expect(memcmp(l.again, l.out + from * n_out, n * n_out * sizeof(float)) == 0,
		    "%zu x %zu: other bits with %zu rows", n_out, n_in, n);
	}
	free_layer(&l);
}

static void
check_adding(struct matmul_library *lib, enum cpu_isa isa)
{
	struct layer l = { .n_out = 48, .n_in = 80, .f = ACTIVATION_NONE };

	make_layer(&l, lib, isa);
	run(&l, (struct int8_call){ .in = l.in, .out = l.out, .rows = ROWS });
	for (size_t i = 0; i < ROWS * l.n_out; i++)
		l.again[i] = 3;
	run(&l, (struct int8_call){ .in = l.in, .out = l.again, .rows = ROWS, .is_added = true });
	for (size_t i = 0; i < ROWS * l.n_out; i++) {
		float y = 3 + l.out[i];

		expect(isnan(y) ? isnan(l.again[i]) : l.again[i] == y, "added: %g, not %g",
		    (double)l.again[i], (double)y);
	}
	free_layer(&l);
}

static void
check_refusal(struct matmul_library *lib, enum cpu_isa isa)
{
	struct int8_matmul *m =
	    int8_matmul_create(lib, isa, NULL, NULL, 1, INT8_MOST_INPUTS + 1, ACTIVATION_NONE);
	struct err e = { 0 };

	expect(int8_matmul_pack(m, &e) == -1 && strstr(e.text, "65537 inputs"), "%s", e.text);
	int8_matmul_free(m);
}

static void
checks(void)
{
	struct matmul_library *lib;
	struct err e = { 0 };
	enum cpu_isa isa;

	expect(cpu_isa_find(&isa, &e) == 0, "%s", e.text);
	check_rows(isa, 768);
	check_rows(isa, 37);
	check_odd_rows(isa);
	check_weights(isa);
	if (!cpu_isa_has_vnni(isa))
		return;
	lib = matmul_library_open(isa, false, &e);
	expect(lib != NULL, "%s", e.text);
	check_layer(lib, isa, 64, 64, ACTIVATION_NONE);
	check_layer(lib, isa, 5, 48, ACTIVATION_NONE);
	check_layer(lib, isa, 100, 37, ACTIVATION_RELU);
	check_layer(lib, isa, 256, 3072, ACTIVATION_RELU);
	check_layer(lib, isa, 96, 48, ACTIVATION_GELU);
	check_layer(lib, isa, 96, 48, ACTIVATION_SILU);
	check_adding(lib, isa);
	check_refusal(lib, isa);
	matmul_library_close(lib);
}

TESTS_UNDER_EACH_ISA(checks)

int
main(void)
{
	const struct CMUnitTest tests[] = { UNDER_EACH_ISA };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
