/* 1. Options that do not go together
 * 2. The model that is learned from
 * 3. Cells and labels
 * 4. The model that learns
 * 5. The run
 * 6. The test */

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/ranks.h"
#include "nn/fine_tuning.h"
#include "nn/model_config.h"
#include "nn/model_start.h"
#include "nn/training_cells.h"

struct tuning {
	const struct fine_tuning_options *o;
	struct training_options *training;
	struct fine_tuning *ret;
	struct model *model;     /* the pretrained or new one */
	struct class_names *own; /* of its head, or NULL */
	struct label_rows *labels;
	struct gene_labels *gene_labels; /* NULL: of cells */
	bool is_own;                     /* the classes are those of the model's head */
	struct genes *genes;
	struct token_corpus *corpus;
	struct new_head *head;
	struct lora *lora;
	struct backend *backend;
	struct parameters *parameters;
	struct plan plan;
	float **weights;       /* [tasks][classes], or NULL */
	struct model *written; /* the model folder, when it is complete */
};

/* 1. Options that do not go together */

static const char *
fault_of_head(const struct fine_tuning_options *o)
{
	bool is_of_peft = o->head == HEAD_AUTO || o->head == HEAD_POOLER;

	if (o->gene_labels && (o->head == HEAD_POOLER || o->head == HEAD_ATTENTION))
		return "--head pooler and attention are for cells, not for genes";
	if (o->n_labels > 1 && o->head == HEAD_POOLER)
		return "--head pooler is for one task";
	if (o->lora.rank && !o->is_merged && (!is_of_peft || o->n_labels > 1))
		return "peft knows no such head, so --lora needs --merge";
	return NULL;
}

static const char *
fault_of_sets(const struct fine_tuning_options *o)
{
	bool has_share = o->valid > 0 || o->test > 0;

	if (o->split && (o->group || has_share))
		return "--split says the set of each cell, so --split-by, --valid and --test "
		       "cannot";
	if (o->group && !has_share)
		return "--split-by goes with --valid or --test";
	if (o->valid + o->test > 0.95)
		return "--valid and --test leave too few cells to learn from";
	if (o->predictions && !(o->split || o->eval || has_share))
		return "--predictions needs cells of --split, --valid, --test or --eval";
	return NULL;
}

const char *
fine_tuning_fault(const struct fine_tuning_options *o)
{
	const char *fault = fault_of_sets(o) ? fault_of_sets(o) : fault_of_head(o);

	if (fault)
		return fault;
	if (o->n_labels > TRAINING_MAX_HEADS)
		return "--label has too many columns";
	for (size_t i = 0; i < o->n_labels; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(o->labels[i], o->labels[k]) == 0)
				return "--label names a column twice";
	if (o->lora.rank && (!o->model || o->n_frozen))
		return "--lora adapts the model of -m, whose layers are all frozen";
	return o->patience && o->keep == KEEP_LAST ? "--patience needs another --keep than last"
						   : NULL;
}

/* 2. The model that is learned from */

static int
open_model(struct tuning *t, struct err *e)
{
	if (!t->o->model)
		return 0;
	t->model = model_open(t->o->model, e);
	if (!t->model)
		return -1;
	if (t->o->n_frozen > t->model->config.layers)
		return err_set(e, "%s: has %zu layers, so %zu cannot be frozen", t->model->path,
		    t->model->config.layers, t->o->n_frozen);
	if (t->model->n_heads_out)
		t->own = class_names_open(t->model, NULL, e);
	return e->is_set ? -1 : 0;
}

/* The encoder of a new model, once the vocabulary is known. */
static void
start_model(struct tuning *t)
{
	struct model_config c = t->o->shape;

	c.class = MODEL_BASE;
	c.vocab = t->genes->n_tokens;
	c.pad_id = t->genes->pad >= 0 ? t->genes->pad : 0;
	t->model = model_start(&c, t->training->seed);
	if (!t->o->has_positions)
		memset(t->model->own + (t->model->position_embeddings - t->model->own), 0,
		    c.positions * c.hidden * sizeof(float));
}

/* 3. Cells and labels */

static int
read_cells(struct tuning *t, struct err *e)
{
	const struct fine_tuning_options *o = t->o;
	struct label_rows_options rows = { o->labels, o->gene_labels ? 0 : o->n_labels, o->split,
		o->group, o->is_strict };
	struct training_cells_options cells = { .cli = o->cli,
		.eval = o->eval,
		.dictionary = o->dictionary,
		.model = t->model,
		.positions = t->model ? t->model->config.positions : o->shape.positions,
		.is_truncating = o->is_truncating,
		.max_memory = o->max_memory,
		.visit = label_rows_visit };

	cells.context = t->labels = label_rows_new(&rows);
	return training_cells_read(&cells, &t->genes, &t->corpus, e);
}

static int
name_genes(struct tuning *t, struct err *e)
{
	const struct fine_tuning_options *o = t->o;
	struct gene_labels_options how = { o->gene_labels, t->genes, t->own, o->valid, o->test,
		o->cli->seed };

	t->gene_labels = gene_labels_open(&how, e);
	if (!t->gene_labels)
		return -1;
	if (t->gene_labels->n_unknown)
		cli_warn(o->cli, "%zu genes of %s are not in the vocabulary",
		    t->gene_labels->n_unknown, o->gene_labels);
	t->ret->names = t->gene_labels->names;
	t->is_own = t->gene_labels->is_own;
	return 0;
}

static void
warn_left_out(const struct tuning *t)
{
	const struct cli *cli = t->o->cli;
	const struct label_rows *l = t->labels;
	static const char text[] = "%llu cells without a value of %s left out";

	if (l->n_unlabelled)
		cli_warn(cli, text, (unsigned long long)l->n_unlabelled, t->o->labels[0]);
	if (l->n_unsplit)
		cli_warn(cli, text, (unsigned long long)l->n_unsplit, t->o->split);
	if (l->n_ungrouped)
		cli_warn(cli, text, (unsigned long long)l->n_ungrouped, t->o->group);
}

static int
find_labels(struct tuning *t, struct err *e)
{
	const struct fine_tuning_options *o = t->o;

	if (read_cells(t, e))
		return -1;
	warn_left_out(t);
	if (label_rows_divide(t->labels, t->corpus, o->valid, o->test, o->cli->seed, e))
		return -1;
	if (o->gene_labels)
		name_genes(t, e);
	else
		t->ret->names = label_rows_name(t->labels, t->corpus, t->own, &t->is_own, e);
	if (e->is_set)
		return -1;
	cli_inform(o->cli, "%llu cells to learn from, %llu for validation, %llu for the test",
	    (unsigned long long)token_corpus_cells(t->corpus, TOKEN_SET_TRAIN),
	    (unsigned long long)token_corpus_cells(t->corpus, TOKEN_SET_EVAL),
	    (unsigned long long)token_corpus_cells(t->corpus, TOKEN_SET_TEST));
	return 0;
}

/* A class weighs n / (classes * its n), so that all weigh alike in a pass through the cells. */
static void
balance(const uint64_t *counts, size_t n_classes, float *ret_weights)
{
	uint64_t n = 0;

	for (size_t c = 0; c < n_classes; c++)
		n += counts[c];
	for (size_t c = 0; c < n_classes; c++)
		ret_weights[c] =
		    counts[c] ? (float)((double)n / ((double)n_classes * (double)counts[c])) : 0;
}

static int
weigh_classes(struct tuning *t, struct err *e)
{
	const struct class_names *names = t->ret->names;

	if (!t->o->is_balanced)
		return 0;
	t->weights = mem_zero(names->n_tasks, sizeof(*t->weights));
	for (size_t k = 0; k < names->n_tasks; k++) {
		size_t n = names->tasks[k].names->n;
		uint64_t *counts = mem_zero(n, sizeof(*counts));

		t->weights[k] = mem_alloc(n, sizeof(**t->weights));
		if (t->gene_labels)
			gene_labels_count(t->gene_labels, t->corpus, counts, e);
		else
			label_rows_count(t->labels, t->corpus, k, counts);
		balance(counts, n, t->weights[k]);
		free(counts);
	}
	return e->is_set ? -1 : 0;
}

/* 4. The model that learns */

static enum model_class
class_of(const struct tuning *t)
{
	if (t->gene_labels)
		return MODEL_TOKEN;
	return t->ret->names->n_tasks > 1 ? MODEL_MULTITASK : MODEL_SEQUENCE;
}

static void
put_head(struct tuning *t)
{
	struct new_head_options how = { class_of(t), t->o->head, t->ret->names, t->is_own,
		t->training->seed };
	struct model_config *c;

	t->head = new_head_create(t->model, &how);
	c = &t->head->model.config;
	if (t->o->dropout >= 0)
		c->hidden_dropout = c->attention_dropout = c->classifier_dropout =
		    (float)t->o->dropout;
	t->training->backward.hidden_dropout = (double)c->hidden_dropout;
	t->training->backward.attention_dropout = (double)c->attention_dropout;
	t->training->backward.classifier_dropout = (double)c->classifier_dropout;
	t->training->backward.seed = t->training->seed;
	if (t->own && !t->head->is_kept)
		cli_inform(t->o->cli, "%s: its head is for other classes, so it gets a new one",
		    t->model->path);
}

static int
make_parameters(struct tuning *t, struct err *e)
{
	const struct model *m = &t->head->model;
	enum plan_rows rows = m->attention_pool ? PLAN_POOLED : PLAN_FIRST;

	t->backend = backend_open(DEVICE_CPU, t->training->precision, e);
	if (!t->backend || plan_make(&t->plan, m, t->gene_labels ? PLAN_POSITIONS : rows,
			       t->gene_labels ? PLAN_TOKEN : PLAN_SEQUENCE, 0, e))
		return -1;
	if (t->o->lora.rank) {
		t->lora = lora_create(m, &t->o->lora);
		t->parameters = lora_parameters(t->lora, t->backend);
	} else {
		t->parameters = parameters_create(t->backend, m);
	}
	parameters_freeze_layers(t->parameters, t->o->n_frozen);
	if (!t->head->has_positions)
		parameters_freeze(t->parameters, "bert.embeddings.position_embeddings");
	return 0;
}

/* A head that was kept may be one that peft cannot carry. */
static int
check_adapters(const struct tuning *t, struct err *e)
{
	const struct model *m = &t->head->model;
	bool is_plain = m->n_heads_out == 1 && !m->attention_pool && !m->head[0].dense_weight;

	if (!t->o->lora.rank || t->o->is_merged || is_plain)
		return 0;
	return err_set(e, "%s: peft knows no such head, so --lora needs --merge", t->model->path);
}

static int
make_model(struct tuning *t, struct err *e)
{
	if (!t->model)
		start_model(t);
	put_head(t);
	return check_adapters(t, e) ? -1 : make_parameters(t, e);
}

/* 5. The run */

static json_t *
describe_classes(const struct class_names *names)
{
	json_t *tasks = json_array();

	for (size_t k = 0; k < names->n_tasks; k++)
		json_array_append_new(tasks, json_string(names->tasks[k].list));
	return tasks;
}

static void
hash_labels(const struct tuning *t, char ret_hex[33])
{
	struct hash128 *h = hash128_new();

	for (size_t k = 0; !t->gene_labels && k < t->labels->options.n_tasks; k++)
		hash128_add(h, t->labels->tasks[k].numbers.data, t->labels->tasks[k].numbers.size);
	for (size_t k = 0; t->gene_labels && k < 3; k++)
		hash128_add(h, t->gene_labels->of[k],
		    t->gene_labels->n_tokens * sizeof(*t->gene_labels->of[k]));
	hash128_finish(h, ret_hex);
}

/* What determines the result besides training_options and the cells. */
static json_t *
describe(const struct tuning *t)
{
	const struct fine_tuning_options *o = t->o;
	struct arena a = { 0 };
	const char *vocabulary = genes_vocabulary(t->genes, &a);
	char model[33], labels[33], words[33];

	model_hash(&t->head->model, model);
	hash_labels(t, labels);
	hash_hex128(vocabulary, strlen(vocabulary), words);
	arena_free(&a);
	return json_pack("{s:s s:s s:s s:o s:s s:I s:I s:b s:b s:i s:I s:I s:f s:b s:b s:b}",
	    "program", o->cli->program->name, "vocabulary", words, "model", model, "classes",
	    describe_classes(t->ret->names), "labels", labels, "freeze", (json_int_t)o->n_frozen,
	    "eval_every", (json_int_t)t->training->eval_every, "is_balanced", (int)o->is_balanced,
	    "has_positions", (int)t->head->has_positions, "keep", (int)o->keep, "patience",
	    (json_int_t)o->patience, "lora", (json_int_t)o->lora.rank, "lora_alpha",
	    o->lora.rank ? o->lora.alpha : 0, "lora_attention",
	    (int)(o->lora.rank && o->lora.is_on_attention), "lora_ffn",
	    (int)(o->lora.rank && o->lora.is_on_ffn), "is_bf16", (int)o->is_bf16);
}

/* An evaluation an epoch, unless the user says otherwise. */
static void
count_epoch(const struct tuning *t)
{
	struct token_order *order;

	if (t->training->eval_every)
		return;
	order = token_order_new(t->corpus, TOKEN_SET_TRAIN, true, t->training->seed);
	token_order_limit(order, t->training->batch_cells);
	t->training->eval_every = token_order_count(order, 0, t->training->batch_tokens);
	token_order_free(order);
}

static int
run(struct tuning *t, struct err *e)
{
	const struct fine_tuning_options *o = t->o;
	struct fine_tuning_task how = { .cli = o->cli,
		.genes = t->genes,
		.names = t->ret->names,
		.labels = t->labels,
		.gene_labels = t->gene_labels,
		.parameters = t->parameters,
		.plan = t->plan,
		.weights = (const float *const *)t->weights,
		.score = o->score,
		.keep = o->keep,
		.patience = o->patience,
		.lora = t->lora,
		.is_merged = o->is_merged,
		.base = o->model,
		.is_bf16 = o->is_bf16 };
	struct training_task task;
	json_t *settings;

	count_epoch(t);
	settings = describe(t);
	fine_tuning_task_set(&how, &task);
	task.corpus = t->corpus;
	task.settings = settings;
	training_run(o->cli, &task, t->training, &t->ret->run, e);
	fine_tuning_task_free(&how);
	json_decref(settings);
	return e->is_set ? -1 : 0;
}

/* 6. The test */

/* What was written is tested: it may be rounded, and may have been complete before. */
static int
open_written(struct tuning *t, struct err *e)
{
	t->written = model_open_on(t->training->folder, t->o->model, e);
	return t->written ? 0 : -1;
}

static int
test_sets(struct tuning *t, struct err *e)
{
	const struct fine_tuning_options *o = t->o;
	bool has_test = token_corpus_cells(t->corpus, TOKEN_SET_TEST) > 0;
	struct class_test_options how = { .cli = o->cli,
		.eval = o->eval,
		.model = t->written ? t->written : &t->parameters->model,
		.genes = t->genes,
		.names = t->ret->names,
		.corpus = t->corpus,
		.labels = t->labels,
		.gene_labels = t->gene_labels };

	for (how.set = TOKEN_SET_EVAL; how.set <= TOKEN_SET_TEST && !e->is_set; how.set++) {
		how.predictions = (how.set == TOKEN_SET_TEST) == has_test ? o->predictions : NULL;
		if (token_corpus_cells(t->corpus, how.set))
			t->ret->tests[how.set] = class_test_run(&how, e);
	}
	return e->is_set ? -1 : 0;
}

static void
free_all(struct tuning *t)
{
	for (size_t k = 0; t->weights && k < t->ret->names->n_tasks; k++)
		free(t->weights[k]);
	free(t->weights);
	parameters_free(t->parameters);
	lora_free(t->lora);
	backend_close(t->backend);
	new_head_free(t->head);
	label_rows_free(t->labels);
	if (t->gene_labels)
		t->gene_labels->names = NULL; /* the caller's */
	gene_labels_free(t->gene_labels);
	token_corpus_free(t->corpus);
	genes_free(t->genes);
	class_names_free(t->own);
	model_close(t->written);
	model_close(t->model);
}

int
fine_tuning_run(const struct fine_tuning_options *o, struct training_options *training,
    struct fine_tuning *ret, struct err *e)
{
	struct tuning t = { .o = o, .training = training, .ret = ret };

	*ret = (struct fine_tuning){ 0 };
	if (o->predictions && !e->is_set)
		training_cells_check(o->cli, o->eval, "--predictions reads FILE again", e);
	if (!e->is_set && open_model(&t, e) == 0 && find_labels(&t, e) == 0 &&
	    weigh_classes(&t, e) == 0 && make_model(&t, e) == 0 && run(&t, e) == 0 &&
	    !ret->run.is_interrupted && ranks_is_first() && open_written(&t, e) == 0)
		test_sets(&t, e);
	free_all(&t);
	return e->is_set ? -1 : 0;
}

void
fine_tuning_free(struct fine_tuning *f)
{
	for (size_t k = 0; k < 3; k++)
		class_test_free(f->tests[k]);
	class_names_free(f->names);
}
