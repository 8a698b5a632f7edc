/* 1. Standard input, read twice
 * 2. Cells that may be previous ones
 * 3. Pairs */

#include "formats/token_pairs.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/io.h"
#include "base/spill.h"
#include "formats/label_column.h"

/* Where the tokens of a cell lie in the spill. */
struct place {
	uint64_t name; /* hash of it */
	uint64_t at;
	size_t n;
};

struct token_pairs {
	struct token_pairs_options options;
	size_t token_bytes;
	struct spill spill;
	struct buffer places; /* struct place, by name once all are there */

	const struct schema *schema; /* of the tokens */
	size_t cell, input_ids, length;
	struct label_column previous;
	atomic_uint_least64_t n_pairs, n_first, n_missing, n_cut;
};

/* 1. Standard input, read twice */

static int
write_all(int fd, const char *bytes, size_t n, struct err *e)
{
	while (n) {
		ssize_t w = write(fd, bytes, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return err_sys(e, "temporary file in TMPDIR: write");
		bytes += w;
		n -= (size_t)w;
	}
	return 0;
}

/* A file with the rest of standard input takes its place. */
static int
copy_stdin(struct err *e)
{
	enum { STEP = 1 << 18 };
	char *bytes = mem_alloc(STEP, 1);
	int fd = io_spill_file(e);
	ssize_t n = fd < 0 ? 0 : 1;

	while (n > 0 && !e->is_set) {
		n = read(STDIN_FILENO, bytes, STEP);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n < 0)
			err_sys(e, "stdin: read");
		else
			write_all(fd, bytes, (size_t)n, e);
	}
	if (!e->is_set && dup2(fd, STDIN_FILENO) < 0)
		err_sys(e, "stdin");
	if (fd >= 0)
		close(fd);
	free(bytes);
	return e->is_set ? -1 : 0;
}

/* The place in standard input that is read from twice. A terminal is left to cells_open, which
 * refuses it. */
static off_t
keep_stdin(struct err *e)
{
	struct stat st;

	if (e->is_set || isatty(STDIN_FILENO))
		return 0;
	if (fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode))
		return lseek(STDIN_FILENO, 0, SEEK_CUR);
	if (copy_stdin(e) == 0)
		lseek(STDIN_FILENO, 0, SEEK_SET);
	return 0;
}

/* 2. Cells that may be previous ones */

size_t
token_pairs_least(bool has_special)
{
	return has_special ? 5 : 3;
}

/* The places that both cells of a pair share. */
static size_t
room_of(const struct token_pairs *p)
{
	return p->options.rank.max_length - (p->options.rank.special ? 3 : 1);
}

static int
add_batch(struct token_pairs *p, const struct schema *s, const struct batch *b, struct hash128 *h,
    struct err *e)
{
	size_t cell = (size_t)schema_find(s, "cell");
	const struct array *list = &b->columns[schema_find(s, "input_ids")];
	size_t bytes = list->children[0].length * p->token_bytes;
	uint64_t at = p->spill.size;

	for (size_t i = 0; i < b->rows; i++) {
		size_t size, from = (size_t)list->offsets[i];
		const char *name = array_text(&s->fields[cell], &b->columns[cell], i, &size);
		struct place place = { .at = at + from * p->token_bytes,
			.n = (size_t)list->offsets[i + 1] - from };

		if (!name)
			continue;
		place.name = hash_bytes(name, size);
		buffer_add(&p->places, &place, sizeof(place));
	}
	hash128_add(h, list->children[0].values, bytes);
	return spill_append(&p->spill, list->children[0].values, bytes, e);
}

static int
compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->name != y->name)
		return x->name < y->name ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static void
read_cells(struct token_pairs *p, struct cells_reader *in, const struct genes *genes,
    char ret_hash[33], struct err *e)
{
	struct rank_options how = { .max_length = room_of(p) };
	struct ranking *ranking = ranking_plan(cells_schema(in), genes, &how, e);
	struct schema *s = ranking_schema(ranking);
	struct hash128 *h = hash128_new();
	struct batch b = { 0 };

	while (ranking && cells_read(in, &b, e) > 0)
		if (ranking_batch(&b, ranking, e) || add_batch(p, s, &b, h, e))
			break;
	hash128_finish(h, ret_hash);
	batch_free(&b);
	schema_free(s);
	ranking_free(ranking);
	if (p->places.size)
		qsort(p->places.data, p->places.size / sizeof(struct place), sizeof(struct place),
		    compare_places);
	if (e->is_set && in)
		err_prefix(e, "%s", cells_name(in));
}

/* A file that is to be read twice. */
static int
check_file(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return err_set(e,
		    "%s: is read twice for pairs, so it can be a pipe as standard input only",
		    path);
	return 0;
}

struct token_pairs *
token_pairs_open(struct cli *cli, const char *path, bool is_same, const struct genes *genes,
    const struct token_pairs_options *options, struct err *e)
{
	bool is_stdin = strcmp(path, "-") == 0;
	struct token_pairs *p;
	struct cells_reader *in;
	off_t start = 0;
	char hash[33];

	if (e->is_set || (is_same && !is_stdin && check_file(path, e)))
		return NULL;
	p = mem_zero(1, sizeof(*p));
	p->options = *options;
	p->token_bytes = genes->n_tokens > UINT16_MAX + 1 ? sizeof(int32_t) : sizeof(uint16_t);
	p->spill = spill_new();
	if (is_same && is_stdin)
		start = keep_stdin(e);
	in = cells_open(cli, path, KIND_VALUES, e);
	if (in && is_same && label_column_find(&p->previous, cells_schema(in), options->column, e))
		err_prefix(e, "%s", cells_name(in));
	if (!e->is_set)
		read_cells(p, in, genes, hash, e);
	cells_close(in);
	if (is_same && is_stdin && !e->is_set && lseek(STDIN_FILENO, start, SEEK_SET) < 0)
		err_sys(e, "stdin");
	if (!is_same && !e->is_set)
		cli_note(cli, "pair-with", hash);
	if (!e->is_set)
		return p;
	token_pairs_free(p);
	return NULL;
}

void
token_pairs_free(struct token_pairs *p)
{
	if (!p)
		return;
	spill_close(&p->spill);
	buffer_free(&p->places);
	label_column_free(&p->previous);
	free(p);
}

/* 3. Pairs */

int
token_pairs_bind(struct token_pairs *p, const struct schema *s, struct err *e)
{
	if (e->is_set)
		return -1;
	p->schema = s;
	p->cell = (size_t)schema_find(s, "cell");
	p->input_ids = (size_t)schema_find(s, "input_ids");
	p->length = (size_t)schema_find(s, "length");
	return label_column_find(&p->previous, s, p->options.column, e);
}

/* The cells of this name: where they begin. */
static const struct place *
find_place(const struct token_pairs *p, uint64_t name)
{
	const struct place *places = (const struct place *)(const void *)p->places.data;
	size_t low = 0, n = p->places.size / sizeof(*places), high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (places[middle].name < name)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && places[low].name == name ? &places[low] : NULL;
}

static int
refuse_twice(const struct token_pairs *p, const struct batch *b, size_t row, const char *previous,
    size_t size, struct err *e)
{
	size_t n = 0;
	const char *cell = array_text(&p->schema->fields[p->cell], &b->columns[p->cell], row, &n);

	return err_set(e, "cell %.*s: there are several cells %.*s, its previous one", (int)n,
	    cell ? cell : "", (int)(size < 100 ? size : 100), previous);
}

/* The previous cell of each row, NULL where it has none. */
static const struct place **
find_previous(struct token_pairs *p, struct batch *b, struct err *e)
{
	const struct place **ret = arena_zero(&b->arena, b->rows, sizeof(*ret));
	const struct place *places = (const struct place *)(const void *)p->places.data;
	const struct place *end = places + p->places.size / sizeof(*places);
	struct label_column column = { .column = p->previous.column };
	uint64_t n_first = 0, n_missing = 0;

	for (size_t i = 0; i < b->rows && !e->is_set; i++) {
		size_t size = 0;
		const char *name = label_column_text(&column, p->schema, b, i, &size);

		if (!name || !size) {
			n_first++;
			continue;
		}
		ret[i] = find_place(p, hash_bytes(name, size));
		n_missing += !ret[i];
		if (ret[i] && ret[i] + 1 < end && ret[i][1].name == ret[i]->name)
			refuse_twice(p, b, i, name, size, e);
	}
	label_column_free(&column);
	p->n_first += n_first;
	p->n_missing += n_missing;
	return e->is_set ? NULL : ret;
}

/* How many tokens of each cell a pair keeps. */
struct share {
	size_t cell, previous;
};

static struct share
divide(size_t room, size_t n_cell, size_t n_previous)
{
	size_t most = room - room / 2;
	struct share s;

	if (n_previous < room - most)
		most = room - n_previous;
	s.cell = n_cell < most ? n_cell : most;
	s.previous = n_previous < room - s.cell ? n_previous : room - s.cell;
	return s;
}

/* Tokens being written, of two or four bytes. */
struct tokens {
	char *bytes;
	size_t n, width;
};

static void
put(struct tokens *t, const void *from, size_t n)
{
	memcpy(t->bytes + t->n * t->width, from, n * t->width);
	t->n += n;
}

static void
put_token(struct tokens *t, int32_t token)
{
	uint16_t narrow = (uint16_t)token;

	put(t, t->width == sizeof(narrow) ? (const void *)&narrow : (const void *)&token, 1);
}

/* A cell of n tokens, special ones included, and what came before it. */
static int
put_pair(struct token_pairs *p, struct tokens *t, const char *cell, size_t n,
    const struct place *previous, struct err *e)
{
	size_t n_ends = p->options.rank.special ? 1 : 0;
	struct share s = divide(room_of(p), n - 2 * n_ends, previous->n);

	put(t, cell, n_ends + s.cell);
	put_token(t, p->options.separator);
	if (spill_read(
		&p->spill, previous->at, t->bytes + t->n * t->width, s.previous * t->width, e))
		return -1;
	t->n += s.previous;
	put(t, cell + (n - n_ends) * t->width, n_ends);
	p->n_pairs++;
	p->n_cut += s.cell + s.previous < n - 2 * n_ends + previous->n;
	return 0;
}

int
token_pairs_join(struct token_pairs *p, struct batch *b, struct err *e)
{
	const struct array *list = &b->columns[p->input_ids];
	const char *cells = list->children[0].values;
	const struct place **previous = find_previous(p, b, e);
	struct tokens t = { .width = p->token_bytes };
	int32_t *offsets = arena_zero(&b->arena, b->rows + 1, sizeof(*offsets));
	int64_t *lengths = arena_alloc(&b->arena, b->rows, sizeof(*lengths));
	size_t most = list->children[0].length;

	for (size_t i = 0; previous && i < b->rows; i++)
		most += previous[i] ? previous[i]->n + 1 : 0;
	t.bytes = arena_alloc(&b->arena, most, t.width);
	for (size_t i = 0; i < b->rows && !e->is_set; i++) {
		size_t from = (size_t)list->offsets[i], n = (size_t)list->offsets[i + 1] - from;
		const char *cell = cells + from * t.width;

		if (previous[i])
			put_pair(p, &t, cell, n, previous[i], e);
		else
			put(&t, cell, n);
		if (t.n > INT32_MAX)
			err_set(e, "more than 2^31 - 1 tokens in one batch");
		offsets[i + 1] = (int32_t)t.n;
		lengths[i] = offsets[i + 1] - offsets[i];
	}
	b->columns[p->input_ids] =
	    array_list(&b->arena, b->rows, offsets, array_fixed(t.n, t.bytes));
	b->columns[p->length] = array_fixed(b->rows, lengths);
	return e->is_set ? -1 : 0;
}

struct pair_totals
token_pairs_totals(const struct token_pairs *p)
{
	return (struct pair_totals){ p->n_pairs, p->n_first, p->n_missing, p->n_cut };
}
