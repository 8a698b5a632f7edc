/* plot_svg.h - writes SVG 1.1: the canvas's own format.
 *
 * Shapes that follow one another with the same paint share one <g>, so that a hundred thousand
 * points cost a <circle> each and no more. Lengths have two decimals. */

#ifndef FORMATS_PLOT_SVG_H
#define FORMATS_PLOT_SVG_H

#include "formats/plot_canvas.h"

/* Zero-initialise to start; svg_free at the end. */
struct svg {
	struct buffer out;
	struct paint paint; /* of the open <g>, where has_paint */
	bool has_paint, is_line;
	bool has_clip;
	size_t n_clips;
	size_t n_groups; /* open */
};

void svg_start(struct svg *s, const struct canvas_page *page, const char *clean_title);
void svg_end(struct svg *s);
void svg_free(struct svg *s);

void svg_group_begin(struct svg *s, const char *name);
void svg_group_end(struct svg *s);
void svg_clip(struct svg *s, struct box b);
void svg_unclip(struct svg *s);

void svg_line(struct svg *s, double x0, double y0, double x1, double y1, const struct paint *paint);
/* Runs of finite points of a polyline, or one closed polygon. */
void svg_path(struct svg *s, const double *xs, const double *ys, size_t n, bool is_closed,
    const struct paint *paint);
void svg_rect(struct svg *s, struct box b, const struct paint *paint);
void svg_circle(struct svg *s, double x, double y, double radius, const struct paint *paint);

/* A PNG file as an image that fills b. */
void svg_image(struct svg *s, struct box b, const uint8_t *png, size_t size, bool is_smooth);

/* x, y: the baseline after the level was applied, in the rotated frame around (ox, oy). length: the
 * width it must have; 0: whatever it is. */
struct svg_text {
	double x, y, ox, oy, length;
	const char *clean;
	const struct text_style *style;
	double size;
};
void svg_text(struct svg *s, const struct svg_text *t);

#endif
