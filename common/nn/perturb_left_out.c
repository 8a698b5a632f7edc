#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "nn/perturb_left_out.h"

int
perturb_left_out_init(struct perturb_left_out *l, const struct genes *genes,
    const struct perturbation_options *what, const struct schema *in, const char *by,
    const char *start, struct err *e)
{
	*l = (struct perturb_left_out){
		.genes = genes, .what = what, .in = in, .by = by, .start = start
	};
	l->is_met = mem_zero(genes->n_tokens, sizeof(*l->is_met));
	if (!start)
		return 0;
	string_set_add(&l->states, start, strlen(start));
	return label_column_find(&l->label, in, by, e) ? err_prefix(e, "--by") : 0;
}

void
perturb_left_out_free(struct perturb_left_out *l)
{
	label_column_free(&l->label);
	string_set_free(&l->states);
	free(l->is_met);
}

bool
perturb_left_out_filter(struct perturb_left_out *l, const struct batch *b, size_t row)
{
	if (!l->start || label_column_read(&l->label, l->in, b, row, &l->states) == 0)
		return true;
	l->n_other_states++;
	return false;
}

void
perturb_left_out_count(struct perturb_left_out *l, const struct perturbed_part *part)
{
	l->n_cells++;
	l->n_lack_anchor += part->what->lacks_anchor;
	l->n_absent += part->what->n_absent;
	l->n_emptied += part->what->n_emptied;
	for (size_t i = 0; i < part->length; i++)
		l->is_met[part->ids[i]] = true;
}

static void
warn_of_unmet(const struct perturb_left_out *l, const struct cli *cli)
{
	const struct gene_groups *g = &l->what->groups;
	size_t n = g->n ? g->cu[g->n] : 0, n_unmet = 0, size = 0;
	const char *name = NULL;

	for (size_t i = n + (l->what->anchor >= 0); i-- > 0;) {
		int32_t token = i < n ? g->tokens[i] : l->what->anchor;

		if (l->is_met[token] || (i < n && l->what->type == PERTURB_OVEREXPRESS))
			continue;
		name = genes_token_name(l->genes, token, &size);
		n_unmet++;
	}
	if (n_unmet && l->n_cells)
		cli_warn(cli, "%.*s%s in none of the cells", (int)size, name,
		    n_unmet > 1 ? " and other genes are" : " is");
}

void
perturb_left_out_say(const struct perturb_left_out *l, const struct cli *cli)
{
	const struct {
		uint64_t n;
		const char *what;
	} left_out[] = {
		{ l->n_other_states, "cells of other states" },
		{ l->n_lack_anchor, "cells without the anchor" },
		{ l->n_absent, "groups that their cell lacks a gene of" },
		{ l->n_emptied, "perturbations that leave no gene to compare" },
	};

	for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
		if (left_out[i].n)
			cli_inform(
			    cli, "left out: %" PRIu64 " %s", left_out[i].n, left_out[i].what);
	if (l->n_cells == 0 && l->n_other_states)
		cli_warn(cli, "no cell has %s in the column %s", l->start, l->by);
	warn_of_unmet(l, cli);
}
