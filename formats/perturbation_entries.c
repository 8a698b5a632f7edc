#include <stdlib.h>
#include <string.h>

#include "formats/perturbation_pickle.h"
#include "formats/perturbation_reading.h"

static int
find_token(struct perturbation_inputs *in, int64_t token, uint32_t *ret_gene, struct err *e)
{
	const struct genes *g = in->genes;
	size_t size;
	const char *id;

	if (token >= (int64_t)g->n_tokens)
		return err_set(e, "token %lld is outside of the dictionary, which has %zu",
		    (long long)token, g->n_tokens);
	if (in->token_genes[token] == NO_GENE) {
		id = strings_get(g->ids, (size_t)g->token_rows[token], &size);
		in->token_genes[token] = gene_sets_gene(in->sets, id, size);
	}
	*ret_gene = in->token_genes[token];
	return 0;
}

static int
find_token_group(struct perturbation_inputs *in, const struct pickle_entry *entry,
    uint32_t *ret_set, struct err *e)
{
	struct buffer group = { 0 };
	uint32_t *genes = buffer_grow(&group, entry->n_perturbed * sizeof(*genes));

	for (size_t i = 0; i < entry->n_perturbed && !e->is_set; i++)
		find_token(in, entry->perturbed[i], &genes[i], e);
	if (!e->is_set)
		*ret_set = gene_sets_add(in->sets, genes, entry->n_perturbed);
	buffer_free(&group);
	return e->is_set ? -1 : 0;
}

static int
show_entry(void *context, const struct pickle_entry *entry, struct err *e)
{
	struct perturbation_inputs *in = context;
	struct perturbation_value v = { .affected = NO_GENE };
	size_t width = in->what->triples ? 3 : 1;

	if (entry->affected != AFFECTED_CELL && !in->what->genes)
		return 0;
	if (entry->n && entry->width != width)
		return err_set(e, entry->width == 1
				      ? "holds numbers, not tuples (anchor, gene, both)"
				      : "holds tuples, as old versions of the reference wrote them "
					"(--mode mixture --combos reads (anchor, gene, both))");
	if (find_token_group(in, entry, &v.set, e) ||
	    (entry->affected != AFFECTED_CELL && find_token(in, entry->affected, &v.affected, e)))
		return -1;
	for (size_t i = 0; i < entry->n; i++) {
		v.row = in->n_rows++;
		for (size_t k = 0; k < width; k++) {
			v.series = (uint32_t)(in->state + k);
			if (perturbation_show(in, &v, entry->values[i * width + k], e))
				return -1;
		}
	}
	return 0;
}

static int
count_cells(void *context, const struct pickle_entry *entry, struct err *e)
{
	(void)e;
	*(size_t *)context += entry->affected == AFFECTED_CELL;
	return 0;
}

/* A file without the states that are wanted: fine where it has only numbers of genes. */
static int
refuse_no_states(
    const struct perturbation_inputs *in, const struct perturbation_pickle *p, struct err *e)
{
	size_t n_cells = 0;

	if (perturbation_pickle_visit(p, 0, count_cells, &n_cells, e))
		return -1;
	if (n_cells)
		return err_set(e, "%s: holds cosines of cells, but no shifts to states", in->path);
	return 0;
}

static int
read_states(struct perturbation_inputs *in, const struct perturbation_pickle *p, struct err *e)
{
	size_t n = perturbation_pickle_states(p), size, i;

	for (in->state = 0; in->state < in->what->n_states && !e->is_set; in->state++) {
		const char *wanted = in->what->states[in->state], *name;

		for (i = 0; i < n; i++) {
			name = perturbation_pickle_state(p, i, &size);
			if (size == strlen(wanted) && memcmp(name, wanted, size) == 0)
				break;
		}
		if (i == n)
			return err_set(e, "%s: no state '%s'", in->path, wanted);
		perturbation_pickle_visit(p, i, show_entry, in, e);
	}
	in->state = 0;
	return e->is_set ? -1 : 0;
}

int
perturbation_read_pickle(struct perturbation_inputs *in, struct err *e)
{
	struct perturbation_pickle *p = perturbation_pickle_open(in->path, e);
	bool has_states = p && perturbation_pickle_states(p);

	if (p && !in->genes && perturbation_pickle_entries(p))
		err_set(e, "%s: holds tokens; -d DICT says which genes they are", in->path);
	else if (p && in->what->n_states && !has_states)
		refuse_no_states(in, p, e);
	else if (p && in->what->n_states)
		read_states(in, p, e);
	else if (p && has_states && in->what->genes)
		in->n_left_out++;
	else if (p && has_states)
		err_set(
		    e, "%s: holds shifts to states, no cosines (--mode goal reads them)", in->path);
	else if (p)
		perturbation_pickle_visit(p, 0, show_entry, in, e);
	perturbation_pickle_close(p);
	return e->is_set ? -1 : 0;
}
