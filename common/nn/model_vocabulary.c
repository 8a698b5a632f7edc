#include <string.h>

#include "formats/genes_file.h"
#include "nn/model_vocabulary.h"

/* The vocabulary that the cells have, which DICT must not contradict; that is returned then. */
static struct genes *
own_vocabulary(const char *name, const char *text, struct genes *given, struct err *e)
{
	struct genes *own = genes_from_vocabulary(text, e);
	struct arena a = { 0 };

	if (own && given && strcmp(genes_vocabulary(given, &a), genes_vocabulary(own, &a)) != 0)
		err_set(e, "its vocabulary is not that of the dictionary");
	err_prefix(e, "%s", name);
	arena_free(&a);
	if (!given)
		return own;
	genes_free(own);
	return given;
}

static struct genes *
find(struct genes *given, const struct schema *s, const char *name, const struct model *model,
    struct err *e)
{
	const char *text;

	text = metadata_get(&s->fields[schema_find(s, "input_ids")].metadata, "cells:vocabulary");
	if (text)
		return own_vocabulary(name, text, given, e);
	if (given)
		return given;
	return model && model->vocabulary ? genes_from_names((const char *const *)model->vocabulary,
						model->config.vocab, e)
					  : NULL;
}

static int
check(const char *from, const struct genes *genes, const struct model *model, struct err *e)
{
	if (genes->n_tokens != model->config.vocab)
		return err_set(e,
		    "%s: the model %s has a vocabulary of %zu, but the cells have one of %zu", from,
		    model->path, model->config.vocab, genes->n_tokens);
	for (size_t t = 0; model->vocabulary && t < genes->n_tokens; t++) {
		size_t size;
		const char *name = strings_get(genes->ids, (size_t)genes->token_rows[t], &size);
		const char *own = model->vocabulary[t];

		if (own && (strlen(own) != size || memcmp(own, name, size) != 0))
			return err_set(e,
			    "%s: token %zu is %.*s in the cells, but %s in the model %s", from, t,
			    (int)size, name, own, model->path);
	}
	return 0;
}

struct genes *
model_vocabulary_choose(struct genes *given, const struct schema *s, const char *name,
    const struct model *model, bool is_needed, struct err *e)
{
	struct genes *genes = e->is_set ? given : find(given, s, name, model, e);

	if (!e->is_set && !genes && is_needed)
		err_set(e,
		    "%s: the stream has no vocabulary, so special tokens and genes are unknown; "
		    "give it with -d DICT",
		    name);
	if (!e->is_set && genes && model)
		check(name, genes, model, e);
	if (!e->is_set)
		return genes;
	genes_free(genes);
	return NULL;
}

struct genes *
model_vocabulary_find(struct cli *cli, const char *dictionary, const struct cells_reader *in,
    const struct model *model, bool is_needed, struct err *e)
{
	struct genes *given;

	if (e->is_set)
		return NULL;
	given = dictionary ? genes_open(cli, dictionary, e) : NULL;
	return model_vocabulary_choose(
	    given, cells_schema(in), cells_name(in), model, is_needed, e);
}
