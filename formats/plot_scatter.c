/* plot_scatter.c - see plot_scatter.h.
 *
 * 1. Points: size, transparency, order, colour
 * 2. Names at the groups
 * 3. Legends
 * 4. The picture */

#include "formats/plot_scatter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "formats/plot_axis.h"
#include "formats/plot_labels.h"
#include "formats/plot_legend.h"

enum {
	MOST_SHAPES = 20000, /* more points become one image */
	MOST_NAMES = 14,     /* more groups get a legend */
};

static const struct text_style name_style = { .is_bold = true, .has_halo = true };

/* 1. Points */

double
plot_scatter_radius(size_t n, double area)
{
	double r = n ? 0.2 * sqrt(area / (double)n) : 0;

	return fmin(fmax(r, 0.45), 3);
}

double
plot_scatter_clear(size_t n)
{
	return fmin(fmax(0.1 * log10((double)n + 1) - 0.1, 0), 0.5);
}

/* The ends of a colour bar; false where there is no number. */
static bool
color_range(const struct plot_column *column, double *ret_low, double *ret_high)
{
	return axis_range(column->numbers, column->n, ret_low, ret_high);
}

static bool
is_null(const struct plot_column *column, size_t i)
{
	if (!column)
		return false;
	return column->is_numbers ? isnan(column->numbers[i]) : column->codes[i] < 0;
}

/* The colours of all points; freed by the caller. */
static uint32_t *
colors_of(const struct plot_scatter *s)
{
	const struct plot_column *column = s->color;
	uint32_t *colors = mem_alloc(s->n, sizeof(*colors));
	double low = 0, high = 0;

	if (column && column->is_numbers)
		color_range(column, &low, &high);
	for (size_t i = 0; i < s->n; i++) {
		if (is_null(column, i))
			colors[i] = COLOR_MISSING;
		else if (!column)
			colors[i] = color_category(0, 1);
		else if (!column->is_numbers)
			colors[i] = color_category((size_t)column->codes[i], column->names->n);
		else
			colors[i] = color_map_at(COLOR_VIRIDIS,
			    high > low ? (column->numbers[i] - low) / (high - low) : 0.5);
	}
	return colors;
}

/* All points in an order of chance, nulls first. */
static size_t *
order_of(const struct plot_scatter *s)
{
	size_t *order = mem_alloc(s->n, sizeof(*order)), n_nulls = 0;
	struct random r = random_start(0, 0);

	for (size_t i = 0; i < s->n; i++)
		order[i] = i;
	random_shuffle(&r, order, s->n);
	for (size_t i = 0; i < s->n; i++)
		if (is_null(s->color, order[i])) {
			size_t null = order[i];

			order[i] = order[n_nulls];
			order[n_nulls++] = null;
		}
	return order;
}

static void
draw_points(struct canvas *c, const struct frame *f, const struct plot_scatter *s)
{
	double area = f->inside.width * f->inside.height;
	double radius = s->size > 0 ? s->size : plot_scatter_radius(s->n, area);
	double clear = plot_scatter_clear(s->n);
	uint32_t *colors = colors_of(s);
	size_t *order = order_of(s);

	canvas_group_begin(c, "points");
	if (s->n > MOST_SHAPES)
		canvas_raster_begin(c, f->inside);
	for (size_t k = 0; k < s->n; k++) {
		size_t i = order[k];
		struct paint paint = { .fill = colors[i], .clear = clear };

		canvas_circle(c, frame_x(f, s->x[i]), frame_y(f, s->y[i]), radius, &paint);
	}
	if (s->n > MOST_SHAPES)
		canvas_raster_end(c);
	canvas_group_end(c);
	free(colors);
	free(order);
}

/* 2. Names at the groups */

static const char *
name_of(struct canvas *c, const struct plot_column *column, size_t code)
{
	size_t size;
	const char *name = strings_get(column->names, code, &size);

	return size ? arena_printf(canvas_arena(c), "%.*s", (int)size, name) : "(empty)";
}

static int
by_number(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *x, size_t n)
{
	qsort(x, n, sizeof(*x), by_number);
	return x[n / 2];
}

/* The point of the group that is nearest to its median in x and in y: a place in its midst, though
 * the group may be bent. On the page. */
static void
find_middle(const struct frame *f, const struct plot_scatter *s, int32_t code, struct label *l)
{
	double *xs = mem_alloc(s->n, sizeof(*xs)), *ys = mem_alloc(s->n, sizeof(*ys));
	double x, y, least = INFINITY;
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->color->codes[i] == code) {
			xs[n] = frame_x(f, s->x[i]);
			ys[n++] = frame_y(f, s->y[i]);
		}
	x = median(xs, n);
	y = median(ys, n);
	for (size_t i = 0; i < s->n; i++) {
		double px = frame_x(f, s->x[i]), py = frame_y(f, s->y[i]);

		if (s->color->codes[i] == code && hypot(px - x, py - y) < least) {
			least = hypot(px - x, py - y);
			l->x = px;
			l->y = py;
		}
	}
	free(xs);
	free(ys);
}

/* Whether the points around a name tell what it names: most of them belong to the group, or five
 * times as many as anywhere. */
static bool
is_at_home(const struct frame *f, const struct plot_scatter *s, int32_t code, const struct label *l,
    double distance)
{
	size_t n = 0, n_own = 0, n_all_own = 0;

	for (size_t i = 0; i < s->n; i++) {
		bool is_own = s->color->codes[i] == code;
		double dx = frame_x(f, s->x[i]) - l->x, dy = frame_y(f, s->y[i]) - l->y;

		n_all_own += is_own;
		if (hypot(dx, dy) < distance) {
			n++;
			n_own += is_own;
		}
	}
	return 5 * n_own > 3 * n ||
	       (double)n_own / (double)n > 5 * (double)n_all_own / (double)s->n;
}

/* Whether a name on its point would hide as much as a quarter of its group, its own points or
 * others. */
static bool
hides_points(struct canvas *c, const struct frame *f, const struct plot_scatter *s, int32_t code,
    const struct label *l)
{
	double width = canvas_text_width(c, l->text, &name_style) / 2;
	double height = canvas_font_size(c) / 2;
	size_t n = 0, n_hidden = 0;

	for (size_t i = 0; i < s->n; i++) {
		n += s->color->codes[i] == code;
		n_hidden += fabs(frame_x(f, s->x[i]) - l->x) < width &&
			    fabs(frame_y(f, s->y[i]) - l->y) < height;
	}
	return 4 * n_hidden > n;
}

/* Boxes that hold all points, on a grid of half a font size, behind the n that are there. */
static size_t
add_points(struct canvas *c, const struct frame *f, const struct plot_scatter *s,
    struct box **ret_boxes, size_t n)
{
	double side = canvas_font_size(c) / 2;
	size_t columns = (size_t)(f->inside.width / side) + 1;
	size_t rows = (size_t)(f->inside.height / side) + 1;
	bool *is_taken = mem_zero(columns * rows, sizeof(*is_taken));

	*ret_boxes = mem_resize(*ret_boxes, n, n + columns * rows, sizeof(**ret_boxes));
	for (size_t i = 0; i < s->n; i++) {
		size_t column = (size_t)((frame_x(f, s->x[i]) - f->inside.x) / side);
		size_t row = (size_t)((frame_y(f, s->y[i]) - f->inside.y) / side);

		is_taken[row * columns + column] = true;
	}
	for (size_t i = 0; i < columns * rows; i++)
		if (is_taken[i])
			(*ret_boxes)[n++] =
			    (struct box){ f->inside.x + side * (double)(i % columns),
				    f->inside.y + side * (double)(i / columns), side, side };
	free(is_taken);
	return n;
}

/* Names of large groups go onto them; the others beside theirs, where no points are if possible.
 * Returns how many found a place. */
static size_t
find_places(struct canvas *c, const struct frame *f, const struct plot_scatter *s,
    struct label *labels, size_t n_centered)
{
	size_t n = s->color->names->n - n_centered, n_placed, n_beside, n_boxes;
	struct box *boxes = mem_alloc(n + n_centered, sizeof(*boxes));
	struct label *beside = labels + n_centered;

	for (size_t i = 0; i < n; i++) {
		double r = beside[i].radius;

		boxes[i] = (struct box){ beside[i].x - r, beside[i].y - r, 2 * r, 2 * r };
	}
	n_placed = labels_place(c, labels, n_centered, f->inside, boxes, n, &name_style);
	for (size_t i = 0; i < n_centered; i++)
		boxes[i] = labels[i].box;
	n_boxes = add_points(c, f, s, &boxes, n_centered);
	n_beside = labels_place(c, beside, n, f->inside, boxes, n_boxes, &name_style);
	if (n_beside < n)
		n_beside = labels_place(c, beside, n, f->inside, boxes, n_centered, &name_style);
	free(boxes);
	return n_placed + n_beside;
}

/* The names into labels [number of categories]; whether all of them stand well. */
static bool
place_names(
    struct canvas *c, const struct frame *f, const struct plot_scatter *s, struct label *labels)
{
	size_t n = s->color->names->n, n_centered = 0, n_beside = 0;
	double em = canvas_font_size(c);
	bool is_good = true;

	for (size_t code = 0; code < n; code++) {
		struct label l = { .text = name_of(c, s->color, code), .radius = 0.4 * em };

		find_middle(f, s, (int32_t)code, &l);
		l.is_centered = !hides_points(c, f, s, (int32_t)code, &l);
		is_good = is_at_home(f, s, (int32_t)code, &l, 1.5 * em) && is_good;
		labels[l.is_centered ? n_centered++ : n - ++n_beside] = l;
	}
	is_good = find_places(c, f, s, labels, n_centered) == n && is_good;
	for (size_t i = 0; i < n && is_good; i++) {
		struct box b = labels[i].box;

		is_good = fabs(b.x + b.width / 2 - labels[i].x) < b.width / 2 + 5 * em &&
			  fabs(b.y + b.height / 2 - labels[i].y) < 6 * em;
	}
	return is_good;
}

/* 3. Legends */

/* What stands beside the axes: some of a legend of categories, a colour bar, an entry for nulls. */
struct aside {
	struct legend legend; /* of categories, or of nulls alone */
	struct color_bar bar;
	bool has_bar;
};

static void
add_entry(struct legend *l, struct legend_entry *entries, const char *label, uint32_t color)
{
	entries[l->n++] = (struct legend_entry){ label, color, LEGEND_POINT };
}

static struct aside
aside_of(struct canvas *c, const struct plot_scatter *s, bool names_at_groups)
{
	const struct plot_column *column = s->color;
	struct arena *arena = canvas_arena(c);
	size_t n = column && column->names ? column->names->n : 0;
	size_t n_nulls = column ? plot_column_nulls(column) : 0;
	struct legend_entry *entries = arena_alloc(arena, n + 1, sizeof(*entries));
	struct aside a = { .legend = { .entries = entries } };

	if (!column)
		return a;
	a.has_bar = column->is_numbers && color_range(column, &a.bar.low, &a.bar.high);
	a.bar.title = column->name;
	a.bar.map = COLOR_VIRIDIS;
	a.legend.title = a.has_bar || names_at_groups ? NULL : column->name;
	for (size_t code = 0; code < n && !names_at_groups; code++)
		add_entry(&a.legend, entries, name_of(c, column, code), color_category(code, n));
	if (n_nulls > 0)
		add_entry(&a.legend, entries, arena_printf(arena, "no value (%zu)", n_nulls),
		    COLOR_MISSING);
	return a;
}

static double
aside_width(struct canvas *c, const struct aside *a)
{
	double most = 0.45 * canvas_width(c);
	double width =
	    legend_width(c, &a->legend, canvas_height(c) - 6 * canvas_font_size(c), most);

	return a->has_bar ? fmax(width, color_bar_width(c, &a->bar, most)) : width;
}

static void
aside_draw(struct canvas *c, const struct aside *a, struct box b)
{
	double em = canvas_font_size(c);

	if (a->has_bar) {
		struct box upper = b;

		upper.height -= a->legend.n ? 2.5 * em : 0;
		color_bar_draw(c, &a->bar, upper);
		b.y += fmin(upper.height + em, 17 * em);
		b.height = 1.5 * em;
	}
	legend_draw(c, &a->legend, b);
}

/* 4. The picture */

static struct frame
frame_of(const struct plot_scatter *s, double right)
{
	double low = 0, high = 1;
	struct frame f = {
		.title = s->title,
		.x_label = s->x_label,
		.y_label = s->y_label,
		.right = right,
		.same_scale = s->same_scale,
		.no_ticks = !s->has_ticks,
	};

	axis_range(s->x, s->n, &low, &high);
	axis_choose_margin(&f.x, low, high, 0.04, 6);
	low = 0;
	high = 1;
	axis_range(s->y, s->n, &low, &high);
	axis_choose_margin(&f.y, low, high, 0.04, 6);
	return f;
}

/* Tries it on a page that is thrown away. */
static bool
names_find_room(struct canvas *c, const struct plot_scatter *s)
{
	struct canvas_page page = { CANVAS_SVG, canvas_width(c), canvas_height(c), 72,
		canvas_font_size(c), NULL };
	struct err e = { 0 };
	struct label labels[MOST_NAMES];
	struct aside aside = aside_of(c, s, true);
	struct frame f = frame_of(s, aside_width(c, &aside));
	struct canvas *trial = canvas_new(&page, &e);
	bool is_good = false;

	if (trial) {
		f.title = s->title ? s->title : s->color->name;
		frame_draw(trial, &f);
		is_good = place_names(trial, &f, s, labels);
	}
	canvas_free(trial);
	return is_good;
}

static bool
stands_at_groups(struct canvas *c, const struct plot_scatter *s)
{
	if (!s->color || s->color->is_numbers || s->color->names->n == 0)
		return false;
	if (s->names != SCATTER_NAMES_AUTO)
		return s->names == SCATTER_NAMES_AT_GROUPS;
	return s->color->names->n <= MOST_NAMES && names_find_room(c, s);
}

void
plot_scatter_draw(struct canvas *c, const struct plot_scatter *s)
{
	bool at_groups = stands_at_groups(c, s);
	struct aside aside = aside_of(c, s, at_groups);
	struct frame f = frame_of(s, aside_width(c, &aside));

	if (at_groups && !f.title)
		f.title = s->color->name;
	frame_draw(c, &f);
	draw_points(c, &f, s);
	if (at_groups) {
		size_t n = s->color->names->n;
		struct label *labels = arena_alloc(canvas_arena(c), n, sizeof(*labels));

		place_names(c, &f, s, labels);
		labels_draw(c, labels, n, &name_style);
	}
	aside_draw(c, &aside, f.beside);
}
