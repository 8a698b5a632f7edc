#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "nn/class_columns.h"
#include "nn/logistic_predictor.h"

struct logistic_predictor {
	const struct logistic_file *file;
	const char *name; /* of the stream */
	const struct schema *in;
	struct gene_source source;
	struct class_columns columns;
	size_t removed[2], n_removed; /* columns of the input that are left out, ascending */
	bool is_known;                /* the stream says which genes it has */
	atomic_bool has_rows, is_met; /* some cell has a gene of the model */
};

/* x W + b */
static void
add_dense(const struct logistic_file *f, const float *x, double *logits)
{
	for (size_t i = 0; i < f->n_features; i++)
		for (size_t k = 0; k < f->n_classes; k++)
			logits[k] += (double)x[i] * f->weights[i * f->n_classes + k];
}

static void
add_sparse(const struct logistic_file *f, const struct gene_features *x, size_t row, double *logits)
{
	for (size_t i = x->offsets[row]; i < x->offsets[row + 1]; i++) {
		const double *weights = f->weights + x->genes[i] * f->n_classes;

		for (size_t k = 0; k < f->n_classes; k++)
			logits[k] += (double)x->values[i] * weights[k];
	}
}

static int
find_features(struct logistic_predictor *p, struct batch *b, struct gene_features *ret_features,
    const float **ret_dense, struct err *e)
{
	const struct array *list = &b->columns[p->removed[0]];

	if (p->file->genes) {
		if (gene_features_of(&p->source, b, ret_features, e))
			return -1;
		if (ret_features->offsets[b->rows] > 0)
			p->is_met = true;
		return 0;
	}
	for (size_t i = 0; i < b->rows; i++)
		if (!array_is_valid(list, i))
			return err_set(e, "row %zu: no embedding", i);
	if (list->children[0].null_count > 0)
		return err_set(e, "an embedding with nulls");
	*ret_dense = list->children[0].values;
	return 0;
}

int
logistic_predictor_work(struct batch *b, void *logistic_predictor, struct err *e)
{
	struct logistic_predictor *p = logistic_predictor;
	const struct logistic_file *f = p->file;
	size_t n = f->n_classes, width = class_columns_width(&p->columns);
	double *exact = arena_alloc(&b->arena, n, sizeof(*exact));
	float *logits = arena_alloc(&b->arena, n, sizeof(*logits));
	float *scores = arena_alloc(&b->arena, b->rows, width * sizeof(*scores));
	struct gene_features x;
	const float *dense = NULL;

	if (find_features(p, b, &x, &dense, e))
		return -1;
	for (size_t i = 0; i < b->rows; i++) {
		memcpy(exact, f->intercepts, n * sizeof(*exact));
		if (dense)
			add_dense(f, dense + i * f->n_features, exact);
		else
			add_sparse(f, &x, i, exact);
		for (size_t k = 0; k < n; k++)
			logits[k] = (float)exact[k];
		if (class_columns_score(&p->columns, logits, scores + i * width))
			return err_set(e, "row %zu: its features give no finite logits", i);
	}
	if (b->rows > 0)
		p->has_rows = true;
	for (size_t i = p->n_removed; i > 0; i--)
		batch_remove(b, p->removed[i - 1]);
	class_columns_add(&p->columns, b, p->removed[0], scores);
	return 0;
}

/* Which columns the features are made of. */
static void
find_columns(struct logistic_predictor *p)
{
	static const struct {
		enum kind kind;
		const char *names[2];
	} used[] = { { KIND_COUNTS, { "gene", "count" } }, { KIND_VALUES, { "gene", "value" } },
		{ KIND_TOKENS, { "input_ids", "length" } },
		{ KIND_EMBEDDINGS, { "embedding", "embedding" } } };
	size_t u = 0;

	while (used[u].kind != p->file->kind)
		u++;
	for (size_t i = 0; i < p->in->n_fields; i++)
		if (strcmp(p->in->fields[i].name, used[u].names[0]) == 0 ||
		    strcmp(p->in->fields[i].name, used[u].names[1]) == 0)
			p->removed[p->n_removed++] = i;
}

struct schema *
logistic_predictor_schema(const struct logistic_predictor *p)
{
	static const char *const taken[] = { "embedding", "gene", "state", "n_cells" };
	struct schema *s;

	if (!p)
		return NULL;
	s = schema_copy(p->in);
	for (size_t i = p->n_removed; i > 0; i--)
		schema_remove(s, p->removed[i - 1]);
	class_columns_vacate(&p->columns, s);
	/* Embeddings may be those of genes or states, which have these columns. */
	for (size_t i = 0; p->file->genes && i < sizeof(taken) / sizeof(taken[0]); i++)
		schema_vacate(s, taken[i]);
	class_columns_add_fields(&p->columns, s, p->removed[0]);
	return s;
}

static void
match_features(struct logistic_predictor *p, const struct cli *cli, const struct genes *vocabulary,
    struct err *e)
{
	const struct logistic_file *f = p->file;
	const struct field *embedding = &p->in->fields[p->removed[0]];
	ptrdiff_t n_found;
	size_t n_missing;

	if (!f->genes) {
		if ((size_t)embedding->list_size != f->n_features)
			err_set(e, "%s: embeddings of %d numbers, but the model takes %zu", p->name,
			    (int)embedding->list_size, f->n_features);
		return;
	}
	gene_source_find(&p->source, f->feature, p->in, vocabulary, f->genes, &n_found);
	p->is_known = n_found >= 0;
	n_missing = n_found > 0 ? f->n_features - (size_t)n_found : 0;
	if (n_found == 0)
		err_set(e, "%s: has none of the model's %zu genes (the first is %.*s)", p->name,
		    f->n_features, (int)f->genes->offsets[1], f->genes->bytes);
	else if (n_missing)
		cli_warn(cli, "%s: %zu of the model's %zu genes are not there and count as 0",
		    p->name, n_missing, f->n_features);
}

struct logistic_predictor *
logistic_predictor_new(const struct cli *cli, const struct logistic_file *file,
    const struct class_names *names, const struct cells_reader *in, const struct genes *vocabulary,
    struct err *e)
{
	struct logistic_predictor *p;

	if (e->is_set)
		return NULL;
	p = mem_zero(1, sizeof(*p));
	p->file = file;
	p->name = cells_name(in);
	p->in = cells_schema(in);
	p->columns = (struct class_columns){ .names = names, .n_classes = file->n_classes };
	find_columns(p);
	match_features(p, cli, vocabulary, e);
	if (!e->is_set)
		return p;
	logistic_predictor_free(p);
	return NULL;
}

int
logistic_predictor_check(const struct logistic_predictor *p, struct err *e)
{
	const struct logistic_file *f = p ? p->file : NULL;

	if (e->is_set || !f || !f->genes || p->is_known || !p->has_rows || p->is_met)
		return 0;
	return err_set(e, "%s: no cell has any of the model's %zu genes (the first is %.*s)",
	    p->name, f->n_features, (int)f->genes->offsets[1], f->genes->bytes);
}

void
logistic_predictor_free(struct logistic_predictor *p)
{
	if (!p)
		return;
	gene_source_free(&p->source);
	free(p);
}
