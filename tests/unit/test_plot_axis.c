/* Ticks by arithmetic on paper, and where a frame puts values. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "formats/plot_axis.h"

#define MINUS "\xe2\x88\x92"

static void
assert_near(double got, double expected, double tolerance)
{
	if (!(fabs(got - expected) <= tolerance))
		fail_msg("%.17g is not %.17g", got, expected);
}

static void
assert_ticks(const struct axis *a, size_t n, const char *const *labels, double first, double step)
{
	assert_int_equal(a->n_ticks, n);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(a->labels[i], labels[i]);
		assert_near(a->ticks[i], first + (double)i * step, 1e-12 * fabs(step) + 1e-18);
	}
}

static void
ticks_are_round_numbers(void **state)
{
	struct axis a;

	(void)state;
	axis_choose(&a, 0, 1, 6);
	assert_ticks(&a, 6, (const char *[]){ "0.0", "0.2", "0.4", "0.6", "0.8", "1.0" }, 0, 0.2);
	axis_choose(&a, -3.2, 9.7, 6);
	assert_ticks(&a, 6, (const char *[]){ MINUS "2", "0", "2", "4", "6", "8" }, -2, 2);
}

static void
few_or_many_ticks(void **state)
{
	struct axis a;

	(void)state;
	axis_choose(&a, 0, 100, 3);
	assert_ticks(&a, 3, (const char *[]){ "0", "50", "100" }, 0, 50);
	axis_choose(&a, 0, 100, 11);
	assert_int_equal(a.n_ticks, 11);
	assert_string_equal(a.labels[10], "100");
	assert_true(a.min == 0 && a.max == 100);
}

static void
small_and_large_numbers_have_powers(void **state)
{
	struct axis a;

	(void)state;
	axis_choose(&a, 0, 5e-5, 3);
	assert_ticks(&a, 3,
	    (const char *[]){ "0",
		"2\xc3\x97"
		"10\xe2\x81\xbb\xe2\x81\xb5",
		"4\xc3\x97"
		"10\xe2\x81\xbb\xe2\x81\xb5" },
	    0, 2e-5);
	axis_choose(&a, 0, 1.5e12, 4);
	assert_ticks(&a, 4,
	    (const char *[]){ "0",
		"0.5\xc3\x97"
		"10\xc2\xb9\xc2\xb2",
		"1.0\xc3\x97"
		"10\xc2\xb9\xc2\xb2",
		"1.5\xc3\x97"
		"10\xc2\xb9\xc2\xb2" },
	    0, 5e11);
	axis_choose(&a, -0.004, 0.002, 4);
	assert_ticks(&a, 4, (const char *[]){ MINUS "0.004", MINUS "0.002", "0.000", "0.002" },
	    -0.004, 0.002);
}

static void
a_range_of_nothing_is_widened(void **state)
{
	struct axis a;

	(void)state;
	axis_choose(&a, 5, 5, 5);
	assert_near(a.min, 4.5, 1e-12);
	assert_near(a.max, 5.5, 1e-12);
	axis_choose(&a, 0, 0, 5);
	assert_true(a.min == -1 && a.max == 1);
	axis_choose(&a, 1e15, 1e15 * (1 + 1e-15), 5);
	assert_true(a.max > a.min && a.n_ticks > 1);
}

static void
extreme_numbers_do_no_harm(void **state)
{
	static const double x[] = { -DBL_MAX, -1e300, -DBL_MIN, -5e-324, 0, 5e-324, 1e-290, 1,
		1 + DBL_EPSILON, 1e300, DBL_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(x) / sizeof(*x); i++)
		for (size_t k = i; k < sizeof(x) / sizeof(*x); k++) {
			struct axis a;

			axis_choose_margin(&a, x[i], x[k], 0.08, 6);
			assert_true(isfinite(a.max - a.min) && a.max > a.min);
			assert_true(a.n_ticks >= 2 && a.n_ticks < 20);
			assert_true(fabs(axis_place(&a, x[i], 0, 100)) <= 100);
			assert_true(fabs(axis_place(&a, x[k], 0, 100)) <= 100);
		}
}

static void
ends_can_have_margins(void **state)
{
	struct axis a;

	(void)state;
	axis_choose_margin(&a, 0, 10, 0.05, 5);
	assert_true(a.min == -0.5 && a.max == 10.5);
	axis_choose(&a, 0, 10, 6);
	assert_near(axis_place(&a, 2.5, 100, 200), 125, 1e-12);
	assert_near(axis_place(&a, 2.5, 200, 100), 175, 1e-12);
	assert_true(!isfinite(axis_place(&a, (double)NAN, 0, 1)));
	assert_true(!isfinite(axis_place(&a, HUGE_VAL, 0, 1)));
}

/* Whatever the range: two ticks or more, ascending, inside. */
static void
any_range_gets_ticks(void **state)
{
	struct random r = random_start(7, 0);

	(void)state;
	for (size_t i = 0; i < 20000; i++) {
		double size = pow(10, 40 * random_normal(&r) / 3);
		double low = size * random_normal(&r), high = low + size * random_normal(&r);
		size_t wanted = 2 + i % 8;
		struct axis a;

		if (!(high > low) || !isfinite(high - low) || size < 1e-250 || size > 1e250)
			continue;
		axis_choose(&a, low, high, wanted);
		assert_true(a.n_ticks >= 2 && a.n_ticks <= 2 * wanted + 2);
		for (size_t k = 0; k < a.n_ticks; k++) {
			double slack = 1e-6 * (a.max - a.min);

			assert_true(a.ticks[k] >= a.min - slack && a.ticks[k] <= a.max + slack);
			assert_true(k == 0 || a.ticks[k] > a.ticks[k - 1]);
			assert_true(strlen(a.labels[k]) > 0);
		}
	}
}

static void
ranges_pass_over_what_is_no_number(void **state)
{
	const double x[] = { NAN, 3, -2, INFINITY, 7 };
	double low, high;

	(void)state;
	assert_true(axis_range(x, 5, &low, &high));
	assert_true(low == -2 && high == 7);
	assert_false(axis_range(x, 1, &low, &high));
	assert_false(axis_range(x, 0, &low, &high));
}

static struct canvas *
new_canvas(double width, double height)
{
	struct canvas_page page = { CANVAS_SVG, width, height, 100, 8, NULL };
	struct err e = { 0 };
	struct canvas *c = canvas_new(&page, &e);

	assert_non_null(c);
	return c;
}

static void
a_frame_puts_values_inside(void **state)
{
	struct frame f = { .title = "Title", .x_label = "x", .y_label = "y", .right = 50 };
	struct canvas *c = new_canvas(300, 200);

	(void)state;
	axis_choose(&f.x, 0, 10, 5);
	axis_choose(&f.y, -1, 1, 5);
	frame_draw(c, &f);
	assert_near(frame_x(&f, 0), f.inside.x, 1e-9);
	assert_near(frame_x(&f, 10), f.inside.x + f.inside.width, 1e-9);
	assert_near(frame_y(&f, 1), f.inside.y, 1e-9);
	assert_near(frame_y(&f, 0), f.inside.y + f.inside.height / 2, 1e-9);
	assert_true(f.inside.x > 8 && f.inside.y > 8 && f.inside.y + f.inside.height < 192);
	assert_near(f.inside.x + f.inside.width, 300 - 8 - 50, 1e-9);
	assert_near(f.beside.x, f.inside.x + f.inside.width, 1e-9);
	canvas_free(c);
}

static void
a_frame_can_be_square_or_of_one_scale(void **state)
{
	struct frame f = { .is_square = true };
	struct canvas *c = new_canvas(300, 200);

	(void)state;
	axis_choose(&f.x, 0, 1, 5);
	axis_choose(&f.y, 0, 1, 5);
	frame_draw(c, &f);
	assert_near(f.inside.width, f.inside.height, 1e-9);
	f = (struct frame){ .same_scale = true };
	axis_choose(&f.x, 0, 10, 5);
	axis_choose(&f.y, 0, 30, 5);
	frame_draw(c, &f);
	assert_near(
	    f.inside.width / (f.x.max - f.x.min), f.inside.height / (f.y.max - f.y.min), 1e-9);
	assert_true(f.x.min <= 0 && f.x.max >= 10 && f.y.min <= 0 && f.y.max >= 30);
	canvas_free(c);
}

/* A page of 30 points has room for one number at most. */
static void
numbers_do_not_touch(void **state)
{
	struct frame f = { .no_ticks = false };
	struct canvas *c = new_canvas(60, 60);

	(void)state;
	axis_choose(&f.x, 1000, 9000, 9);
	axis_choose(&f.y, 0, 1, 11);
	frame_draw(c, &f);
	for (size_t i = 1; i < f.x.n_ticks; i++)
		assert_true(frame_x(&f, f.x.ticks[i]) - frame_x(&f, f.x.ticks[i - 1]) >=
			    canvas_text_width(c, "8000", NULL));
	for (size_t i = 1; i < f.y.n_ticks; i++)
		assert_true(frame_y(&f, f.y.ticks[i - 1]) - frame_y(&f, f.y.ticks[i]) >= 8);
	assert_true(f.x.n_ticks < 5);
	canvas_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ticks_are_round_numbers),
		cmocka_unit_test(few_or_many_ticks),
		cmocka_unit_test(small_and_large_numbers_have_powers),
		cmocka_unit_test(a_range_of_nothing_is_widened),
		cmocka_unit_test(extreme_numbers_do_no_harm),
		cmocka_unit_test(ends_can_have_margins),
		cmocka_unit_test(any_range_gets_ticks),
		cmocka_unit_test(ranges_pass_over_what_is_no_number),
		cmocka_unit_test(a_frame_puts_values_inside),
		cmocka_unit_test(a_frame_can_be_square_or_of_one_scale),
		cmocka_unit_test(numbers_do_not_touch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
