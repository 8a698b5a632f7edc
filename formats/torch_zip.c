/* torch_zip.c - tensors of a torch.save archive. See torch_zip.h.
 *
 * The pickle of a tensor is
 *   _rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks)
 * with the storage as persistent id
 *   ('storage', torch.FloatStorage, key, location, count of elements)
 * and a parameter is _rebuild_parameter(tensor, requires_grad, hooks).
 *
 *   1. One tensor
 *   2. The dictionary
 *   3. The archive
 *   4. Open and close */

#include "formats/torch_zip.h"

#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "formats/pickle.h"
#include "formats/zip_map.h"

struct torch_zip {
	const char *name;
	char *path; /* NULL where the bytes are the caller's */
	struct io_map map;
	struct zip_map *zip;
	struct pickle *pickle;
	const char *prefix; /* "pytorch_model/", not NUL-terminated */
	size_t prefix_size;
	struct arena arena;            /* names */
	struct tensor *tensors;        /* [n], in the order of the dictionary */
	const struct tensor **by_name; /* [n] */
	size_t n;
};

/* 1. One tensor */

static const struct {
	const char *storage;
	enum tensor_type type;
} storages[] = {
	{ "torch.FloatStorage", TENSOR_F32 },
	{ "torch.HalfStorage", TENSOR_F16 },
	{ "torch.BFloat16Storage", TENSOR_BF16 },
	{ "torch.DoubleStorage", TENSOR_F64 },
	{ "torch.LongStorage", TENSOR_I64 },
	{ "torch.IntStorage", TENSOR_I32 },
	{ "torch.ShortStorage", TENSOR_I16 },
	{ "torch.CharStorage", TENSOR_I8 },
	{ "torch.ByteStorage", TENSOR_U8 },
	{ "torch.BoolStorage", TENSOR_BOOL },
};

static int
fail(const struct torch_zip *z, const struct tensor *t, const char *reason, struct err *e)
{
	return err_set(e, "%s: tensor %s: %s", z->name, t->name, reason);
}

static bool
is_size(const struct pickle_value *v)
{
	return v->kind == PICKLE_INT && v->integer >= 0;
}

/* The arguments of a call of this name, at least n of them; NULL where v is no such call. */
static struct pickle_value **
arguments(const struct pickle_value *v, const char *function, size_t n)
{
	if (v->kind != PICKLE_CALL || !pickle_is(v->items[0], function) || v->items[1]->size < n)
		return NULL;
	return v->items[1]->items;
}

/* The bytes of the storage that a persistent id names, and the type of its elements. */
static const struct zip_entry *
find_storage(struct torch_zip *z, struct tensor *t, const struct pickle_value *v, struct err *e)
{
	const struct pickle_value *id = v->kind == PICKLE_PERSISTENT ? v->items[0] : NULL;

	if (!id || id->kind != PICKLE_TUPLE || id->size < 5 ||
	    !pickle_is(id->items[0], "storage") || id->items[1]->kind != PICKLE_GLOBAL ||
	    id->items[2]->kind != PICKLE_TEXT || !is_size(id->items[4])) {
		fail(z, t, "its storage is not described as torch.save does", e);
		return NULL;
	}
	size_t i = 0, n = sizeof(storages) / sizeof(storages[0]);
	while (i < n && !pickle_is(id->items[1], storages[i].storage))
		i++;
	if (i == n) {
		err_set(e, "%s: tensor %s: %s is no storage", z->name, t->name, id->items[1]->text);
		return NULL;
	}
	t->type = storages[i].type;

	size_t key_size = id->items[2]->size, size;
	char *path = arena_alloc(&z->arena, z->prefix_size + 5 + key_size, 1);
	memcpy(path, z->prefix, z->prefix_size);
	memcpy(path + z->prefix_size, "data/", 5);
	memcpy(path + z->prefix_size + 5, id->items[2]->text, key_size);
	const struct zip_entry *entry =
	    zip_map_find(z->zip, path, z->prefix_size + 5 + key_size, e);
	if (!entry)
		return NULL;
	if (!mem_mul((size_t)id->items[4]->integer, tensor_type_size(t->type), &size) ||
	    size != entry->size) {
		err_set(e, "%s: tensor %s: its storage has %zu bytes, not %lld numbers of type %s",
		    z->name, t->name, entry->size, (long long)id->items[4]->integer,
		    tensor_type_name(t->type));
		return NULL;
	}
	return entry;
}

static int
read_shape(const struct torch_zip *z, struct tensor *t, const struct pickle_value *shape,
    const struct pickle_value *strides, struct err *e)
{
	if (shape->kind != PICKLE_TUPLE || strides->kind != PICKLE_TUPLE ||
	    shape->size != strides->size || shape->size > TENSOR_RANK_LIMIT)
		return fail(z, t, "its shape and strides are not two tuples of equal length", e);
	t->rank = shape->size;
	for (unsigned i = 0; i < t->rank; i++) {
		if (!is_size(shape->items[i]) || !is_size(strides->items[i]))
			return fail(z, t, "its shape or strides are not sizes", e);
		t->shape[i] = (size_t)shape->items[i]->integer;
	}
	if (!tensor_measure(t))
		return fail(z, t, "its shape is too large", e);
	/* Row-major: each stride is the product of the sizes behind it; of a single row it has no
	 * meaning. */
	size_t expected = 1;
	for (unsigned i = t->rank; i > 0 && t->count > 0; i--) {
		if (t->shape[i - 1] != 1 && (size_t)strides->items[i - 1]->integer != expected)
			return fail(
			    z, t, "is not stored row by row (call .contiguous() before saving)", e);
		expected *= t->shape[i - 1];
	}
	return 0;
}

static int
read_tensor(struct torch_zip *z, struct tensor *t, struct pickle_value **args, struct err *e)
{
	const struct zip_entry *storage = find_storage(z, t, args[0], e);
	size_t offset, end;

	if (!storage || read_shape(z, t, args[2], args[3], e) < 0)
		return -1;
	if (!is_size(args[1]) ||
	    !mem_mul((size_t)args[1]->integer, tensor_type_size(t->type), &offset) ||
	    !mem_add(offset, t->bytes, &end) || end > storage->size)
		return fail(z, t, "reaches beyond its storage", e);
	t->data = storage->bytes + offset;
	return 0;
}

/* 2. The dictionary */

static int
compare_names(const void *a, const void *b)
{
	return strcmp(
	    (*(const struct tensor *const *)a)->name, (*(const struct tensor *const *)b)->name);
}

static int
index_names(struct torch_zip *z, struct err *e)
{
	z->by_name = mem_alloc(z->n, sizeof(*z->by_name));
	for (size_t i = 0; i < z->n; i++)
		z->by_name[i] = &z->tensors[i];
	if (z->n > 0)
		qsort(z->by_name, z->n, sizeof(*z->by_name), compare_names);
	for (size_t i = 1; i < z->n; i++)
		if (!strcmp(z->by_name[i - 1]->name, z->by_name[i]->name))
			return err_set(
			    e, "%s: two tensors are called %s", z->name, z->by_name[i]->name);
	return 0;
}

/* One entry of the dictionary; what is no tensor is left out. */
static int
read_item(struct torch_zip *z, const struct pickle_value *key, const struct pickle_value *v,
    struct err *e)
{
	struct tensor t = { 0 };
	struct pickle_value **args = arguments(v, "torch._utils._rebuild_parameter", 1);

	if (args)
		v = args[0];
	args = arguments(v, "torch._utils._rebuild_tensor_v2", 4);
	if (!args)
		return 0;
	if (key->kind != PICKLE_TEXT || memchr(key->text, '\0', key->size))
		return err_set(e, "%s: data.pkl: a tensor has a name that is no text", z->name);
	char *name = arena_alloc(&z->arena, (size_t)key->size + 1, 1);
	memcpy(name, key->text, key->size);
	name[key->size] = '\0';
	t.name = name;
	if (read_tensor(z, &t, args, e) < 0)
		return -1;
	z->tensors[z->n++] = t;
	return 0;
}

static int
read_dictionary(struct torch_zip *z, struct err *e)
{
	const struct pickle_value *root = pickle_root(z->pickle);

	if (root->kind != PICKLE_DICT)
		return err_set(e, "%s: data.pkl: holds %s, not a dictionary of tensors", z->name,
		    pickle_kind_name(root->kind));
	z->tensors = mem_alloc(root->size, sizeof(*z->tensors));
	for (uint32_t i = 0; i < root->size; i++)
		if (read_item(z, root->items[2 * i], root->items[2 * i + 1], e) < 0)
			return -1;
	if (z->n == 0)
		return err_set(e, "%s: data.pkl: holds no tensors", z->name);
	return index_names(z, e);
}

/* 3. The archive */

/* Finds NAME/data.pkl, and with it the prefix of all other entries. */
static const struct zip_entry *
find_pickle(struct torch_zip *z, struct err *e)
{
	static const char suffix[] = "/data.pkl";
	const size_t suffix_size = sizeof(suffix) - 1;
	size_t n;
	const struct zip_entry *entries = zip_map_entries(z->zip, &n);

	for (size_t i = 0; i < n; i++) {
		const struct zip_entry *x = &entries[i];
		if (x->name_size <= suffix_size)
			continue;
		size_t prefix_size = x->name_size - suffix_size;
		if (memcmp(x->name + prefix_size, suffix, suffix_size) != 0 ||
		    memchr(x->name, '/', prefix_size))
			continue;
		z->prefix = x->name;
		z->prefix_size = prefix_size + 1;
		return zip_map_find(z->zip, x->name, x->name_size, e);
	}
	err_set(e, "%s: no data.pkl in this zip archive: not written by torch.save", z->name);
	return NULL;
}

static int
check_byte_order(struct torch_zip *z, struct err *e)
{
	char *path = arena_alloc(&z->arena, z->prefix_size + 9, 1);

	memcpy(path, z->prefix, z->prefix_size);
	memcpy(path + z->prefix_size, "byteorder", 9);
	const struct zip_entry *x = zip_map_find_optional(z->zip, path, z->prefix_size + 9, e);
	if (x && (x->size != 6 || memcmp(x->bytes, "little", 6) != 0))
		return err_set(e, "%s: its numbers are not little-endian", z->name);
	return e->is_set ? -1 : 0;
}

static int
read_archive(struct torch_zip *z, const uint8_t *bytes, size_t size, struct err *e)
{
	if (size >= 2 && bytes[0] == 0x80)
		return err_set(e,
		    "%s: written by torch before 1.6, or with its old format (not a zip archive); "
		    "load it with torch and save it again",
		    z->name);
	if (size < 4 || memcmp(bytes, "PK", 2) != 0)
		return err_set(e, "%s: not a file of torch.save (no zip archive)", z->name);
	z->zip = zip_map_open(bytes, size, z->name, e);
	const struct zip_entry *x = z->zip ? find_pickle(z, e) : NULL;
	if (!x || check_byte_order(z, e) < 0)
		return -1;
	char *name = arena_printf(&z->arena, "%s: data.pkl", z->name);
	z->pickle = pickle_read(x->bytes, x->size, name, e);
	return z->pickle ? read_dictionary(z, e) : -1;
}

/* 4. Open and close */

struct torch_zip *
torch_zip_open_memory(const void *bytes, size_t size, const char *name, struct err *e)
{
	if (e->is_set)
		return NULL;
	struct torch_zip *z = mem_zero(1, sizeof(*z));
	z->name = name;
	if (read_archive(z, bytes, size, e) == 0)
		return z;
	torch_zip_close(z);
	return NULL;
}

struct torch_zip *
torch_zip_open(const char *path, struct err *e)
{
	struct io_map map;

	if (e->is_set || io_map_open(&map, path, e) < 0)
		return NULL;
	struct torch_zip *z = torch_zip_open_memory(map.bytes, map.size, path, e);
	if (!z) {
		io_map_close(&map);
		return NULL;
	}
	z->map = map;
	z->path = mem_strdup(path);
	z->name = z->path;
	return z;
}

void
torch_zip_close(struct torch_zip *z)
{
	if (!z)
		return;
	pickle_free(z->pickle);
	zip_map_close(z->zip);
	if (z->path)
		io_map_close(&z->map);
	arena_free(&z->arena);
	free(z->path);
	free(z->tensors);
	free(z->by_name);
	free(z);
}

const struct tensor *
torch_zip_tensors(const struct torch_zip *z, size_t *ret_n)
{
	*ret_n = z->n;
	return z->tensors;
}

const struct tensor *
torch_zip_find(const struct torch_zip *z, const char *name)
{
	const struct tensor key = { .name = name }, *p = &key;
	const struct tensor **found =
	    bsearch(&p, z->by_name, z->n, sizeof(*z->by_name), compare_names);

	return found ? *found : NULL;
}
