/* 1. adapter_config.json
 * 2. Tensors */

#include "nn/model_adapters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "formats/json_file.h"
#include "nn/lora.h"

struct model_adapters {
	char *folder, *base;
	char *classes; /* NULL: not known */
	size_t rank;
	bool has_ranks; /* rank_pattern: a matrix may have another rank */
	double alpha;
	bool is_stabilized;
	bool has_class;
	enum model_class class;
};

/* 1. adapter_config.json */

bool
model_adapters_are_in(const char *folder)
{
	char *path = mem_printf("%s/adapter_config.json", folder);
	bool is_there = access(path, F_OK) == 0;

	free(path);
	return is_there;
}

/* null, false, 0, "", [], {} */
static bool
is_nothing(const json_t *v)
{
	if (json_is_integer(v))
		return json_integer_value(v) == 0;
	if (json_is_string(v))
		return json_string_length(v) == 0;
	return !v || json_is_null(v) || json_is_false(v) ||
	       (json_is_array(v) && json_array_size(v) == 0) ||
	       (json_is_object(v) && json_object_size(v) == 0);
}

/* What changes the computation and is not offered must not be overlooked. */
static int
refuse_others(const json_t *root, const char *path, struct err *e)
{
	static const char *const others[] = { "use_dora", "fan_in_fan_out", "lora_bias",
		"use_qalora", "use_bdlora", "alpha_pattern", "layer_replication",
		"trainable_token_indices", "target_parameters", "alora_invocation_tokens",
		"arrow_config", "kasa_config", "monteclora_config", "megatron_config" };
	const char *type = json_text(root, "peft_type", "", path, e);

	if (e->is_set)
		return -1;
	if (strcmp(type, "LORA") != 0)
		return err_set(e, "%s: adapters of type %.100s; only LORA is known", path, type);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!is_nothing(json_object_get(root, others[i])))
			return err_set(
			    e, "%s: adapters with \"%s\" are not known", path, others[i]);
	return 0;
}

static void
read_class(struct model_adapters *a, const json_t *root, const char *path, struct err *e)
{
	const char *task = json_text(root, "task_type", "", path, e);

	if (e->is_set)
		return;
	a->has_class = strcmp(task, "SEQ_CLS") == 0 || strcmp(task, "TOKEN_CLS") == 0;
	a->class = task[0] == 'S' ? MODEL_SEQUENCE : MODEL_TOKEN;
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The folder of the model that the adapters belong to. */
static char *
find_base(const struct model_adapters *a, const char *given, const json_t *root, const char *path,
    struct err *e)
{
	const char *name = given ? given : json_text(root, "base_model_name_or_path", "", path, e);
	char *base = mem_printf("%s/%s", a->folder, name);

	if (!e->is_set && !given && *name && *name != '/' && is_folder(base))
		return base;
	free(base);
	if (!e->is_set && !*name)
		err_set(e,
		    "%s: does not say which model the adapters are for "
		    "(base_model_name_or_path)",
		    path);
	base = e->is_set ? NULL : model_files_folder(name, e);
	if (!base && !given && *name)
		err_prefix(e, "%s: base_model_name_or_path, the model of the adapters", path);
	return base;
}

static int
read_config(struct model_adapters *a, const char *base, const char *path, struct err *e)
{
	json_t *root = json_file_read(path, e);

	if (root && refuse_others(root, path, e) == 0) {
		a->rank = (size_t)json_integer_in(root, "r", 1, 1 << 20, 8, path, e);
		a->has_ranks = !is_nothing(json_object_get(root, "rank_pattern"));
		a->alpha = json_number_in(root, "lora_alpha", 1e-9, 1e9, 8, path, e);
		a->is_stabilized = json_is_true(json_object_get(root, "use_rslora"));
		read_class(a, root, path, e);
		a->base = find_base(a, base, root, path, e);
	}
	json_decref(root);
	if (!e->is_set && model_adapters_are_in(a->base))
		err_set(e, "%s: the model of the adapters, %s, is a folder of adapters itself",
		    path, a->base);
	return e->is_set ? -1 : 0;
}

struct model_adapters *
model_adapters_open(const char *folder, const char *base, struct err *e)
{
	struct model_adapters *a = mem_zero(1, sizeof(*a));
	char *path = mem_printf("%s/adapter_config.json", folder);

	a->folder = mem_strdup(folder);
	read_config(a, base, path, e);
	free(path);
	if (!e->is_set)
		return a;
	model_adapters_close(a);
	return NULL;
}

const char *
model_adapters_base(const struct model_adapters *a)
{
	return a->base;
}

bool
model_adapters_class(const struct model_adapters *a, enum model_class *ret)
{
	if (a->has_class)
		*ret = a->class;
	return a->has_class;
}

void
model_adapters_close(struct model_adapters *a)
{
	if (!a)
		return;
	free(a->folder);
	free(a->base);
	free(a->classes);
	free(a);
}

/* 2. Tensors */

static const char prefix[] = "base_model.model.", of_a[] = ".lora_A.weight",
		  of_b[] = ".lora_B.weight";

static bool
ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

/* The model's tensor of a name that the adapters use: they may have been made for a model with or
 * without the prefix "bert.". NULL where there is none. */
static const struct model_tensor *
find_adapted(const struct model_files *f, const char *name)
{
	const struct model_tensor *found = model_files_find(f, name);
	char *other;

	if (found)
		return found;
	if (strncmp(name, "bert.", 5) == 0)
		return model_files_find(f, name + 5);
	other = mem_printf("bert.%s", name);
	found = model_files_find(f, other);
	free(other);
	return found;
}

static int
refuse_shape(const struct model_tensor *t, unsigned rank, const size_t *wanted, struct err *e)
{
	char is[TENSOR_SHAPE_TEXT], want[TENSOR_SHAPE_TEXT];

	return err_set(e, "%s: tensor %s: shape %s, not %s", t->file, t->tensor->name,
	    tensor_shape_text(t->tensor->rank, t->tensor->shape, is),
	    tensor_shape_text(rank, wanted, want));
}

static float *
copy_values(const struct tensor *t)
{
	float *values = mem_alloc(t->count, sizeof(*values));

	tensor_to_f32(t, values);
	return values;
}

/* Do A [rank][in] and B [out][rank] belong to a matrix [out][in]? */
static int
check_pair(const struct model_adapters *a, const struct model_tensor *of_matrix,
    const struct model_tensor *ta, const struct model_tensor *tb, struct err *e)
{
	const size_t *matrix = of_matrix->tensor->shape;
	size_t rank = ta->tensor->rank == 2 ? ta->tensor->shape[0] : 0;
	size_t wanted_a[2] = { rank, matrix[1] }, wanted_b[2] = { matrix[0], rank };

	if (of_matrix->tensor->rank != 2 || !tensor_is_float(of_matrix->tensor))
		return err_set(e, "%s: adapts %s, which is no matrix of floating-point numbers",
		    ta->file, of_matrix->tensor->name);
	if (!a->has_ranks)
		wanted_a[0] = wanted_b[1] = a->rank;
	if (!rank || !tensor_has_shape(ta->tensor, 2, wanted_a))
		return refuse_shape(ta, 2, wanted_a, e);
	if (!tensor_has_shape(tb->tensor, 2, wanted_b))
		return refuse_shape(tb, 2, wanted_b, e);
	return 0;
}

/* W + s B A in the place of W. */
static int
add_pair(const struct model_adapters *a, const struct model_files *adapters,
    const struct model_tensor *ta, struct model_files *f, struct err *e)
{
	const char *name = ta->tensor->name;
	int n = (int)(strlen(name) - strlen(of_a));
	char *name_b = mem_printf("%.*s%s", n, name, of_b);
	char *plain = mem_printf("%.*s.weight", n - (int)strlen(prefix), name + strlen(prefix));
	const struct model_tensor *tb = model_files_find(adapters, name_b);
	const struct model_tensor *matrix = find_adapted(f, plain);

	if (!tb)
		err_set(e, "%s: no tensor %s, but %s", ta->file, name_b, name);
	else if (!matrix)
		err_set(e, "%s: adapts %s, which the model %s has not", ta->file, plain, a->base);
	else if (tensor_is_float(tb->tensor) && check_pair(a, matrix, ta, tb, e) == 0) {
		const size_t *shape = matrix->tensor->shape;
		size_t rank = ta->tensor->shape[0];
		double s = a->alpha / (a->is_stabilized ? sqrt((double)rank) : (double)rank);
		float *sum = copy_values(matrix->tensor);
		float *va = copy_values(ta->tensor), *vb = copy_values(tb->tensor);

		lora_add(sum, shape[0], shape[1], va, vb, rank, (float)s);
		model_files_put(f, matrix->tensor->name, 2, shape, sum, ta->file);
		free(va);
		free(vb);
	}
	free(name_b);
	free(plain);
	return e->is_set ? -1 : 0;
}

/* A matrix B, which was added with its A, if there is one. */
static int
check_b(const struct model_files *adapters, const struct model_tensor *tb, struct err *e)
{
	const char *name = tb->tensor->name;
	char *name_a = mem_printf("%.*s%s", (int)(strlen(name) - strlen(of_b)), name, of_a);

	if (!model_files_find(adapters, name_a))
		err_set(e, "%s: no tensor %s, but %s", tb->file, name_a, name);
	free(name_a);
	return e->is_set ? -1 : 0;
}

/* Does the tensor belong to a head, which the model may not have yet? */
static bool
is_of_head(const char *name)
{
	return strncmp(name, "classifier.", 11) == 0 || strncmp(name, "bert.pooler.", 12) == 0;
}

/* A tensor of the head, or of whatever else was learned whole, as it is. */
static int
replace(const struct model_adapters *a, const struct model_tensor *t, struct model_files *f,
    struct err *e)
{
	/* what peft calls the part of an adapted layer that is not adapted, its bias */
	static const char inner[] = ".base_layer";
	const char *name = t->tensor->name + strlen(prefix), *cut = strstr(name, inner);
	char *plain = cut ? mem_printf("%.*s%s", (int)(cut - name), name, cut + strlen(inner))
			  : mem_strdup(name);
	const struct model_tensor *old = find_adapted(f, plain);

	if (strstr(name, "lora_"))
		err_set(e, "%s: tensor %s: adapters of this sort are not known", t->file,
		    t->tensor->name);
	else if (!old && !is_of_head(plain))
		err_set(
		    e, "%s: tensor %s: the model %s has none", t->file, t->tensor->name, a->base);
	else if (old && !is_of_head(plain) &&
		 !tensor_has_shape(t->tensor, old->tensor->rank, old->tensor->shape))
		refuse_shape(t, old->tensor->rank, old->tensor->shape, e);
	else
		model_files_put(f, old ? old->tensor->name : plain, t->tensor->rank,
		    t->tensor->shape, copy_values(t->tensor), t->file);
	free(plain);
	return e->is_set ? -1 : 0;
}

int
model_adapters_apply(struct model_adapters *a, struct model_files *f, struct err *e)
{
	struct model_files *adapters = model_files_open_adapters(a->folder, e);
	const char *classes = adapters ? model_files_metadata(adapters, MODEL_CLASSES_KEY) : NULL;
	const struct model_tensor *list;
	size_t n = 0;

	a->classes = classes ? mem_strdup(classes) : NULL;
	list = adapters ? model_files_tensors(adapters, &n) : NULL;
	for (size_t i = 0; i < n && !e->is_set; i++) {
		const char *name = list[i].tensor->name;

		if (strncmp(name, prefix, strlen(prefix)) != 0)
			err_set(e, "%s: tensor %s: not a name of peft's", list[i].file, name);
		else if (!tensor_is_float(list[i].tensor))
			err_set(e, "%s: tensor %s: its numbers are of type %s", list[i].file, name,
			    tensor_type_name(list[i].tensor->type));
		else if (ends_with(name, of_a))
			add_pair(a, adapters, &list[i], f, e);
		else if (ends_with(name, of_b))
			check_b(adapters, &list[i], e);
		else
			replace(a, &list[i], f, e);
	}
	model_files_close(adapters);
	return e->is_set ? -1 : 0;
}

const char *
model_adapters_classes(const struct model_adapters *a)
{
	return a->classes;
}
