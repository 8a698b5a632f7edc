#include <inttypes.h>
#include <string.h>

#include "nn/perturb_again.h"

void
perturb_again_init(
    struct perturb_again *a, const struct genes *genes, const struct perturbation_options *what)
{
	*a = (struct perturb_again){
		.genes = genes, .what = what, .old = hash128_new(), .again = hash128_new()
	};
}

static void
drop_hash(struct hash128 **h, char ret_hex[33])
{
	if (*h)
		hash128_finish(*h, ret_hex);
	*h = NULL;
}

void
perturb_again_free(struct perturb_again *a)
{
	char unused[33];

	drop_hash(&a->old, unused);
	drop_hash(&a->again, unused);
	buffer_free(&a->list);
}

static void
add_text(struct hash128 *h, const char *text, size_t size)
{
	hash128_add(h, text ? text : "", text ? size : 0);
	hash128_add(h, "\n", 1);
}

int
perturb_again_visit(
    void *perturb_again, const struct schema *s, const struct batch *b, struct err *e)
{
	struct perturb_again *a = perturb_again;
	size_t cell = (size_t)schema_find(s, "cell"),
	       perturbed = (size_t)schema_find(s, "perturbed"), size;
	const struct array *list = &b->columns[perturbed];
	const struct field *item = &s->fields[perturbed].children[0];

	(void)e;
	for (size_t i = 0; i < b->rows; i++) {
		const char *text = array_text(&s->fields[cell], &b->columns[cell], i, &size);

		add_text(a->old, text, size);
		for (int32_t k = list->offsets[i]; k < list->offsets[i + 1]; k++) {
			text = array_text(item, &list->children[0], (size_t)k, &size);
			add_text(a->old, text, size);
		}
	}
	return 0;
}

static void
add_copies(struct perturb_again *a, const struct perturbed_part *part, const char *cell, size_t n)
{
	size_t most = perturbation_most(a->what, part->length), size;
	int32_t *genes;

	a->list.size = 0;
	genes = buffer_grow(&a->list, most * sizeof(*genes));
	for (size_t which = 0; which < part->first; which++) {
		size_t n_genes = perturbation_genes(a->what, part->what, which, genes);

		add_text(a->again, cell, n);
		for (size_t i = 0; i < n_genes; i++) {
			const char *gene = genes_token_name(a->genes, genes[i], &size);

			add_text(a->again, gene, size);
		}
	}
}

int
perturb_again_check(struct perturb_again *a, const struct schema *in,
    const struct perturbed_part *part, struct err *e)
{
	size_t cell = (size_t)schema_find(in, "cell"), size;
	const char *name = array_text(&in->fields[cell], &part->row->columns[cell], 0, &size);
	char old[33], again[33];

	if (a->met == a->there || part->first == 0)
		return 0;
	add_copies(a, part, name, size);
	a->met += part->first;
	if (a->met < a->there)
		return 0;
	drop_hash(&a->old, old);
	drop_hash(&a->again, again);
	if (strcmp(old, again) == 0)
		return 0;
	return err_set(e, "holds other cells than the input (remove it to start anew)");
}

int
perturb_again_finish(const struct perturb_again *a, struct err *e)
{
	if (a->met == a->there)
		return 0;
	return err_set(e,
	    "holds %" PRIu64 " rows, but the input gives only %" PRIu64
	    " of them (remove it to start anew)",
	    a->there, a->met);
}
