#define _DEFAULT_SOURCE /* madvise */

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

#include "base/mem.h"

enum { ALIGNMENT = 64, FIRST_BLOCK = 1 << 14, LARGEST_STEP = 1 << 20, MAPPED_BYTES = 1 << 20 };
enum { HUGE_PAGE = 2 << 20 };

static void (*at_exhaustion)(void);

bool
mem_mul(size_t a, size_t b, size_t *ret_c)
{
	return !__builtin_mul_overflow(a, b, ret_c);
}

bool
mem_add(size_t a, size_t b, size_t *ret_c)
{
	return !__builtin_add_overflow(a, b, ret_c);
}

void
mem_at_exhaustion(void (*f)(void))
{
	at_exhaustion = f;
}

void
mem_start(void)
{
#ifdef M_MMAP_THRESHOLD
	mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
#endif
}

void
mem_give_up(const char *what)
{
	char text[200];
	int n = snprintf(text, sizeof(text), "cellpipe: %.180s\n", what);
	ssize_t ignored = write(STDERR_FILENO, text, (size_t)n);

	(void)ignored;
	if (at_exhaustion)
		at_exhaustion();
	_exit(1);
}

static void
exhausted(void)
{
	mem_give_up("out of memory");
}

/* Blocks of that size are asked for in huge pages: a stage runs through each of its buffers once a
 * batch, and with small pages the processor looks up more addresses than it remembers. Only what is
 * asked for is marked, so that no page holds memory that nobody wanted. */
static void *
alloc_huge(size_t bytes)
{
	void *p = aligned_alloc(HUGE_PAGE, bytes / HUGE_PAGE * HUGE_PAGE + HUGE_PAGE);

#ifdef MADV_HUGEPAGE
	if (p)
		madvise(p, bytes, MADV_HUGEPAGE);
#endif
	return p;
}

void *
mem_alloc(size_t n, size_t size)
{
	size_t bytes, most;
	void *p;

	if (!mem_mul(n, size, &bytes) || !mem_add(bytes, HUGE_PAGE, &most))
		exhausted();
	p = bytes < HUGE_PAGE ? aligned_alloc(ALIGNMENT, bytes / ALIGNMENT * ALIGNMENT + ALIGNMENT)
			      : alloc_huge(bytes);
	if (!p)
		exhausted();
	return p;
}

void *
mem_zero(size_t n, size_t size)
{
	void *p = mem_alloc(n, size);

	memset(p, 0, n * size);
	return p;
}

void *
mem_resize(void *p, size_t old_n, size_t n, size_t size)
{
	void *q = mem_alloc(n, size);

	if (p)
		memcpy(q, p, (old_n < n ? old_n : n) * size);
	free(p);
	return q;
}

char *
mem_strndup(const char *s, size_t n)
{
	char *copy = mem_alloc(n + 1, 1);

	memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *
mem_strdup(const char *s)
{
	return mem_strndup(s, strlen(s));
}

char *
mem_printf(const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	assert(n >= 0);
	text = mem_alloc((size_t)n + 1, 1);
	va_start(args, format);
	vsnprintf(text, (size_t)n + 1, format, args);
	va_end(args);
	return text;
}

void *
buffer_grow(struct buffer *b, size_t n)
{
	size_t wanted;
	void *place;

	if (!mem_add(b->size, n, &wanted))
		exhausted();
	if (wanted > b->room) {
		size_t room = b->room + b->room / 2;

		room = room < wanted ? wanted : room;
		b->data = mem_resize(b->data, b->size, room, 1);
		b->room = room;
	}
	place = b->data ? b->data + b->size : NULL;
	b->size = wanted;
	return place;
}

void
buffer_add(struct buffer *b, const void *bytes, size_t n)
{
	if (n)
		memcpy(buffer_grow(b, n), bytes, n);
}

void
buffer_pad(struct buffer *b, size_t align)
{
	size_t n = (align - b->size % align) % align;

	if (n)
		memset(buffer_grow(b, n), 0, n);
}

void
buffer_free(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer){ 0 };
}

struct arena_block {
	struct arena_block *older;
	size_t size, used; /* of bytes[] */
	_Alignas(ALIGNMENT) uint8_t bytes[];
};

static struct arena_block *
new_block(size_t size, struct arena_block *older)
{
	struct arena_block *b;
	size_t bytes;

	if (!mem_add(sizeof(*b), size, &bytes))
		exhausted();
	b = mem_alloc(bytes, 1);
	b->older = older;
	b->size = size;
	b->used = 0;
	return b;
}

/* Blocks double in size, so that a batch needs few of them whatever its size. */
static void
add_block(struct arena *a, size_t least)
{
	size_t size = a->block ? a->block->size * 2 : FIRST_BLOCK;

	size = size > LARGEST_STEP ? LARGEST_STEP : size;
	a->block = new_block(size < least ? least : size, a->block);
}

void *
arena_alloc(struct arena *a, size_t n, size_t size)
{
	size_t bytes, rounded = 0;
	void *p;

	if (!mem_mul(n, size, &bytes) || !mem_add(bytes, ALIGNMENT - 1, &rounded))
		exhausted();
	rounded = rounded / ALIGNMENT * ALIGNMENT;
	if (!a->block || a->block->size - a->block->used < rounded)
		add_block(a, rounded);
	p = a->block->bytes + a->block->used;
	a->block->used += rounded;
	return p;
}

void *
arena_zero(struct arena *a, size_t n, size_t size)
{
	void *p = arena_alloc(a, n, size);

	memset(p, 0, n * size);
	return p;
}

void *
arena_copy(struct arena *a, const void *bytes, size_t n, size_t size)
{
	void *p = arena_alloc(a, n, size);

	if (n && size)
		memcpy(p, bytes, n * size);
	return p;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_copy(a, s, strlen(s) + 1, 1);
}

char *
arena_printf(struct arena *a, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	assert(n >= 0);
	text = arena_alloc(a, (size_t)n + 1, 1);
	va_start(args, format);
	vsnprintf(text, (size_t)n + 1, format, args);
	va_end(args);
	return text;
}

/* After a batch that needed several blocks, one block of their whole size serves the next. */
void
arena_reset(struct arena *a)
{
	size_t total = 0;
	bool is_one = a->block && !a->block->older;

	for (const struct arena_block *b = a->block; b; b = b->older)
		total += b->size;
	if (is_one) {
		a->block->used = 0;
	} else if (a->block) {
		arena_free(a);
		a->block = new_block(total, NULL);
	}
}

void
arena_free(struct arena *a)
{
	while (a->block) {
		struct arena_block *older = a->block->older;

		free(a->block);
		a->block = older;
	}
}
