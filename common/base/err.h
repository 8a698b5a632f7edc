/* err.h - failures of the user's world, carried up to main.
 *
 * A bad file, a bad option, a full disk: the function that meets it fills the caller's `struct err`
 * with one sentence and returns a failure; main prints it after the program's name and exits 1.
 * A broken invariant of our own code is not an error but an assert.
 *
 * The error is sticky: the first sentence stays, and the stream functions do nothing once it is
 * set. So a filter may open, read, write and finish without a test after each call; cells_finish
 * tells how it went. */

#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

struct err {
	bool is_set;
	char text[1000]; /* one line, no newline: "cells.arrows: batch 12: truncated body (...)" */
};

/* Sets the sentence unless one is set already. Control characters in it become '?', so that
 * names from a file cannot reach the terminal. Returns -1, so that `return err_set(e, ...)` reads
 * well. */
int err_set(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As err_set, with ": " and the text of errno behind the sentence. Returns -1. */
int err_sys(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Control characters (C0, delete, C1) in the text become '?'. */
void err_make_printable(char *text);

/* Puts "prefix: " before the sentence that is set; does nothing where none is. Returns -1. */
int err_prefix(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
