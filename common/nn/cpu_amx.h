/* cpu_amx.h - AMX's tiles, as all kernels that multiply with them set them up.
 *
 * Between begin and end the calling thread has eight tiles of 16 rows of 64 bytes; their contents
 * are undefined at first. Only where cpu_isa.h says that AMX is usable. */

#ifndef NN_CPU_AMX_H
#define NN_CPU_AMX_H

void amx_begin(void);
void amx_end(void);

/* The compiler does not know that tile instructions read and write memory. */
#define AMX_BARRIER __asm__ volatile("" ::: "memory")

#endif
