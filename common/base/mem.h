/* mem.h - memory: checked sizes, growing buffers, and arenas that live as long as a batch.
 *
 * Sizes that come from a file are multiplied and added here, with overflow checks. There is no
 * out-of-memory recovery inside the pure functions: mem_alloc and the arena end the program with
 * one line (exit 1) when the system has no memory left, after removing unfinished output. What an
 * untrusted length asks for is therefore compared with what the file can hold before it is
 * allocated. */

#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Called once, before anything else: from then on the memory of large blocks goes back to the
 * system when they are freed (the C library would rather keep what a batch once took). */
void mem_start(void);

/* a * b and a + b; false, with *ret_c untouched, where the result does not fit. */
bool mem_mul(size_t a, size_t b, size_t *ret_c);
bool mem_add(size_t a, size_t b, size_t *ret_c);

/* n elements of `size` bytes, 64-byte aligned; mem_zero: all bytes 0; mem_resize: the old bytes
 * kept (p may be NULL). Never NULL (n * size of 0 gives a valid pointer). Freed with free(). */
void *mem_alloc(size_t n, size_t size);
void *mem_zero(size_t n, size_t size);
void *mem_resize(void *p, size_t old_n, size_t n, size_t size);
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n);

/* A printf into fresh memory; the caller frees it. */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Called once, before the process ends for lack of memory (io.c removes unfinished files with it).
 */
void mem_at_exhaustion(void (*f)(void));

/* Ends the program as lack of memory does, with the line "cellpipe: WHAT". For what a library
 * could not allocate, and for limits of ours that only absurd data reach (a list of texts has
 * offsets of 32 bits). */
void mem_give_up(const char *what) __attribute__((noreturn));

/* A growing run of bytes. Zero-initialise to start; buffer_free gives the memory back. */
struct buffer {
	uint8_t *data;
	size_t size; /* bytes in use */
	size_t room; /* bytes allocated */
};

/* Makes room for n more bytes and returns the place where they go; size is grown by n. */
void *buffer_grow(struct buffer *b, size_t n);
void buffer_add(struct buffer *b, const void *bytes, size_t n);
/* Adds zero bytes up to the next multiple of `align` (a power of two). */
void buffer_pad(struct buffer *b, size_t align);
void buffer_free(struct buffer *b);

/* An arena: many small allocations, freed together. Zero-initialise to start. Reset keeps the
 * memory for the next batch; free gives it back. Not shared between threads. */
struct arena {
	struct arena_block *block; /* the newest */
};

void *arena_alloc(struct arena *a, size_t n, size_t size); /* 64-byte aligned, not cleared */
void *arena_zero(struct arena *a, size_t n, size_t size);
void *arena_copy(struct arena *a, const void *bytes, size_t n, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

#endif
