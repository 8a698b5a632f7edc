/* The page's data as another JSON reader finds it, and texts that want to be more than texts. What
 * the script makes of it is seen in tests/interop/plot_html.t. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "formats/plot_html.h"
#include "plot_aid.h"

static char *
page_of(const struct plot_html *p)
{
	struct err e = { 0 };
	struct output *out = plot_aid_create();

	assert_int_equal(plot_html_write(p, out, &e), 0);
	return plot_aid_bytes(out);
}

/* What a browser would see as the data: all up to the next end tag of a script. */
static json_t *
data_of(const char *page)
{
	const char *start = strstr(page, "<script id=\"data\" type=\"application/json\">");
	json_error_t error;
	json_t *data;

	assert_non_null(start);
	start = strchr(start, '>') + 1;
	data = json_loadb(start, (size_t)(strstr(start, "</script") - start), 0, &error);
	if (!data)
		fail_msg("%s", error.text);
	return data;
}

/* Decodes base64; returns how many bytes there are. */
static size_t
decode(const json_t *text, void *ret_bytes, size_t room)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t *to = ret_bytes;
	uint32_t bits = 0;
	size_t n = 0, n_bits = 0;

	for (const char *p = json_string_value(text); *p && *p != '='; p++) {
		bits = bits << 6 | (uint32_t)(strchr(digits, *p) - digits);
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			assert_true(n < room);
			to[n++] = (uint8_t)(bits >> n_bits);
		}
	}
	return n;
}

static const json_t *
column_of(const json_t *data, size_t i)
{
	return json_array_get(json_object_get(data, "columns"), i);
}

static long long
integer(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

enum { N = 4 };

static const double xs[N] = { -1, 3, 1, 0 }, ys[N] = { 10, 12, 11, 10 };

/* One scale for both: 4 wide, 2 high, so y has a quarter of the square free above and below. */
static void
places_are_fractions_of_a_square(void **state)
{
	static const uint16_t x[N] = { 0, 65535, 32768, 16384 };
	static const uint16_t y[N] = { 16384, 49151, 32768, 16384 };
	struct plot_html p = { "t", "PC 1", "PC 2", N, xs, ys, NULL, 0, 0 };
	char *page = page_of(&p);
	json_t *data = data_of(page);
	uint16_t got[N];

	(void)state;
	assert_int_equal(integer(data, "n"), N);
	assert_int_equal(integer(data, "color"), -1);
	assert_int_equal(decode(json_object_get(data, "x"), got, sizeof(got)), sizeof(got));
	assert_memory_equal(got, x, sizeof(x));
	assert_int_equal(decode(json_object_get(data, "y"), got, sizeof(got)), sizeof(got));
	assert_memory_equal(got, y, sizeof(y));
	assert_string_equal(json_string_value(json_object_get(data, "x_label")), "PC 1");
	assert_string_equal(json_string_value(json_object_get(data, "y_label")), "PC 2");
	json_decref(data);
	free(page);
}

static void
columns_come_back(void **state)
{
	static const char *const texts[N] = { "b", NULL, "a", "b" };
	static const double numbers[N] = { 0.1, NAN, -INFINITY, 1e30 };
	static const uint8_t codes[N] = { 1, 255, 0, 1 };
	struct plot_column columns[2] = { plot_aid_texts("type", texts, N),
		plot_aid_numbers("score", numbers, N) };
	struct plot_html p = { "t", "x", "y", N, xs, ys, columns, 2, 1 };
	char *page = page_of(&p);
	json_t *data = data_of(page);
	const json_t *c = column_of(data, 0);
	uint8_t got_codes[N];
	float got[N];

	(void)state;
	assert_int_equal(integer(data, "color"), 1);
	assert_string_equal(json_string_value(json_object_get(c, "name")), "type");
	assert_int_equal(integer(c, "bits"), 8);
	assert_int_equal(decode(json_object_get(c, "data"), got_codes, N), N);
	assert_memory_equal(got_codes, codes, N);
	assert_int_equal(json_array_size(json_object_get(c, "names")), 2);
	assert_int_equal(json_array_size(json_object_get(c, "colors")), 2);
	c = column_of(data, 1);
	assert_int_equal(integer(c, "bits"), 32);
	assert_true(json_is_false(json_object_get(c, "whole")));
	assert_int_equal(decode(json_object_get(c, "data"), got, sizeof(got)), sizeof(got));
	assert_true(got[0] == 0.1f && isnan(got[1]) && isinf(got[2]) && got[3] == 1e30f);
	json_decref(data);
	free(page);
	plot_column_free(&columns[0]);
	plot_column_free(&columns[1]);
}

static void
large_whole_numbers_stay_exact(void **state)
{
	static const int64_t numbers[N] = { 16777217, 1, 2, 3 };
	struct field f = field_int("id", 64, true);
	struct array a = array_fixed(N, numbers);
	struct plot_column column;
	struct plot_html p = { "t", "x", "y", N, xs, ys, &column, 1, 0 };
	double got[N];
	json_t *data;
	char *page;

	(void)state;
	plot_column_start(&column, &f, false);
	plot_column_add(&column, &f, &a);
	plot_column_finish(&column);
	page = page_of(&p);
	data = data_of(page);
	assert_int_equal(integer(column_of(data, 0), "bits"), 64);
	assert_true(json_is_true(json_object_get(column_of(data, 0), "whole")));
	assert_int_equal(
	    decode(json_object_get(column_of(data, 0), "data"), got, sizeof(got)), sizeof(got));
	assert_true(got[0] == 16777217 && got[3] == 3);
	json_decref(data);
	free(page);
	plot_column_free(&column);
}

/* All ones are the null, so 255 names do not fit into 8 bits. */
static void
codes_have_as_many_bits_as_they_need(void **state)
{
	static const struct {
		size_t n;
		int bits;
	} cases[] = { { 254, 8 }, { 255, 16 }, { 65534, 16 }, { 65535, 32 } };
	static char texts[65535][8];
	static const char *pointers[65535];
	static double zeros[65535];
	static uint8_t got[4 * 65535];

	(void)state;
	for (size_t i = 0; i < 65535; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%zu", i);
		pointers[i] = texts[i];
	}
	for (size_t k = 0; k < 4; k++) {
		struct plot_column column = plot_aid_texts("cell", pointers, cases[k].n);
		struct plot_html p = { "t", "x", "y", cases[k].n, zeros, zeros, &column, 1, 0 };
		char *page = page_of(&p);
		json_t *data = data_of(page);
		size_t width = (size_t)cases[k].bits / 8, last = cases[k].n - 1;
		uint32_t code = 0;

		assert_int_equal(integer(column_of(data, 0), "bits"), cases[k].bits);
		assert_int_equal(
		    decode(json_object_get(column_of(data, 0), "data"), got, sizeof(got)),
		    width * cases[k].n);
		memcpy(&code, got + width * last, width);
		assert_int_equal(code, last);
		json_decref(data);
		free(page);
		plot_column_free(&column);
	}
}

static void
hostile_texts_stay_texts(void **state)
{
	static const char *const texts[] = { "</script><script>alert(1)</script>", "<!-- <script>",
		"--> & &lt; ]]>", "\"quoted\" \\ 'single' `${x}`", "line\nfeed\ttab\x01 \x7f",
		"\xe2\x80\xa8\xe2\x80\xa9 separators", "</SCRIPT >",
		"<img src=x onerror=alert(1)>" };
	enum { MANY = sizeof(texts) / sizeof(texts[0]) };
	double zeros[MANY] = { 0 };
	struct plot_column columns[2] = { plot_aid_texts("</script><b>", texts, MANY),
		plot_aid_numbers("<!--", zeros, MANY) };
	struct plot_html p = { "</title><script>", "<i>", "&amp;", MANY, zeros, zeros, columns, 2,
		0 };
	char *page = page_of(&p);
	json_t *data = data_of(page), *found;

	(void)state;
	assert_int_equal(plot_aid_count(page, "<script"), 2);
	assert_int_equal(plot_aid_count(page, "</script"), 2);
	assert_int_equal(plot_aid_count(page, "</SCRIPT"), 0);
	assert_int_equal(plot_aid_count(page, "<!--"), 0);
	assert_int_equal(plot_aid_count(page, "<img"), 0);
	assert_int_equal(plot_aid_count(page, "alert(1)</"), 0);
	assert_string_equal(json_string_value(json_object_get(data, "title")), p.title);
	assert_string_equal(
	    json_string_value(json_object_get(column_of(data, 0), "name")), columns[0].name);
	found = json_object_get(column_of(data, 0), "names");
	assert_int_equal(json_array_size(found), MANY);
	for (size_t i = 0; i < MANY; i++) {
		bool is_there = false;

		for (size_t k = 0; k < MANY; k++)
			is_there |=
			    strcmp(json_string_value(json_array_get(found, i)), texts[k]) == 0;
		assert_true(is_there);
	}
	json_decref(data);
	free(page);
	plot_column_free(&columns[0]);
	plot_column_free(&columns[1]);
}

static void
nothing_is_asked_of_a_network(void **state)
{
	static const char *const calls[] = { "http:", "https:", "url(", "@import", "fetch(",
		"XMLHttpRequest", "src=", "href=", "import(", "WebSocket", "sendBeacon" };
	struct plot_html p = { "t", "x", "y", N, xs, ys, NULL, 0, 0 };
	char *page = page_of(&p);

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		assert_int_equal(plot_aid_count(page, calls[i]), 0);
	assert_int_equal(plot_aid_count(page, "default-src 'none'"), 1);
	free(page);
}

static void
odd_input_is_written(void **state)
{
	static const double same[2] = { 5, 5 };
	struct plot_html p = { "bad \xff byte", NULL, NULL, 0, NULL, NULL, NULL, 0, 0 };
	char *page = page_of(&p);
	json_t *data = data_of(page);
	uint16_t got[2];

	(void)state;
	assert_string_equal(json_string_value(json_object_get(data, "title")), "(not UTF-8)");
	assert_string_equal(json_string_value(json_object_get(data, "x")), "");
	json_decref(data);
	free(page);
	p.n = 2;
	p.x = p.y = same;
	page = page_of(&p);
	data = data_of(page);
	assert_int_equal(decode(json_object_get(data, "y"), got, sizeof(got)), sizeof(got));
	assert_true(got[0] == 32768 && got[1] == 32768);
	json_decref(data);
	free(page);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_are_fractions_of_a_square),
		cmocka_unit_test(columns_come_back),
		cmocka_unit_test(large_whole_numbers_stay_exact),
		cmocka_unit_test(codes_have_as_many_bits_as_they_need),
		cmocka_unit_test(hostile_texts_stay_texts),
		cmocka_unit_test(nothing_is_asked_of_a_network),
		cmocka_unit_test(odd_input_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
