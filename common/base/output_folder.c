#define _GNU_SOURCE /* renameat2 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dirent.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/output_folder.h"

struct output_folder {
	char *path;      /* the final one */
	char *temporary; /* NULL: not made yet */
	bool is_replacing;
	size_t n_files;
	char **files; /* [n_files] on the list of unfinished files, as the folder is */
	size_t n_dropped;
	char **dropped; /* [n_dropped] names */
};

/* The path without slashes at its end; of a link to a folder, what it points at. */
static char *
final_path(const char *path)
{
	size_t n = strlen(path);
	char *plain, *target;

	while (n > 1 && path[n - 1] == '/')
		n--;
	plain = mem_strndup(path, n);
	target = realpath(plain, NULL);
	if (!target)
		return plain;
	free(plain);
	return target;
}

static int
check_old(struct output_folder *f, const char *name, bool is_replaced, struct err *e)
{
	struct stat st;

	if (lstat(f->path, &st))
		return errno == ENOENT ? 0 : err_sys(e, "%s", name);
	if (!is_replaced)
		return err_set(
		    e, "%s: exists already; remove it first, or choose another name", name);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, "%s: is not a folder", name);
	f->is_replacing = true;
	return 0;
}

static int
make(struct output_folder *f, const char *name, struct err *e)
{
	char *temporary = mem_printf("%s.XXXXXX", f->path);
	mode_t mask = umask(0);

	umask(mask);
	if (!mkdtemp(temporary)) {
		free(temporary);
		return err_sys(e, "%s", name);
	}
	f->temporary = temporary;
	io_unfinished_add(temporary);
	return chmod(temporary, 0777 & ~mask) ? err_sys(e, "%s", name) : 0;
}

struct output_folder *
output_folder_create(const char *path, bool is_replaced, struct err *e)
{
	struct output_folder *f;

	if (e->is_set)
		return NULL;
	if (!*path) {
		err_set(e, "'' is not the name of a folder");
		return NULL;
	}
	f = mem_zero(1, sizeof(*f));
	f->path = final_path(path);
	if (check_old(f, path, is_replaced, e) == 0 && make(f, path, e) == 0)
		return f;
	output_folder_abort(f);
	return NULL;
}

const char *
output_folder_file(struct output_folder *f, const char *name)
{
	char *path = mem_printf("%s/%s", f->temporary, name);

	io_unfinished_add(path);
	f->files = mem_resize(f->files, f->n_files, f->n_files + 1, sizeof(*f->files));
	f->files[f->n_files++] = path;
	return path;
}

void
output_folder_drop(struct output_folder *f, const char *name)
{
	f->dropped = mem_resize(f->dropped, f->n_dropped, f->n_dropped + 1, sizeof(*f->dropped));
	f->dropped[f->n_dropped++] = mem_strdup(name);
}

/* Removes a folder and the files in it; what cannot be removed stays. */
static void
remove_folder(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *entry;

	while (d && (entry = readdir(d))) {
		char *file = mem_printf("%s/%s", path, entry->d_name);

		unlink(file); /* "." and ".." and folders it does not */
		free(file);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

static bool
is_dropped(const struct output_folder *f, const char *name)
{
	for (size_t i = 0; i < f->n_dropped; i++)
		if (strcmp(f->dropped[i], name) == 0)
			return true;
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* What only the old folder has goes over; then that one goes. */
static void
take_over(const struct output_folder *f, const char *old)
{
	DIR *d = opendir(old);
	struct dirent *entry;

	while (d && (entry = readdir(d))) {
		char *from = mem_printf("%s/%s", old, entry->d_name);
		char *to = mem_printf("%s/%s", f->path, entry->d_name);
		struct stat st;

		if (!is_dropped(f, entry->d_name) && lstat(to, &st) && errno == ENOENT)
			rename(from, to);
		free(from);
		free(to);
	}
	if (d)
		closedir(d);
	remove_folder(old);
}

/* The two folders change their names. */
static int
exchange(struct output_folder *f, struct err *e)
{
	char *aside;

#ifdef RENAME_EXCHANGE
	if (renameat2(AT_FDCWD, f->temporary, AT_FDCWD, f->path, RENAME_EXCHANGE) == 0) {
		take_over(f, f->temporary);
		return 0;
	}
#endif
	aside = mem_printf("%s.old", f->temporary);
	if (rename(f->path, aside))
		err_sys(e, "%s: rename", f->path);
	else if (rename(f->temporary, f->path)) {
		err_sys(e, "%s: rename", f->path);
		if (rename(aside, f->path))
			err_prefix(e, "%s is whole, but is called %s now", f->path, aside);
	} else
		take_over(f, aside);
	free(aside);
	return e->is_set ? -1 : 0;
}

static void
forget(struct output_folder *f)
{
	for (size_t i = 0; i < f->n_files; i++) {
		io_unfinished_remove(f->files[i]);
		free(f->files[i]);
	}
	free(f->files);
	for (size_t i = 0; i < f->n_dropped; i++)
		free(f->dropped[i]);
	free(f->dropped);
	if (f->temporary)
		io_unfinished_remove(f->temporary);
	free(f->temporary);
	free(f->path);
	free(f);
}

int
output_folder_commit(struct output_folder *f, struct err *e)
{
	if (!f)
		return e->is_set ? -1 : 0;
	if (!e->is_set && f->is_replacing)
		exchange(f, e);
	else if (!e->is_set && rename(f->temporary, f->path))
		err_sys(e, "%s: rename", f->path);
	if (e->is_set) {
		output_folder_abort(f);
		return -1;
	}
	forget(f);
	return 0;
}

void
output_folder_abort(struct output_folder *f)
{
	if (!f)
		return;
	if (f->temporary)
		remove_folder(f->temporary);
	forget(f);
}
