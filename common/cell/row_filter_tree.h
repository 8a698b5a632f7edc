/* row_filter_tree.h - what an expression is read into; inside of cell/row_filter. */

#ifndef CELL_ROW_FILTER_TREE_H
#define CELL_ROW_FILTER_TREE_H

#include <regex.h>

#include "cell/exact_number.h"
#include "cell/row_filter.h"

enum filter_sort {
	FILTER_TEXT,
	FILTER_NUMBER,
	FILTER_TRUTH,
	FILTER_OTHER /* a column that nothing can be compared with */
};

struct filter_operand {
	size_t at; /* the character where it begins */
	bool is_column;
	enum filter_sort sort; /* of a column: once it is bound */
	const char *text;      /* of a text; the name of a column */
	size_t size;
	struct exact_number number;
	bool truth;
	size_t column;
	const struct field *field;
};

enum filter_kind {
	FILTER_ANY, /* or */
	FILTER_ALL, /* and */
	FILTER_NOT,
	FILTER_COMPARE,
	FILTER_AMONG,
	FILTER_MATCH,
	FILTER_IS_NULL,
	FILTER_IS_TRUE
};

enum filter_comparison { EQUAL, UNEQUAL, LESS, LESS_EQUAL, MORE, MORE_EQUAL };

struct filter_node {
	enum filter_kind kind;
	size_t at;                 /* of the sign, or of the operand alone */
	struct filter_node *first; /* of or, and, not */
	struct filter_node *next;  /* beside it, under the same one */
	enum filter_comparison comparison;
	bool is_negated;              /* not in, !~, is not null */
	struct filter_operand left;   /* a column, once it is bound */
	struct filter_operand *right; /* [n_right]; of =~ the pattern */
	size_t n_right;
	struct string_index index; /* of the texts on the right of `in` */
	regex_t regex;
	bool has_regex;
	const uint8_t *answers; /* [dictionary->n], where left has one and right is no column */
};

struct row_filter {
	struct arena arena;
	struct filter_node *root;
	struct buffer text; /* of a row, with a NUL behind it */
};

#endif
