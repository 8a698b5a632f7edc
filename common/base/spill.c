#include "base/spill.h"

#include <assert.h>
#include <errno.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/io.h"

struct spill
spill_new(void)
{
	return (struct spill){ .fd = -1 };
}

int
spill_append(struct spill *s, const void *bytes, size_t n, struct err *e)
{
	const char *from = bytes;

	if (s->fd < 0 && (s->fd = io_spill_file(e)) < 0)
		return -1;
	while (n) {
		ssize_t w = pwrite(s->fd, from, n, (off_t)s->size);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return err_sys(e, "temporary file in TMPDIR: write");
		from += w;
		n -= (size_t)w;
		s->size += (uint64_t)w;
	}
	return 0;
}

int
spill_read(const struct spill *s, uint64_t at, void *ret_bytes, size_t n, struct err *e)
{
	char *to = ret_bytes;

	assert(!n || (at <= s->size && n <= s->size - at));
	while (n) {
		ssize_t r = pread(s->fd, to, n, (off_t)at);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_sys(e, "temporary file in TMPDIR: read");
		if (r == 0)
			return err_set(
			    e, "temporary file in TMPDIR: shorter than what was written");
		to += r;
		n -= (size_t)r;
		at += (uint64_t)r;
	}
	return 0;
}

void
spill_close(struct spill *s)
{
	if (s->fd >= 0)
		close(s->fd);
	*s = spill_new();
}
