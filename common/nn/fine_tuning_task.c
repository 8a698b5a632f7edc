/* 1. Labels
 * 2. Evaluations
 * 3. What to write
 * 4. Adapters, and the task */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "formats/pickle_write.h"
#include "nn/fine_tuning_task.h"
#include "nn/model_write.h"

enum model_keep
model_keep_parse(const char *word)
{
	static const char *const words[] = { "loss", "accuracy", "last", "macro_f1" };
	size_t i = 0;

	while (i < 4 && strcmp(word, words[i]) != 0)
		i++;
	assert(i < 4);
	return (enum model_keep)i;
}

/* 1. Labels */

static double
weight_of(const struct fine_tuning_task *t, size_t task, int32_t label)
{
	return t->weights ? (double)t->weights[task][label] : 1;
}

/* A classifier that looks at the first token is to find <cls> there, where there is one. */
static int
check_first(const struct fine_tuning_task *t, const struct training_part *part, struct err *e)
{
	const struct forward_cells *c = &part->cells;

	if (t->plan.rows != PLAN_FIRST || t->genes->cls < 0)
		return 0;
	for (size_t i = 0; i < c->n; i++)
		if (c->ids[c->offsets[i]] != t->genes->cls)
			return err_set(e,
			    "row %llu does not begin with <cls>, which the classifier looks at",
			    (unsigned long long)part->rows[i]);
	return 0;
}

static int
fill_cells(void *context, struct training_part *part, struct err *e)
{
	const struct fine_tuning_task *t = context;
	size_t n = part->cells.n, n_tasks = t->names->n_tasks;
	int32_t *labels = arena_alloc(part->arena, n * n_tasks, sizeof(*labels));

	if (check_first(t, part, e))
		return -1;
	for (size_t k = 0; k < n_tasks; k++)
		for (size_t i = 0; i < n; i++) {
			int32_t label = label_rows_get(t->labels, k, part->rows[i]);

			labels[k * n + i] = label;
			if (label >= 0)
				part->totals[k] += weight_of(t, k, label);
		}
	part->labels = labels;
	part->weights = t->weights;
	return 0;
}

static int
fill_genes(void *context, struct training_part *part, struct err *e)
{
	const struct fine_tuning_task *t = context;
	struct forward_cells *c = &part->cells;
	const int32_t *of =
	    t->gene_labels->of[part->is_evaluation ? TOKEN_SET_EVAL : TOKEN_SET_TRAIN];
	size_t n_tokens = c->offsets[c->n], used = 0;
	int32_t *labels = arena_alloc(part->arena, n_tokens, sizeof(*labels));
	size_t *positions = arena_alloc(part->arena, n_tokens, sizeof(*positions));
	size_t *cu = arena_alloc(part->arena, c->n + 1, sizeof(*cu));

	(void)e;
	cu[0] = 0;
	for (size_t i = 0; i < c->n; i++) {
		for (size_t k = c->offsets[i]; k < c->offsets[i + 1]; k++) {
			if (of[c->ids[k]] < 0)
				continue;
			labels[used] = of[c->ids[k]];
			positions[used++] = k - c->offsets[i];
			part->totals[0] += weight_of(t, 0, of[c->ids[k]]);
		}
		cu[i + 1] = used;
	}
	c->positions = positions;
	c->cu_positions = cu;
	part->labels = labels;
	part->weights = t->weights;
	return 0;
}

/* 2. Evaluations */

static void
count(void *context, const struct backward_part *part)
{
	struct fine_tuning_task *t = context;
	size_t rows = forward_rows(&t->plan, part->cells);
	uint64_t *matrix = t->confusion;

	for (size_t k = 0; k < t->names->n_tasks; k++) {
		size_t n = t->names->tasks[k].names->n;

		for (size_t i = k * rows; i < (k + 1) * rows; i++) {
			size_t truth = (size_t)part->labels[i];

			if (part->labels[i] >= 0)
				matrix[truth * n + (size_t)part->predicted[i]]++;
		}
		matrix += n * n;
	}
}

static void
put_score(json_t *line, const char *name, const char *task, double value)
{
	char *key = task ? mem_printf("eval_%s:%s", name, task) : mem_printf("eval_%s", name);

	json_object_set_new(line, key, json_real(value));
	free(key);
}

/* The means over the tasks that have labels; of several tasks the line gets those of each. */
static struct class_score
score(const struct fine_tuning_task *t, json_t *line)
{
	const uint64_t *matrix = t->confusion;
	struct class_score mean = { 0 };

	for (size_t k = 0; k < t->names->n_tasks; k++) {
		const struct task *task = &t->names->tasks[k];
		struct class_score one = t->score(matrix, task->names->n);

		matrix += task->names->n * task->names->n;
		if (!one.n)
			continue;
		if (task->name) {
			put_score(line, "accuracy", task->name, one.accuracy);
			put_score(line, "macro_f1", task->name, one.macro_f1);
		}
		mean.n++;
		mean.accuracy += (one.accuracy - mean.accuracy) / (double)mean.n;
		mean.macro_f1 += (one.macro_f1 - mean.macro_f1) / (double)mean.n;
	}
	return mean;
}

static int
judge(void *context, struct training_evaluation *v, json_t *line, enum training_verdict *ret,
    struct err *e)
{
	struct fine_tuning_task *t = context;
	const json_t *best = json_object_get(t->memory, "best");
	json_int_t since = json_integer_value(json_object_get(t->memory, "since"));
	struct class_score mean = score(t, line);
	double value;

	(void)e;
	v->accuracy = mean.accuracy;
	put_score(line, "accuracy", NULL, mean.accuracy);
	put_score(line, "macro_f1", NULL, mean.macro_f1);
	*ret = TRAINING_GO_ON;
	if (t->keep == KEEP_LAST)
		return 0;
	value = t->keep == KEEP_LOSS       ? -v->loss
		: t->keep == KEEP_ACCURACY ? mean.accuracy
					   : mean.macro_f1;
	if (!best || value > json_real_value(best)) {
		*ret = TRAINING_KEEP;
		since = 0;
		json_object_set_new(t->memory, "best", json_real(value));
	} else if (++since >= (json_int_t)t->patience && t->patience) {
		*ret = TRAINING_STOP;
	}
	json_object_set_new(t->memory, "since", json_integer(since));
	return 0;
}

/* 3. What to write */

/* The names of several tasks and their classes, as the reference saves them. */
static int
write_tasks(const struct class_names *names, const char *path, struct err *e)
{
	struct buffer b = { 0 };
	struct output *out = output_create(path, true, true, e);

	pickle_put_start(&b);
	pickle_put_dict(&b);
	for (size_t k = 0; k < names->n_tasks; k++) {
		const struct task *task = &names->tasks[k];

		pickle_put_text(&b, task->name, strlen(task->name));
		pickle_put_dict(&b);
		for (size_t i = 0; i < task->names->n; i++) {
			size_t size;
			const char *text = strings_get(task->names, i, &size);

			pickle_put_text(&b, text, size);
			pickle_put_int(&b, (int32_t)i);
		}
		pickle_put_dict_end(&b);
	}
	pickle_put_dict_end(&b);
	pickle_put_end(&b);
	if (out) {
		output_write(out, b.data, b.size, e);
		output_commit(out, e);
	}
	buffer_free(&b);
	return e->is_set ? -1 : 0;
}

/* peft's folder; its metadata say the classes, too, which adapter_config.json cannot. */
static int
write_adapters(const struct fine_tuning_task *t, struct output_folder *f,
    const char *const *metadata, struct err *e)
{
	const char **all;
	size_t n = 0;

	while (metadata && metadata[n])
		n++;
	all = mem_alloc(n + 3, sizeof(*all));
	if (n)
		memcpy(all, metadata, n * sizeof(*all));
	all[n] = MODEL_CLASSES_KEY;
	all[n + 1] = t->names->tasks[0].list;
	all[n + 2] = NULL;
	if (model_write_genes(f, t->cli, &t->parameters->model, t->genes, e) == 0)
		lora_write(t->lora, f, t->base, all, e);
	free(all);
	return e->is_set ? -1 : 0;
}

static int
write_folder(void *context, struct output_folder *f, const char *const *metadata, struct err *e)
{
	struct fine_tuning_task *t = context;
	struct model_write_options how = { t->is_bf16, t->genes, metadata };

	if (t->lora && !t->is_merged)
		return write_adapters(t, f, metadata, e);
	if (model_write_files(f, t->cli, t->parameters, &how, e))
		return -1;
	if (t->names->n_tasks == 1)
		return 0;
	return write_tasks(t->names, output_folder_file(f, "task_label_mappings.pkl"), e);
}

/* 4. Adapters, and the task */

static void
project(void *context, float *gradient)
{
	struct fine_tuning_task *t = context;

	lora_project(t->lora, gradient);
}

static void
settle(void *context)
{
	struct fine_tuning_task *t = context;

	lora_settle(t->lora);
}

void
fine_tuning_task_set(struct fine_tuning_task *t, struct training_task *ret)
{
	size_t n_counts = 0;

	for (size_t k = 0; k < t->names->n_tasks; k++)
		n_counts += t->names->tasks[k].names->n * t->names->tasks[k].names->n;
	t->memory = json_object();
	t->confusion = mem_zero(n_counts, sizeof(*t->confusion));
	*ret = (struct training_task){ .context = t,
		.parameters = t->parameters,
		.plan = &t->plan,
		.n_heads = t->names->n_tasks,
		.fill = t->gene_labels ? fill_genes : fill_cells,
		.write = write_folder,
		.count = count,
		.counts = t->confusion,
		.n_counts = n_counts,
		.judge = judge,
		.project = t->lora ? project : NULL,
		.settle = t->lora ? settle : NULL,
		.memory = t->memory };
}

void
fine_tuning_task_free(struct fine_tuning_task *t)
{
	json_decref(t->memory);
	free(t->confusion);
}
