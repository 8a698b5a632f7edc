/* plot_curves.c - curves; see plot_curves.h. */

#include "formats/plot_curves.h"

#include <math.h>

#include "formats/plot_legend.h"

static void
choose_axes(const struct plot_curves *p, struct frame *f)
{
	double low[2] = { 0, 0 }, high[2] = { 1, 1 };
	bool has_any[2] = { false, false };

	for (size_t i = 0; i < 2 * p->n && !p->is_unit; i++) {
		const struct plot_curve *curve = &p->curves[i / 2];
		double from, to;
		size_t k = i % 2;

		if (!axis_range(k ? curve->y : curve->x, curve->n, &from, &to))
			continue;
		low[k] = has_any[k] ? fmin(low[k], from) : from;
		high[k] = has_any[k] ? fmax(high[k], to) : to;
		has_any[k] = true;
	}
	if (p->x_low < p->x_high) {
		low[0] = has_any[0] ? fmin(low[0], p->x_low) : p->x_low;
		high[0] = has_any[0] ? fmax(high[0], p->x_high) : p->x_high;
	}
	if (p->is_unit) {
		axis_choose(&f->x, 0, 1, 6);
		axis_choose(&f->y, 0, 1, 6);
	} else {
		axis_choose_margin(&f->x, low[0], high[0], 0.02, 6);
		axis_choose_margin(&f->y, low[1], high[1], 0.04, p->area.width > 0 ? 4 : 6);
	}
}

static struct legend
make_legend(struct canvas *c, const struct plot_curves *p)
{
	struct legend_entry *entries = arena_alloc(canvas_arena(c), p->n, sizeof(*entries));

	for (size_t i = 0; i < p->n; i++)
		entries[i] = (struct legend_entry){ p->curves[i].label, p->curves[i].color,
			p->curves[i].is_dashed ? LEGEND_DASHED : LEGEND_LINE };
	return (struct legend){ p->legend, p->n, entries };
}

static struct box
area_of(struct canvas *c, const struct plot_curves *p)
{
	return p->area.width > 0 ? p->area
				 : (struct box){ 0, 0, canvas_width(c),
					   canvas_height(c) - 6 * canvas_font_size(c) };
}

double
plot_curves_right(struct canvas *c, const struct plot_curves *p)
{
	struct legend l = make_legend(c, p);
	struct box area = area_of(c, p);

	return legend_width(c, &l, area.height, 0.45 * area.width);
}

double
plot_curves_left(struct canvas *c, const struct plot_curves *p)
{
	struct frame f = { 0 };

	choose_axes(p, &f);
	return axis_label_width(c, &f.y);
}

static void
draw_curve(struct canvas *c, const struct frame *f, const struct plot_curve *curve)
{
	struct arena a = { 0 };
	double *xs = arena_alloc(&a, curve->n, sizeof(*xs));
	double *ys = arena_alloc(&a, curve->n, sizeof(*ys));
	struct paint line = { PAINT_NONE, curve->color, curve->is_dashed ? 1 : 1.4,
		curve->is_dashed ? 2.5 : 0, 0 };
	struct paint dot = { .fill = curve->color };

	for (size_t i = 0; i < curve->n; i++) {
		xs[i] = frame_x(f, curve->x[i]);
		ys[i] = frame_y(f, curve->y[i]);
	}
	if (curve->n)
		canvas_polyline(c, xs, ys, curve->n, &line);
	for (size_t i = 0; i < curve->n && curve->has_points; i++)
		if (isfinite(xs[i]) && isfinite(ys[i]))
			canvas_circle(c, xs[i], ys[i], 1.6, &dot);
	arena_free(&a);
}

void
plot_curves_draw(struct canvas *c, const struct plot_curves *p)
{
	static const struct paint guess = { PAINT_NONE, COLOR_GREY, 0.75, 3, 0 };
	struct legend l = make_legend(c, p);
	struct frame f = { .title = p->title,
		.x_label = p->x_label,
		.y_label = p->y_label,
		.right = fmax(p->right, plot_curves_right(c, p)),
		.left = p->left,
		.area = p->area,
		.has_no_x = p->has_no_x,
		.is_square = p->is_unit,
		.has_grid = true };

	choose_axes(p, &f);
	frame_draw(c, &f);
	canvas_group_begin(c, "curves");
	canvas_clip(c, box_inset(f.inside, -0.5));
	if (p->has_diagonal)
		canvas_line(c, f.inside.x, f.inside.y + f.inside.height,
		    f.inside.x + f.inside.width, f.inside.y, &guess);
	for (size_t i = p->n; i-- > 0;)
		draw_curve(c, &f, &p->curves[i]);
	canvas_unclip(c);
	canvas_group_end(c);
	legend_draw(c, &l, f.beside);
}
