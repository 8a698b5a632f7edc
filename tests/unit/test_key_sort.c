/* Records in order: expected is what a stable sort by insertion gives. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stat/key_sort.h"

struct item {
	uint64_t key;
	uint32_t number; /* in which order it was added */
};

static uint64_t
next_random(uint64_t *x)
{
	*x = *x * 6364136223846793005u + 1442695040888963407u;
	return *x >> 33;
}

/* Stable, whatever qsort is: the number decides among equal keys. */
static int
by_key(const void *x, const void *y)
{
	const struct item *a = x, *b = y;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

/* Keys that differ in all bytes, many of them equal. */
static struct item *
items_new(size_t n)
{
	struct item *items = mem_alloc(n, sizeof(*items));
	uint64_t x = 3;

	for (size_t i = 0; i < n; i++) {
		uint64_t r = next_random(&x);

		items[i].key = r % 3 ? r % 50 : r * r * 0x9e3779b97f4a7c15u;
		items[i].number = (uint32_t)i;
	}
	return items;
}

static void
check(size_t n, size_t max_memory, bool is_spilled)
{
	struct key_sort *s = key_sort_new(sizeof(uint32_t), max_memory);
	struct item *items = items_new(n);
	struct err e = { 0 };
	const void *payload;
	uint32_t number;
	uint64_t key;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(key_sort_add(s, items[i].key, &items[i].number, &e), 0);
	assert_int_equal(key_sort_count(s), n);
	qsort(items, n, sizeof(*items), by_key);
	assert_int_equal(key_sort_start(s, &e), 0);
	assert_int_equal(key_sort_spilled(s), is_spilled);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(key_sort_next(s, &key, &payload, &e), 1);
		memcpy(&number, payload, sizeof(number));
		assert_int_equal(key, items[i].key);
		assert_int_equal(number, items[i].number);
	}
	assert_int_equal(key_sort_next(s, &key, &payload, &e), 0);
	assert_int_equal(key_sort_next(s, &key, &payload, &e), 0);
	free(items);
	key_sort_free(s);
}

static void
in_memory(void **state)
{
	(void)state;
	check(0, 1 << 20, false);
	check(1, 1 << 20, false);
	check(2, 1 << 20, false);
	check(5000, 1 << 20, false);
	check(1000, 1000 * 24, false); /* as many as fit: 12 bytes, and as many to sort them */
}

static void
on_file(void **state)
{
	(void)state;
	check(1001, 1000 * 24, true);
	check(20000, 1000 * 24, true);  /* 20 runs, each through a block of 4 KiB: a few blocks */
	check(50000, 20000 * 24, true); /* blocks of a third of the memory */
	check(60, 0, true);             /* a run for each record */
}

static void
keys_alone(void **state)
{
	struct key_sort *s = key_sort_new(0, 64);
	struct err e = { 0 };
	const void *payload;
	uint64_t key;

	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(key_sort_add(s, i * 37 % 100 << 56, NULL, &e), 0);
	assert_int_equal(key_sort_start(s, &e), 0);
	for (uint64_t i = 0; i < 100; i++) {
		assert_int_equal(key_sort_next(s, &key, &payload, &e), 1);
		assert_int_equal(key, i << 56);
	}
	key_sort_free(s);
}

static void
no_place_to_spill(void **state)
{
	struct key_sort *s = key_sort_new(0, 1);
	struct err e = { 0 };
	char *before = getenv("TMPDIR") ? mem_strdup(getenv("TMPDIR")) : NULL;

	(void)state;
	setenv("TMPDIR", "/nonexistent/folder", 1);
	assert_int_equal(key_sort_add(s, 1, NULL, &e), 0);
	assert_int_equal(key_sort_add(s, 2, NULL, &e), -1);
	assert_non_null(strstr(e.text, "/nonexistent/folder"));
	if (before)
		setenv("TMPDIR", before, 1);
	else
		unsetenv("TMPDIR");
	free(before);
	key_sort_free(s);
}

static void
numbers_as_keys(void **state)
{
	static const double ascending[] = { -INFINITY, -3e38, -1.5, -1, -1e-40, 0, 1e-40, 0.999999,
		1, 1.5, 3e38, INFINITY };

	(void)state;
	for (size_t i = 0; i < sizeof(ascending) / sizeof(ascending[0]); i++) {
		double x = ascending[i];

		assert_true(key_to_double(key_of_double(x)) == x);
		assert_true(key_to_float(key_of_float((float)x)) == (float)x);
		if (i) {
			assert_true(key_of_double(ascending[i - 1]) < key_of_double(x));
			assert_true(key_of_float((float)ascending[i - 1]) < key_of_float((float)x));
		}
	}
	assert_int_equal(key_of_float(-0.0f), key_of_float(0.0f));
	assert_true(key_of_double(-0.0) == key_of_double(0.0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_memory),
		cmocka_unit_test(on_file),
		cmocka_unit_test(keys_alone),
		cmocka_unit_test(no_place_to_spill),
		cmocka_unit_test(numbers_as_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
