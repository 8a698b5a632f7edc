/* name_list.h - a list of names in one option: "donor,cell type,a\,b". */

#ifndef BASE_NAME_LIST_H
#define BASE_NAME_LIST_H

#include <stddef.h>

#include "base/err.h"

/* Splits a list at its commas ("\," is a comma of a name). *ret_names: [*ret_n], the caller's to
 * free with name_list_free, after a failure too. NULL gives none. -1 with e set where a name is
 * empty. */
int name_list_split(const char *list, char ***ret_names, size_t *ret_n, struct err *e);
void name_list_free(char **names, size_t n);

#endif
