/* arrow_message.h - the frames of a stream: prefix, metadata, body, and where they end.
 *
 * A message is FFFFFFFF, the length of its metadata, the metadata (a flatbuffer of type Message),
 * and a body of the length that it says. Streams from before Arrow 0.15 lack the FFFFFFFF. A length
 * of 0 ends the stream. In an Arrow file the same stream stands between "ARROW1\0\0" and a footer,
 * which is not looked into.
 *
 * Failures name the input and the message, with the bytes that came and those that were expected.
 */

#ifndef FORMATS_ARROW_MESSAGE_H
#define FORMATS_ARROW_MESSAGE_H

#include "base/io.h"
#include "formats/arrow_flatbuffer.h"

/* The number of each message in the union MessageHeader of Message.fbs. */
enum message_type {
	MESSAGE_SCHEMA = 1,
	MESSAGE_DICTIONARY,
	MESSAGE_BATCH,
	MESSAGE_TENSOR,
	MESSAGE_SPARSE_TENSOR
};

struct message {
	uint64_t number;         /* from 0 */
	uint64_t hash;           /* XXH64 of every byte before it */
	struct buffer frame;     /* prefix and metadata as they came */
	struct flat flat;        /* the metadata */
	struct flat_table table; /* Message */
	struct flat_table header;
	enum message_type type;
	uint64_t body_size;
	bool is_file; /* the stream lies in an Arrow file */
};

/* Reads the next frame; m is zero-initialised before the first. 1; 0 at the end marker; -1 on
 * failure: nothing there, no end marker, truncated, too long, damaged. */
int message_read(struct message *m, struct input *in, struct err *e);

/* Reads its body into *body (whose old bytes go). `place` names the message. -1 on failure. */
int message_read_body(const struct message *m, struct input *in, const char *place,
    struct buffer *body, struct err *e);

/* After the end marker: nothing follows, or in a file the footer. -1 on failure. */
int message_check_end(const struct message *m, struct input *in, struct err *e);

void message_free(struct message *m);

#endif
