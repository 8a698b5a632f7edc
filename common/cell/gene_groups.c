#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/io.h"
#include "cell/gene_groups.h"
#include "cell/string_set.h"

enum { FILE_LIMIT = 64 << 20 };

/* One group. */
static int
each_gene(const char *text, size_t size, gene_group_visit *f, void *context, struct err *e)
{
	for (const char *from = text, *end = text + size; from <= end;) {
		const char *plus = memchr(from, '+', (size_t)(end - from));
		size_t n = (size_t)((plus ? plus : end) - from);

		if (!size)
			return err_set(e, "an empty group");
		if (!n)
			return err_set(e, "'%.*s': a gene without a name",
			    (int)(size < 100 ? size : 100), text);
		if (f(context, from, n, !plus, e))
			return -1;
		from += n + 1;
	}
	return 0;
}

static int
each_line(const char *text, gene_group_visit *f, void *context, bool *ret_any, struct err *e)
{
	size_t number = 1;

	for (const char *line = text; *line; number++) {
		size_t size = strcspn(line, "\n"), n = size;

		while (n && strchr(" \t\r", line[n - 1]))
			n--;
		if (n && each_gene(line, n, f, context, e))
			return err_prefix(e, "line %zu", number);
		*ret_any |= n > 0;
		line += size + (line[size] == '\n');
	}
	return 0;
}

int
gene_groups_each(const char *text, gene_group_visit *f, void *context, struct err *e)
{
	bool any = false;

	if (*text == '@') {
		char *lines = io_read_file(text + 1, FILE_LIMIT, NULL, e);

		if (!lines)
			return -1;
		if (each_line(lines, f, context, &any, e))
			err_prefix(e, "%s", text + 1);
		else if (!any)
			err_set(e, "%s: holds no gene", text + 1);
		free(lines);
		return e->is_set ? -1 : 0;
	}
	for (const char *from = text; !e->is_set; from++) {
		size_t size = strcspn(from, ",");

		if (each_gene(from, size, f, context, e) || !from[size])
			break;
		from += size;
	}
	return e->is_set ? -1 : 0;
}

int32_t
gene_token(const struct genes *vocabulary, const struct genes *dictionary, const char *name,
    size_t size, struct err *e)
{
	const struct name_rules rules = { true, true };
	ptrdiff_t row = genes_map(vocabulary, name, size, rules);
	int shown = (int)(size < 100 ? size : 100);

	if (row < 0 && dictionary && (row = genes_map(dictionary, name, size, rules)) >= 0) {
		size_t n;
		const char *id = strings_get(dictionary->ids, (size_t)row, &n);

		row = genes_find(vocabulary, id, n);
	}
	if (row < 0 || vocabulary->tokens[row] == NO_TOKEN)
		return err_set(e, "gene %.*s is not in the vocabulary%s", shown, name,
		    dictionary ? "" : " (for symbols give -d DICT)");
	if (genes_is_special(vocabulary, (size_t)row))
		return err_set(e, "%.*s is a special token, not a gene", shown, name);
	return vocabulary->tokens[row];
}

struct reading {
	struct gene_group_list *list;
	const struct genes *vocabulary, *dictionary;
	struct string_set seen; /* the groups' tokens as bytes */
	size_t start;           /* of the group at hand, in tokens */
};

static size_t
n_tokens(const struct gene_group_list *list)
{
	return list->tokens.size / sizeof(int32_t);
}

static void
end_group(struct reading *r)
{
	struct gene_group_list *list = r->list;
	const int32_t *tokens = (const int32_t *)(const void *)list->tokens.data;
	size_t n = r->seen.n, end = n_tokens(list);

	if (string_set_add(&r->seen, (const char *)(tokens + r->start),
		(end - r->start) * sizeof(*tokens)) < n) {
		list->n_repeated++;
		list->tokens.size = r->start * sizeof(*tokens);
		return;
	}
	buffer_add(&list->cu, &end, sizeof(end));
	r->start = end;
}

static int
take_gene(void *context, const char *name, size_t size, bool is_last, struct err *e)
{
	struct reading *r = context;
	struct gene_group_list *list = r->list;
	int32_t token = gene_token(r->vocabulary, r->dictionary, name, size, e);
	bool is_new = true;

	if (token < 0)
		return -1;
	for (size_t i = r->start; i < n_tokens(list); i++)
		is_new &= ((const int32_t *)(const void *)list->tokens.data)[i] != token;
	if (is_new)
		buffer_add(&list->tokens, &token, sizeof(token));
	if (is_last)
		end_group(r);
	return 0;
}

int
gene_groups_read(struct gene_group_list *list, const char *text, const struct genes *vocabulary,
    const struct genes *dictionary, struct err *e)
{
	struct reading r = { list, vocabulary, dictionary, { 0 }, 0 };
	static const size_t zero;

	buffer_add(&list->cu, &zero, sizeof(zero));
	gene_groups_each(text, take_gene, &r, e);
	string_set_free(&r.seen);
	list->groups = (struct gene_groups){ list->cu.size / sizeof(size_t) - 1,
		(const int32_t *)(const void *)list->tokens.data,
		(const size_t *)(const void *)list->cu.data };
	return e->is_set ? -1 : 0;
}

void
gene_group_list_hash(const struct gene_group_list *list, char ret_text[34])
{
	ret_text[0] = '@';
	hash_hex128(list->tokens.data, list->tokens.size, ret_text + 1);
}

void
gene_group_list_free(struct gene_group_list *list)
{
	buffer_free(&list->tokens);
	buffer_free(&list->cu);
}
