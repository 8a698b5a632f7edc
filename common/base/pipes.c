#define _GNU_SOURCE /* F_SETPIPE_SZ, splice */

#include <errno.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/pipes.h"

enum { PIPE_BYTES = 1 << 18 }; /* more is as much less in the cache */

void
pipe_widen(int fd)
{
#ifdef F_SETPIPE_SZ
	int size = fcntl(fd, F_GETPIPE_SZ);

	if (size > 0 && size < PIPE_BYTES)
		fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
#else
	(void)fd;
#endif
}

ptrdiff_t
pipe_splice(int file, uint64_t offset, int fd, size_t n)
{
#ifdef SPLICE_F_MOVE
	loff_t from = (loff_t)offset;

	return splice(file, &from, fd, NULL, n, 0);
#else
	(void)file;
	(void)offset;
	(void)fd;
	(void)n;
	errno = EINVAL;
	return -1;
#endif
}
