/* model_files.c - weight files of a model folder. See model_files.h.
 *
 *   1. The folder
 *   2. Opening
 *   3. Tensors */

#include "nn/model_files.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "formats/json_file.h"
#include "formats/safetensors.h"
#include "formats/torch_zip.h"

#define SHARD_LIMIT 10000

/* One open file: of one of the two formats. */
struct shard {
	char *path;
	struct safetensors *safetensors;
	struct torch_zip *torch;
};

struct model_files {
	char *name;
	struct shard *shards; /* [n_shards] */
	size_t n_shards;
	struct model_tensor *tensors; /* [n], by name */
	size_t n;
	float **converted; /* [n_converted] */
	size_t n_converted;
	struct arena arena; /* tensors that were put in, and their names */
};

struct container {
	const char *file; /* NULL: the end */
	bool is_torch;
	bool is_index;
};

static const struct container of_models[] = { { "model.safetensors", false, false },
	{ "model.safetensors.index.json", false, true }, { "pytorch_model.bin", true, false },
	{ "pytorch_model.bin.index.json", true, true }, { NULL, false, false } };

static const struct container of_adapters[] = { { "adapter_model.safetensors", false, false },
	{ "adapter_model.bin", true, false }, { NULL, false, false } };

/* 1. The folder */

static bool
is_folder(const char *path)
{
	struct stat s;

	return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

char *
model_files_folder(const char *name, struct err *e)
{
	const char *checkout = getenv("GENEFORMER_DIR");

	if (is_folder(name))
		return mem_strdup(name);
	if (access(name, F_OK) == 0) {
		err_set(
		    e, "%s: not a folder (a model is a folder with config.json and weights)", name);
		return NULL;
	}
	if (strchr(name, '/')) {
		err_set(e, "%s: no such model folder", name);
		return NULL;
	}
	if (!checkout || !*checkout) {
		err_set(e, "%s: no such model folder, and GENEFORMER_DIR is not set", name);
		return NULL;
	}
	for (int i = 0; i < 2; i++) {
		char *path = mem_printf("%s/%s%s", checkout, i ? "Geneformer-" : "", name);
		if (is_folder(path))
			return path;
		free(path);
	}
	err_set(
	    e, "%s: no such model folder, neither here nor in GENEFORMER_DIR (%s)", name, checkout);
	return NULL;
}

/* 2. Opening */

static const struct tensor *
shard_tensors(const struct shard *s, size_t *ret_n)
{
	return s->torch ? torch_zip_tensors(s->torch, ret_n)
			: safetensors_tensors(s->safetensors, ret_n);
}

static const struct tensor *
shard_find(const struct shard *s, const char *name)
{
	return s->torch ? torch_zip_find(s->torch, name) : safetensors_find(s->safetensors, name);
}

/* Opens one more file; takes over `path`. */
static int
add_shard(struct model_files *f, char *path, bool is_torch, struct err *e)
{
	struct shard s = { .path = path };

	if (is_torch)
		s.torch = torch_zip_open(path, e);
	else
		s.safetensors = safetensors_open(path, e);
	f->shards = mem_resize(f->shards, f->n_shards, f->n_shards + 1, sizeof(*f->shards));
	f->shards[f->n_shards++] = s;
	return e->is_set ? -1 : 0;
}

/* The open shard of this file of the folder, opened when it is first met. */
static const struct shard *
shard_of(struct model_files *f, const char *folder, const char *file, bool is_torch, struct err *e)
{
	size_t folder_size = strlen(folder);

	for (size_t i = f->n_shards; i > 0; i--)
		if (!strcmp(f->shards[i - 1].path + folder_size + 1, file))
			return &f->shards[i - 1];
	if (file[0] == '\0' || strchr(file, '/') || f->n_shards == SHARD_LIMIT) {
		err_set(e, "%s: %.200s is no file of this folder", f->name, file);
		return NULL;
	}
	if (add_shard(f, mem_printf("%s/%s", folder, file), is_torch, e) < 0)
		return NULL;
	return &f->shards[f->n_shards - 1];
}

/* Opens all files of an index; each tensor it lists must be where it says. */
static int
open_index(struct model_files *f, const char *folder, bool is_torch, struct err *e)
{
	json_t *root = json_file_read(f->name, e);
	json_t *map = json_object_get(root, "weight_map"), *v;
	const char *tensor;

	if (root && (!json_is_object(map) || json_object_size(map) == 0))
		err_set(e, "%s: no \"weight_map\"", f->name);
	json_object_foreach(map, tensor, v)
	{
		const char *file = json_string_value(v);
		if (!file) {
			err_set(e, "%s: the file of tensor %.200s is not a text", f->name, tensor);
			break;
		}
		const struct shard *s = shard_of(f, folder, file, is_torch, e);
		if (!s)
			break;
		if (!shard_find(s, tensor)) {
			err_set(e, "%s: no tensor %.200s, which %s says is there", s->path, tensor,
			    f->name);
			break;
		}
	}
	json_decref(root);
	return e->is_set ? -1 : 0;
}

static int
compare_tensors(const void *a, const void *b)
{
	const struct model_tensor *x = a, *y = b;

	return strcmp(x->tensor->name, y->tensor->name);
}

static int
collect(struct model_files *f, struct err *e)
{
	size_t n, at = 0;

	for (size_t i = 0; i < f->n_shards; i++) {
		shard_tensors(&f->shards[i], &n);
		f->n += n;
	}
	f->tensors = mem_alloc(f->n, sizeof(*f->tensors));
	for (size_t i = 0; i < f->n_shards; i++) {
		const struct tensor *t = shard_tensors(&f->shards[i], &n);
		for (size_t k = 0; k < n; k++)
			f->tensors[at++] = (struct model_tensor){ &t[k], f->shards[i].path };
	}
	if (f->n > 0)
		qsort(f->tensors, f->n, sizeof(*f->tensors), compare_tensors);
	for (size_t i = 1; i < f->n; i++)
		if (compare_tensors(&f->tensors[i - 1], &f->tensors[i]) == 0)
			return err_set(e, "%s: tensor %s is in %s too", f->tensors[i].file,
			    f->tensors[i].tensor->name, f->tensors[i - 1].file);
	return 0;
}

static int
open_folder(struct model_files *f, const char *folder, const struct container *c, struct err *e)
{
	for (; c->file; c++) {
		char *path = mem_printf("%s/%s", folder, c->file);
		if (access(path, F_OK) != 0) {
			free(path);
			continue;
		}
		f->name = path;
		if (c->is_index)
			return open_index(f, folder, c->is_torch, e);
		return add_shard(f, mem_strdup(path), c->is_torch, e);
	}
	return -1;
}

static struct model_files *
open_files(const char *folder, const struct container *containers, const char *known, struct err *e)
{
	if (e->is_set)
		return NULL;
	struct model_files *f = mem_zero(1, sizeof(*f));
	if (open_folder(f, folder, containers, e) == 0 && collect(f, e) == 0)
		return f;
	if (!e->is_set)
		err_set(e, "%s: no weights (%s)", folder, known);
	model_files_close(f);
	return NULL;
}

struct model_files *
model_files_open(const char *folder, struct err *e)
{
	return open_files(folder, of_models,
	    "model.safetensors, pytorch_model.bin, or an index of their parts", e);
}

struct model_files *
model_files_open_adapters(const char *folder, struct err *e)
{
	return open_files(folder, of_adapters, "adapter_model.safetensors or adapter_model.bin", e);
}

void
model_files_close(struct model_files *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n_shards; i++) {
		safetensors_close(f->shards[i].safetensors);
		torch_zip_close(f->shards[i].torch);
		free(f->shards[i].path);
	}
	for (size_t i = 0; i < f->n_converted; i++)
		free(f->converted[i]);
	arena_free(&f->arena);
	free(f->converted);
	free(f->shards);
	free(f->tensors);
	free(f->name);
	free(f);
}

/* 3. Tensors */

/* Numbers that live as long as f. */
static void
own(struct model_files *f, float *values)
{
	f->converted =
	    mem_resize(f->converted, f->n_converted, f->n_converted + 1, sizeof(*f->converted));
	f->converted[f->n_converted++] = values;
}

void
model_files_put(struct model_files *f, const char *name, unsigned rank, const size_t *shape,
    float *values, const char *file)
{
	struct tensor *t = arena_zero(&f->arena, 1, sizeof(*t));
	size_t at = 0;
	bool fits;

	*t = (struct tensor){ .name = arena_strdup(&f->arena, name),
		.type = TENSOR_F32,
		.rank = rank,
		.data = values };
	memcpy(t->shape, shape, rank * sizeof(*shape));
	fits = tensor_measure(t);
	assert(fits);
	(void)fits;
	own(f, values);
	while (at < f->n && strcmp(f->tensors[at].tensor->name, name) < 0)
		at++;
	if (at == f->n || strcmp(f->tensors[at].tensor->name, name) != 0) {
		f->tensors = mem_resize(f->tensors, f->n, f->n + 1, sizeof(*f->tensors));
		memmove(&f->tensors[at + 1], &f->tensors[at], (f->n++ - at) * sizeof(*f->tensors));
	}
	f->tensors[at] = (struct model_tensor){ t, arena_strdup(&f->arena, file) };
}

const struct model_tensor *
model_files_tensors(const struct model_files *f, size_t *ret_n)
{
	*ret_n = f->n;
	return f->tensors;
}

static const struct model_tensor *
find_exactly(const struct model_files *f, const char *name)
{
	const struct tensor t = { .name = name };
	const struct model_tensor key = { .tensor = &t };

	return bsearch(&key, f->tensors, f->n, sizeof(*f->tensors), compare_tensors);
}

const struct model_tensor *
model_files_find(const struct model_files *f, const char *name)
{
	static const char *const old[][2] = { { "LayerNorm.weight", "gamma" },
		{ "LayerNorm.bias", "beta" } };
	const struct model_tensor *found = find_exactly(f, name);
	size_t size = strlen(name);
	char text[200];

	for (size_t i = 0; !found && i < 2; i++) {
		size_t n = strlen(old[i][0]);
		if (size < n || strcmp(name + size - n, old[i][0]) != 0)
			continue;
		snprintf(text, sizeof(text), "%.*sLayerNorm.%s", (int)(size - n), name, old[i][1]);
		found = find_exactly(f, text);
	}
	return found;
}

const float *
model_files_f32(struct model_files *f, const struct tensor *t)
{
	if (t->type == TENSOR_F32 && (uintptr_t)t->data % sizeof(float) == 0)
		return t->data;
	float *out = mem_alloc(t->count, sizeof(*out));
	tensor_to_f32(t, out);
	own(f, out);
	return out;
}

const char *
model_files_metadata(const struct model_files *f, const char *key)
{
	const struct shard *s = &f->shards[0];

	return s->safetensors ? safetensors_metadata(s->safetensors, key) : NULL;
}

const char *
model_files_name(const struct model_files *f)
{
	return f->name;
}
