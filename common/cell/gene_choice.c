#include <string.h>

#include "cell/gene_choice.h"

static enum perturbation_type
type_of(const char *text)
{
	return strcmp(text, "delete") == 0        ? PERTURB_DELETE
	       : strcmp(text, "overexpress") == 0 ? PERTURB_OVEREXPRESS
	       : strcmp(text, "inhibit") == 0     ? PERTURB_INHIBIT
						  : PERTURB_ACTIVATE;
}

struct perturbation_options
gene_choice_read(const struct gene_choice *choice, const struct genes *vocabulary,
    const struct genes *dictionary, struct gene_group_list *list, struct err *e)
{
	struct perturbation_options what = { type_of(choice->type), .combos = choice->combos,
		.anchor = -1, .quartiles = choice->quartiles };

	if (e->is_set)
		return what;
	if (strcmp(choice->genes, "all") != 0) {
		gene_groups_read(list, choice->genes, vocabulary, dictionary, e);
		err_prefix(e, "--genes");
	}
	if (choice->anchor && !e->is_set) {
		what.anchor =
		    gene_token(vocabulary, dictionary, choice->anchor, strlen(choice->anchor), e);
		err_prefix(e, "--anchor");
	}
	what.groups = list->groups;
	what.cls = vocabulary->cls;
	what.eos = vocabulary->eos;
	if (what.groups.n && what.combos > what.groups.n)
		err_set(e, "--combos %zu: there are only %zu groups", what.combos, what.groups.n);
	if (!e->is_set && !perturbations_can_be_counted(&what))
		err_set(e, "--combos %zu: more combinations than can be counted", what.combos);
	return what;
}
