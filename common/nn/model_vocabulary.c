#include <string.h>

#include "formats/genes_file.h"
#include "nn/model_vocabulary.h"

/* The vocabulary that the stream has, which DICT must not contradict. */
static struct genes *
own_vocabulary(
    const struct cells_reader *in, const char *text, const struct genes *given, struct err *e)
{
	struct genes *own = genes_from_vocabulary(text, e);
	struct arena a = { 0 };

	if (own && given && strcmp(genes_vocabulary(given, &a), genes_vocabulary(own, &a)) != 0)
		err_set(e, "its vocabulary is not that of the dictionary");
	err_prefix(e, "%s", cells_name(in));
	arena_free(&a);
	return own;
}

static struct genes *
find(struct cli *cli, const char *dictionary, const struct cells_reader *in,
    const struct model *model, struct err *e)
{
	const struct schema *s = cells_schema(in);
	struct genes *given = dictionary ? genes_open(cli, dictionary, e) : NULL;
	const char *text;

	if (e->is_set)
		return given;
	text = metadata_get(&s->fields[schema_find(s, "input_ids")].metadata, "cells:vocabulary");
	if (text) {
		struct genes *own = own_vocabulary(in, text, given, e);

		genes_free(given);
		return own;
	}
	if (given)
		return given;
	return model->vocabulary ? genes_from_names((const char *const *)model->vocabulary,
				       model->config.vocab, e)
				 : NULL;
}

static int
check(const struct cells_reader *in, const struct genes *genes, const struct model *model,
    struct err *e)
{
	if (genes->n_tokens != model->config.vocab)
		return err_set(e,
		    "%s: the model %s has a vocabulary of %zu, but the cells have one of %zu",
		    cells_name(in), model->path, model->config.vocab, genes->n_tokens);
	for (size_t t = 0; model->vocabulary && t < genes->n_tokens; t++) {
		size_t size;
		const char *name = strings_get(genes->ids, (size_t)genes->token_rows[t], &size);
		const char *own = model->vocabulary[t];

		if (own && (strlen(own) != size || memcmp(own, name, size) != 0))
			return err_set(e,
			    "%s: token %zu is %.*s in the cells, but %s in the model %s",
			    cells_name(in), t, (int)size, name, own, model->path);
	}
	return 0;
}

struct genes *
model_vocabulary_find(struct cli *cli, const char *dictionary, const struct cells_reader *in,
    const struct model *model, bool is_needed, struct err *e)
{
	struct genes *genes;

	if (e->is_set)
		return NULL;
	genes = find(cli, dictionary, in, model, e);
	if (!e->is_set && !genes && is_needed)
		err_set(e,
		    "%s: the stream has no vocabulary, so special tokens and genes are unknown; "
		    "give it with -d DICT",
		    cells_name(in));
	if (!e->is_set && genes)
		check(in, genes, model, e);
	if (!e->is_set)
		return genes;
	genes_free(genes);
	return NULL;
}
