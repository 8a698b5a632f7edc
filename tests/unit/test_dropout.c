/* Masks: their rate, their independence of how they are asked for, and the scale. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "nn/dropout.h"

enum { ROWS = 40, N = 1003 };

static uint64_t examples[ROWS];
static int32_t places[ROWS];

static struct dropout
make(double rate, uint64_t seed, uint32_t site)
{
	struct dropout d = dropout_make(rate, seed, site);

	for (int i = 0; i < ROWS; i++) {
		examples[i] = (uint64_t)i / 10;
		places[i] = i % 10;
	}
	d.examples = examples;
	d.places = places;
	return d;
}

/* The first and the last block of each row, by the definition in the header. */
static void
counts_in_blocks(void **state)
{
	struct dropout d = make(0.1, 77, 3);
	uint16_t numbers[N];

	(void)state;
	for (size_t r = 0; r < ROWS; r++) {
		uint64_t stream = examples[r] << 16 | 3;
		uint64_t block = (uint64_t)2 << 40 | (uint64_t)places[r] * 126;
		uint32_t words[4];

		dropout_numbers(&d, r, 2, N, 0, N, numbers);
		random_block(77, stream, block, words);
		for (size_t i = 0; i < 8; i++)
			assert_int_equal(numbers[i], words[i / 2] >> (i % 2 * 16) & 0xffff);
		random_block(77, stream, block + 125, words);
		for (size_t i = 0; i < 3; i++)
			assert_int_equal(numbers[1000 + i], words[i / 2] >> (i % 2 * 16) & 0xffff);
	}
}

static void
does_not_depend_on_the_piece(void **state)
{
	struct dropout d = make(0.1, 5, 1), part = dropout_from(&d, 12);
	uint16_t whole[N], piece[N];

	(void)state;
	dropout_numbers(&d, 14, 1, N, 0, N, whole);
	for (size_t from = 0; from < N; from += 200) {
		size_t n = N - from < 161 ? N - from : 161;

		dropout_numbers(&part, 2, 1, N, from, n, piece);
		assert_memory_equal(whole + from, piece, n * sizeof(*piece));
	}
}

static double
part_dropped(const struct dropout *d, size_t head)
{
	size_t dropped = 0;

	for (size_t r = 0; r < ROWS; r++) {
		uint16_t numbers[N];
		float x[N];

		for (size_t i = 0; i < N; i++)
			x[i] = (float)(i + 1);
		dropout_numbers(d, r, head, N, 0, N, numbers);
		dropout_apply(d, numbers, x, N);
		for (size_t i = 0; i < N; i++) {
			assert_true(x[i] == 0 || x[i] == (float)(i + 1) * d->scale);
			dropped += x[i] == 0;
		}
	}
	return (double)dropped / (ROWS * N);
}

static void
drops_at_the_rate(void **state)
{
	static const double rates[] = { 0.02, 0.1, 0.5 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct dropout d = make(rates[i], i, 9);
		double sd = sqrt(rates[i] * (1 - rates[i]) / (ROWS * N));

		assert_true(fabs((double)d.scale - 1 / (1 - rates[i])) < 1e-4);
		for (size_t head = 0; head < 3; head++)
			assert_true(fabs(part_dropped(&d, head) - rates[i]) < 5 * sd);
	}
}

/* Half of the bits differ between rows, heads, sites, examples and seeds. */
static void
differs_everywhere(void **state)
{
	struct dropout d = make(0.1, 1, 1), site = make(0.1, 1, 2), seed = make(0.1, 2, 1);
	uint16_t numbers[6][N];

	(void)state;
	dropout_numbers(&d, 0, 0, N, 0, N, numbers[0]);
	dropout_numbers(&d, 1, 0, N, 0, N, numbers[1]);
	dropout_numbers(&d, 0, 1, N, 0, N, numbers[2]);
	dropout_numbers(&d, 10, 0, N, 0, N, numbers[3]);
	dropout_numbers(&site, 0, 0, N, 0, N, numbers[4]);
	dropout_numbers(&seed, 0, 0, N, 0, N, numbers[5]);
	for (int i = 0; i < 6; i++)
		for (int k = 0; k < i; k++) {
			int bits = 0;

			for (size_t n = 0; n < N; n++)
				bits += __builtin_popcount(numbers[i][n] ^ numbers[k][n]);
			assert_true(abs(bits - 8 * N) < 5 * 63); /* sd: sqrt(16 N) / 2 */
		}
}

static void
can_be_off(void **state)
{
	struct dropout d = dropout_make(0, 1, 1);

	(void)state;
	assert_int_equal(d.threshold, 0);
	assert_true(d.scale == 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_in_blocks),
		cmocka_unit_test(does_not_depend_on_the_piece),
		cmocka_unit_test(drops_at_the_rate),
		cmocka_unit_test(differs_everywhere),
		cmocka_unit_test(can_be_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
