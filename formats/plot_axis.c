/* plot_axis.c - ticks and frames; see plot_axis.h.
 *
 * 1. Ticks
 * 2. Frames */

#include "formats/plot_axis.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "formats/plot_color.h"

/* 1. Ticks */

/* The step 1, 2 or 5 times 10^k, and k, that comes closest to `wanted` ticks. */
static double
choose_step(double range, size_t wanted, int *ret_exponent)
{
	static const double factors[] = { 1, 2, 5, 10 };
	double raw = range / (double)(wanted > 1 ? wanted - 1 : 1), best = 0, least = HUGE_VAL;
	int exponent = (int)floor(log10(raw));

	*ret_exponent = exponent;
	for (size_t i = 0; i < 4; i++) {
		double step = factors[i] * pow(10, exponent), off = fabs(log(step / raw));

		if (off < least) {
			least = off;
			best = step;
			*ret_exponent = exponent + (i == 3);
		}
	}
	return best;
}

static const char *const raised[] = { "\xe2\x81\xb0", "\xc2\xb9", "\xc2\xb2", "\xc2\xb3",
	"\xe2\x81\xb4", "\xe2\x81\xb5", "\xe2\x81\xb6", "\xe2\x81\xb7", "\xe2\x81\xb8",
	"\xe2\x81\xb9" };

/* "×10⁻⁵" */
static void
write_power(char *text, size_t size, int exponent)
{
	char digits[16];
	size_t n = (size_t)snprintf(text, size,
	    "\xc3\x97"
	    "10%s",
	    exponent < 0 ? "\xe2\x81\xbb" : "");

	snprintf(digits, sizeof(digits), "%d", exponent < 0 ? -exponent : exponent);
	for (const char *p = digits; *p && n < size; p++)
		n += (size_t)snprintf(text + n, size - n, "%s", raised[*p - '0']);
}

/* x with a number of decimals and a true minus sign. */
static void
write_label(char label[AXIS_LABEL_SIZE], double x, int decimals, int exponent)
{
	char power[24] = "";
	double shown = x / pow(10, exponent);

	if (exponent && x != 0)
		write_power(power, sizeof(power), exponent);
	snprintf(label, AXIS_LABEL_SIZE, "%s%.*f%s", x < 0 ? "\xe2\x88\x92" : "",
	    x == 0 && exponent ? 0 : decimals, fabs(shown), power);
}

/* Ticks at the multiples of step between the ends. */
static void
set_ticks(struct axis *a, double step, int step_exponent)
{
	double slack = 1e-9 * (a->max - a->min), most = fmax(fabs(a->min), fabs(a->max));
	double first = ceil((a->min - slack) / step);
	int top = (int)floor(log10(most)), exponent = top >= 5 || top <= -4 ? top : 0;
	int decimals = exponent > step_exponent ? exponent - step_exponent : 0;

	a->n_ticks = 0;
	for (double i = first; i * step <= a->max + slack && a->n_ticks < AXIS_MAX_TICKS; i++) {
		double x = i * step;

		a->ticks[a->n_ticks] = x;
		write_label(a->labels[a->n_ticks], x, decimals < 12 ? decimals : 12, exponent);
		a->n_ticks++;
	}
}

/* Numbers that an axis can have: their differences and tenths are numbers, too. */
#define LARGEST 1e300
#define SMALLEST 1e-290

static double
hold(double x)
{
	return isfinite(x) ? fmin(fmax(x, -LARGEST), LARGEST) : x;
}

/* Ends that differ by what numbers of their size can tell apart. */
static void
set_ends(struct axis *a, double low, double high)
{
	double size = fmax(fabs(low), fabs(high));

	assert(isfinite(low) && isfinite(high) && low <= high);
	if (size < SMALLEST) {
		low = -1;
		high = 1;
	} else if (high - low <= 1e-9 * size) {
		low -= 0.1 * size;
		high += 0.1 * size;
	}
	a->min = low;
	a->max = high;
}

void
axis_choose(struct axis *a, double low, double high, size_t wanted)
{
	int exponent;

	set_ends(a, hold(low), hold(high));
	/* Two at least, where a step that is near enough misses the range. */
	for (size_t more = 0; more < 4 && (more == 0 || a->n_ticks < 2); more++) {
		double step = choose_step(a->max - a->min, wanted + 2 * more, &exponent);

		set_ticks(a, step, exponent);
	}
}

void
axis_choose_margin(struct axis *a, double low, double high, double share, size_t wanted)
{
	double by = share * (hold(high) - hold(low));

	axis_choose(a, hold(low) - by, hold(high) + by, wanted);
}

double
axis_place(const struct axis *a, double value, double from, double to)
{
	return from + (hold(value) - a->min) / (a->max - a->min) * (to - from);
}

bool
axis_range(const double *x, size_t n, double *ret_low, double *ret_high)
{
	bool has_any = false;

	for (size_t i = 0; i < n; i++) {
		if (!isfinite(x[i]))
			continue;
		*ret_low = !has_any || x[i] < *ret_low ? x[i] : *ret_low;
		*ret_high = !has_any || x[i] > *ret_high ? x[i] : *ret_high;
		has_any = true;
	}
	return has_any;
}

/* 2. Frames */

static const struct paint line_paint = { PAINT_NONE, COLOR_INK, 0.75, 0, 0 };
static const struct paint grid_paint = { PAINT_NONE, 0xe6e6e6, 0.5, 0, 0 };

enum { TICK = 3 }; /* its length */

/* The page below a title, margins taken off. */
static struct box
below_title(struct canvas *c, const char *title)
{
	double em = canvas_font_size(c), used = title && *title ? 2.1 * em : 0;

	return (struct box){ em, em + used, canvas_width(c) - 2 * em,
		canvas_height(c) - 2 * em - used };
}

struct box
frame_title(struct canvas *c, const char *title)
{
	double em = canvas_font_size(c);
	struct box b = below_title(c, title);
	struct text_style style = {
		.size = 1.15 * em, .is_bold = true, .anchor = TEXT_MIDDLE, .level = TEXT_BELOW
	};

	if (title && *title)
		canvas_text(
		    c, b.x + b.width / 2, em, canvas_fit_text(c, title, b.width, &style), &style);
	return b;
}

double
axis_label_width(struct canvas *c, const struct axis *a)
{
	double width = 0;

	for (size_t i = 0; i < a->n_ticks; i++)
		width = fmax(width, canvas_text_width(c, a->labels[i], NULL));
	return width;
}

/* Ticks whose labels would touch their neighbours are taken out: every second stays. */
static void
thin_ticks(struct axis *a, double length, double room)
{
	while (a->n_ticks > 1) {
		double apart = length * (a->ticks[1] - a->ticks[0]) / (a->max - a->min);
		size_t kept = 0;

		if (apart >= room)
			return;
		for (size_t i = 0; i < a->n_ticks; i += 2, kept++) {
			a->ticks[kept] = a->ticks[i];
			memmove(a->labels[kept], a->labels[i], AXIS_LABEL_SIZE);
		}
		a->n_ticks = kept;
	}
}

/* Makes a unit as long on both axes, by moving the ends of the one with room outwards. */
static void
equalise(struct frame *f)
{
	double x = f->inside.width / (f->x.max - f->x.min);
	double y = f->inside.height / (f->y.max - f->y.min);
	struct axis *wide = x > y ? &f->x : &f->y;
	double by = (wide->max - wide->min) * (fmax(x, y) / fmin(x, y) - 1) / 2;

	axis_choose(wide, wide->min - by, wide->max + by, wide->n_ticks > 2 ? wide->n_ticks : 5);
}

static void
draw_grid(struct canvas *c, const struct frame *f)
{
	const struct box *in = &f->inside;

	for (size_t i = 0; i < f->x.n_ticks; i++) {
		double x = frame_x(f, f->x.ticks[i]);

		canvas_line(c, x, in->y, x, in->y + in->height, &grid_paint);
	}
	for (size_t i = 0; i < f->y.n_ticks; i++) {
		double y = frame_y(f, f->y.ticks[i]);

		canvas_line(c, in->x, y, in->x + in->width, y, &grid_paint);
	}
}

static void
draw_ticks(struct canvas *c, const struct frame *f)
{
	const struct box *in = &f->inside;
	struct text_style under = { .anchor = TEXT_MIDDLE, .level = TEXT_BELOW };
	struct text_style left = { .anchor = TEXT_END, .level = TEXT_CENTERED };
	double bottom = in->y + in->height;

	for (size_t i = 0; i < f->x.n_ticks; i++) {
		double x = frame_x(f, f->x.ticks[i]);

		canvas_line(c, x, bottom, x, bottom + TICK, &line_paint);
	}
	for (size_t i = 0; i < f->y.n_ticks; i++) {
		double y = frame_y(f, f->y.ticks[i]);

		canvas_line(c, in->x - TICK, y, in->x, y, &line_paint);
	}
	for (size_t i = 0; i < f->x.n_ticks && !f->has_no_x; i++)
		canvas_text(
		    c, frame_x(f, f->x.ticks[i]), bottom + 2 * TICK, f->x.labels[i], &under);
	for (size_t i = 0; i < f->y.n_ticks; i++)
		canvas_text(
		    c, in->x - 1.5 * TICK, frame_y(f, f->y.ticks[i]), f->y.labels[i], &left);
}

/* What the numbers at y take. */
static double
number_width(struct canvas *c, const struct frame *f)
{
	return fmax(axis_label_width(c, &f->y), f->left) + 1.5 * TICK;
}

static void
draw_names(struct canvas *c, const struct frame *f)
{
	const struct box *in = &f->inside;
	struct text_style under = { .anchor = TEXT_MIDDLE };
	struct text_style left = { .anchor = TEXT_MIDDLE, .angle = 90 };
	double em = canvas_font_size(c), y = in->y + in->height, x = in->x - 0.9 * em;

	y += f->no_ticks ? 1.5 * em : 2 * TICK + canvas_cap_height(c, 0) + 1.6 * em;
	if (!f->no_ticks)
		x -= number_width(c, f);
	if (f->x_label)
		canvas_text(c, in->x + in->width / 2, y,
		    canvas_fit_text(c, f->x_label, in->width, &under), &under);
	if (f->y_label)
		canvas_text(c, x, in->y + in->height / 2,
		    canvas_fit_text(c, f->y_label, in->height, &left), &left);
}

/* The room for axes inside the page. */
static struct box
find_inside(struct canvas *c, struct frame *f, struct box page)
{
	double em = canvas_font_size(c), cap = canvas_cap_height(c, 0);
	double left = f->y_label ? cap + 0.9 * em : 0, below = f->x_label ? 1.9 * em : 0.2 * em;
	double last = f->x.n_ticks && !f->no_ticks && !f->has_no_x
			  ? canvas_text_width(c, f->x.labels[f->x.n_ticks - 1], NULL) / 2
			  : 0;

	if (!f->no_ticks) {
		left += number_width(c, f);
		below += f->has_no_x ? 0 : 2 * TICK + cap;
	}
	return (struct box){ page.x + left, page.y,
		fmax(page.width - left - fmax(f->right, last), 10), fmax(page.height - below, 10) };
}

static struct box
area_of(struct canvas *c, const struct frame *f)
{
	return f->area.width > 0 ? f->area : below_title(c, f->title);
}

void
frame_lay_out(struct canvas *c, struct frame *f)
{
	struct box room = f->inside = find_inside(c, f, area_of(c, f));

	if (f->is_square) {
		double side = fmin(room.width, room.height);

		f->inside.x += (room.width - side) / 2;
		f->inside.y += (room.height - side) / 2;
		f->inside.width = f->inside.height = side;
	}
}

void
frame_draw(struct canvas *c, struct frame *f)
{
	canvas_group_begin(c, "frame");
	if (!(f->area.width > 0))
		frame_title(c, f->title);
	frame_lay_out(c, f);
	if (f->same_scale) {
		equalise(f);
		frame_lay_out(c, f);
		equalise(f);
	}
	if (f->no_ticks)
		f->x.n_ticks = f->y.n_ticks = 0;
	thin_ticks(&f->x, f->inside.width, axis_label_width(c, &f->x) + canvas_font_size(c));
	thin_ticks(&f->y, f->inside.height, 1.5 * canvas_font_size(c));
	f->beside =
	    (struct box){ f->inside.x + f->inside.width, f->inside.y, f->right, f->inside.height };
	if (f->has_grid)
		draw_grid(c, f);
	draw_ticks(c, f);
	canvas_rect(c, f->inside, &line_paint);
	draw_names(c, f);
	canvas_group_end(c);
}

double
frame_x(const struct frame *f, double value)
{
	return axis_place(&f->x, value, f->inside.x, f->inside.x + f->inside.width);
}

double
frame_y(const struct frame *f, double value)
{
	return axis_place(&f->y, value, f->inside.y + f->inside.height, f->inside.y);
}
