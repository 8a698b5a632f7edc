/* model_aid.c - see model_aid.h. */

#include "model_aid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct model *
open_fixture(const char *name)
{
	struct err e = { 0 };
	struct model *m = model_open(fixture(name), &e);

	aid_expect_no_error(&e);
	assert_non_null(m);
	return m;
}

struct copy
copy_start(const char *name)
{
	struct err e = { 0 };
	struct copy c = { .folder = aid_make_folder() };
	char path[100];

	snprintf(path, sizeof(path), "%s/model.safetensors", name);
	c.source = safetensors_open(fixture(path), &e);
	aid_expect_no_error(&e);
	const struct tensor *t = safetensors_tensors(c.source, &c.n);
	c.tensors = mem_alloc(c.n + 8, sizeof(*c.tensors));
	memcpy(c.tensors, t, c.n * sizeof(*t));
	snprintf(path, sizeof(path), "%s/config.json", name);
	struct buffer b = fixture_bytes(path);
	aid_write(c.folder, "config.json", b.data, b.size);
	buffer_free(&b);
	return c;
}

struct tensor *
copy_find(struct copy *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(c->tensors[i].name, name))
			return &c->tensors[i];
	fail_msg("no tensor %s", name);
	return NULL;
}

struct model *
copy_open(struct copy *c, struct err *e)
{
	struct err own = { 0 };
	char *path = mem_printf("%s/model.safetensors", c->folder);

	safetensors_write(path, c->tensors, c->n, NULL, &own);
	aid_expect_no_error(&own);
	free(path);
	return model_open(c->folder, e);
}

void
copy_end(struct copy *c)
{
	safetensors_close(c->source);
	free(c->tensors);
	arena_free(&c->arena);
	aid_remove_folder(c->folder);
}

void
expect_copy_refused(struct copy *c, const char *part)
{
	struct err e = { 0 };

	assert_null(copy_open(c, &e));
	aid_expect_error(&e, part);
	copy_end(c);
}
