/* 1. Reading
 * 2. Building */

#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "formats/arrow_flatbuffer.h"

/* 1. Reading */

static bool
is_inside(struct flat *f, size_t at, size_t n)
{
	if (at <= f->size && n <= f->size - at)
		return true;
	f->is_bad = true;
	return false;
}

/* Follows the offset at `at`. 0 where it leads out. */
static size_t
follow(struct flat *f, size_t at, size_t least)
{
	size_t target;

	if (!is_inside(f, at, 4))
		return 0;
	target = at + le32(f->bytes + at);
	return target > at && is_inside(f, target, least) ? target : 0;
}

static struct flat_table
table_at(struct flat *f, size_t at)
{
	struct flat_table t = { at, 0, 0, 0 };
	int64_t vtable;

	if (!at || !is_inside(f, at, 4))
		return (struct flat_table){ 0 };
	vtable = (int64_t)at - (int32_t)le32(f->bytes + at);
	if (vtable < 0 || !is_inside(f, (size_t)vtable, 4)) {
		f->is_bad = true;
		return (struct flat_table){ 0 };
	}
	t.vtable = (size_t)vtable;
	t.vtable_size = le16(f->bytes + t.vtable);
	t.table_size = le16(f->bytes + t.vtable + 2);
	if (t.vtable_size < 4 || !is_inside(f, t.vtable, t.vtable_size) ||
	    !is_inside(f, at, t.table_size)) {
		f->is_bad = true;
		return (struct flat_table){ 0 };
	}
	return t;
}

struct flat_table
flat_root(struct flat *f)
{
	return table_at(f, follow(f, 0, 4));
}

/* The place of a slot of `width` bytes, or 0 where it is absent. */
static size_t
find_slot(struct flat *f, const struct flat_table *t, unsigned slot, unsigned width)
{
	size_t entry = 4 + 2 * (size_t)slot, offset;

	if (!t->at || entry + 2 > t->vtable_size)
		return 0;
	offset = le16(f->bytes + t->vtable + entry);
	if (!offset)
		return 0;
	if (offset + width > t->table_size) {
		f->is_bad = true;
		return 0;
	}
	return t->at + offset;
}

int64_t
flat_integer(
    struct flat *f, const struct flat_table *t, unsigned slot, unsigned width, int64_t absent)
{
	size_t at = find_slot(f, t, slot, width);

	if (!at)
		return absent;
	switch (width) {
	case 1:
		return f->bytes[at];
	case 2:
		return (int16_t)le16(f->bytes + at);
	case 4:
		return (int32_t)le32(f->bytes + at);
	default:
		return (int64_t)le64(f->bytes + at);
	}
}

struct flat_table
flat_child(struct flat *f, const struct flat_table *t, unsigned slot)
{
	size_t at = find_slot(f, t, slot, 4);

	return at ? table_at(f, follow(f, at, 4)) : (struct flat_table){ 0 };
}

struct flat_vector
flat_vector(struct flat *f, const struct flat_table *t, unsigned slot, size_t element)
{
	size_t at = find_slot(f, t, slot, 4), n, bytes;

	at = at ? follow(f, at, 4) : 0;
	if (!at)
		return (struct flat_vector){ 0 };
	n = le32(f->bytes + at);
	if (!mem_mul(n, element, &bytes) || !is_inside(f, at + 4, bytes)) {
		f->is_bad = true;
		return (struct flat_vector){ 0 };
	}
	return (struct flat_vector){ at + 4, n };
}

struct flat_table
flat_element(struct flat *f, const struct flat_vector *v, size_t i)
{
	assert(i < v->n);
	return table_at(f, follow(f, v->at + 4 * i, 4));
}

const char *
flat_string(struct flat *f, const struct flat_table *t, unsigned slot, size_t *ret_size)
{
	struct flat_vector v = flat_vector(f, t, slot, 1);

	*ret_size = v.n;
	return v.at ? (const char *)f->bytes + v.at : NULL;
}

/* 2. Building */

static void
put_le(struct buffer *b, uint64_t value, unsigned width)
{
	buffer_add(b, &value, width);
}

void
flat_start(struct buffer *b)
{
	assert(b->size == 0);
	put_le(b, 0, 4);
}

/* Places of the slots, each aligned to its own width, behind the 4 bytes that point at the vtable.
 */
size_t
flat_put_table(struct buffer *b, const struct flat_slot *slots, size_t n)
{
	size_t vtable_size = 4 + 2 * n, size = 4, table;
	bool is_root = b->size == 4;

	buffer_pad(b, 2);
	while ((b->size + vtable_size) % 8)
		put_le(b, 0, 2);
	for (size_t i = 0; i < n; i++)
		if (slots[i].width)
			size = (size + slots[i].width - 1) / slots[i].width * slots[i].width +
			       slots[i].width;
	put_le(b, vtable_size, 2);
	put_le(b, size, 2);
	size = 4;
	for (size_t i = 0; i < n; i++) {
		size_t width = slots[i].width;

		size = width ? (size + width - 1) / width * width : size;
		put_le(b, width ? size : 0, 2);
		size += width;
	}
	table = b->size;
	put_le(b, vtable_size, 4);
	for (size_t i = 0; i < n; i++) {
		if (!slots[i].width)
			continue;
		buffer_pad(b, slots[i].width);
		put_le(b, (uint64_t)slots[i].value, slots[i].width);
	}
	if (is_root)
		memcpy(b->data, &(uint32_t){ (uint32_t)table }, 4);
	return table;
}

size_t
flat_put_string(struct buffer *b, const char *text)
{
	size_t at, n = strlen(text);

	buffer_pad(b, 4);
	at = b->size;
	put_le(b, n, 4);
	buffer_add(b, text, n + 1);
	return at;
}

size_t
flat_put_vector(struct buffer *b, size_t n)
{
	size_t at;

	buffer_pad(b, 4);
	at = b->size;
	put_le(b, n, 4);
	memset(buffer_grow(b, 4 * n), 0, 4 * n);
	return at;
}

size_t
flat_put_structs(struct buffer *b, const void *structs, size_t n, size_t size)
{
	size_t at;

	buffer_pad(b, 8);
	put_le(b, 0, 4);
	at = b->size;
	put_le(b, n, 4);
	buffer_add(b, structs, n * size);
	return at;
}

static void
link_at(struct buffer *b, size_t at, size_t target)
{
	uint32_t distance = (uint32_t)(target - at);

	assert(target > at && target - at <= INT32_MAX);
	memcpy(b->data + at, &distance, sizeof(distance));
}

void
flat_link(struct buffer *b, size_t table, unsigned slot, size_t target)
{
	size_t vtable = table - le32(b->data + table);
	size_t offset = le16(b->data + vtable + 4 + 2 * slot);

	assert(offset);
	link_at(b, table + offset, target);
}

void
flat_link_element(struct buffer *b, size_t vector, size_t i, size_t target)
{
	link_at(b, vector + 4 + 4 * i, target);
}
