#include "formats/h5ad_columns.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "formats/cells.h"

static const char *
next_name(const char *p)
{
	p = strchr(p, ',');
	return p ? p + 1 : NULL;
}

static bool
is_none(const char *list)
{
	return strcmp(list, "") == 0 || strcmp(list, "none") == 0;
}

static bool
is_wanted(const char *list, const char *name)
{
	size_t size = strlen(name);

	if (!list)
		return true;
	for (const char *p = is_none(list) ? NULL : list; p; p = next_name(p))
		if (strcspn(p, ",") == size && strncmp(p, name, size) == 0)
			return true;
	return false;
}

/* Every name that was asked for must be there. */
static int
check_list(struct h5ad_frame *obs, const char *list, struct err *e)
{
	for (const char *p = !list || is_none(list) ? NULL : list; p; p = next_name(p)) {
		char *name = mem_strndup(p, strcspn(p, ","));

		if (!h5ad_frame_find(obs, name))
			hdf5_fail(&obs->file->file, obs->path, e, "no column %s (--obs)", name);
		free(name);
	}
	return e->is_set ? -1 : 0;
}

static bool
is_name_taken(const struct h5ad_columns *c, const char *name)
{
	static const char *const ours[] = { "cell", "gene", "count", "n_counts" };

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcmp(name, ours[i]) == 0)
			return true;
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(name, c->names[i]) == 0)
			return true;
	return false;
}

/* Adds a name to a sentence that becomes one warning. */
static void
mention(struct arena *a, const char **sentence, const char *name)
{
	if (!utf8_is_valid(name, strlen(name)))
		name = "(a name that is not UTF-8)";
	*sentence = arena_printf(a, "%s%s%s", *sentence, **sentence ? ", " : "", name);
}

int
h5ad_columns_choose(
    struct h5ad_frame *obs, const char *list, struct h5ad_columns *ret, struct err *e)
{
	struct arena *arena = &obs->file->arena;

	*ret = (struct h5ad_columns){ .odd = "", .renamed = "" };
	if (e->is_set || check_list(obs, list, e))
		return -1;
	ret->columns = arena_alloc(arena, obs->n_columns, sizeof(*ret->columns));
	ret->names = arena_alloc(arena, obs->n_columns, sizeof(*ret->names));
	for (size_t i = 0; i < obs->n_columns; i++) {
		struct h5ad_column *c = &obs->columns[i];
		const char *renamed = kind_renamed(arena, c->name);
		const char *name = renamed ? renamed : c->name;

		if (strcmp(c->name, "n_counts") == 0 || !is_wanted(list, c->name))
			continue;
		if (c->type == H5AD_ODD || !utf8_is_valid(name, strlen(name)) ||
		    is_name_taken(ret, name)) {
			mention(arena, &ret->odd, c->name);
			continue;
		}
		if (renamed)
			mention(arena, &ret->renamed, renamed);
		if (h5ad_column_open(obs, c, e))
			return -1;
		ret->names[ret->n] = name;
		ret->columns[ret->n++] = c;
	}
	return 0;
}
