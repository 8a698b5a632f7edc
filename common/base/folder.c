#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"
#include "base/mem.h"

static int
remove_entries(const char *path, struct err *e)
{
	DIR *d = opendir(path);
	struct dirent *entry;

	if (!d)
		return err_sys(e, "%s", path);
	while (!e->is_set && (entry = readdir(d))) {
		char *file;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		file = mem_printf("%s/%s", path, entry->d_name);
		folder_remove(file, e);
		free(file);
	}
	closedir(d);
	return e->is_set ? -1 : 0;
}

int
folder_remove(const char *path, struct err *e)
{
	struct stat st;
	bool is_folder;

	if (e->is_set)
		return -1;
	if (lstat(path, &st))
		return errno == ENOENT ? 0 : err_sys(e, "%s", path);
	is_folder = S_ISDIR(st.st_mode);
	if (is_folder && remove_entries(path, e))
		return -1;
	if ((is_folder ? rmdir(path) : unlink(path)) && errno != ENOENT)
		return err_sys(e, "%s: cannot be removed", path);
	return 0;
}

int
folder_link(const char *path, const char *target, struct err *e)
{
	char *temporary;
	struct stat st;

	if (e->is_set)
		return -1;
	if (lstat(path, &st) == 0 && !S_ISLNK(st.st_mode))
		return err_set(e, "%s: is there, and no link", path);
	temporary = mem_printf("%s.%ld", path, (long)getpid());
	unlink(temporary);
	if (symlink(target, temporary) || rename(temporary, path)) {
		err_sys(e, "%s", path);
		unlink(temporary);
	}
	free(temporary);
	return e->is_set ? -1 : 0;
}
