#define _GNU_SOURCE /* F_OFD_SETLK */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "base/child.h"
#include "base/mem.h"

static const double LOOK_SECONDS = 0.01;

struct child {
	pid_t pid;
	bool has_ended;
	int status;
	char outcome[80];
};

/* Locks the whole file as long as this opening of it lives, in any process. */
static int
lock_log(int fd)
{
#ifdef F_OFD_SETLK
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &lock) && (errno == EAGAIN || errno == EACCES))
		return -1;
#else
	(void)fd;
#endif
	return 0;
}

static int
open_log(const char *path, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

	if (fd < 0)
		return err_sys(e, "%s", path);
	if (lock_log(fd) == 0)
		return fd;
	close(fd);
	return err_set(e, "%s: another process writes it", path);
}

/* In the child; comes back where it fails. Only calls that are safe after fork. */
static void
become(const char *const *argv, int log, pid_t parent)
{
	int empty = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(127);
#else
	(void)parent;
#endif
	if (empty < 0 || dup2(empty, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
	    dup2(log, STDERR_FILENO) < 0)
		return;
	if (empty > STDERR_FILENO)
		close(empty);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
}

/* What execvp made of it comes through a pipe that closes when it succeeds. */
static int
read_failure(int fd)
{
	int failure = 0;
	ssize_t n;

	do
		n = read(fd, &failure, sizeof(failure));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(failure) ? failure : 0;
}

static int
start(struct child *c, const char *const *argv, int log, struct err *e)
{
	pid_t parent = getpid();
	int ends[2], failure;

	if (pipe(ends))
		return err_sys(e, "%s", argv[0]);
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	c->pid = fork();
	if (c->pid == 0) {
		become(argv, log, parent);
		failure = errno;
		_exit(write(ends[1], &failure, sizeof(failure)) < 0 ? 126 : 127);
	}
	failure = errno;
	close(ends[1]);
	if (c->pid > 0) {
		setpgid(c->pid, c->pid);
		failure = read_failure(ends[0]);
	}
	close(ends[0]);
	if (c->pid > 0 && !failure)
		return 0;
	if (c->pid > 0)
		waitpid(c->pid, NULL, 0);
	errno = failure;
	return err_sys(e, "%s", argv[0]);
}

struct child *
child_start(const char *const *argv, const char *log, struct err *e)
{
	struct child *c;
	int fd = e->is_set ? -1 : open_log(log, e);

	if (fd < 0)
		return NULL;
	c = mem_zero(1, sizeof(*c));
	if (start(c, argv, fd, e)) {
		free(c);
		c = NULL;
	}
	close(fd);
	return c;
}

void
child_signal(const struct child *c, int number)
{
	if (!c->has_ended)
		kill(-c->pid, number);
}

void
child_pause(double seconds)
{
	struct timespec t = { .tv_sec = (time_t)seconds };

	t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
	nanosleep(&t, NULL);
}

static void
describe(struct child *c)
{
	if (WIFSIGNALED(c->status))
		snprintf(c->outcome, sizeof(c->outcome), "signal %d (%s)", WTERMSIG(c->status),
		    strsignal(WTERMSIG(c->status)));
	else
		snprintf(c->outcome, sizeof(c->outcome), "exit status %d", WEXITSTATUS(c->status));
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

bool
child_wait(struct child *c, double seconds)
{
	double end = now() + seconds;
	pid_t got;

	while (!c->has_ended) {
		got = waitpid(c->pid, &c->status, WNOHANG);
		if (got == c->pid) {
			c->has_ended = true;
			describe(c);
		} else if (now() >= end)
			break;
		else
			child_pause(LOOK_SECONDS);
	}
	return c->has_ended;
}

bool
child_has_succeeded(const struct child *c)
{
	assert(c->has_ended);
	return WIFEXITED(c->status) && WEXITSTATUS(c->status) == 0;
}

bool
child_has_stopped(const struct child *c)
{
	if (WIFSIGNALED(c->status))
		return WTERMSIG(c->status) == SIGTERM;
	return child_has_succeeded(c) || WEXITSTATUS(c->status) == 128 + SIGTERM;
}

const char *
child_outcome(const struct child *c)
{
	assert(c->has_ended);
	return c->outcome;
}

void
child_free(struct child *c)
{
	if (c && !c->has_ended) {
		child_signal(c, SIGKILL);
		while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	free(c);
}

bool
child_is_logging(const char *log)
{
	bool is_locked = false;
#ifdef F_OFD_SETLK
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(log, O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		is_locked = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
		close(fd);
	}
#else
	(void)log;
#endif
	return is_locked;
}
