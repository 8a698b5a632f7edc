/* The file of a study: plans, what follows what, half lines, two processes at once. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/folder.h"
#include "base/io.h"
#include "formats/study_table.h"

static char top[] = "/tmp/test_study.XXXXXX";
static char *folder, *path;

static const char *const command[] = { "trainer", "now" }, *const arguments[] = { "a b", "c" },
			 *const space[] = { "x=0..9" };

static struct study_plan
make_plan(void)
{
	return (struct study_plan){ .seed = 7,
		.n_trials = 3,
		.metric = "eval_loss",
		.n_rungs = 2,
		.rungs = { 1, 3 },
		.reduction = 3,
		.command = { 2, command },
		.arguments = { 2, arguments },
		.space = { 1, space } };
}

static struct study *
open_study(const struct study_plan *plan)
{
	struct err e = { 0 };
	struct study *s = study_open(folder, plan, &e);

	if (!s || study_lock(s, &e))
		fail_msg("%s", e.text);
	return s;
}

static void
close_study(struct study *s)
{
	study_unlock(s);
	study_close(s);
}

static json_t *
options(int x)
{
	char text[20];

	snprintf(text, sizeof(text), "%d", x);
	return json_pack("{s:s}", "x", text);
}

static void
add_text(const char *text)
{
	FILE *f = fopen(path, "a");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
refuse(const struct study_plan *plan, const char *reason)
{
	struct err e = { 0 };

	assert_null(study_open(folder, plan, &e));
	if (!strstr(e.text, reason))
		fail_msg("%s", e.text);
}

static void
plans(void **state)
{
	struct study_plan plan = make_plan(), other;
	struct study *s;

	(void)state;
	refuse(NULL, "No such file");
	close_study(open_study(&plan));
	s = open_study(NULL);
	other = *study_plan_of(s);
	assert_true(other.seed == 7 && other.n_trials == 3 && !other.is_maximized &&
		    other.n_rungs == 2 && other.rungs[1] == 3 && other.reduction == 3);
	assert_string_equal(other.metric, "eval_loss");
	assert_string_equal(other.command.items[1], "now");
	assert_string_equal(other.arguments.items[0], "a b");
	assert_string_equal(other.space.items[0], "x=0..9");
	close_study(s);
	other = plan;
	other.seed = 8;
	refuse(&other, "with other seed");
	other = plan;
	other.rungs[1] = 9;
	refuse(&other, "with other epochs");
	other = plan;
	other.arguments.n = 1;
	refuse(&other, "with other arguments");
	/* More trials are welcome, less change nothing. */
	other = plan;
	other.n_trials = 5;
	close_study(open_study(&other));
	other.n_trials = 4;
	s = open_study(&other);
	assert_int_equal(study_plan_of(s)->n_trials, 5);
	close_study(s);
}

static void
refuse_plan(struct study_plan plan, const char *argument, const char *dimension)
{
	struct err e = { 0 };

	assert_int_equal(study_plan_check(&plan, &e), 0);
	plan.arguments = (struct study_words){ argument ? 1 : 0, &argument };
	plan.space = (struct study_words){ 1, &dimension };
	assert_int_equal(study_plan_check(&plan, &e), -1);
}

static void
plan_faults(void **state)
{
	struct study_plan plan = make_plan(), random = plan;
	struct err e = { 0 };
	const char *fine[] = { "--x-ray", "-m", "--epochs=3", "--metric", "o" };

	(void)state;
	refuse_plan(plan, "--output", "x=1");
	refuse_plan(plan, "-odir", "x=1");
	refuse_plan(plan, "--metrics=a", "x=1");
	refuse_plan(plan, "--resume", "x=1");
	refuse_plan(plan, "--x", "x=1");
	refuse_plan(plan, "--x=3", "x=1");
	refuse_plan(plan, "--epochs", "x=1");
	refuse_plan(plan, NULL, "epochs=1..3");
	random.rungs[0] = 0;
	random.n_rungs = 1;
	random.arguments = (struct study_words){ 5, fine };
	assert_int_equal(study_plan_check(&random, &e), 0);
}

/* A value on each rung; a trial that came to its end has it on all. */
static void
events(void **state)
{
	struct study_plan plan = make_plan();
	struct study *s = open_study(&plan);
	struct err e = { 0 };

	(void)state;
	assert_int_equal(study_best(s), 0);
	study_start(s, 1, 0, options(4), &e);
	study_start(s, 2, 0, options(5), &e);
	study_start(s, 3, 0, options(6), &e);
	assert_true(study_trial(s, 1)->is_ours && !study_is_free(s, 1));
	study_value(s, 1, 0.5, false, &e);
	study_fail(s, 2, "no \"luck\"", &e);
	study_release(s, 3, &e);
	assert_true(study_is_free(s, 3) && !study_is_free(s, 1) && !study_is_free(s, 2));
	study_start(s, 3, 0, options(6), &e);
	study_value(s, 3, 0.1, true, &e);
	study_start(s, 1, 1, options(4), &e);
	study_value(s, 1, 0.3, true, &e);
	assert_false(e.is_set);
	close_study(s);

	s = open_study(NULL);
	assert_int_equal(study_count(s), 3);
	assert_true(study_trial(s, 1)->n_values == 2 && study_trial(s, 1)->values[0] == 0.5 &&
		    study_trial(s, 1)->values[1] == 0.3);
	assert_true(study_trial(s, 3)->n_values == 2 && study_trial(s, 3)->values[0] == 0.1 &&
		    study_trial(s, 3)->values[1] == 0.1 && study_trial(s, 3)->rung == 1);
	assert_int_equal(study_trial(s, 2)->state, STUDY_FAILED);
	assert_string_equal(study_trial(s, 2)->message, "no \"luck\"");
	assert_string_equal(
	    json_string_value(json_object_get(study_trial(s, 2)->options, "x")), "5");
	assert_int_equal(study_best(s), 3);
	close_study(s);
}

/* Every cut of the last line is recognised, and the study is as it was before that line. */
static void
torn_lines(void **state)
{
	static const char line[] = "{\"trial\":1,\"event\":\"value\",\"rung\":0,\"value\":2}\n";
	struct study_plan plan = make_plan();
	struct study *s = open_study(&plan);
	struct err e = { 0 };

	(void)state;
	study_start(s, 1, 0, options(4), &e);
	close_study(s);
	for (size_t n = 1; n <= sizeof(line) - 1; n++) {
		char cut[sizeof(line)];
		bool is_whole = n == sizeof(line) - 1;

		snprintf(cut, sizeof(cut), "%.*s", (int)n, line);
		add_text(cut);
		s = open_study(&plan);
		assert_int_equal(study_torn_bytes(s), is_whole ? 0 : n);
		assert_int_equal(study_trial(s, 1)->n_values, is_whole ? 1 : 0);
		assert_true(is_whole || study_is_free(s, 1));
		close_study(s);
	}
}

static void
refuse_line(const char *line, const char *reason)
{
	struct study_plan plan = make_plan();
	struct stat st;

	close_study(open_study(&plan));
	assert_int_equal(stat(path, &st), 0);
	add_text(line);
	refuse(&plan, reason);
	assert_int_equal(truncate(path, st.st_size), 0);
}

static void
wrong_lines(void **state)
{
	(void)state;
	refuse_line("{\n", "line 2");
	refuse_line("[3]\n", "line 2: not a JSON object");
	refuse_line("\n", "line 2");
	refuse_line("{}\n", "line 2: cannot follow");
	refuse_line("{\"trials\":-1}\n", "cannot follow");
	refuse_line(
	    "{\"trial\":2,\"event\":\"start\",\"rung\":0,\"options\":{}}\n", "cannot follow");
	refuse_line(
	    "{\"trial\":1,\"event\":\"start\",\"rung\":1,\"options\":{}}\n", "cannot follow");
	refuse_line("{\"trial\":1,\"event\":\"start\",\"rung\":0}\n", "cannot follow");
	refuse_line("{\"trial\":1,\"event\":\"value\",\"rung\":0,\"value\":1}\n", "cannot follow");
	refuse_line(
	    "{\"trial\":1,\"event\":\"start\",\"rung\":99,\"options\":{}}\n", "cannot follow");
	refuse_line("{\"trial\":1,\"event\":\"start\",\"rung\":0,\"options\":{}}\n"
		    "{\"trial\":1,\"event\":\"value\",\"rung\":0,\"value\":\"much\"}\n",
	    "line 3: cannot follow");
}

/* Another process takes a trial and dies: it is its own while it lives, anybody's afterwards. */
static void
other_processes(void **state)
{
	struct study_plan plan = make_plan();
	int ends[2];
	struct err e = { 0 };
	struct study *s;
	char byte;
	pid_t pid;

	(void)state;
	close_study(open_study(&plan));
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		s = study_open(folder, NULL, &e);
		if (!s || study_lock(s, &e) || study_start(s, 1, 0, options(4), &e))
			_exit(1);
		study_unlock(s);
		if (write(ends[1], "", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	s = open_study(NULL);
	assert_int_equal(study_count(s), 1);
	assert_false(study_is_free(s, 1));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(study_is_free(s, 1));
	close_study(s);
	close(ends[0]);
}

static void
tables(void **state)
{
	struct study_plan plan = make_plan();
	struct study *s = open_study(&plan);
	struct err e = { 0 };
	char *out_path = mem_printf("%s/table", top), *trial = study_path(s, 2, ""), *text;
	struct output *out;

	(void)state;
	for (size_t t = 1; t <= 4; t++) {
		char *of = study_path(s, t, "");

		study_start(s, t, 0, options((int)t), &e);
		mkdir(of, 0777);
		free(of);
	}
	study_value(s, 1, 0.5, false, &e);
	study_value(s, 2, 0.5, true, &e);
	study_fail(s, 3, "tab\there", &e);
	assert_int_equal(study_tidy(s, &e), 0);
	out = output_create(out_path, false, true, &e);
	study_print(s, out, &e);
	output_commit(out, &e);
	text = io_read_file(out_path, 10000, NULL, &e);
	assert_false(e.is_set);
	e.is_set = false;
	{
		char *expected = mem_printf("trial\tstate\tepochs\teval_loss\tx\tmodel\tmessage\n"
					    "2\tdone\t3\t0.5\t2\t%s\t\n"
					    "1\tdone\t1\t0.5\t1\t\t\n"
					    "3\tfailed\t0\t\t3\t\ttab?here\n"
					    "4\tstarted\t0\t\t4\t%s/trial-0004\t\n",
		    trial, folder);

		assert_string_equal(text, expected);
		free(expected);
	}
	free(text);
	free(trial);
	free(out_path);
	close_study(s);
}

static int
set_up(void **state)
{
	struct err e = { 0 };

	(void)state;
	return folder_remove(folder, &e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup(plans, set_up),
		cmocka_unit_test_setup(plan_faults, set_up), cmocka_unit_test_setup(events, set_up),
		cmocka_unit_test_setup(torn_lines, set_up),
		cmocka_unit_test_setup(wrong_lines, set_up),
		cmocka_unit_test_setup(other_processes, set_up),
		cmocka_unit_test_setup(tables, set_up) };
	struct err e = { 0 };
	int r;

	if (!mkdtemp(top))
		return 1;
	folder = mem_printf("%s/study", top);
	path = mem_printf("%s/study.jsonl", folder);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	folder_remove(top, &e);
	free(folder);
	free(path);
	return r;
}
