/* plot_aid.h - what the tests of pictures share: columns from C arrays, and files read back. */

#ifndef PLOT_AID_H
#define PLOT_AID_H

#include "base/io.h"
#include "formats/plot_canvas.h"
#include "formats/plot_column.h"

/* Finished columns of n values; a NULL among texts, NAN among numbers is a null. Freed by
 * plot_column_free. */
struct plot_column plot_aid_texts(const char *name, const char *const *texts, size_t n);
struct plot_column plot_aid_numbers(const char *name, const double *numbers, size_t n);

/* A temporary file to write to, and after that its bytes with a NUL behind them, which the caller
 * frees; the file is gone then. */
struct output *plot_aid_create(void);
char *plot_aid_bytes(struct output *out);

/* Ends the page; its bytes, which the caller frees. */
char *plot_aid_finish(struct canvas *c);

/* Fails where the text is not in the picture. */
void plot_aid_expect(const char *picture, const char *wanted);

/* How often a text occurs in another one. */
size_t plot_aid_count(const char *text, const char *wanted);

#endif
