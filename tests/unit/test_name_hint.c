/* Which name was meant. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/name_hint.h"

static const char *const names[] = { "n_genes", "Species", "cell_type", "x" };

static void
expect(const char *wanted, const char *meant)
{
	char text[200], *question;

	name_hint(text, sizeof(text), wanted, names, 4);
	question = strstr(text, "there are n_genes, Species, cell_type, x");
	assert_non_null(question);
	assert_string_equal(question, "there are n_genes, Species, cell_type, x");
	*question = '\0';
	assert_string_equal(text, meant);
}

static void
meant(void **state)
{
	(void)state;
	expect("n_gene", "did you mean n_genes? ");
	expect("ngenes", "did you mean n_genes? ");
	expect("species", "did you mean Species? ");
	expect("celltipe", "did you mean cell_type? ");
	expect("cel_tipes", "");
	expect("y", "");
	expect("", "");
	expect("a name that is much longer than all that is ever looked at for similar ones", "");
}

static void
little_room(void **state)
{
	char text[20];

	(void)state;
	name_hint(text, sizeof(text), "y", names, 4);
	assert_string_equal(text, "there are n_genes, ");
	name_hint(text, sizeof(text), "y", names, 0);
	assert_string_equal(text, "");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(meant),
		cmocka_unit_test(little_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
