/* 1. What becomes of the columns
 * 2. The folder
 * 3. Shards
 * 4. The JSON files and the end */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "formats/arrow.h"
#include "formats/cells_convert.h"
#include "formats/hf_dataset.h"
#include "formats/hf_dataset_plain.h"
#include "formats/json_file.h"

enum { ROWS_OF_BATCH = 1000, MAX_SHARDS = 4000, DIGITS_OF_FINGERPRINT = 16 };

struct hf_writer {
	char *folder, *temporary;
	const struct cells_reader *in;
	struct schema *plain;          /* of `in`, without dictionaries */
	struct conversion *conversion; /* tokens: to the profile's types; else NULL */
	struct schema *schema;         /* of the shards */
	bool *is_dropped;              /* [columns after conversion] */
	ptrdiff_t ids;                 /* input_ids among them; -1: none that change */
	size_t shard_size;
	size_t n_shards;
	struct output *out; /* the shard at hand; NULL between two */
	struct arrow_writer *arrow;
	size_t n_files;
	char **files; /* [n_files] what lies in the folder */
	struct hash128 *fingerprint;
	struct arena slices;
	uint64_t rows;
};

/* 1. What becomes of the columns */

static bool
is_known_to_datasets(const struct field *f)
{
	if (f->type == TYPE_MAP || f->type == TYPE_INTERVAL || f->type == TYPE_FIXED_BINARY ||
	    (f->type == TYPE_DECIMAL && f->bit_width < 128))
		return false;
	for (size_t i = 0; i < f->n_children; i++)
		if (!is_known_to_datasets(&f->children[i]))
			return false;
	return true;
}

static void
drop_columns(struct hf_writer *w, const struct cli *cli, const struct schema *s)
{
	struct buffer names = { 0 };

	w->is_dropped = mem_zero(s->n_fields, sizeof(*w->is_dropped));
	for (size_t i = s->n_fields; i-- > 0;) {
		if (is_known_to_datasets(&s->fields[i]))
			continue;
		w->is_dropped[i] = true;
		schema_remove(w->schema, i);
	}
	for (size_t i = 0; i < s->n_fields; i++) {
		if (!w->is_dropped[i])
			continue;
		buffer_add(&names, ", ", names.size ? 2 : 0);
		buffer_add(&names, s->fields[i].name, strlen(s->fields[i].name));
	}
	buffer_add(&names, "", 1);
	if (names.size > 1)
		cli_warn(
		    cli, "left out, as datasets has no such types: %s", (const char *)names.data);
	buffer_free(&names);
}

static int
plan_columns(struct hf_writer *w, const struct cli *cli, struct err *e)
{
	bool is_tokens = cells_kind(w->in) == KIND_TOKENS;
	const struct schema *s;

	w->ids = -1;
	w->plain = plain_schema(cells_schema(w->in));
	if (is_tokens && !(w->conversion = conversion_plan(w->plain, KIND_TOKENS, e)))
		return err_prefix(e, "%s", cells_name(w->in));
	s = w->conversion ? conversion_schema(w->conversion) : w->plain;
	w->schema = schema_copy(s);
	metadata_set(w->schema, &w->schema->metadata, "cells:version", NULL);
	if (is_tokens && s->fields[schema_find(s, "input_ids")].children[0].bit_width == 16) {
		w->ids = schema_find(s, "input_ids");
		w->schema->fields[w->ids].children[0] = field_int("item", 32, true);
	}
	drop_columns(w, cli, s);
	if (!w->schema->n_fields)
		return err_set(e, "%s: no column that datasets could hold", cells_name(w->in));
	return 0;
}

/* uint16 -> int32 */
static void
widen_ids(struct batch *b, size_t column)
{
	struct array *lists = &b->columns[column];
	const uint16_t *narrow = lists->children[0].values;
	size_t n = lists->children[0].length;
	int32_t *wide = arena_alloc(&b->arena, n, sizeof(*wide));

	for (size_t i = 0; i < n; i++)
		wide[i] = narrow[i];
	*lists = array_list(&b->arena, b->rows, lists->offsets, array_fixed(n, wide));
}

static int
convert(struct hf_writer *w, struct batch *b, struct err *e)
{
	if (plain_batch(cells_schema(w->in), b, e) ||
	    (w->conversion && conversion_apply(w->conversion, b, w->rows, e)))
		return err_prefix(e, "%s: batch %" PRIu64, cells_name(w->in), b->number);
	if (w->ids >= 0)
		widen_ids(b, (size_t)w->ids);
	for (size_t i = b->n_columns; i-- > 0;)
		if (w->is_dropped[i])
			batch_remove(b, i);
	w->rows += b->rows;
	return 0;
}

/* 2. The folder: everything in it is on the list of unfinished files until it has its name */

static char *
without_slashes(const char *folder)
{
	size_t n = strlen(folder);

	while (n > 1 && folder[n - 1] == '/')
		n--;
	return mem_strndup(folder, n);
}

static int
make_folder(struct hf_writer *w, const char *folder, struct err *e)
{
	struct stat st;
	mode_t mask = umask(0);

	umask(mask);
	w->folder = without_slashes(folder);
	if (lstat(w->folder, &st) == 0)
		return err_set(
		    e, "%s: exists already; remove it first, or choose another name", w->folder);
	w->temporary = mem_printf("%s.XXXXXX", w->folder);
	if (!mkdtemp(w->temporary)) {
		free(w->temporary);
		w->temporary = NULL;
		return err_sys(e, "%s", w->folder);
	}
	io_unfinished_add(w->temporary);
	if (chmod(w->temporary, 0777 & ~mask))
		return err_sys(e, "%s", w->folder);
	return 0;
}

/* The path of a file in the folder that is about to be made. */
static const char *
add_file(struct hf_writer *w, char *path)
{
	io_unfinished_add(path);
	w->files = mem_resize(w->files, w->n_files, w->n_files + 1, sizeof(*w->files));
	w->files[w->n_files] = path;
	return w->files[w->n_files++];
}

/* Takes all off the list of unfinished files; where something failed, off the disk, too. */
static void
release_files(struct hf_writer *w, bool is_failed)
{
	for (size_t i = 0; i < w->n_files; i++) {
		if (is_failed)
			unlink(w->files[i]);
		io_unfinished_remove(w->files[i]);
		free(w->files[i]);
	}
	free(w->files);
	if (!w->temporary)
		return;
	if (is_failed)
		rmdir(w->temporary);
	io_unfinished_remove(w->temporary);
}

struct hf_writer *
hf_create(const struct cli *cli, const char *folder, const struct cells_reader *in,
    size_t shard_size, struct err *e)
{
	struct hf_writer *w;

	if (e->is_set)
		return NULL;
	w = mem_zero(1, sizeof(*w));
	w->in = in;
	w->shard_size = shard_size;
	w->fingerprint = hash128_new();
	if (plan_columns(w, cli, e) || make_folder(w, folder, e)) {
		hf_commit(w, e);
		return NULL;
	}
	return w;
}

/* 3. Shards: their number stands in their names, so that they get these at the end */

static int
begin_shard(struct hf_writer *w, struct err *e)
{
	if (w->n_shards == MAX_SHARDS)
		return err_set(e, "%s: more than %d shards of %zu bytes (--shard-size)", w->folder,
		    MAX_SHARDS, w->shard_size);
	add_file(w, mem_printf("%s/data-%05zu.arrow", w->temporary, w->n_shards));
	w->n_shards++;
	w->out = output_create(w->files[w->n_files - 1], true, true, e);
	w->arrow = w->out ? arrow_create(w->out, w->schema, 0, e) : NULL;
	return w->arrow ? 0 : -1;
}

static int
end_shard(struct hf_writer *w, struct err *e)
{
	uint64_t hash;

	arrow_finish(w->arrow, e);
	hash = output_xxh64(w->out);
	hash128_add(w->fingerprint, &hash, sizeof(hash));
	arrow_writer_free(w->arrow);
	w->arrow = NULL;
	output_commit(w->out, e);
	w->out = NULL;
	return e->is_set ? -1 : 0;
}

/* Rows from `from` on that the shard at hand still takes; an empty one takes at least one. */
static size_t
rows_that_fit(const struct hf_writer *w, const struct batch *b, size_t from)
{
	size_t n = b->rows - from < ROWS_OF_BATCH ? b->rows - from : ROWS_OF_BATCH, fits = 0;
	bool is_empty = arrow_written_rows(w->arrow) == 0;
	uint64_t used = output_offset(w->out);
	size_t room = is_empty ? w->shard_size : used < w->shard_size ? w->shard_size - used : 0;

	if (batch_bytes(b, w->schema, from, n) <= room)
		return n;
	while (n - fits > 1) {
		size_t middle = fits + (n - fits) / 2;

		if (batch_bytes(b, w->schema, from, middle) <= room)
			fits = middle;
		else
			n = middle;
	}
	return fits || !is_empty ? fits : 1;
}

static int
write_slice(struct hf_writer *w, const struct batch *b, size_t from, size_t n, struct err *e)
{
	struct batch slice;

	arena_reset(&w->slices);
	slice = batch_slice(&w->slices, w->schema, b, from, n);
	return arrow_write(w->arrow, &slice, e);
}

int
hf_write(struct hf_writer *w, struct batch *b, struct err *e)
{
	size_t from = 0;

	if (e->is_set || convert(w, b, e))
		return -1;
	while (from < b->rows) {
		size_t n;

		if (!w->out && begin_shard(w, e))
			return -1;
		n = rows_that_fit(w, b, from);
		if (n ? write_slice(w, b, from, n, e) : end_shard(w, e))
			return -1;
		from += n;
	}
	return 0;
}

/* 4. The JSON files and the end */

static json_t *
name_shards(struct hf_writer *w, struct err *e)
{
	json_t *files = json_array();

	for (size_t i = 0; i < w->n_shards; i++) {
		char *name = mem_printf("data-%05zu-of-%05zu.arrow", i, w->n_shards);
		char *before = w->files[i];

		w->files[i] = mem_printf("%s/%s", w->temporary, name);
		io_unfinished_add(w->files[i]);
		if (rename(before, w->files[i])) {
			err_sys(e, "%s: rename", before);
			unlink(before);
		}
		io_unfinished_remove(before);
		json_array_append_new(files, json_pack("{ss}", "filename", name));
		free(before);
		free(name);
	}
	return files;
}

static int
write_json(struct hf_writer *w, const char *name, const json_t *value, struct err *e)
{
	char *text = json_dumps(value, JSON_INDENT(2) | JSON_SORT_KEYS);
	struct output *out =
	    output_create(add_file(w, mem_printf("%s/%s", w->temporary, name)), false, true, e);

	if (out) {
		output_printf(out, e, "%s\n", text);
		output_commit(out, e);
	}
	free(text);
	return e->is_set ? -1 : 0;
}

/* The fingerprint names the content in the caches of `datasets`: it is made of the hashes of the
 * shards. */
static int
write_state(struct hf_writer *w, struct err *e)
{
	char fingerprint[33];
	json_t *state, *info = json_object();

	hash128_finish(w->fingerprint, fingerprint);
	w->fingerprint = NULL;
	fingerprint[DIGITS_OF_FINGERPRINT] = '\0';
	state = json_pack("{so ss sn s{} sn sb sn}", "_data_files", name_shards(w, e),
	    "_fingerprint", fingerprint, "_format_columns", "_format_kwargs", "_format_type",
	    "_output_all_columns", 0, "_split");
	if (!e->is_set && write_json(w, "state.json", state, e) == 0)
		write_json(w, "dataset_info.json", info, e);
	json_decref(state);
	json_decref(info);
	return e->is_set ? -1 : 0;
}

static int
complete(struct hf_writer *w, struct err *e)
{
	if (!w->n_shards && begin_shard(w, e))
		return -1;
	if ((w->out && end_shard(w, e)) || write_state(w, e))
		return -1;
	if (rename(w->temporary, w->folder))
		return err_sys(e, "%s: rename", w->folder);
	return 0;
}

int
hf_commit(struct hf_writer *w, struct err *e)
{
	char ignored[33];

	if (!w)
		return e->is_set ? -1 : 0;
	if (!e->is_set)
		complete(w, e);
	arrow_writer_free(w->arrow);
	output_abort(w->out);
	release_files(w, e->is_set);
	if (w->fingerprint)
		hash128_finish(w->fingerprint, ignored);
	arena_free(&w->slices);
	conversion_free(w->conversion);
	schema_free(w->schema);
	schema_free(w->plain);
	free(w->is_dropped);
	free(w->temporary);
	free(w->folder);
	free(w);
	return e->is_set ? -1 : 0;
}
