/* output_folder.h - a folder of files that appears whole or not at all.
 *
 * Its files are written into a new folder beside the final name (on the same file system), which is
 * given that name at the end. A folder that has the name already is exchanged for the new one in
 * one step where the system can (Linux, local file systems); else it is moved aside first, so that
 * for a moment there is none of the name, but always a whole one, NAME.XXXXXX.old, beside it.
 * Whatever fails or ends the program before, the old folder is as it was and nothing else stays.
 *
 * What else somebody put into the old folder (notes, a log that is being written) goes over into
 * the new one. */

#ifndef BASE_OUTPUT_FOLDER_H
#define BASE_OUTPUT_FOLDER_H

#include <stdbool.h>

#include "base/err.h"

struct output_folder;

/* Starts a folder. With is_replaced, what has the name already may be a folder, which goes when the
 * new one is complete; else anything there is an error. NULL on failure, or when e is set. */
struct output_folder *output_folder_create(const char *path, bool is_replaced, struct err *e);

/* The path at which a file of the folder is to be written, with output_create or whatever else; it
 * lives as long as f. No folders within. */
const char *output_folder_file(struct output_folder *f, const char *name);

/* The new folder is not to have this file, though the old one may. */
void output_folder_drop(struct output_folder *f, const char *name);

/* Gives the folder its name. Frees f (NULL is fine); with e set before: removes what was written.
 * 0 or -1. */
int output_folder_commit(struct output_folder *f, struct err *e);

/* Frees f (NULL is fine) and removes what was written. */
void output_folder_abort(struct output_folder *f);

#endif
