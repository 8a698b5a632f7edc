#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/io.h"
#include "formats/json_file.h"
#include "formats/logistic_file.h"
#include "formats/safetensors.h"

/* What the features of cells are called; the same order as enum gene_feature, embeddings last. */
static const struct feature_row {
	enum kind kind;
	const char *name;
} features[] = {
	{ KIND_COUNTS, "log1p of counts per 10000" },
	{ KIND_VALUES, "log1p" },
	{ KIND_TOKENS, "rank" },
	{ KIND_TOKENS, "presence" },
	{ KIND_EMBEDDINGS, "embedding" },
};

enum { N_FEATURES = sizeof(features) / sizeof(features[0]), VERSION = 1 };

/* Writing */

static json_t *
describe(const struct logistic_file *f, json_t *fit)
{
	json_t *classes = json_array(), *genes = f->genes ? json_array() : NULL, *all;
	size_t place = f->kind == KIND_EMBEDDINGS ? N_FEATURES - 1 : (size_t)f->feature;

	assert(features[place].kind == f->kind);
	for (size_t i = 0; i < f->n_classes; i++)
		json_array_append_new(classes, json_string(f->classes[i]));
	for (size_t i = 0; f->genes && i < f->n_features; i++) {
		size_t size;
		const char *name = strings_get(f->genes, i, &size);

		json_array_append_new(genes, json_stringn(name, size));
	}
	all = json_pack("{s:i, s:s, s:s, s:o, s:O}", "version", VERSION, "kind", kind_name(f->kind),
	    "feature", features[place].name, "classes", classes, "fit", fit);
	if (genes)
		json_object_set_new(all, "genes", genes);
	return all;
}

static void
transpose(const double *x, size_t rows, size_t columns, double *ret_x)
{
	for (size_t i = 0; i < rows; i++)
		for (size_t k = 0; k < columns; k++)
			ret_x[k * rows + i] = x[i * columns + k];
}

int
logistic_file_write(const char *path, const struct logistic_file *f, json_t *fit, struct err *e)
{
	double *coefficients = mem_alloc(f->n_features * f->n_classes, sizeof(*coefficients));
	struct tensor tensors[] = {
		{ .name = "coef", .type = TENSOR_F64, .rank = 2, .data = coefficients },
		{ .name = "intercept", .type = TENSOR_F64, .rank = 1, .data = f->intercepts },
	};
	json_t *all = describe(f, fit);
	char *text = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
	const char *const metadata[] = { "logreg", text, NULL };
	int status;

	assert(text);
	transpose(f->weights, f->n_features, f->n_classes, coefficients);
	tensors[0].shape[0] = tensors[1].shape[0] = f->n_classes;
	tensors[0].shape[1] = f->n_features;
	tensor_measure(&tensors[0]);
	tensor_measure(&tensors[1]);
	status = safetensors_write(path, tensors, 2, metadata, e);
	free(text);
	json_decref(all);
	free(coefficients);
	return status;
}

/* Reading */

static void
take_kind(struct logistic_file *f, const json_t *root, const char *path, struct err *e)
{
	long long version = json_integer_in(root, "version", 1, 1000000, 0, path, e);
	const char *kind = json_text(root, "kind", "", path, e);
	const char *feature = json_text(root, "feature", "", path, e);

	if (version != VERSION)
		err_set(e, "%s: a logistic regression of version %lld, which is not known here",
		    path, version);
	for (size_t i = 0; i < N_FEATURES && !e->is_set; i++)
		if (strcmp(kind, kind_name(features[i].kind)) == 0 &&
		    strcmp(feature, features[i].name) == 0) {
			f->kind = features[i].kind;
			f->feature = (enum gene_feature)i;
			return;
		}
	err_set(e, "%s: features of %s that are not known here: %s", path, kind, feature);
}

/* The texts of an array, no two alike. */
static const char **
take_texts(struct logistic_file *f, const json_t *root, const char *key, size_t n, const char *path,
    struct err *e)
{
	const json_t *array = json_object_get(root, key);
	const char **texts = arena_alloc(&f->arena, n, sizeof(*texts));
	struct string_index index = { 0 };
	const struct strings *all;

	if (e->is_set || !json_is_array(array) || json_array_size(array) != n) {
		err_set(e, "%s: \"%s\" is not a list of %zu texts", path, key, n);
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *text = json_array_get(array, i);

		if (!json_is_string(text) || json_string_length(text) == 0) {
			err_set(e, "%s: \"%s\" is not a list of %zu texts", path, key, n);
			return NULL;
		}
		texts[i] = arena_strdup(&f->arena, json_string_value(text));
	}
	all = strings_from(&f->arena, texts, n);
	string_index_build(&index, all);
	for (size_t i = 0; i < n; i++)
		if (string_index_find(&index, texts[i], strlen(texts[i])) != (ptrdiff_t)i)
			err_set(e, "%s: \"%s\" has %s twice", path, key, texts[i]);
	string_index_free(&index);
	return texts;
}

static const double *
take_numbers(struct logistic_file *f, const struct tensor *t, const char *path, struct err *e)
{
	double *x = arena_copy(&f->arena, t->data, t->count, sizeof(*x));

	for (size_t i = 0; i < t->count && !e->is_set; i++)
		if (!isfinite(x[i]))
			err_set(e, "%s: %s: a number is not finite", path, t->name);
	return x;
}

static void
take_tensors(struct logistic_file *f, const struct safetensors *s, const char *path, struct err *e)
{
	const struct tensor *coefficients = safetensors_find(s, "coef");
	const struct tensor *intercepts = safetensors_find(s, "intercept");
	const double *x;
	double *weights;

	if (!coefficients || !intercepts || coefficients->type != TENSOR_F64 ||
	    intercepts->type != TENSOR_F64 || coefficients->rank != 2 ||
	    coefficients->shape[0] < 2 || coefficients->shape[1] < 1 ||
	    !tensor_has_shape(intercepts, 1, coefficients->shape)) {
		err_set(
		    e, "%s: no F64 tensors coef [classes][features] and intercept [classes]", path);
		return;
	}
	f->n_classes = coefficients->shape[0];
	f->n_features = coefficients->shape[1];
	x = take_numbers(f, coefficients, path, e);
	weights = arena_alloc(&f->arena, coefficients->count, sizeof(*weights));
	transpose(x, f->n_classes, f->n_features, weights);
	f->weights = weights;
	f->intercepts = take_numbers(f, intercepts, path, e);
}

static void
take_file(struct logistic_file *f, const struct safetensors *s, const char *path, struct err *e)
{
	const char *text = safetensors_metadata(s, "logreg");
	const char **genes;
	json_t *root;

	if (!text) {
		err_set(e, "%s: not a model of logreg", path);
		return;
	}
	root = json_bytes_read(text, strlen(text), path, e);
	if (!root)
		return;
	take_kind(f, root, path, e);
	if (!e->is_set)
		take_tensors(f, s, path, e);
	if (!e->is_set)
		f->classes = take_texts(f, root, "classes", f->n_classes, path, e);
	if (!e->is_set && f->kind != KIND_EMBEDDINGS) {
		genes = take_texts(f, root, "genes", f->n_features, path, e);
		f->genes = genes ? strings_from(&f->arena, genes, f->n_features) : NULL;
	}
	json_decref(root);
}

struct logistic_file *
logistic_file_open(const char *path, struct err *e)
{
	struct logistic_file *f;
	struct safetensors *s;
	struct io_map map;

	if (e->is_set || io_map_open(&map, path, e))
		return NULL;
	f = mem_zero(1, sizeof(*f));
	hash_hex128(map.bytes, map.size, f->hash);
	s = safetensors_open_memory(map.bytes, map.size, path, e);
	if (s)
		take_file(f, s, path, e);
	safetensors_close(s);
	io_map_close(&map);
	if (!e->is_set)
		return f;
	logistic_file_free(f);
	return NULL;
}

void
logistic_file_free(struct logistic_file *f)
{
	if (!f)
		return;
	arena_free(&f->arena);
	free(f);
}
