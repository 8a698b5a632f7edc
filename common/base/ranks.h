/* ranks.h - one run on several processes, on one machine or many. ranks.c is the only file that
 * knows MPI.
 *
 * Who has it. Programs with CLI_RANKS (cli.h). The others have nothing of MPI in them, and these
 * start it only where mpirun or srun started them as one of several processes (launcher.h). A build
 * without MPI (make MPI=0) that is started so fails with one line.
 *
 * Every process, a rank from 0 to n - 1, does the same things in the same order: reads the same
 * files, draws the same chance, decides alike. What differs is which parts of the work it computes.
 * So nothing is distributed but sums, and those have a fixed order, that of the ranks: equal input
 * gives equal bits on all of them, and in each run of as many processes.
 *
 * Who speaks. Rank 0 alone writes: files, metrics, messages (cli.h), the progress line. An error of
 * any rank becomes everybody's where they next agree, and is said once, by rank 0, with "process N:
 * " before it where it is another's. All of them then end with its status. A rank that is killed
 * ends the others through whatever started them.
 *
 * The rule that keeps them together: whoever fails returns up to main, so its next exchange is that
 * of ranks_end. What the others are at must therefore be ranks_agree, which is the same exchange.
 * So between a ranks_agree and the sums after it, nothing may fail. Ranks that wait in it sleep,
 * and leave the CPUs to those that still work.
 *
 * One thread calls these, always the same. With one process they do nothing. */

#ifndef BASE_RANKS_H
#define BASE_RANKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cli.h"

/* Joins the others, after cli_parse. Without -t, the CPUs that this process may use are shared
 * among those of this machine that may use them, too. 0, or -1 with e set: no MPI in the build, or
 * one that does not fit what started the program. */
int ranks_start(struct cli *cli, struct err *e);

/* Waits for the others, takes leave, and returns what main returns (cli_status): 1 where any rank
 * failed. The last thing that a program does. */
int ranks_end(const struct cli *cli, struct err *e);

size_t ranks_count(void);
/* This process's number, below ranks_count. */
size_t ranks_own(void);
bool ranks_is_first(void);

/* Comes together with the others. 0; or -1 where any rank has its e set, and then everybody's has
 * the error of the first such rank. any (NULL: nothing): becomes true where it is so on any rank.
 */
int ranks_agree(bool *any, struct err *e);

/* values [n] become their sums over the ranks, added up in the order of the ranks. Of float32 each
 * rank gives n_runs runs of n values, 1 or more, which are added up in float32, all of a rank
 * before those of the next; the first run gets the sums, the others lose what they had. After a
 * ranks_agree, with nothing between that can fail. */
void ranks_add_f32(float *const *runs, size_t n_runs, size_t n);
void ranks_add_f64(double *values, size_t n);
void ranks_add_u64(uint64_t *values, size_t n);

/* Bytes [n] become those of rank 0. The same. */
void ranks_share(void *bytes, size_t n);

#endif
