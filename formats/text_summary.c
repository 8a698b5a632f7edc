/* 1. Numbers
 * 2. Lengths of lists
 * 3. Texts
 * 4. Columns
 * 5. The page */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "formats/text_scalar.h"
#include "formats/text_summary.h"
#include "formats/text_value.h"

enum {
	LONGEST_COUNTED = 1 << 20,
	MOST_TEXTS = 10000,
	MOST_TEXT_BYTES = 4 << 20,
	TABLE_SLOTS = 1 << 15
};
enum { TOP = 5, LONGEST_SHOWN = 60, TYPE_SIZE = 1000 };

struct numbers {
	uint64_t n, n_nan;
	double smallest, largest;
	double sum, lost; /* Neumaier's compensated sum: what rounding took off */
};

struct lengths {
	uint64_t n, *counts; /* [room] lists of each length; the last is of all longer ones */
	size_t room, shortest, longest;
};

struct texts {
	const struct strings *dictionary; /* NULL: plain texts, in the table */
	uint64_t *counts;                 /* [dictionary->n], or [room] beside `entries` */
	size_t n;                         /* different ones */
	bool is_full;
	struct buffer bytes; /* of the table: 4 bytes of length, then the text */
	size_t room;         /* slots of the table, a power of two */
	size_t *entries;     /* [room] place in bytes + 1, 0: empty */
};

struct column {
	uint64_t n_null;
	struct numbers numbers;
	struct lengths lengths;
	struct texts texts;
	struct column *child; /* of a list of scalars */
};

struct text_summary {
	const struct schema *schema;
	uint64_t rows, batches;
	struct column *columns; /* [schema->n_fields] */
};

/* 1. Numbers */

static void
numbers_add(struct numbers *s, double x)
{
	double sum = s->sum + x;

	if (isnan(x)) {
		s->n_nan++;
		return;
	}
	s->lost += fabs(s->sum) >= fabs(x) ? (s->sum - sum) + x : (x - sum) + s->sum;
	s->sum = sum;
	s->smallest = s->n && s->smallest <= x ? s->smallest : x;
	s->largest = s->n && s->largest >= x ? s->largest : x;
	s->n++;
}

static void
numbers_print(const struct numbers *s, const struct field *f, struct buffer *b)
{
	bool is_single = f->type == TYPE_FLOAT && f->bit_width < 64;
	double mean = isfinite(s->sum) ? (s->sum + s->lost) / (double)s->n : s->sum;
	char text[80];

	if (f->type == TYPE_BOOL) {
		snprintf(
		    text, sizeof(text), "%.0f true, %.0f false", s->sum, (double)s->n - s->sum);
		buffer_add(b, text, strlen(text));
	} else if (s->n) {
		text_real(b, s->smallest, is_single);
		buffer_add(b, " to ", 4);
		text_real(b, s->largest, is_single);
		snprintf(text, sizeof(text), ", mean %.6g", mean);
		buffer_add(b, text, strlen(text));
	}
	if (s->n_nan) {
		snprintf(text, sizeof(text), "%s%" PRIu64 " NaN", s->n ? ", " : "", s->n_nan);
		buffer_add(b, text, strlen(text));
	}
}

/* 2. Lengths of lists */

static void
lengths_add(struct lengths *s, size_t length)
{
	size_t bin = length < LONGEST_COUNTED ? length : LONGEST_COUNTED;

	if (bin >= s->room) {
		size_t room = 2 * bin < 64 ? 64 : 2 * bin;

		room = room > LONGEST_COUNTED + 1 ? LONGEST_COUNTED + 1 : room;
		s->counts = mem_resize(s->counts, s->room, room, sizeof(*s->counts));
		memset(s->counts + s->room, 0, (room - s->room) * sizeof(*s->counts));
		s->room = room;
	}
	s->counts[bin]++;
	s->shortest = s->n && s->shortest <= length ? s->shortest : length;
	s->longest = s->n && s->longest >= length ? s->longest : length;
	s->n++;
}

/* The length at place `rank`, from 0, of all lengths in order. */
static size_t
lengths_at(const struct lengths *s, uint64_t rank)
{
	size_t bin = 0;

	for (uint64_t before = s->counts[0]; before <= rank; before += s->counts[bin])
		bin++;
	return bin;
}

static void
lengths_print(const struct lengths *s, struct buffer *b)
{
	size_t low, high;
	char text[120];

	if (!s->n)
		return;
	low = lengths_at(s, (s->n - 1) / 2);
	high = lengths_at(s, s->n / 2);
	snprintf(text, sizeof(text), "length %zu to %zu, median %s%.15g", s->shortest, s->longest,
	    high == LONGEST_COUNTED ? "at least " : "", ((double)low + (double)high) / 2);
	buffer_add(b, text, strlen(text));
}

/* 3. Texts */

static const char *
entry_text(const struct texts *s, size_t entry, size_t *ret_n)
{
	uint32_t n;

	memcpy(&n, s->bytes.data + entry - 1, sizeof(n));
	*ret_n = n;
	return (const char *)s->bytes.data + entry - 1 + sizeof(n);
}

static size_t
find_slot(const struct texts *s, const char *text, size_t n)
{
	size_t slot = hash_bytes(text, n) & (s->room - 1), other_n;

	while (s->entries[slot]) {
		const char *other = entry_text(s, s->entries[slot], &other_n);

		if (other_n == n && memcmp(other, text, n) == 0)
			break;
		slot = (slot + 1) & (s->room - 1);
	}
	return slot;
}

static void
texts_clear(struct texts *s)
{
	buffer_free(&s->bytes);
	free(s->entries);
	free(s->counts);
	s->entries = NULL;
	s->counts = NULL;
}

static void
table_add(struct texts *s, const char *text, size_t n)
{
	uint32_t n_bytes = (uint32_t)n;
	size_t slot;

	if (s->is_full)
		return;
	if (!s->entries) {
		s->room = TABLE_SLOTS;
		s->entries = mem_zero(s->room, sizeof(*s->entries));
		s->counts = mem_zero(s->room, sizeof(*s->counts));
	}
	slot = find_slot(s, text, n);
	if (!s->entries[slot] && (s->n == MOST_TEXTS || s->bytes.size + n > MOST_TEXT_BYTES)) {
		texts_clear(s);
		s->is_full = true;
		return;
	}
	if (!s->entries[slot]) {
		s->entries[slot] = s->bytes.size + 1;
		buffer_add(&s->bytes, &n_bytes, sizeof(n_bytes));
		buffer_add(&s->bytes, text, n);
		s->n++;
	}
	s->counts[slot]++;
}

static void
texts_add(struct texts *s, const struct field *f, const struct array *a, size_t i)
{
	size_t n;
	const char *text;

	if (!f->dictionary) {
		text = array_text(f, a, i, &n);
		table_add(s, text, n);
		return;
	}
	if (!s->dictionary) {
		s->dictionary = f->dictionary;
		s->counts = mem_zero(f->dictionary->n, sizeof(*s->counts));
	}
	if (!s->counts[((const int32_t *)a->values)[i]]++)
		s->n++;
}

static const char *
text_of(const struct texts *s, size_t slot, size_t *ret_n)
{
	return s->dictionary ? strings_get(s->dictionary, slot, ret_n)
			     : entry_text(s, s->entries[slot], ret_n);
}

/* True where slot a comes before b: more of it, or as many and first in the order of bytes. */
static bool
is_before(const struct texts *s, size_t a, size_t b)
{
	size_t n, m;
	const char *x, *y;
	int order;

	if (s->counts[a] != s->counts[b])
		return s->counts[a] > s->counts[b];
	x = text_of(s, a, &n);
	y = text_of(s, b, &m);
	order = memcmp(x, y, n < m ? n : m);
	return order ? order < 0 : n < m;
}

/* The most frequent ones, in order. Returns how many: TOP, or fewer. */
static size_t
find_top(const struct texts *s, size_t top[TOP + 1])
{
	size_t n_slots = s->dictionary ? s->dictionary->n : s->room, n = 0;

	for (size_t slot = 0; s->counts && slot < n_slots; slot++) {
		size_t at = n;

		if (!s->counts[slot])
			continue;
		for (; at && is_before(s, slot, top[at - 1]); at--)
			top[at] = top[at - 1];
		top[at] = slot;
		n += n < TOP;
	}
	return n;
}

/* So many bytes of a text are shown: whole characters, and no more than LONGEST_SHOWN. */
static size_t
shown_bytes(const char *text, size_t n)
{
	if (n <= LONGEST_SHOWN)
		return n;
	n = LONGEST_SHOWN;
	while (n && (text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static void
texts_print(const struct texts *s, struct buffer *b)
{
	size_t top[TOP + 1], n = find_top(s, top), size;
	char text[60];

	snprintf(
	    text, sizeof(text), s->is_full ? "more than %zu different" : "%zu different", s->n);
	buffer_add(b, text, strlen(text));
	if (n && s->counts[top[0]] == 1 && s->n > TOP)
		return;
	for (size_t i = 0; i < n; i++) {
		const char *name = text_of(s, top[i], &size);

		buffer_add(b, i ? ", " : ": ", 2);
		text_printable(b, name, shown_bytes(name, size));
		buffer_add(b, "...", shown_bytes(name, size) < size ? 3 : 0);
		snprintf(text, sizeof(text), " %" PRIu64, s->counts[top[i]]);
		buffer_add(b, text, strlen(text));
	}
	if (n && s->n > n)
		buffer_add(b, ", ...", 5);
}

/* 4. Columns */

static bool
is_list(const struct field *f)
{
	return f->type == TYPE_LIST || f->type == TYPE_FIXED_LIST || f->type == TYPE_MAP;
}

static bool
is_number(const struct field *f)
{
	return f->type == TYPE_BOOL || f->type == TYPE_INT || f->type == TYPE_FLOAT;
}

static void column_add(
    struct column *c, const struct field *f, const struct array *a, size_t from, size_t to);

static void
column_add_list(struct column *c, const struct field *f, const struct array *a, size_t i)
{
	size_t from = a->offsets ? (size_t)a->offsets[i] : i * (size_t)f->list_size;
	size_t to = a->offsets ? (size_t)a->offsets[i + 1] : from + (size_t)f->list_size;

	lengths_add(&c->lengths, to - from);
	if (f->children[0].n_children)
		return;
	if (!c->child)
		c->child = mem_zero(1, sizeof(*c->child));
	column_add(c->child, &f->children[0], &a->children[0], from, to);
}

static void
column_add(struct column *c, const struct field *f, const struct array *a, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		if (f->type == TYPE_NULL || !array_is_valid(a, i))
			c->n_null++;
		else if (f->type == TYPE_UTF8)
			texts_add(&c->texts, f, a, i);
		else if (is_list(f))
			column_add_list(c, f, a, i);
		else if (is_number(f))
			numbers_add(&c->numbers, array_number(f, a, i));
	}
}

static void
column_print(const struct column *c, const struct field *f, struct buffer *b)
{
	char text[60];

	if (f->type == TYPE_UTF8)
		texts_print(&c->texts, b);
	else if (is_number(f))
		numbers_print(&c->numbers, f, b);
	else if (is_list(f))
		lengths_print(&c->lengths, b);
	if (!c->child)
		return;
	buffer_add(b, "; ", 2);
	column_print(c->child, &f->children[0], b);
	if (c->child->n_null) {
		snprintf(text, sizeof(text), ", %" PRIu64 " null", c->child->n_null);
		buffer_add(b, text, strlen(text));
	}
}

static void
column_clear(struct column *c)
{
	if (c->child)
		column_clear(c->child);
	free(c->child);
	free(c->lengths.counts);
	texts_clear(&c->texts);
}

/* 5. The page */

struct text_summary *
text_summary_new(const struct schema *s)
{
	struct text_summary *t = mem_zero(1, sizeof(*t));

	t->schema = s;
	t->columns = mem_zero(s->n_fields, sizeof(*t->columns));
	return t;
}

void
text_summary_add(struct text_summary *t, const struct batch *b)
{
	for (size_t i = 0; i < b->n_columns; i++)
		column_add(&t->columns[i], &t->schema->fields[i], &b->columns[i], 0, b->rows);
	t->rows += b->rows;
	t->batches++;
}

/* The cells of the page, four a line, in one buffer; ends[] is where each ends. */
static void
add_cells(const struct text_summary *t, struct buffer *b, size_t *ends)
{
	static const char *const titles[] = { "column", "type", "null", "values" };
	char type[TYPE_SIZE];
	size_t k = 0;

	for (size_t i = 0; i < 4; i++) {
		buffer_add(b, titles[i], strlen(titles[i]));
		ends[k++] = b->size;
	}
	for (size_t i = 0; i < t->schema->n_fields; i++) {
		const struct field *f = &t->schema->fields[i];

		text_printable(b, f->name, strlen(f->name));
		ends[k++] = b->size;
		field_type_text(f, type, sizeof(type));
		text_printable(b, type, strlen(type));
		ends[k++] = b->size;
		text_unsigned(b, t->columns[i].n_null);
		ends[k++] = b->size;
		column_print(&t->columns[i], f, b);
		ends[k++] = b->size;
	}
}

int
text_summary_write(struct text_summary *t, struct output *out, const char *kind, struct err *e)
{
	size_t n = 4 * (t->schema->n_fields + 1), widths[4] = { 0 }, from = 0;
	size_t *ends = mem_alloc(n, sizeof(*ends));
	struct buffer b = { 0 };

	add_cells(t, &b, ends);
	for (size_t k = 0; k < n; k++) {
		size_t width = ends[k] - (k ? ends[k - 1] : 0);

		widths[k % 4] = width > widths[k % 4] ? width : widths[k % 4];
	}
	output_printf(out, e, "%s: %" PRIu64 " row%s in %" PRIu64 " batch%s\n", kind, t->rows,
	    t->rows == 1 ? "" : "s", t->batches, t->batches == 1 ? "" : "es");
	for (size_t k = 0; k < n; k++) {
		int width = (int)(ends[k] - from);

		output_printf(out, e, "%.*s", width, (const char *)b.data + from);
		if (k % 4 == 3)
			output_write(out, "\n", 1, e);
		else if (ends[k - k % 4 + 3] > ends[k])
			output_printf(out, e, "%*s", (int)widths[k % 4] - width + 2, "");
		from = ends[k];
	}
	buffer_free(&b);
	free(ends);
	return e->is_set ? -1 : 0;
}

void
text_summary_free(struct text_summary *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->schema->n_fields; i++)
		column_clear(&t->columns[i]);
	free(t->columns);
	free(t);
}
