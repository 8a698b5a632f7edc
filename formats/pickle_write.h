/* pickle_write.h - a pickle of Python's, protocol 2: dictionaries, texts and whole numbers, put one
 * after the other into a buffer. Python's pickletools names the opcodes. */

#ifndef FORMATS_PICKLE_WRITE_H
#define FORMATS_PICKLE_WRITE_H

#include <stdint.h>

#include "base/mem.h"

void pickle_put_start(struct buffer *b);
/* Keys and values in turn stand between the two. */
void pickle_put_dict(struct buffer *b);
void pickle_put_dict_end(struct buffer *b);
/* UTF-8, below 4 GiB (asserted). */
void pickle_put_text(struct buffer *b, const char *text, size_t size);
void pickle_put_int(struct buffer *b, int32_t x);
void pickle_put_end(struct buffer *b);

#endif
