/* halving.h - asynchronous successive halving (ASHA): which trial deserves more training.
 *
 * Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht and Talwalkar, "A system for massively
 * parallel hyperparameter tuning", MLSys 2020, algorithm 2. Trials that have been trained with a
 * resource (epochs) stand on a rung. Whenever a worker is free, the best n / reduction of the n on
 * a rung may go on to the next one, the highest rung first; where there is none, the worker begins
 * a new trial on rung 0. No worker ever waits for others.
 *
 * Pure functions. */

#ifndef STAT_HALVING_H
#define STAT_HALVING_H

#include <stdbool.h>
#include <stddef.h>

enum { HALVING_MAX_RUNGS = 32 };

/* A trial that has its value on a rung. */
struct halving_entry {
	size_t trial;
	double value; /* greater is better */
	bool is_promoted;
};

struct halving_rung {
	size_t n;
	const struct halving_entry *entries; /* in any order; equal values: the lesser trial first
					      */
};

/* The resources of the rungs: from, from * reduction, ..., and the last one `to`. Returns how many
 * they are, at most HALVING_MAX_RUNGS. from <= to and reduction >= 2 are asserted. */
size_t halving_resources(
    size_t from, size_t to, size_t reduction, size_t ret_resources[HALVING_MAX_RUNGS]);

/* The trial to go on, and the rung it stands on (not the one it goes to). False: none. */
bool halving_promote(const struct halving_rung *rungs, size_t n_rungs, size_t reduction,
    size_t *ret_trial, size_t *ret_rung);

/* The same when no trial runs and no new one will come: with less than reduction^(rungs - 1) trials
 * none may have got to the last rung. Then the best one of the highest rung that has any goes on.
 * False once the last rung has one, or nothing is left that could go on. */
bool halving_complete(
    const struct halving_rung *rungs, size_t n_rungs, size_t *ret_trial, size_t *ret_rung);

#endif
