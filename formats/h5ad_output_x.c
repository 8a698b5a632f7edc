#include "formats/h5ad_output_x.h"

#include <stdlib.h>
#include <string.h>

#include "cell/string_set.h"
#include "formats/h5ad_write.h"

struct output_x {
	const struct hdf5_file *file;
	ptrdiff_t gene, value;
	const struct field *gene_item, *value_item;
	hid_t data, indices;
	struct buffer places; /* int64_t: indptr */
	uint64_t n_entries;
	size_t n_rows;
	struct string_set genes; /* where the stream has no dictionary of genes */
};

struct output_x *
output_x_new(const struct hdf5_file *f, const struct schema *s, ptrdiff_t gene, ptrdiff_t value,
    struct err *e)
{
	struct output_x *x;
	int64_t zero = 0;

	if (e->is_set)
		return NULL;
	x = mem_zero(1, sizeof(*x));
	x->file = f;
	x->gene = gene;
	x->value = value;
	x->gene_item = &s->fields[gene].children[0];
	x->value_item = &s->fields[value].children[0];
	buffer_add(&x->places, &zero, sizeof(zero));
	h5ad_write_group(f, "X", "csr_matrix", "0.1.0", e);
	x->data = hdf5_growing_create(f, "X/data",
	    x->value_item->type == TYPE_FLOAT && x->value_item->bit_width == 32 ? H5T_IEEE_F32LE
										: H5T_IEEE_F64LE,
	    e);
	x->indices = hdf5_growing_create(f, "X/indices", H5T_STD_I32LE, e);
	return x;
}

void
output_x_free(struct output_x *x)
{
	if (!x)
		return;
	if (x->data >= 0)
		H5Dclose(x->data);
	if (x->indices >= 0)
		H5Dclose(x->indices);
	buffer_free(&x->places);
	string_set_free(&x->genes);
	free(x);
}

/* Numbers of genes, in the dictionary or in the order in which they come. */
static int
number_genes(struct output_x *x, const struct array *genes, int32_t *out, struct err *e)
{
	for (size_t i = 0; i < genes->length; i++) {
		size_t size;
		const char *text;

		if (!array_is_valid(genes, i))
			return err_set(e, "a gene without a name (null) has no place in an .h5ad");
		if (x->gene_item->dictionary) {
			out[i] = ((const int32_t *)genes->values)[i];
			continue;
		}
		text = array_text(x->gene_item, genes, i, &size);
		out[i] = (int32_t)string_set_add(&x->genes, text, size);
	}
	return 0;
}

int
output_x_add(struct output_x *x, const struct batch *b, struct err *e)
{
	const struct array *genes, *values;
	int32_t *numbers;
	double *wide;
	size_t n;

	if (e->is_set)
		return -1;
	genes = &b->columns[x->gene].children[0];
	values = &b->columns[x->value].children[0];
	n = genes->length;
	numbers = mem_alloc(n, sizeof(*numbers));
	wide = mem_alloc(n, sizeof(*wide));
	for (size_t i = 0; i < b->rows; i++) {
		int64_t end = (int64_t)x->n_entries + b->columns[x->gene].offsets[i + 1];

		buffer_add(&x->places, &end, sizeof(end));
	}
	for (size_t i = 0; i < n; i++)
		wide[i] = array_number(x->value_item, values, i);
	if (!number_genes(x, genes, numbers, e) &&
	    (hdf5_growing_append(x->data, H5T_NATIVE_DOUBLE, x->n_entries, n, wide) ||
		hdf5_growing_append(x->indices, H5T_NATIVE_INT32, x->n_entries, n, numbers)))
		hdf5_fail(x->file, "X", e, "cannot be written");
	x->n_entries += n;
	x->n_rows += b->rows;
	free(numbers);
	free(wide);
	return e->is_set ? -1 : 0;
}

int
output_x_finish(struct output_x *x, struct err *e)
{
	struct strings genes;
	int64_t shape[2];
	hid_t places;

	if (e->is_set)
		return -1;
	genes =
	    x->gene_item->dictionary ? *x->gene_item->dictionary : string_set_strings(&x->genes);
	shape[0] = (int64_t)x->n_rows;
	shape[1] = (int64_t)genes.n;
	hdf5_set_ints(x->file, "X", "shape", shape, 2, e);
	h5ad_write_frame(x->file, "var", "_index", &genes, e);
	places = hdf5_growing_create(x->file, "X/indptr", H5T_STD_I64LE, e);
	if (!e->is_set &&
	    hdf5_growing_append(places, H5T_NATIVE_INT64, 0, x->n_rows + 1, x->places.data))
		hdf5_fail(x->file, "X/indptr", e, "cannot be written");
	if (places >= 0)
		H5Dclose(places);
	return e->is_set ? -1 : 0;
}
