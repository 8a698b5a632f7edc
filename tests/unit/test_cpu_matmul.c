/* Linear layers by oneDNN against sums in double precision, and the same bits for a row whatever
 * the number of rows it is computed with. */

#include "network_aid.h"

#include <math.h>
#include <string.h>

#include "nn/cpu_matmul.h"

enum { ROWS = 4096 };

struct layer {
	struct arena arena;
	struct matmul_library *library;
	struct matmul *matmul;
	struct matmul_scratch *scratch;
	float *weight, *bias, *in, *out, *again;
	size_t n_out, n_in;
};

static struct matmul_library *
open_library(bool is_bf16)
{
	struct matmul_library *library;
	struct err e = { 0 };
	enum cpu_isa isa;

	expect(cpu_isa_find(&isa, &e) == 0, "%s", e.text);
	library = matmul_library_open(isa, is_bf16, &e);
	expect(library != NULL, "%s", e.text);
	return library;
}

static struct layer
make_layer(
    struct matmul_library *library, size_t n_out, size_t n_in, bool has_bias, enum activation f)
{
	struct layer l = { .library = library, .n_out = n_out, .n_in = n_in };
	struct err e = { 0 };

	l.weight = aid_numbers(&l.arena, n_out * n_in, 2 / sqrtf((float)n_in));
	l.bias = has_bias ? aid_numbers(&l.arena, n_out, 1) : NULL;
	l.in = aid_numbers(&l.arena, (ROWS + 256) * n_in, 1);
	l.out = arena_zero(&l.arena, (ROWS + 256) * n_out, sizeof(float));
	l.again = arena_zero(&l.arena, (ROWS + 256) * n_out, sizeof(float));
	l.matmul = matmul_create(library, l.weight, l.bias, n_out, n_in, f);
	expect(matmul_pack(l.matmul, &e) == 0, "%s", e.text);
	l.scratch = matmul_scratch_create();
	return l;
}

static void
free_layer(struct layer *l)
{
	matmul_free(l->matmul);
	matmul_scratch_free(l->scratch);
	arena_free(&l->arena);
}

static void
run(struct layer *l, const float *in, float *out, size_t rows, bool is_added)
{
	struct err e = { 0 };

	expect(matmul_run(l->matmul, in, out, rows, is_added, l->scratch, &e) == 0, "%s", e.text);
}

static double
apply(enum activation f, double x)
{
	switch (f) {
	case ACTIVATION_NONE:
		return x;
	case ACTIVATION_RELU:
		return x > 0 ? x : 0;
	case ACTIVATION_GELU:
		return x * 0.5 * (1 + erf(x / sqrt(2)));
	case ACTIVATION_GELU_TANH:
		return 0.5 * x *
		       (1 + tanh(sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
	case ACTIVATION_SILU:
		return x / (1 + exp(-x));
	case ACTIVATION_TANH:
		return tanh(x);
	}
	return NAN;
}

/* The greatest difference in a row; its products are about 1 in size. */
static double
difference(const struct layer *l, size_t row, enum activation f, double before)
{
	double worst = 0;

	for (size_t o = 0; o < l->n_out; o++) {
		double x = l->bias ? (double)l->bias[o] : 0, d;

		for (size_t i = 0; i < l->n_in; i++)
			x += (double)l->in[row * l->n_in + i] * (double)l->weight[o * l->n_in + i];
		d = fabs(apply(f, x) + before - (double)l->out[row * l->n_out + o]);
		worst = d <= worst ? worst : d;
	}
	return worst;
}

static void
check_activations(struct matmul_library *library)
{
	for (int f = ACTIVATION_NONE; f <= ACTIVATION_TANH; f++) {
		struct layer l =
		    make_layer(library, 96, 48, f != ACTIVATION_SILU, (enum activation)f);

		run(&l, l.in, l.out, 100, false);
		for (size_t r = 0; r < 100; r += 9)
			expect(difference(&l, r, (enum activation)f, 0) < 3e-6,
			    "activation %d: row %zu: %g", f, r,
			    difference(&l, r, (enum activation)f, 0));
		free_layer(&l);
	}
}

static void
check_adding(struct matmul_library *library)
{
	struct layer l = make_layer(library, 64, 64, true, ACTIVATION_NONE);

	for (size_t i = 0; i < 70 * 64; i++)
		l.out[i] = 3;
	run(&l, l.in, l.out, 70, true);
	for (size_t r = 0; r < 70; r++)
		expect(difference(&l, r, ACTIVATION_NONE, 3) < 3e-6, "adding: row %zu: %g", r,
		    difference(&l, r, ACTIVATION_NONE, 3));
	free_layer(&l);
}

/* All rows at once, then runs of every length that begin elsewhere. */
static void
check_bits(
    struct matmul_library *library, size_t n_out, size_t n_in, enum activation f, double limit)
{
	struct layer l = make_layer(library, n_out, n_in, true, f);

	run(&l, l.in, l.out, ROWS, false);
	for (size_t i = 0; i < 3; i++)
		expect(difference(&l, i * 1999, f, 0) < limit, "%zu x %zu: %g", n_out, n_in,
		    difference(&l, i * 1999, f, 0));
	for (size_t n = 1; n <= 300; n += n_in > 1000 ? 15 : 1) {
		size_t from = n * 13 % 3000;

		run(&l, l.in + from * n_in, l.again, n, false);
		expect(memcmp(l.again, l.out + from * n_out, n * n_out * sizeof(float)) == 0,
		    "%zu x %zu: other bits with %zu rows", n_out, n_in, n);
	}
	free_layer(&l);
}

/* The same for sums that are added to what is there. */
static void
check_added_bits(struct matmul_library *library, size_t n_out, size_t n_in)
{
	struct layer l = make_layer(library, n_out, n_in, true, ACTIVATION_NONE);

	run(&l, l.in, l.out, 1000, true);
	for (size_t n = 1; n <= 256; n += 15) {
		memset(l.again, 0, 300 * n_out * sizeof(float));
		run(&l, l.in + n * n_in, l.again, n, true);
		expect(memcmp(l.again, l.out + n * n_out, n * n_out * sizeof(float)) == 0,
		    "%zu x %zu added: other bits with %zu rows", n_out, n_in, n);
	}
	free_layer(&l);
}

static void
checks(void)
{
	struct matmul_library *library = open_library(false);
	struct err e = { 0 };
	enum cpu_isa isa;

	check_activations(library);
	check_adding(library);
	check_bits(library, 64, 64, ACTIVATION_NONE, 3e-6);
	check_bits(library, 5, 48, ACTIVATION_NONE, 3e-6);
	check_bits(library, 256, 512, ACTIVATION_RELU, 6e-6);
	check_bits(library, 96, 3072, ACTIVATION_GELU, 2e-5);
	check_added_bits(library, 256, 512);
	matmul_library_close(library);
	expect(cpu_isa_find(&isa, &e) == 0, "%s", e.text);
	if (isa < CPU_ISA_AVX512)
		return;
	/* bf16: a product is off by up to 2^-8 of itself, the sum of n by about sqrt(n) / n of that
	 */
	library = open_library(true);
	check_bits(library, 64, 64, ACTIVATION_RELU, 2e-2);
	check_bits(library, 5, 48, ACTIVATION_NONE, 2e-2);
	check_bits(library, 256, 1152, ACTIVATION_TANH, 2e-2);
	check_bits(library, 256, 3072, ACTIVATION_NONE, 2e-2);
	check_added_bits(library, 256, 512);
	check_added_bits(library, 128, 3072);
	matmul_library_close(library);
}

TESTS_UNDER_EACH_ISA(checks)

int
main(void)
{
	const struct CMUnitTest tests[] = { UNDER_EACH_ISA };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
