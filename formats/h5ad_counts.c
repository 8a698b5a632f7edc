/* 1. Genes
 * 2. Opening
 * 3. Cells that are kept
 * 4. Counts
 * 5. Batches */

#include "formats/h5ad_counts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "cell/repeats.h"
#include "formats/cells.h"
#include "formats/h5ad_check.h"
#include "formats/h5ad_columns.h"

struct h5ad_counts {
	const struct cli *cli;
	const struct h5ad_counts_options *options;
	struct h5ad *a;
	struct h5ad_matrix *matrix;
	const char *matrix_path;
	struct h5ad_frame *obs;
	struct strings genes;
	struct h5ad_column *cell;
	struct h5ad_column *filter, *n_counts; /* NULL where there is none to heed */
	struct h5ad_columns carried;
	bool is_total_float32;
	size_t n_read, n_left_out;
	struct repeats *barcodes;
	char *repeated; /* a barcode that occurs twice; NULL: none, or not known yet */
};

/* 1. Genes */

static struct h5ad_column *
choose_gene_column(struct h5ad_frame *var, const char *wanted, struct err *e)
{
	static const char *const usual[] = { "ensembl_id", "gene_ids", "feature_id" };
	struct h5ad_column *c = NULL;

	for (size_t i = 0; !wanted && !c && i < sizeof(usual) / sizeof(usual[0]); i++)
		c = h5ad_frame_find(var, usual[i]);
	if (wanted)
		c = h5ad_frame_find(var, wanted);
	if (wanted && !c && strcmp(wanted, "index") != 0 && strcmp(wanted, var->index.name) != 0)
		hdf5_fail(&var->file->file, var->path, e, "no column %s (-g)", wanted);
	if (!c)
		c = &var->index;
	if (c->type == H5AD_ODD)
		hdf5_fail(&var->file->file, var->path, e,
		    "column %s holds neither texts nor numbers", c->name);
	return c;
}

static int
read_genes(struct h5ad_counts *c, struct err *e)
{
	struct h5ad_frame *var = h5ad_frame_open(c->a, h5ad_var_path(c->matrix_path), e);
	struct h5ad_column *column;

	if (!var)
		return -1;
	column = choose_gene_column(var, c->options->gene_column, e);
	if (!e->is_set && var->n_rows != h5ad_matrix_n_columns(c->matrix))
		hdf5_fail(&c->a->file, c->matrix_path, e, "%zu columns, but %s has %zu genes",
		    h5ad_matrix_n_columns(c->matrix), var->path, var->n_rows);
	if (!e->is_set)
		h5ad_column_texts(var, column, 0, var->n_rows, &c->a->arena, &c->genes, e);
	h5ad_frame_close(var);
	return e->is_set ? -1 : 0;
}

/* 2. Opening */

static int
choose_cell_column(struct h5ad_counts *c, struct err *e)
{
	const char *wanted = c->options->cell_column;

	c->cell = wanted ? h5ad_frame_find(c->obs, wanted) : &c->obs->index;
	if (!c->cell && strcmp(wanted, c->obs->index.name) == 0)
		c->cell = &c->obs->index;
	if (!c->cell)
		return hdf5_fail(&c->a->file, "obs", e, "no column %s (-c)", wanted);
	if (c->cell->type == H5AD_ODD)
		return hdf5_fail(&c->a->file, "obs", e, "column %s holds neither texts nor numbers",
		    c->cell->name);
	return 0;
}

/* The reference divides by obs n_counts; numpy's promotion then decides between float32 and
 * float64. */
static int
choose_total(struct h5ad_counts *c, struct err *e)
{
	enum hdf5_number x = h5ad_matrix_number(c->matrix);
	struct h5ad_column *column = h5ad_frame_find(c->obs, "n_counts");

	c->is_total_float32 = x == HDF5_FLOAT32 || x == HDF5_FLOAT16;
	if (c->options->recount || !column)
		return 0;
	if (column->type != H5AD_INT && column->type != H5AD_FLOAT)
		return hdf5_fail(&c->a->file, "obs/n_counts", e,
		    "not numbers; --recount takes the sums of the rows");
	c->n_counts = column;
	c->is_total_float32 = (column->number == HDF5_FLOAT32 || column->number == HDF5_FLOAT16) &&
			      (c->is_total_float32 || x == HDF5_INT8 || x == HDF5_UINT8 ||
				  x == HDF5_INT16 || x == HDF5_UINT16);
	return h5ad_column_open(c->obs, column, e);
}

static int
choose_filter(struct h5ad_counts *c, struct err *e)
{
	struct h5ad_column *column = h5ad_frame_find(c->obs, "filter_pass");

	if (!column || c->options->keep_filtered)
		return 0;
	if (column->type == H5AD_ODD)
		return hdf5_fail(&c->a->file, "obs/filter_pass", e,
		    "not a column of numbers (--keep-filtered ignores it)");
	c->filter = column;
	return h5ad_column_open(c->obs, column, e);
}

struct h5ad_counts *
h5ad_counts_open(
    const struct cli *cli, struct h5ad *a, const struct h5ad_counts_options *options, struct err *e)
{
	struct h5ad_counts *c;

	if (e->is_set)
		return NULL;
	c = arena_zero(&a->arena, 1, sizeof(*c));
	c->cli = cli;
	c->a = a;
	c->options = options;
	c->matrix_path = h5ad_matrix_path(a, options->matrix, e);
	c->matrix =
	    c->matrix_path ? h5ad_matrix_open(a, c->matrix_path, options->max_memory, e) : NULL;
	c->obs = h5ad_frame_open(a, "obs", e);
	if (!e->is_set && c->obs->n_rows != h5ad_matrix_n_rows(c->matrix))
		hdf5_fail(&a->file, c->matrix_path, e, "%zu rows, but obs has %zu cells",
		    h5ad_matrix_n_rows(c->matrix), c->obs->n_rows);
	if (!e->is_set && !read_genes(c, e) && !choose_cell_column(c, e) && !choose_total(c, e) &&
	    !choose_filter(c, e))
		h5ad_columns_choose(c->obs, options->obs, &c->carried, e);
	if (!e->is_set) {
		c->barcodes = repeats_new(c->obs->n_rows);
		return c;
	}
	h5ad_counts_close(c);
	return NULL;
}

void
h5ad_counts_close(struct h5ad_counts *c)
{
	if (!c)
		return;
	h5ad_matrix_close(c->matrix);
	h5ad_frame_close(c->obs);
	repeats_free(c->barcodes);
	free(c->repeated);
}

struct schema *
h5ad_counts_schema(const struct h5ad_counts *c)
{
	struct schema *s;
	struct field gene, count, total, list;

	if (!c)
		return NULL;
	s = schema_new();
	gene = field_dictionary("item", &c->genes);
	count = field_float("item", 32);
	total = field_utf8("cell");
	schema_append(s, &total);
	list = field_list("gene", &gene);
	schema_append(s, &list);
	list = field_list("count", &count);
	schema_append(s, &list);
	total = field_float("n_counts", c->is_total_float32 ? 32 : 64);
	schema_append(s, &total);
	for (size_t i = 0; i < c->carried.n; i++) {
		struct field f = h5ad_column_field(c->carried.columns[i]);

		f.name = c->carried.names[i];
		schema_append(s, &f);
	}
	return s;
}

/* 3. Cells that are kept */

/* filter_pass must be the number 1 (or True), as `== 1` says in the reference; the text "1" is not.
 */
static bool
passes(const struct h5ad_column *f, const struct field *field, const struct array *x, size_t i)
{
	if (!array_is_valid(x, i) || f->type == H5AD_TEXT)
		return false;
	if (f->type == H5AD_CATEGORY)
		return f->category_numbers &&
		       f->category_numbers[((const int32_t *)x->values)[i]] == 1;
	return array_number(field, x, i) == 1;
}

/* Numbers (within the block) of the rows that are kept; NULL: all of them. */
static size_t *
choose_rows(struct h5ad_counts *c, const struct h5ad_rows *r, struct arena *arena, size_t *ret_n,
    struct err *e)
{
	struct field field;
	struct array x;
	size_t *rows;

	*ret_n = r->n;
	if (!c->filter || h5ad_column_read(c->obs, c->filter, r->first, r->n, arena, &x, e))
		return NULL;
	field = h5ad_column_field(c->filter);
	rows = arena_alloc(arena, r->n, sizeof(*rows));
	*ret_n = 0;
	for (size_t i = 0; i < r->n; i++)
		if (passes(c->filter, &field, &x, i))
			rows[(*ret_n)++] = i;
	c->n_left_out += r->n - *ret_n;
	return *ret_n == r->n ? NULL : rows;
}

/* Copies the entries of some rows. */
static void
take_rows(struct h5ad_rows *r, const size_t *rows, size_t n, struct arena *arena)
{
	int32_t *starts = arena_alloc(arena, n + 1, sizeof(*starts)), *columns;
	size_t width = r->f32 ? sizeof(float) : sizeof(double);
	const char *from = r->f32 ? (const void *)r->f32 : (const void *)r->f64;
	char *values;

	starts[0] = 0;
	for (size_t i = 0; i < n; i++)
		starts[i + 1] = starts[i] + r->starts[rows[i] + 1] - r->starts[rows[i]];
	columns = arena_alloc(arena, (size_t)starts[n], sizeof(*columns));
	values = arena_alloc(arena, (size_t)starts[n], width);
	for (size_t i = 0; i < n; i++) {
		size_t at = (size_t)r->starts[rows[i]], size = (size_t)(starts[i + 1] - starts[i]);

		memcpy(columns + starts[i], r->columns + at, size * sizeof(*columns));
		memcpy(values + (size_t)starts[i] * width, from + at * width, size * width);
	}
	r->n = n;
	r->starts = starts;
	r->columns = columns;
	r->f32 = r->f32 ? (const void *)values : NULL;
	r->f64 = r->f64 ? (const void *)values : NULL;
}

/* Looks through all barcodes for one that occurs twice, if one may. */
static int
find_repeated(struct h5ad_counts *c, struct err *e)
{
	enum { NAMES_AT_ONCE = 4096 };
	struct arena arena = { 0 };
	size_t most = repeats_has_suspects(c->barcodes) ? c->obs->n_rows : 0;
	struct strings names;

	for (size_t from = 0; from < most && !c->repeated && !e->is_set; from += names.n) {
		size_t n = most - from < NAMES_AT_ONCE ? most - from : NAMES_AT_ONCE, size;

		arena_reset(&arena);
		if (h5ad_column_texts(c->obs, c->cell, from, n, &arena, &names, e))
			break;
		for (size_t i = 0; i < names.n && !c->repeated; i++) {
			const char *name = strings_get(&names, i, &size);

			if (repeats_meet(c->barcodes, name, size))
				c->repeated = mem_strndup(name, size);
		}
	}
	arena_free(&arena);
	return e->is_set ? -1 : 0;
}

/* 4. Counts */

/* Why entry k cannot be taken. */
static int
refuse(struct h5ad_counts *c, const struct h5ad_rows *r, const struct array *cells, size_t k,
    struct err *e)
{
	double v = r->f32 ? (double)r->f32[k] : r->f64[k];
	size_t row = 0, size;
	const char *gene = strings_get(&c->genes, (size_t)r->columns[k], &size), *cell;
	const char *why;

	while ((size_t)r->starts[row + 1] <= k)
		row++;
	cell = (const char *)cells->values + cells->offsets[row];
	if (v != v)
		why = "not a number";
	else if (v < 0)
		why = arena_printf(&c->a->arena, "a count cannot be negative; %s",
		    h5ad_where_counts_are(c->a, c->matrix_path));
	else if (v - v != 0)
		why = "a count cannot be infinite";
	else if (v == floor(v) || c->options->allow_non_integer)
		why = "too large for the stream's float32";
	else
		why = arena_printf(&c->a->arena,
		    "not a whole count; %s; --allow-non-integer takes the numbers as they are",
		    h5ad_where_counts_are(c->a, c->matrix_path));
	return hdf5_fail(&c->a->file, c->matrix_path, e, "cell %.*s, gene %.*s: %.9g: %s",
	    (int)(cells->offsets[row + 1] - cells->offsets[row]), cell, (int)size, gene, v, why);
}

static const float *
check_counts(struct h5ad_counts *c, const struct h5ad_rows *r, const struct array *cells,
    struct arena *arena, struct err *e)
{
	size_t n = (size_t)r->starts[r->n];
	bool any = c->options->allow_non_integer;
	size_t bad = r->f32 ? h5ad_check_f32(r->f32, n, any) : h5ad_check_f64(r->f64, n, any);
	float *out;

	if (bad < n) {
		refuse(c, r, cells, bad, e);
		return NULL;
	}
	if (r->f32)
		return r->f32;
	out = arena_alloc(arena, n, sizeof(*out));
	for (size_t k = 0; k < n; k++)
		out[k] = (float)r->f64[k];
	return out;
}

/* A column of numbers in the type that n_counts has in the stream. */
static struct array
make_totals(const struct h5ad_counts *c, const double *totals, size_t n, struct arena *arena)
{
	float *single;

	if (!c->is_total_float32)
		return array_fixed(n, totals);
	single = arena_alloc(arena, n, sizeof(*single));
	for (size_t i = 0; i < n; i++)
		single[i] = (float)totals[i];
	return array_fixed(n, single);
}

static struct array
sum_rows(const struct h5ad_counts *c, const struct h5ad_rows *r, struct arena *arena)
{
	double *totals = arena_zero(arena, r->n, sizeof(*totals));

	for (size_t i = 0; i < r->n; i++)
		for (int32_t k = r->starts[i]; k < r->starts[i + 1]; k++)
			totals[i] += r->f32 ? (double)r->f32[k] : r->f64[k];
	return make_totals(c, totals, r->n, arena);
}

/* 5. Batches */

/* Rows of an obs column, the kept ones only. */
static int
read_column(struct h5ad_counts *c, struct h5ad_column *column, size_t first, size_t n,
    const size_t *rows, size_t n_kept, struct arena *arena, struct array *ret, struct err *e)
{
	struct field field;

	if (h5ad_column_read(c->obs, column, first, n, arena, ret, e))
		return -1;
	field = h5ad_column_field(column);
	if (rows)
		*ret = array_take(arena, &field, ret, rows, n_kept);
	return 0;
}

static int
read_totals(struct h5ad_counts *c, size_t first, size_t n, const size_t *rows, size_t n_kept,
    struct arena *arena, struct array *ret, struct err *e)
{
	struct field field = h5ad_column_field(c->n_counts);
	struct array x;
	double *totals;

	if (read_column(c, c->n_counts, first, n, rows, n_kept, arena, &x, e))
		return -1;
	totals = arena_alloc(arena, n_kept, sizeof(*totals));
	for (size_t i = 0; i < n_kept; i++)
		totals[i] = array_number(&field, &x, i);
	*ret = make_totals(c, totals, n_kept, arena);
	ret->validity = x.validity;
	ret->null_count = x.null_count;
	return 0;
}

static int
read_cells(struct h5ad_counts *c, size_t first, size_t n, const size_t *rows, size_t n_kept,
    struct arena *arena, struct array *ret, struct err *e)
{
	struct field field = field_utf8("cell");
	struct strings names;

	if (h5ad_column_texts(c->obs, c->cell, first, n, arena, &names, e))
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		size_t size;
		const char *name = strings_get(&names, i, &size);

		repeats_add(c->barcodes, name, size);
	}
	*ret = array_utf8(n, names.offsets, names.bytes);
	if (rows)
		*ret = array_take(arena, &field, ret, rows, n_kept);
	return 0;
}

/* The columns of the cells of one block. */
static int
fill(struct h5ad_counts *c, struct h5ad_rows r, const size_t *rows, size_t n, struct batch *b,
    struct err *e)
{
	struct arena *arena = &b->arena;
	size_t first = r.first, n_block = r.n;
	struct array *x;
	const float *counts;

	b->rows = n;
	b->n_columns = 4 + c->carried.n;
	b->columns = x = arena_zero(arena, b->n_columns, sizeof(*b->columns));
	if (rows)
		take_rows(&r, rows, n, arena);
	if (read_cells(c, first, n_block, rows, n, arena, &x[0], e))
		return -1;
	counts = check_counts(c, &r, &x[0], arena, e);
	if (!counts)
		return -1;
	x[1] = array_list(arena, n, r.starts, array_fixed((size_t)r.starts[n], r.columns));
	x[2] = array_list(arena, n, r.starts, array_fixed((size_t)r.starts[n], counts));
	if (!c->n_counts)
		x[3] = sum_rows(c, &r, arena);
	else if (read_totals(c, first, n_block, rows, n, arena, &x[3], e))
		return -1;
	for (size_t i = 0; i < c->carried.n; i++)
		if (read_column(
			c, c->carried.columns[i], first, n_block, rows, n, arena, &x[4 + i], e))
			return -1;
	return 0;
}

int
h5ad_counts_read(struct h5ad_counts *c, struct batch *b, struct err *e)
{
	struct h5ad_rows r;
	int status;

	while (!e->is_set && (status = h5ad_matrix_read(c->matrix, &r, e)) > 0) {
		size_t n, *rows;

		arena_reset(&b->arena);
		c->n_read = r.first + r.n;
		rows = choose_rows(c, &r, &b->arena, &n, e);
		if (!e->is_set && n > 0)
			return fill(c, r, rows, n, b, e) ? -1 : 1;
	}
	return e->is_set ? -1 : find_repeated(c, e);
}

double
h5ad_counts_progress(const struct h5ad_counts *c)
{
	return c->obs->n_rows ? (double)c->n_read / (double)c->obs->n_rows : 1;
}

void
h5ad_counts_report(const struct h5ad_counts *c)
{
	if (*c->carried.odd)
		cli_warn(c->cli, "%s: obs columns left out, since a stream cannot carry them: %s",
		    c->a->file.name, c->carried.odd);
	if (*c->carried.renamed)
		cli_warn(c->cli, "%s: obs columns renamed, since the stream uses their names: %s",
		    c->a->file.name, c->carried.renamed);
	if (c->n_left_out)
		cli_warn(c->cli,
		    "%zu of %zu cells left out, since their filter_pass is not the number 1 "
		    "(--keep-filtered keeps them)",
		    c->n_left_out, c->n_read);
	if (c->repeated)
		cli_warn(c->cli,
		    "%s: cell %s occurs more than once in %s; cells2h5ad will not be able to match "
		    "it",
		    c->a->file.name, c->repeated, c->cell->name);
}
