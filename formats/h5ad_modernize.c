#include "formats/h5ad_modernize.h"

#include <stdlib.h>

#include "formats/h5ad_frame.h"
#include "formats/h5ad_write.h"

/* Where the table is while its members are copied. */
#define OLD_OBSM "obsm.old"

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

/* A member of a table becomes a dataset of [rows][its own shape], of the type of its numbers. */
static int
write_member(const struct hdf5_file *f, hid_t table, hsize_t rows, const char *name, struct err *e)
{
	char *path = mem_printf("obsm/%s", name);
	hid_t file_type = hdf5_type(f, OLD_OBSM, name),
	      type = H5Tget_native_type(file_type, H5T_DIR_ASCEND);
	bool is_array = H5Tget_class(type) == H5T_ARRAY;
	hid_t number = is_array ? H5Tget_super(type) : H5Tcopy(type);
	hid_t memory = hdf5_member_type(type, name), dataset = -1, space;
	hsize_t shape[1 + H5S_MAX_RANK] = { rows, 1 };
	int rank = is_array ? H5Tget_array_dims2(type, shape + 1) : 1;
	void *values = mem_alloc((size_t)rows, H5Tget_size(type));

	space = H5Screate_simple(1 + rank, shape, NULL);
	dataset = hdf5_dataset_create(f, path, number, space, H5P_DEFAULT);
	if (dataset < 0 || H5Dread(table, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0 ||
	    H5Dwrite(dataset, number, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
		hdf5_fail(f, path, e, "cannot be brought to today's form");
	hdf5_set_text(f, path, "encoding-type", "array", e);
	hdf5_set_text(f, path, "encoding-version", "0.2.0", e);
	free(values);
	H5Sclose(space);
	if (dataset >= 0)
		H5Dclose(dataset);
	H5Tclose(memory);
	H5Tclose(number);
	H5Tclose(type);
	H5Tclose(file_type);
	free(path);
	return e->is_set ? -1 : 0;
}

int
h5ad_modernize_obsm(const struct hdf5_file *f, struct err *e)
{
	hid_t type = hdf5_type(f, "obsm", NULL), table;
	hsize_t shape[1];

	if (e->is_set)
		return -1;
	if (type < 0 || H5Tget_class(type) != H5T_COMPOUND || hdf5_shape(f, "obsm", shape, 1) != 1)
		return hdf5_fail(f, "obsm", e, "neither a group nor a table");
	if (H5Lmove(f->id, "obsm", f->id, OLD_OBSM, H5P_DEFAULT, H5P_DEFAULT) < 0)
		return hdf5_fail(f, "obsm", e, "cannot be replaced");
	h5ad_write_group(f, "obsm", "dict", "0.1.0", e);
	table = H5Dopen2(f->id, OLD_OBSM, H5P_DEFAULT);
	for (int i = 0; i < H5Tget_nmembers(type) && !e->is_set; i++) {
		char *name = H5Tget_member_name(type, (unsigned)i);

		write_member(f, table, shape[0], name, e);
		H5free_memory(name);
	}
	H5Dclose(table);
	H5Tclose(type);
	return hdf5_remove(f, OLD_OBSM, e);
}
