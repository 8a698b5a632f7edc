/* plot_labels.c - places for labels; see plot_labels.h.
 *
 * Greedy: labels in their order try places on rings around their point, nearest ring first, and
 * take the first place that is free. A place is free where the text lies inside the box and covers
 * no text placed before, no obstacle, and no labelled point. */

#include "formats/plot_labels.h"

#include <math.h>

#include "formats/plot_color.h"

enum { N_DIRECTIONS = 16, N_RINGS = 9 };

static bool
overlap(struct box a, struct box b)
{
	return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height &&
	       b.y < a.y + a.height;
}

static bool
is_within(struct box a, struct box b)
{
	return a.x >= b.x && a.y >= b.y && a.x + a.width <= b.x + b.width &&
	       a.y + a.height <= b.y + b.height;
}

/* Everything a place is judged by. */
struct search {
	struct label *labels;
	size_t n;
	struct box b;
	const struct box *obstacles;
	size_t n_obstacles;
};

static bool
is_free(const struct search *s, struct box place)
{
	if (!is_within(place, s->b))
		return false;
	for (size_t i = 0; i < s->n_obstacles; i++)
		if (overlap(place, s->obstacles[i]))
			return false;
	for (size_t i = 0; i < s->n; i++) {
		const struct label *l = &s->labels[i];
		double r = l->radius;
		struct box mark = { l->x - r, l->y - r, 2 * r, 2 * r };

		if (l->is_placed && overlap(place, l->box))
			return false;
		if (!l->is_centered && overlap(place, mark))
			return false;
	}
	return true;
}

/* The place of a text of that size in a direction, `away` from the mark's edge: the side of the
 * text that looks at the point is there. */
static struct box
place_at(const struct label *l, size_t direction, double away, double width, double height)
{
	/* Right, left, above, below and then between them: right and left read best. */
	static const unsigned char order[N_DIRECTIONS] = { 0, 8, 4, 12, 2, 14, 6, 10, 1, 15, 3, 13,
		5, 11, 7, 9 };
	double angle = 2 * acos(-1) * order[direction] / N_DIRECTIONS;
	double dx = cos(angle), dy = -sin(angle), r = l->radius + away;
	double x = l->x + dx * r, y = l->y + dy * r;

	return (struct box){ x - width * (1 - dx) / 2, y - height * (1 - dy) / 2, width, height };
}

static bool
find_place(const struct search *s, size_t self, double width, double height)
{
	struct label *l = &s->labels[self];

	if (l->is_centered) {
		l->box = (struct box){ l->x - width / 2, l->y - height / 2, width, height };
		if (is_free(s, l->box))
			return true;
	}
	for (size_t ring = 0; ring < N_RINGS; ring++)
		for (size_t i = 0; i < N_DIRECTIONS; i++) {
			double away = 1 + (double)(ring * ring + 3 * ring) * 0.1 * height;

			l->box = place_at(l, i, away, width, height);
			if (is_free(s, l->box))
				return true;
		}
	return false;
}

size_t
labels_place(struct canvas *c, struct label *labels, size_t n, struct box b,
    const struct box *obstacles, size_t n_obstacles, const struct text_style *style)
{
	struct search s = { labels, n, b, obstacles, n_obstacles };
	double size = style && style->size > 0 ? style->size : canvas_font_size(c);
	double height = 1.1 * size;
	size_t placed = 0;

	for (size_t i = 0; i < n; i++)
		labels[i].is_placed = false;
	for (size_t i = 0; i < n; i++) {
		double width = canvas_text_width(c, labels[i].text, style) + 0.2 * size;

		labels[i].is_placed = find_place(&s, i, width, height);
		placed += labels[i].is_placed;
	}
	return placed;
}

void
labels_spread(double *y, size_t n, double apart, double low, double high)
{
	for (size_t i = 0; i < n; i++)
		y[i] = fmax(y[i], i ? y[i - 1] + apart : low);
	for (size_t i = n; i-- > 0;)
		y[i] = fmin(y[i], i + 1 < n ? y[i + 1] - apart : high);
}

/* The point of a box that is nearest to (x, y). */
static void
nearest(struct box b, double x, double y, double *ret_x, double *ret_y)
{
	*ret_x = fmin(fmax(x, b.x), b.x + b.width);
	*ret_y = fmin(fmax(y, b.y), b.y + b.height);
}

static void
draw_leader(struct canvas *c, const struct label *l, double size)
{
	static const struct paint line = { PAINT_NONE, 0x666666, 0.4, 0, 0 };
	double x, y, away;

	nearest(box_inset(l->box, 0.1 * size), l->x, l->y, &x, &y);
	away = hypot(x - l->x, y - l->y);
	if (away > l->radius + 0.35 * size)
		canvas_line(c, l->x + (x - l->x) * l->radius / away,
		    l->y + (y - l->y) * l->radius / away, x, y, &line);
}

void
labels_draw(struct canvas *c, const struct label *labels, size_t n, const struct text_style *style)
{
	struct text_style centered = style ? *style : (struct text_style){ 0 };
	double size = centered.size > 0 ? centered.size : canvas_font_size(c);

	centered.anchor = TEXT_MIDDLE;
	centered.level = TEXT_CENTERED;
	centered.angle = 0;
	canvas_group_begin(c, "labels");
	for (size_t i = 0; i < n; i++)
		if (labels[i].is_placed)
			draw_leader(c, &labels[i], size);
	for (size_t i = 0; i < n; i++)
		if (labels[i].is_placed)
			canvas_text(c, labels[i].box.x + labels[i].box.width / 2,
			    labels[i].box.y + labels[i].box.height / 2, labels[i].text, &centered);
	canvas_group_end(c);
}
