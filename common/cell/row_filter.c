/* 1. Columns and their types
 * 2. Conditions on texts
 * 3. Binding
 * 4. Rows */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/name_hint.h"
#include "cell/row_filter_tree.h"

struct binding {
	struct row_filter *filter;
	const struct schema *schema;
	struct err *e;
};

/* 1. Columns and their types */

static enum filter_sort
sort_of(const struct field *f)
{
	switch (f->type) {
	case TYPE_UTF8:
		return FILTER_TEXT;
	case TYPE_INT:
	case TYPE_FLOAT:
		return FILTER_NUMBER;
	case TYPE_BOOL:
		return FILTER_TRUTH;
	default:
		return FILTER_OTHER;
	}
}

static int
no_column(const struct binding *b, const struct filter_operand *o)
{
	const struct schema *s = b->schema;
	const char **names = mem_alloc(s->n_fields, sizeof(*names));
	char text[600];

	for (size_t i = 0; i < s->n_fields; i++)
		names[i] = s->fields[i].name;
	err_set(b->e, "expression, character %zu: no column %s; %s", o->at, o->text,
	    name_hint(text, sizeof(text), o->text, names, s->n_fields));
	free(names);
	return -1;
}

static int
bind_operand(const struct binding *b, struct filter_operand *o)
{
	ptrdiff_t at;

	if (!o->is_column)
		return 0;
	at = schema_find(b->schema, o->text);
	if (at < 0)
		return no_column(b, o);
	o->column = (size_t)at;
	o->field = &b->schema->fields[at];
	o->sort = sort_of(o->field);
	return 0;
}

/* A column that can be compared. */
static int
bind_comparable(const struct binding *b, struct filter_operand *o)
{
	char type[200];

	if (bind_operand(b, o))
		return -1;
	if (o->sort == FILTER_OTHER)
		return err_set(b->e,
		    "expression, character %zu: the column %s is %s, and only texts, numbers and "
		    "truths can be "
		    "compared",
		    o->at, o->text, field_type_text(o->field, type, sizeof(type)));
	return 0;
}

/* "the column x (int64)", "the text 'a'". */
static const char *
describe(const struct filter_operand *o, char *text, size_t size)
{
	static const char *const sorts[] = { "text", "number", "truth" };
	char type[100];

	if (o->is_column)
		snprintf(text, size, "the column %.100s (%s)", o->text,
		    field_type_text(o->field, type, sizeof(type)));
	else if (o->sort == FILTER_TEXT)
		snprintf(text, size, "the text '%.100s'", o->text);
	else
		snprintf(text, size, "a %s", sorts[o->sort]);
	return text;
}

static int
check_sorts(const struct binding *b, const struct filter_node *node, const struct filter_operand *r)
{
	const struct filter_operand *l = &node->left;
	bool needs_quotes = l->sort == FILTER_TEXT && r->sort == FILTER_NUMBER && !r->is_column;
	char left[300], right[300];

	if (l->sort == r->sort)
		return 0;
	return err_set(b->e, "expression, character %zu: %s cannot be compared with %s%s", r->at,
	    describe(l, left, sizeof(left)), describe(r, right, sizeof(right)),
	    needs_quotes ? " (a text needs quotes)" : "");
}

/* 2. Conditions on texts */

static bool
is_order(enum filter_comparison c, int order)
{
	switch (c) {
	case EQUAL:
		return order == 0;
	case UNEQUAL:
		return order != 0;
	case LESS:
		return order < 0;
	case LESS_EQUAL:
		return order <= 0;
	case MORE:
		return order > 0;
	default:
		return order >= 0;
	}
}

static int
compare_texts(const char *a, size_t a_size, const char *b, size_t b_size)
{
	int order = memcmp(a, b, a_size < b_size ? a_size : b_size);

	return order ? order : (a_size > b_size) - (a_size < b_size);
}

/* A zero byte ends the text for the library. */
static bool
is_match(struct row_filter *f, const struct filter_node *node, const char *text, size_t size)
{
	f->text.size = 0;
	buffer_add(&f->text, text, size);
	buffer_add(&f->text, "", 1);
	return regexec(&node->regex, (const char *)f->text.data, 0, NULL, 0) == 0;
}

/* A text of the column on the left with the values on the right. */
static bool
test_text(struct row_filter *f, const struct filter_node *node, const char *text, size_t size)
{
	if (node->kind == FILTER_MATCH)
		return is_match(f, node, text, size) != node->is_negated;
	if (node->kind == FILTER_AMONG)
		return (string_index_find(&node->index, text, size) >= 0) != node->is_negated;
	return is_order(
	    node->comparison, compare_texts(text, size, node->right->text, node->right->size));
}

/* Every text of a dictionary is tested once. */
static void
answer_dictionary(struct row_filter *f, struct filter_node *node)
{
	const struct strings *texts = node->left.field->dictionary;
	uint8_t *answers;

	if (!texts || node->right->is_column)
		return;
	answers = arena_alloc(&f->arena, texts->n, 1);
	for (size_t i = 0; i < texts->n; i++) {
		size_t size;
		const char *text = strings_get(texts, i, &size);

		answers[i] = test_text(f, node, text, size);
	}
	node->answers = answers;
}

static void
index_values(struct row_filter *f, struct filter_node *node)
{
	const char **texts = arena_alloc(&f->arena, node->n_right, sizeof(*texts));

	for (size_t i = 0; i < node->n_right; i++)
		texts[i] = node->right[i].text;
	string_index_build(&node->index, strings_from(&f->arena, texts, node->n_right));
}

/* 3. Binding */

/* The column comes to the left. */
static void
turn(struct filter_node *node)
{
	static const enum filter_comparison turned[] = { EQUAL, UNEQUAL, MORE, MORE_EQUAL, LESS,
		LESS_EQUAL };
	struct filter_operand left = node->left;

	node->left = *node->right;
	*node->right = left;
	node->comparison = turned[node->comparison];
}

/* 0.1 in a column of float32 is not 0.1 in a double. */
static void
round_values(struct filter_node *node)
{
	const struct field *f = node->left.field;

	if (f->type != TYPE_FLOAT || f->bit_width != 32)
		return;
	for (size_t i = 0; i < node->n_right; i++)
		if (!node->right[i].is_column && !node->right[i].number.is_whole)
			node->right[i].number.real = (double)(float)node->right[i].number.real;
}

static int
bind_comparison(const struct binding *b, struct filter_node *node)
{
	if (!node->left.is_column && node->kind == FILTER_COMPARE && node->right->is_column)
		turn(node);
	if (!node->left.is_column)
		return err_set(
		    b->e, "expression, character %zu: a condition without a column", node->left.at);
	if (bind_comparable(b, &node->left))
		return -1;
	for (size_t i = 0; i < node->n_right; i++)
		if (bind_comparable(b, &node->right[i]) || check_sorts(b, node, &node->right[i]))
			return -1;
	if (node->left.sort == FILTER_TRUTH && node->comparison > UNEQUAL)
		return err_set(b->e,
		    "expression, character %zu: truths are equal or not, but have no order",
		    node->at);
	if (node->left.sort == FILTER_NUMBER)
		round_values(node);
	if (node->left.sort == FILTER_TEXT && node->kind == FILTER_AMONG)
		index_values(b->filter, node);
	return 0;
}

static int
bind_pattern(const struct binding *b, struct filter_node *node)
{
	char reason[200];
	int failure;

	if (bind_comparison(b, node))
		return -1;
	failure = regcomp(&node->regex, node->right->text, REG_EXTENDED | REG_NOSUB);
	if (failure) {
		regerror(failure, &node->regex, reason, sizeof(reason));
		return err_set(
		    b->e, "expression, character %zu: the pattern: %s", node->right->at, reason);
	}
	node->has_regex = true;
	return 0;
}

static int
bind_truth(const struct binding *b, struct filter_node *node)
{
	char text[300];

	if (bind_operand(b, &node->left))
		return -1;
	if (node->left.sort != FILTER_TRUTH)
		return err_set(b->e,
		    "expression, character %zu: %s is no column of truths; what is it to be "
		    "compared with?",
		    node->at, describe(&node->left, text, sizeof(text)));
	return 0;
}

static int
bind_null(const struct binding *b, struct filter_node *node)
{
	if (!node->left.is_column)
		return err_set(
		    b->e, "expression, character %zu: a condition without a column", node->left.at);
	return bind_operand(b, &node->left);
}

static int
bind_node(const struct binding *b, struct filter_node *node)
{
	int r = 0;

	switch (node->kind) {
	case FILTER_COMPARE:
	case FILTER_AMONG:
		r = bind_comparison(b, node);
		break;
	case FILTER_MATCH:
		r = bind_pattern(b, node);
		break;
	case FILTER_IS_TRUE:
		return bind_truth(b, node);
	case FILTER_IS_NULL:
		return bind_null(b, node);
	default:
		for (struct filter_node *n = node->first; n && r == 0; n = n->next)
			r = bind_node(b, n);
		return r;
	}
	if (r == 0 && node->left.sort == FILTER_TEXT)
		answer_dictionary(b->filter, node);
	return r;
}

int
row_filter_bind(struct row_filter *f, const struct schema *s, struct err *e)
{
	struct binding b = { f, s, e };

	return e->is_set ? -1 : bind_node(&b, f->root);
}

static void
free_node(struct filter_node *node)
{
	for (struct filter_node *n = node->first; n; n = n->next)
		free_node(n);
	if (node->has_regex)
		regfree(&node->regex);
	string_index_free(&node->index);
}

void
row_filter_free(struct row_filter *f)
{
	if (!f)
		return;
	if (f->root)
		free_node(f->root);
	arena_free(&f->arena);
	buffer_free(&f->text);
	free(f);
}

/* 4. Rows. What is null is neither so nor so. */

static bool
test_texts(struct row_filter *f, const struct filter_node *node, const struct batch *b, size_t row)
{
	const struct filter_operand *l = &node->left, *r = node->right;
	const struct array *column = &b->columns[l->column];
	size_t size, other_size;
	const char *text, *other;

	if (node->answers)
		return array_is_valid(column, row) &&
		       node->answers[((const int32_t *)column->values)[row]];
	text = array_text(l->field, column, row, &size);
	if (!text || !r->is_column)
		return text && test_text(f, node, text, size);
	other = array_text(r->field, &b->columns[r->column], row, &other_size);
	return other && is_order(node->comparison, compare_texts(text, size, other, other_size));
}

static bool
get_number(
    struct exact_number *x, const struct filter_operand *o, const struct batch *b, size_t row)
{
	if (o->is_column)
		return exact_number_get(x, o->field, &b->columns[o->column], row);
	*x = o->number;
	return true;
}

static bool
test_numbers(const struct filter_node *node, const struct batch *b, size_t row)
{
	struct exact_number x, y;

	if (!get_number(&x, &node->left, b, row))
		return false;
	if (node->kind == FILTER_COMPARE)
		return get_number(&y, node->right, b, row) &&
		       is_order(node->comparison, exact_number_compare(&x, &y));
	for (size_t i = 0; i < node->n_right; i++)
		if (exact_number_compare(&x, &node->right[i].number) == 0)
			return !node->is_negated;
	return node->is_negated;
}

/* 0 or 1; -1 where it is null. */
static int
get_truth(const struct filter_operand *o, const struct batch *b, size_t row)
{
	const struct array *a;

	if (!o->is_column)
		return o->truth;
	a = &b->columns[o->column];
	return array_is_valid(a, row) ? array_number(o->field, a, row) > 0 : -1;
}

static bool
test_truths(const struct filter_node *node, const struct batch *b, size_t row)
{
	int x = get_truth(&node->left, b, row), y;

	if (x < 0)
		return false;
	if (node->kind == FILTER_COMPARE) {
		y = get_truth(node->right, b, row);
		return y >= 0 && (x == y) == (node->comparison == EQUAL);
	}
	for (size_t i = 0; i < node->n_right; i++)
		if (x == get_truth(&node->right[i], b, row))
			return !node->is_negated;
	return node->is_negated;
}

static bool
is_null(const struct filter_operand *o, const struct batch *b, size_t row)
{
	const struct array *a = &b->columns[o->column];
	struct exact_number x;

	if (o->field->type == TYPE_NULL)
		return true;
	return o->sort == FILTER_NUMBER ? !exact_number_get(&x, o->field, a, row)
					: !array_is_valid(a, row);
}

static bool
test_node(struct row_filter *f, const struct filter_node *node, const struct batch *b, size_t row)
{
	const struct filter_node *n = node->first;

	switch (node->kind) {
	case FILTER_ANY:
		while (n && !test_node(f, n, b, row))
			n = n->next;
		return n != NULL;
	case FILTER_ALL:
		while (n && test_node(f, n, b, row))
			n = n->next;
		return n == NULL;
	case FILTER_NOT:
		return !test_node(f, n, b, row);
	case FILTER_IS_NULL:
		return is_null(&node->left, b, row) != node->is_negated;
	case FILTER_IS_TRUE:
		return get_truth(&node->left, b, row) == 1;
	default:
		break;
	}
	if (node->left.sort == FILTER_TEXT)
		return test_texts(f, node, b, row);
	return node->left.sort == FILTER_NUMBER ? test_numbers(node, b, row)
						: test_truths(node, b, row);
}

size_t
row_filter_select(struct row_filter *f, const struct batch *b, bool is_inverted, size_t *rows)
{
	size_t n = 0;

	for (size_t row = 0; row < b->rows; row++)
		if (test_node(f, f->root, b, row) != is_inverted)
			rows[n++] = row;
	return n;
}
