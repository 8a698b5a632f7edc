/* cells_history.h - what the history of a stream says of a program that made it. */

#ifndef FORMATS_CELLS_HISTORY_H
#define FORMATS_CELLS_HISTORY_H

#include <jansson.h>

#include "cell/schema.h"

/* The last entry of the program in cells:history: {"program", "version", "options": {...}, and its
 * notes}. The caller's (json_decref); NULL where there is none, or no history. */
json_t *cells_history_last(const struct schema *s, const char *program);

#endif
