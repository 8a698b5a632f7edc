/* 1. Trials
 * 2. Reading
 * 3. Locks
 * 4. Writing
 * 5. Opening */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/mem.h"
#include "formats/json_file.h"
#include "formats/study.h"

/* Locks of the file and of its trials are on these bytes, where the file has none. */
enum { LOCK_BYTE = 1 << 30 };
enum { MAX_FILE = LOCK_BYTE - 1 };

struct trial {
	struct study_trial public;
	json_t *line; /* that the options are of */
	char *message;
};

struct study {
	const char *folder;
	char *path;
	int fd;
	bool is_locked;
	size_t size; /* bytes read or written so far */
	size_t n_lines;
	size_t torn_bytes;
	json_t *header;
	struct study_plan plan;
	size_t n;
	struct trial *trials; /* [n] */
	struct arena arena;
};

/* 1. Trials */

static void
take_value(struct study *s, struct study_trial *t, double value, bool is_end)
{
	size_t last = is_end ? s->plan.n_rungs - 1 : t->rung;

	for (size_t k = t->rung; k <= last; k++)
		t->values[k] = value;
	t->n_values = last + 1;
	t->rung = last;
	t->state = STUDY_DONE;
}

static void
take_start(struct study *s, size_t trial, size_t rung, json_t *line)
{
	struct trial *t;

	if (trial > s->n) {
		s->trials = mem_resize(s->trials, s->n, s->n + 1, sizeof(*s->trials));
		s->trials[s->n++] = (struct trial){ 0 };
	}
	t = &s->trials[trial - 1];
	json_decref(t->line);
	t->line = json_incref(line);
	t->public.options = json_object_get(line, "options");
	t->public.rung = rung;
	t->public.state = STUDY_STARTED;
	t->public.message = NULL;
}

/* What a line says happened, if it can have happened. */
static bool
take_event(struct study *s, json_t *line, size_t trial, size_t rung, const char *event)
{
	const json_t *value = json_object_get(line, "value");
	struct trial *t;

	if (strcmp(event, "start") == 0) {
		if (trial > s->n + 1 || !json_is_object(json_object_get(line, "options")) ||
		    (trial > s->n ? rung != 0 : rung != s->trials[trial - 1].public.n_values))
			return false;
		take_start(s, trial, rung, line);
		return true;
	}
	if (trial > s->n || s->trials[trial - 1].public.rung != rung)
		return false;
	t = &s->trials[trial - 1];
	if (strcmp(event, "value") == 0 && json_is_number(value)) {
		take_value(s, &t->public, json_number_value(value),
		    json_is_true(json_object_get(line, "is_end")));
	} else if (strcmp(event, "fail") == 0) {
		const char *text = json_string_value(json_object_get(line, "message"));

		free(t->message);
		t->public.message = t->message = mem_strdup(text ? text : "");
		t->public.state = STUDY_FAILED;
	} else if (strcmp(event, "release") == 0) {
		t->public.state = STUDY_RELEASED;
	} else
		return false;
	return true;
}

static int
take_line(struct study *s, json_t *line, struct err *e)
{
	json_int_t trial = json_integer_value(json_object_get(line, "trial"));
	json_int_t rung = json_integer_value(json_object_get(line, "rung"));
	json_int_t trials = json_integer_value(json_object_get(line, "trials"));
	const char *event = json_string_value(json_object_get(line, "event"));

	s->n_lines++;
	if (!s->header) {
		s->header = json_incref(line);
		return study_plan_read(line, s->path, &s->arena, &s->plan, e);
	}
	if (!event && trials > 0 && trials <= STUDY_MAX_TRIALS) {
		if ((size_t)trials > s->plan.n_trials)
			s->plan.n_trials = (size_t)trials;
		return 0;
	}
	if (event && trial >= 1 && trial <= STUDY_MAX_TRIALS && rung >= 0 &&
	    (size_t)rung < s->plan.n_rungs &&
	    take_event(s, line, (size_t)trial, (size_t)rung, event))
		return 0;
	return err_set(e, "%s: line %zu: cannot follow the lines before it", s->path, s->n_lines);
}

/* 2. Reading */

static int
read_bytes(struct study *s, uint8_t *bytes, size_t n, struct err *e)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = pread(s->fd, bytes + done, n - done, (off_t)(s->size + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, "%s: read", s->path);
		if (got == 0)
			return err_set(e, "%s: became shorter", s->path);
		done += (size_t)got;
	}
	return 0;
}

/* Takes the whole lines; returns how many bytes they are. */
static size_t
take_lines(struct study *s, const char *bytes, size_t n, struct err *e)
{
	size_t used = 0;
	const char *end;

	while (!e->is_set && (end = memchr(bytes + used, '\n', n - used))) {
		char *name = mem_printf("%s: line %zu", s->path, s->n_lines + 1);
		json_t *line = json_bytes_read(bytes + used, (size_t)(end - bytes) - used, name, e);

		if (line)
			take_line(s, line, e);
		json_decref(line);
		free(name);
		used = (size_t)(end - bytes) + 1;
	}
	return used;
}

/* Reads what has been added; cuts off half a line at the end, which nobody is writing. */
static int
read_news(struct study *s, struct err *e)
{
	struct buffer b = { 0 };
	struct stat st;
	size_t n, used = 0;

	if (fstat(s->fd, &st))
		return err_sys(e, "%s", s->path);
	if (st.st_size < (off_t)s->size || st.st_size > MAX_FILE)
		return err_set(e, "%s: is not what it was, or too long", s->path);
	n = (size_t)st.st_size - s->size;
	if (n && read_bytes(s, buffer_grow(&b, n), n, e) == 0)
		used = take_lines(s, (const char *)b.data, n, e);
	buffer_free(&b);
	if (e->is_set)
		return -1;
	s->size += used;
	s->torn_bytes += n - used;
	if (used < n && ftruncate(s->fd, (off_t)s->size))
		return err_sys(e, "%s: half a line cannot be cut off", s->path);
	return 0;
}

/* 3. Locks */

static int
set_lock(const struct study *s, int command, short type, size_t trial, struct flock *ret)
{
	int r;

	do {
		*ret = (struct flock){ .l_type = type,
			.l_whence = SEEK_SET,
			.l_start = (off_t)LOCK_BYTE + (off_t)trial,
			.l_len = 1 };
		r = fcntl(s->fd, command, ret);
	} while (r < 0 && errno == EINTR);
	return r;
}

int
study_lock(struct study *s, struct err *e)
{
	struct flock lock;

	if (e->is_set)
		return -1;
	assert(!s->is_locked);
	if (set_lock(s, F_SETLKW, F_WRLCK, 0, &lock))
		return err_sys(e, "%s: cannot be locked", s->path);
	s->is_locked = true;
	if (read_news(s, e) == 0)
		return 0;
	study_unlock(s);
	return -1;
}

void
study_unlock(struct study *s)
{
	struct flock lock;

	assert(s->is_locked);
	s->is_locked = false;
	set_lock(s, F_SETLK, F_UNLCK, 0, &lock);
}

bool
study_is_free(const struct study *s, size_t trial)
{
	const struct study_trial *t = study_trial(s, trial);
	struct flock lock;
	char *log;
	bool is_free;

	if (t->is_ours || (t->state != STUDY_STARTED && t->state != STUDY_RELEASED) ||
	    set_lock(s, F_GETLK, F_WRLCK, trial, &lock) || lock.l_type != F_UNLCK)
		return false;
	log = study_path(s, trial, ".log");
	is_free = !child_is_logging(log);
	free(log);
	return is_free;
}

/* 4. Writing */

static int
write_bytes(struct study *s, const char *bytes, size_t n, struct err *e)
{
	for (size_t done = 0; done < n;) {
		ssize_t put = pwrite(s->fd, bytes + done, n - done, (off_t)(s->size + done));

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_sys(e, "%s: write", s->path);
		done += (size_t)put;
	}
	if (fsync(s->fd) && errno != EINVAL)
		return err_sys(e, "%s: write", s->path);
	return 0;
}

/* Adds a line, which it frees, and takes it as if it had been read. */
static int
add_line(struct study *s, json_t *line, struct err *e)
{
	char *text = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
	char *whole = mem_printf("%s\n", text ? text : "");
	size_t n = strlen(whole);
	int r = -1;

	assert(s->is_locked && text);
	if (e->is_set)
		r = -1;
	else if (s->size + n > MAX_FILE)
		err_set(e, "%s: is too long", s->path);
	else if (write_bytes(s, whole, n, e) == 0) {
		s->size += n;
		r = take_line(s, line, e);
	} else if (ftruncate(s->fd, (off_t)s->size))
		err_prefix(e, "half a line stays");
	free(whole);
	free(text);
	json_decref(line);
	return r;
}

static json_t *
make_event(size_t trial, const char *event, size_t rung)
{
	return json_pack(
	    "{s:I s:s s:I}", "trial", (json_int_t)trial, "event", event, "rung", (json_int_t)rung);
}

/* Where locks do not work, another process may have ended our trial. */
static json_t *
end_event(struct study *s, size_t trial, const char *event, struct err *e)
{
	struct study_trial *t = &s->trials[trial - 1].public;

	assert(t->is_ours);
	if (t->state != STUDY_STARTED)
		err_set(e, "%s: another process has ended trial %zu, too; do locks work here?",
		    s->path, trial);
	return make_event(trial, event, t->rung);
}

/* The trial is no longer this process's. */
static int
end_trial(struct study *s, size_t trial, json_t *line, struct err *e)
{
	struct flock lock;
	int r = add_line(s, line, e);

	set_lock(s, F_SETLK, F_UNLCK, trial, &lock);
	s->trials[trial - 1].public.is_ours = false;
	return r;
}

int
study_start(struct study *s, size_t trial, size_t rung, json_t *options, struct err *e)
{
	json_t *line = make_event(trial, "start", rung);
	char host[256] = "";
	struct flock lock;

	assert(trial >= 1 && trial <= s->n + 1 && trial <= STUDY_MAX_TRIALS);
	gethostname(host, sizeof(host) - 1);
	json_object_set_new(line, "options", options);
	json_object_set_new(line, "host", json_string(host));
	if (set_lock(s, F_SETLK, F_WRLCK, trial, &lock))
		err_sys(e, "%s: trial %zu cannot be locked", s->path, trial);
	if (add_line(s, line, e))
		return -1;
	s->trials[trial - 1].public.is_ours = true;
	return 0;
}

int
study_value(struct study *s, size_t trial, double value, bool is_end, struct err *e)
{
	json_t *line = end_event(s, trial, "value", e);

	json_object_set_new(line, "value", json_real(value));
	json_object_set_new(line, "is_end", json_boolean(is_end));
	return end_trial(s, trial, line, e);
}

int
study_fail(struct study *s, size_t trial, const char *message, struct err *e)
{
	json_t *line = end_event(s, trial, "fail", e);
	json_t *text = json_string(message);

	json_object_set_new(line, "message", text ? text : json_string("its message is no UTF-8"));
	return end_trial(s, trial, line, e);
}

int
study_release(struct study *s, size_t trial, struct err *e)
{
	return end_trial(s, trial, end_event(s, trial, "release", e), e);
}

/* 5. Opening */

static int
open_file(struct study *s, bool is_new, struct err *e)
{
	if (is_new && mkdir(s->folder, 0777) && errno != EEXIST)
		return err_sys(e, "%s", s->folder);
	s->fd = open(s->path, O_RDWR | O_CLOEXEC | (is_new ? O_CREAT : 0), 0666);
	return s->fd < 0 ? err_sys(e, "%s", s->path) : 0;
}

static int
begin(struct study *s, const struct study_plan *plan, struct err *e)
{
	json_t *wanted = plan ? study_plan_write(plan, e) : NULL;

	if (e->is_set)
		return -1;
	if (!s->header && !wanted)
		err_set(e, "%s: is empty", s->path);
	else if (!s->header)
		add_line(s, json_incref(wanted), e);
	else if (wanted && study_plan_compare(s->header, wanted, s->path, e) == 0 &&
		 plan->n_trials > s->plan.n_trials)
		add_line(s, json_pack("{s:I}", "trials", (json_int_t)plan->n_trials), e);
	json_decref(wanted);
	return e->is_set ? -1 : 0;
}

struct study *
study_open(const char *folder, const struct study_plan *plan, struct err *e)
{
	struct study *s;

	if (e->is_set)
		return NULL;
	s = mem_zero(1, sizeof(*s));
	s->folder = folder;
	s->path = mem_printf("%s/study.jsonl", folder);
	s->fd = -1;
	if (open_file(s, plan != NULL, e) == 0 && study_lock(s, e) == 0) {
		begin(s, plan, e);
		study_unlock(s);
	}
	if (!e->is_set)
		return s;
	study_close(s);
	return NULL;
}

void
study_close(struct study *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++) {
		json_decref(s->trials[i].line);
		free(s->trials[i].message);
	}
	free(s->trials);
	json_decref(s->header);
	arena_free(&s->arena);
	if (s->fd >= 0)
		close(s->fd);
	free(s->path);
	free(s);
}

const struct study_plan *
study_plan_of(const struct study *s)
{
	return &s->plan;
}

const char *
study_folder(const struct study *s)
{
	return s->folder;
}

size_t
study_torn_bytes(const struct study *s)
{
	return s->torn_bytes;
}

size_t
study_count(const struct study *s)
{
	return s->n;
}

const struct study_trial *
study_trial(const struct study *s, size_t trial)
{
	assert(trial >= 1 && trial <= s->n);
	return &s->trials[trial - 1].public;
}

char *
study_path(const struct study *s, size_t trial, const char *suffix)
{
	return mem_printf("%s/trial-%04zu%s", s->folder, trial, suffix);
}
