/* base64.h - bytes as text (RFC 4648, section 4). */

#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/mem.h"

/* Adds the n bytes to b as base64, padded with '='. */
void base64_add(struct buffer *b, const void *bytes, size_t n);

#endif
