/* name_hint.h - what to say of a name that is not there: which one may be meant, and which there
 * are. */

#ifndef BASE_NAME_HINT_H
#define BASE_NAME_HINT_H

#include <stddef.h>

/* Writes "did you mean B? there are A, B, C" into text[size], as much as there is room for, the
 * question only where one name is near to `wanted` (a letter in three may be wrong, two at most,
 * case aside). Returns text. */
const char *name_hint(
    char *text, size_t size, const char *wanted, const char *const *names, size_t n);

#endif
