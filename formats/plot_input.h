/* plot_input.h - a whole text in memory, from a file or from standard input. */

#ifndef FORMATS_PLOT_INPUT_H
#define FORMATS_PLOT_INPUT_H

#include "base/io.h"

/* Reads "-" or a file of at most `limit` bytes; a NUL follows them. NULL on failure. The caller
 * frees it. */
char *plot_input_read(const char *path, bool force, size_t limit, size_t *ret_size, struct err *e);

/* What messages call it: the path, or "stdin". */
const char *plot_input_name(const char *path);

#endif
