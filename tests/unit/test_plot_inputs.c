/* What pictures are made of: tables, training logs, sizes and names of pages. */

#include "reader_aid.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/plot_gene_effects.h"
#include "formats/plot_metrics.h"
#include "formats/plot_page.h"
#include "formats/plot_table.h"
#include "formats/plot_training.h"

static char *folder;
static char path[300];

/* Writes a file; its path stays until the next one. */
static const char *
file_of(const char *text)
{
	aid_write(folder, "file", text, strlen(text));
	snprintf(path, sizeof(path), "%s/file", folder);
	return path;
}

static int
make_folder(void **state)
{
	(void)state;
	folder = aid_make_folder();
	return 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	aid_remove_folder(folder);
	return 0;
}

/* The sentence that reading a table fails with; "" where it works. */
static const char *
table_error(const char *text)
{
	static struct err e;
	struct plot_table t;

	e = (struct err){ 0 };
	plot_table_read(&t, file_of(text), false, &e);
	plot_table_free(&t);
	return strncmp(e.text, path, strlen(path)) == 0 ? e.text + strlen(path) : e.text;
}

static void
tables_are_csv_or_tsv(void **state)
{
	struct err e = { 0 };
	struct plot_table t;

	(void)state;
	assert_int_equal(
	    plot_table_read(&t, file_of(",Name,x\r\n0,\"a,\"\"b\",1.5\r\n1,,-2e-3"), false, &e), 0);
	assert_true(t.n_rows == 2 && t.n_columns == 3);
	assert_int_equal(plot_table_find(&t, "Name"), 1);
	assert_int_equal(plot_table_find(&t, "name"), -1);
	assert_string_equal(plot_table_text(&t, 0, 1), "a,\"b");
	assert_true(plot_table_number(&t, 1, 2, &e) == -2e-3);
	assert_true(isnan(plot_table_number(&t, 1, 1, &e)));
	plot_table_free(&t);

	assert_int_equal(
	    plot_table_read(&t, file_of("Name\tx, y\n5\" cap\t1\n\"b\tNA\n"), false, &e), 0);
	assert_true(t.n_rows == 2 && t.n_columns == 2);
	assert_string_equal(plot_table_text(&t, 0, 0), "5\" cap");
	assert_true(isnan(plot_table_number(&t, 1, 1, &e)) && !e.is_set);
	assert_true(isnan(plot_table_number(&t, 0, 0, &e)));
	assert_non_null(strstr(e.text, ": row 1: '5\" cap' in column Name is no number"));
	plot_table_free(&t);
}

static void
odd_tables_are_refused(void **state)
{
	struct err e = { 0 };
	struct plot_table t;

	(void)state;
	assert_string_equal(
	    table_error("a,b\n1,2\n3\n"), ": line 3 has 1 fields, but there are 2 columns");
	assert_string_equal(table_error(""), ": an empty file, where a table was expected");
	assert_string_equal(table_error("a,b\n1,\"2\n"), ": line 2: a quote that is never closed");
	assert_string_equal(table_error("a,b\n1,2\"2\n"), ": line 2: a quote where none belongs");
	assert_string_equal(table_error("a,b\n"), "");
	aid_write(folder, "file", "a,b\n1,\0", 7);
	plot_table_read(&t, path, false, &e);
	assert_non_null(strstr(e.text, "a zero byte"));
	plot_table_free(&t);
}

/* n rows of a table of effects, or the error without the path. */
static const char *
effects(const char *text, const struct gene_columns *columns, bool needs_fdr,
    struct gene_effects *ret, struct plot_table *t)
{
	static struct err e;

	e = (struct err){ 0 };
	assert_int_equal(plot_table_read(t, file_of(text), false, &e), 0);
	gene_effects_read(ret, t, columns, needs_fdr, &e);
	return e.is_set ? e.text + strlen(path) : "";
}

static void
effects_are_found_by_their_columns(void **state)
{
	const char *text = "Gene,Gene_name,Ensembl_ID,Shift_to_goal_end,Goal_end_FDR,Other\n"
			   "1,TP53,ENSG1,0.5,0.01,7\n2,,ENSG2,-0.5,,8\n3,X,ENSG3,,0.5,9\n";
	struct gene_columns none = { 0 }, other = { "Other", "Goal_end_FDR", "Gene" };
	struct gene_effects g;
	struct plot_table t;

	(void)state;
	assert_string_equal(effects(text, &none, false, &g, &t), "");
	assert_true(g.n == 2 && g.n_dropped == 1);
	assert_string_equal(g.genes[0].name, "TP53");
	assert_string_equal(g.genes[1].name, "ENSG2");
	assert_true(g.genes[1].shift == -0.5 && isnan(g.genes[1].fdr));
	gene_effects_free(&g);
	plot_table_free(&t);
	assert_string_equal(effects(text, &none, true, &g, &t), "");
	assert_true(g.n == 1 && g.n_dropped == 2);
	gene_effects_free(&g);
	plot_table_free(&t);
	assert_string_equal(effects(text, &other, true, &g, &t), "");
	assert_true(g.n == 2 && g.genes[1].shift == 9);
	assert_string_equal(g.genes[1].name, "3");
	gene_effects_free(&g);
	plot_table_free(&t);
}

static void
wrong_effects_are_refused(void **state)
{
	static const struct {
		const char *text, *error;
		struct gene_columns columns;
	} wrong[] = {
		{ "Gene,x\nA,1\n",
		    ": no column with a shift, such as Shift_to_goal_end; choose one with --x",
		    { 0 } },
		{ "Gene,Test_avg_shift\nA,1\n",
		    ": no column with the false discovery rate of Test_avg_shift; choose one with "
		    "--y",
		    { 0 } },
		{ "Shift_to_goal_end,Goal_end_FDR\n1,1\n",
		    ": no column Gene_name, Ensembl_ID or Gene; choose one with --name", { 0 } },
		{ "Gene,Shift_to_goal_end,Goal_end_FDR\nA,1,1\n", ": no column z",
		    { "z", NULL, NULL } },
		{ "Gene,Shift_to_goal_end,Goal_end_FDR\nA,1,1.5\n",
		    ": row 1: Goal_end_FDR is 1.5, and not between 0 and 1", { 0 } },
		{ "Gene,Shift_to_goal_end,Goal_end_FDR\nA,,1\nB,1,\n",
		    ": no row with a number in Shift_to_goal_end and in Goal_end_FDR", { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct gene_effects g;
		struct plot_table t;

		assert_string_equal(
		    effects(wrong[i].text, &wrong[i].columns, true, &g, &t), wrong[i].error);
		gene_effects_free(&g);
		plot_table_free(&t);
	}
}

static const struct metric *
metric_of(const struct metrics *m, const char *name)
{
	const struct metric *found = metrics_find(m, name, strlen(name));

	assert_non_null(found);
	return found;
}

static void
logs_are_lines_or_a_trainer_state(void **state)
{
	struct metrics m = { 0 };
	struct err e = { 0 };

	(void)state;
	metrics_read(&m,
	    file_of("{\"step\": 5, \"loss\": 1.5, \"note\": \"NaN, \\\"\", \"x\": null}\n\n"
		    "{\"step\": 10, \"loss\": NaN}\n{\"step\": 15, \"loss\": 0.5, \"x\": 2}"),
	    false, &e);
	assert_false(e.is_set);
	assert_int_equal(m.n, 2);
	assert_true(metric_of(&m, "loss")->n == 2 && metric_of(&m, "loss")->n_dropped == 1);
	assert_true(metric_of(&m, "loss")->steps[1] == 15);
	assert_true(metric_of(&m, "loss")->values[1] == 0.5);
	assert_true(metric_of(&m, "x")->n == 1);
	metrics_free(&m);

	m = (struct metrics){ 0 };
	metrics_read(&m,
	    file_of("{\"best\": 1,\n\"log_history\": [{\"loss\": 3, \"step\": 2},\n"
		    "{\"eval_loss\": -Infinity, \"step\": 3}, {\"loss\": 2}]}"),
	    false, &e);
	assert_false(e.is_set);
	assert_true(metric_of(&m, "loss")->n == 2);
	/* The third entry has no step. */
	assert_true(metric_of(&m, "loss")->steps[1] == 3);
	assert_true(metric_of(&m, "eval_loss")->n_dropped == 1);
	metrics_free(&m);
}

static void
odd_logs_are_refused(void **state)
{
	static const struct {
		const char *text, *error;
	} wrong[] = { { "{\"loss\": 1}\n{\"loss\": 1\n", ": line 2:" }, { "[1, 2]\n", ": line 1:" },
		{ "{\"step\": \"a\", \"loss\": 1}", "step is no number" },
		{ "", ": no metrics in it" }, { "{\"step\": 1}\n", ": no metrics in it" },
		{ "{\"log_history\": [3]}", "log_history: entry 1 is no object" } };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct metrics m = { 0 };
		struct err e = { 0 };

		assert_int_equal(metrics_read(&m, file_of(wrong[i].text), false, &e), -1);
		if (!strstr(e.text, wrong[i].error))
			fail_msg("%s", e.text);
		metrics_free(&m);
	}
}

static void
metrics_are_chosen(void **state)
{
	struct metrics runs[2] = { 0 };
	struct plot_training p = { .n_runs = 2 };
	struct arena a = { 0 };
	struct err e = { 0 };

	(void)state;
	metrics_read(&runs[0], file_of("{\"step\":1,\"loss\":1,\"lr\":2}"), false, &e);
	metrics_read(&runs[1], file_of("{\"step\":1,\"eval_loss\":3,\"loss\":4}"), false, &e);
	assert_int_equal(plot_training_choose(&p, &a, runs, NULL, &e), 0);
	assert_int_equal(p.n, 3);
	assert_true(p.curves[1].run == 1 && p.curves[1].values[0] == 4);
	assert_string_equal(p.curves[2].metric, "eval_loss");
	assert_int_equal(plot_training_choose(&p, &a, runs, "lr,loss", &e), 0);
	assert_int_equal(p.n, 3);
	assert_int_equal(plot_training_choose(&p, &a, runs, "lr,", &e), -1);
	assert_string_equal(e.text, "no metric ''; there are loss, lr");
	arena_free(&a);
	metrics_free(&runs[0]);
	metrics_free(&runs[1]);
}

static void
runs_are_called_by_their_files(void **state)
{
	const char *const files[] = { "a/one.jsonl", "b/two.x.json", ".hidden" };
	const char *const same[] = { "a/log.jsonl", "b/log.jsonl" };
	struct arena a = { 0 };
	const char *const *names = plot_training_names(&a, files, 3);

	(void)state;
	assert_string_equal(names[0], "one");
	assert_string_equal(names[1], "two.x");
	assert_string_equal(names[2], ".hidden");
	assert_string_equal(plot_training_names(&a, same, 2)[1], "b/log.jsonl");
	assert_string_equal(plot_training_names(&a, NULL, 0)[0], "stdin");
	arena_free(&a);
}

static void
pages_have_formats_and_sizes(void **state)
{
	static const char *const wrong[] = { "", "10", "10x", "x10", "10x10km", "5x20", "20x2001",
		"nanxnan", "20 x 20", "infx20", "20x20mm " };
	struct err e = { 0 };
	enum plot_form form;
	double w, h;

	(void)state;
	assert_int_equal(plot_page_form(NULL, "a.b/x.PNG", &form, &e), 0);
	assert_int_equal(form, PLOT_PNG);
	assert_int_equal(plot_page_form("pdf", "x.svg", &form, &e), 0);
	assert_int_equal(form, PLOT_PDF);
	assert_int_equal(plot_page_form(NULL, "a.svg/x", &form, &e), -1);
	e.is_set = false;
	assert_int_equal(plot_page_form(NULL, NULL, &form, &e), -1);
	e.is_set = false;
	assert_int_equal(plot_page_size("25.4x50.8", &w, &h, &e), 0);
	assert_true(fabs(w - 72) < 1e-9 && fabs(h - 144) < 1e-9);
	assert_int_equal(plot_page_size("4x3in", &w, &h, &e), 0);
	assert_true(w == 288 && h == 216);
	assert_int_equal(plot_page_size("10x10cm", &w, &h, &e), 0);
	assert_true(fabs(w - 7200 / 25.4) < 1e-9);
	assert_int_equal(plot_page_size("100x80.5pt", &w, &h, &e), 0);
	assert_true(w == 100 && h == 80.5);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(plot_page_size(wrong[i], &w, &h, &e), -1);
		e.is_set = false;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_csv_or_tsv),
		cmocka_unit_test(odd_tables_are_refused),
		cmocka_unit_test(effects_are_found_by_their_columns),
		cmocka_unit_test(wrong_effects_are_refused),
		cmocka_unit_test(logs_are_lines_or_a_trainer_state),
		cmocka_unit_test(odd_logs_are_refused),
		cmocka_unit_test(metrics_are_chosen),
		cmocka_unit_test(runs_are_called_by_their_files),
		cmocka_unit_test(pages_have_formats_and_sizes),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
