#include "formats/h5ad_transpose.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

enum { LARGEST_BUFFER = 1 << 20, SMALLEST_BUFFER = 1 << 12, HEAD = 8 };

/* Rows first..first of the next part. A record of the spill file is row, column (4 bytes each) and
 * value. */
struct part {
	size_t first;
	uint64_t n_written; /* records in the file */
	uint8_t *buffer;    /* [buffer_size] */
	size_t used;
};

struct h5ad_transpose {
	size_t n_rows, width;
	uint64_t *starts; /* [n_rows + 1] */
	uint64_t *cursor; /* [n_rows]: where the row's next entry goes */
	struct part *parts;
	size_t n_parts, buffer_size;
	size_t loaded;    /* the part in memory; n_parts: none */
	uint64_t base;    /* number of the first entry in memory */
	int32_t *columns; /* of the part in memory */
	uint8_t *values;
	int fd; /* -1: everything is in memory, which is one part */
};

static size_t
record_size(const struct h5ad_transpose *t)
{
	return HEAD + t->width;
}

/* Cuts the rows into parts of at most `limit` entries (one row at least). */
static void
cut(struct h5ad_transpose *t, uint64_t limit)
{
	size_t room = 16;

	t->parts = mem_zero(room, sizeof(*t->parts));
	for (size_t row = 0; row < t->n_rows;) {
		size_t next = row + 1;

		while (next < t->n_rows && t->starts[next + 1] - t->starts[row] <= limit)
			next++;
		if (t->n_parts + 2 > room) {
			t->parts = mem_resize(t->parts, room, 2 * room, sizeof(*t->parts));
			room *= 2;
		}
		t->parts[t->n_parts++] = (struct part){ .first = row };
		row = next;
	}
	t->parts[t->n_parts] = (struct part){ .first = t->n_rows };
}

static uint64_t
part_start(const struct h5ad_transpose *t, size_t p)
{
	return t->starts[t->parts[p].first];
}

static void
make_room(struct h5ad_transpose *t)
{
	uint64_t largest = 0;

	for (size_t p = 0; p < t->n_parts; p++) {
		uint64_t n = part_start(t, p + 1) - part_start(t, p);

		largest = n > largest ? n : largest;
	}
	t->columns = mem_alloc((size_t)largest, sizeof(*t->columns));
	t->values = mem_alloc((size_t)largest, t->width);
}

struct h5ad_transpose *
h5ad_transpose_new(
    size_t n_rows, const uint64_t *starts, size_t width, size_t max_memory, struct err *e)
{
	struct h5ad_transpose *t;
	uint64_t entry = sizeof(int32_t) + width;

	if (e->is_set)
		return NULL;
	t = mem_zero(1, sizeof(*t));
	t->fd = -1;
	t->n_rows = n_rows;
	t->width = width;
	t->starts = mem_alloc(n_rows + 1, sizeof(*starts));
	t->cursor = mem_alloc(n_rows, sizeof(*starts));
	memcpy(t->starts, starts, (n_rows + 1) * sizeof(*starts));
	memcpy(t->cursor, starts, n_rows * sizeof(*starts));
	if (starts[n_rows] <= max_memory / entry) {
		cut(t, UINT64_MAX);
		make_room(t);
		return t;
	}
	cut(t, max_memory / 2 / entry);
	t->buffer_size = max_memory / 4 / t->n_parts;
	if (t->buffer_size > LARGEST_BUFFER)
		t->buffer_size = LARGEST_BUFFER;
	if (t->buffer_size < SMALLEST_BUFFER)
		t->buffer_size = SMALLEST_BUFFER;
	t->buffer_size -= t->buffer_size % record_size(t);
	t->loaded = t->n_parts;
	t->fd = io_spill_file(e);
	if (t->fd >= 0)
		return t;
	h5ad_transpose_free(t);
	return NULL;
}

void
h5ad_transpose_free(struct h5ad_transpose *t)
{
	if (!t)
		return;
	for (size_t p = 0; p < t->n_parts; p++)
		free(t->parts[p].buffer);
	if (t->fd >= 0)
		close(t->fd);
	free(t->parts);
	free(t->starts);
	free(t->cursor);
	free(t->columns);
	free(t->values);
	free(t);
}

static void
place(struct h5ad_transpose *t, uint32_t row, int32_t column, const uint8_t *value)
{
	uint64_t to = t->cursor[row]++;

	assert(to < t->starts[row + 1]);
	t->columns[to - t->base] = column;
	memcpy(t->values + (to - t->base) * t->width, value, t->width);
}

/* The whole of `bytes` at an offset of the spill file, either way. */
static int
transfer(struct h5ad_transpose *t, bool is_write, uint8_t *bytes, size_t n, uint64_t offset,
    struct err *e)
{
	while (n) {
		ssize_t done = is_write ? pwrite(t->fd, bytes, n, (off_t)offset)
					: pread(t->fd, bytes, n, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return err_sys(e, "spill file in TMPDIR: %s", is_write ? "write" : "read");
		bytes += done;
		offset += (uint64_t)done;
		n -= (size_t)done;
	}
	return 0;
}

static int
flush(struct h5ad_transpose *t, size_t p, struct err *e)
{
	struct part *part = &t->parts[p];
	uint64_t at = (part_start(t, p) + part->n_written) * record_size(t);

	if (transfer(t, true, part->buffer, part->used, at, e))
		return -1;
	part->n_written += part->used / record_size(t);
	part->used = 0;
	return 0;
}

/* The part that holds a row (binary search over their first rows). */
static size_t
part_of(const struct h5ad_transpose *t, size_t row)
{
	size_t lo = 0, hi = t->n_parts;

	while (hi - lo > 1) {
		size_t middle = lo + (hi - lo) / 2;

		if (t->parts[middle].first <= row)
			lo = middle;
		else
			hi = middle;
	}
	return lo;
}

static int
spill(struct h5ad_transpose *t, uint32_t row, int32_t column, const uint8_t *value, struct err *e)
{
	size_t p = part_of(t, row);
	struct part *part = &t->parts[p];
	uint8_t *to;

	if (!part->buffer)
		part->buffer = mem_alloc(t->buffer_size, 1);
	to = part->buffer + part->used;
	memcpy(to, &row, sizeof(row));
	memcpy(to + sizeof(row), &column, sizeof(column));
	memcpy(to + HEAD, value, t->width);
	part->used += record_size(t);
	return part->used == t->buffer_size ? flush(t, p, e) : 0;
}

int
h5ad_transpose_add(struct h5ad_transpose *t, const uint32_t *rows, const int32_t *columns,
    const void *values, size_t n, struct err *e)
{
	const uint8_t *value = values;

	if (e->is_set)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (t->fd < 0)
			place(t, rows[i], columns[i], value + i * t->width);
		else if (spill(t, rows[i], columns[i], value + i * t->width, e))
			return -1;
	}
	return 0;
}

/* Reads a part back; its rows are sorted on the way. */
static int
load(struct h5ad_transpose *t, size_t p, struct err *e)
{
	uint64_t n = part_start(t, p + 1) - part_start(t, p);
	size_t room = LARGEST_BUFFER - LARGEST_BUFFER % record_size(t);
	uint8_t *bytes;

	if (!t->columns) {
		for (size_t i = 0; i < t->n_parts; i++) {
			if (t->parts[i].used && flush(t, i, e))
				return -1;
			free(t->parts[i].buffer);
			t->parts[i].buffer = NULL;
		}
		make_room(t);
	}
	assert(t->parts[p].n_written == n);
	bytes = mem_alloc(room, 1);
	t->base = part_start(t, p);
	for (uint64_t done = 0; done < n && !e->is_set;) {
		uint64_t left = (n - done) * record_size(t);
		size_t size = left < room ? (size_t)left : room;

		if (transfer(t, false, bytes, size, (t->base + done) * record_size(t), e))
			break;
		for (size_t i = 0; i < size; i += record_size(t)) {
			uint32_t row;
			int32_t column;

			memcpy(&row, bytes + i, sizeof(row));
			memcpy(&column, bytes + i + sizeof(row), sizeof(column));
			place(t, row, column, bytes + i + HEAD);
		}
		done += size / record_size(t);
	}
	free(bytes);
	t->loaded = p;
	return e->is_set ? -1 : 0;
}

int
h5ad_transpose_read(
    struct h5ad_transpose *t, size_t from, size_t n, int32_t *columns, void *values, struct err *e)
{
	uint8_t *out = values;

	if (e->is_set)
		return -1;
	assert(from <= t->n_rows && n <= t->n_rows - from);
	for (size_t row = from; row < from + n;) {
		size_t p = part_of(t, row), end = t->parts[p + 1].first;
		uint64_t start = t->starts[row];

		if (t->fd >= 0 && p != t->loaded && load(t, p, e))
			return -1;
		end = end < from + n ? end : from + n;
		size_t count = (size_t)(t->starts[end] - start);

		memcpy(columns, t->columns + (start - t->base), count * sizeof(*columns));
		memcpy(out, t->values + (start - t->base) * t->width, count * t->width);
		columns += count;
		out += count * t->width;
		row = end;
	}
	return 0;
}
