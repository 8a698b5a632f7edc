/* io_map.c - mapped files; see io.h. */

#define _DEFAULT_SOURCE /* madvise */

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

enum { MAX_MAPS = 64 }; /* that io_map_forget knows; further ones stay in memory */

static struct io_map maps[MAX_MAPS];
static pthread_mutex_t maps_mutex = PTHREAD_MUTEX_INITIALIZER;

/* Puts `to` in the place of `from` in the table of maps. */
static void
replace_map(struct io_map from, struct io_map to)
{
	size_t i = 0;

	pthread_mutex_lock(&maps_mutex);
	while (i < MAX_MAPS && maps[i].bytes != from.bytes)
		i++;
	if (i < MAX_MAPS)
		maps[i] = to;
	pthread_mutex_unlock(&maps_mutex);
}

int
io_map_open(struct io_map *m, const char *path, struct err *e)
{
	struct stat st;
	int fd;
	void *p = NULL;

	*m = (struct io_map){ 0 };
	if (e->is_set)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		err_sys(e, "%s", path);
	else if (!S_ISREG(st.st_mode))
		err_set(e, "%s: not a regular file", path);
	else if (st.st_size > 0 &&
		 (p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
		err_sys(e, "%s: map", path);
	if (fd >= 0)
		close(fd);
	if (e->is_set)
		return -1;
	m->bytes = p;
	m->size = (size_t)st.st_size;
	if (p)
		replace_map((struct io_map){ 0 }, *m);
	return 0;
}

void
io_map_close(struct io_map *m)
{
	if (m->bytes) {
		replace_map(*m, (struct io_map){ 0 });
		munmap((void *)(uintptr_t)m->bytes, m->size);
	}
	*m = (struct io_map){ 0 };
}

static bool
is_mapped(uintptr_t from, uintptr_t to)
{
	bool found = false;

	pthread_mutex_lock(&maps_mutex);
	for (size_t i = 0; i < MAX_MAPS; i++) {
		uintptr_t start = (uintptr_t)maps[i].bytes;

		found |= start && from >= start && to <= start + maps[i].size;
	}
	pthread_mutex_unlock(&maps_mutex);
	return found;
}

void
io_map_forget(const void *p, size_t n)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), end = (uintptr_t)p + n;
	uintptr_t from = ((uintptr_t)p + page - 1) / page * page, to = end / page * page;

	if (from < to && is_mapped((uintptr_t)p, end))
		madvise((void *)from, to - from, MADV_DONTNEED);
}
