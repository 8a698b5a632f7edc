/* json_file.h - JSON read by jansson, with this project's error messages.
 *
 * Errors name file, line and column. A repeated key is an error. Numbers and text are asked for
 * by key with a range, so that no value of a file is used unchecked. */

#ifndef FORMATS_JSON_FILE_H
#define FORMATS_JSON_FILE_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

#define JSON_FILE_LIMIT ((size_t)16 << 20)

/* Parses bytes[size], which must be one JSON object. NULL with *e set on failure. The caller
 * drops the reference (json_decref). */
json_t *json_bytes_read(const char *bytes, size_t size, const char *name, struct err *e);

/* Reads a file of at most JSON_FILE_LIMIT bytes that holds one JSON object. NULL on failure. */
json_t *json_file_read(const char *path, struct err *e);

/* The integer under `key`, from `low` to `high`; `otherwise` where the key is missing or null.
 * Sets *e where it is no such integer. `name` is the file's. */
long long json_integer_in(const json_t *object, const char *key, long long low, long long high,
    long long otherwise, const char *name, struct err *e);

/* The same for a number, finite. */
double json_number_in(const json_t *object, const char *key, double low, double high,
    double otherwise, const char *name, struct err *e);

/* The text under `key` (it lives as long as the object), or `otherwise`. */
const char *json_text(
    const json_t *object, const char *key, const char *otherwise, const char *name, struct err *e);

#endif
