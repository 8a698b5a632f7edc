/* fault.c - makes the Nth call of one kind fail; preloaded before a program under test (fault.t).
 *
 * FAULT_CALL=read|write|pread|rename|renameat2|mkstemp|fchmod|aligned_alloc|pthread_create
 * FAULT_AT=N (from 1). read, pread and write on files fail with EIO, rename, mkstemp and fchmod
 * with ENOSPC, renameat2 with EINVAL (as where the file system cannot), threads with EAGAIN;
 * FAULT_CALL=short makes every read and write transfer one byte, which must change nothing.
 * FAULT_FROM=N instead of FAULT_AT: that call and all later ones. */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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
	const char *at = getenv("FAULT_AT"), *from = getenv("FAULT_FROM");
	long n;

	if (!is_chosen(call) || !(at || from))
		return 0;
	n = ++n_calls;
	return at ? n == strtol(at, NULL, 10) : n >= strtol(from, NULL, 10);
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

ssize_t
pread(int fd, void *bytes, size_t n, off_t offset)
{
	static ssize_t (*real)(int, void *, size_t, off_t);

	if (!real)
		real = (ssize_t(*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread");
	if (fails_now("pread")) {
		errno = EIO;
		return -1;
	}
	return real(fd, bytes, is_chosen("short") && n > 1 ? 1 : n, offset);
}

int
mkstemp(char *path)
{
	static int (*real)(char *);

	if (!real)
		real = (int (*)(char *))dlsym(RTLD_NEXT, "mkstemp");
	if (fails_now("mkstemp")) {
		errno = ENOSPC;
		return -1;
	}
	return real(path);
}

int
fchmod(int fd, mode_t mode)
{
	static int (*real)(int, mode_t);

	if (!real)
		real = (int (*)(int, mode_t))dlsym(RTLD_NEXT, "fchmod");
	if (fails_now("fchmod")) {
		errno = ENOSPC;
		return -1;
	}
	return real(fd, mode);
}

int
pthread_create(
    pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
	static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (!real)
		real = (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
		    void *))dlsym(RTLD_NEXT, "pthread_create");
	return fails_now("pthread_create") ? EAGAIN : real(thread, attributes, start, argument);
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

int
renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned int flags)
{
	static int (*real)(int, const char *, int, const char *, unsigned int);

	if (!real)
		real = (int (*)(int, const char *, int, const char *, unsigned int))dlsym(
		    RTLD_NEXT, "renameat2");
	if (fails_now("renameat2")) {
		errno = EINVAL;
		return -1;
	}
	return real(from_folder, from, to_folder, to, flags);
}

void *
aligned_alloc(size_t alignment, size_t size)
{
	static void *(*real)(size_t, size_t);

	if (!real)
		real = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "aligned_alloc");
	return fails_now("aligned_alloc") ? NULL : real(alignment, size);
}
