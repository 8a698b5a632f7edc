/* cpu_attention_amx.h - what the attention kernels that use AMX share. */

#ifndef NN_CPU_ATTENTION_AMX_H
#define NN_CPU_ATTENTION_AMX_H

/* Eight tiles of 16 rows of 64 bytes, until the end. */
void attention_amx_begin(void);
void attention_amx_end(void);

/* The compiler does not know that tile instructions read and write memory. */
#define AMX_BARRIER __asm__ volatile("" ::: "memory")

#endif
