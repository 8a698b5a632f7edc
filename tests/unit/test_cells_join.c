/* Where new columns go, what they may be called, and what happens to rows without a match. */

#include <stdio.h>
#include <string.h>

#include "formats/cells_join.h"
#include "formats/text_value.h"
#include "reader_aid.h"

/* Three rows: donor a b null, n 1 2 3. */
static const char *const donors[] = { "a", "b", NULL };
static const int32_t numbers[] = { 1, 2, 3 };

static char *folder;
static char path[300];
static struct schema *schema;

static int
make_rows(void **state)
{
	static const char table[] = "donor,x,n\na,1.5,7\n,2,8\nz,3,9\n";
	struct field donor = field_utf8("donor"), n = field_int("n", 32, true);

	(void)state;
	folder = aid_make_folder();
	snprintf(path, sizeof(path), "%s/table", folder);
	aid_write(folder, "table", table, sizeof(table) - 1);
	schema = schema_new();
	schema_append(schema, &donor);
	schema_append(schema, &n);
	return 0;
}

static int
free_rows(void **state)
{
	(void)state;
	aid_remove_folder(folder);
	schema_free(schema);
	return 0;
}

static struct batch
three_rows(void)
{
	struct batch b = { .rows = 3 };

	batch_append(&b, array_from_texts(&b.arena, donors, 3));
	batch_append(&b, array_fixed(3, numbers));
	return b;
}

/* "NAME value value; ..." of all columns. */
static void
expect(struct join_options o, const char *expected)
{
	struct err e = { 0 };
	struct batch b = three_rows();
	struct buffer got = { 0 };
	struct join *j;

	o.table = path;
	j = join_plan(schema, &o, &e);
	aid_expect_no_error(&e);
	assert_int_equal(join_batch(j, &b, &e), 0);
	assert_int_equal(b.n_columns, join_schema(j)->n_fields);
	for (size_t i = 0; i < b.n_columns; i++) {
		const struct field *f = &join_schema(j)->fields[i];

		buffer_add(&got, "; ", i ? 2 : 0);
		buffer_add(&got, f->name, strlen(f->name));
		assert_int_equal(b.columns[i].length, b.rows);
		for (size_t row = 0; row < b.rows; row++) {
			buffer_add(&got, " ", 1);
			text_short(&got, f, &b.columns[i], row, 1);
		}
	}
	buffer_add(&got, "", 1);
	assert_string_equal((char *)got.data, expected);
	assert_int_equal(join_count(j).rows, 3);
	join_free(j);
	buffer_free(&got);
	batch_free(&b);
}

static void
columns(void **state)
{
	(void)state;
	expect((struct join_options){ .keys = "donor", .columns = "x" },
	    "donor a b null; n 1 2 3; x 1.5 null 2");
	expect((struct join_options){ .keys = "donor", .is_replacing = true },
	    "donor a b null; n 7 null 8; x 1.5 null 2");
	expect(
	    (struct join_options){
		.keys = "donor", .columns = "x=donor,n=m", .is_replacing = true },
	    "donor 1.5 null 2; n 1 2 3; m 7 null 8");
	expect((struct join_options){ .keys = "donor", .columns = "donor=again,x=a\\,b\\=c" },
	    "donor a b null; n 1 2 3; again a null null; a,b=c 1.5 null 2");
	expect((struct join_options){ .keys = "donor", .columns = "x=length" },
	    "donor a b null; n 1 2 3; obs.length 1.5 null 2");
	expect((struct join_options){ .keys = "donor", .columns = "x", .unmatched = JOIN_DROP },
	    "donor a null; n 1 3; x 1.5 2");
}

static void
constants(void **state)
{
	(void)state;
	expect((struct join_options){ .constants = "set=k=1,b\\=c=d\\,e" },
	    "donor a b null; n 1 2 3; set k=1 k=1 k=1; b=c d,e d,e d,e");
	expect((struct join_options){ .constants = "donor=z", .is_replacing = true },
	    "donor z z z; n 1 2 3");
	expect(
	    (struct join_options){ .constants = "which=z", .keys = "which=donor", .columns = "x" },
	    "donor a b null; n 1 2 3; which z z z; x 3 3 3");
	expect(
	    (struct join_options){
		.constants = "donor=z", .keys = "donor", .columns = "x", .is_replacing = true },
	    "donor z z z; n 1 2 3; x 3 3 3");
}

static void
counts(void **state)
{
	struct join_options o = { .keys = "donor", .columns = "x", .table = path };
	struct err e = { 0 };
	struct batch b = three_rows();
	struct join *j = join_plan(schema, &o, &e);
	struct join_counts n;

	(void)state;
	assert_int_equal(join_batch(j, &b, &e), 0);
	n = join_count(j);
	assert_int_equal(n.rows, 3);
	assert_int_equal(n.unmatched, 1);
	assert_string_equal(n.first_unmatched, "donor 'b'");
	assert_int_equal(n.table_rows, 3);
	assert_int_equal(n.unused, 1);
	assert_int_equal(strlen(join_hash(j)), 32);
	join_free(j);
	batch_free(&b);
	b = three_rows();
	o.unmatched = JOIN_REFUSE;
	j = join_plan(schema, &o, &e);
	assert_int_equal(join_batch(j, &b, &e), -1);
	aid_expect_error(&e, "no row of the table has donor 'b'");
	join_free(j);
	batch_free(&b);
}

static void
refuse(struct join_options o, const char *reason)
{
	struct err e = { 0 };

	o.table = path;
	assert_null(join_plan(schema, &o, &e));
	aid_expect_error(&e, reason);
}

static void
refusals(void **state)
{
	(void)state;
	refuse((struct join_options){ .keys = "donor" }, "there is a column n already");
	refuse((struct join_options){ .keys = "doner" }, "no column doner; did you mean donor?");
	refuse((struct join_options){ .keys = "donor,," }, "an empty name");
	refuse((struct join_options){ .keys = "donor", .columns = "x=" }, "without a name");
	refuse((struct join_options){ .keys = "donor", .columns = "x,n=x" }, "two new columns x");
	refuse((struct join_options){ .constants = "a" }, "--set 'a': NAME=VALUE is expected");
	refuse((struct join_options){ .constants = "a=" }, "NAME=VALUE is expected");
	refuse((struct join_options){ .constants = "=a" }, "NAME=VALUE is expected");
	refuse((struct join_options){ .constants = "a=1,a=2" }, "there is a column a already");
	refuse((struct join_options){ .constants = "n=1" }, "there is a column n already");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns),
		cmocka_unit_test(constants),
		cmocka_unit_test(counts),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, make_rows, free_rows);
}
