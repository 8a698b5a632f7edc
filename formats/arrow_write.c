/* See arrow.h. What the messages hold is arrow_encode's business; here is the order they come in.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "formats/arrow.h"
#include "formats/arrow_encode.h"

struct arrow_writer {
	struct output *out;
	const struct schema *schema;
	struct compressor *compressor; /* NULL: bodies are not compressed */
	struct encoded message;
	uint64_t rows, batches;
};

static int
write_body(struct arrow_writer *w, struct err *e)
{
	static const uint8_t zeros[8];
	const struct span *spans = (const struct span *)(const void *)w->message.spans.data;

	if (w->message.body.size)
		return output_write(w->out, w->message.body.data, w->message.body.size, e);
	for (size_t i = 0; i < w->message.spans.size / sizeof(*spans); i++) {
		output_write(w->out, spans[i].bytes, spans[i].size, e);
		output_write(w->out, zeros, (8 - spans[i].size % 8) % 8, e);
	}
	return e->is_set ? -1 : 0;
}

static int
write_message(struct arrow_writer *w, struct err *e)
{
	if (output_write(w->out, w->message.frame.data, w->message.frame.size, e) < 0)
		return -1;
	return write_body(w, e);
}

/* Whether what lies between two buffers of a body is what the writer puts there. */
static bool
is_padding(const uint8_t *bytes, size_t n)
{
	return n < 8 && memcmp(bytes, "\0\0\0\0\0\0\0", n) == 0;
}

/* Whether the body that was read is the one that was encoded: each buffer is there where it would
 * be written, and nothing else is. */
static bool
is_body(const struct encoded *m, const struct buffer *body)
{
	const struct span *spans = (const struct span *)(const void *)m->spans.data;
	size_t at = 0;

	if (m->body.size || body->size != m->body_size)
		return false;
	for (size_t i = 0; i < m->spans.size / sizeof(*spans); i++) {
		size_t end = at + spans[i].size;

		if (spans[i].size && spans[i].bytes != body->data + at)
			return false;
		at = (end + 7) / 8 * 8;
		if (!is_padding(body->data + end, at - end))
			return false;
	}
	return true;
}

struct visit {
	struct encoded message;
	struct buffer *out;
};

static void
add_message(struct visit *v)
{
	buffer_add(v->out, v->message.frame.data, v->message.frame.size);
	encoded_add_body(&v->message, v->out);
}

static int
add_dictionary(int64_t id, const struct strings *dictionary, void *context)
{
	struct visit *v = context;

	encode_dictionary(&v->message, id, dictionary);
	add_message(v);
	return 0;
}

void
arrow_head(const struct schema *s, struct buffer *out)
{
	struct visit v = { .out = out };

	encode_schema(&v.message, s);
	add_message(&v);
	encode_each_dictionary(s, add_dictionary, &v);
	encoded_free(&v.message);
}

struct arrow_writer *
arrow_continue(
    struct output *out, const struct schema *s, int level, uint64_t rows, uint64_t batches)
{
	struct arrow_writer *w = mem_zero(1, sizeof(*w));

	w->out = out;
	w->schema = s;
	w->compressor = level > 0 ? compressor_new(level) : NULL;
	w->rows = rows;
	w->batches = batches;
	return w;
}

struct arrow_writer *
arrow_create(struct output *out, const struct schema *s, int level, struct err *e)
{
	struct buffer head = { 0 };

	if (e->is_set)
		return NULL;
	arrow_head(s, &head);
	output_write(out, head.data, head.size, e);
	buffer_free(&head);
	return e->is_set ? NULL : arrow_continue(out, s, level, 0, 0);
}

/* A pipe's reader gets what there is: the next batch may take its time. */
static int
hand_over(struct arrow_writer *w, struct err *e)
{
	return output_is_file(w->out) ? 0 : output_flush(w->out, e);
}

/* Writes b, from `origin` where its body is to be passed on. */
static int
write_batch(
    struct arrow_writer *w, const struct arrow_reader *origin, const struct batch *b, struct err *e)
{
	const struct encoded *m = &w->message;

	if (e->is_set)
		return -1;
	if (b->rows == 0)
		return 0;
	encode_batch(&w->message, w->schema, b, w->compressor);
	output_write(w->out, m->frame.data, m->frame.size, e);
	if (origin && !w->compressor && is_body(m, &b->body))
		output_pass(
		    w->out, arrow_input(origin), b->body_offset, b->body.data, b->body.size, e);
	else
		write_body(w, e);
	if (e->is_set)
		return -1;
	w->rows += b->rows;
	w->batches++;
	return hand_over(w, e);
}

int
arrow_write(struct arrow_writer *w, const struct batch *b, struct err *e)
{
	return write_batch(w, NULL, b, e);
}

int
arrow_pass(
    struct arrow_writer *w, const struct arrow_reader *r, const struct batch *b, struct err *e)
{
	return write_batch(w, r, b, e);
}

int
arrow_finish(struct arrow_writer *w, struct err *e)
{
	static const uint8_t end[8] = { 0xff, 0xff, 0xff, 0xff };
	struct closing closing;
	bool is_cells;

	if (e->is_set)
		return -1;
	is_cells = metadata_get(&w->schema->metadata, "cells:version") != NULL;
	closing = (struct closing){ w->rows, w->batches, output_xxh64(w->out) };
	if (is_cells || w->batches == 0) {
		encode_closing(&w->message, w->schema, is_cells ? &closing : NULL);
		if (write_message(w, e) < 0)
			return -1;
	}
	if (output_write(w->out, end, sizeof(end), e) < 0)
		return -1;
	return hand_over(w, e);
}

uint64_t
arrow_written_rows(const struct arrow_writer *w)
{
	return w->rows;
}

void
arrow_writer_free(struct arrow_writer *w)
{
	if (!w)
		return;
	compressor_free(w->compressor);
	encoded_free(&w->message);
	free(w);
}
