/* plot_confusion.c - confusion matrices; see plot_confusion.h. */

#include "formats/plot_confusion.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "formats/plot_axis.h"
#include "formats/plot_legend.h"

/* Where everything goes. */
struct layout {
	struct box grid;
	double cell;        /* side of a field */
	double left, below; /* room for names */
	bool is_turned;     /* names below stand upright */
	struct box bar;
};

static const struct text_style plain;

static double
widest_name(struct canvas *c, const struct plot_confusion *p)
{
	double width = 0;

	for (size_t i = 0; i < p->n; i++)
		width = fmax(width, canvas_text_width(c, p->names[i], &plain));
	return width;
}

static const struct color_bar bar = { "Share", COLOR_BLUES, 0, 1 };

static struct layout
lay_out(struct canvas *c, const struct plot_confusion *p, struct box room)
{
	double em = canvas_font_size(c), cap = canvas_cap_height(c, 0), name = widest_name(c, p);
	double width = color_bar_width(c, &bar, room.width), axis = cap + 0.8 * em;
	double side;
	struct layout l = { .left = fmin(name, 0.35 * room.width) };

	/* Level names need fields wider than they are: tried first. */
	for (int turned = 0; turned < 2; turned++) {
		l.is_turned = turned;
		l.below = turned ? fmin(name, 0.35 * room.height) : cap;
		side = fmin(room.width - width - l.left - axis - 0.5 * em,
		    room.height - l.below - axis - 0.5 * em);
		l.cell = fmax(side, 10) / (double)p->n;
		if (name + 0.5 * em <= l.cell)
			break;
	}
	side = l.cell * (double)p->n;
	l.grid = (struct box){ room.x + l.left + axis + 0.5 * em, room.y, side, side };
	l.grid.x += fmax(0, (room.x + room.width - width - l.grid.x - side) / 2);
	l.bar = (struct box){ l.grid.x + side, room.y, width, side };
	return l;
}

static double
share_of(const struct plot_confusion *p, size_t row, size_t column)
{
	double sum = 0;

	for (size_t j = 0; j < p->n; j++)
		sum += p->counts[row * p->n + j];
	return sum > 0 ? p->counts[row * p->n + column] / sum : NAN;
}

static void
draw_numbers(struct canvas *c, const struct plot_confusion *p, size_t row, size_t column,
    struct box field, uint32_t color)
{
	double count = p->counts[row * p->n + column], share = share_of(p, row, column);
	double em = canvas_font_size(c),
	       size = fmin(em, fmin(field.height * 0.6, field.width / 2.2));
	struct text_style style = { .size = size,
		.color = color_of_text_on(color),
		.anchor = TEXT_MIDDLE,
		.level = TEXT_CENTERED };
	double x = field.x + field.width / 2, y = field.y + field.height / 2;
	char percent[32] = "", number[32];

	if (!isnan(share))
		snprintf(percent, sizeof(percent), "%.0f%%", 100 * share);
	snprintf(number, sizeof(number), "%.0f", count);
	if (size < 0.5 * em)
		return;
	if (p->shows_counts) {
		if (canvas_text_width(c, number, &style) < field.width)
			canvas_text(c, x, y, number, &style);
		return;
	}
	if (field.height > 3 * em) {
		struct text_style small = style;

		small.size = 0.85 * em;
		canvas_text(c, x, y + 0.75 * em, number, &small);
		y -= 0.5 * em;
	}
	canvas_text(c, x, y, percent, &style);
}

static void
draw_fields(struct canvas *c, const struct plot_confusion *p, const struct layout *l)
{
	static const struct paint edge = { PAINT_NONE, COLOR_INK, 0.75, 0, 0 };

	canvas_group_begin(c, "matrix");
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < p->n * p->n; i++) {
			size_t row = i / p->n, column = i % p->n;
			struct box field = { l->grid.x + (double)column * l->cell,
				l->grid.y + (double)row * l->cell, l->cell, l->cell };
			uint32_t color = color_map_at(COLOR_BLUES, share_of(p, row, column));
			struct paint paint = { color, COLOR_WHITE, fmin(0.5, 0.05 * l->cell), 0,
				0 };

			if (pass == 0)
				canvas_rect(c, field, &paint);
			else
				draw_numbers(c, p, row, column, field, color);
		}
	canvas_rect(c, l->grid, &edge);
	canvas_group_end(c);
}

/* Names of every step-th class, so that they do not touch. */
static void
draw_names(struct canvas *c, const struct plot_confusion *p, const struct layout *l)
{
	double em = canvas_font_size(c), bottom = l->grid.y + l->grid.height;
	size_t step = (size_t)ceil(1.15 * em * 0.8 / l->cell);
	struct text_style left = { .anchor = TEXT_END, .level = TEXT_CENTERED };
	struct text_style under = { .anchor = TEXT_MIDDLE, .level = TEXT_BELOW };

	if (l->is_turned)
		under =
		    (struct text_style){ .anchor = TEXT_END, .level = TEXT_CENTERED, .angle = 90 };
	if (l->cell < 1.15 * em)
		left.size = under.size = fmax(0.8 * em, l->cell / 1.15);
	for (size_t i = 0; i < p->n; i += step) {
		double middle = ((double)i + 0.5) * l->cell;

		canvas_text(c, l->grid.x - 0.4 * em, l->grid.y + middle,
		    canvas_fit_text(c, p->names[i], l->left, &left), &left);
		canvas_text(c, l->grid.x + middle, bottom + 0.4 * em,
		    canvas_fit_text(c, p->names[i], l->is_turned ? l->below : l->cell, &under),
		    &under);
	}
}

static void
draw_axes(struct canvas *c, const struct layout *l)
{
	double em = canvas_font_size(c);
	struct text_style under = { .anchor = TEXT_MIDDLE, .level = TEXT_BELOW };
	struct text_style left = { .anchor = TEXT_MIDDLE, .angle = 90 };

	canvas_text(c, l->grid.x + l->grid.width / 2,
	    l->grid.y + l->grid.height + 0.4 * em + l->below + 0.7 * em, "Predicted class", &under);
	canvas_text(c, l->grid.x - 0.4 * em - l->left - 0.7 * em, l->grid.y + l->grid.height / 2,
	    "True class", &left);
}

void
plot_confusion_draw(struct canvas *c, const struct plot_confusion *p)
{
	struct box room = frame_title(c, p->title);
	struct layout l = lay_out(c, p, room);

	draw_fields(c, p, &l);
	canvas_group_begin(c, "names");
	draw_names(c, p, &l);
	draw_axes(c, &l);
	canvas_group_end(c);
	color_bar_draw(c, &bar, l.bar);
}
