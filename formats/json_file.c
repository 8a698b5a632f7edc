/* json_file.c - JSON files by jansson. See json_file.h. */

#include "formats/json_file.h"

#include <stdlib.h>

#include "base/io.h"

json_t *
json_bytes_read(const char *bytes, size_t size, const char *name, struct err *e)
{
	json_error_t problem;

	if (e->is_set)
		return NULL;
	json_t *root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &problem);
	if (!root) {
		err_set(e, "%s:%d:%d: %s", name, problem.line, problem.column, problem.text);
		return NULL;
	}
	if (!json_is_object(root)) {
		err_set(e, "%s: not a JSON object", name);
		json_decref(root);
		return NULL;
	}
	return root;
}

json_t *
json_file_read(const char *path, struct err *e)
{
	size_t size;
	char *bytes = io_read_file(path, JSON_FILE_LIMIT, &size, e);

	if (!bytes)
		return NULL;
	json_t *root = json_bytes_read(bytes, size, path, e);
	free(bytes);
	return root;
}

long long
json_integer_in(const json_t *object, const char *key, long long low, long long high,
    long long otherwise, const char *name, struct err *e)
{
	const json_t *v = json_object_get(object, key);

	if (!v || json_is_null(v))
		return otherwise;
	if (json_is_integer(v) && json_integer_value(v) >= low && json_integer_value(v) <= high)
		return json_integer_value(v);
	err_set(e, "%s: \"%s\" is not an integer from %lld to %lld", name, key, low, high);
	return otherwise;
}

double
json_number_in(const json_t *object, const char *key, double low, double high, double otherwise,
    const char *name, struct err *e)
{
	const json_t *v = json_object_get(object, key);

	if (!v || json_is_null(v))
		return otherwise;
	if (json_is_number(v) && json_number_value(v) >= low && json_number_value(v) <= high)
		return json_number_value(v);
	err_set(e, "%s: \"%s\" is not a number from %g to %g", name, key, low, high);
	return otherwise;
}

const char *
json_text(
    const json_t *object, const char *key, const char *otherwise, const char *name, struct err *e)
{
	const json_t *v = json_object_get(object, key);

	if (!v || json_is_null(v))
		return otherwise;
	if (json_is_string(v))
		return json_string_value(v);
	err_set(e, "%s: \"%s\" is not text", name, key);
	return otherwise;
}
