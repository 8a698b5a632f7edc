/* The ring of readers, workers and writers: order, errors, and that nothing is lost. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/pool.h"

struct trial {
	int n, fail_read, fail_work, fail_write; /* number of the item that fails; -1: none */
	int n_read, n_written;
	int written[1000];
};

static int
read_number(void *context, void *item, struct err *e)
{
	struct trial *t = context;

	if (t->n_read == t->fail_read)
		return err_set(e, "read %d", t->n_read);
	if (t->n_read == t->n)
		return 0;
	*(int *)item = t->n_read++;
	return 1;
}

/* The first items take longest, so that later ones overtake them. */
static int
double_number(void *context, size_t worker, void *item, struct err *e)
{
	struct trial *t = context;
	struct timespec pause = { 0, (7 - *(int *)item % 8) * 100000L };

	(void)worker;
	nanosleep(&pause, NULL);
	if (*(int *)item == t->fail_work)
		return err_set(e, "work %d", *(int *)item);
	*(int *)item *= 2;
	return 0;
}

static int
write_number(void *context, void *item, struct err *e)
{
	struct trial *t = context;

	if (t->n_written == t->fail_write)
		return err_set(e, "write %d", t->n_written);
	t->written[t->n_written++] = *(int *)item;
	return 0;
}

static void
run_trial(struct trial *t, size_t n_workers, struct err *e)
{
	static const struct pool_stages stages = { read_number, double_number, write_number };
	int numbers[10];
	void *items[10];
	int status;

	for (int i = 0; i < 10; i++)
		items[i] = &numbers[i];
	status = pool_run(&stages, t, items, n_workers + 2, n_workers, e);
	assert_int_equal(status, e->is_set ? -1 : 0);
	for (int i = 0; i < t->n_written; i++)
		assert_int_equal(t->written[i], 2 * i);
}

static void
keeps_order(void **state)
{
	(void)state;
	for (size_t n_workers = 1; n_workers <= 8; n_workers++) {
		struct trial t = { .n = 200, .fail_read = -1, .fail_work = -1, .fail_write = -1 };
		struct err e = { 0 };

		run_trial(&t, n_workers, &e);
		assert_false(e.is_set);
		assert_int_equal(t.n_written, 200);
	}
}

static void
takes_no_items(void **state)
{
	struct trial t = { .n = 0, .fail_read = -1, .fail_work = -1, .fail_write = -1 };
	struct err e = { 0 };

	(void)state;
	run_trial(&t, 4, &e);
	assert_false(e.is_set);
	assert_int_equal(t.n_written, 0);
}

static void
stops_at_errors(void **state)
{
	(void)state;
	for (size_t n_workers = 1; n_workers <= 4; n_workers++) {
		struct trial reading = {
			.n = 100, .fail_read = 50, .fail_work = -1, .fail_write = -1
		};
		struct trial working = {
			.n = 100, .fail_read = -1, .fail_work = 31, .fail_write = -1
		};
		struct trial writing = {
			.n = 100, .fail_read = -1, .fail_work = -1, .fail_write = 20
		};
		struct err r = { 0 }, k = { 0 }, w = { 0 };

		run_trial(&reading, n_workers, &r);
		assert_string_equal(r.text, "read 50");
		assert_int_equal(reading.n_written, 50);
		run_trial(&working, n_workers, &k);
		assert_string_equal(k.text, "work 31");
		assert_int_equal(working.n_written, 31);
		run_trial(&writing, n_workers, &w);
		assert_string_equal(w.text, "write 20");
		assert_int_equal(writing.n_written, 20);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_order),
		cmocka_unit_test(takes_no_items),
		cmocka_unit_test(stops_at_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
