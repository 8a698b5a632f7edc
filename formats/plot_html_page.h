/* plot_html_page.h - what is the same in every page of plot_html.h: its style, elements, script.
 *
 * The script (ECMAScript 2017, no library) reads the JSON block "data":
 *
 *	title, x_label, y_label   texts
 *	n                         points
 *	x, y                      base64 of n uint16: places in a square, 0 to 65,535, y upwards
 *	color                     number of the first column to be shown, or -1
 *	map                       colours of numbers, lowest first
 *	columns                   for each: name, bits and data (base64); of categories also names
 *and colors (code modulo their number; uintBITS, all ones: null), of numbers whole (floatBITS, NaN:
 *null)
 *
 * All numbers are little-endian. Points are drawn by the script into the pixels of one image, since
 * 100,000 shapes would take a canvas longer than a frame. */

#ifndef FORMATS_PLOT_HTML_PAGE_H
#define FORMATS_PLOT_HTML_PAGE_H

/* Lines, each without its end; the last is NULL. */
extern const char *const plot_html_style[];
extern const char *const plot_html_body[];
extern const char *const plot_html_script[];

#endif
