/* plot_legend.c - legends and colour bars; see plot_legend.h. */

#include "formats/plot_legend.h"

#include <math.h>
#include <stdio.h>

#include "formats/plot_axis.h"

/* All in font sizes. */
static const double line_height = 1.45, gap_before = 1.2, mark_width = 1.7, column_gap = 1.2,
		    title_height = 1.7;

/* How the entries are laid out. */
struct layout {
	size_t rows, columns; /* of entries */
	size_t n;             /* shown */
	double column_width;  /* mark and label */
	double width;         /* of all, the gap to the axes too */
};

static double
widest_label(struct canvas *c, const struct legend *l)
{
	double width = 0;

	for (size_t i = 0; i < l->n; i++)
		width = fmax(width, canvas_text_width(c, l->entries[i].label, NULL));
	return width;
}

static const char *
more_text(struct canvas *c, size_t n)
{
	return arena_printf(canvas_arena(c), "and %zu more", n);
}

/* As few columns as hold all entries; where `most` does not allow them, labels are cut down to six
 * font sizes, and then entries left out. */
static struct layout
lay_out(struct canvas *c, const struct legend *l, double height, double most)
{
	double em = canvas_font_size(c), room = most - gap_before * em;
	double label = widest_label(c, l), least = fmin(label, 6 * em), side;
	size_t rows =
	    (size_t)fmax(1, (height - (l->title ? title_height * em : 0)) / (line_height * em));
	size_t columns = (l->n + rows - 1) / rows;
	struct layout out;

	while (columns > 1 && (double)columns * (mark_width * em + least) +
				      (double)(columns - 1) * column_gap * em >
				  room)
		columns--;
	side = (room - (double)(columns - 1) * column_gap * em) / (double)columns;
	out.columns = columns;
	out.rows = columns == 1 && l->n < rows ? l->n : rows;
	out.n = l->n < rows * columns ? l->n : rows * columns;
	if (out.n < l->n)
		label = fmax(label, canvas_text_width(c, more_text(c, l->n - out.n + 1), NULL));
	out.column_width = fmin(mark_width * em + label, fmax(side, mark_width * em + 1.5 * em));
	out.width = gap_before * em + (double)columns * out.column_width +
		    (double)(columns - 1) * column_gap * em;
	if (l->title)
		out.width =
		    fmin(most, fmax(out.width,
				   gap_before * em + canvas_text_width(c, l->title,
							 &(struct text_style){ .is_bold = true })));
	return out;
}

double
legend_width(struct canvas *c, const struct legend *l, double height, double most)
{
	return l->n ? lay_out(c, l, height, most).width : 0;
}

static void
draw_mark(struct canvas *c, const struct legend_entry *entry, double x, double y)
{
	double em = canvas_font_size(c), half = 0.35 * em;
	struct paint fill = { .fill = entry->color };
	struct paint line = { .stroke = entry->color, .width = 1.5 };

	switch (entry->mark) {
	case LEGEND_POINT:
		canvas_circle(c, x + 0.6 * em, y, half, &fill);
		return;
	case LEGEND_PATCH:
		canvas_rect(c, (struct box){ x + 0.2 * em, y - half, 0.9 * em, 2 * half }, &fill);
		return;
	case LEGEND_DASHED:
		line.dash = 2.5;
		line.width = 1;
		break;
	case LEGEND_LINE:
		break;
	}
	canvas_line(c, x, y, x + 1.3 * em, y, &line);
}

static void
draw_title(struct canvas *c, const char *title, double x, double y, double width)
{
	struct text_style bold = { .is_bold = true, .level = TEXT_BELOW };

	canvas_text(c, x, y, canvas_fit_text(c, title, width, &bold), &bold);
}

void
legend_draw(struct canvas *c, const struct legend *l, struct box b)
{
	static const struct text_style style = { .level = TEXT_CENTERED };
	struct layout out = lay_out(c, l, b.height, b.width);
	double em = canvas_font_size(c), left = b.x + gap_before * em, top = b.y;
	size_t n = out.n < l->n ? out.n - 1 : out.n;

	if (l->n == 0)
		return;
	canvas_group_begin(c, "legend");
	if (l->title) {
		draw_title(c, l->title, left, top, b.width - gap_before * em);
		top += title_height * em;
	}
	for (size_t i = 0; i < out.n; i++) {
		double x = left + (double)(i / out.rows) * (out.column_width + column_gap * em);
		double y = top + ((double)(i % out.rows) + 0.5) * line_height * em;
		const char *label = l->entries[i].label;

		if (i < n)
			draw_mark(c, &l->entries[i], x, y);
		else
			label = more_text(c, l->n - n);
		canvas_text(c, x + mark_width * em, y,
		    canvas_fit_text(c, label, out.column_width - mark_width * em, &style), &style);
	}
	canvas_group_end(c);
}

/* -- colour bars -- */

enum { BAR_STEPS = 256 };

static void
choose_axis(const struct color_bar *bar, struct axis *a)
{
	axis_choose(a, bar->low, bar->high, 5);
}

double
color_bar_width(struct canvas *c, const struct color_bar *bar, double most)
{
	double em = canvas_font_size(c), label = 0, title = 0;
	struct text_style bold = { .is_bold = true };
	struct axis a;

	choose_axis(bar, &a);
	for (size_t i = 0; i < a.n_ticks; i++)
		label = fmax(label, canvas_text_width(c, a.labels[i], NULL));
	if (bar->title)
		title = canvas_text_width(c, bar->title, &bold);
	return fmin(most, gap_before * em + fmax(1.2 * em + 5 + label, title));
}

void
color_bar_draw(struct canvas *c, const struct color_bar *bar, struct box b)
{
	static const struct paint edge = { PAINT_NONE, COLOR_INK, 0.5, 0, 0 };
	static const struct text_style style = { .level = TEXT_CENTERED };
	double em = canvas_font_size(c), top = b.y;
	uint32_t pixels[BAR_STEPS];
	struct box strip;
	struct axis a;

	canvas_group_begin(c, "color-bar");
	if (bar->title) {
		draw_title(c, bar->title, b.x + gap_before * em, top, b.width - gap_before * em);
		top += title_height * em;
	}
	strip = (struct box){ b.x + gap_before * em, top, 1.2 * em,
		fmin(b.y + b.height - top, 14 * em) };
	for (size_t i = 0; i < BAR_STEPS; i++)
		pixels[i] = color_map_at(bar->map, 1 - ((double)i + 0.5) / BAR_STEPS);
	canvas_image(c, strip, pixels, 1, BAR_STEPS);
	canvas_rect(c, strip, &edge);
	choose_axis(bar, &a);
	for (size_t i = 0; i < a.n_ticks; i++) {
		double y = axis_place(&a, a.ticks[i], strip.y + strip.height, strip.y);

		canvas_line(c, strip.x + strip.width, y, strip.x + strip.width + 2, y, &edge);
		canvas_text(c, strip.x + strip.width + 4, y, a.labels[i], &style);
	}
	canvas_group_end(c);
}
