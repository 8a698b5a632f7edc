/* 1. Signs
 * 2. Operands
 * 3. Conditions
 *
 * By recursive descent. Every function does nothing once the error is set. */

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "cell/row_filter_tree.h"

enum { MAX_DEPTH = 200, MAX_SHOWN = 60 };

struct parsing {
	struct row_filter *filter;
	const char *text;
	const char *p;       /* what comes next, blanks aside */
	int depth;           /* of parentheses and nots */
	const char *counted; /* the characters before it are n_counted */
	size_t n_counted;
	struct err *e;
};

/* 1. Signs */

/* The number of the character that p points at, from 1. */
static size_t
place(struct parsing *s, const char *p)
{
	if (p < s->counted) {
		s->counted = s->text;
		s->n_counted = 0;
	}
	for (; s->counted < p; s->counted++)
		s->n_counted += ((unsigned char)*s->counted & 0xc0) != 0x80;
	return s->n_counted + 1;
}

static void
skip_blanks(struct parsing *s)
{
	s->p += strspn(s->p, " \t\n\r");
}

static bool
is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static size_t
name_length(const char *p)
{
	size_t n = 0;

	if (is_name_start(*p))
		while (is_name_start(p[n]) || (p[n] >= '0' && p[n] <= '9') || p[n] == '.' ||
		       p[n] == ':')
			n++;
	return n;
}

/* Says what stands where something else was expected. */
static void
expected(struct parsing *s, const char *what)
{
	size_t n = name_length(s->p);

	n = n > MAX_SHOWN ? MAX_SHOWN : n;
	while (((unsigned char)s->p[n] & 0xc0) == 0x80)
		n--;
	if (*s->p == '\0')
		err_set(s->e, "expression, character %zu: the end, where %s was expected",
		    place(s, s->p), what);
	else
		err_set(s->e, "expression, character %zu: '%.*s', where %s was expected",
		    place(s, s->p), n ? (int)n : 1, s->p, what);
}

static bool
take_sign(struct parsing *s, const char *sign)
{
	size_t n = strlen(sign);

	if (s->e->is_set || strncmp(s->p, sign, n) != 0)
		return false;
	s->p += n;
	skip_blanks(s);
	return true;
}

static bool
is_word(const char *p, const char *word)
{
	size_t n = strlen(word);

	return name_length(p) == n && strncasecmp(p, word, n) == 0;
}

static bool
take_word(struct parsing *s, const char *word)
{
	if (s->e->is_set || !is_word(s->p, word))
		return false;
	s->p += strlen(word);
	skip_blanks(s);
	return true;
}

/* 2. Operands */

/* What stands between two of these quotes; inside, two of them are one. */
static const char *
take_quoted(struct parsing *s, size_t *ret_size)
{
	const char *start = s->p, quote = *s->p++;
	char *text = arena_alloc(&s->filter->arena, strlen(s->p) + 1, 1);
	size_t n = 0;

	while (*s->p && (*s->p != quote || s->p[1] == quote)) {
		s->p += *s->p == quote;
		text[n++] = *s->p++;
	}
	text[n] = '\0';
	*ret_size = n;
	if (*s->p != quote)
		err_set(
		    s->e, "expression, character %zu: the quote is never closed", place(s, start));
	else
		s->p++;
	return text;
}

static void
take_name(struct parsing *s, struct filter_operand *o)
{
	static const char *const words[] = { "and", "or", "not", "in", "is", "null" };
	char *name;

	o->size = name_length(s->p);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (is_word(s->p, words[i])) {
			expected(s, "a column or a value");
			return;
		}
	o->truth = is_word(s->p, "true");
	if (o->truth || is_word(s->p, "false")) {
		o->sort = FILTER_TRUTH;
	} else {
		name = arena_alloc(&s->filter->arena, o->size + 1, 1);
		memcpy(name, s->p, o->size);
		name[o->size] = '\0';
		o->text = name;
		o->is_column = true;
	}
	s->p += o->size;
}

static struct filter_operand
take_operand(struct parsing *s)
{
	struct filter_operand o = { .at = place(s, s->p) };
	size_t n;

	if (s->e->is_set)
		return o;
	if (*s->p == '"' || *s->p == '\'' || *s->p == '`') {
		o.is_column = *s->p == '`';
		o.sort = FILTER_TEXT;
		o.text = take_quoted(s, &o.size);
	} else if (is_name_start(*s->p)) {
		take_name(s, &o);
	} else if ((n = exact_number_parse(&o.number, s->p, strlen(s->p)))) {
		o.sort = FILTER_NUMBER;
		s->p += n;
		if (name_length(s->p))
			err_set(s->e,
			    "expression, character %zu: a number ends in letters (names that begin "
			    "with a "
			    "digit stand in `back quotes`)",
			    o.at);
	} else {
		expected(s, "a column or a value");
	}
	skip_blanks(s);
	return o;
}

/* Room doubles where it ends. */
static void
add_right(struct parsing *s, struct filter_node *node, const struct filter_operand *o)
{
	size_t n = node->n_right++;
	struct filter_operand *more;

	if ((n & (n - 1)) == 0) {
		more = arena_alloc(&s->filter->arena, n ? 2 * n : 1, sizeof(*more));
		for (size_t i = 0; i < n; i++)
			more[i] = node->right[i];
		node->right = more;
	}
	node->right[n] = *o;
}

/* 3. Conditions */

static struct filter_node *parse_any(struct parsing *s);

static struct filter_node *
new_node(struct parsing *s, enum filter_kind kind, size_t at)
{
	struct filter_node *node = arena_zero(&s->filter->arena, 1, sizeof(*node));

	node->kind = kind;
	node->at = at;
	return node;
}

/* "(V, V)" behind an `in`. */
static void
parse_values(struct parsing *s, struct filter_node *node)
{
	node->kind = FILTER_AMONG;
	if (!take_sign(s, "(")) {
		expected(s, "'(' with values");
		return;
	}
	do {
		struct filter_operand o = take_operand(s);

		if (o.is_column)
			err_set(s->e,
			    "expression, character %zu: a column among values (texts need quotes)",
			    o.at);
		add_right(s, node, &o);
	} while (take_sign(s, ","));
	if (!take_sign(s, ")"))
		expected(s, "',' or ')'");
}

static void
parse_pattern(struct parsing *s, struct filter_node *node)
{
	struct filter_operand o = take_operand(s);

	node->kind = FILTER_MATCH;
	if (o.is_column || o.sort != FILTER_TEXT)
		err_set(s->e, "expression, character %zu: a pattern is a text in quotes", o.at);
	add_right(s, node, &o);
}

static void
parse_is(struct parsing *s, struct filter_node *node)
{
	node->kind = FILTER_IS_NULL;
	node->is_negated = take_word(s, "not");
	if (!take_word(s, "null"))
		expected(s, "null");
}

static bool
take_comparison(struct parsing *s, enum filter_comparison *ret)
{
	static const struct {
		const char *sign;
		enum filter_comparison comparison;
	} signs[] = { { "==", EQUAL }, { "!=", UNEQUAL }, { "<=", LESS_EQUAL },
		{ ">=", MORE_EQUAL }, { "<", LESS }, { ">", MORE } };

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (take_sign(s, signs[i].sign)) {
			*ret = signs[i].comparison;
			return true;
		}
	if (*s->p == '=')
		err_set(s->e, "expression, character %zu: a single '=' ('==' compares)",
		    place(s, s->p));
	return false;
}

/* What comes behind the operand on the left. */
static void
parse_rest(struct parsing *s, struct filter_node *node)
{
	struct filter_operand right;

	if (take_sign(s, "=~")) {
		parse_pattern(s, node);
	} else if (take_sign(s, "!~")) {
		node->is_negated = true;
		parse_pattern(s, node);
	} else if (take_comparison(s, &node->comparison)) {
		right = take_operand(s);
		node->kind = FILTER_COMPARE;
		add_right(s, node, &right);
	} else if (take_word(s, "in")) {
		parse_values(s, node);
	} else if (take_word(s, "is")) {
		parse_is(s, node);
	} else if (take_word(s, "not")) {
		node->is_negated = true;
		if (take_word(s, "in"))
			parse_values(s, node);
		else
			expected(s, "in");
	} else if (node->left.is_column) {
		node->kind = FILTER_IS_TRUE;
		node->at = node->left.at;
	} else {
		expected(s, "a comparison");
	}
}

static struct filter_node *
parse_test(struct parsing *s)
{
	struct filter_node *node;

	if (take_sign(s, "(")) {
		node = parse_any(s);
		if (!take_sign(s, ")"))
			expected(s, "')', 'and' or 'or'");
		return node;
	}
	node = new_node(s, FILTER_COMPARE, 0);
	node->left = take_operand(s);
	node->at = place(s, s->p);
	if (!s->e->is_set)
		parse_rest(s, node);
	return node;
}

static struct filter_node *
parse_not(struct parsing *s)
{
	struct filter_node *node;
	size_t at = place(s, s->p);

	if (s->depth == MAX_DEPTH) {
		err_set(s->e,
		    "expression, character %zu: more than %d levels of parentheses and nots", at,
		    MAX_DEPTH);
		return NULL;
	}
	s->depth++;
	if (take_word(s, "not")) {
		node = new_node(s, FILTER_NOT, at);
		node->first = parse_not(s);
	} else {
		node = parse_test(s);
	}
	s->depth--;
	return node;
}

/* Conditions with a word between them. */
static struct filter_node *
parse_joined(struct parsing *s, const char *word, enum filter_kind kind,
    struct filter_node *(*parse_one)(struct parsing *s))
{
	size_t at = place(s, s->p);
	struct filter_node *first = parse_one(s), *last = first, *node;

	if (s->e->is_set || !is_word(s->p, word))
		return first;
	node = new_node(s, kind, at);
	node->first = first;
	while (take_word(s, word)) {
		last->next = parse_one(s);
		last = last->next;
	}
	return node;
}

static struct filter_node *
parse_all(struct parsing *s)
{
	return parse_joined(s, "and", FILTER_ALL, parse_not);
}

static struct filter_node *
parse_any(struct parsing *s)
{
	return parse_joined(s, "or", FILTER_ANY, parse_all);
}

struct row_filter *
row_filter_parse(const char *expression, struct err *e)
{
	struct parsing s = { .text = expression, .p = expression, .counted = expression, .e = e };

	if (e->is_set)
		return NULL;
	s.filter = mem_zero(1, sizeof(*s.filter));
	if (!utf8_is_valid(expression, strlen(expression)))
		err_set(e, "expression: not UTF-8");
	skip_blanks(&s);
	if (!e->is_set && !*s.p)
		err_set(e, "expression: empty");
	s.filter->root = parse_any(&s);
	if (!e->is_set && (*s.p == '&' || *s.p == '|'))
		err_set(e,
		    "expression, character %zu: '%c' (conditions are joined by 'and' and 'or')",
		    place(&s, s.p), *s.p);
	if (!e->is_set && *s.p)
		expected(&s, "'and', 'or' or the end");
	if (!e->is_set)
		return s.filter;
	row_filter_free(s.filter);
	return NULL;
}
