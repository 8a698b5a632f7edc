/* 1. Datasets
 * 2. Jobs
 * 3. Workers */

#include "formats/hdf5_decode.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct job {
	const struct hdf5_chunks *chunks;
	hsize_t at[2];
	uint8_t *stored; /* bytes of the file; kept from job to job */
	size_t n_stored, room;
	unsigned skipped;
	uint8_t *keep;
	struct hdf5_copy copy; /* of no rows: none */
};

struct worker {
	struct hdf5_decoder *decoder;
	struct hdf5_scratch scratch;
	uint8_t *chunk; /* where a chunk is decoded that nobody keeps */
	size_t room;
	pthread_t thread;
};

struct hdf5_decoder {
	struct worker *workers; /* [n_workers]; the first is the calling thread's */
	size_t n_workers;
	struct job *
	    *jobs; /* [n_room]; n_added of them are in use, n_taken begun, n_done finished */
	size_t n_added, n_taken, n_done, n_room;
	bool is_ending;
	struct err err; /* the first failure */
	pthread_mutex_t mutex;
	pthread_cond_t added, done;
};

/* 1. Datasets */

static bool
read_pipeline(hid_t list, struct hdf5_pipeline *p)
{
	int n = H5Pget_nfilters(list);

	if (n < 0 || n > HDF5_MAX_FILTERS)
		return false;
	p->n = (size_t)n;
	for (unsigned i = 0; i < (unsigned)n; i++) {
		struct hdf5_filter *f = &p->filters[i];
		unsigned flags, config;

		f->n_values = HDF5_MAX_FILTER_VALUES;
		f->id = H5Pget_filter2(list, i, &flags, &f->n_values, f->values, 0, NULL, &config);
		if (f->id < 0 || f->n_values > HDF5_MAX_FILTER_VALUES)
			return false;
	}
	return hdf5_pipeline_is_known(p);
}

static bool
is_zero_filled(hid_t list, hid_t type, size_t width)
{
	static const uint8_t zeros[16];
	uint8_t value[16] = { 0 };

	return width <= sizeof(value) && H5Pget_fill_value(list, type, value) >= 0 &&
	       memcmp(value, zeros, width) == 0;
}

static bool
read_shape(struct hdf5_chunks *c, hid_t list)
{
	hid_t space = H5Dget_space(c->dataset);
	bool is_good;

	c->rank = H5Sget_simple_extent_ndims(space);
	c->shape[1] = c->chunk[1] = 1;
	is_good = (c->rank == 1 || c->rank == 2) && H5Pget_layout(list) == H5D_CHUNKED &&
		  H5Sget_simple_extent_dims(space, c->shape, NULL) == c->rank &&
		  H5Pget_chunk(list, 2, c->chunk) == c->rank;
	H5Sclose(space);
	return is_good && mem_mul((size_t)c->chunk[0], (size_t)c->chunk[1], &c->bytes) &&
	       mem_mul(c->bytes, c->width, &c->bytes) && c->bytes <= UINT32_MAX;
}

bool
hdf5_chunks_open(struct hdf5_chunks *c, const struct hdf5_file *f, const char *path, hid_t dataset)
{
	hid_t type = H5Dget_type(dataset), list = H5Dget_create_plist(dataset);
	bool is_exact, is_good;

	*c = (struct hdf5_chunks){ .file = f, .path = path, .dataset = dataset };
	c->width = hdf5_number_width(hdf5_number(type, &is_exact));
	is_good = is_exact && read_shape(c, list) && read_pipeline(list, &c->pipeline) &&
		  is_zero_filled(list, type, c->width);
	H5Tclose(type);
	H5Pclose(list);
	H5Eclear2(H5E_DEFAULT);
	return is_good;
}

/* 2. Jobs */

static void
do_job(struct worker *w, struct job *j, struct err *e)
{
	const struct hdf5_chunks *c = j->chunks;
	const struct hdf5_copy *p = &j->copy;
	uint8_t *chunk = j->keep;
	const char *wrong = NULL;

	if (!chunk && w->room < c->bytes) {
		free(w->chunk);
		w->chunk = mem_alloc(c->bytes, 1);
		w->room = c->bytes;
	}
	if (!chunk)
		chunk = w->chunk;
	if (j->n_stored == 0)
		memset(chunk, 0, c->bytes); /* never written: the fill value */
	else
		wrong = hdf5_decode(
		    &c->pipeline, j->skipped, j->stored, j->n_stored, chunk, c->bytes, &w->scratch);
	if (wrong) {
		err_set(e, "%s: %s: chunk at element %llu: %s", c->file->name, c->path,
		    (unsigned long long)j->at[0], wrong);
		return;
	}
	for (size_t r = 0; r < p->rows; r++)
		memcpy(p->to + r * p->to_step, chunk + p->from + r * p->from_step, p->size);
}

/* The bytes of the chunk as the file holds them. */
static int
fetch(struct job *j, struct err *e)
{
	const struct hdf5_chunks *c = j->chunks;
	hsize_t size = 0;
	uint32_t skipped = 0;

	j->n_stored = 0;
	if (H5Dget_chunk_storage_size(c->dataset, j->at, &size) < 0) {
		H5Eclear2(H5E_DEFAULT); /* how some versions say that a chunk was never written */
		return 0;
	}
	if (size == 0)
		return 0;
	if (size > c->file->size)
		return hdf5_fail(c->file, c->path, e, "a chunk of %llu bytes in a file of %llu",
		    (unsigned long long)size, (unsigned long long)c->file->size);
	if (j->room < size) {
		free(j->stored);
		j->stored = mem_alloc((size_t)size, 1);
		j->room = (size_t)size;
	}
	if (H5Dread_chunk(c->dataset, H5P_DEFAULT, j->at, &skipped, j->stored) < 0)
		return hdf5_fail(c->file, c->path, e, "a chunk cannot be read");
	j->n_stored = (size_t)size;
	j->skipped = skipped;
	return 0;
}

/* The next unused job. The caller's thread alone adds, so only the list itself needs the lock. */
static struct job *
next_job(struct hdf5_decoder *d)
{
	if (d->n_added == d->n_room) {
		size_t room = d->n_room ? 2 * d->n_room : 64;

		pthread_mutex_lock(&d->mutex);
		d->jobs = mem_resize(d->jobs, d->n_room, room, sizeof(*d->jobs));
		for (size_t i = d->n_room; i < room; i++)
			d->jobs[i] = mem_zero(1, sizeof(**d->jobs));
		d->n_room = room;
		pthread_mutex_unlock(&d->mutex);
	}
	return d->jobs[d->n_added];
}

int
hdf5_decoder_add(struct hdf5_decoder *d, const struct hdf5_chunks *c, const hsize_t *at,
    uint8_t *keep, const struct hdf5_copy *copy, struct err *e)
{
	static const struct hdf5_copy none;
	struct job *j;

	if (e->is_set)
		return -1;
	j = next_job(d);
	j->chunks = c;
	j->at[0] = at[0];
	j->at[1] = c->rank > 1 ? at[1] : 0;
	j->keep = keep;
	j->copy = copy ? *copy : none;
	if (fetch(j, e))
		return -1;
	pthread_mutex_lock(&d->mutex);
	d->n_added++;
	pthread_cond_signal(&d->added);
	pthread_mutex_unlock(&d->mutex);
	return 0;
}

/* 3. Workers */

/* Does the next job, if there is one; the lock is held on entry and exit. */
static bool
take_job(struct hdf5_decoder *d, struct worker *w)
{
	struct err e = { 0 };
	struct job *j;

	if (d->n_taken == d->n_added)
		return false;
	j = d->jobs[d->n_taken++];
	if (!d->err.is_set) {
		pthread_mutex_unlock(&d->mutex);
		do_job(w, j, &e);
		pthread_mutex_lock(&d->mutex);
	}
	if (e.is_set && !d->err.is_set)
		d->err = e;
	if (++d->n_done == d->n_added)
		pthread_cond_signal(&d->done);
	return true;
}

static void *
work_loop(void *argument)
{
	struct worker *w = argument;
	struct hdf5_decoder *d = w->decoder;

	pthread_mutex_lock(&d->mutex);
	while (!d->is_ending)
		if (!take_job(d, w))
			pthread_cond_wait(&d->added, &d->mutex);
	pthread_mutex_unlock(&d->mutex);
	return NULL;
}

struct hdf5_decoder *
hdf5_decoder_new(int threads)
{
	struct hdf5_decoder *d = mem_zero(1, sizeof(*d));
	size_t n = threads < 1 ? 1 : (size_t)threads;

	pthread_mutex_init(&d->mutex, NULL);
	pthread_cond_init(&d->added, NULL);
	pthread_cond_init(&d->done, NULL);
	d->workers = mem_zero(n, sizeof(*d->workers));
	d->workers[0].decoder = d;
	d->n_workers = 1;
	for (size_t i = 1; i < n; i++) {
		d->workers[i].decoder = d;
		if (pthread_create(&d->workers[i].thread, NULL, work_loop, &d->workers[i]))
			break; /* fewer workers do the same */
		d->n_workers++;
	}
	return d;
}

void
hdf5_decoder_free(struct hdf5_decoder *d)
{
	if (!d)
		return;
	pthread_mutex_lock(&d->mutex);
	d->is_ending = true;
	pthread_cond_broadcast(&d->added);
	pthread_mutex_unlock(&d->mutex);
	for (size_t i = 0; i < d->n_workers; i++) {
		if (i)
			pthread_join(d->workers[i].thread, NULL);
		hdf5_scratch_free(&d->workers[i].scratch);
		free(d->workers[i].chunk);
	}
	for (size_t i = 0; i < d->n_room; i++) {
		free(d->jobs[i]->stored);
		free(d->jobs[i]);
	}
	pthread_cond_destroy(&d->added);
	pthread_cond_destroy(&d->done);
	pthread_mutex_destroy(&d->mutex);
	free(d->jobs);
	free(d->workers);
	free(d);
}

int
hdf5_decoder_wait(struct hdf5_decoder *d, struct err *e)
{
	pthread_mutex_lock(&d->mutex);
	while (take_job(d, &d->workers[0]))
		;
	while (d->n_done < d->n_added)
		pthread_cond_wait(&d->done, &d->mutex);
	d->n_added = d->n_taken = d->n_done = 0;
	if (d->err.is_set && !e->is_set)
		*e = d->err;
	d->err.is_set = false;
	pthread_mutex_unlock(&d->mutex);
	return e->is_set ? -1 : 0;
}
