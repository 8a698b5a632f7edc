/* Labels and sets of the rows of a corpus; `parity` of corpus_aid.h is the label, and the group. */

#include <stdlib.h>
#include <string.h>

#include "corpus_aid.h"
#include "nn/gene_labels.h"
#include "nn/label_rows.h"

enum { N = 200 };

static const char *const parity[] = { "parity" };

static struct token_corpus *
read_rows(struct label_rows *l)
{
	struct token_corpus_options o = { .limits = { AID_TOKENS, 64, false, 3 },
		.max_memory = 1 << 20 };

	return aid_corpus(&o, N, label_rows_visit, l);
}

static void
classes_are_sorted_and_counted(void **state)
{
	struct label_rows_options o = { parity, 1, NULL, NULL, false };
	struct label_rows *l = label_rows_new(&o);
	struct token_corpus *c = read_rows(l);
	struct err e = { 0 };
	uint64_t counts[2] = { 0 };
	bool is_own;
	struct class_names *names;

	(void)state;
	assert_int_equal(label_rows_divide(l, c, 0.1, 0.2, 42, &e), 0);
	names = label_rows_name(l, c, NULL, &is_own, &e);
	aid_expect_no_error(&e);
	assert_false(is_own);
	assert_string_equal(names->tasks[0].list, "0\n1");
	assert_null(names->tasks[0].name);
	for (uint64_t row = 0; row < N; row++)
		assert_int_equal(label_rows_get(l, 0, row), row % 2);
	/* 100 of each class: 10 and 20 of them */
	assert_int_equal(token_corpus_cells(c, TOKEN_SET_EVAL), 20);
	assert_int_equal(token_corpus_cells(c, TOKEN_SET_TEST), 40);
	label_rows_count(l, c, 0, counts);
	assert_int_equal(counts[0], 70);
	assert_int_equal(counts[1], 70);
	class_names_free(names);
	token_corpus_free(c);
	label_rows_free(l);
}

static void
the_order_of_the_models_own_head_stays(void **state)
{
	static const char *const turned[] = { "1", "0" }, *const others[] = { "1", "2" };
	struct class_list own_list = { "own", turned, 2 }, other_list = { "own", others, 2 };
	struct label_rows_options o = { parity, 1, NULL, NULL, false };
	struct err e = { 0 };

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct class_names *own = class_names_of_tasks(k ? &other_list : &own_list, 1, &e);
		struct label_rows *l = label_rows_new(&o);
		struct token_corpus *c = read_rows(l);
		bool is_own;
		struct class_names *names = label_rows_name(l, c, own, &is_own, &e);

		aid_expect_no_error(&e);
		assert_int_equal(is_own, k == 0);
		assert_string_equal(names->tasks[0].list, k ? "0\n1" : "1\n0");
		assert_int_equal(label_rows_get(l, 0, 4), k ? 0 : 1);
		class_names_free(names);
		class_names_free(own);
		token_corpus_free(c);
		label_rows_free(l);
	}
}

static void
groups_stay_together(void **state)
{
	struct label_rows_options o = { parity, 1, NULL, "parity", false };
	struct label_rows *l = label_rows_new(&o);
	struct token_corpus *c = read_rows(l);
	struct err e = { 0 };
	bool is_own;

	(void)state;
	assert_int_equal(label_rows_divide(l, c, 0.1, 0.1, 42, &e), -1);
	aid_expect_error(&e, "column parity: 2 groups cannot be divided over 3 sets");
	assert_int_equal(label_rows_divide(l, c, 0, 0.1, 42, &e), 0);
	assert_int_equal(token_corpus_cells(c, TOKEN_SET_TEST), N / 2);
	/* the other group's class is not to be learned any more */
	assert_null(label_rows_name(l, c, NULL, &is_own, &e));
	aid_expect_error(&e, "column parity: class ");
	token_corpus_free(c);
	label_rows_free(l);
}

static void
a_word_that_is_no_set(void **state)
{
	struct label_rows_options o = { parity, 1, "parity", NULL, false };
	struct label_rows *l = label_rows_new(&o);
	struct schema *s = schema_new();
	struct field f = field_utf8("parity");
	const char *texts[] = { "train", NULL, "half" };
	uint8_t sets[3] = { 0 };
	struct batch b = { .rows = 3 };
	struct err e = { 0 };

	(void)state;
	schema_append(s, &f);
	batch_append(&b, array_from_texts(&b.arena, texts, 3));
	assert_int_equal(label_rows_visit(l, s, &b, 0, sets, &e), -1);
	aid_expect_error(&e, "'half' is none of train, valid, validation, test");
	assert_int_equal(sets[1], TOKEN_SET_NONE);
	assert_int_equal(l->n_unsplit, 1);
	assert_int_equal(l->n_unlabelled, 0);
	batch_free(&b);
	schema_free(s);
	label_rows_free(l);
}

/* Genes G4 ... G39; the first nine are a, the others b. */
static char *
write_genes(const char *folder, const char *more)
{
	struct buffer text = { 0 };

	for (int g = 4; g < AID_TOKENS; g++) {
		char *line = mem_printf("G%d\t%s\n", g, g < 13 ? "a" : "b");

		buffer_add(&text, line, strlen(line));
		free(line);
	}
	buffer_add(&text, more, strlen(more));
	aid_write(folder, "genes.tsv", text.data, text.size);
	buffer_free(&text);
	return mem_printf("%s/genes.tsv", folder);
}

static void
genes_are_held_out(void **state)
{
	char *folder = aid_make_folder(), *path = write_genes(folder, "NOSUCH\tb\n");
	struct genes *genes = aid_genes(AID_TOKENS);
	struct gene_labels_options o = { path, genes, NULL, 0.25, 0, 42 };
	struct err e = { 0 };
	struct gene_labels *g = gene_labels_open(&o, &e);

	(void)state;
	aid_expect_no_error(&e);
	assert_int_equal(g->n_unknown, 1);
	/* 9 and 27: 2.25 and 6.75 of them */
	assert_int_equal(g->n_genes[TOKEN_SET_EVAL], 2 + 7);
	assert_int_equal(g->n_genes[TOKEN_SET_TRAIN], 36 - 9);
	assert_int_equal(g->n_genes[TOKEN_SET_TEST], 36 - 9); /* no share: those of TRAIN */
	for (size_t t = 0; t < AID_TOKENS; t++) {
		int32_t learned = g->of[TOKEN_SET_TRAIN][t], held = g->of[TOKEN_SET_EVAL][t];

		assert_true(learned < 0 || held < 0);
		assert_int_equal(learned > held ? learned : held, t < 4 ? -1 : t >= 13);
	}
	assert_string_equal(g->names->tasks[0].list, "a\nb");
	gene_labels_free(g);
	genes_free(genes);
	free(path);
	aid_remove_folder(folder);
}

static void
a_class_without_genes(void **state)
{
	char *folder = aid_make_folder(), *path = write_genes(folder, "NOSUCH\tc\n");
	struct genes *genes = aid_genes(AID_TOKENS);
	struct gene_labels_options o = { path, genes, NULL, 0, 0, 42 };
	struct err e = { 0 };

	(void)state;
	assert_null(gene_labels_open(&o, &e));
	aid_expect_error(&e, "class c has no gene of the vocabulary to learn from");
	aid_write(folder, "genes.tsv", "G5\ta\nG6\ta\n", 10);
	assert_null(gene_labels_open(&o, &e));
	aid_expect_error(&e, "all genes are a; there must be two classes");
	aid_write(folder, "genes.tsv", "X\ta\nY\tb\n", 8);
	assert_null(gene_labels_open(&o, &e));
	aid_expect_error(&e, "none of its 2 genes is in the vocabulary");
	genes_free(genes);
	free(path);
	aid_remove_folder(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_are_sorted_and_counted),
		cmocka_unit_test(the_order_of_the_models_own_head_stays),
		cmocka_unit_test(groups_stay_together),
		cmocka_unit_test(a_word_that_is_no_set),
		cmocka_unit_test(genes_are_held_out),
		cmocka_unit_test(a_class_without_genes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
