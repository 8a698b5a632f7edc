/* CPU quotas of control groups, in folders made up for it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cpus.h"

static char folder[] = "/tmp/test_cpus.XXXXXX";
static char made[20][200];
static size_t n_made;

static void
make_folder(const char *name)
{
	assert_true(n_made < 20);
	snprintf(made[n_made], sizeof(made[0]), "%s/%s", folder, name);
	assert_int_equal(mkdir(made[n_made++], 0700), 0);
}

static void
make_file(const char *name, const char *text)
{
	FILE *f;

	assert_true(n_made < 20);
	snprintf(made[n_made], sizeof(made[0]), "%s/%s", folder, name);
	f = fopen(made[n_made++], "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int
quota(void)
{
	char file[200], mount[200];

	snprintf(file, sizeof(file), "%s/cgroup", folder);
	snprintf(mount, sizeof(mount), "%s/fs", folder);
	return cpus_quota(file, mount);
}

static int
set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_cpus.XXXXXX");
	n_made = 0;
	if (!mkdtemp(folder))
		return -1;
	make_folder("fs");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	while (n_made)
		if (remove(made[--n_made]))
			return -1;
	return remove(folder);
}

static void
takes_the_least_of_a_group_and_those_above(void **state)
{
	(void)state;
	make_file("cgroup", "0::/job/step\n");
	make_folder("fs/job");
	make_folder("fs/job/step");
	assert_int_equal(quota(), 0);
	make_file("fs/job/step/cpu.max", "max 100000\n");
	assert_int_equal(quota(), 0);
	make_file("fs/job/cpu.max", "250000 100000\n");
	assert_int_equal(quota(), 3);
}

/* In a container the group's path is not there, its limits stand at the mount point. */
static void
takes_the_mount_point_in_a_container(void **state)
{
	(void)state;
	make_file("cgroup", "0::/on/the/host\n");
	make_file("fs/cpu.max", "50000 100000\n");
	assert_int_equal(quota(), 1);
}

static void
reads_version_1(void **state)
{
	(void)state;
	make_file("cgroup", "4:memory:/a\n3:cpuset:/a\n2:cpu,cpuacct:/a\n0::/\n");
	make_folder("fs/cpu");
	make_folder("fs/cpu/a");
	make_file("fs/cpu/a/cpu.cfs_quota_us", "400000\n");
	make_file("fs/cpu/a/cpu.cfs_period_us", "100000\n");
	make_file("fs/cpu/cpu.cfs_quota_us", "-1\n");
	make_file("fs/cpu/cpu.cfs_period_us", "100000\n");
	assert_int_equal(quota(), 4);
}

static void
finds_none_in_odd_files(void **state)
{
	(void)state;
	assert_int_equal(quota(), 0);
	make_file("cgroup", "nonsense\n0:\n0::/\n");
	make_file("fs/cpu.max", "0 0\n");
	assert_int_equal(quota(), 0);
	assert_true(cpus_usable() >= 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    takes_the_least_of_a_group_and_those_above, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    takes_the_mount_point_in_a_container, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reads_version_1, set_up, tear_down),
		cmocka_unit_test_setup_teardown(finds_none_in_odd_files, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
