/* What mpirun and srun say in the environment. */

#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/launcher.h"
#include "base/ranks.h"

static const char *const names[] = { "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMIX_RANK",
	"PMI_RANK", "PMI_SIZE", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS" };

static void
forget(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
}

/* pairs: name, value ... NULL */
static void
expect_launcher(const char *const *pairs, int rank, int size, bool has_mpi)
{
	struct launcher l;

	forget();
	for (; pairs[0]; pairs += 2)
		setenv(pairs[0], pairs[1], 1);
	l = launcher_find();
	assert_int_equal(l.rank, rank);
	assert_int_equal(l.size, size);
	assert_int_equal(l.has_mpi, has_mpi);
	forget();
}

#define EXPECT(rank, size, has_mpi, ...) \
	expect_launcher((const char *const[]){ __VA_ARGS__, NULL }, rank, size, has_mpi)

static void
launchers_are_known(void **state)
{
	(void)state;
	forget();
	assert_int_equal(launcher_find().size, 1);
	EXPECT(3, 4, true, "OMPI_COMM_WORLD_RANK", "3", "OMPI_COMM_WORLD_SIZE", "4");
	EXPECT(1, 2, true, "PMI_RANK", "1", "PMI_SIZE", "2");
	EXPECT(5, 8, true, "PMIX_RANK", "5", "SLURM_PROCID", "5", "SLURM_STEP_NUM_TASKS", "8");
	EXPECT(1, 0, true, "PMIX_RANK", "1");
	EXPECT(2, 3, false, "SLURM_PROCID", "2", "SLURM_STEP_NUM_TASKS", "3");
}

/* A script of sbatch is one process, however many tasks its job has. */
static void
other_values_are_none(void **state)
{
	(void)state;
	EXPECT(0, 1, false, "SLURM_PROCID", "0");
	EXPECT(0, 1, true, "OMPI_COMM_WORLD_RANK", "0", "OMPI_COMM_WORLD_SIZE", "1");
	EXPECT(0, 1, false, "OMPI_COMM_WORLD_RANK", "", "OMPI_COMM_WORLD_SIZE", "4");
	EXPECT(0, 1, false, "OMPI_COMM_WORLD_RANK", "-1", "PMI_RANK", "1x");
	EXPECT(0, 1, false, "PMI_RANK", "99999999999999999999");
}

/* Alone, the values are the sums, and an error is what it was. */
static void
one_process_is_all(void **state)
{
	float x = 1.5f, *runs[1] = { &x };
	double y = 2.5;
	uint64_t z = 7;
	bool any = true;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(ranks_agree(&any, &e), 0);
	assert_true(any && ranks_is_first());
	ranks_add_f32(runs, 1, 1);
	ranks_add_f64(&y, 1);
	ranks_add_u64(&z, 1);
	ranks_share(&z, sizeof(z));
	assert_true(x > 1.4f && x < 1.6f && y > 2.4 && y < 2.6 && z == 7);
	err_set(&e, "a fault");
	assert_int_equal(ranks_agree(NULL, &e), -1);
	assert_string_equal(e.text, "a fault");
	assert_int_equal(ranks_count() + ranks_own(), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(launchers_are_known),
		cmocka_unit_test(other_values_are_none),
		cmocka_unit_test(one_process_is_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
