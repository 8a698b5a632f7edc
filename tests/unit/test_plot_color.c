/* Palettes for all eyes, maps that grow lighter steadily. The expected numbers are published ones,
 * or computed here. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "formats/plot_color.h"

static void
assert_near(double got, double expected, double tolerance)
{
	if (!(fabs(got - expected) <= tolerance))
		fail_msg("%.17g is not %.17g", got, expected);
}

/* Machado, Oliveira, Fernandes 2009, "A physiologically-based model for simulation of color vision
 * deficiency", severity 1: none, protanopia, deuteranopia, tritanopia; of linear sRGB. */
static const double eyes[4][3][3] = {
	{ { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } },
	{ { 0.152286, 1.052583, -0.204868 }, { 0.114503, 0.786281, 0.099216 },
	    { -0.003882, -0.048116, 1.051998 } },
	{ { 0.367322, 0.860646, -0.227968 }, { 0.280085, 0.672501, 0.047413 },
	    { -0.011820, 0.042940, 0.968881 } },
	{ { 1.255528, -0.076749, -0.178779 }, { -0.078411, 0.930809, 0.147602 },
	    { 0.004733, 0.691367, 0.303900 } },
};

/* Linear sRGB to XYZ (D65), and CIELAB of it. */
static void
lab_of(uint32_t rgb, size_t eye, double lab[3])
{
	static const double to_xyz[3][3] = { { 0.4124, 0.3576, 0.1805 }, { 0.2126, 0.7152, 0.0722 },
		{ 0.0193, 0.1192, 0.9505 } };
	static const double white[3] = { 0.9505, 1, 1.089 };
	double linear[3], seen[3], f[3];

	for (int i = 0; i < 3; i++) {
		double x = (double)(rgb >> (16 - 8 * i) & 255) / 255;

		linear[i] = x <= 0.04045 ? x / 12.92 : pow((x + 0.055) / 1.055, 2.4);
	}
	for (int i = 0; i < 3; i++) {
		seen[i] = 0;
		for (int k = 0; k < 3; k++)
			seen[i] += eyes[eye][i][k] * linear[k];
		seen[i] = fmin(fmax(seen[i], 0), 1);
	}
	for (int i = 0; i < 3; i++) {
		double x = 0;

		for (int k = 0; k < 3; k++)
			x += to_xyz[i][k] * seen[k];
		x /= white[i];
		f[i] = x > 216.0 / 24389 ? cbrt(x) : (24389.0 / 27 * x + 16) / 116;
	}
	lab[0] = 116 * f[1] - 16;
	lab[1] = 500 * (f[0] - f[1]);
	lab[2] = 200 * (f[1] - f[2]);
}

/* Distance in CIELAB as one kind of eye sees it: 2.3 is just noticeable. */
static double
distance(uint32_t a, uint32_t b, size_t eye)
{
	double p[3], q[3];

	lab_of(a, eye, p);
	lab_of(b, eye, q);
	return sqrt(pow(p[0] - q[0], 2) + pow(p[1] - q[1], 2) + pow(p[2] - q[2], 2));
}

static double
least_distance(size_t n, size_t shown, size_t eye)
{
	double least = HUGE_VAL;

	for (size_t i = 0; i < shown; i++) {
		least = fmin(least, distance(color_category(i, n), 0xffffff, eye));
		for (size_t k = 0; k < i; k++)
			least =
			    fmin(least, distance(color_category(i, n), color_category(k, n), eye));
	}
	return least;
}

/* For comparison: of the ten colours that matplotlib starts with two are 4.6 apart for protanopic
 * eyes. */
static void
all_eyes_tell_categories_apart(void **state)
{
	(void)state;
	for (size_t eye = 0; eye < 4; eye++) {
		assert_true(least_distance(COLOR_FEW, COLOR_FEW, eye) > 15);
		assert_true(least_distance(COLOR_MANY, 12, eye) > 12);
		assert_true(least_distance(COLOR_MANY, COLOR_MANY, eye) > 6);
	}
	assert_true(least_distance(COLOR_MANY, COLOR_MANY, 0) > 12);
}

static void
few_categories_have_the_colours_of_okabe_and_ito(void **state)
{
	(void)state;
	assert_int_equal(color_category(0, 3), 0x0072b2);
	assert_int_equal(color_category(1, 3), 0xd55e00);
	assert_int_equal(color_category(2, 7), 0x009e73);
	assert_int_equal(color_category(1, 20), 0xd55e00);
	assert_int_equal(color_category(33, 50), color_category(1, 50));
}

static void
viridis_is_the_published_one(void **state)
{
	(void)state;
	assert_int_equal(color_map_at(COLOR_VIRIDIS, 0), 0x440154);
	assert_int_equal(color_map_at(COLOR_VIRIDIS, 1), 0xfde725);
	assert_int_equal(color_map_at(COLOR_VIRIDIS, 128.0 / 255), 0x21918c);
	assert_int_equal(color_map_at(COLOR_VIRIDIS, -5), 0x440154);
	assert_int_equal(color_map_at(COLOR_VIRIDIS, 5), 0xfde725);
	assert_int_equal(color_map_at(COLOR_VIRIDIS, (double)NAN), COLOR_MISSING);
}

static void
maps_change_lightness_steadily(void **state)
{
	/* Dark violet has 14.9, dark blue 25.5; CIELAB by hand. */
	double before[3] = { 15, 100, 25 };

	(void)state;
	for (int i = 0; i <= 200; i++) {
		double x = i / 200.0;
		double v = color_lightness(color_map_at(COLOR_VIRIDIS, x));
		double b = color_lightness(color_map_at(COLOR_BLUES, x));
		double d = color_lightness(color_map_at(COLOR_BLUE_RED, x));

		/* 8 bits a colour round a step by about 0.4. */
		assert_true(v > before[0] - 0.4 && v < before[0] + 1.5);
		assert_true(b < before[1] + 0.4 && b > before[1] - 1.5);
		assert_true(i <= 100 ? d > before[2] - 0.4 : d < before[2] + 0.4);
		before[0] = v;
		before[1] = b;
		before[2] = d;
	}
}

static void
the_two_sides_of_zero_differ_for_all_eyes(void **state)
{
	(void)state;
	for (size_t eye = 0; eye < 4; eye++)
		for (int i = 25; i <= 50; i++)
			assert_true(distance(color_map_at(COLOR_BLUE_RED, 0.5 - i / 100.0),
					color_map_at(COLOR_BLUE_RED, 0.5 + i / 100.0), eye) > 20);
	assert_true(distance(color_map_at(COLOR_BLUE_RED, 0.5), 0xf4f4f4, 0) < 1);
}

/* CIE 1976: black 0, white 100, sRGB's middle grey 119 is 50.03. */
static void
lightness_is_that_of_cie(void **state)
{
	(void)state;
	assert_near(color_lightness(0x000000), 0, 1e-9);
	assert_near(color_lightness(0xffffff), 100, 1e-6);
	assert_near(color_lightness(0x777777), 50.03, 0.01);
	assert_int_equal(color_of_text_on(0xffffff), 0x000000);
	assert_int_equal(color_of_text_on(0x0b3f80), 0xffffff);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_eyes_tell_categories_apart),
		cmocka_unit_test(few_categories_have_the_colours_of_okabe_and_ito),
		cmocka_unit_test(viridis_is_the_published_one),
		cmocka_unit_test(maps_change_lightness_steadily),
		cmocka_unit_test(the_two_sides_of_zero_differ_for_all_eyes),
		cmocka_unit_test(lightness_is_that_of_cie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
