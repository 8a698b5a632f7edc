/* 1. Records in memory
 * 2. Runs on file
 * 3. The module's functions
 * 4. Numbers as keys */

#include "stat/key_sort.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/spill.h"

enum { LEAST_ROOM = 1024, LEAST_BLOCK = 4096, N_BYTES = 8, N_VALUES = 256 };

/* A sorted run on the file, as far as it has been read. */
struct run {
	uint64_t at, left; /* records not read yet: place in the file, how many */
	uint8_t *block;
	size_t n_block, i_block; /* records in the block, and those given out */
};

struct key_sort {
	size_t record; /* bytes of key and payload */
	size_t max_memory;
	size_t n_held, room, max_held;
	uint8_t *held, *scratch; /* [room] records; scratch has no more than n_held of them */
	uint64_t n;
	bool is_started;
	size_t i_held; /* given out, where there are no runs */
	struct spill file;
	struct run *runs;
	size_t n_runs;
	size_t block_room;    /* records of a block */
	size_t *heap, n_heap; /* runs that have records, the smallest key on top */
};

/* 1. Records in memory */

static uint64_t
key_at(const struct key_sort *s, const uint8_t *records, size_t i)
{
	return le64(records + i * s->record);
}

/* One pass by one byte of the key, from held to scratch, which then change places. */
static void
sort_by_byte(struct key_sort *s, unsigned byte, size_t *counts)
{
	size_t sum = 0;
	uint8_t *records = s->held;

	for (size_t v = 0; v < N_VALUES; v++) {
		size_t n = counts[v];

		counts[v] = sum;
		sum += n;
	}
	for (size_t i = 0; i < s->n_held; i++) {
		size_t v = key_at(s, s->held, i) >> (8 * byte) & 0xff;

		memcpy(s->scratch + counts[v]++ * s->record, s->held + i * s->record, s->record);
	}
	s->held = s->scratch;
	s->scratch = records;
}

static void
sort_held(struct key_sort *s)
{
	size_t(*counts)[N_VALUES] = mem_zero(N_BYTES, sizeof(*counts));

	for (size_t i = 0; i < s->n_held; i++) {
		uint64_t key = key_at(s, s->held, i);

		for (unsigned b = 0; b < N_BYTES; b++)
			counts[b][key >> (8 * b) & 0xff]++;
	}
	if (!s->scratch)
		s->scratch = mem_alloc(s->room, s->record);
	for (unsigned b = 0; b < N_BYTES && s->n_held; b++)
		if (counts[b][key_at(s, s->held, 0) >> (8 * b) & 0xff] < s->n_held)
			sort_by_byte(s, b, counts[b]);
	free(counts);
}

static void
make_room(struct key_sort *s)
{
	size_t room = s->room ? 2 * s->room : LEAST_ROOM;

	if (s->n_held < s->room)
		return;
	room = room < s->max_held ? room : s->max_held;
	s->held = mem_resize(s->held, s->room, room, s->record);
	s->room = room;
}

/* 2. Runs on file */

static int
spill_held(struct key_sort *s, struct err *e)
{
	struct run run = { .at = s->file.size, .left = s->n_held };

	sort_held(s);
	if (spill_append(&s->file, s->held, s->n_held * s->record, e))
		return -1;
	s->runs = mem_resize(s->runs, s->n_runs, s->n_runs + 1, sizeof(*s->runs));
	s->runs[s->n_runs++] = run;
	s->n_held = 0;
	return 0;
}

static uint64_t
run_key(const struct key_sort *s, size_t i)
{
	return key_at(s, s->runs[i].block, s->runs[i].i_block);
}

/* Reads the next block of a run whose block is used up. */
static int
fill_block(struct key_sort *s, struct run *r, struct err *e)
{
	size_t n = r->left < s->block_room ? (size_t)r->left : s->block_room;

	r->n_block = n;
	r->i_block = 0;
	if (spill_read(&s->file, r->at, r->block, n * s->record, e))
		return -1;
	r->at += n * s->record;
	r->left -= n;
	return 0;
}

/* Whether run a comes before run b: smaller key, or added earlier. */
static bool
comes_before(const struct key_sort *s, size_t a, size_t b)
{
	uint64_t x = run_key(s, a), y = run_key(s, b);

	return x < y || (x == y && a < b);
}

/* Puts the run at heap place i where it belongs among those below it. */
static void
sift_down(struct key_sort *s, size_t i)
{
	size_t moved = s->heap[i];

	for (size_t child; (child = 2 * i + 1) < s->n_heap; i = child) {
		if (child + 1 < s->n_heap && comes_before(s, s->heap[child + 1], s->heap[child]))
			child++;
		if (!comes_before(s, s->heap[child], moved))
			break;
		s->heap[i] = s->heap[child];
	}
	s->heap[i] = moved;
}

static int
start_runs(struct key_sort *s, struct err *e)
{
	size_t room = s->max_memory / s->n_runs;

	free(s->held);
	free(s->scratch);
	s->held = s->scratch = NULL;
	s->block_room = (room > LEAST_BLOCK ? room : LEAST_BLOCK) / s->record;
	s->heap = mem_alloc(s->n_runs, sizeof(*s->heap));
	for (size_t i = 0; i < s->n_runs; i++) {
		struct run *r = &s->runs[i];
		size_t most = r->left < s->block_room ? (size_t)r->left : s->block_room;

		r->block = mem_alloc(most, s->record);
		if (fill_block(s, r, e))
			return -1;
		s->heap[s->n_heap++] = i;
	}
	for (size_t i = s->n_heap / 2; i-- > 0;)
		sift_down(s, i);
	return 0;
}

/* The record given out last leaves the run on top of the heap; then the next one is on top. */
static int
leave_top(struct key_sort *s, struct err *e)
{
	struct run *r = &s->runs[s->heap[0]];

	r->i_block++;
	if (r->i_block == r->n_block) {
		if (r->left && fill_block(s, r, e))
			return -1;
		if (r->i_block == r->n_block) {
			free(r->block);
			r->block = NULL;
			s->heap[0] = s->heap[--s->n_heap];
		}
	}
	if (s->n_heap)
		sift_down(s, 0);
	return 0;
}

/* 3. The module's functions */

struct key_sort *
key_sort_new(size_t payload, size_t max_memory)
{
	struct key_sort *s = mem_zero(1, sizeof(*s));

	s->record = sizeof(uint64_t) + payload;
	assert(payload < LEAST_BLOCK / 2);
	s->max_memory = max_memory;
	s->max_held = max_memory / (2 * s->record);
	if (s->max_held < 1)
		s->max_held = 1;
	s->file = spill_new();
	return s;
}

int
key_sort_add(struct key_sort *s, uint64_t key, const void *payload, struct err *e)
{
	uint8_t *place;

	assert(!s->is_started);
	if (s->n_held == s->max_held && spill_held(s, e))
		return -1;
	make_room(s);
	place = s->held + s->n_held * s->record;
	memcpy(place, &key, sizeof(key));
	if (s->record > sizeof(key))
		memcpy(place + sizeof(key), payload, s->record - sizeof(key));
	s->n_held++;
	s->n++;
	return 0;
}

uint64_t
key_sort_count(const struct key_sort *s)
{
	return s->n;
}

int
key_sort_start(struct key_sort *s, struct err *e)
{
	assert(!s->is_started);
	s->is_started = true;
	if (!s->n_runs) {
		sort_held(s);
		free(s->scratch);
		s->scratch = NULL;
		return 0;
	}
	if (s->n_held && spill_held(s, e))
		return -1;
	return start_runs(s, e);
}

int
key_sort_next(struct key_sort *s, uint64_t *ret_key, const void **ret_payload, struct err *e)
{
	const uint8_t *record;

	assert(s->is_started);
	if (!s->n_runs) {
		if (s->i_held == s->n_held)
			return 0;
		record = s->held + s->i_held++ * s->record;
	} else {
		/* i_held: whether the top of the heap was given out already. */
		if (s->i_held && leave_top(s, e))
			return -1;
		s->i_held = 1;
		if (!s->n_heap)
			return 0;
		record = s->runs[s->heap[0]].block + s->runs[s->heap[0]].i_block * s->record;
	}
	*ret_key = le64(record);
	*ret_payload = record + sizeof(uint64_t);
	return 1;
}

bool
key_sort_spilled(const struct key_sort *s)
{
	return s->n_runs > 0;
}

void
key_sort_free(struct key_sort *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_runs; i++)
		free(s->runs[i].block);
	spill_close(&s->file);
	free(s->runs);
	free(s->heap);
	free(s->held);
	free(s->scratch);
	free(s);
}

/* 4. Numbers as keys: the bits of a number above 0 are in its order already; those of one below
 * are turned round. */

uint32_t
key_of_float(float x)
{
	uint32_t bits;

	x += 0.0f;
	memcpy(&bits, &x, sizeof(bits));
	return bits >> 31 ? ~bits : bits | (uint32_t)1 << 31;
}

float
key_to_float(uint32_t key)
{
	uint32_t bits = key >> 31 ? key & ~((uint32_t)1 << 31) : ~key;
	float x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

uint64_t
key_of_double(double x)
{
	uint64_t bits;

	x += 0.0;
	memcpy(&bits, &x, sizeof(bits));
	return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

double
key_to_double(uint64_t key)
{
	uint64_t bits = key >> 63 ? key & ~((uint64_t)1 << 63) : ~key;
	double x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}
