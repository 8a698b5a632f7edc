/* plot_font.h - how wide a text is in Helvetica: what charts are laid out with.
 *
 * Widths: Adobe's Core 14 font metrics (Helvetica.afm, Helvetica-Bold.afm), in thousandths of the
 * font size; for characters that these do not have a guess by the kind of script. */

#ifndef FORMATS_PLOT_FONT_H
#define FORMATS_PLOT_FONT_H

#include <stdbool.h>

#include "base/mem.h"

#define FONT_CAP_HEIGHT 0.718 /* of capital letters, in font sizes */

/* The text as it can be shown, in the arena: well-formed UTF-8 without control characters and
 * noncharacters, '?' in their places. */
const char *font_clean(struct arena *a, const char *text);

/* The first character of a clean text that is not empty; returns its bytes. */
size_t font_character(const char *text, uint32_t *ret_character);

/* Width of a clean text in font sizes. *ret_is_known (may be NULL) is false where a guess is in
 * it. */
double font_width(const char *text, bool is_bold, bool *ret_is_known);

#endif
