#include "formats/hf_dataset_plain.h"

static void
make_plain(struct field *f)
{
	if (f->dictionary)
		f->is_ordered = false;
	f->dictionary = NULL;
	for (size_t i = 0; i < f->n_children; i++)
		make_plain(&f->children[i]);
}

struct schema *
plain_schema(const struct schema *s)
{
	struct schema *plain = schema_copy(s);

	for (size_t i = 0; i < plain->n_fields; i++)
		make_plain(&plain->fields[i]);
	return plain;
}

static bool
has_dictionary(const struct field *f)
{
	for (size_t i = 0; i < f->n_children; i++)
		if (has_dictionary(&f->children[i]))
			return true;
	return f->dictionary != NULL;
}

static bool
fits(const struct field *f, const struct array *a)
{
	size_t total = 0, size;

	for (size_t i = 0; i < f->n_children; i++)
		if (!fits(&f->children[i], &a->children[i]))
			return false;
	for (size_t i = 0; f->dictionary && i < a->length; i++)
		if (array_text(f, a, i, &size) && (total += size) > INT32_MAX)
			return false;
	return true;
}

int
plain_batch(const struct schema *s, struct batch *b, struct err *e)
{
	for (size_t i = 0; i < b->n_columns; i++) {
		const struct field *f = &s->fields[i];

		if (!has_dictionary(f))
			continue;
		if (!fits(f, &b->columns[i]))
			return err_set(e, "column %s: more than 2 GiB of text in a batch", f->name);
		b->columns[i] = array_decode(&b->arena, f, &b->columns[i]);
	}
	return 0;
}
