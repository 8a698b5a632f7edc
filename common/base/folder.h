/* folder.h - a folder and all that is in it. */

#ifndef BASE_FOLDER_H
#define BASE_FOLDER_H

#include "base/err.h"

/* Removes a folder with everything below it; links go, what they point at stays. A file is removed,
 * too, and it is no error where nothing has the name. Stops at the first that cannot be removed.
 * 0 or -1. */
int folder_remove(const char *path, struct err *e);

/* Makes `path` a link to `target`, in the place of a link that has the name: there is always the
 * one or the other. Anything else of the name is an error. 0 or -1. */
int folder_link(const char *path, const char *target, struct err *e);

#endif
