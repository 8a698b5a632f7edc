/* Raw results of the reference's perturber, written by hand as pickle.dumps(..., 2) writes them. */

#include "reader_aid.h"

#include <stdlib.h>
#include <string.h>

#include "formats/perturbation_pickle.h"

#define BYTES(text) text, sizeof(text) - 1

/* Key (5, 'cell_emb'), ((5, 7), 'cell_emb'), (5, 9); values as doubles. */
#define CELL_EMB "X\x08\0\0\0cell_emb"
#define ONE_HALF "G?\xe0\0\0\0\0\0\0"
#define ONE "G?\xf0\0\0\0\0\0\0"
#define NAN_VALUE "G\x7f\xf8\0\0\0\0\0\0"
#define ENTRIES                                                  \
	"K\x05" CELL_EMB "\x86](" ONE_HALF "K\x01" NAN_VALUE "e" \
	"K\x05K\x07\x86" CELL_EMB "\x86](" ONE "e"               \
	"K\x05K\x09\x86]"

static const char plain[] = "\x80\x02}(" ENTRIES "u.";
static const char states[] = "\x80\x02}(X\x01\0\0\0A}(" ENTRIES "uX\x04\0\0\0goal}u.";
static const char triples[] = "\x80\x02}(K\x05" CELL_EMB "\x86](" ONE ONE_HALF ONE "\x87"
			      "eu.";

struct seen {
	size_t n, n_values, widest;
	int64_t tokens[8], affected[8];
	size_t n_tokens;
	double values[8];
};

static int
see(void *context, const struct pickle_entry *entry, struct err *e)
{
	struct seen *s = context;

	(void)e;
	s->affected[s->n++] = entry->affected;
	for (size_t i = 0; i < entry->n_perturbed; i++)
		s->tokens[s->n_tokens++] = entry->perturbed[i];
	for (size_t i = 0; i < entry->n * entry->width; i++)
		s->values[s->n_values++] = entry->values[i];
	s->widest = entry->width > s->widest ? entry->width : s->widest;
	return 0;
}

static struct perturbation_pickle *
open_bytes(const char *bytes, size_t size, struct err *e)
{
	char *folder = aid_make_folder(), *path = mem_printf("%s/x_raw.pickle", folder);
	struct perturbation_pickle *p;

	aid_write(folder, "x_raw.pickle", bytes, size);
	p = perturbation_pickle_open(path, e);
	aid_remove_folder(folder);
	free(path);
	return p;
}

static void
expect_entries(const struct perturbation_pickle *p)
{
	struct seen s = { 0 };
	struct err e = { 0 };

	assert_int_equal(perturbation_pickle_entries(p), 3);
	assert_int_equal(perturbation_pickle_visit(p, 0, see, &s, &e), 0);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.n_tokens, 4);
	assert_true(s.tokens[0] == 5 && s.tokens[1] == 5 && s.tokens[2] == 7 && s.tokens[3] == 5);
	assert_true(s.affected[0] == AFFECTED_CELL && s.affected[1] == AFFECTED_CELL);
	assert_int_equal(s.affected[2], 9);
	assert_int_equal(s.n_values, 4);
	assert_true(s.values[0] == 0.5 && s.values[1] == 1 && s.values[3] == 1);
	assert_true(s.values[2] != s.values[2]);
	assert_int_equal(s.widest, 1);
}

static void
reads_entries(void **state)
{
	struct err e = { 0 };
	struct perturbation_pickle *p = open_bytes(BYTES(plain), &e);

	(void)state;
	aid_expect_no_error(&e);
	assert_int_equal(perturbation_pickle_states(p), 0);
	expect_entries(p);
	perturbation_pickle_close(p);
}

static void
reads_states(void **state)
{
	struct err e = { 0 };
	struct perturbation_pickle *p = open_bytes(BYTES(states), &e);
	struct seen s = { 0 };
	size_t size;

	(void)state;
	aid_expect_no_error(&e);
	assert_int_equal(perturbation_pickle_states(p), 2);
	assert_memory_equal(perturbation_pickle_state(p, 1, &size), "goal", 4);
	assert_int_equal(size, 4);
	expect_entries(p);
	assert_int_equal(perturbation_pickle_visit(p, 1, see, &s, &e), 0);
	assert_int_equal(s.n, 0);
	perturbation_pickle_close(p);
}

static void
reads_tuples(void **state)
{
	struct err e = { 0 };
	struct perturbation_pickle *p = open_bytes(BYTES(triples), &e);
	struct seen s = { 0 };

	(void)state;
	aid_expect_no_error(&e);
	assert_int_equal(perturbation_pickle_visit(p, 0, see, &s, &e), 0);
	assert_true(s.n == 1 && s.widest == 3 && s.n_values == 3 && s.values[1] == 0.5);
	perturbation_pickle_close(p);
}

static void
reads_nothing(void **state)
{
	struct err e = { 0 };
	struct perturbation_pickle *p = open_bytes(BYTES("\x80\x02}."), &e);

	(void)state;
	aid_expect_no_error(&e);
	assert_int_equal(perturbation_pickle_entries(p), 0);
	assert_int_equal(perturbation_pickle_states(p), 0);
	perturbation_pickle_close(p);
}

static void
refuses(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *part;
	} cases[] = {
		{ BYTES("\x80\x02]."), "x_raw.pickle: holds a list, not a dictionary" },
		{ BYTES("\x80\x02}(X\1\0\0\0AK\1u."), "entry 0: not a state with its dictionary" },
		{ BYTES("\x80\x02}(X\1\0\0\0A}K\1}u."), "entry 1: not a state" },
		{ BYTES("\x80\x02}(K\1]u."), "entry 0: its key is not a pair" },
		{ BYTES("\x80\x02}(K\5" CELL_EMB "\x86" ONE "u."), "its value is not a list" },
		{ BYTES("\x80\x02}()" CELL_EMB "\x86]u."), "an empty group" },
		{ BYTES("\x80\x02}(N" CELL_EMB "\x86]u."), "neither a token nor a tuple" },
		{ BYTES("\x80\x02}(N\x85" CELL_EMB "\x86]u."), "not a tuple of tokens" },
		{ BYTES("\x80\x02}(J\xff\xff\xff\xff" CELL_EMB "\x86]u."), "neither a token nor" },
		{ BYTES("\x80\x02}(K\5X\3\0\0\0odd\x86]u."), "neither a token nor 'cell_emb'" },
		{ BYTES("\x80\x02}(K\5" CELL_EMB "\x86](Neu."), "not a list of numbers" },
		{ BYTES("\x80\x02}(K\5" CELL_EMB "\x86](" ONE ONE "\x86" ONE "eu."),
		    "not a list of numbers" },
		{ BYTES("\x80\x02}(K\5" CELL_EMB "\x86]()eu."), "empty or too long" },
		{ BYTES("\x80\x02}"), "truncated" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct seen s = { 0 };
		struct err e = { 0 };
		struct perturbation_pickle *p = open_bytes(cases[i].bytes, cases[i].size, &e);

		if (p)
			assert_int_equal(perturbation_pickle_visit(p, 0, see, &s, &e), -1);
		aid_expect_error(&e, cases[i].part);
		perturbation_pickle_close(p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_entries),
		cmocka_unit_test(reads_states),
		cmocka_unit_test(reads_tuples),
		cmocka_unit_test(reads_nothing),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
