/* cpu_isa.h - which instructions the CPU backend may use.
 *
 * Found once, from the CPU, the kernel, and CELLPIPE_ISA, which may only lower it (for tests, and
 * to get the same bytes from unlike machines): avx512    AVX-512 without AMX        avx2    AVX2
 * and FMA        generic    plain C The caps hold for our kernels and for oneDNN alike. */

#ifndef NN_CPU_ISA_H
#define NN_CPU_ISA_H

#include <stdbool.h>

#include "base/err.h"

/* Each contains the ones before it. */
enum cpu_isa {
	CPU_ISA_GENERIC,
	CPU_ISA_AVX2,   /* AVX2, FMA */
	CPU_ISA_AVX512, /* AVX-512 F, BW, VL, DQ */
	CPU_ISA_AMX,    /* with bf16 tiles that the kernel lets us use */
};

/* The best that may be used. An unknown word in CELLPIPE_ISA, or one the CPU does not have, is an
 * error; then -1. */
int cpu_isa_find(enum cpu_isa *ret_isa, struct err *e);

/* Is it all that the CPU has, nothing held back? */
bool cpu_isa_is_native(enum cpu_isa isa);

/* What is multiplied faster in bf16 than in float32, by a fixed rule: with AMX, and AMD's with
 * AVX512-BF16 (Intel's without AMX take twice as long as in float32). */
bool cpu_isa_prefers_bf16(enum cpu_isa isa);

/* May 8-bit integers be multiplied with AVX512-VNNI, or with AMX-INT8? */
bool cpu_isa_has_vnni(enum cpu_isa isa);
bool cpu_isa_has_amx_int8(enum cpu_isa isa);

/* "generic", "avx2", "avx512", "amx". */
const char *cpu_isa_name(enum cpu_isa isa);

#endif
