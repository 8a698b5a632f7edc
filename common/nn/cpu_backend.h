/* cpu_backend.h - the backend of the CPU: oneDNN for the linear layers, our own attention and
 * norms. */

#ifndef NN_CPU_BACKEND_H
#define NN_CPU_BACKEND_H

#include "nn/backend.h"

/* f32 always; bf16 with AVX-512; int8, which cannot learn, with AVX-512 and VNNI: products of
 * matrices and attention only, all else stays float32. NULL with *e set otherwise. */
struct backend *cpu_backend_open(enum precision precision, struct err *e);

#endif
