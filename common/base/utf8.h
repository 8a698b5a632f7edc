/* utf8.h - is this text? */

#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* True where the n bytes are well-formed UTF-8 (Unicode 15, table 3-7: no overlong forms, no
 * surrogates, nothing above U+10FFFF). NUL bytes are characters like others. */
bool utf8_is_valid(const void *bytes, size_t n);

#endif
