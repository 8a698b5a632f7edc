/* perturbation_pickle.c - see perturbation_pickle.h. */

#include "formats/perturbation_pickle.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/io.h"
#include "base/mem.h"
#include "formats/pickle.h"

enum { MOST_WIDTH = 16 };

struct perturbation_pickle {
	char *path;
	struct io_map map;
	struct pickle *pickle;
	const struct pickle_value *root;
	bool has_states;
};

/* States are the text keys of the outer dictionary; one of none is {} (written for a batch without
 * cells). */
static int
check_root(struct perturbation_pickle *p, struct err *e)
{
	const struct pickle_value *root = p->root;

	if (root->kind != PICKLE_DICT)
		return err_set(
		    e, "%s: holds %s, not a dictionary", p->path, pickle_kind_name(root->kind));
	p->has_states = root->size && root->items[0]->kind == PICKLE_TEXT;
	for (size_t i = 0; p->has_states && i < root->size; i++)
		if (root->items[2 * i]->kind != PICKLE_TEXT ||
		    root->items[2 * i + 1]->kind != PICKLE_DICT)
			return err_set(e,
			    "%s: entry %zu: not a state with its dictionary (no raw result of "
			    "InSilicoPerturber)",
			    p->path, i);
	return 0;
}

struct perturbation_pickle *
perturbation_pickle_open(const char *path, struct err *e)
{
	struct perturbation_pickle *p;

	if (e->is_set)
		return NULL;
	p = mem_zero(1, sizeof(*p));
	p->path = mem_strdup(path);
	if (io_map_open(&p->map, path, e) == 0 &&
	    (p->pickle = pickle_read(p->map.bytes, p->map.size, path, e))) {
		p->root = pickle_root(p->pickle);
		check_root(p, e);
	}
	if (!e->is_set)
		return p;
	perturbation_pickle_close(p);
	return NULL;
}

void
perturbation_pickle_close(struct perturbation_pickle *p)
{
	if (!p)
		return;
	pickle_free(p->pickle);
	io_map_close(&p->map);
	free(p->path);
	free(p);
}

size_t
perturbation_pickle_entries(const struct perturbation_pickle *p)
{
	size_t n = 0;

	for (size_t i = 0; p->has_states && i < p->root->size; i++)
		n += p->root->items[2 * i + 1]->size;
	return p->has_states ? n : p->root->size;
}

size_t
perturbation_pickle_states(const struct perturbation_pickle *p)
{
	return p->has_states ? p->root->size : 0;
}

const char *
perturbation_pickle_state(const struct perturbation_pickle *p, size_t i, size_t *ret_size)
{
	*ret_size = p->root->items[2 * i]->size;
	return p->root->items[2 * i]->text;
}

/* What an entry is read into. */
struct reading {
	struct buffer tokens, values; /* int64_t, double */
	struct pickle_entry entry;
};

static bool
read_token(const struct pickle_value *v, int64_t *ret_token)
{
	if (v->kind != PICKLE_INT || v->integer < 0)
		return false;
	*ret_token = v->integer;
	return true;
}

/* The key: (token or tuple of tokens, token or "cell_emb"). NULL, or what is wrong with it. */
static const char *
read_key(struct reading *r, const struct pickle_value *key)
{
	const struct pickle_value *perturbed;
	int64_t token;

	if (key->kind != PICKLE_TUPLE || key->size != 2)
		return "its key is not a pair (perturbed, affected)";
	perturbed = key->items[0];
	r->tokens.size = 0;
	if (perturbed->kind == PICKLE_TUPLE && !perturbed->size)
		return "an empty group: no gene is perturbed";
	if (perturbed->kind == PICKLE_TUPLE) {
		for (size_t i = 0; i < perturbed->size; i++) {
			if (!read_token(perturbed->items[i], &token))
				return "what is perturbed is not a tuple of tokens";
			buffer_add(&r->tokens, &token, sizeof(token));
		}
	} else if (read_token(perturbed, &token)) {
		buffer_add(&r->tokens, &token, sizeof(token));
	} else {
		return "what is perturbed is neither a token nor a tuple of tokens";
	}
	if (pickle_is(key->items[1], "cell_emb"))
		r->entry.affected = AFFECTED_CELL;
	else if (!read_token(key->items[1], &r->entry.affected))
		return "what is affected is neither a token nor 'cell_emb'";
	return NULL;
}

static bool
read_number(struct reading *r, const struct pickle_value *v)
{
	double x = v->kind == PICKLE_FLOAT ? v->real : (double)v->integer;

	if (v->kind != PICKLE_FLOAT && v->kind != PICKLE_INT)
		return false;
	buffer_add(&r->values, &x, sizeof(x));
	return true;
}

/* One number, or a tuple of as many as the others have. */
static bool
read_numbers(struct reading *r, const struct pickle_value *v)
{
	if (v->kind != PICKLE_TUPLE)
		return r->entry.width == 1 && read_number(r, v);
	if (v->size != r->entry.width)
		return false;
	for (size_t i = 0; i < v->size; i++)
		if (!read_number(r, v->items[i]))
			return false;
	return true;
}

static const char *
read_values(struct reading *r, const struct pickle_value *list)
{
	const struct pickle_value *first =
	    list->kind == PICKLE_LIST && list->size ? list->items[0] : NULL;

	if (list->kind != PICKLE_LIST)
		return "its value is not a list";
	r->values.size = 0;
	r->entry.n = list->size;
	r->entry.width = first && first->kind == PICKLE_TUPLE ? first->size : 1;
	if (!r->entry.width || r->entry.width > MOST_WIDTH)
		return "its value is a list of tuples that are empty or too long";
	for (size_t i = 0; i < list->size; i++)
		if (!read_numbers(r, list->items[i]))
			return "its value is not a list of numbers, or of tuples of them, all of "
			       "the same length";
	return NULL;
}

static int
visit_entry(const struct perturbation_pickle *p, struct reading *r,
    const struct pickle_value *dictionary, size_t i, pickle_entry_visit *visit, void *context,
    struct err *e)
{
	const char *problem = read_key(r, dictionary->items[2 * i]);

	if (!problem)
		problem = read_values(r, dictionary->items[2 * i + 1]);
	if (problem)
		return err_set(e, "%s: entry %zu: %s", p->path, i, problem);
	r->entry.perturbed = (const int64_t *)(const void *)r->tokens.data;
	r->entry.n_perturbed = r->tokens.size / sizeof(int64_t);
	r->entry.values = (const double *)(const void *)r->values.data;
	if (visit(context, &r->entry, e))
		return err_prefix(e, "%s: entry %zu", p->path, i);
	return 0;
}

int
perturbation_pickle_visit(const struct perturbation_pickle *p, size_t state,
    pickle_entry_visit *visit, void *context, struct err *e)
{
	const struct pickle_value *dictionary =
	    p->has_states ? p->root->items[2 * state + 1] : p->root;
	struct reading r = { 0 };

	for (size_t i = 0; i < dictionary->size && !e->is_set; i++)
		visit_entry(p, &r, dictionary, i, visit, context, e);
	buffer_free(&r.tokens);
	buffer_free(&r.values);
	return e->is_set ? -1 : 0;
}
