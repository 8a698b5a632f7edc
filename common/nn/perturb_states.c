/* 1. Their names
 * 2. What the states were made with
 * 3. The vectors */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/name_list.h"
#include "formats/cells_history.h"
#include "nn/perturb_states.h"

/* 1. Their names */

static int
list_states(struct perturb_states *s, const struct perturb_state_names *names, struct err *e)
{
	char **alt;
	size_t n_alt;

	if (name_list_split(names->alt, &alt, &n_alt, e))
		err_prefix(e, "--alt");
	s->n = n_alt + 2;
	s->names = mem_alloc(s->n, sizeof(*s->names));
	s->names[0] = mem_strdup(names->start);
	s->names[1] = mem_strdup(names->goal);
	for (size_t i = 0; i < n_alt; i++)
		s->names[i + 2] = alt[i];
	free(alt);
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(s->names[i], s->names[k]) == 0)
				err_set(e, "the state %s stands twice in --start, --goal and --alt",
				    s->names[i]);
	return e->is_set ? -1 : 0;
}

/* 2. What the states were made with */

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static enum embed_pool
pool_of(const char *text, bool has_cls)
{
	if (strcmp(text, "auto") == 0)
		return has_cls ? EMBED_FIRST : EMBED_MEAN;
	return strcmp(text, "cls") == 0 ? EMBED_FIRST : EMBED_MEAN;
}

static int
compare_making(struct perturb_states *states, const char *path, const json_t *entry,
    const struct perturb_states_of *of, struct err *e)
{
	const json_t *options = json_object_get(entry, "options");
	long long layer = json_integer_value(json_object_get(options, "layer"));
	enum embed_pool pool = pool_of(text_of(options, "pool"), of->has_cls);

	snprintf(states->precision, sizeof(states->precision), "%s", text_of(entry, "precision"));
	if (strcmp(text_of(entry, "model"), of->model) != 0)
		return err_set(e, "%s: its states are embeddings by another model than -m", path);
	if (layer != of->layer)
		return err_set(
		    e, "%s: its states are of --layer %lld, not %d", path, layer, of->layer);
	if (pool != of->pool)
		return err_set(e, "%s: its states are of --pool %s, not %s", path,
		    pool == EMBED_FIRST ? "cls" : "mean", of->pool == EMBED_FIRST ? "cls" : "mean");
	return 0;
}

static int
check_making(struct perturb_states *states, const struct cli *cli, const char *path,
    const struct schema *s, const struct perturb_states_of *of, struct err *e)
{
	ptrdiff_t state = schema_find(s, "state"), embedding = schema_find(s, "embedding");
	json_t *entry;

	if (state < 0 || s->fields[state].type != TYPE_UTF8)
		return err_set(
		    e, "%s: there is no column state; gfembed --summary makes states", path);
	if ((size_t)s->fields[embedding].list_size != of->hidden)
		return err_set(e,
		    "%s: its embeddings have %d dimensions, those of the model -m %zu: these are "
		    "states of another model",
		    path, (int)s->fields[embedding].list_size, of->hidden);
	entry = cells_history_last(s, "gfembed");
	if (entry)
		compare_making(states, path, entry, of, e);
	else
		cli_warn(cli, "%s: does not say of which model and layer its states are", path);
	json_decref(entry);
	return e->is_set ? -1 : 0;
}

/* 3. The vectors */

struct reading {
	const char *path;
	struct perturb_states *states;
	size_t hidden;
	bool *found; /* [states->n] */
};

static int
take_row(
    struct reading *r, const struct schema *s, const struct batch *b, size_t row, struct err *e)
{
	size_t state = (size_t)schema_find(s, "state"), size, at = 0;
	size_t embedding = (size_t)schema_find(s, "embedding");
	const struct array *list = &b->columns[embedding];
	const char *name = array_text(&s->fields[state], &b->columns[state], row, &size);
	const float *vector = (const float *)list->children[0].values + row * r->hidden;
	bool is_whole = array_is_valid(list, row);

	while (at < r->states->n && (!name || strlen(r->states->names[at]) != size ||
					memcmp(r->states->names[at], name, size) != 0))
		at++;
	if (at == r->states->n)
		return 0;
	if (r->found[at])
		return err_set(
		    e, "%s: the state %s stands there twice", r->path, r->states->names[at]);
	for (size_t i = 0; i < r->hidden; i++)
		is_whole &=
		    array_is_valid(&list->children[0], row * r->hidden + i) && isfinite(vector[i]);
	if (!is_whole)
		return err_set(e, "%s: the embedding of the state %s holds what is no number",
		    r->path, r->states->names[at]);
	memcpy(r->states->vectors + at * r->hidden, vector, r->hidden * sizeof(*vector));
	r->found[at] = true;
	return 0;
}

/* The names of the states that are there, as far as there is room. */
static void
list_names(struct buffer *known, const struct schema *s, const struct batch *b)
{
	size_t state = (size_t)schema_find(s, "state"), size;

	for (size_t i = 0; i < b->rows && known->size < 300; i++) {
		const char *name = array_text(&s->fields[state], &b->columns[state], i, &size);

		buffer_add(known, ", ", known->size ? 2 : 0);
		buffer_add(known, name, name ? size : 0);
	}
}

static int
read_vectors(struct reading *r, struct cells_reader *in, struct err *e)
{
	const struct schema *s = cells_schema(in);
	struct buffer known = { 0 };
	struct batch b = { 0 };

	while (cells_read(in, &b, e) > 0) {
		list_names(&known, s, &b);
		for (size_t i = 0; i < b.rows && !e->is_set; i++)
			take_row(r, s, &b, i, e);
	}
	for (size_t i = 0; i < r->states->n && !e->is_set; i++)
		if (!r->found[i])
			err_set(e, "%s: there is no state %s; there are %.*s", r->path,
			    r->states->names[i], (int)(known.size < 300 ? known.size : 300),
			    known.data ? (const char *)known.data : "none");
	batch_free(&b);
	buffer_free(&known);
	return e->is_set ? -1 : 0;
}

struct perturb_states *
perturb_states_read(const struct cli *cli, const char *path,
    const struct perturb_state_names *names, const struct perturb_states_of *of, struct err *e)
{
	struct perturb_states *s;
	struct cells_reader *in = cells_open(cli, path, KIND_EMBEDDINGS, e);

	if (!in)
		return NULL;
	s = mem_zero(1, sizeof(*s));
	if (list_states(s, names, e) == 0 &&
	    check_making(s, cli, path, cells_schema(in), of, e) == 0) {
		struct reading r = { path, s, of->hidden, mem_zero(s->n, sizeof(bool)) };

		s->vectors = mem_zero(s->n * of->hidden, sizeof(*s->vectors));
		read_vectors(&r, in, e);
		hash_hex128(s->vectors, s->n * of->hidden * sizeof(*s->vectors), s->hash);
		free(r.found);
	}
	cells_close(in);
	if (!e->is_set)
		return s;
	perturb_states_free(s);
	return NULL;
}

void
perturb_states_free(struct perturb_states *s)
{
	if (!s)
		return;
	name_list_free(s->names, s->n);
	free(s->vectors);
	free(s);
}
