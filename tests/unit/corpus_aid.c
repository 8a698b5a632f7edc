#include "corpus_aid.h"

#include <stdio.h>
#include <stdlib.h>

size_t
aid_cell(uint64_t row, int32_t *ret_ids)
{
	size_t n = 3 + row * 7 % 11;

	ret_ids[0] = 2;
	for (size_t k = 1; k + 1 < n; k++)
		ret_ids[k] = (int32_t)(4 + (row * 13 + k * 3) % (AID_TOKENS - 4));
	ret_ids[n - 1] = 3;
	return n;
}

struct genes *
aid_genes(size_t n)
{
	static const char *const special[] = { "<pad>", "<mask>", "<cls>", "<eos>" };
	struct arena a = { 0 };
	struct err e = { 0 };
	const char **names = arena_alloc(&a, n, sizeof(*names));
	struct genes *g;

	for (size_t i = 0; i < n; i++)
		names[i] = i < 4 ? special[i] : arena_printf(&a, "G%zu", i);
	g = genes_from_names(names, n, &e);
	aid_expect_no_error(&e);
	arena_free(&a);
	return g;
}

static struct schema *
token_schema(void)
{
	struct genes *g = aid_genes(AID_TOKENS);
	struct schema *s = schema_new();
	struct field item = field_int("item", 16, false);
	struct field fields[] = { field_utf8("cell"), field_list("input_ids", &item),
		field_int("length", 64, true), field_int("parity", 64, true) };

	for (size_t i = 0; i < 4; i++)
		schema_append(s, &fields[i]);
	metadata_set(s, &s->fields[1].metadata, "cells:vocabulary", genes_vocabulary(g, &s->arena));
	genes_free(g);
	return s;
}

static void
fill(struct batch *b, uint64_t first, size_t n)
{
	struct arena *a = &b->arena;
	uint16_t *ids = arena_alloc(a, 16 * n, sizeof(*ids));
	int32_t *offsets = arena_zero(a, n + 1, sizeof(*offsets)), cell[16];
	int64_t *lengths = arena_alloc(a, n, sizeof(*lengths));
	int64_t *parity = arena_alloc(a, n, sizeof(*parity));
	const char **names = arena_alloc(a, n, sizeof(*names));
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		size_t length = aid_cell(first + i, cell);

		for (size_t k = 0; k < length; k++)
			ids[used++] = (uint16_t)cell[k];
		offsets[i + 1] = (int32_t)used;
		lengths[i] = (int64_t)length;
		parity[i] = (int64_t)((first + i) % 2);
		names[i] = arena_printf(a, "cell%zu", (size_t)first + i);
	}
	b->rows = n;
	batch_append(b, array_from_texts(a, names, n));
	batch_append(b, array_list(a, n, offsets, array_fixed(used, ids)));
	batch_append(b, array_fixed(n, lengths));
	batch_append(b, array_fixed(n, parity));
}

void
aid_tokens(const char *path, uint64_t first, size_t n)
{
	static const struct cli_option none[] = { CLI_END };
	static const struct cli_program program = { .name = "test", .options = none };
	struct cli cli = { .program = &program, .options = &cli, .level = -1, .quiet = true };
	struct err e = { 0 };
	struct cells_writer *out = cells_create_at(&cli, path, KIND_TOKENS, token_schema(), &e);
	struct batch b = { 0 };

	fill(&b, first, n);
	aid_expect_no_error(&e);
	cells_write(out, &b, &e);
	cells_commit(out, &e);
	aid_expect_no_error(&e);
	batch_free(&b);
}

struct token_corpus *
aid_corpus(const struct token_corpus_options *o, size_t n, token_corpus_visit *visit, void *context)
{
	static const struct cli cli = { .quiet = true };
	char *folder = aid_make_folder(), *path = mem_printf("%s/tokens", folder);
	struct token_corpus *c = token_corpus_new(o);
	struct err e = { 0 };
	struct token_source *source;

	aid_tokens(path, 0, n);
	source = token_source_open(&cli, path, NULL, &e);
	aid_expect_no_error(&e);
	token_corpus_add(c, source, TOKEN_SET_TRAIN, visit, context, &e);
	aid_expect_no_error(&e);
	token_source_close(source);
	aid_remove_folder(folder);
	free(path);
	return c;
}
