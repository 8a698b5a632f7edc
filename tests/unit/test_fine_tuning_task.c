/* Which evaluation is kept, and when the run is over; which labels a part gets, with which weights.
 */

#include <string.h>

#include "corpus_aid.h"
#include "near_aid.h"
#include "nn/fine_tuning_task.h"

/* What becomes of a row of losses (accuracies are their negatives): k kept, s stopped, . neither.
 */
static void
expect_verdicts(enum model_keep keep, size_t patience, const double *losses, const char *expected)
{
	static const struct class_names names = { .n_tasks = 1 };
	struct fine_tuning_task t = { .names = &names, .keep = keep, .patience = patience };
	struct training_task task;
	struct err e = { 0 };

	fine_tuning_task_set(&t, &task);
	for (size_t i = 0; expected[i]; i++) {
		struct training_evaluation v = { i, losses[i], 1 - losses[i] };
		enum training_verdict got = TRAINING_GO_ON;
		char letter;

		assert_int_equal(task.judge(task.context, &v, NULL, &got, &e), 0);
		letter = got == TRAINING_KEEP ? 'k' : got == TRAINING_STOP ? 's' : '.';
		assert_int_equal(letter, expected[i]);
	}
	json_decref(t.memory);
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
	static const struct class_names names = { .n_tasks = 1 };
	struct gene_labels g = { .of = { of_train, of_eval, NULL }, .n_tokens = 8 };
	struct fine_tuning_task t = { .names = &names, .gene_labels = &g, .weights = weights };
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
	json_decref(t.memory);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_best_is_kept),
		cmocka_unit_test(genes_have_labels_where_they_stand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
