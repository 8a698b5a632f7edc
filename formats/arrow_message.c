#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "formats/arrow_message.h"

enum { MAX_METADATA = 64 << 20, STEP = 1 << 20, CONTINUATION = -1 };
enum { VERSION_V4 = 3, VERSION_V5 = 4 };

/* Appends up to n bytes, in steps that grow with what came, so that a false length asks for no
 * memory. How many came, or -1. */
static ptrdiff_t
read_growing(struct input *in, struct buffer *b, uint64_t n, struct err *e)
{
	uint64_t got = 0;

	while (got < n) {
		uint64_t most = got > STEP ? got : STEP;
		size_t step = (size_t)(n - got < most ? n - got : most);
		void *place = buffer_grow(b, step);
		ptrdiff_t r = input_read(in, place, step, e);

		if (r < 0)
			return -1;
		b->size -= step - (size_t)r;
		got += (uint64_t)r;
		if ((size_t)r < step)
			break;
	}
	return (ptrdiff_t)got;
}

static int
truncated(const struct input *in, const char *place, const char *part, uint64_t got,
    uint64_t expected, struct err *e)
{
	return err_set(e, "%s: %s: truncated %s (%" PRIu64 " of %" PRIu64 " bytes)", input_name(in),
	    place, part, got, expected);
}

/* "message 7" */
static const char *
message_place(const struct message *m, char place[40])
{
	snprintf(place, 40, "message %" PRIu64, m->number);
	return place;
}

/* The four bytes more of a prefix. -1 on failure. */
static int
read_word(struct message *m, struct input *in, struct err *e)
{
	size_t before = m->frame.size;
	ptrdiff_t r = read_growing(in, &m->frame, 4, e);
	char place[40];

	if (r < 0)
		return -1;
	if (before + (size_t)r == 0 && m->number == 0 && !m->is_file)
		return err_set(e, "%s: empty input, not an Arrow stream", input_name(in));
	if (before + (size_t)r == 0 && m->number)
		return err_set(e, "%s: truncated: no end-of-stream marker after message %" PRIu64,
		    input_name(in), m->number - 1);
	if (r < 4)
		return truncated(
		    in, message_place(m, place), "prefix", before + (size_t)r, before + 4, e);
	return 0;
}

/* What begins like something else deserves to be named. */
static int
not_a_stream(const struct input *in, uint32_t word, struct err *e)
{
	static const struct {
		char magic[5];
		const char *what;
	} others[] = {
		{ "\x89HDF", "an HDF5 file (h5ad2cells reads .h5ad), " },
		{ "PAR1", "a Parquet file, " },
		{ "FEA1", "a Feather V1 file, " },
		{ "PK\3\4", "a zip file, " },
	};
	const char *what = (word & 0xffff) == 0x8b1f ? "gzip data, " : "";

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (word == le32(others[i].magic))
			what = others[i].what;
	return err_set(e, "%s: %snot an Arrow stream", input_name(in), what);
}

/* "ARROW1" and two bytes of padding before the first message. */
static int
skip_magic(struct message *m, struct input *in, struct err *e)
{
	if (m->number || m->is_file || memcmp(m->frame.data, "ARRO", 4) != 0)
		return 0;
	if (read_word(m, in, e) < 0)
		return -1;
	if (memcmp(m->frame.data, "ARROW1\0", 8) != 0)
		return err_set(e, "%s: not an Arrow stream", input_name(in));
	m->is_file = true;
	m->frame.size = 0;
	return read_word(m, in, e);
}

static int
parse(struct message *m, const struct input *in, size_t prefix, struct err *e)
{
	struct flat *f = &m->flat;
	int64_t version, body;
	char place[40];

	*f = (struct flat){ m->frame.data + prefix, m->frame.size - prefix, false };
	m->table = flat_root(f);
	version = flat_integer(f, &m->table, 0, 2, 0);
	m->type = (enum message_type)flat_integer(f, &m->table, 1, 1, 0);
	m->header = flat_child(f, &m->table, 2);
	body = flat_integer(f, &m->table, 3, 8, 0);
	message_place(m, place);
	if (f->is_bad || !m->table.at || !m->header.at)
		return err_set(e, "%s: %s: damaged metadata", input_name(in), place);
	if (version != VERSION_V4 && version != VERSION_V5)
		return err_set(e, "%s: %s: metadata version V%" PRId64 " (V4 and V5 are read)",
		    input_name(in), place, version + 1);
	if (body < 0)
		return err_set(e, "%s: %s: body of %" PRId64 " bytes", input_name(in), place, body);
	m->body_size = (uint64_t)body;
	return 1;
}

int
message_read(struct message *m, struct input *in, struct err *e)
{
	size_t prefix = 4;
	ptrdiff_t got;
	uint32_t word;
	char place[40];

	if (m->frame.size)
		m->number++;
	m->frame.size = 0;
	m->hash = input_xxh64(in);
	if (read_word(m, in, e) < 0 || skip_magic(m, in, e) < 0)
		return -1;
	word = le32(m->frame.data);
	if (word == (uint32_t)CONTINUATION) {
		if (read_word(m, in, e) < 0)
			return -1;
		prefix = 8;
		word = le32(m->frame.data + 4);
	}
	if (word == 0)
		return 0;
	if (word > MAX_METADATA && prefix == 4 && m->number == 0)
		return not_a_stream(in, word, e);
	if (word > MAX_METADATA)
		return err_set(e, "%s: %s: metadata of %" PRIu32 " bytes (at most %d)",
		    input_name(in), message_place(m, place), word, (int)MAX_METADATA);
	got = read_growing(in, &m->frame, word, e);
	if (got >= 0 && (size_t)got < word)
		return truncated(in, message_place(m, place), "metadata", (size_t)got, word, e);
	return got < 0 ? -1 : parse(m, in, prefix, e);
}

int
message_read_body(const struct message *m, struct input *in, const char *place, struct buffer *body,
    struct err *e)
{
	uint64_t size = input_size(in), at = input_offset(in);
	ptrdiff_t got;

	body->size = 0;
	if (size > at && m->body_size > size - at)
		return truncated(in, place, "body", size - at, m->body_size, e);
	if (size > at) { /* all of it is there: no need to grow in steps */
		buffer_grow(body, (size_t)m->body_size);
		body->size = 0;
	}
	got = read_growing(in, body, m->body_size, e);
	if (got >= 0 && (uint64_t)got < m->body_size)
		return truncated(in, place, "body", (uint64_t)got, m->body_size, e);
	return got < 0 ? -1 : 0;
}

static int
check_footer(const struct input *in, const struct buffer *rest, struct err *e)
{
	const uint8_t *last = rest->data + rest->size - 10;

	if (rest->size < 10 || memcmp(last + 4, "ARROW1", 6) != 0 || le32(last) != rest->size - 10)
		return err_set(e,
		    "%s: truncated: the footer of an Arrow file is missing or damaged",
		    input_name(in));
	return 0;
}

int
message_check_end(const struct message *m, struct input *in, struct err *e)
{
	struct buffer rest = { 0 };
	ptrdiff_t got = read_growing(in, &rest, m->is_file ? MAX_METADATA : 1, e);
	int r = got < 0 ? -1 : 0;

	if (r == 0 && m->is_file)
		r = check_footer(in, &rest, e);
	else if (r == 0 && got > 0)
		r = err_set(e, "%s: bytes after the end of the stream (at %" PRIu64 ")",
		    input_name(in), input_offset(in) - 1);
	buffer_free(&rest);
	return r;
}

void
message_free(struct message *m)
{
	buffer_free(&m->frame);
}
