#include "formats/h5ad_modernize.h"

#include <stdlib.h>

#include "formats/h5ad_frame.h"
#include "formats/h5ad_write.h"

/* Columns of a table in memory. */
struct columns {
	const char *index_name;
	struct strings index;
	size_t n;
	const char **names;
	struct field *fields;
	struct array *arrays;
	bool *are_categories;
};

/* A column that was float32 in the file (n_counts decides the arithmetic by that) stays one. */
static void
narrow(struct field *field, struct array *x, struct arena *a)
{
	float *values = arena_alloc(a, x->length, sizeof(*values));

	for (size_t i = 0; i < x->length; i++)
		values[i] = (float)((const double *)x->values)[i];
	x->values = values;
	field->bit_width = 32;
}

static int
read_columns(struct h5ad_frame *frame, struct columns *c, struct arena *a, struct err *e)
{
	c->index_name = frame->index.name;
	c->n = frame->n_columns;
	c->names = arena_alloc(a, c->n, sizeof(*c->names));
	c->fields = arena_alloc(a, c->n, sizeof(*c->fields));
	c->arrays = arena_alloc(a, c->n, sizeof(*c->arrays));
	c->are_categories = arena_alloc(a, c->n, sizeof(*c->are_categories));
	h5ad_column_texts(frame, &frame->index, 0, frame->n_rows, a, &c->index, e);
	for (size_t i = 0; i < c->n && !e->is_set; i++) {
		struct h5ad_column *column = &frame->columns[i];

		c->names[i] = column->name;
		c->are_categories[i] = column->type == H5AD_CATEGORY;
		if (column->type == H5AD_ODD)
			return hdf5_fail(&frame->file->file, frame->path, e,
			    "column %s cannot be brought to today's form; "
			    "save the source with a newer anndata first",
			    column->name);
		if (h5ad_column_read(frame, column, 0, frame->n_rows, a, &c->arrays[i], e))
			break;
		c->fields[i] = h5ad_column_field(column);
		if (column->number == HDF5_FLOAT32 || column->number == HDF5_FLOAT16)
			narrow(&c->fields[i], &c->arrays[i], a);
	}
	return e->is_set ? -1 : 0;
}

static bool
is_used_by_var(const struct hdf5_file *f, const char *name)
{
	hid_t type = hdf5_type(f, "var", name);

	if (type >= 0)
		H5Tclose(type);
	return type >= 0;
}

static int
write_columns(const struct hdf5_file *f, const char *path, const struct columns *c, struct err *e)
{
	h5ad_write_frame(f, path, c->index_name, &c->index, e);
	for (size_t i = 0; i < c->n && !e->is_set; i++) {
		char *categories = mem_printf("uns/%s_categories", c->names[i]);

		h5ad_write_column(f, path, c->names[i], &c->fields[i], &c->arrays[i], e);
		if (c->are_categories[i] && !is_used_by_var(f, c->names[i]))
			hdf5_remove(f, categories, e);
		free(categories);
	}
	return h5ad_write_order(f, path, c->names, c->n, e);
}

int
h5ad_modernize(const struct hdf5_file *f, const char *path, struct err *e)
{
	struct h5ad view = { .file = *f };
	struct h5ad_frame *frame;
	struct columns c;
	int status = -1;

	if (e->is_set)
		return -1;
	view.inlined = hdf5_decoder_new(1);
	frame = h5ad_frame_open(&view, path, e);
	if (frame && !read_columns(frame, &c, &view.arena, e)) {
		h5ad_frame_close(frame);
		status = write_columns(f, path, &c, e);
	} else {
		h5ad_frame_close(frame);
	}
	hdf5_decoder_free(view.inlined);
	arena_free(&view.arena);
	return status;
}
