/* plot_training.c - training curves; see plot_training.h. */

#include "formats/plot_training.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "formats/plot_color.h"
#include "formats/plot_curves.h"

enum { FEW_POINTS = 40 }; /* curves with no more than that get a dot at each */

/* The metric of that name of every run that has it. */
static size_t
add_metric(struct plot_training *p, struct training_curve *curves, struct arena *a,
    const struct metrics *runs, const char *name, size_t size)
{
	size_t n = p->n;

	for (size_t i = 0; i < p->n_runs; i++) {
		const struct metric *m = metrics_find(&runs[i], name, size);

		if (m && m->n)
			curves[p->n++] = (struct training_curve){ i, arena_strdup(a, m->name), m->n,
				m->steps, m->values };
	}
	return p->n - n;
}

/* The names of the metrics that a run has, as far as there is room. */
static const char *
list_metrics(const struct metrics *run, char *text, size_t size)
{
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < run->n && used < size; i++)
		used += (size_t)snprintf(
		    text + used, size - used, "%s%s", used ? ", " : "", run->metrics[i].name);
	return text;
}

int
plot_training_choose(struct plot_training *p, struct arena *a, const struct metrics *runs,
    const char *names, struct err *e)
{
	const char *list = names ? names : "loss,eval_loss", *end;
	struct training_curve *curves;
	char text[300];
	size_t n = 1;

	for (const char *s = list; *s; s++)
		n += *s == ',';
	curves = arena_alloc(a, n * p->n_runs, sizeof(*curves));
	p->n = 0;
	p->curves = curves;
	for (const char *s = list; s && !e->is_set; s = *end ? end + 1 : NULL) {
		end = s + strcspn(s, ",");
		if (!add_metric(p, curves, a, runs, s, (size_t)(end - s)) && names)
			err_set(e, "no metric '%.*s'; there are %s", (int)(end - s), s,
			    list_metrics(&runs[0], text, sizeof(text)));
	}
	if (!e->is_set && p->n == 0)
		err_set(e, "neither loss nor eval_loss; choose with --metrics from %s",
		    list_metrics(&runs[0], text, sizeof(text)));
	return e->is_set ? -1 : 0;
}

static bool
is_eval(const char *metric)
{
	return strncmp(metric, "eval_", 5) == 0;
}

static const char *
panel_name(const char *metric)
{
	return is_eval(metric) ? metric + 5 : metric;
}

/* True where no curve before i is in the same panel. */
static bool
starts_panel(const struct plot_training *p, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(panel_name(p->curves[k].metric), panel_name(p->curves[i].metric)) == 0)
			return false;
	return true;
}

size_t
plot_training_panels(const struct plot_training *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += starts_panel(p, i);
	return n;
}

static struct plot_curve
make_curve(struct canvas *c, const struct plot_training *p, const struct training_curve *t)
{
	bool is_alone = p->n_runs == 1;
	const char *label = is_alone ? t->metric
			    : is_eval(t->metric)
				? arena_printf(canvas_arena(c), "%s (eval)", p->runs[t->run])
				: p->runs[t->run];

	return (struct plot_curve){ .label = label,
		.n = t->n,
		.x = t->steps,
		.y = t->values,
		.color = is_alone ? color_category(is_eval(t->metric), 2)
				  : color_category(t->run, p->n_runs),
		.is_dashed = !is_alone && is_eval(t->metric),
		.has_points = t->n <= FEW_POINTS };
}

/* The panel that starts with curve i. */
static struct plot_curves
make_panel(struct canvas *c, const struct plot_training *p, size_t i)
{
	struct plot_curve *curves = arena_alloc(canvas_arena(c), p->n, sizeof(*curves));
	struct plot_curves panel = { .curves = curves, .y_label = panel_name(p->curves[i].metric) };

	for (size_t k = 0; k < p->n; k++)
		if (strcmp(panel_name(p->curves[k].metric), panel.y_label) == 0)
			curves[panel.n++] = make_curve(c, p, &p->curves[k]);
	return panel;
}

/* All panels go from the first step of any curve to the last. */
static void
align_steps(struct plot_curves *panels, size_t n)
{
	double first = HUGE_VAL, last = -HUGE_VAL, low, high;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < panels[i].n; k++)
			if (axis_range(panels[i].curves[k].x, panels[i].curves[k].n, &low, &high)) {
				first = fmin(first, low);
				last = fmax(last, high);
			}
	for (size_t i = 0; i < n && first <= last; i++) {
		panels[i].x_low = first;
		panels[i].x_high = last;
	}
}

void
plot_training_draw(struct canvas *c, const struct plot_training *p)
{
	size_t n = plot_training_panels(p), at = 0;
	struct plot_curves *panels = arena_alloc(canvas_arena(c), n, sizeof(*panels));
	struct box room = frame_title(c, p->title);
	double em = canvas_font_size(c), bottom = 3.2 * em, gap = 1.2 * em, left = 0, right = 0;
	double height = (room.height - bottom - gap * (double)(n - 1)) / (double)n;

	for (size_t i = 0; i < p->n; i++)
		if (starts_panel(p, i))
			panels[at++] = make_panel(c, p, i);
	align_steps(panels, n);
	for (size_t i = 0; i < n; i++) {
		struct plot_curves *panel = &panels[i];
		bool is_last = i + 1 == n;

		panel->area = (struct box){ room.x, room.y + (double)i * (height + gap), room.width,
			height + (is_last ? bottom : 0) };
		panel->has_no_x = !is_last;
		panel->x_label = is_last ? "Step" : NULL;
		left = fmax(left, plot_curves_left(c, panel));
		right = fmax(right, plot_curves_right(c, panel));
	}
	for (size_t i = 0; i < n; i++) {
		panels[i].left = left;
		panels[i].right = right;
		plot_curves_draw(c, &panels[i]);
	}
}

static const char *
short_name(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *dot = strrchr(name, '.');

	return dot && dot != name ? arena_printf(a, "%.*s", (int)(dot - name), name) : name;
}

const char *const *
plot_training_names(struct arena *a, const char *const *paths, size_t n)
{
	const char **names = arena_alloc(a, n + 1, sizeof(*names));
	bool is_unique = true;

	names[0] = "stdin";
	for (size_t i = 0; i < n; i++) {
		names[i] = short_name(a, paths[i]);
		for (size_t k = 0; k < i; k++)
			is_unique = is_unique && strcmp(names[k], names[i]) != 0;
	}
	for (size_t i = 0; i < n && !is_unique; i++)
		names[i] = paths[i];
	return names;
}

void
plot_training_input(const struct plot_page *page, const char *names, struct err *e)
{
	const struct cli *cli = page->cli;
	struct arena a = { 0 };
	struct plot_training p = { .title = page->title,
		.n_runs = cli->n_inputs ? cli->n_inputs : 1,
		.runs = plot_training_names(&a, (const char *const *)cli->inputs, cli->n_inputs) };
	struct metrics *runs = arena_zero(&a, p.n_runs, sizeof(*runs));
	struct canvas *c = NULL;

	for (size_t i = 0; i < p.n_runs; i++)
		metrics_read(&runs[i], cli->n_inputs ? cli->inputs[i] : "-", cli->force, e);
	if (!e->is_set && !plot_training_choose(&p, &a, runs, names, e))
		c = plot_page_start(page, 130, 40 + 45 * (double)plot_training_panels(&p), e);
	if (c)
		plot_training_draw(c, &p);
	plot_page_end(page, c, e);
	for (size_t i = 0; i < p.n_runs; i++)
		metrics_free(&runs[i]);
	arena_free(&a);
}
