/* fuzz_pickle.c - any bytes as a pickle: a value or an error. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "formats/pickle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads everything that a value points at, to a fixed depth, since it may contain itself, and a
 * fixed number of steps, since shared values multiply. */
static void
touch(const struct pickle_value *v, int depth, unsigned *sum, unsigned *steps)
{
	size_t n = 0;

	if (depth == 0 || *steps == 0)
		return;
	--*steps;
	switch (v->kind) {
	case PICKLE_TEXT:
	case PICKLE_BYTES:
	case PICKLE_GLOBAL:
	case PICKLE_DTYPE:
		for (size_t i = 0; i < v->size; i++)
			*sum += (unsigned char)v->text[i];
		break;
	case PICKLE_DICT:
		n = 2 * (size_t)v->size;
		break;
	case PICKLE_LIST:
	case PICKLE_TUPLE:
	case PICKLE_CALL:
	case PICKLE_PERSISTENT:
		n = v->size;
		break;
	default:
		*sum += (unsigned)v->integer;
	}
	for (size_t i = 0; i < n; i++)
		touch(v->items[i], depth - 1, sum, steps);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	unsigned sum = 0, steps = 100000;
	struct pickle *p = pickle_read(data, size, "fuzz", &e);

	if ((p == NULL) != e.is_set)
		abort();
	if (p) {
		touch(pickle_root(p), 8, &sum, &steps);
		pickle_find(pickle_root(p), "a");
	}
	pickle_free(p);
	return 0;
}
