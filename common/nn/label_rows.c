/* 1. Rows as they come
 * 2. Sets
 * 3. Classes */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cell/set_split.h"
#include "nn/chance.h"
#include "nn/label_rows.h"

struct label_rows *
label_rows_new(const struct label_rows_options *o)
{
	struct label_rows *l = mem_zero(1, sizeof(*l));

	l->options = *o;
	l->tasks = mem_zero(o->n_tasks, sizeof(*l->tasks));
	return l;
}

static void
free_labels(struct row_labels *r)
{
	label_column_free(&r->column);
	string_set_free(&r->names);
	buffer_free(&r->numbers);
}

void
label_rows_free(struct label_rows *l)
{
	if (!l)
		return;
	for (size_t t = 0; t < l->options.n_tasks; t++)
		free_labels(&l->tasks[t]);
	free_labels(&l->group);
	free_labels(&l->split);
	free(l->tasks);
	free(l);
}

/* 1. Rows as they come */

/* What a batch is read with. */
struct visit {
	struct label_rows *l;
	const struct schema *s;
	const struct batch *b;
};

static int32_t
read_label(const struct visit *v, struct row_labels *r, size_t row)
{
	int32_t number = (int32_t)label_column_read(&r->column, v->s, v->b, row, &r->names);

	buffer_add(&r->numbers, &number, sizeof(number));
	return number;
}

static int
leave_out(const struct visit *v, size_t row, const char *column, uint64_t *n, struct err *e)
{
	ptrdiff_t cell = schema_find(v->s, "cell");
	size_t size = 0;
	const char *name =
	    cell < 0 ? NULL : array_text(&v->s->fields[cell], &v->b->columns[cell], row, &size);

	++*n;
	if (!v->l->options.is_strict)
		return 0;
	return err_set(
	    e, "cell %.*s: no value of %s (--strict)", (int)size, name ? name : "", column);
}

/* Labels of rows that are left out count for nothing. */
static int
read_task_labels(const struct visit *v, size_t row, uint8_t *set, struct err *e)
{
	struct label_rows *l = v->l;
	bool has_any = l->options.n_tasks == 0;
	int32_t none = -1;

	for (size_t t = 0; t < l->options.n_tasks; t++)
		if (*set == TOKEN_SET_NONE)
			buffer_add(&l->tasks[t].numbers, &none, sizeof(none));
		else
			has_any |= read_label(v, &l->tasks[t], row) >= 0;
	if (has_any || *set == TOKEN_SET_NONE)
		return 0;
	*set = TOKEN_SET_NONE;
	return leave_out(v, row, l->options.columns[0], &l->n_unlabelled, e);
}

static int
set_of_word(const struct label_rows *l, int32_t number, uint8_t *set, struct err *e)
{
	struct strings words = string_set_strings(&l->split.names);
	static const struct {
		const char *word;
		enum token_set set;
	} known[] = { { "train", TOKEN_SET_TRAIN }, { "valid", TOKEN_SET_EVAL },
		{ "validation", TOKEN_SET_EVAL }, { "test", TOKEN_SET_TEST } };
	size_t size;
	const char *word = strings_get(&words, (size_t)number, &size);

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].word) == size && memcmp(known[i].word, word, size) == 0) {
			*set = (uint8_t)known[i].set;
			return 0;
		}
	return err_set(e, "column %s: '%.*s' is none of train, valid, validation, test",
	    l->options.split, (int)size, word);
}

static int
read_split(const struct visit *v, size_t row, uint8_t *set, struct err *e)
{
	int32_t number = read_label(v, &v->l->split, row);

	if (number >= 0)
		return set_of_word(v->l, number, set, e);
	*set = TOKEN_SET_NONE;
	return leave_out(v, row, v->l->options.split, &v->l->n_unsplit, e);
}

static int
read_group(const struct visit *v, size_t row, uint8_t *set, struct err *e)
{
	int32_t number = -1;

	if (v->l->is_evaluation) {
		buffer_add(&v->l->group.numbers, &number, sizeof(number));
		return 0;
	}
	number = read_label(v, &v->l->group, row);
	if (number >= 0 || *set == TOKEN_SET_NONE)
		return 0;
	*set = TOKEN_SET_NONE;
	return leave_out(v, row, v->l->options.group, &v->l->n_ungrouped, e);
}

static int
find_columns(struct label_rows *l, const struct schema *s, struct err *e)
{
	for (size_t t = 0; t < l->options.n_tasks; t++)
		if (label_column_find(&l->tasks[t].column, s, l->options.columns[t], e))
			return -1;
	if (l->is_evaluation)
		return 0;
	if (l->options.split && label_column_find(&l->split.column, s, l->options.split, e))
		return -1;
	return l->options.group ? label_column_find(&l->group.column, s, l->options.group, e) : 0;
}

int
label_rows_visit(void *label_rows, const struct schema *s, const struct batch *b, uint64_t first,
    uint8_t *sets, struct err *e)
{
	struct label_rows *l = label_rows;
	struct visit v = { l, s, b };

	(void)first;
	l->is_evaluation = b->rows > 0 && sets[0] == TOKEN_SET_EVAL;
	if (find_columns(l, s, e))
		return -1;
	for (size_t row = 0; row < b->rows; row++)
		if ((l->options.split && !l->is_evaluation && read_split(&v, row, &sets[row], e)) ||
		    (l->options.group && read_group(&v, row, &sets[row], e)) ||
		    read_task_labels(&v, row, &sets[row], e))
			return -1;
	return 0;
}

/* 2. Sets */

/* The class of a row for an even mixture: that of the first task; rows without one are a class of
 * their own. */
static uint32_t
stratum(const struct label_rows *l, uint64_t row)
{
	return l->options.n_tasks ? (uint32_t)(label_rows_get(l, 0, row) + 1) : 0;
}

static void
divide_rows(const struct label_rows *l, struct token_corpus *c, const struct set_split *how,
    struct random *r)
{
	uint64_t n_rows = token_corpus_rows(c);
	uint64_t *rows = mem_alloc((size_t)n_rows, sizeof(*rows));
	uint32_t *classes = mem_alloc((size_t)n_rows, sizeof(*classes));
	uint8_t *sets = mem_alloc((size_t)n_rows, 1);
	size_t n = 0;

	for (uint64_t row = 0; row < n_rows; row++)
		if (token_corpus_set_of(c, row) == TOKEN_SET_TRAIN) {
			classes[n] = stratum(l, row);
			rows[n++] = row;
		}
	set_split_items(how, classes, n, r, sets);
	for (size_t i = 0; i < n; i++)
		if (sets[i] != TOKEN_SET_TRAIN)
			token_corpus_move(c, rows[i], (enum token_set)sets[i]);
	free(rows);
	free(classes);
	free(sets);
}

static int
divide_groups(const struct label_rows *l, struct token_corpus *c, const struct set_split *how,
    struct random *r, struct err *e)
{
	const int32_t *group = (const int32_t *)(const void *)l->group.numbers.data;
	size_t n_groups = l->group.names.n;
	uint64_t *counts = mem_zero(n_groups * how->n_classes, sizeof(*counts));
	uint8_t *sets = mem_zero(n_groups, 1);

	for (uint64_t row = 0; row < token_corpus_rows(c); row++)
		if (token_corpus_set_of(c, row) == TOKEN_SET_TRAIN)
			counts[(size_t)group[row] * how->n_classes + stratum(l, row)]++;
	if (set_split_groups(how, counts, n_groups, r, sets, e))
		err_prefix(e, "column %s", l->options.group);
	for (uint64_t row = 0; !e->is_set && row < token_corpus_rows(c); row++)
		if (token_corpus_set_of(c, row) == TOKEN_SET_TRAIN && sets[group[row]])
			token_corpus_move(c, row, (enum token_set)sets[group[row]]);
	free(counts);
	free(sets);
	return e->is_set ? -1 : 0;
}

int
label_rows_divide(const struct label_rows *l, struct token_corpus *c, double valid, double test,
    uint64_t seed, struct err *e)
{
	struct set_split how = { .n_classes = l->options.n_tasks ? l->tasks[0].names.n + 1 : 1,
		.n_sets = 3 };
	struct random r = random_start(seed, chance_stream(CHANCE_SPLIT, 0));

	how.shares[TOKEN_SET_TRAIN] = 1 - valid - test;
	how.shares[TOKEN_SET_EVAL] = valid;
	how.shares[TOKEN_SET_TEST] = test;
	if (e->is_set || (!(valid > 0) && !(test > 0)))
		return e->is_set ? -1 : 0;
	if (l->options.group)
		return divide_groups(l, c, &how, &r, e);
	divide_rows(l, c, &how, &r);
	return 0;
}

/* 3. Classes */

void
label_rows_count(
    const struct label_rows *l, const struct token_corpus *c, size_t task, uint64_t *counts)
{
	for (uint64_t row = 0; row < token_corpus_rows(c); row++) {
		int32_t label = label_rows_get(l, task, row);

		if (label >= 0 && token_corpus_set_of(c, row) == TOKEN_SET_TRAIN)
			counts[label]++;
	}
}

/* The places of all tasks' labels in those of `own`; false where these are others. */
static bool
find_own(const struct label_rows *l, const struct class_names *own, uint32_t **ret_places)
{
	if (!own || own->n_tasks != l->options.n_tasks)
		return false;
	for (size_t t = 0; t < own->n_tasks; t++) {
		const char *name = own->tasks[t].name;

		ret_places[t] = !name || strcmp(name, l->options.columns[t]) == 0
				    ? class_names_places(own->tasks[t].names, &l->tasks[t].names)
				    : NULL;
		if (ret_places[t])
			continue;
		for (; t > 0; t--)
			free(ret_places[t - 1]);
		return false;
	}
	return true;
}

static int
check_classes(const struct label_rows *l, const struct token_corpus *c, size_t task,
    const char *const *names, struct err *e)
{
	size_t n = l->tasks[task].names.n;
	const char *column = l->options.columns[task];
	uint64_t *counts = mem_zero(n, sizeof(*counts));

	if (n == 0)
		err_set(e, "column %s: no cell has a label", column);
	else if (n == 1)
		err_set(e, "column %s: all cells are %s; there must be two classes to tell apart",
		    column, names[0]);
	else
		label_rows_count(l, c, task, counts);
	for (size_t i = 0; i < n && !e->is_set; i++)
		if (counts[i] == 0)
			err_set(
			    e, "column %s: class %s has no cells to learn from", column, names[i]);
	free(counts);
	return e->is_set ? -1 : 0;
}

struct class_names *
label_rows_name(struct label_rows *l, const struct token_corpus *c, const struct class_names *own,
    bool *ret_is_own, struct err *e)
{
	size_t n = l->options.n_tasks;
	uint32_t **places = mem_zero(n, sizeof(*places));
	struct class_list *lists = mem_zero(n, sizeof(*lists));
	struct class_names *ret = NULL;
	struct arena a = { 0 };

	*ret_is_own = find_own(l, own, places);
	for (size_t t = 0; t < n && !e->is_set; t++) {
		struct row_labels *r = &l->tasks[t];

		if (!*ret_is_own)
			places[t] = label_places(&r->names, 0);
		/* -1 stays: beyond all places */
		int32_t *numbers = (int32_t *)(void *)r->numbers.data;
		for (uint64_t row = 0; row < token_corpus_rows(c); row++)
			if (numbers[row] >= 0)
				numbers[row] = (int32_t)places[t][numbers[row]];
		lists[t] = (struct class_list){ l->options.columns[t],
			label_names(&a, &r->names, places[t]), r->names.n };
		check_classes(l, c, t, lists[t].names, e);
	}
	if (!e->is_set)
		ret = class_names_of_tasks(lists, n, e);
	for (size_t t = 0; t < n; t++)
		free(places[t]);
	free(places);
	free(lists);
	arena_free(&a);
	return ret;
}
