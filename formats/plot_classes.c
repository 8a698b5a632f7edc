/* plot_classes.c - classes as pictures; see plot_classes.h.
 *
 * 1. Streams
 * 2. Reports
 * 3. Pictures */

#include "formats/plot_classes.h"

#include <stdlib.h>
#include <string.h>

#include "formats/json_file.h"
#include "formats/plot_color.h"
#include "formats/plot_confusion.h"
#include "formats/plot_curves.h"
#include "formats/plot_input.h"

void
plot_classes_free(struct plot_classes *p)
{
	predictions_free(p->rows);
	arena_free(&p->arena);
}

enum { MOST_CLASSES = 1000 };

static int
check_size(const struct plot_classes *p, struct err *e)
{
	if (p->n <= MOST_CLASSES)
		return 0;
	return err_set(e, "%zu classes, and a picture has room for %d at most", p->n, MOST_CLASSES);
}

/* 1. Streams */

static void
count_rows(struct plot_classes *p)
{
	const uint32_t *truth = (const uint32_t *)(const void *)p->rows->truth.data;
	const uint32_t *predicted = (const uint32_t *)(const void *)p->rows->predicted.data;

	p->counts = arena_zero(&p->arena, p->n * p->n, sizeof(*p->counts));
	for (size_t i = 0; i < p->rows->n; i++)
		p->counts[truth[i] * p->n + predicted[i]]++;
}

/* The number of true classes. */
static size_t
count_true(const struct plot_classes *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		double sum = 0;

		for (size_t k = 0; k < p->n; k++)
			sum += p->counts[i * p->n + k];
		n += sum > 0;
	}
	return n;
}

static int
read_rows(struct plot_classes *p, const struct cli *cli, struct err *e)
{
	size_t n = cli->n_inputs ? cli->n_inputs : 1;

	for (size_t i = 0; i < n && !e->is_set; i++) {
		const char *path = cli->n_inputs ? cli->inputs[i] : "-";
		struct cells_reader *in = cells_open(cli, path, KIND_PREDICTIONS, e);

		predictions_read(p->rows, in, path, e);
		cells_close(in);
	}
	return e->is_set ? -1 : predictions_finish(p->rows, e);
}

int
plot_classes_predictions(struct plot_classes *p, const struct cli *cli,
    const struct plot_truth *truth, bool has_curves, struct err *e)
{
	struct gene_classes *genes = truth->genes ? gene_classes_open(truth->genes, e) : NULL;
	uint64_t n_left_out;

	p->rows = predictions_new(&(struct predictions_options){ .task = truth->task,
	    .truth = truth->column,
	    .gene_truth = genes,
	    .has_scores = true, /* they name the classes in the model's order */
	    .max_memory = SIZE_MAX });
	if (!e->is_set && read_rows(p, cli, e) == 0) {
		p->n = p->rows->classes.n;
		p->names = p->rows->class_names;
	}
	if (!e->is_set && check_size(p, e) == 0) {
		count_rows(p);
		p->n_curves = has_curves ? p->rows->n_scored : 0;
		p->curves = arena_zero(&p->arena, p->n_curves, sizeof(*p->curves));
		if (count_true(p) < 2)
			err_set(e, "all rows have the same true class: nothing to tell apart");
		if (has_curves && p->n_curves == 0)
			err_set(e,
			    "the predictions have no probabilities, and curves are made of these");
		n_left_out = p->rows->n_without_truth + p->rows->n_without_prediction;
		if (!e->is_set && n_left_out)
			cli_warn(cli, "%llu rows without truth or prediction are left out",
			    (unsigned long long)n_left_out);
	}
	gene_classes_free(genes);
	return e->is_set ? -1 : 0;
}

/* 2. Reports */

enum { REPORT_LIMIT = 1 << 30 };

static int
read_names(struct plot_classes *p, const json_t *report, struct err *e)
{
	const json_t *names = json_object_get(report, "classes");
	const json_t *name;
	size_t i;

	p->n = json_array_size(names);
	p->names = arena_alloc(&p->arena, p->n, sizeof(*p->names));
	json_array_foreach(names, i, name)
	{
		if (!json_is_string(name))
			return err_set(e, "classes: entry %zu is no text", i);
		p->names[i] = arena_strdup(&p->arena, json_string_value(name));
	}
	if (p->n == 0)
		return err_set(e, "no classes: this is no report of predictions by gfeval");
	return check_size(p, e);
}

static int
read_counts(struct plot_classes *p, const json_t *report, struct err *e)
{
	const json_t *matrix = json_object_get(report, "confusion_matrix");

	p->counts = arena_zero(&p->arena, p->n * p->n, sizeof(*p->counts));
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->n; k++) {
			const json_t *x = json_array_get(json_array_get(matrix, i), k);

			if (!json_is_integer(x) || json_integer_value(x) < 0)
				return err_set(e,
				    "confusion_matrix: no count at row %zu, column "
				    "%zu of %zu",
				    i, k, p->n);
			p->counts[i * p->n + k] = (double)json_integer_value(x);
		}
	return 0;
}

/* The numbers of an array, each from 0 to 1. */
static double *
read_rates(
    struct plot_classes *p, const json_t *curve, const char *key, size_t *ret_n, struct err *e)
{
	const json_t *array = json_object_get(curve, key), *x;
	double *rates;
	size_t i;

	*ret_n = json_array_size(array);
	rates = arena_alloc(&p->arena, *ret_n, sizeof(*rates));
	json_array_foreach(array, i, x)
	{
		rates[i] = json_number_value(x);
		if (!json_is_number(x) || !(rates[i] >= 0 && rates[i] <= 1))
			err_set(e, "%s: entry %zu is no number from 0 to 1", key, i);
	}
	return rates;
}

static double
precision_of(const json_t *report, const char *class)
{
	const json_t *entry, *list = json_object_get(report, "per_class");
	size_t i;

	json_array_foreach(list, i, entry)
	{
		const char *name = json_string_value(json_object_get(entry, "class"));

		if (name && strcmp(name, class) == 0)
			return json_number_value(json_object_get(entry, "average_precision"));
	}
	return 0;
}

/* Names of the members that a curve has in the report. */
struct curve_keys {
	const char *list, *x, *y;
	bool is_roc, is_mean;
};

static void
read_curve(struct plot_classes *p, const json_t *report, const json_t *entry,
    const struct curve_keys *keys, struct err *e)
{
	const char *name = json_string_value(json_object_get(entry, "class"));
	const json_t *area = json_object_get(entry, "auc");
	struct class_curve *curve = NULL;
	size_t n;

	for (size_t i = 0; i < p->n_curves && name; i++)
		if (strcmp(p->names[i], name) == 0)
			curve = &p->curves[i];
	if (!curve)
		err_set(e, "%s: a curve of an unknown class", keys->list);
	if (!curve || !json_is_number(area))
		return;
	curve->x = read_rates(p, entry, keys->x, &curve->n, e);
	curve->y = read_rates(p, entry, keys->y, &n, e);
	if (n != curve->n)
		err_set(e, "%s of %s: %zu and %zu numbers", keys->list, name, curve->n, n);
	curve->area = keys->is_roc ? json_number_value(area) : precision_of(report, name);
	curve->is_mean = keys->is_mean;
	curve->deviation = json_number_value(json_object_get(entry, "auc_sd"));
}

static void
read_curves(struct plot_classes *p, const json_t *report, bool is_roc, struct err *e)
{
	const json_t *folds = json_object_get(report, "cross_validation"), *list, *entry;
	struct curve_keys keys =
	    is_roc ? (struct curve_keys){ "roc", "fpr", "tpr", true, false }
		   : (struct curve_keys){ "pr", "recall", "precision", false, false };
	size_t i;

	list = json_object_get(report, keys.list);
	if (is_roc && folds) {
		keys = (struct curve_keys){ "roc", "mean_fpr", "mean_tpr", true, true };
		list = json_object_get(folds, keys.list);
	}
	json_array_foreach(json_object_get(report, "per_class"), i, entry)
	{
		/* Those that the model knows come first. */
		p->n_curves += p->n_curves < p->n && json_is_true(json_object_get(entry, "known"));
	}
	p->curves = arena_zero(&p->arena, p->n_curves, sizeof(*p->curves));
	if (json_array_size(list) == 0)
		err_set(e, "the report has no curves: its predictions had no probabilities, or one "
			   "class only");
	json_array_foreach(list, i, entry)
	{
		if (!e->is_set)
			read_curve(p, report, entry, &keys, e);
	}
}

int
plot_classes_report(
    struct plot_classes *p, const struct cli *cli, bool has_curves, bool is_roc, struct err *e)
{
	size_t size;
	char *bytes = plot_input_read(cli->input, cli->force, REPORT_LIMIT, &size, e);
	const char *name = plot_input_name(cli->input);
	json_t *report = NULL;

	if (bytes && bytes[strspn(bytes, " \t\r\n")] != '{')
		err_set(e, "%s: no JSON report of gfeval; for a stream of predictions say --truth",
		    name);
	else if (bytes)
		report = json_bytes_read(bytes, size, name, e);
	free(bytes);
	if (report) {
		if (!read_names(p, report, e) && !read_counts(p, report, e) && has_curves)
			read_curves(p, report, is_roc, e);
		err_prefix(e, "%s", name);
	}
	json_decref(report);
	return e->is_set ? -1 : 0;
}

/* 3. Pictures */

void
plot_classes_confusion(
    const struct plot_page *page, const struct plot_classes *p, bool shows_counts, struct err *e)
{
	double more = p->n > 6 ? 4 * (double)(p->n - 6) : 0;
	struct canvas *c =
	    plot_page_start(page, more < 160 ? 115 + more : 275, more < 160 ? 90 + more : 250, e);

	if (c)
		plot_confusion_draw(c, &(struct plot_confusion){
					   page->title, p->n, p->names, p->counts, shows_counts });
	plot_page_end(page, c, e);
}

/* Which classes get a curve: *ret_from up to *ret_end. */
static int
choose(const struct plot_classes *p, const char *positive, size_t *ret_from, size_t *ret_end,
    struct err *e)
{
	*ret_from = p->n_curves == 2;
	*ret_end = p->n_curves;
	if (!positive)
		return 0;
	for (size_t i = 0; i < p->n_curves; i++)
		if (strcmp(p->names[i], positive) == 0) {
			*ret_from = i;
			*ret_end = i + 1;
			return 0;
		}
	return err_set(e, "--positive: no class '%s' with probabilities", positive);
}

static const char *
curve_label(struct arena *a, const char *name, const struct class_curve *curve, bool is_roc)
{
	const char *area = is_roc ? "AUC" : "AP";

	if (curve->is_mean)
		return arena_printf(
		    a, "%s (%s %.3f \xc2\xb1 %.3f)", name, area, curve->area, curve->deviation);
	return arena_printf(a, "%s (%s %.3f)", name, area, curve->area);
}

/* The curves of these classes that have one. */
static size_t
make_curves(const struct plot_classes *p, bool is_roc, size_t from, size_t end, struct arena *a,
    struct plot_curve *curves)
{
	size_t n = 0;

	for (size_t i = from; i < end; i++) {
		const struct class_curve *k = &p->curves[i];

		if (k->n == 0)
			continue;
		curves[n++] = (struct plot_curve){ .label = curve_label(a, p->names[i], k, is_roc),
			.n = k->n,
			.x = k->x,
			.y = k->y,
			.color = color_category(end - from == 1 ? 0 : i, p->n_curves) };
	}
	return n;
}

void
plot_classes_curves(const struct plot_page *page, const struct plot_classes *p, bool is_roc,
    const char *positive, struct err *e)
{
	struct plot_curves what = { .title = page->title,
		.x_label = is_roc ? "False positive rate" : "Recall",
		.y_label = is_roc ? "True positive rate" : "Precision",
		.is_unit = true,
		.has_diagonal = is_roc };
	struct arena a = { 0 };
	struct plot_curve *curves = arena_alloc(&a, p->n_curves, sizeof(*curves));
	struct canvas *c = NULL;
	size_t from, end;

	if (!e->is_set && choose(p, positive, &from, &end, e) == 0) {
		what.n = make_curves(p, is_roc, from, end, &a, curves);
		what.curves = curves;
		if (what.n == 0)
			err_set(e, "no curve: the class has all rows or none");
		else if (what.n < end - from)
			cli_warn(page->cli, "%zu of %zu classes have no rows, and so no curve",
			    end - from - what.n, end - from);
		c = plot_page_start(page, 145, 90, e);
	}
	if (c)
		plot_curves_draw(c, &what);
	plot_page_end(page, c, e);
	arena_free(&a);
}
