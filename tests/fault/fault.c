/* fault.c - makes the Nth call of one kind fail; preloaded before a program under test (fault.t).
 *
 * FAULT_CALL=read|write|rename|aligned_alloc  FAULT_AT=N (from 1). read and write on files fail
 * with EIO, rename with ENOSPC; FAULT_CALL=short makes every read and write transfer one byte,
 * which must change nothing. */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long n_calls;

static int
is_chosen(const char *call)
{
	const char *chosen = getenv("FAULT_CALL");

	return chosen && strcmp(chosen, call) == 0;
}

static int
fails_now(const char *call)
{
	const char *at = getenv("FAULT_AT");

	return is_chosen(call) && at && ++n_calls == strtol(at, NULL, 10);
}

ssize_t
read(int fd, void *bytes, size_t n)
{
	static ssize_t (*real)(int, void *, size_t);

	if (!real)
		real = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
	if (fails_now("read")) {
		errno = EIO;
		return -1;
	}
	return real(fd, bytes, is_chosen("short") && n > 1 ? 1 : n);
}

ssize_t
write(int fd, const void *bytes, size_t n)
{
	static ssize_t (*real)(int, const void *, size_t);

	if (!real)
		real = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
	if (fd != STDERR_FILENO && fails_now("write")) {
		errno = EIO;
		return -1;
	}
	return real(fd, bytes, is_chosen("short") && n > 1 ? 1 : n);
}

int
rename(const char *from, const char *to)
{
	static int (*real)(const char *, const char *);

	if (!real)
		real = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
	if (fails_now("rename")) {
		errno = ENOSPC;
		return -1;
	}
	return real(from, to);
}

void *
aligned_alloc(size_t alignment, size_t size)
{
	static void *(*real)(size_t, size_t);

	if (!real)
		real = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "aligned_alloc");
	return fails_now("aligned_alloc") ? NULL : real(alignment, size);
}
