/* test_gene_pickles.c - finding and reading dictionaries laid out as upstream lays them out. */

#include "reader_aid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "formats/gene_pickles.h"

/* {"G1": 0, "G2": 1}, {"G1": 1.5, "G2": 2}, {"A": "G1", "": "G2"} by pickle.dumps(..., 2). */
static const char tokens[] = "\x80\x02}(X\2\0\0\0G1K\0X\2\0\0\0G2K\1u.";
static const char medians[] = "\x80\x02}(X\2\0\0\0G1G?\xf8\0\0\0\0\0\0X\2\0\0\0G2K\2u.";
static const char names[] = "\x80\x02}(X\1\0\0\0"
			    "AX\2\0\0\0G1X\0\0\0\0X\2\0\0\0G2u.";

#define BYTES(text) text, sizeof(text) - 1
#define WRITE(folder, name, text) aid_write(folder, name, BYTES(text))

static void
reads_a_folder(void **state)
{
	struct err e = { 0 };
	struct gene_pickles *g = gene_pickles_open("tests/data/dictionary", NULL, &e);

	(void)state;
	aid_expect_no_error(&e);
	/* Made by tests/data/make.py: 60 genes, the last without a token, gene 57 without a median.
	 */
	assert_int_equal(g->n_tokens, 63);
	assert_string_equal(g->token_genes[0], "<pad>");
	assert_string_equal(g->token_genes[62], "ENSG90000000986");
	assert_int_equal(g->tokens[62], 62);
	assert_int_equal(g->n_medians, 59);
	assert_string_equal(g->median_genes[1], "ENSG90000000017");
	assert_true(g->medians[1] == 5.21);
	assert_int_equal(g->n_symbols, 60);
	assert_string_equal(g->symbols[2], "TOY2");
	assert_string_equal(g->symbol_genes[2], "ENSG90000000034");
	assert_int_equal(g->n_aliases, 120);
	assert_string_equal(g->aliases[119], "TOY59");
	gene_pickles_close(g);
}

static void
expect_version(const char *folder, const char *version, size_t n_tokens)
{
	struct err e = { 0 };
	struct gene_pickles *g = gene_pickles_open(folder, version, &e);

	aid_expect_no_error(&e);
	assert_int_equal(g->n_tokens, n_tokens);
	assert_true(g->medians[0] == 1.5 && g->medians[1] == 2);
	gene_pickles_close(g);
}

static void
expect_refused(const char *folder, const char *version, const char *part)
{
	struct err e = { 0 };

	assert_null(gene_pickles_open(folder, version, &e));
	aid_expect_error(&e, part);
}

/* V2 beside the folder of V1, as in the checkout. */
static void
tells_versions_apart(void **state)
{
	struct err e = { 0 };
	char *folder = aid_make_folder();
	char *v1 = mem_printf("%s/gene_dictionaries_30m", folder);

	(void)state;
	expect_refused(folder, NULL, "no Geneformer dictionaries here (token_dictionary*.pkl)");
	assert_int_equal(mkdir(v1, 0700), 0);
	WRITE(v1, "token_dictionary_gc30M.pkl", tokens);
	WRITE(v1, "gene_median_dictionary_gc30M.pkl", medians);
	WRITE(v1, "gene_name_id_dict_gc30M.pkl", names);
	expect_version(folder, NULL, 2);
	expect_version(folder, "V1", 2);
	expect_version(v1, NULL, 2);
	expect_refused(folder, "V2", "no Geneformer dictionaries of V2 here");
	WRITE(folder, "gene_median_dictionary_gc95M.pkl", medians);
	struct buffer many = fixture_bytes("many_4.pkl");
	aid_write(folder, "token_dictionary_gc95M.pkl", many.data, many.size);
	buffer_free(&many);
	expect_version(folder, NULL, 2500);
	expect_version(folder, "V2", 2500);
	expect_version(folder, "V1", 2);

	/* What is not there is an empty table; an empty symbol is kept. */
	struct gene_pickles *g = gene_pickles_open(v1, NULL, &e);
	aid_expect_no_error(&e);
	assert_int_equal(g->n_aliases, 0);
	assert_int_equal(g->n_symbols, 2);
	assert_string_equal(g->symbols[1], "");
	gene_pickles_close(g);
	aid_remove_folder(v1);
	aid_remove_folder(folder);
}

static void
takes_only_one_of_other_names(void **state)
{
	char *folder = aid_make_folder();

	(void)state;
	WRITE(folder, "token_dictionary_mine.pkl", tokens);
	expect_refused(folder, NULL, "/gene_median_dictionary_mine.pkl");
	WRITE(folder, "gene_median_dictionary_mine.pkl", medians);
	expect_version(folder, NULL, 2);
	WRITE(folder, "token_dictionary_yours.pkl", tokens);
	expect_refused(folder, NULL, "several files token_dictionary*.pkl");
	aid_remove_folder(folder);
}

static void
checks_types(void **state)
{
	static const struct {
		const char *tokens;
		size_t tokens_size;
		const char *medians;
		size_t medians_size;
		const char *part;
	} cases[] = {
		{ BYTES("\x80\x02]."), BYTES(medians),
		    "token_dictionary.pkl: holds a list, not a dictionary" },
		{ BYTES("\x80\x02}X\1\0\0\0GNs."), BYTES(medians),
		    "token_dictionary.pkl: G: its token is None, not an integer" },
		{ BYTES("\x80\x02}X\1\0\0\0GJ\xff\xff\xff\xffs."), BYTES(medians),
		    "token_dictionary.pkl: G: its token is out of range" },
		{ BYTES("\x80\x02}K\1K\1s."), BYTES(medians),
		    "token_dictionary.pkl: entry 0: its key is an integer, not a name" },
		{ BYTES("\x80\x02}X\1\0\0\0\nK\1s."), BYTES(medians),
		    "token_dictionary.pkl: entry 0: its key is odd text" },
		{ BYTES(tokens), BYTES("\x80\x02}X\1\0\0\0GK\0s."),
		    "gene_median_dictionary.pkl: G: its median is not a number above 0" },
		{ BYTES(tokens), BYTES("\x80\x02}X\1\0\0\0GG\x7f\xf8\0\0\0\0\0\0s."),
		    "G: its median is not a number above 0" },
		{ BYTES(tokens), BYTES("\x80\x02}X\1\0\0\0GX\1\0\0\0Gs."),
		    "G: its median is not a number above 0" },
		{ BYTES(tokens), BYTES("\x80\x02}"),
		    "gene_median_dictionary.pkl: byte 3: truncated (no STOP)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *folder = aid_make_folder();
		aid_write(folder, "token_dictionary.pkl", cases[i].tokens, cases[i].tokens_size);
		aid_write(
		    folder, "gene_median_dictionary.pkl", cases[i].medians, cases[i].medians_size);
		expect_refused(folder, NULL, cases[i].part);
		aid_remove_folder(folder);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_folder),
		cmocka_unit_test(tells_versions_apart),
		cmocka_unit_test(takes_only_one_of_other_names),
		cmocka_unit_test(checks_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
