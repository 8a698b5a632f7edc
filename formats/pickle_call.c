/* pickle_call.c - the names that the pickle reader knows. See pickle.h for the list. */

#include "formats/pickle_machine.h"

#include <string.h>

#include "base/bytes.h"

typedef const char *call_function(struct arena *a, struct pickle_value *function,
    struct pickle_value *args, struct pickle_value *ret);

static call_function call_dict, call_bytes, call_encode, call_dtype, call_scalar, call_opaque;

/* Without a function: a name that may stand as a value but is never called. */
static const struct known {
	const char *name;
	call_function *call;
} known[] = {
	{ "collections.OrderedDict", call_dict },
	{ "collections.defaultdict", call_dict },
	{ "numpy.core.multiarray.scalar", call_scalar },
	{ "numpy._core.multiarray.scalar", call_scalar },
	{ "numpy.dtype", call_dtype },
	{ "_codecs.encode", call_encode },
	{ "builtins.bytes", call_bytes },
	{ "__builtin__.bytes", call_bytes },
	{ "builtins.list", NULL },
	{ "builtins.dict", NULL },
	{ "builtins.set", NULL },
	{ "builtins.int", NULL },
	{ "builtins.float", NULL },
	{ "__builtin__.list", NULL },
	{ "__builtin__.dict", NULL },
	{ "__builtin__.set", NULL },
	{ "__builtin__.int", NULL },
	{ "__builtin__.float", NULL },
	{ "torch._utils._rebuild_tensor_v2", call_opaque },
	{ "torch._utils._rebuild_parameter", call_opaque },
	{ "torch.FloatStorage", NULL },
	{ "torch.HalfStorage", NULL },
	{ "torch.BFloat16Storage", NULL },
	{ "torch.DoubleStorage", NULL },
	{ "torch.LongStorage", NULL },
	{ "torch.IntStorage", NULL },
	{ "torch.ShortStorage", NULL },
	{ "torch.CharStorage", NULL },
	{ "torch.ByteStorage", NULL },
	{ "torch.BoolStorage", NULL },
};

static const struct known *
known_find(const char *module, size_t module_size, const char *name, size_t name_size)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const char *k = known[i].name;
		if (strlen(k) == module_size + 1 + name_size && !memcmp(k, module, module_size) &&
		    k[module_size] == '.' && !memcmp(k + module_size + 1, name, name_size))
			return &known[i];
	}
	return NULL;
}

const char *
pickle_global_name(const char *module, size_t module_size, const char *name, size_t name_size)
{
	const struct known *k = known_find(module, module_size, name, name_size);
	return k ? k->name : NULL;
}

const char *
pickle_call(struct arena *a, struct pickle_value *function, struct pickle_value *args,
    struct pickle_value *ret)
{
	if (function->kind != PICKLE_GLOBAL)
		return "what is called is not a function";
	if (args->kind != PICKLE_TUPLE)
		return "the arguments are not a tuple";
	/* A global's text is one of the constants above, so the pointer identifies it. */
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].name == function->text && known[i].call)
			return known[i].call(a, function, args, ret);
	return "this type is never called";
}

/* OrderedDict() and defaultdict(type): filled by SETITEMS afterwards. */
static const char *
call_dict(struct arena *a, struct pickle_value *function, struct pickle_value *args,
    struct pickle_value *ret)
{
	(void)a;
	bool has_default = args->size == 1 && args->items[0]->kind == PICKLE_GLOBAL &&
			   pickle_is(function, "collections.defaultdict");
	if (args->size != 0 && !has_default)
		return "a dictionary type is called with arguments that are not known";
	*ret = (struct pickle_value){ .kind = PICKLE_DICT };
	return NULL;
}

static const char *
call_bytes(struct arena *a, struct pickle_value *function, struct pickle_value *args,
    struct pickle_value *ret)
{
	(void)a;
	(void)function;
	if (args->size != 0)
		return "bytes() has arguments";
	*ret = (struct pickle_value){ .kind = PICKLE_BYTES, .text = "" };
	return NULL;
}

/* encode(text, 'latin1'): one byte a character; all characters are below U+0100. */
static const char *
call_encode(struct arena *a, struct pickle_value *function, struct pickle_value *args,
    struct pickle_value *ret)
{
	(void)function;
	if (args->size != 2 || args->items[0]->kind != PICKLE_TEXT ||
	    !pickle_is(args->items[1], "latin1"))
		return "not (text, 'latin1')";
	const unsigned char *in = (const unsigned char *)args->items[0]->text;
	size_t size = args->items[0]->size, n = 0;
	unsigned char *out = arena_alloc(a, size + 1, 1);
	for (size_t i = 0; i < size; i++) {
		if (in[i] < 0x80) {
			out[n++] = in[i];
			continue;
		}
		/* C2 xx and C3 xx are U+0080 .. U+00FF; the text is valid UTF-8. */
		if (in[i] > 0xC3)
			return "a character above U+00FF in latin1 text";
		out[n++] = (unsigned char)((in[i] & 3) << 6 | (in[i + 1] & 0x3F));
		i++;
	}
	*ret = (struct pickle_value){
		.kind = PICKLE_BYTES, .text = (const char *)out, .size = (uint32_t)n
	};
	return NULL;
}

/* dtype('f8', False, True) */
static const char *
call_dtype(struct arena *a, struct pickle_value *function, struct pickle_value *args,
    struct pickle_value *ret)
{
	static const char *const types[] = { "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4",
		"u8", "b1" };

	(void)a;
	(void)function;
	if (args->size < 1)
		return "dtype() without a type";
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (pickle_is(args->items[0], types[i])) {
			*ret = (struct pickle_value){
				.kind = PICKLE_DTYPE, .text = types[i], .size = 2
			};
			return NULL;
		}
	return "a numpy type other than f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1";
}

static int64_t
integer_of(bool is_signed, size_t size, const char *bytes)
{
	uint64_t u = 0;

	memcpy(&u, bytes, size);
	if (is_signed && size < 8 && u >> (8 * size - 1))
		u |= ~(uint64_t)0 << (8 * size);
	return (int64_t)u;
}

/* scalar(dtype, bytes) */
static const char *
call_scalar(struct arena *a, struct pickle_value *function, struct pickle_value *args,
    struct pickle_value *ret)
{
	(void)a;
	(void)function;
	if (args->size != 2 || args->items[0]->kind != PICKLE_DTYPE ||
	    args->items[1]->kind != PICKLE_BYTES)
		return "not (dtype, bytes)";
	char type = args->items[0]->text[0];
	size_t size = (size_t)(args->items[0]->text[1] - '0');
	const char *bytes = args->items[1]->text;
	if (args->items[1]->size != size)
		return "a number has the wrong count of bytes";
	if (type == 'f') {
		*ret = (struct pickle_value){ .kind = PICKLE_FLOAT };
		ret->real = size == 8 ? le_f64(bytes) : (double)le_f32(bytes);
		return NULL;
	}
	*ret = (struct pickle_value){ .kind = type == 'b' ? PICKLE_BOOL : PICKLE_INT };
	ret->integer = integer_of(type == 'i', size, bytes);
	if (type == 'b' && ret->integer > 1)
		return "a truth value that is neither 0 nor 1";
	if (type == 'u' && ret->integer < 0)
		return "an integer above 2^63";
	return NULL;
}

static const char *
call_opaque(struct arena *a, struct pickle_value *function, struct pickle_value *args,
    struct pickle_value *ret)
{
	*ret = (struct pickle_value){ .kind = PICKLE_CALL, .size = 2 };
	ret->items = arena_alloc(a, 2, sizeof(*ret->items));
	ret->items[0] = function;
	ret->items[1] = args;
	return NULL;
}

/* A dtype's state is (version, byte order, None, None, None, -1, -1, 0). A dictionary's state is
 * its attributes (torch keeps `_metadata` of a state dictionary there); they are not needed. */
const char *
pickle_build(const struct pickle_value *object, const struct pickle_value *state)
{
	if (object->kind == PICKLE_DICT)
		return state->kind == PICKLE_DICT ? NULL : "the attributes are not a dictionary";
	if (object->kind != PICKLE_DTYPE)
		return "a state for something that has none";
	if (state->kind != PICKLE_TUPLE || state->size < 2)
		return "the state of a numpy type is not a tuple";
	const struct pickle_value *order = state->items[1];
	bool is_byte = object->text[1] == '1';
	if (!pickle_is(order, "<") && !(is_byte && pickle_is(order, "|")))
		return "numbers that are not little-endian";
	return NULL;
}
