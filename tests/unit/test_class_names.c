/* Names of classes: those of config.json, of texts, and of pickles as Python writes them. */

#include <stdlib.h>
#include <string.h>

#include "nn/class_names.h"
#include "reader_aid.h"

static char *b_and_nk[] = { "B", "NK" };

/* A model of one head of two labels, or of tasks of two and three. */
static struct model
make_model(bool is_multitask)
{
	static struct model_head heads[] = { { .n_labels = 2 }, { .n_labels = 3 } };
	static char path[] = "nowhere";
	struct model m = { .head = heads, .n_heads_out = 1, .path = path };

	m.config.class = MODEL_SEQUENCE;
	if (is_multitask) {
		m.config.class = MODEL_MULTITASK;
		m.n_heads_out = 2;
	}
	return m;
}

static void
expect_name(const struct class_names *c, size_t task, size_t id, const char *expected)
{
	size_t size;
	const char *name = strings_get(c->tasks[task].names, id, &size);

	assert_int_equal(size, strlen(expected));
	assert_memory_equal(name, expected, size);
}

/* The names that a file of these bytes gives; NULL where it is refused. */
static struct class_names *
read_names(const struct model *m, const void *bytes, size_t size, struct err *e)
{
	char *folder = aid_make_folder(), *path = mem_printf("%s/names", folder);
	struct class_names *c;

	aid_write(folder, "names", bytes, size);
	c = class_names_open(m, path, e);
	free(path);
	aid_remove_folder(folder);
	return c;
}

static void
expect_refused(bool is_multitask, const void *bytes, size_t size, const char *part)
{
	struct model m = make_model(is_multitask);
	struct err e = { 0 };

	assert_null(read_names(&m, bytes, size, &e));
	aid_expect_error(&e, part);
}

#define REFUSED(is_multitask, bytes, part) \
	expect_refused(is_multitask, bytes, sizeof(bytes) - 1, part)

static void
names_without_a_file(void **state)
{
	struct model m = make_model(false);
	struct err e = { 0 };
	struct class_names *c = class_names_open(&m, NULL, &e);

	(void)state;
	aid_expect_no_error(&e);
	assert_int_equal(c->n_tasks, 1);
	assert_null(c->tasks[0].name);
	assert_string_equal(c->tasks[0].list, "LABEL_0\nLABEL_1");
	class_names_free(c);

	m.config.labels = b_and_nk;
	m.config.n_labels = 2;
	c = class_names_open(&m, NULL, &e);
	aid_expect_no_error(&e);
	expect_name(c, 0, 1, "NK");
	assert_string_equal(c->tasks[0].list, "B\nNK");
	class_names_free(c);

	m = make_model(true);
	c = class_names_open(&m, NULL, &e);
	aid_expect_no_error(&e);
	assert_int_equal(c->n_tasks, 2);
	assert_string_equal(c->tasks[1].name, "task2");
	assert_string_equal(c->tasks[1].list, "LABEL_0\nLABEL_1\nLABEL_2");
	class_names_free(c);
	class_names_free(NULL);
}

/* pickle.dumps of {1: "NK", 0: "B"} and {1: True, 0: -7}, protocol 2; texts with and without a
 * newline at their end. */
static void
reads_one_task(void **state)
{
	static const char pickle[] = "\x80\x02}(K\x01X\x02\0\0\0NKK\0X\x01\0\0\0Bu.";
	static const char odd[] = "\x80\x02}(K\x01\x88K\0J\xf9\xff\xff\xffu.";
	static const struct {
		const char *bytes;
		size_t size;
		const char *first, *second;
	} cases[] = {
		{ pickle, sizeof(pickle) - 1, "B", "NK" },
		{ odd, sizeof(odd) - 1, "-7", "true" },
		{ "B\nNK\n", 5, "B", "NK" },
		{ "CD4 T\n\xce\xb3\xce\xb4", 10, "CD4 T", "\xce\xb3\xce\xb4" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct model m = make_model(false);
		struct err e = { 0 };
		struct class_names *c = read_names(&m, cases[i].bytes, cases[i].size, &e);

		aid_expect_no_error(&e);
		expect_name(c, 0, 0, cases[i].first);
		expect_name(c, 0, 1, cases[i].second);
		class_names_free(c);
	}
}

/* {"cell": {"B": 1, "A": 0}, "age": {"x": 0, "y": 1, "z": 2}} */
#define TASKS                                                     \
	"\x80\x02}(X\x04\0\0\0cell}(X\x01\0\0\0BK\x01X\x01\0\0\0" \
	"AK\0uX\x03\0\0\0"                                        \
	"age}(X\x01\0\0\0xK\0X\x01\0\0\0yK\x01X\x01\0\0\0zK\x02uu."

static void
reads_tasks(void **state)
{
	static const char pickle[] = TASKS;
	struct model m = make_model(true);
	struct err e = { 0 };
	struct class_names *c = read_names(&m, pickle, sizeof(pickle) - 1, &e);

	(void)state;
	aid_expect_no_error(&e);
	assert_string_equal(c->tasks[0].name, "cell");
	assert_string_equal(c->tasks[0].list, "A\nB");
	assert_string_equal(c->tasks[1].name, "age");
	assert_string_equal(c->tasks[1].list, "x\ny\nz");
	class_names_free(c);
}

static void
refuses_other_classes(void **state)
{
	(void)state;
	REFUSED(false, "B\n", "names: no name for class 1 of 2");
	REFUSED(false, "", "names: no name for class 0 of 2");
	REFUSED(false, "B\nNK\nT\n", "class 2, but the model has the classes 0 to 1");
	REFUSED(false, "B\nB\n", "two classes are named B");
	REFUSED(false, "B\n\n", "an empty name");
	REFUSED(false, "B\nN\tK\n", "a control character");
	REFUSED(false, "B\n\xff\n", "no UTF-8");
	REFUSED(false, "\x80\x02}(K\x01X\x02\0\0\0NKK\x01X\x01\0\0\0Bu.", "class 1 is named twice");
	REFUSED(false, "\x80\x02}(K\x01X\x02\0\0\0NKJ\xff\xff\xff\xffX\x01\0\0\0Bu.",
	    "class -1, but the model has");
	REFUSED(false, "\x80\x02}(K\x01NK\0X\x01\0\0\0Bu.", "entry 0 is no class and its name");
	REFUSED(false, "\x80\x02]q\0.", "not a dictionary");
	REFUSED(false, TASKS, "entry 0 is no class and its name");
	REFUSED(false,
	    "\x80\x02"
	    "cos\nsystem\n.",
	    "names: byte");
	REFUSED(true, "B\nNK\n", "no pickle of the names of tasks");
	REFUSED(true, "\x80\x02}(K\x01X\x02\0\0\0NKu.", "not a dictionary of the model's 2 tasks");
	REFUSED(true, "\x80\x02}(K\x01}K\x02}u.", "the name of task 0 is no text");
	REFUSED(true, "\x80\x02}(X\x01\0\0\0aK\x01X\x01\0\0\0bK\x01u.",
	    "task a: holds an integer, not a dictionary");
	REFUSED(true, "\x80\x02}(X\x01\0\0\0a}X\x01\0\0\0b}u.", "task a: no name for class 0 of 2");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_without_a_file),
		cmocka_unit_test(reads_one_task),
		cmocka_unit_test(reads_tasks),
		cmocka_unit_test(refuses_other_classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
