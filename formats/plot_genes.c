/* plot_genes.c - volcanoes and rankings; see plot_genes.h.
 *
 * 1. Marks
 * 2. Frames
 * 3. Charts */

#include "formats/plot_genes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/plot_axis.h"
#include "formats/plot_labels.h"
#include "formats/plot_legend.h"

enum { COLOR_UP = 0xd55e00, COLOR_DOWN = 0x0072b2, COLOR_NEITHER = 0xb3b3b3 };
enum { MOST_SHAPES = 20000 };   /* more become one image */
enum { MOST_OBSTACLES = 1000 }; /* marks that names keep clear of */

#define MINUS_LOG "\xe2\x88\x92log\xe2\x82\x81\xe2\x82\x80 " /* -log10 */

#define NAME_HEIGHT 1.15 /* of names in a column, in font sizes */

static const double radius = 1.5;
static const struct text_style name_style = { .is_italic = true, .has_halo = true };

/* 1. Marks */

/* A gene on its way to the page. */
struct mark {
	const struct gene_effect *gene;
	size_t number; /* in the input */
	double x, y;   /* values, then on the page */
	uint32_t color;
};

static uint32_t
color_of(const struct gene_effect *g, double alpha)
{
	if (!(g->fdr <= alpha))
		return COLOR_NEITHER;
	return g->shift > 0 ? COLOR_UP : COLOR_DOWN;
}

static int
compare_numbers(double a, double b)
{
	return (a > b) - (a < b);
}

/* Falling shift, then as they came. */
static int
by_shift(const void *a, const void *b)
{
	const struct mark *p = a, *q = b;
	int order = compare_numbers(q->gene->shift, p->gene->shift);

	return order ? order : (p->number > q->number) - (p->number < q->number);
}

/* Significant ones first, then falling size of the shift. */
static int
by_importance(const void *a, const void *b)
{
	const struct mark *p = a, *q = b;
	int order = (p->color == COLOR_NEITHER) - (q->color == COLOR_NEITHER);

	if (!order)
		order = compare_numbers(fabs(q->gene->shift), fabs(p->gene->shift));
	return order ? order : (p->number > q->number) - (p->number < q->number);
}

/* Grey ones first, so that coloured ones lie above. */
static void
draw_marks(struct canvas *c, const struct frame *f, const struct mark *marks, size_t n)
{
	static const uint32_t order[] = { COLOR_NEITHER, COLOR_DOWN, COLOR_UP };

	canvas_group_begin(c, "points");
	if (n > MOST_SHAPES)
		canvas_raster_begin(c, box_inset(f->inside, -radius));
	for (size_t k = 0; k < 3; k++)
		for (size_t i = 0; i < n; i++) {
			struct paint paint = { .fill = marks[i].color, .clear = 0.2 };

			if (marks[i].color == order[k])
				canvas_circle(c, marks[i].x, marks[i].y, radius, &paint);
		}
	if (n > MOST_SHAPES)
		canvas_raster_end(c);
	canvas_group_end(c);
}

/* The first n of the marks by name; the names keep clear of the next ones, as far as they count. */
static void
name_marks(
    struct canvas *c, const struct frame *f, const struct mark *marks, size_t n, size_t n_all)
{
	struct label *labels = mem_zero(n, sizeof(*labels));
	struct box *others = mem_alloc(MOST_OBSTACLES, sizeof(*others));
	size_t n_others = 0;

	for (size_t i = n; i < n_all && n_others < MOST_OBSTACLES; i++)
		others[n_others++] = (struct box){ marks[i].x - radius, marks[i].y - radius,
			2 * radius, 2 * radius };
	for (size_t i = 0; i < n; i++)
		labels[i] = (struct label){ .text = marks[i].gene->name,
			.x = marks[i].x,
			.y = marks[i].y,
			.radius = radius + 0.5 };
	labels_place(c, labels, n, box_inset(f->inside, 1), others, n_others, &name_style);
	labels_draw(c, labels, n, &name_style);
	free(labels);
	free(others);
}

/* 2. Frames */

/* What the colours mean, with how many genes. */
static struct legend
make_legend(struct canvas *c, const struct mark *marks, size_t n, double alpha)
{
	struct arena *a = canvas_arena(c);
	struct legend_entry *entries = arena_alloc(a, 3, sizeof(*entries));
	size_t counts[3] = { 0, 0, 0 };

	for (size_t i = 0; i < n; i++)
		counts[marks[i].color == COLOR_UP ? 0 : marks[i].color == COLOR_DOWN ? 1 : 2]++;
	entries[0] =
	    (struct legend_entry){ arena_printf(a, "Up (%zu)", counts[0]), COLOR_UP, LEGEND_POINT };
	entries[1] = (struct legend_entry){ arena_printf(a, "Down (%zu)", counts[1]), COLOR_DOWN,
		LEGEND_POINT };
	entries[2] = (struct legend_entry){ arena_printf(a, "Neither (%zu)", counts[2]),
		COLOR_NEITHER, LEGEND_POINT };
	return (struct legend){ arena_printf(a, "FDR \xe2\x89\xa4 %g", alpha), 3, entries };
}

static void
choose_axes(const struct mark *marks, size_t n, struct frame *f, bool is_volcano)
{
	double low[2] = { 0, 0 }, high[2] = { 1, 1 };

	for (size_t i = 0; i < n; i++) {
		low[0] = i ? fmin(low[0], marks[i].x) : marks[i].x;
		high[0] = i ? fmax(high[0], marks[i].x) : marks[i].x;
		low[1] = i ? fmin(low[1], marks[i].y) : marks[i].y;
		high[1] = i ? fmax(high[1], marks[i].y) : marks[i].y;
	}
	axis_choose_margin(&f->x, low[0], high[0], 0.08, 6);
	if (is_volcano)
		axis_choose(&f->y, 0, high[1] > 0 ? 1.08 * high[1] : 1, 6);
	else
		axis_choose_margin(&f->y, low[1], high[1], 0.08, 6);
}

/* The frame with its legend; marks move to the page. */
static void
draw_frame(struct canvas *c, struct frame *f, const struct legend *l, struct mark *marks, size_t n)
{
	frame_draw(c, f);
	legend_draw(c, l, f->beside);
	for (size_t i = 0; i < n; i++) {
		marks[i].x = frame_x(f, marks[i].x);
		marks[i].y = frame_y(f, marks[i].y);
	}
}

/* What both charts begin with. */
static struct legend
start_frame(struct canvas *c, const struct plot_genes *p, const struct mark *marks, size_t n,
    struct frame *f, bool is_volcano)
{
	struct legend l = { .n = 0 };

	if (p->fdr)
		l = make_legend(c, marks, n, p->alpha);
	choose_axes(marks, n, f, is_volcano);
	f->title = p->title;
	f->right = legend_width(c, &l, canvas_height(c), 0.4 * canvas_width(c));
	return l;
}

/* A dashed line where a value lies, if it lies on the axis. */
static void
draw_threshold(struct canvas *c, const struct frame *f, bool is_upright, double value)
{
	static const struct paint line = { PAINT_NONE, COLOR_GREY, 0.6, 2.5, 0 };
	const struct axis *a = is_upright ? &f->x : &f->y;
	const struct box *in = &f->inside;

	if (!(value > a->min && value < a->max))
		return;
	if (is_upright)
		canvas_line(
		    c, frame_x(f, value), in->y, frame_x(f, value), in->y + in->height, &line);
	else
		canvas_line(
		    c, in->x, frame_y(f, value), in->x + in->width, frame_y(f, value), &line);
}

/* 3. Charts */

void
plot_volcano_draw(struct canvas *c, const struct plot_genes *p)
{
	struct frame f = { .x_label = p->shift,
		.y_label = arena_printf(canvas_arena(c), MINUS_LOG "%s", p->fdr) };
	struct mark *marks = mem_alloc(p->n, sizeof(*marks));
	double highest = 0;
	struct legend l;
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		if (p->genes[i].fdr >= 0)
			marks[n++] = (struct mark){ &p->genes[i], i, p->genes[i].shift,
				-log10(p->genes[i].fdr), color_of(&p->genes[i], p->alpha) };
	for (size_t i = 0; i < n; i++)
		if (isfinite(marks[i].y))
			highest = fmax(highest, marks[i].y);
	for (size_t i = 0; i < n; i++)
		marks[i].y = isfinite(marks[i].y) ? fmax(marks[i].y, 0) : 1.06 * highest + 0.01;
	l = start_frame(c, p, marks, n, &f, true);
	draw_frame(c, &f, &l, marks, n);
	draw_threshold(c, &f, true, 0);
	draw_threshold(c, &f, false, -log10(p->alpha));
	draw_marks(c, &f, marks, n);
	qsort(marks, n, sizeof(*marks), by_importance);
	name_marks(c, &f, marks, p->top < n ? p->top : n, n);
	free(marks);
}

/* Names beside one end of the falling curve: the first `top` marks to the left of it, the last to
 * the right, where the axis leaves room for them. */
static void
name_end(struct canvas *c, const struct frame *f, const struct mark *marks, size_t n, size_t top,
    bool is_last)
{
	static const struct paint line = { PAINT_NONE, COLOR_GREY, 0.4, 0, 0 };
	const struct mark *ends = is_last ? marks + n - top : marks;
	struct text_style style = name_style;
	double em = canvas_font_size(c), *y = mem_alloc(top, sizeof(*y));
	double low = f->inside.y + em, high = f->inside.y + f->inside.height - em;
	double away = is_last ? 1 : -1, x = marks[is_last ? n - 1 : 0].x + away * 2 * em;

	for (size_t i = 0; i < top; i++)
		y[i] = ends[i].y;
	labels_spread(y, top, NAME_HEIGHT * em, low, high);
	style.anchor = is_last ? TEXT_START : TEXT_END;
	style.level = TEXT_CENTERED;
	canvas_group_begin(c, "labels");
	for (size_t i = 0; i < top; i++)
		canvas_line(
		    c, ends[i].x + away * radius, ends[i].y, x - away * 0.2 * em, y[i], &line);
	for (size_t i = 0; i < top; i++)
		canvas_text(c, x, y[i], ends[i].gene->name, &style);
	canvas_group_end(c);
	free(y);
}

/* The width of a column of names with the lines to them. */
static double
column_width(struct canvas *c, const struct mark *marks, size_t n)
{
	double width = 0;

	for (size_t i = 0; i < n; i++)
		width = fmax(width, canvas_text_width(c, marks[i].gene->name, &name_style));
	return width + (n ? 2.5 : 0.5) * canvas_font_size(c);
}

/* Ranks 1 to n between two columns of `top` names. Returns how many names have room. */
static size_t
choose_ranks(struct canvas *c, struct frame *f, const struct mark *marks, size_t n, size_t top)
{
	double em = canvas_font_size(c), left, right, width, unit;
	size_t kept = 0;

	frame_lay_out(c, f);
	if ((double)top * NAME_HEIGHT * em > f->inside.height - em)
		top = (size_t)fmax(0, (f->inside.height - em) / (NAME_HEIGHT * em));
	left = column_width(c, marks, top);
	right = column_width(c, marks + n - top, top);
	width = fmax(f->inside.width - left - right, 0.2 * f->inside.width);
	unit = fmax((double)n - 1, 1) / width;
	axis_choose(&f->x, 1 - left * unit, (double)n + right * unit, 7);
	for (size_t i = 0; i < f->x.n_ticks; i++)
		if (f->x.ticks[i] >= 0 && f->x.ticks[i] <= (double)n) {
			f->x.ticks[kept] = f->x.ticks[i];
			memmove(f->x.labels[kept++], f->x.labels[i], AXIS_LABEL_SIZE);
		}
	f->x.n_ticks = kept;
	return top;
}

void
plot_ranked_draw(struct canvas *c, const struct plot_genes *p)
{
	struct frame f = { .x_label = "Rank", .y_label = p->shift };
	struct mark *marks = mem_alloc(p->n, sizeof(*marks));
	struct legend l;
	size_t n = p->n, top = p->top < n / 2 ? p->top : n / 2;

	for (size_t i = 0; i < n; i++)
		marks[i] = (struct mark){ &p->genes[i], i, 0, p->genes[i].shift,
			color_of(&p->genes[i], p->alpha) };
	qsort(marks, n, sizeof(*marks), by_shift);
	for (size_t i = 0; i < n; i++)
		marks[i].x = (double)i + 1;
	l = start_frame(c, p, marks, n, &f, false);
	top = choose_ranks(c, &f, marks, n, top);
	draw_frame(c, &f, &l, marks, n);
	draw_threshold(c, &f, false, 0);
	draw_marks(c, &f, marks, n);
	name_end(c, &f, marks, n, top, false);
	name_end(c, &f, marks, n, top, true);
	free(marks);
}
