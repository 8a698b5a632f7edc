/* Tables of genes and classes as people write them. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include <stdio.h>
#include <unistd.h>

#include "formats/gene_classes.h"

/* The table read, or NULL with the error. */
static struct gene_classes *
read_table(const char *text, struct err *e)
{
	char path[] = "/tmp/gene_classes.XXXXXX";
	int fd = mkstemp(path);
	struct gene_classes *g;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	g = gene_classes_open(path, e);
	unlink(path);
	return g;
}

static void
expect(const char *text, const char *gene, const char *class)
{
	struct err e = { 0 };
	struct gene_classes *g = read_table(text, &e);
	ptrdiff_t at;
	size_t size;

	assert_non_null(g);
	at = gene_classes_find(g, gene, strlen(gene));
	assert_int_equal(at >= 0, class != NULL);
	if (class) {
		assert_memory_equal(gene_classes_class(g, (size_t)at, &size), class, strlen(class));
		assert_int_equal(size, strlen(class));
	}
	gene_classes_free(g);
}

static void
tables(void **state)
{
	(void)state;
	expect("G1,x\nG2,y\n", "G2", "y");
	expect("G1\tx, or so\nG2\ty", "G1", "x, or so");
	expect("Gene_ID,class,more\r\nG1,x,1\r\n\r\nG2,y,2\r\n", "G2", "y");
	expect("Gene_ID,class\nG1,x\n", "Gene_ID", NULL);
	expect("G1,\"a \"\"b\"\"\"\n", "G1", "a \"b\"");
	expect("G1\tx y\nG2\t\nG1\tx y\n", "G1", "x y");
	expect("G1\tx y\nG2\t\n", "G2", NULL);
	expect("G1,x\n", "G", NULL);
}

static void
refuse(const char *text, const char *what)
{
	struct err e = { 0 };

	assert_null(read_table(text, &e));
	assert_non_null(strstr(e.text, what));
}

static void
refusals(void **state)
{
	(void)state;
	refuse("", "no gene has a class");
	refuse("gene,class\n", "no gene has a class");
	refuse("G1\n", "line 1: no class");
	refuse("G1,x\nG1,y\n", "line 2: G1 has another class");
	refuse("G1,\"x\n", "line 1:");
	refuse("G1,x\nG2,\xff\n", "line 2: not UTF-8");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
