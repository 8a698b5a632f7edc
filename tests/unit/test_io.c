/* Files in and out: what stands under the name at the end, and descriptors that do not block. */

#define _DEFAULT_SOURCE /* mkdtemp */

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include <cmocka.h>

#include "base/io.h"

static char folder[] = "/tmp/cellpipe-io.XXXXXX";

static const char *
path_of(const char *name, char *room)
{
	snprintf(room, 100, "%s/%s", folder, name);
	return room;
}

static void
write_text(const char *path, const char *text)
{
	struct err e = { 0 };
	struct output *out = output_create(path, true, false, &e);

	assert_int_equal(output_write(out, text, strlen(text), &e), 0);
	assert_int_equal(output_commit(out, &e), 0);
}

static void
expect_text(const char *path, const char *text)
{
	struct err e = { 0 };
	char *got = io_read_file(path, 1000, NULL, &e);

	assert_non_null(got);
	assert_string_equal(got, text);
	free(got);
}

/* As /dev/stdout, which must not become a file. */
static void
writes_where_a_link_points(void **state)
{
	char file[100], link[100], chain[100];
	struct stat st;

	(void)state;
	write_text(path_of("file", file), "old");
	assert_int_equal(symlink("file", path_of("link", link)), 0);
	assert_int_equal(symlink("link", path_of("chain", chain)), 0);
	write_text(chain, "new");
	expect_text(file, "new");
	assert_int_equal(lstat(chain, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	unlink(file);
	unlink(link);
	unlink(chain);
}

static void
keeps_the_rights_of_a_file(void **state)
{
	char file[100];
	struct stat st;
	mode_t mask = umask(022);

	(void)state;
	write_text(path_of("file", file), "old");
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(chmod(file, 0600), 0);
	write_text(file, "new");
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	umask(mask);
	unlink(file);
}

static void
refuses_empty_names(void **state)
{
	struct err in = { 0 }, out = { 0 };

	(void)state;
	assert_null(input_open("", false, &in));
	assert_string_equal(in.text, "'' is not the name of a file");
	assert_null(output_create("", false, false, &out));
	assert_string_equal(out.text, "'' is not the name of a file");
}

/* Writes late, and reads late, at the other ends of two pipes. */
static void *
be_slow(void *argument)
{
	const int *fds = argument;
	struct timespec pause = { 0, 30 * 1000000L };
	char bytes[1000];
	size_t n = 0;

	nanosleep(&pause, NULL);
	assert_int_equal(write(fds[0], "late", 4), 4);
	close(fds[0]);
	for (ssize_t r = 1; r > 0; n += (size_t)r)
		r = read(fds[1], bytes, sizeof(bytes));
	close(fds[1]);
	return (void *)(uintptr_t)n;
}

/* What another program left non-blocking on standard input and output. */
static void
waits_where_a_pipe_does_not(void **state)
{
	enum { SIZE = 1 << 20 };
	int to[2], from[2], saved[2] = { dup(STDIN_FILENO), dup(STDOUT_FILENO) }, fds[2];
	uint8_t *bytes = mem_zero(SIZE, 1);
	struct err e = { 0 };
	struct input *in;
	struct output *out;
	pthread_t thread;
	void *n;
	ptrdiff_t got;
	int status;

	(void)state;
	assert_true(pipe(to) == 0 && pipe(from) == 0);
	fcntl(to[0], F_SETFL, O_NONBLOCK);
	fcntl(from[1], F_SETFL, O_NONBLOCK);
	fds[0] = to[1];
	fds[1] = from[0];
	fflush(stdout);
	dup2(to[0], STDIN_FILENO);
	dup2(from[1], STDOUT_FILENO);
	close(to[0]);
	close(from[1]);
	pthread_create(&thread, NULL, be_slow, fds);
	in = input_open("-", false, &e);
	got = input_read(in, bytes, 100, &e);
	input_close(in);
	out = output_create("-", true, false, &e);
	output_write(out, bytes, SIZE, &e);
	status = output_commit(out, &e);
	pthread_join(thread, &n);
	dup2(saved[0], STDIN_FILENO);
	dup2(saved[1], STDOUT_FILENO);
	close(saved[0]);
	close(saved[1]);
	assert_int_equal(got, 4);
	assert_int_equal(status, 0);
	assert_int_equal((uintptr_t)n, SIZE);
	free(bytes);
}

/* What comes out of a pipe. */
struct passing {
	int fd;
	uint8_t *bytes;
	size_t n;
};

static void *
read_pipe(void *argument)
{
	struct passing *p = argument;
	ssize_t r;

	while ((r = read(p->fd, p->bytes + p->n, 1 << 16)) > 0)
		p->n += (size_t)r;
	close(p->fd);
	return NULL;
}

/* A file that goes to a pipe as it is: its bytes come, and the hash is that of the bytes in memory.
 */
static void
passes_a_file_on(void **state)
{
	enum { SIZE = 3000001, FROM = 12345 };
	char path[100];
	uint8_t *bytes = mem_alloc(SIZE, 1);
	struct passing p = { .bytes = mem_alloc(SIZE + (1 << 16), 1) };
	int ends[2], saved = dup(STDOUT_FILENO);
	struct err e = { 0 };
	struct input *in;
	struct output *out;
	pthread_t thread;
	uint64_t hash;

	(void)state;
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)(i * i >> 7);
	out = output_create(path_of("passed", path), true, false, &e);
	output_write(out, bytes, SIZE, &e);
	assert_int_equal(output_commit(out, &e), 0);
	in = input_open(path, false, &e);
	assert_int_equal(pipe(ends), 0);
	p.fd = ends[0];
	pthread_create(&thread, NULL, read_pipe, &p);
	fflush(stdout);
	dup2(ends[1], STDOUT_FILENO);
	close(ends[1]);
	out = output_create("-", true, false, &e);
	output_write(out, "before", 6, &e);
	output_pass(out, in, FROM, bytes + FROM, SIZE - FROM, &e);
	output_write(out, "behind", 6, &e);
	hash = output_xxh64(out);
	output_commit(out, &e);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	pthread_join(thread, NULL);
	input_close(in);
	assert_false(e.is_set);
	assert_int_equal(p.n, SIZE - FROM + 12);
	assert_memory_equal(p.bytes, "before", 6);
	assert_memory_equal(p.bytes + 6, bytes + FROM, SIZE - FROM);
	assert_memory_equal(p.bytes + p.n - 6, "behind", 6);
	assert_true(hash == XXH64(p.bytes, p.n, 0));
	unlink(path);
	free(p.bytes);
	free(bytes);
}

static void
shows_no_control_characters(void **state)
{
	struct err e = { 0 };

	(void)state;
	err_set(&e, "gene 'a\n\x1b[31m\x7f\xc2\x9b"
		    "1m\xc3\xa4'");
	assert_string_equal(e.text, "gene 'a??[31m???1m\xc3\xa4'");
}

static int
make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int
remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_where_a_link_points),
		cmocka_unit_test(keeps_the_rights_of_a_file),
		cmocka_unit_test(refuses_empty_names),
		cmocka_unit_test(waits_where_a_pipe_does_not),
		cmocka_unit_test(passes_a_file_on),
		cmocka_unit_test(shows_no_control_characters),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
