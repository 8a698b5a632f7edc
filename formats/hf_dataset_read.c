/* 1. state.json
 * 2. Shards
 * 3. Ids
 * 4. Reading */

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "formats/arrow.h"
#include "formats/cells_convert.h"
#include "formats/hf_dataset.h"
#include "formats/hf_dataset_plain.h"
#include "formats/json_file.h"

struct hf_reader {
	const char *folder; /* the caller's */
	size_t n_shards;
	char **shards; /* [n_shards] paths */
	size_t next;   /* to be opened */
	struct arrow_reader *arrow;
	struct schema *source; /* of every shard, without dictionaries */
	struct conversion *conversion;
	struct schema *schema; /* what comes out */
	ptrdiff_t ids;         /* input_ids in it */
	double n_tokens;       /* of the vocabulary; 0: there is none */
	bool narrows;          /* int32 ids become uint16 */
	uint64_t rows;
};

/* 1. state.json */

static bool
exists(const char *folder, const char *name)
{
	char *path = mem_printf("%s/%s", folder, name);
	struct stat st;
	bool found = stat(path, &st) == 0;

	free(path);
	return found;
}

/* The error of a folder of several datasets, with their names. */
static int
refuse_splits(const char *folder, struct err *e)
{
	char *path = mem_printf("%s/dataset_dict.json", folder);
	json_t *root = json_file_read(path, e), *split;
	struct buffer names = { 0 };
	size_t i;

	json_array_foreach(json_object_get(root, "splits"), i, split)
	{
		const char *name = json_string_value(split);

		if (i)
			buffer_add(&names, ", ", 2);
		if (name)
			buffer_add(&names, name, strlen(name));
	}
	buffer_add(&names, "", 1);
	err_set(e, "%s: holds several datasets, one a split (%s); give one of these folders",
	    folder, (const char *)names.data);
	buffer_free(&names);
	json_decref(root);
	free(path);
	return -1;
}

static int
check_folder(const char *folder, struct err *e)
{
	struct stat st;

	if (stat(folder, &st))
		return err_sys(e, "%s", folder);
	if (!S_ISDIR(st.st_mode))
		return err_set(e,
		    "%s: is not a folder (a single shard is a stream already; every program reads "
		    "it)",
		    folder);
	if (exists(folder, "state.json"))
		return 0;
	if (exists(folder, "dataset_dict.json"))
		return refuse_splits(folder, e);
	return err_set(
	    e, "%s: has no state.json: is not a folder that Dataset.save_to_disk wrote", folder);
}

static int
add_shard(struct hf_reader *r, const json_t *file, const char *state, struct err *e)
{
	const char *name = json_string_value(json_object_get(file, "filename"));

	if (!name || !*name || strchr(name, '/') || strcmp(name, "..") == 0)
		return err_set(e, "%s: \"_data_files\"[%zu] has no \"filename\" in the folder",
		    state, r->n_shards);
	r->shards = mem_resize(r->shards, r->n_shards, r->n_shards + 1, sizeof(*r->shards));
	r->shards[r->n_shards++] = mem_printf("%s/%s", r->folder, name);
	return 0;
}

static int
take_state(struct hf_reader *r, const json_t *root, const char *state, struct err *e)
{
	const json_t *files = json_object_get(root, "_data_files");

	if (json_array_size(json_object_get(root, "_indices_data_files")) ||
	    json_array_size(json_object_get(root, "_indices_files")))
		return err_set(e,
		    "%s: selects rows by indices, as old versions of datasets saved; "
		    "load it there, call flatten_indices(), save it again",
		    state);
	if (!json_array_size(files))
		return err_set(e, "%s: \"_data_files\" lists no files", state);
	for (size_t i = 0; i < json_array_size(files); i++)
		if (add_shard(r, json_array_get(files, i), state, e))
			return -1;
	return 0;
}

static int
read_state(struct hf_reader *r, struct err *e)
{
	char *state = mem_printf("%s/state.json", r->folder);
	json_t *root = check_folder(r->folder, e) ? NULL : json_file_read(state, e);

	if (root)
		take_state(r, root, state, e);
	json_decref(root);
	free(state);
	return e->is_set ? -1 : 0;
}

/* 2. Shards */

static int
check_schema(const struct hf_reader *r, const struct schema *s, struct err *e)
{
	char text[200], other[200];

	if (s->n_fields != r->source->n_fields)
		return err_set(
		    e, "has %zu columns, the first shard %zu", s->n_fields, r->source->n_fields);
	for (size_t i = 0; i < s->n_fields; i++) {
		const struct field *f = &s->fields[i], *first = &r->source->fields[i];

		if (strcmp(f->name, first->name) != 0)
			return err_set(
			    e, "column %zu is %s, in the first shard %s", i, f->name, first->name);
		if (!field_same_type(f, first))
			return err_set(e, "column %s is %s, in the first shard %s", f->name,
			    field_type_text(f, text, sizeof(text)),
			    field_type_text(first, other, sizeof(other)));
	}
	return 0;
}

/* Opens the next shard. */
static int
open_shard(struct hf_reader *r, struct err *e)
{
	const char *path = r->shards[r->next++];
	struct input *input = input_open(path, true, e);
	struct schema *s;

	r->arrow = input ? arrow_open(input, e) : NULL;
	if (!r->arrow)
		return -1;
	s = plain_schema(arrow_schema(r->arrow));
	if (!r->source)
		r->source = s;
	else if (check_schema(r, s, e))
		err_prefix(e, "%s", path);
	if (r->source != s)
		schema_free(s);
	return e->is_set ? -1 : 0;
}

/* The next batch of any shard, as it is there. */
static int
read_shards(struct hf_reader *r, struct batch *b, struct err *e)
{
	int got = 0;

	while (got == 0) {
		if (!r->arrow && r->next == r->n_shards)
			return 0;
		if (!r->arrow && open_shard(r, e))
			return -1;
		got = arrow_read(r->arrow, b, e);
		if (got == 0) {
			arrow_close(r->arrow);
			r->arrow = NULL;
		}
	}
	return got;
}

/* 3. Ids */

/* Reads all shards for the greatest id, and starts over. */
static double
find_greatest_id(struct hf_reader *r, struct err *e)
{
	size_t column = (size_t)schema_find(r->source, "input_ids");
	const struct field *f = &r->source->fields[column].children[0];
	struct batch b = { 0 };
	double greatest = 0;

	while (read_shards(r, &b, e) > 0) {
		const struct array *ids = &b.columns[column].children[0];

		for (size_t i = 0; i < ids->length; i++) {
			double id = array_number(f, ids, i);

			greatest = id > greatest ? id : greatest;
		}
	}
	batch_free(&b);
	arrow_close(r->arrow);
	r->arrow = NULL;
	r->next = 0;
	return greatest;
}

static double
count_lines(const char *text)
{
	double n = 1;

	while ((text = strchr(text, '\n'))) {
		text++;
		n++;
	}
	return n;
}

/* Adds the dictionary's vocabulary, or takes the one that the shards have. */
static int
set_vocabulary(struct hf_reader *r, const struct genes *dictionary, struct err *e)
{
	struct field *f = &r->schema->fields[r->ids];
	const char *own = metadata_get(&f->metadata, "cells:vocabulary"), *text = own;

	if (dictionary)
		text = genes_vocabulary(dictionary, &r->schema->arena);
	if (own && strcmp(own, text) != 0)
		return err_set(
		    e, "%s: has a vocabulary, and it is not that of the dictionary", r->folder);
	if (text && !own)
		metadata_set(r->schema, &f->metadata, "cells:vocabulary", text);
	if (text)
		r->n_tokens = count_lines(text);
	return 0;
}

static int
plan_ids(struct hf_reader *r, const struct genes *dictionary, struct err *e)
{
	struct field *list;
	double greatest;

	r->ids = schema_find(r->schema, "input_ids");
	if (set_vocabulary(r, dictionary, e))
		return -1;
	list = &r->schema->fields[r->ids];
	if (list->children[0].bit_width == 16)
		return 0;
	greatest = r->n_tokens > 0 ? r->n_tokens - 1 : find_greatest_id(r, e);
	r->narrows = greatest <= UINT16_MAX;
	if (r->narrows)
		list->children[0] = field_int("item", 16, false);
	return e->is_set ? -1 : 0;
}

/* The row of a list column that holds entry `at` of its child. */
static size_t
row_of(const struct array *lists, size_t at)
{
	size_t row = 0;

	while ((size_t)lists->offsets[row + 1] <= at)
		row++;
	return row;
}

/* Checks the ids of a converted batch, and narrows them. */
static int
take_ids(const struct hf_reader *r, struct batch *b, struct err *e)
{
	const struct field *f = &conversion_schema(r->conversion)->fields[r->ids].children[0];
	struct array *lists = &b->columns[r->ids], ids = lists->children[0];
	uint16_t *narrow = arena_alloc(&b->arena, r->narrows ? ids.length : 0, sizeof(*narrow));
	double end = r->n_tokens > 0 ? r->n_tokens : 2147483648.0;

	for (size_t i = 0; i < ids.length; i++) {
		double id = array_number(f, &ids, i);

		if (!(id >= 0 && id < end) && r->n_tokens > 0)
			return err_set(e, "row %zu: token %.0f, but the vocabulary has %.0f",
			    row_of(lists, i), id, r->n_tokens);
		if (id < 0)
			return err_set(e, "row %zu: token %.0f", row_of(lists, i), id);
		if (r->narrows)
			narrow[i] = (uint16_t)id;
	}
	if (r->narrows)
		*lists =
		    array_list(&b->arena, b->rows, lists->offsets, array_fixed(ids.length, narrow));
	return 0;
}

/* 4. Reading */

static int
plan(struct hf_reader *r, const struct genes *dictionary, struct err *e)
{
	if (read_state(r, e) || open_shard(r, e))
		return -1;
	r->conversion = conversion_plan(r->source, KIND_TOKENS, e);
	if (!r->conversion)
		return err_prefix(e, "%s", r->folder);
	r->schema = schema_copy(conversion_schema(r->conversion));
	arrow_close(r->arrow);
	r->arrow = NULL;
	r->next = 0;
	return plan_ids(r, dictionary, e);
}

struct hf_reader *
hf_open(const char *folder, const struct genes *dictionary, struct err *e)
{
	struct hf_reader *r;

	if (e->is_set)
		return NULL;
	r = mem_zero(1, sizeof(*r));
	r->folder = folder;
	if (plan(r, dictionary, e)) {
		hf_close(r);
		return NULL;
	}
	return r;
}

const struct schema *
hf_schema(const struct hf_reader *r)
{
	return r ? r->schema : NULL;
}

int
hf_read(struct hf_reader *r, struct batch *b, struct err *e)
{
	int got = e->is_set ? -1 : read_shards(r, b, e);

	if (got <= 0)
		return got;
	if (plain_batch(arrow_schema(r->arrow), b, e) ||
	    conversion_apply(r->conversion, b, r->rows, e) || take_ids(r, b, e))
		return err_prefix(
		    e, "%s: batch %llu", arrow_name(r->arrow), (unsigned long long)b->number);
	r->rows += b->rows;
	return got;
}

double
hf_fraction(const struct hf_reader *r)
{
	double size = r->arrow ? (double)arrow_size(r->arrow) : 0;
	double part = size > 0 ? 1 - (double)arrow_offset(r->arrow) / size : 0;

	return ((double)r->next - part) / (double)r->n_shards;
}

void
hf_close(struct hf_reader *r)
{
	if (!r)
		return;
	arrow_close(r->arrow);
	conversion_free(r->conversion);
	schema_free(r->schema);
	schema_free(r->source);
	for (size_t i = 0; i < r->n_shards; i++)
		free(r->shards[i]);
	free(r->shards);
	free(r);
}
