#define _GNU_SOURCE /* sched_getaffinity */

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cpus.h"

enum { MAX_PATH = 4096 };

static int
cpus_of(double quota, double period)
{
	double cpus;

	if (!(quota > 0) || !(period > 0) || quota / period > 1e6)
		return 0;
	cpus = quota / period;
	return (int)cpus + ((double)(int)cpus < cpus);
}

/* The first line of a small file, "" where there is none. */
static const char *
read_line(const char *path, char *ret, size_t size)
{
	FILE *f = fopen(path, "r");

	ret[0] = '\0';
	if (f && !fgets(ret, (int)size, f))
		ret[0] = '\0';
	if (f)
		fclose(f);
	return ret;
}

/* "200000 100000", or "max 100000" */
static int
read_v2(const char *folder)
{
	char path[MAX_PATH + 32], line[100], *end;
	double quota;

	snprintf(path, sizeof(path), "%s/cpu.max", folder);
	quota = strtod(read_line(path, line, sizeof(line)), &end);
	return end == line ? 0 : cpus_of(quota, strtod(end, NULL));
}

static int
read_v1(const char *folder)
{
	char path[MAX_PATH + 32], quota[100], period[100];

	snprintf(path, sizeof(path), "%s/cpu.cfs_quota_us", folder);
	read_line(path, quota, sizeof(quota));
	snprintf(path, sizeof(path), "%s/cpu.cfs_period_us", folder);
	read_line(path, period, sizeof(period));
	return cpus_of(strtod(quota, NULL), strtod(period, NULL));
}

/* The least limit of a group and all above it, up to the mount point. In a container the path may
 * be that of the host, which is not there: then the mount point itself is the group. */
static int
read_group(const char *mount, const char *group, int (*read)(const char *folder))
{
	char path[MAX_PATH];
	size_t root = strlen(mount);
	int least = 0;

	if ((size_t)snprintf(path, sizeof(path), "%s%s", mount, group) >= sizeof(path))
		return 0;
	for (;;) {
		int limit = read(path);
		char *slash;

		if (limit && (!least || limit < least))
			least = limit;
		slash = strrchr(path, '/');
		if (strlen(path) <= root || !slash)
			return least;
		*(slash < path + root ? path + root : slash) = '\0';
	}
}

/* Whether a list divided by commas has the word. */
static int
has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (strncmp(p, word, n) == 0 && (p[n] == ',' || p[n] == '\0'))
			return 1;
	return 0;
}

int
cpus_quota(const char *cgroup_file, const char *mount)
{
	FILE *f = fopen(cgroup_file, "r");
	char line[MAX_PATH], folder[MAX_PATH];
	int least = 0;

	while (f && fgets(line, sizeof(line), f)) {
		char *controllers = strchr(line, ':'), *group;
		int limit = 0;

		group = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!group)
			continue;
		*group++ = '\0';
		controllers++;
		group[strcspn(group, "\n")] = '\0';
		if (*controllers == '\0')
			limit = read_group(mount, group, read_v2);
		else if (has_word(controllers, "cpu") &&
			 (size_t)snprintf(folder, sizeof(folder), "%s/cpu", mount) < sizeof(folder))
			limit = read_group(folder, group, read_v1);
		if (limit && (!least || limit < least))
			least = limit;
	}
	if (f)
		fclose(f);
	return least;
}

int
cpus_usable(void)
{
	cpu_set_t set;
	int n = 1, quota = cpus_quota("/proc/self/cgroup", "/sys/fs/cgroup");

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	else if (sysconf(_SC_NPROCESSORS_ONLN) > 0) /* more CPUs than the set has room for */
		n = (int)sysconf(_SC_NPROCESSORS_ONLN);
	if (quota && quota < n)
		n = quota;
	return n > 0 ? n : 1;
}

void
cpus_mark(uint8_t *ret, size_t n)
{
	cpu_set_t set;
	bool is_known = sched_getaffinity(0, sizeof(set), &set) == 0;

	for (size_t c = 0; c < n; c++)
		ret[c] = is_known && c < CPU_SETSIZE && CPU_ISSET(c, &set);
}
