/* impact.h - which groups (perturbed genes) have an effect, by a mixture of two normal
 * distributions.
 *
 * The means of all groups are taken to come from two distributions, one of groups with an effect
 * and one of those without; values are cosines, so the lower one is that of an effect. A number
 * belongs to it where its probability there is above 1/2; and always below the lower mean, and
 * never above the higher one (the wider of two normal distributions is the likelier one on both
 * far sides). Each value of a group is judged the same way. Idea: Theodoris et al. 2023, Methods,
 * "in silico perturbation". */

#ifndef STAT_IMPACT_H
#define STAT_IMPACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "stat/gaussian_mixture.h"

struct impact_result {
	uint64_t n;     /* values */
	double mean;    /* NaN where there are none */
	bool is_impact; /* of the group's mean */
	double share;   /* of its values that are of the impact component; NaN without values */
};

struct impacts;

struct impacts *impacts_new(size_t max_memory);

/* Adds a value (not NaN, asserted) of a group (dense numbers). -1 where the temporary file cannot
 * be written. */
int impacts_add(struct impacts *m, uint32_t group, float value, struct err *e);

/* Fits the mixture to the means of groups 0..n-1 that have values, and judges them. Nothing can be
 * added afterwards. -1 where there are not two different means, or on failure of the temporary
 * file. */
int impacts_finish(struct impacts *m, struct impact_result *ret, size_t n,
    struct gaussian_mixture *ret_fit, struct err *e);

bool impacts_spilled(const struct impacts *m);

/* NULL is fine. */
void impacts_free(struct impacts *m);

#endif
