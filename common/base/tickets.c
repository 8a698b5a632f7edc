#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/tickets.h"

struct tickets {
	size_t n, n_free;
	size_t *numbers; /* [n]; the first n_free are free */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
};

struct tickets *
tickets_create(size_t n)
{
	struct tickets *t = mem_zero(1, sizeof(*t));

	t->n = t->n_free = n;
	t->numbers = mem_alloc(n, sizeof(*t->numbers));
	for (size_t i = 0; i < n; i++)
		t->numbers[i] = n - 1 - i;
	pthread_mutex_init(&t->mutex, NULL);
	pthread_cond_init(&t->changed, NULL);
	return t;
}

void
tickets_free(struct tickets *t)
{
	if (!t)
		return;
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->mutex);
	free(t->numbers);
	free(t);
}

size_t
tickets_take(struct tickets *t)
{
	size_t number;

	pthread_mutex_lock(&t->mutex);
	while (t->n_free == 0)
		pthread_cond_wait(&t->changed, &t->mutex);
	number = t->numbers[--t->n_free];
	pthread_mutex_unlock(&t->mutex);
	return number;
}

void
tickets_give(struct tickets *t, size_t number)
{
	pthread_mutex_lock(&t->mutex);
	assert(t->n_free < t->n);
	t->numbers[t->n_free++] = number;
	pthread_cond_signal(&t->changed);
	pthread_mutex_unlock(&t->mutex);
}
