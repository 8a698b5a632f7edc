/* safetensors.c - reads and writes safetensors files. See safetensors.h.
 *
 *   1. The header
 *   2. Open and close
 *   3. Writing */

#include "formats/safetensors.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/io.h"
#include "base/mem.h"
#include "formats/json_file.h"

#define HEADER_LIMIT JSON_FILE_LIMIT

struct safetensors {
	const char *name;
	char *path; /* NULL where the bytes are the caller's */
	struct io_map map;
	json_t *header;                /* owns all names and texts */
	struct tensor *tensors;        /* [n], by offset */
	const struct tensor **by_name; /* [n] */
	size_t n;
};

/* 1. The header */

/* What the file says of one tensor while the offsets are not yet checked. */
struct extent {
	uint64_t begin;
	uint64_t end;
	struct tensor tensor;
};

static int
read_type(const char *file, const char *name, const json_t *v, enum tensor_type *ret, struct err *e)
{
	const char *text = json_string_value(v);

	if (!text)
		return err_set(e, "%s: tensor %s: \"dtype\" is not a text", file, name);
	for (unsigned i = 0; i < TENSOR_TYPES; i++)
		if (!strcmp(text, tensor_type_name(i))) {
			*ret = i;
			return 0;
		}
	return err_set(e, "%s: tensor %s: unknown type %.40s", file, name, text);
}

static int
read_shape(const char *file, const json_t *v, struct tensor *t, struct err *e)
{
	if (!json_is_array(v) || json_array_size(v) > TENSOR_RANK_LIMIT)
		return err_set(e, "%s: tensor %s: \"shape\" is not a list of at most %d sizes",
		    file, t->name, TENSOR_RANK_LIMIT);
	t->rank = (unsigned)json_array_size(v);
	for (unsigned i = 0; i < t->rank; i++) {
		const json_t *size = json_array_get(v, i);
		if (!json_is_integer(size) || json_integer_value(size) < 0)
			return err_set(e,
			    "%s: tensor %s: \"shape\" has an entry that is not a size", file,
			    t->name);
		t->shape[i] = (size_t)json_integer_value(size);
	}
	if (!tensor_measure(t))
		return err_set(e, "%s: tensor %s: its shape is too large", file, t->name);
	return 0;
}

static int
read_offsets(const char *file, const json_t *v, struct extent *x, struct err *e)
{
	const json_t *begin = json_array_get(v, 0), *end = json_array_get(v, 1);

	if (json_array_size(v) != 2 || !json_is_integer(begin) || !json_is_integer(end) ||
	    json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin))
		return err_set(e, "%s: tensor %s: \"data_offsets\" are not [begin, end]", file,
		    x->tensor.name);
	x->begin = (uint64_t)json_integer_value(begin);
	x->end = (uint64_t)json_integer_value(end);
	if (x->end - x->begin != x->tensor.bytes) {
		char shape[TENSOR_SHAPE_TEXT];
		return err_set(e, "%s: tensor %s: %llu bytes where %s %s has %zu", file,
		    x->tensor.name, (unsigned long long)(x->end - x->begin),
		    tensor_type_name(x->tensor.type),
		    tensor_shape_text(x->tensor.rank, x->tensor.shape, shape), x->tensor.bytes);
	}
	return 0;
}

static int
read_extent(const char *file, const char *name, const json_t *v, struct extent *x, struct err *e)
{
	x->tensor.name = name;
	if (!json_is_object(v))
		return err_set(e, "%s: tensor %s: not described by an object", file, name);
	if (read_type(file, name, json_object_get(v, "dtype"), &x->tensor.type, e) ||
	    read_shape(file, json_object_get(v, "shape"), &x->tensor, e))
		return -1;
	return read_offsets(file, json_object_get(v, "data_offsets"), x, e);
}

static int
compare_extents(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	return strcmp(x->tensor.name, y->tensor.name);
}

/* The sorted extents must follow one another from 0 to the end of the data. */
static int
check_cover(const char *file, const struct extent *x, size_t n, size_t data_size, struct err *e)
{
	uint64_t at = 0;

	for (size_t i = 0; i < n; i++) {
		if (x[i].begin != at)
			return err_set(e, "%s: tensor %s: begins at byte %llu of the data, %s %llu",
			    file, x[i].tensor.name, (unsigned long long)x[i].begin,
			    x[i].begin < at ? "inside the tensor before it that ends at"
					    : "but the tensor before it ends at",
			    (unsigned long long)at);
		at = x[i].end;
	}
	if (at > data_size)
		return err_set(e, "%s: truncated (%zu bytes of data of %llu)", file, data_size,
		    (unsigned long long)at);
	if (at < data_size)
		return err_set(e, "%s: %llu bytes behind the last tensor", file,
		    (unsigned long long)(data_size - at));
	return 0;
}

static int
check_metadata(const char *file, const json_t *metadata, struct err *e)
{
	const char *key;
	json_t *v;

	if (metadata && !json_is_object(metadata))
		return err_set(e, "%s: \"__metadata__\" is not an object", file);
	json_object_foreach((json_t *)metadata, key, v)
	{
		if (!json_is_string(v))
			return err_set(e, "%s: \"__metadata__\": %.100s is not a text", file, key);
	}
	return 0;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(
	    (*(const struct tensor *const *)a)->name, (*(const struct tensor *const *)b)->name);
}

static void
keep_tensors(struct safetensors *s, const struct extent *x, size_t n, const uint8_t *data)
{
	s->n = n;
	s->tensors = mem_alloc(n, sizeof(*s->tensors));
	s->by_name = mem_alloc(n, sizeof(*s->by_name));
	for (size_t i = 0; i < n; i++) {
		s->tensors[i] = x[i].tensor;
		s->tensors[i].data = data + x[i].begin;
		s->by_name[i] = &s->tensors[i];
	}
	qsort(s->by_name, n, sizeof(*s->by_name), compare_names);
}

static int
read_tensors(struct safetensors *s, const uint8_t *data, size_t data_size, struct err *e)
{
	struct extent *x = mem_zero(json_object_size(s->header), sizeof(*x));
	const char *name;
	json_t *v;
	size_t n = 0;
	int r = check_metadata(s->name, json_object_get(s->header, "__metadata__"), e);

	json_object_foreach(s->header, name, v)
	{
		if (r == 0 && strcmp(name, "__metadata__") != 0)
			r = read_extent(s->name, name, v, &x[n++], e);
	}
	if (n > 0)
		qsort(x, n, sizeof(*x), compare_extents);
	if (r == 0)
		r = check_cover(s->name, x, n, data_size, e);
	if (r == 0)
		keep_tensors(s, x, n, data);
	free(x);
	return r;
}

static int
read_header(struct safetensors *s, const uint8_t *bytes, size_t size, struct err *e)
{
	if (size < 8)
		return err_set(
		    e, "%s: truncated (%zu bytes are no safetensors file)", s->name, size);
	uint64_t n = le64(bytes);
	if (n > HEADER_LIMIT)
		return err_set(e, "%s: not a safetensors file (its header would have %llu bytes)",
		    s->name, (unsigned long long)n);
	if (n > size - 8)
		return err_set(e, "%s: truncated (%zu of %llu bytes of the header)", s->name,
		    size - 8, (unsigned long long)n);
	s->header = json_bytes_read((const char *)bytes + 8, (size_t)n, s->name, e);
	if (!s->header)
		return -1;
	return read_tensors(s, bytes + 8 + n, size - 8 - (size_t)n, e);
}

/* 2. Open and close */

struct safetensors *
safetensors_open_memory(const void *bytes, size_t size, const char *name, struct err *e)
{
	if (e->is_set)
		return NULL;
	struct safetensors *s = mem_zero(1, sizeof(*s));
	s->name = name;
	if (read_header(s, bytes, size, e) == 0)
		return s;
	safetensors_close(s);
	return NULL;
}

struct safetensors *
safetensors_open(const char *path, struct err *e)
{
	struct io_map map;

	if (e->is_set || io_map_open(&map, path, e) < 0)
		return NULL;
	struct safetensors *s = safetensors_open_memory(map.bytes, map.size, path, e);
	if (!s) {
		io_map_close(&map);
		return NULL;
	}
	s->map = map;
	s->path = mem_strdup(path);
	s->name = s->path;
	return s;
}

void
safetensors_close(struct safetensors *s)
{
	if (!s)
		return;
	if (s->path)
		io_map_close(&s->map);
	json_decref(s->header);
	free(s->path);
	free(s->tensors);
	free(s->by_name);
	free(s);
}

const struct tensor *
safetensors_tensors(const struct safetensors *s, size_t *ret_n)
{
	*ret_n = s->n;
	return s->tensors;
}

const struct tensor *
safetensors_find(const struct safetensors *s, const char *name)
{
	const struct tensor key = { .name = name }, *p = &key;
	const struct tensor **found =
	    bsearch(&p, s->by_name, s->n, sizeof(*s->by_name), compare_names);

	return found ? *found : NULL;
}

const char *
safetensors_metadata(const struct safetensors *s, const char *key)
{
	return json_string_value(json_object_get(json_object_get(s->header, "__metadata__"), key));
}

/* 3. Writing */

static int
compare_written(const void *a, const void *b)
{
	const struct tensor *x = *(const struct tensor *const *)a;
	const struct tensor *y = *(const struct tensor *const *)b;
	size_t m = tensor_type_size(x->type), n = tensor_type_size(y->type);

	return m != n ? (m > n ? -1 : 1) : strcmp(x->name, y->name);
}

static json_t *
describe(const struct tensor *t, size_t begin)
{
	json_t *shape = json_array();

	for (unsigned i = 0; i < t->rank; i++)
		json_array_append_new(shape, json_integer((json_int_t)t->shape[i]));
	return json_pack("{s:s, s:o, s:[I, I]}", "dtype", tensor_type_name(t->type), "shape", shape,
	    "data_offsets", (json_int_t)begin, (json_int_t)(begin + t->bytes));
}

/* The header as text, padded with spaces so that the data begin at a multiple of 8. */
static char *
make_header(const struct tensor **tensors, size_t n, const char *const *metadata, size_t *ret_size)
{
	json_t *header = json_object(), *texts = json_object();
	size_t at = 0;

	json_object_set_new(texts, "format", json_string("pt"));
	for (; metadata && metadata[0]; metadata += 2)
		json_object_set_new(texts, metadata[0], json_string(metadata[1]));
	json_object_set_new(header, "__metadata__", texts);
	for (size_t i = 0; i < n; i++) {
		json_object_set_new(header, tensors[i]->name, describe(tensors[i], at));
		at += tensors[i]->bytes;
	}
	char *text = json_dumps(header, JSON_COMPACT);
	json_decref(header);
	assert(text);
	size_t size = strlen(text), padded = (size + 7) & ~(size_t)7;
	char *bytes = mem_alloc(padded, 1);
	memcpy(bytes, text, size);
	memset(bytes + size, ' ', padded - size);
	free(text);
	*ret_size = padded;
	return bytes;
}

static int
write_all(const char *path, const char *header, size_t header_size, const struct tensor **tensors,
    size_t n, struct err *e)
{
	struct output *out = output_create(path, true, false, e);
	uint64_t length = header_size;

	if (!out)
		return -1;
	output_write(out, &length, sizeof(length), e);
	output_write(out, header, header_size, e);
	for (size_t i = 0; i < n && !e->is_set; i++)
		output_write(out, tensors[i]->data, tensors[i]->bytes, e);
	if (!e->is_set)
		return output_commit(out, e);
	output_abort(out);
	return -1;
}

int
safetensors_write(const char *path, const struct tensor *tensors, size_t n,
    const char *const *metadata, struct err *e)
{
	const struct tensor **sorted = mem_alloc(n, sizeof(*sorted));
	size_t header_size;

	for (size_t i = 0; i < n; i++)
		sorted[i] = &tensors[i];
	if (n > 0)
		qsort(sorted, n, sizeof(*sorted), compare_written);
	char *header = make_header(sorted, n, metadata, &header_size);
	int r = write_all(path, header, header_size, sorted, n, e);
	free(header);
	free(sorted);
	return r;
}
