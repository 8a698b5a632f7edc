/* See arrow.h.
 *
 * 1. Places, for messages
 * 2. Dictionaries
 * 3. Opening
 * 4. The closing batch and the end
 * 5. Batches */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "formats/arrow.h"
#include "formats/arrow_decode.h"
#include "formats/arrow_encode.h"
#include "formats/arrow_message.h"

static const char version_key[] = "cells:version", known_version[] = "1";

struct arrow_reader {
	struct input *in;
	struct schema *schema;
	struct wire *wires; /* [schema->n_fields], in the schema's arena */
	struct dictionaries dictionaries;
	struct decompressor *unpacker;
	struct message message;
	struct buffer body; /* of a message that is not a batch's */
	struct arena arena; /* of such a message */
	bool is_cells, is_ended;
	uint64_t rows, batches;
	char place[400]; /* of the message at hand */
};

/* 1. Places, for messages */

/* Puts the input and the place before the error that is set. -1. */
static int
fail_here(struct arrow_reader *r, struct err *e)
{
	return err_prefix(e, "%s: %s", input_name(r->in), r->place);
}

static void
place_message(struct arrow_reader *r)
{
	snprintf(r->place, sizeof(r->place), "message %" PRIu64, r->message.number);
}

static const char *
type_name(enum message_type type)
{
	switch (type) {
	case MESSAGE_SCHEMA:
		return "schema";
	case MESSAGE_DICTIONARY:
		return "dictionary";
	case MESSAGE_BATCH:
		return "record batch";
	case MESSAGE_TENSOR:
	case MESSAGE_SPARSE_TENSOR:
		return "tensor";
	}
	return "message of an unknown kind";
}

/* 2. Dictionaries */

/* Reads the body of the dictionary message at hand, and its values into the list. NULL on failure.
 */
static struct dictionary *
read_dictionary(struct arrow_reader *r, struct err *e)
{
	struct message *m = &r->message;
	int64_t id = flat_integer(&m->flat, &m->header, 0, 8, 0);
	bool is_delta = flat_integer(&m->flat, &m->header, 2, 1, 0) != 0;
	struct flat_table table = flat_child(&m->flat, &m->header, 1);
	struct dictionary *d = dictionaries_find(&r->dictionaries, id);
	struct array values;

	snprintf(r->place, sizeof(r->place), "dictionary %" PRId64, id);
	if (d)
		snprintf(r->place, sizeof(r->place), "dictionary of column %.300s", d->column);
	else
		err_set(e, "no column uses it");
	if (d && r->is_cells && (is_delta || d->is_loaded))
		err_set(e, "a stream of cells has one dictionary a column, that stays as it is");
	if (e->is_set) {
		fail_here(r, e);
		return NULL;
	}
	if (message_read_body(m, r->in, r->place, &r->body, e) < 0)
		return NULL;
	arena_reset(&r->arena);
	if (decode_dictionary(r->unpacker, &m->flat, &table, d, &r->body, &r->arena, &values, e) <
		0 ||
	    dictionary_load(d, &values, is_delta, e) < 0) {
		fail_here(r, e);
		return NULL;
	}
	return d;
}

/* The dictionaries of a stream of cells: one a field, right behind the schema. They become the
 * schema's. */
static int
read_own_dictionaries(struct arrow_reader *r, struct err *e)
{
	for (size_t i = 0; i < r->dictionaries.n; i++) {
		int got = message_read(&r->message, r->in, e);
		struct dictionary *d;

		if (got < 0)
			return -1;
		place_message(r);
		if (got == 0 || r->message.type != MESSAGE_DICTIONARY) {
			err_set(e, "%s where %zu of %zu dictionaries are still to come",
			    got ? type_name(r->message.type) : "end of the stream",
			    r->dictionaries.n - i, r->dictionaries.n);
			return fail_here(r, e);
		}
		d = read_dictionary(r, e);
		if (!d)
			return -1;
		if (d->n_nulls) {
			err_set(e, "it holds a null");
			return fail_here(r, e);
		}
		d->field->dictionary = dictionary_strings(d, &r->schema->arena);
	}
	return 0;
}

/* 3. Opening */

/* Our own streams hold the forms that arrow_write writes, and no others. */
static int
check_own_field(const struct field *f, const struct wire *w, struct err *e)
{
	if (w->form != WIRE_PLAIN)
		return err_set(e, "64-bit offsets or views in a stream of cells");
	if (w->has_dictionary &&
	    (f->type != TYPE_UTF8 || w->index_width != 32 || !w->index_is_signed))
		return err_set(e, "a dictionary in a stream of cells is dictionary<int32, utf8>");
	for (size_t i = 0; i < f->n_children; i++)
		if (check_own_field(&f->children[i], &w->children[i], e) < 0)
			return -1;
	return 0;
}

static int
check_own_schema(struct arrow_reader *r, const char *version, struct err *e)
{
	if (strcmp(version, known_version) != 0)
		return err_set(e,
		    "cells:version %s: written by a newer cellpipe (this one reads %s)", version,
		    known_version);
	if (r->dictionaries.n != r->dictionaries.n_fields)
		return err_set(e, "columns of a stream of cells share a dictionary");
	for (size_t i = 0; i < r->schema->n_fields; i++)
		if (check_own_field(&r->schema->fields[i], &r->wires[i], e) < 0)
			return err_prefix(e, "column %s", r->schema->fields[i].name);
	return 0;
}

/* Plain values come in place of the dictionary, whose order is then nowhere. */
static void
forget_order(struct field *f, const struct wire *w)
{
	if (w->has_dictionary)
		f->is_ordered = false;
	for (size_t i = 0; i < f->n_children; i++)
		forget_order(&f->children[i], &w->children[i]);
}

static int
parse_schema(struct arrow_reader *r, struct err *e)
{
	struct message *m = &r->message;
	const char *version;

	r->schema = arrow_schema_parse(&m->flat, &m->header, &r->wires, e);
	if (!r->schema || dictionaries_collect(&r->dictionaries, r->schema, r->wires, e) < 0)
		return -1;
	version = metadata_get(&r->schema->metadata, version_key);
	r->is_cells = version != NULL;
	if (r->is_cells)
		return check_own_schema(r, version, e);
	for (size_t i = 0; i < r->schema->n_fields; i++)
		forget_order(&r->schema->fields[i], &r->wires[i]);
	return 0;
}

static int
read_schema(struct arrow_reader *r, struct err *e)
{
	int got = message_read(&r->message, r->in, e);

	if (got < 0)
		return -1;
	snprintf(r->place, sizeof(r->place), "message 0");
	if (got == 0)
		err_set(e, "the stream ends before its schema");
	else if (r->message.type != MESSAGE_SCHEMA)
		err_set(
		    e, "the first message is not a schema but a %s", type_name(r->message.type));
	else if (r->message.body_size)
		err_set(e, "schema with a body");
	else {
		snprintf(r->place, sizeof(r->place), "schema");
		parse_schema(r, e);
	}
	return e->is_set ? fail_here(r, e) : 0;
}

struct arrow_reader *
arrow_open(struct input *in, struct err *e)
{
	struct arrow_reader *r;

	if (e->is_set) {
		input_close(in);
		return NULL;
	}
	r = mem_zero(1, sizeof(*r));
	r->in = in;
	r->unpacker = decompressor_new();
	if (read_schema(r, e) < 0 || (r->is_cells && read_own_dictionaries(r, e) < 0)) {
		arrow_close(r);
		return NULL;
	}
	return r;
}

const struct schema *
arrow_schema(const struct arrow_reader *r)
{
	return r->schema;
}

bool
arrow_is_cells(const struct arrow_reader *r)
{
	return r->is_cells;
}

uint64_t
arrow_rows(const struct arrow_reader *r)
{
	return r->rows;
}

uint64_t
arrow_batches(const struct arrow_reader *r)
{
	return r->batches;
}

const struct input *
arrow_input(const struct arrow_reader *r)
{
	return r->in;
}

uint64_t
arrow_size(const struct arrow_reader *r)
{
	return input_size(r->in);
}

uint64_t
arrow_offset(const struct arrow_reader *r)
{
	return input_offset(r->in);
}

const char *
arrow_name(const struct arrow_reader *r)
{
	return input_name(r->in);
}

void
arrow_close(struct arrow_reader *r)
{
	if (!r)
		return;
	input_close(r->in);
	dictionaries_free(&r->dictionaries);
	schema_free(r->schema);
	decompressor_free(r->unpacker);
	message_free(&r->message);
	buffer_free(&r->body);
	arena_free(&r->arena);
	free(r);
}

/* 4. The closing batch and the end */

static const char *
closing_value(const struct metadata *m, const char *key)
{
	const char *value = metadata_get(m, key);

	return value ? value : "nothing";
}

static bool
is_closing(const struct metadata *m)
{
	return metadata_get(m, "cells:rows") || metadata_get(m, "cells:batches") ||
	       metadata_get(m, "cells:xxh64");
}

/* Why a closing message is not the one that the writer writes. */
static int
explain_closing(const struct metadata *m, const struct closing *want, struct err *e)
{
	char rows[24], batches[24], hash[24];

	snprintf(rows, sizeof(rows), "%" PRIu64, want->rows);
	snprintf(batches, sizeof(batches), "%" PRIu64, want->batches);
	snprintf(hash, sizeof(hash), "%016" PRIx64, want->xxh64);
	if (strcmp(closing_value(m, "cells:rows"), rows) != 0)
		return err_set(
		    e, "%s rows came, it counts %s", rows, closing_value(m, "cells:rows"));
	if (strcmp(closing_value(m, "cells:batches"), batches) != 0)
		return err_set(
		    e, "%s batches came, it counts %s", batches, closing_value(m, "cells:batches"));
	if (strcmp(closing_value(m, "cells:xxh64"), hash) != 0)
		return err_set(e, "damaged: XXH64 of the stream is %s, it says %s", hash,
		    closing_value(m, "cells:xxh64"));
	return err_set(e, "damaged: its message is not as cellpipe writes it");
}

/* Whether the frame at hand and its body are the bytes that the writer would write here. */
static int
compare_closing(
    struct arrow_reader *r, const struct closing *want, bool *ret_is_same, struct err *e)
{
	struct buffer body = { 0 };
	struct encoded m = { 0 };

	encode_closing(&m, r->schema, want);
	encoded_add_body(&m, &body);
	*ret_is_same = m.frame.size == r->message.frame.size &&
		       memcmp(m.frame.data, r->message.frame.data, m.frame.size) == 0;
	if (*ret_is_same && message_read_body(&r->message, r->in, r->place, &r->body, e) == 0)
		*ret_is_same = body.size == 0 || memcmp(body.data, r->body.data, body.size) == 0;
	buffer_free(&body);
	encoded_free(&m);
	return e->is_set ? -1 : 0;
}

static int
check_closing(struct arrow_reader *r, const struct metadata *metadata, struct err *e)
{
	struct closing want = { r->rows, r->batches, r->message.hash };
	bool is_same;

	snprintf(r->place, sizeof(r->place), "closing batch");
	if (!r->is_cells) {
		err_set(e, "damaged: there is no cells:version in the schema");
		return fail_here(r, e);
	}
	if (compare_closing(r, &want, &is_same, e) < 0)
		return -1;
	if (!is_same) {
		explain_closing(metadata, &want, e);
		return fail_here(r, e);
	}
	return 0;
}

/* The end marker has been read. */
static int
check_end(struct arrow_reader *r, bool is_closed, struct err *e)
{
	r->is_ended = true;
	if (r->is_cells && !is_closed)
		return err_set(e,
		    "%s: truncated: the closing batch is missing after %" PRIu64
		    " rows (a program that "
		    "re-saves a stream of cells must drop the key cells:version)",
		    input_name(r->in), r->rows);
	return message_check_end(&r->message, r->in, e);
}

/* After the closing batch: the end marker and nothing else. */
static int
read_end(struct arrow_reader *r, struct err *e)
{
	int got = message_read(&r->message, r->in, e);

	if (got > 0)
		return err_set(e, "%s: message %" PRIu64 ": a %s after the closing batch",
		    input_name(r->in), r->message.number, type_name(r->message.type));
	return got < 0 ? -1 : check_end(r, true, e);
}

/* 5. Batches */

static int
read_batch(struct arrow_reader *r, struct batch *b, struct err *e)
{
	struct message *m = &r->message;

	snprintf(r->place, sizeof(r->place), "batch %" PRIu64, r->batches);
	arena_reset(&b->arena);
	b->body_offset = input_offset(r->in);
	if (message_read_body(m, r->in, r->place, &b->body, e) < 0)
		return -1;
	if (decode_batch(r->unpacker, &m->flat, &m->header, r->schema, r->wires, b, e) < 0)
		return fail_here(r, e);
	b->number = r->batches++;
	r->rows += b->rows;
	return b->rows > 0;
}

/* The record batch message at hand: 1 with rows, 0 without, -1 on failure or (is_ended) at the end.
 */
static int
take_batch(struct arrow_reader *r, struct batch *b, struct err *e)
{
	struct metadata metadata = { 0 };

	place_message(r);
	arena_reset(&r->arena);
	if (arrow_metadata_parse(&r->message.flat, &r->message.table, 4, &r->arena, &metadata, e) <
	    0)
		return fail_here(r, e);
	if (!is_closing(&metadata))
		return read_batch(r, b, e);
	return check_closing(r, &metadata, e) < 0 ? -1 : read_end(r, e);
}

int
arrow_read(struct arrow_reader *r, struct batch *b, struct err *e)
{
	int got = 0;

	while (!e->is_set && !r->is_ended && got == 0) {
		got = message_read(&r->message, r->in, e);
		if (got <= 0) {
			got = got < 0 ? -1 : check_end(r, false, e);
		} else if (r->message.type == MESSAGE_BATCH) {
			got = take_batch(r, b, e);
		} else if (r->message.type == MESSAGE_DICTIONARY && !r->is_cells) {
			got = read_dictionary(r, e) ? 0 : -1;
		} else {
			place_message(r);
			err_set(e, "a %s behind the schema%s", type_name(r->message.type),
			    r->message.type == MESSAGE_DICTIONARY
				? " and dictionaries of a stream of cells"
				: "");
			got = fail_here(r, e);
		}
	}
	return e->is_set ? -1 : got;
}
