/* plot_color.h - colours that colour-blind readers can tell apart.
 *
 * Categories: up to 7 the palette of Okabe and Ito ("Color Universal Design", 2008), without its
 * yellow, which is faint on white; above that a longer list, which begins with them, chosen
 * by us so that any two of its colours stay as far apart as possible for normal and for dichromatic
 * eyes (the unit test computes how far, with the matrices of Machado et al. 2009). Beyond its end
 * it repeats.
 *
 * Numbers: viridis (van der Walt and Smith 2015, CC0), the values published with matplotlib. Two
 * maps of our own are computed in Oklab (Ottosson 2020): white to dark blue, for shares and counts
 * with a number written on them, and blue - white - red, for values around 0. */

#ifndef FORMATS_PLOT_COLOR_H
#define FORMATS_PLOT_COLOR_H

#include <stddef.h>
#include <stdint.h>

enum { COLOR_INK = 0x000000, COLOR_GREY = 0x999999, COLOR_WHITE = 0xffffff };

enum { COLOR_FEW = 7, COLOR_MANY = 32 };

/* The colour of category i of n (i < n). */
uint32_t color_category(size_t i, size_t n);

/* For marks of which there is no value: null, NaN, "other". */
#define COLOR_MISSING 0xcccccc

enum color_map { COLOR_VIRIDIS, COLOR_BLUES, COLOR_BLUE_RED };

/* The colour of x from 0 to 1 (held to that range; NaN: COLOR_MISSING). */
uint32_t color_map_at(enum color_map map, double x);

/* Lightness L* (CIE 1976) of a colour, 0 to 100. */
double color_lightness(uint32_t rgb);

/* Black or white, whichever has the greater contrast with it. */
uint32_t color_of_text_on(uint32_t rgb);

#endif
