/* 1. Attributes
 * 2. References of tables of anndata 0.7
 * 3. Elements
 * 4. Files */

#include "formats/h5ad_subset.h"

#include <stdlib.h>
#include <string.h>

#include "formats/h5ad_subset_parts.h"
#include "formats/h5ad_write.h"

/* 1. Attributes */

/* The value of an attribute, copied as it is; variable-length texts go through memory. */
static int
copy_attribute(hid_t from, const char *name, hid_t to)
{
	hid_t attribute = H5Aopen(from, name, H5P_DEFAULT), type = H5Aget_type(attribute);
	hid_t space = H5Aget_space(attribute), made = -1;
	hssize_t n = H5Sget_simple_extent_npoints(space);
	bool is_copied = false;
	void *value;

	if (H5Tget_class(type) == H5T_REFERENCE) {
		is_copied = true;
	} else if (n >= 0 && n < 1 << 26) {
		value = mem_zero((size_t)n + 1, H5Tget_size(type));
		if (H5Aexists(to, name) > 0)
			H5Adelete(to, name);
		made = H5Acreate2(to, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
		if (made >= 0 && H5Aread(attribute, type, value) >= 0) {
			is_copied = H5Awrite(made, type, value) >= 0;
			if (n > 0 && (H5Tdetect_class(type, H5T_VLEN) > 0 ||
					 H5Tdetect_class(type, H5T_STRING) > 0))
				H5Dvlen_reclaim(type, space, H5P_DEFAULT, value);
		}
		if (made >= 0)
			H5Aclose(made);
		free(value);
	}
	H5Sclose(space);
	H5Tclose(type);
	H5Aclose(attribute);
	return is_copied ? 0 : -1;
}

struct attribute_copy {
	hid_t to;
	bool is_failed;
};

static herr_t
copy_next(hid_t from, const char *name, const H5A_info_t *info, void *context)
{
	struct attribute_copy *c = context;

	(void)info;
	c->is_failed |= copy_attribute(from, name, c->to) < 0;
	return c->is_failed;
}

int
subset_attributes(struct subset *s, const char *path, struct err *e)
{
	struct attribute_copy c = { 0 };
	hid_t from;

	if (e->is_set)
		return -1;
	from = H5Oopen(s->from->id, path, H5P_DEFAULT);
	c.to = H5Oopen(s->to->id, path, H5P_DEFAULT);
	c.is_failed = from < 0 || c.to < 0 ||
		      H5Aiterate2(from, H5_INDEX_NAME, H5_ITER_INC, NULL, copy_next, &c) < 0 ||
		      c.is_failed;
	if (from >= 0)
		H5Oclose(from);
	if (c.to >= 0)
		H5Oclose(c.to);
	return c.is_failed ? hdf5_fail(s->from, path, e, "attributes cannot be copied") : 0;
}

int
subset_shape(struct subset *s, const char *path, bool is_square, struct err *e)
{
	static const char *const names[] = { "shape", "h5sparse_shape" };
	int64_t shape[2];

	for (size_t i = 0; i < 2; i++) {
		if (hdf5_attribute_ints(s->from, path, names[i], shape, 2) != 2)
			continue;
		shape[0] = (int64_t)s->n_keep;
		if (is_square)
			shape[1] = (int64_t)s->n_keep;
		hdf5_set_ints(s->to, path, names[i], shape, 2, e);
	}
	return e->is_set ? -1 : 0;
}

/* 2. References: a column points at its categories in __categories; a copy has to point at its own.
 */

static void
refer(const struct hdf5_file *f, const char *column, const char *categories, struct err *e)
{
	hid_t object, space, id;
	hobj_ref_t reference;
	bool is_written = false;

	if (hdf5_object(f, column) != HDF5_DATASET || e->is_set)
		return;
	object = H5Oopen(f->id, column, H5P_DEFAULT);
	if (H5Aexists(object, "categories") > 0)
		H5Adelete(object, "categories");
	space = H5Screate(H5S_SCALAR);
	id = H5Acreate2(object, "categories", H5T_STD_REF_OBJ, space, H5P_DEFAULT, H5P_DEFAULT);
	if (id >= 0) {
		is_written = H5Rcreate(&reference, f->id, categories, H5R_OBJECT, -1) >= 0 &&
			     H5Awrite(id, H5T_STD_REF_OBJ, &reference) >= 0;
		H5Aclose(id);
	}
	H5Sclose(space);
	H5Oclose(object);
	if (!is_written)
		hdf5_fail(f, column, e, "reference to its categories cannot be written");
}

/* In the group at a path and all below it. */
static void
refer_all(struct subset *s, const char *path, int depth, struct err *e)
{
	size_t n, n_categories;
	const char **names = hdf5_members(s->to, path, &s->arena, &n), **of;

	for (size_t i = 0; i < n && depth < 8 && !e->is_set; i++) {
		const char *at = depth ? hdf5_join(&s->arena, path, names[i]) : names[i];

		if (strcmp(names[i], "__categories") != 0) {
			refer_all(s, at, depth + 1, e);
			continue;
		}
		of = hdf5_members(s->to, at, &s->arena, &n_categories);
		for (size_t k = 0; k < n_categories; k++)
			refer(s->to, hdf5_join(&s->arena, path, of[k]),
			    hdf5_join(&s->arena, at, of[k]), e);
	}
}

/* 3. Elements */

static int
copy_whole(struct subset *s, const char *path, struct err *e)
{
	if (!e->is_set && H5Ocopy(s->from->id, path, s->to->id, path, H5P_DEFAULT, H5P_DEFAULT) < 0)
		return hdf5_fail(s->from, path, e, "cannot be copied");
	return e->is_set ? -1 : 0;
}

static int
start_group(struct subset *s, const char *path, struct err *e)
{
	hid_t group;

	if (e->is_set)
		return -1;
	group = H5Gcreate2(s->to->id, path, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	if (group < 0)
		return hdf5_fail(s->to, path, e, "group cannot be made");
	H5Gclose(group);
	return subset_attributes(s, path, e);
}

static bool
is_one_of(const char *name, const char *const *names)
{
	while (*names && strcmp(name, *names) != 0)
		names++;
	return *names != NULL;
}

static int cut_element(struct subset *s, const char *path, bool is_square, struct err *e);

/* A group whose members are cut, but for some that are copied. */
static int
cut_group(
    struct subset *s, const char *path, const char *const *copied, bool is_square, struct err *e)
{
	size_t n;
	const char **names = hdf5_members(s->from, path, &s->arena, &n);

	start_group(s, path, e);
	for (size_t i = 0; i < n && !e->is_set; i++) {
		const char *at = hdf5_join(&s->arena, path, names[i]);

		if (is_one_of(names[i], copied))
			copy_whole(s, at, e);
		else
			cut_element(s, at, is_square, e);
	}
	return e->is_set ? -1 : 0;
}

static bool
has_member(const struct subset *s, const char *path, const char *name)
{
	char *at = mem_printf("%s/%s", path, name);
	bool is_there = hdf5_object(s->from, at) != HDF5_NOTHING;

	free(at);
	return is_there;
}

/* Whatever has a row a cell. */
static int
cut_element(struct subset *s, const char *path, bool is_square, struct err *e)
{
	static const char *const in_categorical[] = { "categories", NULL }, *const in_frame[] = {
		"__categories", NULL
	};
	const char *encoding;

	if (e->is_set)
		return -1;
	if (hdf5_object(s->from, path) == HDF5_DATASET)
		return subset_dataset(s, path, is_square, e);
	encoding = hdf5_attribute_text(s->from, path, "encoding-type", &s->arena);
	if (!encoding)
		encoding = hdf5_attribute_text(s->from, path, "h5sparse_format", &s->arena);
	if (encoding && (strncmp(encoding, "csr", 3) == 0 || strncmp(encoding, "csc", 3) == 0))
		return subset_sparse(s, path, encoding[2] == 'r', is_square, e);
	if (has_member(s, path, "codes") && has_member(s, path, "categories"))
		return cut_group(s, path, in_categorical, false, e);
	if (has_member(s, path, "values") && has_member(s, path, "mask"))
		return cut_group(s, path, in_categorical + 1, false, e);
	if (hdf5_attribute_exists(s->from, path, "_index") ||
	    hdf5_attribute_exists(s->from, path, "column-order"))
		return cut_group(s, path, in_frame, false, e);
	return hdf5_fail(s->from, path, e,
	    "rows of a group of encoding %s cannot be cut; leave out --subset",
	    encoding ? encoding : "unknown");
}

/* 4. Files */

static int
cut_raw(struct subset *s, struct err *e)
{
	static const char *const copied[] = { "var", "varm", NULL };

	if (cut_group(s, "raw", copied, false, e))
		return -1;
	return subset_shape(s, "raw", false, e);
}

static int
cut_member(struct subset *s, const char *name, struct err *e)
{
	static const char *const rows[] = { "X", "obs", "raw.X", NULL };
	static const char *const dicts[] = { "layers", "obsm", "obsp", NULL };
	static const char *const none[] = { NULL };
	bool is_group = hdf5_object(s->from, name) == HDF5_GROUP;

	if (is_one_of(name, rows))
		return cut_element(s, name, false, e);
	if (is_one_of(name, dicts) && is_group)
		return cut_group(s, name, none, strcmp(name, "obsp") == 0, e);
	if (is_one_of(name, dicts))
		return subset_dataset(s, name, false, e); /* anndata 0.6: a table */
	if (strcmp(name, "raw") == 0 && is_group)
		return cut_raw(s, e);
	return copy_whole(s, name, e);
}

int
h5ad_subset(const struct hdf5_file *from, const struct hdf5_file *to, const size_t *keep,
    size_t n_keep, size_t n_rows, struct err *e)
{
	struct subset s = {
		.from = from, .to = to, .keep = keep, .n_keep = n_keep, .n_rows = n_rows
	};
	const char **names;
	size_t n;

	if (e->is_set)
		return -1;
	s.new_row = mem_alloc(n_rows, sizeof(*s.new_row));
	for (size_t i = 0; i < n_rows; i++)
		s.new_row[i] = -1;
	for (size_t i = 0; i < n_keep; i++)
		s.new_row[keep[i]] = (int64_t)i;
	names = hdf5_members(from, "/", &s.arena, &n);
	subset_attributes(&s, "/", e);
	for (size_t i = 0; i < n && !e->is_set; i++)
		cut_member(&s, names[i], e);
	refer_all(&s, "/", 0, e);
	free(s.new_row);
	arena_free(&s.arena);
	return e->is_set ? -1 : 0;
}
