#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nn/cpu_isa.h"

static const char *const names[] = { "generic", "avx2", "avx512", "amx" };

#if defined(__x86_64__)

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

/* syscall(2) is not POSIX; unistd.h hides it under _POSIX_C_SOURCE. */
extern long syscall(long number, ...);

static bool
cpuid_bit(unsigned leaf, unsigned subleaf, int which, unsigned bit)
{
	unsigned r[4] = { 0 };

	return __get_cpuid_count(leaf, subleaf, &r[0], &r[1], &r[2], &r[3]) &&
	       (r[which] >> bit & 1);
}

/* The CPU has AMX-TILE and AMX-BF16, and Linux grants the 8 KB of tile state to this process
 * (arch_prctl ARCH_REQ_XCOMP_PERM, needed once; kernels before 5.16 refuse). */
static bool
has_amx(void)
{
#if defined(__linux__) && defined(SYS_arch_prctl)
	enum { GET_PERMITTED = 0x1022, REQUEST = 0x1023, TILE_DATA = 18 };
	unsigned long permitted = 0;

	if (!cpuid_bit(7, 0, 3, 24) || !cpuid_bit(7, 0, 3, 22))
		return false;
	return syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0 &&
	       syscall(SYS_arch_prctl, GET_PERMITTED, &permitted) == 0 &&
	       (permitted >> TILE_DATA & 1);
#else
	return false;
#endif
}

static bool
is_amd(void)
{
	unsigned r[4] = { 0 };

	return __get_cpuid(0, &r[0], &r[1], &r[2], &r[3]) && r[1] == 0x68747541; /* "Auth" */
}

static enum cpu_isa
find_native(void)
{
	__builtin_cpu_init();
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
		return CPU_ISA_GENERIC;
	if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
	    !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512dq"))
		return CPU_ISA_AVX2;
	return has_amx() && cpuid_bit(7, 1, 0, 5) ? CPU_ISA_AMX : CPU_ISA_AVX512;
}

bool
cpu_isa_prefers_bf16(enum cpu_isa isa)
{
	return isa == CPU_ISA_AMX || (isa == CPU_ISA_AVX512 && is_amd() && cpuid_bit(7, 1, 0, 5));
}

bool
cpu_isa_has_amx_int8(enum cpu_isa isa)
{
	return isa >= CPU_ISA_AMX && cpuid_bit(7, 0, 3, 25);
}

bool
cpu_isa_has_vnni(enum cpu_isa isa)
{
	return isa >= CPU_ISA_AVX512 && cpuid_bit(7, 0, 2, 11);
}

#else

static enum cpu_isa
find_native(void)
{
	return CPU_ISA_GENERIC;
}

bool
cpu_isa_prefers_bf16(enum cpu_isa isa)
{
	(void)isa;
	return false;
}

bool
cpu_isa_has_vnni(enum cpu_isa isa)
{
	(void)isa;
	return false;
}

bool
cpu_isa_has_amx_int8(enum cpu_isa isa)
{
	(void)isa;
	return false;
}

#endif

int
cpu_isa_find(enum cpu_isa *ret_isa, struct err *e)
{
	const char *asked = getenv("CELLPIPE_ISA");
	enum cpu_isa native = find_native();

	*ret_isa = native;
	if (!asked || !*asked)
		return 0;
	for (int i = CPU_ISA_GENERIC; i <= CPU_ISA_AVX512; i++) {
		if (strcmp(asked, names[i]) != 0)
			continue;
		if (i > (int)native)
			return err_set(
			    e, "CELLPIPE_ISA=%s: this CPU has only %s", asked, names[native]);
		*ret_isa = (enum cpu_isa)i;
		return 0;
	}
	return err_set(e, "CELLPIPE_ISA=%s: not one of avx512, avx2, generic", asked);
}

bool
cpu_isa_is_native(enum cpu_isa isa)
{
	return isa == find_native();
}

const char *
cpu_isa_name(enum cpu_isa isa)
{
	return names[isa];
}
