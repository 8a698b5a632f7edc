/* 1. Cells
 * 2. Genes
 * 3. The columns of cells
 * 4. All of it */

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/class_columns.h"
#include "nn/class_rows.h"
#include "nn/class_scores.h"
#include "nn/class_test.h"
#include "nn/corpus_embed.h"
#include "nn/token_summary.h"

struct testing {
	const struct class_test_options *o;
	struct cli cli; /* its output is that of the predictions */
	struct class_test *ret;
	struct plan plan;
	size_t n_classes;        /* of all tasks */
	struct class_rows *rows; /* of genes: where they go; NULL: nowhere */

	/* Cells: of the set, in order. */
	struct buffer numbers; /* uint64_t [n] */
	struct buffer logits;  /* float [n][n_classes] */

	/* Genes: */
	struct token_summary *probabilities;
};

static void
add_result(struct class_test_task *t, uint32_t truth, const float *probabilities,
    const float *judged, size_t n)
{
	uint32_t predicted = (uint32_t)class_best(judged, n);
	double p = (double)probabilities[truth];

	buffer_add(&t->truth, &truth, sizeof(truth));
	buffer_add(&t->predicted, &predicted, sizeof(predicted));
	t->loss -= log(p > 0 ? p : DBL_MIN);
	t->n++;
}

/* 1. Cells */

static int
judge_cell(
    struct testing *t, uint64_t row, const float *logits, float *probabilities, struct err *e)
{
	for (size_t k = 0; k < t->ret->n_tasks; k++) {
		size_t n = t->o->names->tasks[k].names->n;
		int32_t truth = label_rows_get(t->o->labels, k, row);

		if (class_probabilities(logits, n, probabilities))
			return err_set(e, "row %llu: the model gives logits that are no numbers",
			    (unsigned long long)row);
		if (truth >= 0)
			add_result(&t->ret->tasks[k], (uint32_t)truth, probabilities, logits, n);
		logits += n;
	}
	return 0;
}

static int
take_cells(void *context, const struct corpus_group *group, struct err *e)
{
	struct testing *t = context;
	float *probabilities = mem_alloc(t->n_classes, sizeof(*probabilities));

	for (size_t i = 0; i < group->cells.n && !e->is_set; i++)
		judge_cell(t, group->rows[i], group->vectors + i * t->n_classes, probabilities, e);
	free(probabilities);
	if (t->o->predictions) {
		buffer_add(&t->numbers, group->rows, group->cells.n * sizeof(*group->rows));
		buffer_add(&t->logits, group->vectors,
		    group->cells.n * t->n_classes * sizeof(*group->vectors));
	}
	return e->is_set ? -1 : 0;
}

/* 2. Genes */

/* The tokens that have a label in the set, with their logits; cells without any go. */
static void
keep_labelled(const struct testing *t, const struct corpus_group *group, struct arena *a,
    struct token_cells *ret_cells, float **ret_logits)
{
	const struct token_cells *from = &group->cells;
	const int32_t *labels = t->o->gene_labels->of[t->o->set];
	size_t n_tokens = from->offsets[from->n], n = 0, n_cells = 0;
	int32_t *ids = arena_alloc(a, n_tokens, sizeof(*ids));
	size_t *offsets = arena_zero(a, from->n + 1, sizeof(*offsets));
	float *logits = arena_alloc(a, n_tokens, t->n_classes * sizeof(*logits));

	for (size_t c = 0; c < from->n; c++) {
		for (size_t i = from->offsets[c]; i < from->offsets[c + 1]; i++) {
			if (labels[from->ids[i]] < 0)
				continue;
			memcpy(logits + n * t->n_classes, group->vectors + i * t->n_classes,
			    t->n_classes * sizeof(*logits));
			ids[n++] = from->ids[i];
		}
		if (n > offsets[n_cells])
			offsets[++n_cells] = n;
	}
	*ret_cells = (struct token_cells){ .n = n_cells, .ids = ids, .offsets = offsets };
	*ret_logits = logits;
}

static int
take_genes(void *context, const struct corpus_group *group, struct err *e)
{
	struct testing *t = context;
	struct batch b = { 0 };
	struct token_cells cells;
	float *logits, *scores;
	size_t n;

	keep_labelled(t, group, &b.arena, &cells, &logits);
	n = cells.offsets[cells.n];
	scores = arena_alloc(&b.arena, n, t->n_classes * sizeof(*scores));
	for (size_t i = 0; i < n && !e->is_set; i++)
		if (class_probabilities(
			logits + i * t->n_classes, t->n_classes, scores + i * t->n_classes))
			err_set(e, "rows from %llu on: the model gives logits that are no numbers",
			    (unsigned long long)group->rows[0]);
	if (!e->is_set && cells.n)
		token_summary_add(t->probabilities, &cells, scores, e);
	if (!e->is_set && cells.n && t->rows) {
		struct embedded_group rows = { &b, &cells, logits, -1 };

		class_rows_take(t->rows, &rows, e);
	}
	batch_free(&b);
	return e->is_set ? -1 : 0;
}

static int
judge_genes(struct testing *t, struct err *e)
{
	struct vector_summary *v = t->probabilities->vectors;
	const int32_t *labels = t->o->gene_labels->of[t->o->set];
	float *mean = mem_alloc(t->n_classes, sizeof(*mean));

	for (size_t token = 0; token < vector_summary_groups(v) && !e->is_set; token++) {
		if (!vector_summary_count(v, token) || vector_summary_get(v, token, mean, e))
			continue;
		add_result(&t->ret->tasks[0], (uint32_t)labels[token], mean, mean, t->n_classes);
	}
	free(mean);
	return e->is_set ? -1 : 0;
}

/* 3. The columns of cells */

/* Where the inputs are read again. */
struct reading {
	struct testing *t;
	struct schema *schema;
	uint64_t row;    /* of the next batch */
	size_t next;     /* of the set */
	bool is_decoded; /* dictionaries of several sources may differ */
};

static const uint64_t *
numbers_of(const struct testing *t)
{
	return (const uint64_t *)(const void *)t->numbers.data;
}

/* Writes the rows of the batch that are of the set. */
static int
write_rows(struct reading *r, struct batch *b, struct err *e)
{
	struct testing *t = r->t;
	size_t n = t->numbers.size / sizeof(uint64_t), first = r->next, n_kept;
	size_t *kept = arena_alloc(&b->arena, b->rows, sizeof(*kept)), *offsets;
	const float *logits = (const float *)(const void *)t->logits.data;
	struct token_cells cells;

	for (; r->next < n && numbers_of(t)[r->next] < r->row + b->rows; r->next++)
		kept[r->next - first] = (size_t)(numbers_of(t)[r->next] - r->row);
	r->row += b->rows;
	n_kept = r->next - first;
	if (n_kept == 0)
		return 0;
	offsets = arena_zero(&b->arena, n_kept + 1, sizeof(*offsets));
	cells = (struct token_cells){ .n = n_kept, .offsets = offsets };
	batch_take(b, r->schema, kept, n_kept);

	struct embedded_group group = { b, &cells, logits + first * t->n_classes,
		(double)r->next / (double)n };

	return class_rows_take(t->rows, &group, e);
}

static bool
same_columns(const struct schema *a, const struct schema *b)
{
	if (a->n_fields != b->n_fields)
		return false;
	for (size_t i = 0; i < a->n_fields; i++)
		if (strcmp(a->fields[i].name, b->fields[i].name) != 0 ||
		    !field_same_type(&a->fields[i], &b->fields[i]))
			return false;
	return true;
}

/* The field of a column, or of the items of a list, that has a dictionary; else NULL. */
static struct field *
coded(const struct field *f)
{
	const struct field *of = f->type == TYPE_LIST ? &f->children[0] : f;

	return of->type == TYPE_UTF8 && of->dictionary ? (struct field *)(uintptr_t)of : NULL;
}

/* Columns of the first source; of several without dictionaries, which may differ. */
static struct schema *
plain_schema(const struct reading *r, const struct schema *from)
{
	struct schema *s = schema_copy(from);

	for (size_t i = 0; r->is_decoded && i < s->n_fields; i++)
		if (coded(&s->fields[i]))
			coded(&s->fields[i])->dictionary = NULL;
	return s;
}

static void
decode(struct batch *b, const struct schema *s)
{
	for (size_t i = 0; i < s->n_fields; i++)
		if (coded(&s->fields[i]))
			b->columns[i] = array_decode(&b->arena, &s->fields[i], &b->columns[i]);
}

static int
start_rows(struct reading *r, const struct token_source *source, struct err *e)
{
	const struct class_test_options *o = r->t->o;
	const struct class_rows_options how = { CLASS_ROWS_OF_CELLS, false };
	const struct schema *s = token_source_schema(source);

	if (!r->schema) {
		r->schema = plain_schema(r, s);
		r->t->rows = class_rows_new(
		    &r->t->cli, r->schema, o->genes, o->names, o->model, &r->t->plan, &how, e);
	} else if (!same_columns(r->schema, s)) {
		err_set(e, "%s: other columns than in the first file; --predictions wants the same",
		    token_source_name(source));
	}
	return e->is_set ? -1 : 0;
}

static int
read_again(struct reading *r, const char *path, struct err *e)
{
	struct token_source *source = token_source_open(&r->t->cli, path, r->t->o->genes, e);
	struct batch b = { 0 };

	if (source && start_rows(r, source, e) == 0)
		while (token_source_read(source, &b, e) > 0) {
			if (r->is_decoded)
				decode(&b, token_source_schema(source));
			if (write_rows(r, &b, e))
				break;
		}
	batch_free(&b);
	token_source_close(source);
	return e->is_set ? -1 : 0;
}

static int
write_cells(struct testing *t, struct err *e)
{
	const struct class_test_options *o = t->o;
	struct reading r = { .t = t, .is_decoded = o->cli->n_inputs + (o->eval != NULL) > 1 };

	for (size_t i = 0; i < o->cli->n_inputs && !e->is_set; i++)
		read_again(&r, o->cli->inputs[i], e);
	if (o->eval && !e->is_set)
		read_again(&r, o->eval, e);
	if (t->rows) {
		cells_commit(class_rows_finish(t->rows, e), e);
		class_rows_free(t->rows);
	}
	schema_free(r.schema);
	return e->is_set ? -1 : 0;
}

/* 4. All of it */

/* A stream of genes has no column of the cells. */
static struct schema *
token_schema(void)
{
	struct schema *s = schema_new();
	struct field id = field_int("item", 32, true), ids = field_list("input_ids", &id);
	struct field length = field_int("length", 64, true);

	schema_append(s, &ids);
	schema_append(s, &length);
	return s;
}

static int
test_genes(struct testing *t, struct embedder *m, struct err *e)
{
	const struct class_test_options *o = t->o;
	const struct class_rows_options how = { CLASS_ROWS_OF_GENES, false };
	struct schema *s = token_schema();

	if (o->predictions)
		t->rows =
		    class_rows_new(&t->cli, s, o->genes, o->names, o->model, &t->plan, &how, e);
	t->probabilities = token_summary_new(t->n_classes, o->model->config.vocab);
	if (!e->is_set &&
	    corpus_embed(o->corpus, o->set, m, (size_t)o->cli->threads, take_genes, t, e) == 0)
		judge_genes(t, e);
	if (t->rows) {
		cells_commit(class_rows_finish(t->rows, e), e);
		class_rows_free(t->rows);
	}
	token_summary_free(t->probabilities);
	schema_free(s);
	return e->is_set ? -1 : 0;
}

static int
test(struct testing *t, struct embedder *m, struct err *e)
{
	const struct class_test_options *o = t->o;
	size_t threads = (size_t)o->cli->threads;

	if (o->gene_labels)
		return test_genes(t, m, e);
	if (corpus_embed(o->corpus, o->set, m, threads, take_cells, t, e))
		return -1;
	return o->predictions ? write_cells(t, e) : 0;
}

struct class_test *
class_test_run(const struct class_test_options *o, struct err *e)
{
	struct testing t = { .o = o, .cli = *o->cli };
	struct embedder *m = NULL;

	t.ret = mem_zero(1, sizeof(*t.ret));
	t.ret->n_tasks = o->names->n_tasks;
	t.ret->tasks = mem_zero(t.ret->n_tasks, sizeof(*t.ret->tasks));
	if (!e->is_set && plan_make_classes(&t.plan, o->model, false, e) == 0) {
		t.n_classes = t.plan.width;
		m = embedder_open_plan(o->model, &t.plan, "cpu", "f32", (size_t)o->cli->threads, e);
	}
	t.cli.output = o->predictions;
	if (m && o->predictions)
		embedder_note(m, o->model, &t.cli);
	if (m)
		test(&t, m, e);
	for (size_t k = 0; k < t.ret->n_tasks; k++)
		t.ret->tasks[k].loss /= (double)t.ret->tasks[k].n;
	embedder_close(m);
	buffer_free(&t.numbers);
	buffer_free(&t.logits);
	if (!e->is_set)
		return t.ret;
	class_test_free(t.ret);
	return NULL;
}

void
class_test_free(struct class_test *t)
{
	if (!t)
		return;
	for (size_t k = 0; k < t->n_tasks; k++) {
		buffer_free(&t->tasks[k].truth);
		buffer_free(&t->tasks[k].predicted);
	}
	free(t->tasks);
	free(t);
}
