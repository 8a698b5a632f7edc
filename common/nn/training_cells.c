#include "nn/training_cells.h"

#include <string.h>
#include <sys/stat.h>

#include "base/ranks.h"
#include "formats/genes_file.h"
#include "nn/model_vocabulary.h"

/* Opens the first file, and finds out what its tokens are. */
static struct token_source *
open_first(const struct training_cells_options *o, struct genes **ret_genes, struct err *e)
{
	struct genes *given = o->dictionary ? genes_open(o->cli, o->dictionary, e) : NULL;
	struct token_source *source = token_source_open(o->cli, o->cli->input, given, e);

	if (!source) {
		genes_free(given);
		return NULL;
	}
	*ret_genes = model_vocabulary_choose(
	    given, token_source_schema(source), token_source_name(source), o->model, true, e);
	return source;
}

/* Adds the source, which is NULL after an error, and closes it. */
static void
add(const struct training_cells_options *o, struct token_corpus *c, struct token_source *source,
    enum token_set set, struct err *e)
{
	if (source)
		token_corpus_add(c, source, set, o->visit, o->context, e);
	token_source_close(source);
}

static void
read_all(const struct training_cells_options *o, struct token_source *first,
    const struct genes *genes, struct token_corpus *c, struct err *e)
{
	const struct cli *cli = o->cli;

	add(o, c, first, TOKEN_SET_TRAIN, e);
	for (size_t i = 1; i < cli->n_inputs; i++)
		add(o, c, token_source_open(cli, cli->inputs[i], genes, e), TOKEN_SET_TRAIN, e);
	if (o->eval)
		add(o, c, token_source_open(cli, o->eval, genes, e), TOKEN_SET_EVAL, e);
	if (!e->is_set && token_corpus_truncated(c))
		cli_warn(cli, "%llu cells cut to the model's %zu positions",
		    (unsigned long long)token_corpus_truncated(c), o->positions);
}

int
training_cells_check(const struct cli *cli, const char *eval, const char *why, struct err *e)
{
	size_t n = cli->n_inputs;
	struct stat st;

	if (n == 0)
		return err_set(e, "%s, so it cannot be standard input", why);
	for (size_t i = 0; i < n + (eval != NULL); i++) {
		const char *path = i < n ? cli->inputs[i] : eval;

		if (strcmp(path, "-") == 0 ||
		    (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
			return err_set(e, "%s: %s, so it cannot be a pipe", path, why);
	}
	return 0;
}

int
training_cells_read(const struct training_cells_options *o, struct genes **ret_genes,
    struct token_corpus **ret_corpus, struct err *e)
{
	struct token_source *first;

	*ret_genes = NULL;
	*ret_corpus = NULL;
	if (!e->is_set && ranks_count() > 1)
		training_cells_check(o->cli, o->eval, "each process reads FILE", e);
	if (e->is_set)
		return -1;
	first = open_first(o, ret_genes, e);
	if (e->is_set) {
		token_source_close(first);
	} else {
		const struct genes *genes = *ret_genes;
		struct token_corpus_options how = { .limits = { genes->n_tokens, o->positions,
							o->is_truncating, genes->eos },
			.vocabulary = genes,
			.max_memory = o->max_memory,
			.cli = o->cli };

		*ret_corpus = token_corpus_new(&how);
		read_all(o, first, genes, *ret_corpus, e);
	}
	if (!e->is_set)
		return 0;
	token_corpus_free(*ret_corpus);
	genes_free(*ret_genes);
	*ret_corpus = NULL;
	*ret_genes = NULL;
	return -1;
}
