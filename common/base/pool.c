#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/pool.h"

enum state { FREE, READ, TAKEN, DONE };

/* Item k lies in slot k % n_slots. Counters only grow: written <= read. Each thread does what is
 * due: it writes the oldest item if that is done, else it reads the next one and works on it. */
struct pool {
	const struct pool_stages *stages;
	void *context;
	struct slot {
		void *item;
		enum state state;
		struct err err; /* of reading or working on it; it is reported when it is written */
	} * slots;
	size_t n_slots;
	uint64_t n_read, n_written;
	bool is_reading, is_writing; /* a thread does: these stages are done by one at a time */
	bool is_at_end;              /* nothing more will be read */
	struct err *err;             /* the first; then nothing more is read or written */
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

/* The oldest item, if it is to be written now. */
static struct slot *
find_written(struct pool *p)
{
	struct slot *s = slot_of(p, p->n_written);

	return !p->is_writing && p->n_written < p->n_read && s->state == DONE ? s : NULL;
}

/* Called and left with the mutex locked. */
static void
write_item(struct pool *p, struct slot *s)
{
	struct err *e = p->err;

	p->is_writing = true;
	pthread_mutex_unlock(&p->mutex);
	if (s->err.is_set && !e->is_set)
		*e = s->err;
	if (!e->is_set)
		p->stages->write(p->context, s->item, e);
	pthread_mutex_lock(&p->mutex);
	p->is_writing = false;
	p->is_at_end |= e->is_set;
	s->state = FREE;
	p->n_written++;
	pthread_cond_broadcast(&p->changed);
}

/* The slot of the next item, if one is to be read now. */
static struct slot *
find_read(struct pool *p)
{
	struct slot *s = slot_of(p, p->n_read);

	return !p->is_reading && !p->is_at_end && s->state == FREE ? s : NULL;
}

/* Reads an item and works on it. A failed read becomes an item, too, so that its error waits for
 * the items before it. Called and left with the mutex locked. */
static void
read_and_work(struct worker *w, struct slot *s)
{
	struct pool *p = w->pool;
	int r;

	p->is_reading = true;
	s->state = READ;
	s->err = (struct err){ 0 };
	pthread_mutex_unlock(&p->mutex);
	r = p->stages->read(p->context, s->item, &s->err);
	pthread_mutex_lock(&p->mutex);
	p->is_reading = false;
	p->is_at_end |= r <= 0;
	s->state = r == 0 ? FREE : TAKEN;
	p->n_read += r != 0;
	pthread_cond_broadcast(&p->changed);
	if (r == 0)
		return;
	pthread_mutex_unlock(&p->mutex);
	if (!s->err.is_set)
		p->stages->work(p->context, w->number, s->item, &s->err);
	pthread_mutex_lock(&p->mutex);
	s->state = DONE;
	pthread_cond_broadcast(&p->changed);
}

static bool
is_finished(const struct pool *p)
{
	return p->is_at_end && !p->is_reading && p->n_written == p->n_read;
}

static void *
work_loop(void *argument)
{
	struct worker *w = argument;
	struct pool *p = w->pool;
	struct slot *s;

	pthread_mutex_lock(&p->mutex);
	while (!is_finished(p))
		if ((s = find_written(p)))
			write_item(p, s);
		else if ((s = find_read(p)))
			read_and_work(w, s);
		else
			pthread_cond_wait(&p->changed, &p->mutex);
	pthread_mutex_unlock(&p->mutex);
	return NULL;
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

/* The calling thread is worker 0; where the system has no more threads, fewer do the work. */
static void
run_threads(struct pool *p, size_t n_workers)
{
	struct worker *workers = mem_zero(n_workers, sizeof(*workers));
	size_t n_started = 1;

	for (size_t i = 0; i < n_workers; i++)
		workers[i] = (struct worker){ .pool = p, .number = i };
	while (n_started < n_workers && pthread_create(&workers[n_started].thread, NULL, work_loop,
					    &workers[n_started]) == 0)
		n_started++;
	work_loop(&workers[0]);
	for (size_t i = 1; i < n_started; i++)
		pthread_join(workers[i].thread, NULL);
	free(workers);
}

int
pool_run(const struct pool_stages *stages, void *context, void **items, size_t n_items,
    size_t n_workers, struct err *e)
{
	struct pool p = { .stages = stages, .context = context, .n_slots = n_items, .err = e };

	if (e->is_set)
		return -1;
	if (n_workers <= 1)
		return run_serially(stages, context, items[0], e);
	assert(n_items >= n_workers);
	p.slots = mem_zero(n_items, sizeof(*p.slots));
	for (size_t i = 0; i < n_items; i++)
		p.slots[i].item = items[i];
	pthread_mutex_init(&p.mutex, NULL);
	pthread_cond_init(&p.changed, NULL);
	run_threads(&p, n_workers);
	pthread_cond_destroy(&p.changed);
	pthread_mutex_destroy(&p.mutex);
	free(p.slots);
	return e->is_set ? -1 : 0;
}
