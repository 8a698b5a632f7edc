/* launcher.h - whether the program was started as one of several processes of one run: by mpirun,
 * mpiexec or srun, which say so in the environment. Nothing here needs MPI. */

#ifndef BASE_LAUNCHER_H
#define BASE_LAUNCHER_H

#include <stdbool.h>

struct launcher {
	int rank; /* of this process, from 0 */
	int size; /* all processes; 1 where nobody says so; 0: several, but nobody says how many */
	bool has_mpi; /* what started them can connect them */
};

/* OMPI_COMM_WORLD_* (Open MPI), PMIX_* and PMI_* (MPICH, Slurm with --mpi), SLURM_* (srun without
 * it). Values that are no numbers count as not there. */
struct launcher launcher_find(void);

#endif
