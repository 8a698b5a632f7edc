/* Children: how they end, what they say, who still has their log. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/folder.h"
#include "base/io.h"

static char folder[] = "/tmp/test_child.XXXXXX";
static char *log_path;

static struct child *
start(const char *script)
{
	const char *argv[] = { "sh", "-c", script, NULL };
	struct err e = { 0 };
	struct child *c = child_start(argv, log_path, &e);

	if (!c)
		fail_msg("%s", e.text);
	return c;
}

static void
check_end(const char *script, bool has_succeeded, bool has_stopped, const char *outcome)
{
	struct child *c = start(script);

	assert_true(child_wait(c, 10));
	assert_true(child_wait(c, 10));
	assert_int_equal(child_has_succeeded(c), has_succeeded);
	assert_int_equal(child_has_stopped(c), has_stopped);
	assert_string_equal(child_outcome(c), outcome);
	child_signal(c, SIGKILL); /* of one that has ended: nothing */
	child_free(c);
}

static void
ends(void **state)
{
	(void)state;
	check_end("exit 0", true, true, "exit status 0");
	check_end("exit 3", false, false, "exit status 3");
	check_end("exit 143", false, true, "exit status 143");
	check_end("kill -TERM $$", false, true, "signal 15 (Terminated)");
	check_end("kill -KILL $$", false, false, "signal 9 (Killed)");
}

static void
log_of_child(void **state)
{
	struct child *c = start("echo one; echo two >&2; cat");
	struct err e = { 0 };
	char *text;

	(void)state;
	assert_true(child_wait(c, 10)); /* cat: standard input is empty */
	child_free(c);
	text = io_read_file(log_path, 1000, NULL, &e);
	assert_string_equal(text, "one\ntwo\n");
	free(text);
}

/* The signal reaches what the child has started, too. */
static void
signals(void **state)
{
	struct child *c = start("sleep 60 & sleep 60; exit 1");

	(void)state;
	assert_false(child_wait(c, 0.05));
	assert_true(child_is_logging(log_path));
	child_signal(c, SIGTERM);
	assert_true(child_wait(c, 10));
	assert_string_equal(child_outcome(c), "signal 15 (Terminated)");
	child_free(c);
	for (int i = 0; i < 1000 && child_is_logging(log_path); i++)
		child_pause(0.01);
	assert_false(child_is_logging(log_path));
}

static void
orphans(void **state)
{
	const char *argv[] = { "true", NULL };
	struct child *c = start("sleep 0.5 & exit 0");
	struct err e = { 0 };

	(void)state;
	assert_true(child_wait(c, 10));
	assert_true(child_is_logging(log_path)); /* by the sleep */
	assert_null(child_start(argv, log_path, &e));
	assert_non_null(strstr(e.text, "another process writes it"));
	child_free(c);
	for (int i = 0; i < 1000 && child_is_logging(log_path); i++)
		child_pause(0.01);
}

static void
faults(void **state)
{
	const char *none[] = { "no-such-program-here", NULL }, *some[] = { "true", NULL };
	struct err e = { 0 };

	(void)state;
	assert_null(child_start(none, log_path, &e));
	assert_non_null(strstr(e.text, "no-such-program-here: No such file"));
	e.is_set = false;
	assert_null(child_start(some, "/no-such-folder/log", &e));
	assert_non_null(strstr(e.text, "/no-such-folder/log: No such file"));
	assert_false(child_is_logging("/no-such-folder/log"));
	child_free(NULL);
}

/* One that is freed while it runs does not stay. */
static void
freed(void **state)
{
	struct child *c = start("trap '' TERM; sleep 60; sleep 60");

	(void)state;
	assert_false(child_wait(c, 0.05));
	child_free(c);
	for (int i = 0; i < 1000 && child_is_logging(log_path); i++)
		child_pause(0.01);
	assert_false(child_is_logging(log_path));
}

static int
set_up(void **state)
{
	(void)state;
	return unlink(log_path) && access(log_path, F_OK) == 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup(ends, set_up),
		cmocka_unit_test_setup(log_of_child, set_up),
		cmocka_unit_test_setup(signals, set_up), cmocka_unit_test_setup(orphans, set_up),
		cmocka_unit_test_setup(faults, set_up), cmocka_unit_test_setup(freed, set_up) };
	struct err e = { 0 };
	int r;

	if (!mkdtemp(folder))
		return 1;
	log_path = mem_printf("%s/log", folder);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	folder_remove(folder, &e);
	free(log_path);
	return r;
}
