/* Which evaluation is kept, and when the run is over; which labels a part gets, with which weights.
 */

#include <string.h>

#include "corpus_aid.h"
#include "near_aid.h"
#include "nn/fine_tuning_task.h"

static const struct strings two_classes = { .n = 2 }, three_classes = { .n = 3 };
static struct task first = { .names = &two_classes };
static const struct class_names one_task = { .n_tasks = 1, .tasks = &first };

/* Stands for stat/classification.h: accuracy and macro F1 are what the first two counts say. */
static struct class_score
score(const uint64_t *matrix, size_t n_classes)
{
	assert_true(n_classes == 2 || n_classes == 3);
	return (struct class_score){ matrix[0] + matrix[1], (double)matrix[0] / 1e6,
		(double)matrix[1] / 1e6 };
}

/* What becomes of a row of losses (accuracies are their negatives): k kept, s stopped, . neither.
 */
static void
expect_verdicts(enum model_keep keep, size_t patience, const double *losses, const char *expected)
{
	struct fine_tuning_task t = {
		.names = &one_task, .score = score, .keep = keep, .patience = patience
	};
	struct training_task task;
	struct err e = { 0 };

	fine_tuning_task_set(&t, &task);
	for (size_t i = 0; expected[i]; i++) {
		struct training_evaluation v = { i, losses[i], 1 - losses[i] };
		enum training_verdict got = TRAINING_GO_ON;
		json_t *line = json_object();
		char letter;

		task.counts[0] = (uint64_t)(1e6 * (1 - losses[i]));
		assert_int_equal(task.judge(task.context, &v, line, &got, &e), 0);
		json_decref(line);
		letter = got == TRAINING_KEEP ? 'k' : got == TRAINING_STOP ? 's' : '.';
		assert_int_equal(letter, expected[i]);
	}
	fine_tuning_task_free(&t);
}

static void
the_best_is_kept(void **state)
{
	static const double losses[] = { 0.9, 0.5, 0.6, 0.5, 0.4, 0.45, 0.41, 0.5 };

	(void)state;
	expect_verdicts(KEEP_LOSS, 0, losses, "kk..k...");
	expect_verdicts(KEEP_ACCURACY, 0, losses, "kk..k...");
	expect_verdicts(KEEP_LAST, 0, losses, "........");
	expect_verdicts(KEEP_LOSS, 3, losses, "kk..k..s");
	expect_verdicts(KEEP_LOSS, 2, losses, "kk.s");
	expect_verdicts(KEEP_ACCURACY, 1, losses, "kks");
}

/* One task is judged by what is asked for, several by their means; those without rows have none. */
static void
tasks_are_scored(void **state)
{
	struct task tasks[] = { { .name = "a", .names = &two_classes },
		{ .name = "b", .names = &three_classes }, { .name = "c", .names = &two_classes } };
	const struct class_names names = { .n_tasks = 3, .tasks = tasks };
	struct fine_tuning_task t = { .names = &names, .score = score, .keep = KEEP_MACRO_F1 };
	struct training_task task;
	struct training_evaluation v = { 1, 0.7, 0.1 };
	enum training_verdict got;
	json_t *line = json_object();
	struct err e = { 0 };

	(void)state;
	fine_tuning_task_set(&t, &task);
	assert_int_equal(task.n_counts, 4 + 9 + 4);
	task.counts[0] = 900000;
	task.counts[1] = 500000;
	task.counts[4] = 700000;
	task.counts[5] = 400000;
	assert_int_equal(task.judge(task.context, &v, line, &got, &e), 0);
	assert_int_equal(got, TRAINING_KEEP);
	assert_near(v.accuracy, 0.8, 1e-12);
	assert_near(json_real_value(json_object_get(line, "eval_accuracy")), 0.8, 1e-12);
	assert_near(json_real_value(json_object_get(line, "eval_macro_f1")), 0.45, 1e-12);
	assert_near(json_real_value(json_object_get(line, "eval_macro_f1:a")), 0.5, 1e-12);
	assert_near(json_real_value(json_object_get(line, "eval_accuracy:b")), 0.7, 1e-12);
	assert_null(json_object_get(line, "eval_accuracy:c"));
	task.counts[0] = 1000000;
	task.counts[1] = 400000;
	assert_int_equal(task.judge(task.context, &v, line, &got, &e), 0);
	assert_int_equal(got, TRAINING_GO_ON);
	task.counts[5] = 600000;
	assert_int_equal(task.judge(task.context, &v, line, &got, &e), 0);
	assert_int_equal(got, TRAINING_KEEP);
	json_decref(line);
	fine_tuning_task_free(&t);
}

/* Rows of both tasks of a part go into their matrices; those without a label go nowhere. */
static void
classes_are_counted(void **state)
{
	struct task tasks[] = { { .names = &two_classes }, { .names = &three_classes } };
	const struct class_names names = { .n_tasks = 2, .tasks = tasks };
	static const int32_t labels[] = { 1, -1, 0, 2, 0, -1 };
	static int32_t predicted[] = { 0, 1, 0, 1, 0, 2 };
	static const size_t offsets[] = { 0, 1, 2, 3 };
	static const uint64_t expected[] = { 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0 };
	const struct forward_cells cells = { .n = 3, .offsets = offsets };
	const struct backward_part part = {
		.cells = &cells, .labels = labels, .predicted = predicted
	};
	struct fine_tuning_task t = { .names = &names, .plan = { .rows = PLAN_FIRST } };
	struct training_task task;

	(void)state;
	fine_tuning_task_set(&t, &task);
	task.count(task.context, &part);
	assert_memory_equal(task.counts, expected, sizeof(expected));
	fine_tuning_task_free(&t);
}

static void
genes_have_labels_where_they_stand(void **state)
{
	static const int32_t ids[] = { 2, 7, 5, 3, 2, 6, 3, 2, 5, 5, 3 };
	static const size_t offsets[] = { 0, 4, 7, 11 }, cu[] = { 0, 2, 2, 4 };
	static const size_t positions[] = { 1, 2, 1, 2 };
	static const int32_t labels[] = { 1, 0, 0, 0 };
	static const float class_weights[] = { 0.5f, 3 }, *const weights[] = { class_weights };
	int32_t of_train[] = { -1, -1, -1, -1, -1, 0, -1, 1 },
		of_eval[] = { -1, -1, -1, -1, -1, -1, 1, -1 };
	struct gene_labels g = { .of = { of_train, of_eval, NULL }, .n_tokens = 8 };
	struct fine_tuning_task t = { .names = &one_task, .gene_labels = &g, .weights = weights };
	struct training_task task;
	struct arena a = { 0 };
	double total = 0;
	struct training_part part = {
		.cells = { .n = 3, .ids = ids, .offsets = offsets }, .totals = &total, .arena = &a
	};
	struct err e = { 0 };

	(void)state;
	fine_tuning_task_set(&t, &task);
	assert_int_equal(task.fill(task.context, &part, &e), 0);
	assert_memory_equal(part.cells.cu_positions, cu, sizeof(cu));
	assert_memory_equal(part.cells.positions, positions, sizeof(positions));
	assert_memory_equal(part.labels, labels, sizeof(labels));
	assert_near(total, 3 * 0.5 + 3, 0);
	total = 0;
	part.is_evaluation = true;
	assert_int_equal(task.fill(task.context, &part, &e), 0);
	assert_int_equal(part.cells.cu_positions[3], 1);
	assert_int_equal(part.labels[0], 1);
	assert_near(total, 3, 0);
	fine_tuning_task_free(&t);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_best_is_kept),
		cmocka_unit_test(tasks_are_scored),
		cmocka_unit_test(classes_are_counted),
		cmocka_unit_test(genes_have_labels_where_they_stand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
