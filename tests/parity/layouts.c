/* layouts.c - principal components and UMAP of raw vectors, as text, for the comparison with
 *Python.
 *
 *	layouts pca D K FILE                    float64 [n][D]; lines: a name and numbers
 *	layouts umap D SEED METRIC START FILE   float32 [n][D]; a point a line
 *	layouts graph D K METRIC FILE           the fuzzy graph: i, j, weight a line
 *
 * METRIC: euclidean or cosine. START: spectral or pca. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "stat/pca.h"
#include "stat/umap.h"

static struct io_map map;

static void
stop(const char *text)
{
	fprintf(stderr, "layouts: %s\n", text);
	exit(1);
}

static void
stop_at(const struct err *e)
{
	if (e->is_set)
		stop(e->text);
}

static size_t
number(const char *text)
{
	return (size_t)strtoull(text, NULL, 10);
}

static struct vectors
read_vectors(const char *d, const char *path, bool is_double)
{
	struct vectors v = { .d = number(d) };
	struct err e = { 0 };

	io_map_open(&map, path, &e);
	stop_at(&e);
	v.n = map.size / (v.d * (is_double ? sizeof(double) : sizeof(float)));
	if (is_double)
		v.f64 = (const double *)(const void *)map.bytes;
	else
		v.f32 = (const float *)(const void *)map.bytes;
	return v;
}

static void
print(const char *name, const double *x, size_t n)
{
	fputs(name, stdout);
	for (size_t i = 0; i < n; i++)
		printf(" %.17g", x[i]);
	putchar('\n');
}

static void
run_pca(char **argv)
{
	struct vectors x = read_vectors(argv[2], argv[4], true);
	struct err e = { 0 };
	struct pca p;
	double *scores;

	pca_fit(&p, &x, number(argv[3]), &e);
	stop_at(&e);
	scores = mem_alloc(x.n * p.k, sizeof(*scores));
	pca_scores(&p, &x, scores);
	print("mean", p.mean, p.d);
	print("variances", p.variances, p.k);
	print("ratios", p.ratios, p.k);
	for (size_t i = 0; i < p.k; i++)
		print("component", p.components + i * p.d, p.d);
	for (size_t i = 0; i < x.n; i++)
		print("score", scores + i * p.k, p.k);
	free(scores);
	pca_free(&p);
}

static enum vector_metric
metric_of(const char *name)
{
	return strcmp(name, "cosine") == 0 ? METRIC_COSINE : METRIC_EUCLIDEAN;
}

static void
run_umap(char **argv)
{
	struct vectors x = read_vectors(argv[2], argv[6], false);
	struct umap_options o = umap_defaults();
	struct err e = { 0 };
	float *y = mem_alloc(2 * x.n, sizeof(*y));

	o.seed = number(argv[3]);
	o.metric = metric_of(argv[4]);
	o.start = strcmp(argv[5], "pca") == 0 ? UMAP_PCA : UMAP_SPECTRAL;
	o.threads = 2;
	umap_layout(y, &x, &o, &e);
	stop_at(&e);
	for (size_t i = 0; i < x.n; i++)
		printf("%.9g %.9g\n", (double)y[2 * i], (double)y[2 * i + 1]);
	free(y);
}

static void
run_graph(char **argv)
{
	struct vectors x = read_vectors(argv[2], argv[5], false);
	struct err e = { 0 };
	struct neighbours *nn =
	    neighbours_find(&x, NULL, metric_of(argv[4]), number(argv[3]) - 1, 2, &e);
	struct umap_graph g;

	stop_at(&e);
	umap_graph_make(&g, nn);
	for (size_t i = 0; i < g.n; i++)
		for (size_t k = g.starts[i]; k < g.starts[i + 1]; k++)
			printf("%zu %u %.9g\n", i, (unsigned)g.columns[k], (double)g.weights[k]);
	umap_graph_free(&g);
	neighbours_free(nn);
}

int
main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "pca") == 0)
		run_pca(argv);
	else if (argc == 7 && strcmp(argv[1], "umap") == 0)
		run_umap(argv);
	else if (argc == 6 && strcmp(argv[1], "graph") == 0)
		run_graph(argv);
	else
		stop("bad arguments");
	io_map_close(&map);
	return 0;
}
