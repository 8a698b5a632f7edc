/* plot_heatmap.c - heatmaps; see plot_heatmap.h.
 *
 * 1. Order
 * 2. Layout
 * 3. Drawing */

#include "formats/plot_heatmap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/plot_axis.h"
#include "formats/plot_cells.h"
#include "formats/plot_labels.h"
#include "formats/plot_legend.h"

/* A drawing in progress; arrays belong to the arena. */
struct heatmap {
	const struct plot_heatmap *p;
	struct canvas *c;
	struct arena *a;
	size_t *rows, *columns;   /* [n], [d]: in the order drawn */
	double *mean, *deviation; /* [d] */
	size_t n_groups;          /* with one for nulls, where there are some */
	struct group {
		const char *name;
		uint32_t color;
		size_t first, n; /* rows */
	} * groups;
	struct box grid, strip;
	size_t w, h;    /* pixels */
	double *pixels; /* [h][w] */
	double limit;
	bool has_names; /* beside the strip; else in a legend */
};

/* 1. Order */

struct key {
	double x;
	size_t i;
};

static int
compare_keys(const void *a, const void *b)
{
	const struct key *p = a, *q = b;

	if (isnan(p->x) || isnan(q->x))
		return isnan(p->x) != isnan(q->x) ? isnan(p->x) - isnan(q->x)
						  : (p->i > q->i) - (p->i < q->i);
	return p->x != q->x ? (p->x > q->x) - (p->x < q->x) : (p->i > q->i) - (p->i < q->i);
}

/* The places of ascending keys; frees them. */
static void
sort_keys(struct key *keys, size_t n, size_t *ret)
{
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (size_t i = 0; i < n; i++)
		ret[i] = keys[i].i;
	free(keys);
}

static double
label_key(const struct plot_column *label, size_t i)
{
	if (!label)
		return 0;
	if (label->is_numbers)
		return label->numbers[i];
	return label->codes[i] < 0 ? (double)NAN : label->codes[i];
}

void
plot_heatmap_order(const struct plot_column *label, size_t n, size_t *ret_rows)
{
	struct key *keys = mem_alloc(n, sizeof(*keys));

	for (size_t i = 0; i < n; i++)
		keys[i] = (struct key){ label_key(label, i), i };
	sort_keys(keys, n, ret_rows);
}

/* Mean and deviation of each dimension, or 0 and 1 where values stay as they are. */
static void
scale_dimensions(struct heatmap *m)
{
	const struct plot_heatmap *p = m->p;

	m->mean = arena_zero(m->a, p->d, sizeof(*m->mean));
	m->deviation = arena_zero(m->a, p->d, sizeof(*m->deviation));
	for (size_t i = 0; i < p->n * p->d && p->is_scaled; i++)
		m->mean[i % p->d] += (double)p->values[i] / (double)p->n;
	for (size_t i = 0; i < p->n * p->d && p->is_scaled; i++)
		m->deviation[i % p->d] += pow((double)p->values[i] - m->mean[i % p->d], 2);
	for (size_t k = 0; k < p->d; k++) {
		double x = sqrt(m->deviation[k] / (double)p->n);

		/* A dimension that does not vary is 0 everywhere. */
		m->deviation[k] = p->is_scaled && x > 1e-12 * fabs(m->mean[k]) ? x : 1;
	}
}

static double
value_at(const struct heatmap *m, size_t row, size_t k)
{
	return ((double)m->p->values[row * m->p->d + k] - m->mean[k]) / m->deviation[k];
}

/* The rows of each category, which lie together by now. */
static void
find_groups(struct heatmap *m)
{
	const struct plot_column *label = m->p->label;
	size_t n_names;

	if (!label || label->is_numbers)
		return;
	n_names = label->names->n;
	m->groups = arena_zero(m->a, n_names + 1, sizeof(*m->groups));
	for (size_t i = 0; i < m->p->n; i++) {
		int32_t code = label->codes[m->rows[i]];
		struct group *g;

		if (i == 0 || code != label->codes[m->rows[i - 1]]) {
			size_t size;
			const char *name =
			    code < 0 ? NULL : strings_get(label->names, (size_t)code, &size);

			g = &m->groups[m->n_groups++];
			g->first = i;
			g->name = name ? arena_printf(m->a, "%.*s", (int)size, name) : "(missing)";
			g->color = name ? color_category((size_t)code, n_names) : COLOR_MISSING;
		}
		m->groups[m->n_groups - 1].n++;
	}
}

/* A dimension's key: the group of its highest mean, and within it falling means. */
static double
dimension_key(const struct heatmap *m, size_t k)
{
	double best = -HUGE_VAL;
	size_t which = 0;

	for (size_t g = 0; g < m->n_groups; g++) {
		const struct group *group = &m->groups[g];
		double sum = 0;

		for (size_t i = 0; i < group->n; i++)
			sum += value_at(m, m->rows[group->first + i], k);
		if (sum / (double)group->n > best) {
			best = sum / (double)group->n;
			which = g;
		}
	}
	/* atan keeps the means within a group's 1. */
	return (double)which + 0.5 - atan(best) / 4;
}

static void
order_dimensions(struct heatmap *m)
{
	struct key *keys = mem_alloc(m->p->d, sizeof(*keys));

	m->columns = arena_alloc(m->a, m->p->d, sizeof(*m->columns));
	for (size_t k = 0; k < m->p->d; k++)
		keys[k] = (struct key){ m->n_groups > 1 ? dimension_key(m, k) : 0, k };
	sort_keys(keys, m->p->d, m->columns);
}

/* 2. Layout */

static const double name_height = 1.2;

static struct legend
make_legend(struct heatmap *m)
{
	struct legend_entry *entries = arena_alloc(m->a, m->n_groups, sizeof(*entries));

	for (size_t g = 0; g < m->n_groups; g++)
		entries[g] =
		    (struct legend_entry){ m->groups[g].name, m->groups[g].color, LEGEND_PATCH };
	return (struct legend){ m->p->label ? m->p->label->name : NULL, m->n_groups, entries };
}

static struct color_bar
value_bar(const struct heatmap *m)
{
	return (struct color_bar){ m->p->is_scaled ? "z-score" : "Value", COLOR_BLUE_RED, -m->limit,
		m->limit };
}

/* Its ends; false where there is no number. */
static bool
label_bar(const struct heatmap *m, struct color_bar *bar)
{
	const struct plot_column *label = m->p->label;

	*bar = (struct color_bar){ .map = COLOR_VIRIDIS };
	if (!label || !label->is_numbers)
		return false;
	bar->title = label->name;
	return axis_range(label->numbers, label->n, &bar->low, &bar->high);
}

static size_t
pixels_of(double length, double dpi, size_t most)
{
	double n = fmax(1, floor(length * dpi / 72));

	return n < (double)most ? (size_t)n : most;
}

static void
lay_out(struct heatmap *m, struct box room)
{
	double em = canvas_font_size(m->c), left = 1.6 * em, right = 7 * em, name = 0;
	double below = 2.2 * em, height = room.height - below;
	struct legend legend = make_legend(m);
	struct color_bar bar;

	m->has_names = (double)m->n_groups * name_height * em <= height;
	for (size_t g = 0; g < m->n_groups && m->has_names; g++)
		name = fmax(name, canvas_text_width(m->c, m->groups[g].name, NULL));
	if (m->n_groups && m->has_names)
		left += fmin(name, 0.3 * room.width) + 1.6 * em;
	if (!m->has_names)
		right =
		    fmax(right, legend_width(m->c, &legend, height - 18 * em, 0.35 * room.width));
	if (label_bar(m, &bar))
		right = fmax(right, color_bar_width(m->c, &bar, 0.3 * room.width));
	m->strip = (struct box){ room.x + left, room.y, m->p->label ? 0.9 * em : 0, height };
	m->grid = (struct box){ m->strip.x + m->strip.width + 2, room.y,
		room.x + room.width - right - m->strip.x - m->strip.width - 2, height };
	m->w = pixels_of(m->grid.width, 300, m->p->d);
	m->h = pixels_of(m->grid.height, 300, m->p->n);
}

static int
compare_doubles(const void *a, const void *b)
{
	const double *p = a, *q = b;

	return (*p > *q) - (*p < *q);
}

/* Means of what each pixel covers, and the limit of the colours. */
static void
fill_pixels(struct heatmap *m)
{
	size_t n = m->w * m->h, *counts = mem_zero(n, sizeof(*counts));
	double *sizes = mem_alloc(n, sizeof(*sizes));

	m->pixels = arena_zero(m->a, n, sizeof(*m->pixels));
	for (size_t i = 0; i < m->p->n; i++)
		for (size_t k = 0; k < m->p->d; k++) {
			size_t at = i * m->h / m->p->n * m->w + k * m->w / m->p->d;

			m->pixels[at] += value_at(m, m->rows[i], m->columns[k]);
			counts[at]++;
		}
	for (size_t i = 0; i < n; i++)
		sizes[i] = fabs(m->pixels[i] /= (double)counts[i]);
	qsort(sizes, n, sizeof(*sizes), compare_doubles);
	m->limit = sizes[(size_t)(0.98 * (double)(n - 1))];
	if (!(m->limit > 0))
		m->limit = sizes[n - 1] > 0 ? sizes[n - 1] : 1;
	free(sizes);
	free(counts);
}

/* 3. Drawing */

static const struct paint edge = { PAINT_NONE, COLOR_INK, 0.5, 0, 0 };

static double
row_y(const struct heatmap *m, size_t row)
{
	return m->grid.y + (double)row / (double)m->p->n * m->grid.height;
}

static void
draw_grid(struct heatmap *m)
{
	static const struct paint between = { PAINT_NONE, COLOR_WHITE, 0.6, 0, 0 };
	size_t n = m->w * m->h;
	uint32_t *rgb = mem_alloc(n, sizeof(*rgb));

	for (size_t i = 0; i < n; i++)
		rgb[i] = color_map_at(COLOR_BLUE_RED, 0.5 + m->pixels[i] / (2 * m->limit));
	canvas_group_begin(m->c, "heatmap");
	canvas_image(m->c, m->grid, rgb, m->w, m->h);
	for (size_t g = 1; g < m->n_groups; g++) {
		double y = row_y(m, m->groups[g].first);

		canvas_line(m->c, m->grid.x, y, m->grid.x + m->grid.width, y, &between);
	}
	canvas_rect(m->c, m->grid, &edge);
	canvas_group_end(m->c);
	free(rgb);
}

static void
draw_number_strip(struct heatmap *m)
{
	uint32_t *rgb = mem_alloc(m->h, sizeof(*rgb));
	struct color_bar bar;
	bool has_bar = label_bar(m, &bar);

	for (size_t y = 0; y < m->h; y++) {
		double x = m->p->label->numbers[m->rows[y * m->p->n / m->h]];

		rgb[y] = color_map_at(COLOR_VIRIDIS,
		    bar.high > bar.low || isnan(x) ? (x - bar.low) / (bar.high - bar.low) : 0.5);
	}
	if (has_bar)
		canvas_image(m->c, m->strip, rgb, 1, m->h);
	free(rgb);
}

static void
draw_names(struct heatmap *m)
{
	static const struct paint thin = { PAINT_NONE, 0x666666, 0.4, 0, 0 };
	static const struct text_style style = { .anchor = TEXT_END, .level = TEXT_CENTERED };
	double em = canvas_font_size(m->c), half = name_height * em / 2;
	double *y = mem_alloc(m->n_groups, sizeof(*y));
	double right = m->strip.x - 1.4 * em;

	for (size_t g = 0; g < m->n_groups; g++)
		y[g] =
		    (row_y(m, m->groups[g].first) + row_y(m, m->groups[g].first + m->groups[g].n)) /
		    2;
	labels_spread(
	    y, m->n_groups, 2 * half, m->grid.y + half, m->grid.y + m->grid.height - half);
	for (size_t g = 0; g < m->n_groups; g++) {
		const struct group *group = &m->groups[g];
		double middle = row_y(m, group->first) / 2 + row_y(m, group->first + group->n) / 2;

		canvas_line(m->c, right + 0.3 * em, y[g], m->strip.x - 1, middle, &thin);
	}
	for (size_t g = 0; g < m->n_groups; g++)
		canvas_text(m->c, right, y[g],
		    canvas_fit_text(m->c, m->groups[g].name, 0.3 * canvas_width(m->c), &style),
		    &style);
	free(y);
}

static void
draw_strip(struct heatmap *m)
{
	if (!m->p->label)
		return;
	canvas_group_begin(m->c, "strip");
	if (m->p->label->is_numbers)
		draw_number_strip(m);
	for (size_t g = 0; g < m->n_groups; g++) {
		double y = row_y(m, m->groups[g].first);
		double end = row_y(m, m->groups[g].first + m->groups[g].n);

		canvas_rect(m->c, (struct box){ m->strip.x, y, m->strip.width, end - y },
		    &(struct paint){ .fill = m->groups[g].color });
	}
	canvas_group_end(m->c);
	canvas_group_begin(m->c, "names");
	if (m->has_names)
		draw_names(m);
	canvas_group_end(m->c);
}

static void
draw_beside(struct heatmap *m)
{
	double em = canvas_font_size(m->c), x = m->grid.x + m->grid.width;
	struct color_bar values = value_bar(m), labels;
	struct legend legend = make_legend(m);
	struct box b = { x, m->grid.y, canvas_width(m->c) - em - x, 13 * em };

	color_bar_draw(m->c, &values, b);
	b.y += 16 * em;
	b.height = m->grid.y + m->grid.height - b.y;
	if (label_bar(m, &labels))
		color_bar_draw(m->c, &labels, b);
	if (!m->has_names)
		legend_draw(m->c, &legend, b);
}

/* "2 cells", "1 cell". */
static const char *
number_of(struct arena *a, size_t n, const char *things)
{
	return arena_printf(a, "%zu %.*s", n, (int)(strlen(things) - (n == 1)), things);
}

void
plot_heatmap_draw(struct canvas *c, const struct plot_heatmap *p)
{
	struct heatmap m = { .p = p, .c = c, .a = canvas_arena(c) };
	struct text_style under = { .anchor = TEXT_MIDDLE, .level = TEXT_BELOW };
	struct text_style left = { .anchor = TEXT_MIDDLE, .level = TEXT_BELOW, .angle = 90 };
	struct box room = frame_title(c, p->title);
	double em = canvas_font_size(c);

	m.rows = arena_alloc(m.a, p->n, sizeof(*m.rows));
	plot_heatmap_order(p->label, p->n, m.rows);
	scale_dimensions(&m);
	find_groups(&m);
	order_dimensions(&m);
	lay_out(&m, room);
	fill_pixels(&m);
	draw_grid(&m);
	draw_strip(&m);
	draw_beside(&m);
	canvas_text(c, m.grid.x + m.grid.width / 2, m.grid.y + m.grid.height + 0.9 * em,
	    number_of(m.a, p->d, "dimensions"), &under);
	canvas_text(c, room.x, m.grid.y + m.grid.height / 2, number_of(m.a, p->n, p->rows), &left);
}

void
plot_heatmap_input(const struct plot_page *page, const char *label, bool as_categories,
    bool is_scaled, struct err *e)
{
	struct plot_cells cells;
	struct canvas *c = NULL;

	if (!plot_cells_read(&cells, page->cli, label, as_categories, false, e))
		c = plot_page_start(page, 140, 110, e);
	if (c)
		plot_heatmap_draw(c, &(struct plot_heatmap){ page->title, cells.n, cells.d,
					 plot_cells_vectors(&cells), cells.rows,
					 plot_cells_color(&cells), is_scaled });
	plot_page_end(page, c, e);
	plot_cells_free(&cells);
}
