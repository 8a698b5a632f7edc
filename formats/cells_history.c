#include <string.h>

#include "formats/cells_history.h"

json_t *
cells_history_last(const struct schema *s, const char *program)
{
	const char *text = metadata_get(&s->metadata, "cells:history");
	json_t *history = text ? json_loads(text, 0, NULL) : NULL, *entry, *last = NULL;
	size_t i;

	json_array_foreach(history, i, entry)
	{
		const char *name = json_string_value(json_object_get(entry, "program"));

		if (name && strcmp(name, program) == 0)
			last = entry;
	}
	json_incref(last);
	json_decref(history);
	return last;
}
