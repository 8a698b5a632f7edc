/* set_split.h - dividing items, or whole groups of them, over sets of stated shares, so that each
 * set has the same mixture of classes.
 *
 * For training, validation and test: cells by themselves, or all cells of a donor together. */

#ifndef CELL_SET_SPLIT_H
#define CELL_SET_SPLIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/random.h"

enum { SET_SPLIT_MAX = 8 };

struct set_split {
	size_t n_classes;
	size_t n_sets;                /* SET_SPLIT_MAX at most */
	double shares[SET_SPLIT_MAX]; /* sum 1; a set of 0 stays empty. That of set 0 is above 0 */
};

/* Item i is of class classes[i]. Of each class shares[k] of its items, rounded, come into set k, by
 * chance, and what is left into set 0: at least one, where the class has any. ret_sets: [n]. */
void set_split_items(const struct set_split *s, const uint32_t *classes, size_t n, struct random *r,
    uint8_t *ret_sets);

/* Whole groups; counts [n_groups][n_classes] items. Looks for the division with the least
 *	sum over sets k and classes c of (n[k][c] - shares[k] n[c])^2 / n[c]
 * among those in which no set is empty that has a share, and then those in which set 0 has all
 * classes, as far as there are such: from several starts of chance, groups are moved and exchanged
 *as long as it helps. -1 where fewer groups have items than sets have a share. */
int set_split_groups(const struct set_split *s, const uint64_t *counts, size_t n_groups,
    struct random *r, uint8_t *ret_sets, struct err *e);

#endif
