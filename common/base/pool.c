#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/pool.h"

enum state { FREE, READ, TAKEN, DONE };

/* Item k lies in slot k % n_slots. Counters only grow: written <= taken <= read. */
struct pool {
	const struct pool_stages *stages;
	void *context;
	struct slot {
		void *item;
		enum state state;
		struct err err; /* of reading or working on it; the writer reports it */
	} * slots;
	size_t n_slots;
	uint64_t n_read, n_taken, n_written;
	bool is_at_end; /* nothing more will be read */
	bool is_failed; /* the writer met an error: stop */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
};

struct worker {
	struct pool *pool;
	size_t number;
	pthread_t thread;
};

static struct slot *
slot_of(struct pool *p, uint64_t k)
{
	return &p->slots[k % p->n_slots];
}

static void *
work_loop(void *argument)
{
	struct worker *w = argument;
	struct pool *p = w->pool;

	pthread_mutex_lock(&p->mutex);
	for (;;) {
		struct slot *s;

		while (p->n_taken == p->n_read && !p->is_at_end)
			pthread_cond_wait(&p->changed, &p->mutex);
		if (p->n_taken == p->n_read)
			break;
		s = slot_of(p, p->n_taken++);
		s->state = TAKEN;
		pthread_mutex_unlock(&p->mutex);
		if (!s->err.is_set)
			p->stages->work(p->context, w->number, s->item, &s->err);
		pthread_mutex_lock(&p->mutex);
		s->state = DONE;
		pthread_cond_broadcast(&p->changed);
	}
	pthread_mutex_unlock(&p->mutex);
	return NULL;
}

/* Writes items in order until the end or the first error, which is handed over in argument. */
static void
write_loop(struct pool *p, struct err *e)
{
	pthread_mutex_lock(&p->mutex);
	for (;;) {
		struct slot *s = slot_of(p, p->n_written);

		while (!(p->n_written < p->n_read && s->state == DONE) &&
		       !(p->is_at_end && p->n_written == p->n_read))
			pthread_cond_wait(&p->changed, &p->mutex);
		if (p->n_written == p->n_read)
			break;
		pthread_mutex_unlock(&p->mutex);
		if (s->err.is_set && !e->is_set)
			*e = s->err;
		if (!e->is_set)
			p->stages->write(p->context, s->item, e);
		pthread_mutex_lock(&p->mutex);
		s->state = FREE;
		p->n_written++;
		p->is_failed = e->is_set;
		pthread_cond_broadcast(&p->changed);
	}
	pthread_mutex_unlock(&p->mutex);
}

struct writer {
	struct pool *pool;
	struct err *e;
};

static void *
write_thread(void *argument)
{
	struct writer *w = argument;

	write_loop(w->pool, w->e);
	return NULL;
}

/* Waits for a free slot; NULL when the pool has failed. */
static struct slot *
next_free(struct pool *p)
{
	struct slot *s = slot_of(p, p->n_read);

	pthread_mutex_lock(&p->mutex);
	while (s->state != FREE && !p->is_failed)
		pthread_cond_wait(&p->changed, &p->mutex);
	if (p->is_failed)
		s = NULL;
	pthread_mutex_unlock(&p->mutex);
	return s;
}

static void
publish(struct pool *p, bool is_item, bool is_end)
{
	pthread_mutex_lock(&p->mutex);
	if (is_item)
		slot_of(p, p->n_read++)->state = READ;
	p->is_at_end |= is_end;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->mutex);
}

/* A failed read becomes an item too, so that its error waits for the items before it. */
static void
read_loop(struct pool *p)
{
	struct slot *s;
	int r = 1;

	while (r > 0 && (s = next_free(p))) {
		s->err = (struct err){ 0 };
		r = p->stages->read(p->context, s->item, &s->err);
		publish(p, r != 0, r <= 0);
	}
	publish(p, false, true);
}

static int
run_serially(const struct pool_stages *stages, void *context, void *item, struct err *e)
{
	int r;

	while ((r = stages->read(context, item, e)) > 0)
		if (stages->work(context, 0, item, e) || stages->write(context, item, e))
			return -1;
	return r;
}

/* Starts workers 0, 1, ... as far as the system has threads. Returns how many. */
static size_t
start_workers(struct pool *p, struct worker *workers, size_t n)
{
	size_t i = 0;

	for (; i < n; i++) {
		workers[i] = (struct worker){ .pool = p, .number = i };
		if (pthread_create(&workers[i].thread, NULL, work_loop, &workers[i]))
			break;
	}
	return i;
}

/* Runs the stages on threads. Returns whether there were any; nothing has been read if not. */
static bool
run_threads(struct pool *p, size_t n_workers, struct err *e)
{
	struct worker *workers = mem_zero(n_workers, sizeof(*workers));
	struct writer writer = { p, e };
	pthread_t writing;
	bool has_writer = pthread_create(&writing, NULL, write_thread, &writer) == 0;
	size_t n_started = has_writer ? start_workers(p, workers, n_workers) : 0;

	if (n_started)
		read_loop(p);
	else
		publish(p, false, true);
	for (size_t i = 0; i < n_started; i++)
		pthread_join(workers[i].thread, NULL);
	if (has_writer)
		pthread_join(writing, NULL);
	free(workers);
	return n_started > 0;
}

int
pool_run(const struct pool_stages *stages, void *context, void **items, size_t n_items,
    size_t n_workers, struct err *e)
{
	struct pool p = { .stages = stages, .context = context, .n_slots = n_items };
	bool has_run;

	if (e->is_set)
		return -1;
	if (n_workers <= 1)
		return run_serially(stages, context, items[0], e);
	assert(n_items >= n_workers + 2);
	p.slots = mem_zero(n_items, sizeof(*p.slots));
	for (size_t i = 0; i < n_items; i++)
		p.slots[i].item = items[i];
	pthread_mutex_init(&p.mutex, NULL);
	pthread_cond_init(&p.changed, NULL);
	has_run = run_threads(&p, n_workers, e);
	pthread_cond_destroy(&p.changed);
	pthread_mutex_destroy(&p.mutex);
	free(p.slots);
	if (!has_run)
		return run_serially(stages, context, items[0], e);
	return e->is_set ? -1 : 0;
}
