/* Expected values: crick 0.0.8 (Python), TDigest(100), the library that made the published median
 * dictionaries, fed with the same numbers in the same order. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "stat/tdigest.h"

enum { N_QUANTILES = 11 };

static const double quantiles[N_QUANTILES] = { 0, .001, .01, .1, .25, .5, .75, .9, .99, .999, 1 };

static double
squares(int i)
{
	double root = i * 7919 % 1000;

	return root * root / 1000;
}

static double
ties(int i)
{
	return i * 7919 % 97;
}

static double
ascending(int i)
{
	return (double)i * i / 64;
}

static double
descending(int i)
{
	return (3000 - i) / 8.0;
}

static double
weighted(int i)
{
	return i * 31 % 50;
}

static const struct sample {
	double (*number)(int i);
	int n;
	bool has_weights; /* 0.5, 1, 1.5, 0.5, ... */
	size_t n_centroids;
	double values[N_QUANTILES];
} samples[] = {
	{ squares, 1000, false, 126,
	    { 0.0, 0.0005, 0.0905, 9.899640625000002, 62.10390454545453, 249.6985,
		560.7882975206611, 807.9329178571429, 978.9153333333333, 997.0025, 998.001 } },
	{ ties, 5000, false, 124,
	    { 0.0, 0.0, 0.3181818181818181, 9.229879740980575, 23.7058015503476, 47.96038492248319,
		72.22814306587891, 86.84281914893614, 95.63333333333334, 96.0, 96.0 } },
	{ ascending, 3000, false, 144,
	    { 0.0, 0.1171875, 13.7890625, 1403.7682291666667, 8780.8359375, 35142.3828125,
		79068.57552083334, 113864.8984375, 137780.23177083334, 140297.0703125,
		140531.265625 } },
	{ descending, 3000, false, 146,
	    { 0.125, 0.4375, 3.8125, 37.5625, 93.8125, 187.5625, 281.3125, 337.5625, 371.3125,
		374.6875, 375.0 } },
	{ weighted, 400, true, 126,
	    { 0.0, 0.0, 0.0, 4.74, 12.0, 24.52, 37.046875, 44.53333333333334, 49.0, 49.0, 49.0 } },
	{ squares, 42, false, 42,
	    { 0.0, 0.0, 0.0, 5.880000000000001, 60.516, 278.98, 577.6, 812.8335000000002, 950.625,
		950.625, 950.625 } },
	{ squares, 43, false, 43,
	    { 0.0, 0.0, 0.0, 6.271999999999999, 63.74725, 293.764, 576.46225, 808.3010000000002,
		950.625, 950.625, 950.625 } },
};

/* The same operations in the same order; what is left is the last bits of asin. */
static void
assert_close(double got, double expected)
{
	assert_true(fabs(got - expected) <= 1e-12 * fabs(expected));
}

static void
fill(struct tdigest *t, const struct sample *s)
{
	for (int i = 0; i < s->n; i++)
		tdigest_add(t, s->number(i), s->has_weights ? 0.5 * (1 + i % 3) : 1);
}

static void
quantiles_are_those_of_crick(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof(samples) / sizeof(samples[0]); k++) {
		struct tdigest t = { 0 };

		fill(&t, &samples[k]);
		for (size_t q = 0; q < N_QUANTILES; q++)
			assert_close(tdigest_quantile(&t, quantiles[q]), samples[k].values[q]);
		assert_int_equal(t.n_centroids, samples[k].n_centroids);
		tdigest_free(&t);
	}
}

static void
centroids_are_those_of_crick(void **state)
{
	static const struct tdigest_centroid expected[] = { { 237.39009090909087, 11 },
		{ 249.6985, 12 }, { 260.2329, 10 }, { 273.00261538461535, 13 } };
	struct tdigest t = { 0 };

	(void)state;
	fill(&t, &samples[0]);
	tdigest_quantile(&t, 0.5);
	for (size_t i = 0; i < 4; i++) {
		assert_close(t.centroids[60 + i].mean, expected[i].mean);
		assert_true(t.centroids[60 + i].weight == expected[i].weight);
	}
	tdigest_free(&t);
}

static void
nothing_gives_nan(void **state)
{
	struct tdigest t = { 0 };

	(void)state;
	assert_true(isnan(tdigest_quantile(&t, 0.5)));
	tdigest_add(&t, NAN, 1);
	tdigest_add(&t, INFINITY, 1);
	tdigest_add(&t, -INFINITY, 1);
	tdigest_add(&t, 1, 0);
	tdigest_add(&t, 1, -1);
	tdigest_add(&t, 1, 2.2e-16); /* DBL_EPSILON is 2.22e-16 */
	tdigest_add(&t, 1, NAN);
	assert_true(isnan(tdigest_quantile(&t, 0.5)));
	tdigest_free(&t);
}

static void
one_centroid_is_its_mean(void **state)
{
	struct tdigest t = { 0 };

	(void)state;
	tdigest_add(&t, 7, 3);
	assert_true(tdigest_quantile(&t, 0) == 7);
	assert_true(tdigest_quantile(&t, 0.9) == 7);
	tdigest_free(&t);
}

static void
few_numbers_give_the_exact_median(void **state)
{
	struct tdigest t = { 0 };

	(void)state;
	for (int i = 0; i < TDIGEST_BUFFER; i++) {
		tdigest_add(&t, i % 2 ? 100 + i : 100 - i, 1);
		if (i == 20) /* of 80, 82, ... 100, 101, ... 119 */
			assert_true(tdigest_quantile(&t, 0.5) == 100);
		if (i == 3) /* of 98 100 101 103 */
			assert_true(tdigest_quantile(&t, 0.5) == 100.5);
	}
	tdigest_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles_are_those_of_crick),
		cmocka_unit_test(centroids_are_those_of_crick),
		cmocka_unit_test(nothing_gives_nan),
		cmocka_unit_test(one_centroid_is_its_mean),
		cmocka_unit_test(few_numbers_give_the_exact_median),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
