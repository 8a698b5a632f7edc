#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "formats/hf_dataset.h"
#include "formats/token_source.h"

struct token_source {
	char *name;
	struct cells_reader *stream; /* one of the two */
	struct hf_reader *folder;
};

struct token_source *
token_source_open(
    const struct cli *cli, const char *path, const struct genes *dictionary, struct err *e)
{
	struct token_source *s;
	struct stat st;

	if (e->is_set)
		return NULL;
	s = mem_zero(1, sizeof(*s));
	s->name = mem_strdup(strcmp(path, "-") == 0 ? "stdin" : path);
	if (strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		s->folder = hf_open(s->name, dictionary, e);
	else
		s->stream = cells_open(cli, path, KIND_TOKENS, e);
	if (!e->is_set)
		return s;
	token_source_close(s);
	return NULL;
}

const struct schema *
token_source_schema(const struct token_source *s)
{
	if (!s)
		return NULL;
	return s->folder ? hf_schema(s->folder) : cells_schema(s->stream);
}

const char *
token_source_name(const struct token_source *s)
{
	return s->name;
}

int
token_source_read(struct token_source *s, struct batch *b, struct err *e)
{
	return s->folder ? hf_read(s->folder, b, e) : cells_read(s->stream, b, e);
}

double
token_source_fraction(const struct token_source *s)
{
	return s->folder ? hf_fraction(s->folder) : cells_fraction(s->stream);
}

void
token_source_close(struct token_source *s)
{
	if (!s)
		return;
	hf_close(s->folder);
	cells_close(s->stream);
	free(s->name);
	free(s);
}
