/* umap.h - UMAP: vectors laid out in the plane so that near ones stay near.
 *
 * McInnes, Healy and Melville 2018, "UMAP: Uniform Manifold Approximation and Projection for
 * Dimension Reduction", arXiv:1802.03426. The steps are those of the paper, their constants those
 * of umap-learn: nearest neighbours; for each point the distance rho to its nearest neighbour and
 * a width sigma such that the strengths exp(-(d - rho) / sigma) add up to log2(k) (algorithm 3);
 * the fuzzy union of the strengths in both directions; a start from eigenvectors of the graph's
 * normalised Laplacian (algorithm 4), or from principal components; stochastic gradient descent
 * with negative samples (algorithm 5).
 *
 * The neighbours are exact, which takes n^2 d steps, on all threads: 20,000 vectors of 256 numbers
 * are laid out in 20 seconds of one core, 50,000 of 512 in minutes, and 100,000 are a sensible
 * limit. The descent runs in one thread in a fixed order: the result depends on the input, the
 * options and the seed (and in the last bits on the processor's arithmetic, which the descent may
 * amplify), never on the number of threads. Memory: about 12 n k bytes for the neighbours, 40 n k
 * for the graph and its descent, 1,300 n for the spectral start.
 *
 * The axes and their units mean nothing; distances between far groups mean little. */

#ifndef STAT_UMAP_H
#define STAT_UMAP_H

#include "stat/neighbours.h"

enum umap_start { UMAP_SPECTRAL, UMAP_PCA };

struct umap_options {
	size_t n_neighbours; /* of a point, itself counted, as in umap-learn; >= 2. Where there are
				fewer points: all of them */
	double min_dist;     /* how tightly points are packed; 0 <= min_dist <= spread */
	double spread;       /* the scale of the layout; > 0 */
	size_t n_epochs;     /* 0: 500 for up to 10,000 points, 200 above */
	size_t n_negatives;  /* samples pushed away for each neighbour drawn near */
	enum vector_metric metric;
	enum umap_start start; /* a graph in several pieces always starts from UMAP_PCA */
	uint64_t seed;
	size_t threads; /* >= 1; for the neighbours */
};

/* 15 neighbours, min_dist 0.1, spread 1, 5 negative samples, Euclidean, spectral start, seed 0, one
 * thread. */
struct umap_options umap_defaults(void);

/* Lays the vectors out into ret_y [n][2]. Any n, zero too; equal vectors may come to lie apart. -1
 * with a message where a number is not finite. */
int umap_layout(float *ret_y, const struct vectors *x, const struct umap_options *o, struct err *e);

/* The steps, for the tests and for who wants the graph. */

/* For each point and its distances to its k nearest others: rho, the least distance above 0 (0
 * where there is none), and sigma [n], so that the strengths add up to log2(k + 1), but at least
 * 0.001 of the mean distance (of this point's, or where rho is 0 of all). */
void umap_widths(double *ret_sigma, double *ret_rho, const struct neighbours *nn);

/* A symmetric graph: the neighbours of point i are columns[starts[i] .. starts[i + 1]), ascending,
 * without i itself; weights in (0, 1]. */
struct umap_graph {
	size_t n;
	size_t *starts;    /* [n + 1] */
	uint32_t *columns; /* [starts[n]] */
	float *weights;    /* [starts[n]] */
};

/* The fuzzy union of the strengths in both directions, a + b - a b. Freed by umap_graph_free. */
void umap_graph_make(struct umap_graph *g, const struct neighbours *nn);
void umap_graph_free(struct umap_graph *g);

/* a and b with which 1 / (1 + a x^2b) comes nearest, by least squares over 300 points of
 * [0, 3 spread], to 1 up to min_dist and exp(-(x - min_dist) / spread) from there. */
void umap_curve(double *ret_a, double *ret_b, double min_dist, double spread);

#endif
