/* reader_aid.h - what the tests of the file readers share: fixtures and a folder for files. */

#ifndef TESTS_UNIT_READER_AID_H
#define TESTS_UNIT_READER_AID_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"

/* The path of a file of tests/unit/data/readers; the tests run in the root of the repository.
 * Valid until the third call after it. */
const char *fixture(const char *name);

/* A whole fixture in memory. The caller frees data. */
struct buffer fixture_bytes(const char *name);

/* A new folder under $TMPDIR; removed, with the files in it, by aid_remove_folder. */
char *aid_make_folder(void);
void aid_remove_folder(char *folder);

/* One for a test or a group of them, made before and removed after it: aid_folder. aid_path is
 * folder/new, which is not there at first. */
extern char *aid_folder, *aid_path;
int aid_begin_folder(void **state);
int aid_end_folder(void **state);

/* Writes folder/name. */
void aid_write(const char *folder, const char *name, const void *bytes, size_t n);

/* Fails the test unless an error with this text in it stands; clears it. */
void aid_expect_error(struct err *e, const char *part);

/* Fails the test with the error's text if one stands. */
void aid_expect_no_error(const struct err *e);

#endif
