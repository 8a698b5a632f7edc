/* cpus.h - how many CPUs the process may use. */

#ifndef BASE_CPUS_H
#define BASE_CPUS_H

/* The CPUs of its affinity mask, or fewer where a control group (a container, a job of a cluster)
 * limits the CPU time: its quota, rounded up. At least 1. Linux, "cgroup-v2" (cpu.max) and "CFS
 * bandwidth control" (cpu.cfs_quota_us). */
int cpus_usable(void);

/* The same limit under other folders than /proc/self and /sys/fs/cgroup, for tests; 0: none. */
int cpus_quota(const char *cgroup_file, const char *mount);

#endif
