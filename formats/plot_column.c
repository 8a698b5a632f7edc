/* plot_column.c - see plot_column.h. */

#include "formats/plot_column.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cell/string_set.h"
#include "formats/text_value.h"

struct plot_gathering {
	struct string_set texts;
	struct buffer values; /* int32_t or double [n] */
	bool is_ordered;      /* the texts came from a dictionary, in its order */
	bool is_numeric;      /* the texts are those of numbers */
	struct buffer text;   /* of one value */
};

static bool
is_number(const struct field *f)
{
	return f->type == TYPE_INT || f->type == TYPE_FLOAT;
}

void
plot_column_start(struct plot_column *c, const struct field *f, bool as_categories)
{
	struct plot_gathering *g = mem_zero(1, sizeof(*g));

	*c = (struct plot_column){
		.name = mem_strdup(f->name),
		.is_numbers = is_number(f) && !as_categories,
		.is_whole = f->type == TYPE_INT,
		.gathering = g,
	};
	g->is_numeric = is_number(f);
	g->is_ordered = f->dictionary;
	for (size_t i = 0; f->dictionary && i < f->dictionary->n; i++) {
		size_t size;
		const char *text = strings_get(f->dictionary, i, &size);

		string_set_add(&g->texts, text, size);
	}
}

static int32_t
code_of(struct plot_gathering *g, const struct field *f, const struct array *a, size_t i)
{
	size_t size;
	const char *text;

	if (!array_is_valid(a, i) || (g->is_numeric && isnan(array_number(f, a, i))))
		return -1;
	if (f->type == TYPE_UTF8) {
		text = array_text(f, a, i, &size);
		return (int32_t)string_set_add(&g->texts, text, size);
	}
	g->text.size = 0;
	text_plain(&g->text, f, a, i);
	return (int32_t)string_set_add(&g->texts, (const char *)g->text.data, g->text.size);
}

void
plot_column_add(struct plot_column *c, const struct field *f, const struct array *a)
{
	struct plot_gathering *g = c->gathering;

	for (size_t i = 0; i < a->length; i++) {
		if (c->is_numbers) {
			double x = array_number(f, a, i);

			buffer_add(&g->values, &x, sizeof(x));
		} else {
			int32_t code = code_of(g, f, a, i);

			buffer_add(&g->values, &code, sizeof(code));
		}
	}
	c->n += a->length;
}

/* -- the order of categories -- */

struct category {
	const char *text;
	size_t size;
	double number; /* where texts are those of numbers */
	int32_t code;  /* while gathering */
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Where the number that starts there ends; its leading zeros are skipped. */
static size_t
digits(const char *text, size_t size, size_t *i)
{
	size_t end;

	while (*i + 1 < size && text[*i] == '0' && is_digit(text[*i + 1]))
		(*i)++;
	for (end = *i; end < size && is_digit(text[end]);)
		end++;
	return end;
}

/* Byte by byte, but runs of digits by their number. */
static int
compare_texts(const char *a, size_t a_size, const char *b, size_t b_size)
{
	size_t i = 0, j = 0;

	while (i < a_size && j < b_size) {
		size_t a_end = i + 1, b_end = j + 1;
		int order;

		if (is_digit(a[i]) && is_digit(b[j])) {
			a_end = digits(a, a_size, &i);
			b_end = digits(b, b_size, &j);
			if (a_end - i != b_end - j)
				return a_end - i < b_end - j ? -1 : 1;
		}
		order = memcmp(a + i, b + j, a_end - i);
		if (order)
			return order;
		i = a_end;
		j = b_end;
	}
	return (i < a_size) - (j < b_size);
}

static int
by_number_or_text(const void *a, const void *b)
{
	const struct category *p = a, *q = b;
	int order = (p->number > q->number) - (p->number < q->number);

	if (!order)
		order = compare_texts(p->text, p->size, q->text, q->size);
	return order ? order : (p->code > q->code) - (p->code < q->code);
}

/* Those that occur, in their order; returns how many. */
static size_t
choose(struct category *categories, const struct plot_gathering *g, const struct strings *texts,
    const int32_t *codes, size_t n)
{
	bool *is_used = mem_zero(texts->n + 1, sizeof(*is_used));
	size_t n_used = 0;

	for (size_t i = 0; i < n; i++)
		if (codes[i] >= 0)
			is_used[codes[i]] = true;
	for (size_t i = 0; i < texts->n; i++) {
		struct category *k = &categories[n_used];

		k->text = strings_get(texts, i, &k->size);
		k->code = (int32_t)i;
		k->number = 0;
		if (g->is_numeric) {
			char *copy = mem_strndup(k->text, k->size);

			k->number = strtod(copy, NULL);
			free(copy);
		}
		n_used += is_used[i];
	}
	free(is_used);
	if (!g->is_ordered)
		qsort(categories, n_used, sizeof(*categories), by_number_or_text);
	return n_used;
}

/* The names in one piece of memory that plot_column_free frees. */
static struct strings *
names_of(const struct category *categories, size_t n)
{
	struct string_set set = { 0 };
	struct strings *names, kept;

	for (size_t i = 0; i < n; i++)
		string_set_add(&set, categories[i].text, categories[i].size);
	kept = string_set_strings(&set);
	names = mem_alloc(1, sizeof(*names) + (n + 1) * sizeof(int32_t) + set.bytes.size);
	names->n = n;
	names->offsets = memcpy(names + 1, kept.offsets, (n + 1) * sizeof(int32_t));
	names->bytes = (char *)names + sizeof(*names) + (n + 1) * sizeof(int32_t);
	memcpy((char *)(names + 1) + (n + 1) * sizeof(int32_t), kept.bytes, set.bytes.size);
	string_set_free(&set);
	return names;
}

static void
finish_categories(struct plot_column *c)
{
	struct plot_gathering *g = c->gathering;
	struct strings texts = string_set_strings(&g->texts);
	struct category *categories = mem_alloc(texts.n + 1, sizeof(*categories));
	int32_t *places = mem_alloc(texts.n + 1, sizeof(*places));
	size_t n;

	c->codes = mem_alloc(c->n, sizeof(*c->codes));
	if (c->n)
		memcpy(c->codes, g->values.data, c->n * sizeof(*c->codes));
	n = choose(categories, g, &texts, c->codes, c->n);
	c->names = names_of(categories, n);
	for (size_t i = 0; i < n; i++)
		places[categories[i].code] = (int32_t)i;
	for (size_t i = 0; i < c->n; i++)
		c->codes[i] = c->codes[i] < 0 ? -1 : places[c->codes[i]];
	free(categories);
	free(places);
}

static void
gathering_free(struct plot_gathering *g)
{
	if (!g)
		return;
	string_set_free(&g->texts);
	buffer_free(&g->values);
	buffer_free(&g->text);
	free(g);
}

void
plot_column_finish(struct plot_column *c)
{
	assert(c->gathering);
	if (c->is_numbers) {
		c->numbers = mem_alloc(c->n, sizeof(*c->numbers));
		if (c->n)
			memcpy(c->numbers, c->gathering->values.data, c->n * sizeof(*c->numbers));
	} else {
		finish_categories(c);
	}
	gathering_free(c->gathering);
	c->gathering = NULL;
}

size_t
plot_column_nulls(const struct plot_column *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->is_numbers ? isnan(c->numbers[i]) != 0 : c->codes[i] < 0;
	return n;
}

void
plot_column_free(struct plot_column *c)
{
	gathering_free(c->gathering);
	free(c->name);
	free(c->codes);
	free(c->numbers);
	free(c->names);
	*c = (struct plot_column){ 0 };
}
