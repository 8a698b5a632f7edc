#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/launcher.h"

/* A whole number of the environment that is not negative; else -1. */
static int
number_of(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long value;

	if (!text || *text < '0' || *text > '9')
		return -1;
	errno = 0;
	value = strtol(text, &end, 10);
	return errno || *end || value > INT_MAX ? -1 : (int)value;
}

struct launcher
launcher_find(void)
{
	static const struct {
		const char *rank, *size;
		bool has_mpi;
	} kinds[] = {
		{ "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", true },
		{ "PMIX_RANK", "SLURM_STEP_NUM_TASKS", true },
		{ "PMI_RANK", "PMI_SIZE", true },
		{ "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", false },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		int rank = number_of(kinds[i].rank), size = number_of(kinds[i].size);

		if (rank < 0 || (size < 0 && !kinds[i].has_mpi))
			continue;
		if (size < 0)
			return (struct launcher){ rank, 0, true };
		return (struct launcher){ rank, size > 0 ? size : 1, kinds[i].has_mpi };
	}
	return (struct launcher){ 0, 1, false };
}
