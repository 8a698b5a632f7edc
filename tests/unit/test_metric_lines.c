/* Metrics of a trainer: evaluations are counted, sets and tasks put together. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/metric_lines.h"

static char path[] = "/tmp/test_metric_lines.XXXXXX";

static struct metric_lines
read_text(const char *text, const char *metric, size_t nth)
{
	FILE *f = fopen(path, "w");
	struct metric_lines m;
	struct err e = { 0 };

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	if (metric_lines_read(path, metric, nth, &m, &e))
		fail_msg("%s", e.text);
	return m;
}

static const char run[] = "{\"step\": 10, \"loss\": 9}\n"
			  "{\"step\": 10, \"eval_loss\": 0.5, \"eval_accuracy\": 0.25}\n"
			  "{\"step\": 20, \"loss\": 8}\n"
			  "{\"step\": 20, \"eval_loss\": 0.75, \"eval_accuracy\": 0.5}\n";

static void
evaluations(void **state)
{
	struct metric_lines m = read_text(run, "eval_loss", 1);

	(void)state;
	assert_true(m.n == 2 && m.n_evaluations == 2 && m.nth == 0.5 && m.last == 0.75);
	m = read_text(run, "eval_loss", 3);
	assert_true(m.n == 2 && isnan(m.nth) && m.last == 0.75);
	m = read_text(run, "loss", 0);
	assert_true(m.n == 2 && isnan(m.nth) && m.last == 8);
	m = read_text(run, "eval_macro_f1", 1);
	assert_true(m.n == 0 && m.n_evaluations == 2 && isnan(m.nth) && isnan(m.last));
	m = read_text("", "eval_loss", 1);
	assert_true(m.n == 0 && m.n_evaluations == 0 && isnan(m.last));
	m = read_text("{\"eval_loss\": \"high\"}\n{\"eval_loss\": null}\n", "eval_loss", 1);
	assert_true(m.n == 0 && m.n_evaluations == 2 && isnan(m.last));
}

/* Half a line is not there yet. */
static void
growing(void **state)
{
	struct metric_lines m = read_text("{\"eval_loss\": 1}\n{\"eval_loss\": 2}", "eval_loss", 2);

	(void)state;
	assert_true(m.n == 1 && isnan(m.nth) && m.last == 1);
}

static void
sets(void **state)
{
	char text[1000];
	struct metric_lines m;

	(void)state;
	snprintf(text, sizeof(text), "%s%s", run,
	    "{\"set\": \"valid\", \"task\": \"a\", \"loss\": 0.125, \"macro_f1\": 0.5}\n"
	    "{\"set\": \"valid\", \"task\": \"b\", \"loss\": 0.375, \"macro_f1\": 1}\n"
	    "{\"set\": \"test\", \"loss\": 3, \"macro_f1\": 0.25}\n");
	m = read_text(text, "eval_loss", 2);
	assert_true(m.n == 2 && m.nth == 0.75 && m.last == 0.25);
	m = read_text(text, "eval_macro_f1", 0);
	assert_true(m.n == 0 && m.last == 0.75);
	m = read_text(text, "test_macro_f1", 0);
	assert_true(m.last == 0.25);
}

static void
faults(void **state)
{
	struct metric_lines m;
	struct err e = { 0 };
	FILE *f = fopen(path, "w");

	(void)state;
	assert_non_null(f);
	fputs("{\"step\": 1}\nhello\n", f);
	fclose(f);
	assert_int_equal(metric_lines_read(path, "x", 0, &m, &e), -1);
	assert_non_null(strstr(e.text, "line 2"));
	e.is_set = false;
	assert_int_equal(metric_lines_read("/no-such-folder/x", "x", 0, &m, &e), 0);
	assert_true(m.n == 0 && isnan(m.last));
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(evaluations),
		cmocka_unit_test(growing), cmocka_unit_test(sets), cmocka_unit_test(faults) };
	int fd = mkstemp(path), r;

	if (fd < 0)
		return 1;
	close(fd);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return r;
}
