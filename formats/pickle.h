/* pickle.h - reads Python pickles as data; runs nothing.
 *
 * A pickle is a program for a small stack machine that can call any Python function. This reader
 * executes the opcodes that build dictionaries, lists, tuples, text, bytes, numbers, True, False
 * and None (protocols 2 to 5), and knows a fixed list of names, each with a fixed meaning:
 *
 * - collections.OrderedDict and defaultdict: a dictionary; default and attributes are dropped
 * - numpy.dtype and numpy.core.multiarray.scalar (numpy._core too): a number of the types f4 f8 i1
 *   i2 i4 i8 u1 u2 u4 u8 b1, little-endian
 * - _codecs.encode(text, 'latin1') and builtins.bytes(): bytes, as protocol 2 writes them
 * - builtins.list, dict, set, int, float: opaque, as the default of a defaultdict
 * - torch.FloatStorage and its kind: opaque
 * - torch._utils._rebuild_tensor_v2 and _rebuild_parameter: opaque calls with their arguments
 *
 * Any other name, and any other opcode, is an error that says which and where. Nothing is ever
 * looked up or called, so a hostile file can at worst be refused.
 *
 * Values may be shared (the memo) and, in a hostile file, contain themselves: walk them to a fixed
 * depth, never by open recursion. Format: CPython's Lib/pickletools.py and PEP 307, 3154, 574. */

#ifndef FORMATS_PICKLE_H
#define FORMATS_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum pickle_kind {
	PICKLE_NONE,
	PICKLE_BOOL,       /* integer is 0 or 1 */
	PICKLE_INT,        /* integer */
	PICKLE_FLOAT,      /* real */
	PICKLE_TEXT,       /* text: valid UTF-8, size bytes, no NUL behind it */
	PICKLE_BYTES,      /* text, size bytes */
	PICKLE_LIST,       /* items[size] */
	PICKLE_TUPLE,      /* items[size] */
	PICKLE_DICT,       /* items[2 * size]: key, value, key, value ... in the order written */
	PICKLE_GLOBAL,     /* text: a known name that is not called, "torch.FloatStorage" */
	PICKLE_CALL,       /* items[2]: the PICKLE_GLOBAL and the tuple of its arguments */
	PICKLE_PERSISTENT, /* items[1]: the persistent id, an object kept outside the pickle */
	PICKLE_DTYPE,      /* text: numpy's name of a number type, "f8" */
};

struct pickle_value {
	enum pickle_kind kind;
	uint32_t size;
	uint32_t room; /* private: items allocated */
	union {
		int64_t integer;
		double real;
		const char *text;
		struct pickle_value **items;
	};
};

struct pickle;

/* Reads the whole pickle in bytes[size] (at most 1 GiB; nothing may follow it). `name` stands in
 * messages: "token.pkl: byte 153: STACK_GLOBAL: ...". The values point into the bytes, which must
 * stay as long as the pickle. Memory: about 64 times the bytes at worst. NULL with *e set on
 * failure. */
struct pickle *pickle_read(const void *bytes, size_t size, const char *name, struct err *e);

/* The value that the pickle stands for. */
const struct pickle_value *pickle_root(const struct pickle *p);

/* Frees all values; NULL is allowed. */
void pickle_free(struct pickle *p);

/* Is v text (or a global's name) and equal to `text`? */
bool pickle_is(const struct pickle_value *v, const char *text);

/* The value of a text key in a dictionary, the last one where it is written twice; NULL where the
 * key is missing or v is no dictionary. Looks at every entry. */
const struct pickle_value *pickle_find(const struct pickle_value *v, const char *key);

/* "dictionary", "text", ...: what a value is, for messages. */
const char *pickle_kind_name(enum pickle_kind kind);

#endif
