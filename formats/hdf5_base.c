#define _XOPEN_SOURCE 700 /* sigaltstack, setitimer */

/* 1. Files
 * 2. Errors
 * 3. What lies where
 * 4. Attributes
 * 5. Making datasets */

#include "formats/hdf5_base.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/io.h"
#include "formats/hdf5_filters.h"

/* 1. Files */

#if defined(__SANITIZE_ADDRESS__)
enum { IS_GUARDED = 0 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { IS_GUARDED = 0 };
#else
enum { IS_GUARDED = 1 };
#endif
#else
enum { IS_GUARDED = 1 };
#endif

static char guard_text[500];

static void
on_crash(int number)
{
	ssize_t ignored = write(STDERR_FILENO, guard_text, strlen(guard_text));

	(void)ignored;
	(void)number;
	io_remove_unfinished();
	_exit(1);
}

void
hdf5_guard(const char *program, const char *path)
{
	static const int numbers[] = { SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGPROF };
	static char stack[1 << 16]; /* the crash may be one of the other stack */
	stack_t other = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_handler = path ? on_crash : SIG_DFL,
		.sa_flags = SA_ONSTACK | (int)SA_RESETHAND };

	if (!IS_GUARDED)
		return;
	*guard_text = '\0';
	if (path)
		snprintf(guard_text, sizeof(guard_text),
		    "%s: %.300s: broken file: HDF5 failed in it without an error\n", program,
		    strcmp(path, "-") == 0 ? "stdin" : path);
	for (char *p = guard_text; *p; p++)
		if ((unsigned char)*p < ' ' && p[1])
			*p = '?';
	sigaltstack(&other, NULL);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
}

/* What a file must be before HDF5 sees it, in words that a user understands. */
static int
check_file(struct hdf5_file *f, bool is_standard, struct err *e)
{
	static const uint8_t signature[8] = { 0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n' };
	uint8_t start[8] = { 0 };
	struct stat st;
	int fd = is_standard ? STDIN_FILENO : open(f->name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0 || fstat(fd, &st)) {
		err_sys(e, "%s", f->name);
	} else if (S_ISDIR(st.st_mode)) {
		err_set(e, "%s: is a folder, not a file", f->name);
	} else if (!S_ISREG(st.st_mode)) {
		err_set(e,
		    "%s: not a regular file: HDF5 has to move about in it, which a pipe or a "
		    "terminal does not "
		    "allow; give the file's name",
		    f->name);
	} else if ((n = pread(fd, start, sizeof(start), 0)) < 0) {
		err_sys(e, "%s: read", f->name);
	} else if (n == 0) {
		err_set(e, "%s: empty file, not HDF5", f->name);
	} else if (memcmp(start, signature, sizeof(start)) && H5Fis_hdf5(f->name) <= 0) {
		err_set(e, "%s: not an HDF5 file", f->name);
	}
	if (!e->is_set)
		f->size = (uint64_t)st.st_size;
	if (fd > STDERR_FILENO)
		close(fd);
	return e->is_set ? -1 : 0;
}

static void
be_quiet(void)
{
	H5open();
	H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
	hdf5_filters_register();
}

void
hdf5_watch(bool is_on)
{
	struct itimerval limit = { .it_value.tv_sec = is_on ? 60 : 0 };

	if (IS_GUARDED && *guard_text)
		setitimer(ITIMER_PROF, &limit, NULL);
}

static hid_t
access_list(void)
{
	hid_t list = H5Pcreate(H5P_FILE_ACCESS);

	H5Pset_fclose_degree(list, H5F_CLOSE_STRONG);
#if H5_VERSION_GE(1, 12, 1) || (H5_VERS_MINOR == 10 && H5_VERS_RELEASE >= 7)
	H5Pset_file_locking(list, 1, 1); /* file systems without locks are fine */
#endif
	return list;
}

int
hdf5_open(struct hdf5_file *f, const char *path, struct err *e)
{
	bool is_standard = strcmp(path, "-") == 0;
	hid_t list;

	*f = (struct hdf5_file){ .id = -1, .name = is_standard ? "stdin" : path };
	if (e->is_set)
		return -1;
	be_quiet();
	if (check_file(f, is_standard, e))
		return -1;
	list = access_list();
	f->id = H5Fopen(is_standard ? "/dev/stdin" : path, H5F_ACC_RDONLY, list);
	H5Pclose(list);
	return f->id < 0 ? hdf5_fail(f, NULL, e, "broken HDF5 file") : 0;
}

int
hdf5_modify(struct hdf5_file *f, const char *path, const char *name, struct err *e)
{
	hid_t list;

	*f = (struct hdf5_file){ .id = -1, .name = name, .size = UINT64_MAX };
	if (e->is_set)
		return -1;
	be_quiet();
	list = access_list();
	f->id = H5Fopen(path, H5F_ACC_RDWR, list);
	H5Pclose(list);
	return f->id < 0 ? hdf5_fail(f, NULL, e, "cannot be opened for writing") : 0;
}

int
hdf5_create(struct hdf5_file *f, const char *path, const char *name, struct err *e)
{
	hid_t list;

	*f = (struct hdf5_file){ .id = -1, .name = name, .size = UINT64_MAX };
	if (e->is_set)
		return -1;
	be_quiet();
	list = access_list();
	f->id = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, list);
	H5Pclose(list);
	return f->id < 0 ? hdf5_fail(f, NULL, e, "cannot be created") : 0;
}

int
hdf5_close(struct hdf5_file *f, struct err *e)
{
	hid_t id = f->id;

	f->id = -1;
	if (id >= 0 && H5Fclose(id) < 0)
		return hdf5_fail(f, NULL, e, "close");
	return 0;
}

/* 2. Errors */

static herr_t
keep_innermost(unsigned n, const H5E_error2_t *error, void *text)
{
	if (n == 0)
		snprintf(text, 300, "%s", error->desc ? error->desc : "");
	return 0;
}

int
hdf5_fail(const struct hdf5_file *f, const char *path, struct err *e, const char *format, ...)
{
	char sentence[600], reason[300] = "";
	va_list args;

	H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, reason);
	H5Eclear2(H5E_DEFAULT);
	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	return err_set(e, "%s: %s%s%s%s%s%s", f->name, path ? path : "", path ? ": " : "", sentence,
	    *reason ? " (HDF5: " : "", reason, *reason ? ")" : "");
}

/* 3. What lies where */

/* H5Lexists wants every step of the path to be there. */
static bool
is_linked(hid_t file, const char *path)
{
	char *part = mem_strdup(path);
	bool is_there = true;

	for (char *p = part; is_there; p++) {
		if (*p && *p != '/')
			continue;
		char end = *p;

		*p = '\0';
		is_there = H5Lexists(file, part, H5P_DEFAULT) > 0;
		*p = end;
		if (!end)
			break;
	}
	free(part);
	return is_there;
}

enum hdf5_object
hdf5_object(const struct hdf5_file *f, const char *path)
{
	hid_t id;
	H5I_type_t type;

	if (strcmp(path, "/") == 0)
		return HDF5_GROUP;
	if (!is_linked(f->id, path) || (id = H5Oopen(f->id, path, H5P_DEFAULT)) < 0) {
		H5Eclear2(H5E_DEFAULT);
		return HDF5_NOTHING;
	}
	type = H5Iget_type(id);
	H5Oclose(id);
	return type == H5I_GROUP ? HDF5_GROUP : type == H5I_DATASET ? HDF5_DATASET : HDF5_NOTHING;
}

const char **
hdf5_members(const struct hdf5_file *f, const char *path, struct arena *a, size_t *ret_n)
{
	const char **names;
	H5G_info_t info;
	hid_t group;

	*ret_n = 0;
	if (hdf5_object(f, path) != HDF5_GROUP || (group = H5Gopen2(f->id, path, H5P_DEFAULT)) < 0)
		return NULL;
	if (H5Gget_info(group, &info) < 0 || info.nlinks > SIZE_MAX / 64)
		info.nlinks = 0;
	names = arena_alloc(a, (size_t)info.nlinks, sizeof(*names));
	for (hsize_t i = 0; i < info.nlinks; i++) {
		ssize_t n = H5Lget_name_by_idx(
		    group, ".", H5_INDEX_NAME, H5_ITER_INC, i, NULL, 0, H5P_DEFAULT);
		char *name;

		if (n < 0)
			continue;
		name = arena_alloc(a, (size_t)n + 1, 1);
		H5Lget_name_by_idx(
		    group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, (size_t)n + 1, H5P_DEFAULT);
		names[(*ret_n)++] = name;
	}
	H5Gclose(group);
	return names;
}

const char *
hdf5_join(struct arena *a, const char *group, const char *name)
{
	return arena_printf(a, "%s/%s", group, name);
}

int
hdf5_shape(const struct hdf5_file *f, const char *path, hsize_t *shape, int n)
{
	hid_t dataset, space;
	int rank;

	if (hdf5_object(f, path) != HDF5_DATASET ||
	    (dataset = H5Dopen2(f->id, path, H5P_DEFAULT)) < 0)
		return -1;
	space = H5Dget_space(dataset);
	rank = H5Sget_simple_extent_ndims(space);
	if (rank > n || (rank > 0 && H5Sget_simple_extent_dims(space, shape, NULL) < 0))
		rank = -1;
	H5Sclose(space);
	H5Dclose(dataset);
	return rank;
}

/* 4. Attributes */

static hid_t
attribute_open(const struct hdf5_file *f, const char *path, const char *name)
{
	if (H5Aexists_by_name(f->id, path, name, H5P_DEFAULT) <= 0) {
		H5Eclear2(H5E_DEFAULT);
		return -1;
	}
	return H5Aopen_by_name(f->id, path, name, H5P_DEFAULT, H5P_DEFAULT);
}

bool
hdf5_attribute_exists(const struct hdf5_file *f, const char *path, const char *name)
{
	hid_t id = attribute_open(f, path, name);

	if (id >= 0)
		H5Aclose(id);
	return id >= 0;
}

/* Reads n texts of variable or fixed length; false where that fails. */
static bool
read_attribute_texts(hid_t attribute, hid_t type, size_t n, const char **texts, struct arena *a)
{
	size_t width = H5Tget_size(type);
	bool is_variable = H5Tis_variable_str(type) > 0, is_read;
	hid_t memory = H5Tcopy(H5T_C_S1), space = H5Aget_space(attribute);
	char *bytes = mem_zero(n, is_variable ? sizeof(char *) : width);

	H5Tset_size(memory, is_variable ? H5T_VARIABLE : width);
	H5Tset_cset(memory, H5Tget_cset(type));
	H5Tset_strpad(memory, H5Tget_strpad(type));
	hdf5_watch(true);
	is_read = H5Aread(attribute, memory, bytes) >= 0;
	hdf5_watch(false);
	for (size_t i = 0; i < n && is_read; i++) {
		const char *text = is_variable ? ((char **)(void *)bytes)[i] : bytes + i * width;
		size_t size = !text ? 0 : is_variable ? strlen(text) : strnlen(text, width);
		char *copy = arena_zero(a, size + 1, 1);

		if (size)
			memcpy(copy, text, size);
		texts[i] = copy;
	}
	if (is_read && is_variable)
		H5Dvlen_reclaim(memory, space, H5P_DEFAULT, bytes);
	H5Tclose(memory);
	H5Sclose(space);
	free(bytes);
	return is_read;
}

const char **
hdf5_attribute_texts(
    const struct hdf5_file *f, const char *path, const char *name, struct arena *a, size_t *ret_n)
{
	hid_t id = attribute_open(f, path, name), type, space;
	const char **texts = NULL;
	hssize_t n;

	*ret_n = 0;
	if (id < 0)
		return NULL;
	type = H5Aget_type(id);
	space = H5Aget_space(id);
	n = H5Sget_simple_extent_npoints(space);
	if (n >= 0 && n < 1 << 24 && (n == 0 || H5Tget_class(type) == H5T_STRING)) {
		texts = arena_alloc(a, (size_t)n, sizeof(*texts));
		if (n && !read_attribute_texts(id, type, (size_t)n, texts, a))
			texts = NULL;
		*ret_n = texts ? (size_t)n : 0;
	}
	H5Sclose(space);
	H5Tclose(type);
	H5Aclose(id);
	return texts;
}

const char *
hdf5_attribute_text(const struct hdf5_file *f, const char *path, const char *name, struct arena *a)
{
	size_t n;
	const char **texts = hdf5_attribute_texts(f, path, name, a, &n);

	return texts && n == 1 ? texts[0] : NULL;
}

size_t
hdf5_attribute_ints(
    const struct hdf5_file *f, const char *path, const char *name, int64_t *values, size_t n)
{
	hid_t id = attribute_open(f, path, name), type, space;
	H5T_class_t class;
	hssize_t there;
	size_t got = 0;

	if (id < 0)
		return 0;
	type = H5Aget_type(id);
	class = H5Tget_class(type);
	space = H5Aget_space(id);
	there = H5Sget_simple_extent_npoints(space);
	if (there > 0 && (size_t)there <= n && class == H5T_INTEGER &&
	    H5Aread(id, H5T_NATIVE_INT64, values) >= 0)
		got = (size_t)there;
	if (there == 1 && n && class == H5T_ENUM && H5Tget_size(type) == 1) {
		int8_t byte = 0;

		if (H5Aread(id, type, &byte) >= 0)
			got = 1;
		values[0] = byte;
	}
	H5Sclose(space);
	H5Tclose(type);
	H5Aclose(id);
	return got;
}

/* 5. Making datasets */

hid_t
hdf5_dataset_create(
    const struct hdf5_file *f, const char *path, hid_t type, hid_t space, hid_t list)
{
	hid_t own = list == H5P_DEFAULT ? H5Pcreate(H5P_DATASET_CREATE) : list, dataset;

	H5Pset_obj_track_times(own, false);
	dataset = H5Dcreate2(f->id, path, type, space, H5P_DEFAULT, own, H5P_DEFAULT);
	if (list == H5P_DEFAULT)
		H5Pclose(own);
	return dataset;
}
