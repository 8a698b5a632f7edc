#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "nn/training_log.h"

struct training_log {
	const struct cli *cli;
	const char *name;
	FILE *file; /* NULL: none */
};

/* How many bytes of the file are lines of steps up to `step`. */
static size_t
measure_kept(const char *text, uint64_t step, bool is_evaluated)
{
	const char *line = text, *end;

	for (; (end = strchr(line, '\n')); line = end + 1) {
		json_t *object = json_loadb(line, (size_t)(end - line), 0, NULL);
		json_t *at = json_object_get(object, "step");
		bool is_kept = json_is_integer(at) && json_integer_value(at) >= 0 &&
			       (uint64_t)json_integer_value(at) <= step;

		if (is_kept && !is_evaluated && (uint64_t)json_integer_value(at) == step)
			is_kept = !json_object_get(object, "eval_loss");

		json_decref(object);
		if (!is_kept)
			break;
	}
	return (size_t)(line - text);
}

/* Cuts the file behind the lines that stay. */
static int
cut(const char *path, uint64_t step, bool is_evaluated, struct err *e)
{
	struct stat st;
	char *text;
	size_t size;

	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return 0;
	text = io_read_file(path, (size_t)1 << 40, &size, e);
	if (!text)
		return -1;
	if (truncate(path, (off_t)measure_kept(text, step, is_evaluated)))
		err_sys(e, "%s", path);
	free(text);
	return e->is_set ? -1 : 0;
}

struct training_log *
training_log_open(
    const struct cli *cli, const char *path, uint64_t step, bool is_evaluated, struct err *e)
{
	struct training_log *log;

	if (e->is_set ||
	    (path && step && strcmp(path, "-") != 0 && cut(path, step, is_evaluated, e)))
		return NULL;
	log = mem_zero(1, sizeof(*log));
	log->cli = cli;
	if (!path)
		return log;
	log->name = strcmp(path, "-") == 0 ? "stdout" : path;
	log->file = strcmp(path, "-") == 0 ? stdout : fopen(path, step ? "a" : "w");
	if (log->file)
		return log;
	err_sys(e, "%s", path);
	free(log);
	return NULL;
}

int
training_log_write(struct training_log *log, json_t *line, struct err *e)
{
	char *text = json_dumps(line, JSON_REAL_PRECISION(9));

	assert(text);
	cli_inform(log->cli, "%s", text);
	if (log->file && (fprintf(log->file, "%s\n", text) < 0 || fflush(log->file)))
		err_sys(e, "%s: write", log->name);
	free(text);
	json_decref(line);
	return e->is_set ? -1 : 0;
}

int
training_log_close(struct training_log *log, struct err *e)
{
	if (!log)
		return e->is_set ? -1 : 0;
	if (log->file && (log->file == stdout ? fflush(stdout) : fclose(log->file)))
		err_sys(e, "%s: write", log->name);
	free(log);
	return e->is_set ? -1 : 0;
}

void
training_say_end(const struct cli *cli, const struct training_result *r)
{
	unsigned long long step = r->step, steps = r->steps;

	if (r->is_interrupted)
		cli_warn(cli, "stopped by a signal after step %llu of %llu; --resume goes on", step,
		    steps);
	else if (r->was_complete)
		cli_warn(cli, "%s is complete already: %llu steps", cli->output, step);
	else if (r->is_evaluated)
		cli_inform(cli, "%llu steps, loss %.4f and accuracy %.4f on cells never seen", step,
		    r->loss, r->accuracy);
}
