#include "formats/h5ad.h"

#include <stdlib.h>
#include <string.h>

static bool
has(const struct h5ad *a, const char *path)
{
	return hdf5_object(&a->file, path) != HDF5_NOTHING;
}

/* Every AnnData has obs; what else it may be is told by what the others have. */
static int
check_kind(const struct h5ad *a, struct err *e)
{
	const char *name = a->file.name;

	if (has(a, "obs"))
		return 0;
	if (has(a, "row_attrs") && has(a, "col_attrs"))
		return err_set(e, "%s: a loom file, not AnnData; loom2cells reads it", name);
	if (has(a, "matrix/indptr") || has(a, "matrix/barcodes"))
		return err_set(e, "%s: a 10x file, not AnnData; tenx2cells reads it", name);
	return err_set(e, "%s: an HDF5 file, but not AnnData: it has no obs", name);
}

struct h5ad *
h5ad_open(const struct cli *cli, const char *path, struct err *e)
{
	struct h5ad *a;

	if (e->is_set)
		return NULL;
	hdf5_guard(cli->program->name, path);
	a = mem_zero(1, sizeof(*a));
	if (hdf5_open(&a->file, path, e) || check_kind(a, e)) {
		h5ad_close(a);
		return NULL;
	}
	a->decoder = hdf5_decoder_new(cli->threads);
	a->inlined = hdf5_decoder_new(1);
	return a;
}

void
h5ad_close(struct h5ad *a)
{
	struct err ignored = { 0 };

	if (!a)
		return;
	hdf5_decoder_free(a->decoder);
	hdf5_decoder_free(a->inlined);
	hdf5_close(&a->file, &ignored);
	arena_free(&a->arena);
	free(a);
	hdf5_guard(NULL, NULL);
}

const char **
h5ad_matrices(struct h5ad *a, size_t *ret_n)
{
	static const char *const fixed[] = { "X", "raw/X", "raw.X" };
	size_t n_layers, n = 0;
	const char **layers = hdf5_members(&a->file, "layers", &a->arena, &n_layers);
	const char **paths = arena_alloc(&a->arena, n_layers + 3, sizeof(*paths));

	for (size_t i = 0; i < 3; i++)
		if (has(a, fixed[i]))
			paths[n++] = fixed[i];
	for (size_t i = 0; i < n_layers; i++)
		paths[n++] = hdf5_join(&a->arena, "layers", layers[i]);
	*ret_n = n;
	return paths;
}

const char *
h5ad_matrix_name(const char *path)
{
	if (strncmp(path, "raw", 3) == 0)
		return "raw";
	return strncmp(path, "layers/", 7) == 0 ? path + 7 : path;
}

static const char *
list_matrices(struct h5ad *a)
{
	size_t n;
	const char **paths = h5ad_matrices(a, &n);
	const char *text = n ? "" : "no matrix at all, and so no counts";

	for (size_t i = 0; i < n; i++)
		text = arena_printf(&a->arena, "%s%s%s", i ? text : "-x ", i ? " or " : "",
		    h5ad_matrix_name(paths[i]));
	return text;
}

const char *
h5ad_matrix_path(struct h5ad *a, const char *name, struct err *e)
{
	const char *path;

	if (e->is_set)
		return NULL;
	if (strcmp(name, "X") == 0)
		path = "X";
	else if (strcmp(name, "raw") == 0)
		path = has(a, "raw.X") ? "raw.X" : "raw/X";
	else
		path =
		    strncmp(name, "layers/", 7) == 0 ? name : hdf5_join(&a->arena, "layers", name);
	if (has(a, path))
		return path;
	err_set(e, "%s: no %s; the file has %s", a->file.name, name, list_matrices(a));
	return NULL;
}

const char *
h5ad_var_path(const char *matrix_path)
{
	if (strcmp(matrix_path, "raw/X") == 0)
		return "raw/var";
	return strcmp(matrix_path, "raw.X") == 0 ? "raw.var" : "var";
}
