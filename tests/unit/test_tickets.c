/* Tickets: every number is one thread's at a time, and who waits gets one. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "base/tickets.h"

static void
order(void **state)
{
	struct tickets *t = tickets_create(3);

	(void)state;
	assert_int_equal(tickets_take(t), 0);
	assert_int_equal(tickets_take(t), 1);
	tickets_give(t, 0);
	assert_int_equal(tickets_take(t), 0);
	assert_int_equal(tickets_take(t), 2);
	tickets_free(t);
	tickets_free(NULL);
}

enum { THREADS = 8, TICKETS = 3, ROUNDS = 2000 };

struct shared {
	struct tickets *tickets;
	atomic_int holders[TICKETS], taken, doubled;
};

static void *
take_and_give(void *argument)
{
	struct shared *s = argument;

	for (int i = 0; i < ROUNDS; i++) {
		size_t number = tickets_take(s->tickets);

		if (atomic_fetch_add(&s->holders[number], 1) != 0)
			atomic_fetch_add(&s->doubled, 1);
		atomic_fetch_add(&s->taken, 1);
		atomic_fetch_sub(&s->holders[number], 1);
		tickets_give(s->tickets, number);
	}
	return NULL;
}

static void
many_threads(void **state)
{
	struct shared s = { .tickets = tickets_create(TICKETS) };
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, &s), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(s.taken, THREADS * ROUNDS);
	assert_int_equal(s.doubled, 0);
	tickets_free(s.tickets);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(order),
		cmocka_unit_test(many_threads) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
