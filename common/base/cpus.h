/* cpus.h - how many CPUs the process may use. */

#ifndef BASE_CPUS_H
#define BASE_CPUS_H

#include <stddef.h>
#include <stdint.h>

/* The CPUs of its affinity mask, or fewer where a control group (a container, a job of a cluster)
 * limits the CPU time: its quota, rounded up. At least 1. Linux, "cgroup-v2" (cpu.max) and "CFS
 * bandwidth control" (cpu.cfs_quota_us). */
int cpus_usable(void);

/* Sets ret[c] to 1 for each CPU c < n of the affinity mask, and all others to 0. */
void cpus_mark(uint8_t *ret, size_t n);

/* The same limit under other folders than /proc/self and /sys/fs/cgroup, for tests; 0: none. */
int cpus_quota(const char *cgroup_file, const char *mount);

#endif
