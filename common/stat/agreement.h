/* agreement.h - how far two partitions of the same rows agree, whatever their parts are called.
 *
 * n_ij rows are in part i of the first and part j of the second, a_i and b_j are the sums, n all.
 *	ARI  adjusted Rand index (Hubert and Arabie 1985), from pairs of rows that are together or
 *	     apart in both: 1 the same partition, 0 as expected by chance, may be negative
 *	MI   sum n_ij / n log(n n_ij / (a_i b_j)), H the entropies
 *	NMI  MI / mean(H_a, H_b); 1 where both have a single part, else 0 where MI is 0
 *	AMI  (MI - E) / (mean(H_a, H_b) - E), E the mean of MI over all arrangements of the rows
 *	     with these sums (Vinh, Epps and Bailey 2010)
 *	homogeneity MI / H_a, completeness MI / H_b, where the first is the truth (1 where H is 0)
 */

#ifndef STAT_AGREEMENT_H
#define STAT_AGREEMENT_H

#include <stddef.h>
#include <stdint.h>

struct agreement {
	double ari, nmi, ami, homogeneity, completeness;
};

/* Parts a[n] (numbers below n_a) and b[n] (below n_b); parts may be empty. Zero rows count as the
 * same partition. */
struct agreement agreement_find(
    const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b, size_t n);

#endif
