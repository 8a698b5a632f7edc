/* cpu_gradient.h - the table of gradient operations of the CPU backend: float32, oneDNN's plain
 * products (cpu_product.h), our attention and row operations; each thread by itself. */

#ifndef NN_CPU_GRADIENT_H
#define NN_CPU_GRADIENT_H

#include "nn/gradient.h"

extern const struct gradient_ops cpu_gradient_ops;

#endif
