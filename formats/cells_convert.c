/* 1. Numbers
 * 2. Texts
 * 3. The columns of a kind
 * 4. The plan */

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/cells_convert.h"
#include "formats/text_scalar.h"

/* 1. Numbers: exact, or an error */

/* From here on, not every whole number is a double. */
static const double WHOLE_MAX = 9007199254740992.0;

/* Rounding is allowed between kinds of floating-point numbers only: a whole number must stay
 * itself. */
static bool
is_kept(const struct field *from, const struct field *to, double x)
{
	if (from->type == TYPE_INT && from->bit_width == 64 && fabs(x) >= WHOLE_MAX)
		return false;
	if (to->type == TYPE_FLOAT)
		return to->bit_width == 64 || (double)(float)x == x || x != floor(x);
	if (to->bit_width == 16)
		return x >= 0 && x <= UINT16_MAX && x == floor(x);
	if (to->bit_width == 32)
		return x >= INT32_MIN && x <= INT32_MAX && x == floor(x);
	return fabs(x) < WHOLE_MAX && x == floor(x);
}

static void
store(const struct field *to, void *values, size_t i, double x)
{
	if (to->type == TYPE_FLOAT && to->bit_width == 32)
		((float *)values)[i] = (float)x;
	else if (to->type == TYPE_FLOAT)
		((double *)values)[i] = x;
	else if (to->bit_width == 16)
		((uint16_t *)values)[i] = (uint16_t)x;
	else if (to->bit_width == 32)
		((int32_t *)values)[i] = (int32_t)x;
	else
		((int64_t *)values)[i] = (int64_t)x;
}

static int
convert_numbers(struct arena *arena, const struct field *from, const struct field *to,
    struct array *a, struct err *e)
{
	void *values = arena_zero(arena, a->length, (size_t)to->bit_width / 8);
	char text[60];

	for (size_t i = 0; i < a->length; i++) {
		double x = array_number(from, a, i);

		if (isnan(x) && !array_is_valid(a, i))
			continue;
		if (!isnan(x) && !isinf(x) && !is_kept(from, to, x))
			return err_set(e, "entry %zu: %.17g does not fit %s", i, x,
			    field_type_text(to, text, sizeof(text)));
		if (to->type == TYPE_INT && !isfinite(x))
			return err_set(e, "entry %zu: %g is not a whole number", i, x);
		store(to, values, i, x);
	}
	a->values = values;
	return 0;
}

static bool
is_number(const struct field *f)
{
	return f->type == TYPE_INT || f->type == TYPE_FLOAT;
}

/* 2. Texts */

static struct array
texts_of_numbers(struct arena *arena, const struct field *from, const struct array *a)
{
	const char **texts = arena_zero(arena, a->length, sizeof(*texts));
	struct buffer text = { 0 };

	for (size_t i = 0; i < a->length; i++) {
		text.size = 0;
		text_scalar(&text, from, a, i);
		buffer_add(&text, "", 1);
		texts[i] = arena_strdup(arena, (const char *)text.data);
	}
	buffer_free(&text);
	return array_from_texts(arena, texts, a->length);
}

/* The numbers of n rows as texts. */
static struct array
number_rows(struct arena *arena, uint64_t first, size_t n)
{
	const char **texts = arena_alloc(arena, n, sizeof(*texts));

	for (size_t i = 0; i < n; i++)
		texts[i] = arena_printf(arena, "%" PRIu64, first + i);
	return array_from_texts(arena, texts, n);
}

/* 3. The columns of a kind */

enum action { KEEP, NUMBERS, DECODE, NUMBER_TEXTS };

struct wanted {
	const char *name;
	unsigned kinds;
	bool is_required;
	enum type container; /* TYPE_LIST, TYPE_FIXED_LIST, or TYPE_NULL: none */
	enum type type;
	int bit_widths[2]; /* kept as they are; others become the last one that is not 0 */
};

static const struct wanted wanted[] = {
	{ "cell", KIND_COUNTS | KIND_VALUES | KIND_TOKENS, false, TYPE_NULL, TYPE_UTF8, { 0, 0 } },
	{ "gene", KIND_COUNTS | KIND_VALUES, true, TYPE_LIST, TYPE_UTF8, { 0, 0 } },
	{ "count", KIND_COUNTS, true, TYPE_LIST, TYPE_FLOAT, { 32, 0 } },
	{ "value", KIND_VALUES, true, TYPE_LIST, TYPE_FLOAT, { 64, 0 } },
	{ "n_counts", KIND_COUNTS | KIND_VALUES, false, TYPE_NULL, TYPE_FLOAT, { 32, 64 } },
	{ "input_ids", KIND_TOKENS, true, TYPE_LIST, TYPE_INT, { 16, 32 } },
	{ "length", KIND_TOKENS, false, TYPE_NULL, TYPE_INT, { 64, 0 } },
	{ "embedding", KIND_EMBEDDINGS, true, TYPE_FIXED_LIST, TYPE_FLOAT, { 32, 0 } },
};

enum { N_WANTED = sizeof(wanted) / sizeof(wanted[0]) };

struct step {
	enum action action;
	bool in_child;
	bool no_nulls;
};

struct conversion {
	enum kind kind;
	const struct schema *source;
	struct schema *schema;
	struct step *steps; /* [source->n_fields] */
	bool adds_cell, adds_length;
	ptrdiff_t input_ids, length; /* in the converted schema */
};

static int
target_width(const struct wanted *w, const struct field *from)
{
	int last = w->bit_widths[1] ? w->bit_widths[1] : w->bit_widths[0];

	if (w->type == TYPE_FLOAT)
		return from->type == TYPE_FLOAT && from->bit_width == w->bit_widths[0]
			   ? w->bit_widths[0]
			   : last;
	if (w->bit_widths[1] && from->bit_width <= 16)
		return 16;
	return last;
}

static struct field
target_number(const struct wanted *w, const struct field *from)
{
	int width = target_width(w, from);

	return w->type == TYPE_FLOAT ? field_float(from->name, width)
				     : field_int(from->name, width, width != 16);
}

/* Finds the action for one column and changes its field in the converted schema; false where the
 * type cannot be brought to the profile's. */
static bool
plan_column(struct conversion *c, const struct wanted *w, size_t i)
{
	const struct field *from = &c->source->fields[i];
	struct field changed = *from, item, target;
	struct step *step = &c->steps[i];

	step->no_nulls = w->type == TYPE_UTF8 || w->container != TYPE_NULL;
	if (w->container != TYPE_NULL) {
		if (from->type != w->container)
			return false;
		step->in_child = true;
		from = &from->children[0];
	}
	if (w->type == TYPE_UTF8) {
		if (from->type == TYPE_UTF8 && (step->in_child || !from->dictionary))
			return true;
		if (from->type != TYPE_UTF8 && (!is_number(from) || step->in_child))
			return false;
		step->action = from->type == TYPE_UTF8 ? DECODE : NUMBER_TEXTS;
		target = field_utf8(from->name);
	} else {
		if (!is_number(from) || (w->type == TYPE_INT && from->type != TYPE_INT))
			return false;
		target = target_number(w, from);
		if (field_same_type(&target, from))
			return true;
		step->action = NUMBERS;
	}
	if (step->in_child) {
		item = target;
		changed.children = &item;
	} else {
		target.metadata = changed.metadata;
		changed = target;
	}
	schema_replace(c->schema, i, &changed);
	return true;
}

/* 4. The plan */

static void
add_columns(struct conversion *c)
{
	struct field cell = field_utf8("cell"), length = field_int("length", 64, true);
	bool is_of_cells = c->kind & (KIND_COUNTS | KIND_VALUES | KIND_TOKENS) ||
			   (c->kind == KIND_EMBEDDINGS && schema_find(c->schema, "gene") < 0 &&
			       schema_find(c->schema, "state") < 0);

	c->adds_cell = is_of_cells && schema_find(c->schema, "cell") < 0;
	if (c->adds_cell)
		schema_insert(c->schema, 0, &cell);
	c->adds_length = c->kind == KIND_TOKENS && schema_find(c->schema, "length") < 0;
	if (c->adds_length)
		schema_append(c->schema, &length);
}

struct conversion *
conversion_plan(const struct schema *source, enum kind kind, struct err *e)
{
	struct conversion *c = mem_zero(1, sizeof(*c));
	char text[200];

	c->kind = kind;
	c->source = source;
	c->schema = schema_copy(source);
	c->steps = mem_zero(source->n_fields, sizeof(*c->steps));
	for (size_t k = 0; k < N_WANTED && !e->is_set; k++) {
		ptrdiff_t i = schema_find(source, wanted[k].name);

		if (!(wanted[k].kinds & kind))
			continue;
		if (i < 0 && wanted[k].is_required)
			err_set(e, "a stream of %s needs the column %s", kind_name(kind),
			    wanted[k].name);
		else if (i >= 0 && !plan_column(c, &wanted[k], (size_t)i))
			err_set(e, "column %s: type %s does not fit a stream of %s", wanted[k].name,
			    field_type_text(&source->fields[i], text, sizeof(text)),
			    kind_name(kind));
	}
	if (e->is_set) {
		conversion_free(c);
		return NULL;
	}
	add_columns(c);
	c->input_ids = schema_find(c->schema, "input_ids");
	c->length = schema_find(c->schema, "length");
	return c;
}

const struct schema *
conversion_schema(const struct conversion *c)
{
	return c->schema;
}

static int
refuse_null(const struct array *a, struct err *e)
{
	size_t i = 0;

	while (i < a->length && array_is_valid(a, i))
		i++;
	return err_set(e, "row %zu: null", i);
}

static int
convert_column(const struct conversion *c, struct batch *b, size_t i, struct err *e)
{
	const struct step *step = &c->steps[i];
	const struct field *from = &c->source->fields[i],
			   *to = &c->schema->fields[i + c->adds_cell];
	struct array *a = &b->columns[i];

	if (step->no_nulls && a->null_count)
		return refuse_null(a, e);
	if (step->in_child) {
		a->children = arena_copy(&b->arena, a->children, 1, sizeof(*a->children));
		a = &a->children[0];
		from = &from->children[0];
		to = &to->children[0];
		if (a->null_count)
			return err_set(e, "a null inside of a list");
	}
	if (step->action == NUMBERS)
		return convert_numbers(&b->arena, from, to, a, e);
	if (step->action == DECODE)
		*a = array_decode(&b->arena, from, a);
	else if (step->action == NUMBER_TEXTS)
		*a = texts_of_numbers(&b->arena, from, a);
	return 0;
}

static int
check_lengths(const struct conversion *c, struct batch *b, struct err *e)
{
	const int32_t *offsets = b->columns[c->input_ids].offsets;
	int64_t *lengths = arena_alloc(&b->arena, b->rows, sizeof(*lengths));

	for (size_t i = 0; i < b->rows; i++)
		lengths[i] = offsets[i + 1] - offsets[i];
	if (c->adds_length) {
		batch_append(b, array_fixed(b->rows, lengths));
		return 0;
	}
	for (size_t i = 0; i < b->rows; i++) {
		int64_t said = ((const int64_t *)b->columns[c->length].values)[i];

		if (array_is_valid(&b->columns[c->length], i) && said != lengths[i])
			return err_set(e, "row %zu: length %lld, but %lld input_ids", i,
			    (long long)said, (long long)lengths[i]);
	}
	return 0;
}

int
conversion_apply(const struct conversion *c, struct batch *b, uint64_t first_row, struct err *e)
{
	for (size_t i = 0; i < c->source->n_fields; i++)
		if (convert_column(c, b, i, e))
			return err_prefix(e, "column %s", c->source->fields[i].name);
	if (c->adds_cell)
		batch_insert(b, 0, number_rows(&b->arena, first_row, b->rows));
	return c->kind == KIND_TOKENS ? check_lengths(c, b, e) : 0;
}

void
conversion_free(struct conversion *c)
{
	if (!c)
		return;
	schema_free(c->schema);
	free(c->steps);
	free(c);
}
