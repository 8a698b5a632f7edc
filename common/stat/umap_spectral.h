/* umap_spectral.h - the plane in which a graph's parts lie farthest apart, as a start for umap.h.
 *
 * The eigenvectors of the normalised Laplacian I - S, S = D^-1/2 W D^-1/2, to its second and third
 * smallest eigenvalue (the first belongs to sqrt(D), which tells nothing). They are those of S to
 * the largest ones; each is found by a Lanczos run of its own, with full reorthogonalisation, in
 * what is orthogonal to the ones before, so that equal eigenvalues do no harm. A run has at most
 * UMAP_SPECTRAL_STEPS steps: exact for graphs of so many points, and a good approximation, which is
 * all that a start needs, for larger ones. */

#ifndef STAT_UMAP_SPECTRAL_H
#define STAT_UMAP_SPECTRAL_H

#include "stat/umap.h"

enum { UMAP_SPECTRAL_STEPS = 150 };

/* True where every point can be reached from every other one (and where there are none). */
bool umap_graph_is_connected(const struct umap_graph *g);

/* Two eigenvectors of length 1 into ret_y [n][2], the largest number of each positive. The graph is
 * connected and has 3 points at least (asserted). -1 with a message where LAPACK gives up. */
int umap_spectral(double *ret_y, const struct umap_graph *g, uint64_t seed, struct err *e);

#endif
