/* 1. Input
 * 2. Output
 * 3. Output that is taken up again */

#define _DEFAULT_SOURCE /* realpath */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/io.h"
#include "base/pipes.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "cellpipe reads and writes little-endian data in place; big-endian hosts are not supported"
#endif

/* CACHED_BYTES: what is read or written at once, so that it is hashed while it is in the cache. */
enum { BUFFER_BYTES = 1 << 16, CACHED_BYTES = 1 << 18 };

static bool
is_standard(const char *path)
{
	return !path || strcmp(path, "-") == 0;
}

static XXH64_state_t *
new_hash(void)
{
	XXH64_state_t *hash = XXH64_createState();

	if (!hash)
		mem_give_up("out of memory");
	XXH64_reset(hash, 0);
	return hash;
}

/* Whether a call that failed is to be made again: after a signal, or when bytes can pass a
 * descriptor that another program has set not to block. */
static bool
can_repeat(int fd, short event)
{
	struct pollfd p = { .fd = fd, .events = event };

	if (errno != EAGAIN && errno != EWOULDBLOCK)
		return errno == EINTR;
	poll(&p, 1, -1);
	return true;
}

/* 1. Input */

struct input {
	int fd;
	char *name;
	uint64_t offset, size;
	XXH64_state_t *hash;
};

static int
check_input(const struct input *in, bool force, uint64_t *ret_size, struct err *e)
{
	struct stat st;

	if (fstat(in->fd, &st))
		return err_sys(e, "%s", in->name);
	if (S_ISDIR(st.st_mode))
		return err_set(e, "%s: is a folder, not a file", in->name);
	if (isatty(in->fd) && !force)
		return err_set(e,
		    "%s: a terminal holds no binary data; give a FILE or a pipe (-f reads it all "
		    "the same)",
		    in->name);
	*ret_size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	return 0;
}

struct input *
input_open(const char *path, bool force, struct err *e)
{
	struct input *in;

	if (e->is_set)
		return NULL;
	if (path && !*path) {
		err_set(e, "'' is not the name of a file");
		return NULL;
	}
	in = mem_zero(1, sizeof(*in));
	in->name = mem_strdup(is_standard(path) ? "stdin" : path);
	in->fd = is_standard(path) ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	in->hash = new_hash();
	if (in->fd < 0)
		err_sys(e, "%s", in->name);
	else
		check_input(in, force, &in->size, e);
	if (e->is_set) {
		input_close(in);
		return NULL;
	}
	pipe_widen(in->fd);
	return in;
}

const char *
input_name(const struct input *in)
{
	return in->name;
}

ptrdiff_t
input_read(struct input *in, void *bytes, size_t n, struct err *e)
{
	size_t got = 0;

	while (got < n) {
		char *place = (char *)bytes + got;
		ssize_t r = read(in->fd, place, n - got < CACHED_BYTES ? n - got : CACHED_BYTES);

		if (r < 0 && can_repeat(in->fd, POLLIN))
			continue;
		if (r < 0)
			return err_sys(e, "%s: read", in->name);
		if (r == 0)
			break;
		XXH64_update(in->hash, place, (size_t)r);
		got += (size_t)r;
	}
	in->offset += got;
	return (ptrdiff_t)got;
}

uint64_t
input_offset(const struct input *in)
{
	return in->offset;
}

uint64_t
input_xxh64(const struct input *in)
{
	return XXH64_digest(in->hash);
}

uint64_t
input_size(const struct input *in)
{
	return in->size;
}

void
input_close(struct input *in)
{
	if (!in)
		return;
	if (in->fd > STDERR_FILENO)
		close(in->fd);
	XXH64_freeState(in->hash);
	free(in->name);
	free(in);
}

/* 2. Output */

struct output {
	int fd;
	char *name;      /* for messages */
	char *path;      /* the final one; NULL: standard output */
	char *temporary; /* NULL: written in place (standard output, a device, a pipe) */
	bool is_file;
	bool is_kept; /* the temporary one stays after a failure: it is taken up again */
	uint64_t offset;
	XXH64_state_t *hash;
	size_t used;
	uint8_t buffer[BUFFER_BYTES];
};

static int
check_terminal(const struct output *out, struct err *e)
{
	if (!isatty(out->fd))
		return 0;
	return err_set(e,
	    "%s: binary data does not belong on a terminal; use -o FILE or a pipe to another "
	    "program, cellview for one (-f writes it all the same)",
	    out->name);
}

/* A link stays one: what it points at is replaced. That may be the standard output by another name
 * (/dev/stdout), whose own link must never be. */
static int
follow_link(char **path, struct err *e)
{
	struct stat st;
	char *target;

	if (lstat(*path, &st) || !S_ISLNK(st.st_mode))
		return 0;
	target = realpath(*path, NULL);
	if (!target)
		return err_sys(e, "%s", *path);
	free(*path);
	*path = target;
	return 0;
}

/* A regular file, or a new one, gets a temporary name, and the rights of the file that it is going
 * to replace; a device or named pipe is written in place. */
static int
open_path(struct output *out, struct err *e)
{
	struct stat st;
	bool exists = stat(out->path, &st) == 0;
	mode_t mask = umask(0);

	umask(mask);
	if (exists && S_ISDIR(st.st_mode))
		return err_set(e, "%s: is a folder", out->path);
	if (exists && !S_ISREG(st.st_mode)) {
		out->fd = open(out->path, O_WRONLY | O_CLOEXEC);
		return out->fd < 0 ? err_sys(e, "%s", out->path) : 0;
	}
	if (exists && follow_link(&out->path, e))
		return -1;
	out->temporary = mem_printf("%s.XXXXXX", out->path);
	out->fd = mkstemp(out->temporary);
	if (out->fd < 0) {
		free(out->temporary);
		out->temporary = NULL;
		return err_sys(e, "%s", out->name);
	}
	io_unfinished_add(out->temporary);
	if (fchmod(out->fd, exists ? st.st_mode & 0777 : 0666 & ~mask))
		return err_sys(e, "%s", out->name);
	out->is_file = true;
	return 0;
}

static void
open_standard(struct output *out)
{
	struct stat st;

	out->fd = STDOUT_FILENO;
	out->is_file = fstat(out->fd, &st) == 0 && S_ISREG(st.st_mode);
}

struct output *
output_create(const char *path, bool is_binary, bool force, struct err *e)
{
	struct output *out;

	if (e->is_set)
		return NULL;
	if (path && !*path) {
		err_set(e, "'' is not the name of a file");
		return NULL;
	}
	out = mem_zero(1, sizeof(*out));
	out->name = mem_strdup(is_standard(path) ? "stdout" : path);
	out->path = is_standard(path) ? NULL : mem_strdup(path);
	out->hash = new_hash();
	if (out->path)
		open_path(out, e);
	else
		open_standard(out);
	if (!e->is_set && is_binary && !force)
		check_terminal(out, e);
	if (e->is_set) {
		output_abort(out);
		return NULL;
	}
	pipe_widen(out->fd);
	return out;
}

const char *
output_name(const struct output *out)
{
	return out->name;
}

bool
output_is_file(const struct output *out)
{
	return out->is_file;
}

static int
write_all(struct output *out, const uint8_t *bytes, size_t n, struct err *e)
{
	while (n) {
		ssize_t w = write(out->fd, bytes, n);

		if (w < 0 && can_repeat(out->fd, POLLOUT))
			continue;
		if (w < 0)
			return err_sys(e, "%s: write", out->name);
		bytes += w;
		n -= (size_t)w;
	}
	return 0;
}

int
output_flush(struct output *out, struct err *e)
{
	size_t n = out->used;

	out->used = 0;
	return write_all(out, out->buffer, n, e);
}

/* Hashes and writes in turn, so that the bytes are still in the cache when they are written. */
static int
write_directly(struct output *out, const uint8_t *bytes, size_t n, struct err *e)
{
	for (size_t step; n; bytes += step, n -= step) {
		step = n < CACHED_BYTES ? n : CACHED_BYTES;
		XXH64_update(out->hash, bytes, step);
		if (write_all(out, bytes, step, e))
			return -1;
	}
	return 0;
}

int
output_write(struct output *out, const void *bytes, size_t n, struct err *e)
{
	if (e->is_set)
		return -1;
	out->offset += n;
	if (n > BUFFER_BYTES - out->used && output_flush(out, e))
		return -1;
	if (n > BUFFER_BYTES)
		return write_directly(out, bytes, n, e);
	XXH64_update(out->hash, bytes, n);
	if (n)
		memcpy(out->buffer + out->used, bytes, n);
	out->used += n;
	return 0;
}

int
output_pass(struct output *out, const struct input *in, uint64_t offset, const void *bytes,
    size_t n, struct err *e)
{
	const uint8_t *place = bytes;

	if (e->is_set)
		return -1;
	if (out->is_file || in->size == 0)
		return output_write(out, bytes, n, e);
	if (output_flush(out, e))
		return -1;
	while (n) {
		size_t most = n < CACHED_BYTES ? n : CACHED_BYTES;
		ptrdiff_t r = pipe_splice(in->fd, offset, out->fd, most);

		if (r < 0 && errno != EINVAL && can_repeat(out->fd, POLLOUT))
			continue;
		if (r <= 0) /* not from here to there: the usual way, which says what is wrong */
			return output_write(out, place, n, e);
		XXH64_update(out->hash, place, (size_t)r);
		out->offset += (uint64_t)r;
		offset += (uint64_t)r;
		place += r;
		n -= (size_t)r;
	}
	return 0;
}

int
output_printf(struct output *out, struct err *e, const char *format, ...)
{
	char small[256];
	va_list args;
	int n, r;
	char *text;

	va_start(args, format);
	n = vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	assert(n >= 0);
	if ((size_t)n < sizeof(small))
		return output_write(out, small, (size_t)n, e);
	text = mem_alloc((size_t)n + 1, 1);
	va_start(args, format);
	vsnprintf(text, (size_t)n + 1, format, args);
	va_end(args);
	r = output_write(out, text, (size_t)n, e);
	free(text);
	return r;
}

uint64_t
output_offset(const struct output *out)
{
	return out->offset;
}

uint64_t
output_xxh64(const struct output *out)
{
	return XXH64_digest(out->hash);
}

const char *
output_temporary(const struct output *out)
{
	return out->temporary ? out->temporary : out->path;
}

static void
output_free(struct output *out)
{
	XXH64_freeState(out->hash);
	free(out->temporary);
	free(out->path);
	free(out->name);
	free(out);
}

int
output_commit(struct output *out, struct err *e)
{
	if (e->is_set || output_flush(out, e)) {
		output_abort(out);
		return -1;
	}
	if (close(out->fd))
		err_sys(e, "%s: close", out->name);
	else if (out->temporary && rename(out->temporary, out->path))
		err_sys(e, "%s: rename", out->name);
	if (out->temporary && !out->is_kept) {
		if (e->is_set)
			unlink(out->temporary);
		io_unfinished_remove(out->temporary);
	}
	output_free(out);
	return e->is_set ? -1 : 0;
}

void
output_abort(struct output *out)
{
	if (!out)
		return;
	if (out->fd > STDERR_FILENO)
		close(out->fd);
	if (out->temporary && !out->is_kept) {
		unlink(out->temporary);
		io_unfinished_remove(out->temporary);
	}
	output_free(out);
}

/* 3. Output that is taken up again */

/* Where `path` is a link, the file that it points at. NULL with e set. */
static char *
resumable_path(const char *path, struct err *e)
{
	char *file = mem_strdup(path);
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		err_set(e, "%s: is no file, so it cannot be taken up again", path);
	else
		follow_link(&file, e);
	if (!e->is_set)
		return file;
	free(file);
	return NULL;
}

char *
output_part(const char *path, struct err *e)
{
	char *file = resumable_path(path, e);
	char *part = file ? mem_printf("%s.part", file) : NULL;

	free(file);
	return part;
}

static int
lock_part(const struct output *out, struct err *e)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(out->fd, F_SETLK, &lock) == 0 || (errno != EACCES && errno != EAGAIN))
		return 0; /* a file system without locks has none to respect */
	return err_set(e, "%s: another process is writing it", out->temporary);
}

static int
count_kept(struct output *out, uint64_t keep, struct err *e)
{
	while (out->offset < keep) {
		uint64_t left = keep - out->offset;
		ssize_t n = read(out->fd, out->buffer, left < BUFFER_BYTES ? left : BUFFER_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? err_sys(e, "%s: read", out->temporary)
				 : err_set(e, "%s: became shorter", out->temporary);
		XXH64_update(out->hash, out->buffer, (size_t)n);
		out->offset += (uint64_t)n;
	}
	return 0;
}

struct output *
output_continue(const char *path, uint64_t keep, struct err *e)
{
	char *file = e->is_set ? NULL : resumable_path(path, e);
	struct output *out;
	struct stat st;

	if (!file)
		return NULL;
	out = mem_zero(1, sizeof(*out));
	*out = (struct output){ .name = mem_strdup(path),
		.path = file,
		.temporary = mem_printf("%s.part", file),
		.is_file = true,
		.is_kept = true,
		.hash = new_hash() };
	out->fd = open(out->temporary, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (out->fd < 0)
		err_sys(e, "%s", out->temporary);
	else if (lock_part(out, e) || count_kept(out, keep, e))
		; /* e is set */
	else if (ftruncate(out->fd, (off_t)keep) ||
		 (stat(file, &st) == 0 && fchmod(out->fd, st.st_mode & 0777)))
		err_sys(e, "%s", out->temporary);
	if (!e->is_set)
		return out;
	output_abort(out);
	return NULL;
}
