/* 1. Lists of pairs
 * 2. Output columns
 * 3. The plan
 * 4. Batches */

#include <stdlib.h>
#include <string.h>

#include "base/name_hint.h"
#include "base/name_list.h"
#include "formats/cells_join.h"
#include "formats/join_table.h"
#include "formats/text_value.h"

struct join {
	const struct schema *source;
	struct schema *schema;
	enum join_unmatched unmatched;
	size_t n_constants;
	size_t *constant_at; /* [n_constants] places in the schema */
	size_t n_keys;
	size_t *key_at;                  /* [n_keys] places in the schema with the constants */
	const struct field **key_fields; /* [n_keys] */
	struct join_table *table;        /* NULL: none */
	size_t *column_at;               /* [table->n_columns] */
	bool *is_used;                   /* [table->n_rows] */
	uint64_t n_rows, n_unmatched;
	struct buffer key, first_unmatched;
};

/* 1. Lists of pairs */

/* "A=B,C": both sides of each, the second NULL where there is none. */
struct pairs {
	size_t n;
	char **first, **second;
};

/* Cuts the text at its first '='; "\=" is one of a name. Returns what stands behind it. */
static char *
cut_pair(char *text)
{
	char *to = text, *second = NULL;

	for (char *from = text; *from; from++) {
		if (*from == '=' && !second) {
			*to++ = '\0';
			second = to;
			continue;
		}
		from += *from == '\\' && from[1] == '=';
		*to++ = *from;
	}
	*to = '\0';
	return second;
}

static int
split_pairs(struct pairs *p, const char *list, struct err *e)
{
	int r = name_list_split(list, &p->first, &p->n, e);

	p->second = mem_alloc(p->n, sizeof(*p->second));
	for (size_t i = 0; i < p->n; i++)
		p->second[i] = cut_pair(p->first[i]);
	return r;
}

static void
free_pairs(struct pairs *p)
{
	name_list_free(p->first, p->n);
	free(p->second);
}

/* 2. Output columns */

/* Puts a field into the schema under a name; returns its place, -1 where there is one already. */
static ptrdiff_t
place_column(
    struct join *j, const struct field *field, const char *name, bool is_replacing, struct err *e)
{
	const char *renamed = kind_renamed(&j->schema->arena, name);
	struct field named = *field;
	ptrdiff_t at;

	named.name = renamed ? renamed : name;
	at = schema_find(j->schema, named.name);
	if (at < 0)
		return (ptrdiff_t)schema_append(j->schema, &named);
	if (!is_replacing)
		return err_set(e,
		    "there is a column %s already (--replace takes the new one in its place)",
		    named.name);
	schema_replace(j->schema, (size_t)at, &named);
	return at;
}

static int
place_constants(struct join *j, const struct join_options *o, struct err *e)
{
	struct pairs p = { 0 };

	split_pairs(&p, o->constants, e);
	j->constant_at = mem_alloc(p.n, sizeof(*j->constant_at));
	for (size_t i = 0; i < p.n && !e->is_set; i++) {
		struct field field = field_utf8(p.first[i]);
		ptrdiff_t at;

		if (!p.second[i] || !*p.second[i] || !*p.first[i]) {
			err_set(e, "--set '%s': NAME=VALUE is expected", p.first[i]);
			break;
		}
		field.dictionary =
		    strings_from(&j->schema->arena, (const char *const *)&p.second[i], 1);
		at = place_column(j, &field, p.first[i], o->is_replacing, e);
		j->constant_at[j->n_constants++] = (size_t)at;
	}
	free_pairs(&p);
	return e->is_set ? -1 : 0;
}

/* 3. The plan */

static bool
is_key_type(const struct field *f)
{
	return f->type == TYPE_UTF8 || f->type == TYPE_INT || f->type == TYPE_FLOAT ||
	       f->type == TYPE_BOOL;
}

static int
no_column(const struct schema *s, const char *name, struct err *e)
{
	const char **names = mem_alloc(s->n_fields, sizeof(*names));
	char text[600];

	for (size_t i = 0; i < s->n_fields; i++)
		names[i] = s->fields[i].name;
	err_set(
	    e, "no column %s; %s", name, name_hint(text, sizeof(text), name, names, s->n_fields));
	free(names);
	return -1;
}

/* The columns of the stream that make the key. */
static int
find_keys(struct join *j, const struct pairs *keys, struct err *e)
{
	char text[200];

	j->n_keys = keys->n;
	j->key_at = mem_zero(keys->n, sizeof(*j->key_at));
	j->key_fields = mem_zero(keys->n, sizeof(*j->key_fields));
	for (size_t i = 0; i < keys->n; i++) {
		ptrdiff_t at = schema_find(j->schema, keys->first[i]);
		struct field *f;

		if (at < 0)
			return no_column(j->schema, keys->first[i], e);
		f = &j->schema->fields[at];
		if (!is_key_type(f))
			return err_set(e,
			    "the column %s is %s, and keys are texts, numbers or truths", f->name,
			    field_type_text(f, text, sizeof(text)));
		j->key_at[i] = (size_t)at;
		j->key_fields[i] = arena_copy(&j->schema->arena, f, 1, sizeof(*f));
	}
	return 0;
}

/* The columns of the table come to the stream, under new names where there are any. */
static int
place_columns(
    struct join *j, const struct join_options *o, const struct pairs *columns, struct err *e)
{
	const struct join_table *t = j->table;

	j->column_at = mem_alloc(t->n_columns, sizeof(*j->column_at));
	j->is_used = mem_zero(t->n_rows, sizeof(*j->is_used));
	for (size_t i = 0; i < t->n_columns; i++) {
		const char *name =
		    columns->n && columns->second[i] ? columns->second[i] : t->fields[i].name;
		ptrdiff_t at;

		for (size_t k = 0; k < i; k++)
			if (strcmp(j->schema->fields[j->column_at[k]].name, name) == 0)
				return err_set(e, "two new columns %s", name);
		if (!*name)
			return err_set(e, "a new column without a name");
		at = place_column(j, &t->fields[i], name, o->is_replacing, e);
		if (at < 0)
			return -1;
		j->column_at[i] = (size_t)at;
	}
	return 0;
}

/* What to read of the table. */
static void
open_table(struct join *j, const struct join_options *o, const struct pairs *keys,
    const struct pairs *columns, struct err *e)
{
	const char **key_names = mem_alloc(keys->n, sizeof(*key_names));
	struct join_table_options t = {
		.path = o->table, .force = o->force, .is_text = o->is_text
	};
	char **nulls;

	name_list_split(o->nulls, &nulls, &t.n_nulls, e);
	for (size_t i = 0; i < keys->n; i++)
		key_names[i] = keys->second[i] ? keys->second[i] : keys->first[i];
	t.keys = key_names;
	t.types = j->key_fields;
	t.n_keys = keys->n;
	t.columns = columns->n ? (const char *const *)columns->first : NULL;
	t.n_columns = columns->n;
	t.nulls = (const char *const *)nulls;
	j->table = join_table_open(&t, e);
	name_list_free(nulls, t.n_nulls);
	free(key_names);
}

static void
plan_table(struct join *j, const struct join_options *o, struct err *e)
{
	struct pairs keys = { 0 }, columns = { 0 };

	split_pairs(&keys, o->keys, e);
	split_pairs(&columns, o->columns, e);
	if (!e->is_set && find_keys(j, &keys, e) == 0)
		open_table(j, o, &keys, &columns, e);
	if (j->table)
		place_columns(j, o, &columns, e);
	free_pairs(&keys);
	free_pairs(&columns);
}

struct join *
join_plan(const struct schema *source, const struct join_options *o, struct err *e)
{
	struct join *j;

	if (e->is_set)
		return NULL;
	j = mem_zero(1, sizeof(*j));
	j->source = source;
	j->schema = schema_copy(source);
	j->unmatched = o->unmatched;
	if (place_constants(j, o, e) == 0 && o->keys)
		plan_table(j, o, e);
	if (!e->is_set)
		return j;
	join_free(j);
	return NULL;
}

const struct schema *
join_schema(const struct join *j)
{
	return j->schema;
}

const char *
join_hash(const struct join *j)
{
	return j->table ? j->table->hash : NULL;
}

struct join_counts
join_count(const struct join *j)
{
	struct join_counts counts = { .rows = j->n_rows, .unmatched = j->n_unmatched };

	counts.first_unmatched = j->n_unmatched ? (const char *)j->first_unmatched.data : "";
	counts.table_rows = j->table ? j->table->n_rows : 0;
	for (size_t i = 0; i < counts.table_rows; i++)
		counts.unused += !j->is_used[i];
	return counts;
}

void
join_free(struct join *j)
{
	if (!j)
		return;
	join_table_free(j->table);
	schema_free(j->schema);
	buffer_free(&j->key);
	buffer_free(&j->first_unmatched);
	free(j->constant_at);
	free(j->key_at);
	free(j->key_fields);
	free(j->column_at);
	free(j->is_used);
	free(j);
}

/* 4. Batches */

/* A column comes to its place: one that is there, or the next one. */
static void
set_column(struct batch *b, size_t at, struct array column)
{
	if (at < b->n_columns)
		b->columns[at] = column;
	else
		batch_append(b, column);
}

static void
describe_row(struct join *j, const struct batch *b, size_t row)
{
	struct buffer *text = &j->first_unmatched;

	for (size_t i = 0; i < j->n_keys; i++) {
		const char *name = j->key_fields[i]->name;

		buffer_add(text, i ? ", " : "", i ? 2 : 0);
		buffer_add(text, name, strlen(name));
		buffer_add(text, " '", 2);
		text_short(text, j->key_fields[i], &b->columns[j->key_at[i]], row, 1);
		buffer_add(text, "'", 1);
	}
	buffer_add(text, "", 1);
}

/* The row of the table for each row of the batch; the null row for those without. Returns how many
 * have one: their numbers are in `kept`. */
static size_t
match_rows(struct join *j, const struct batch *b, size_t *rows, size_t *kept)
{
	size_t n = 0;

	for (size_t i = 0; i < b->rows; i++) {
		ptrdiff_t at;

		j->key.size = 0;
		for (size_t k = 0; k < j->n_keys; k++)
			join_key_add(&j->key, j->key_fields[k], &b->columns[j->key_at[k]], i);
		at = join_table_find(j->table, &j->key);
		rows[i] = at < 0 ? j->table->n_rows : (size_t)at;
		if (at >= 0) {
			j->is_used[at] = true;
			kept[n++] = i;
		} else if (j->n_unmatched++ == 0) {
			describe_row(j, b, i);
		}
	}
	return n;
}

static int
add_table_columns(struct join *j, struct batch *b, size_t *ret_kept, size_t *ret_n, struct err *e)
{
	const struct join_table *t = j->table;
	size_t *rows = arena_alloc(&b->arena, b->rows, sizeof(*rows));

	*ret_n = match_rows(j, b, rows, ret_kept);
	if (*ret_n < b->rows && j->unmatched == JOIN_REFUSE)
		return err_set(
		    e, "no row of the table has %s", (const char *)j->first_unmatched.data);
	for (size_t i = 0; i < t->n_columns; i++)
		set_column(b, j->column_at[i],
		    array_take(&b->arena, &t->fields[i], &t->columns[i], rows, b->rows));
	return 0;
}

int
join_batch(struct join *j, struct batch *b, struct err *e)
{
	size_t *kept = arena_alloc(&b->arena, b->rows, sizeof(*kept)), n = b->rows;

	j->n_rows += b->rows;
	for (size_t i = 0; i < j->n_constants; i++)
		set_column(b, j->constant_at[i],
		    array_fixed(b->rows, arena_zero(&b->arena, b->rows, sizeof(int32_t))));
	if (j->table && add_table_columns(j, b, kept, &n, e))
		return -1;
	if (n < b->rows && j->unmatched == JOIN_DROP)
		batch_take(b, j->schema, kept, n);
	return 0;
}
