#include <stdlib.h>

#include "base/mem.h"
#include "base/name_list.h"

int
name_list_split(const char *list, char ***ret_names, size_t *ret_n, struct err *e)
{
	struct buffer name = { 0 };

	*ret_names = NULL;
	*ret_n = 0;
	for (const char *p = list; p && !e->is_set; p++) {
		if (*p == '\\' && p[1] == ',') {
			buffer_add(&name, ++p, 1);
		} else if (*p && *p != ',') {
			buffer_add(&name, p, 1);
		} else if (!name.size) {
			err_set(e, "'%s': an empty name", list);
		} else {
			*ret_names =
			    mem_resize(*ret_names, *ret_n, *ret_n + 1, sizeof(**ret_names));
			(*ret_names)[(*ret_n)++] = mem_strndup((char *)name.data, name.size);
			name.size = 0;
			if (!*p)
				break;
		}
	}
	buffer_free(&name);
	return e->is_set ? -1 : 0;
}

void
name_list_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}
