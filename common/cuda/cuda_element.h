/* cuda_element.h - a number in memory, float32 or of 16 bits, as a float. */

#ifndef CUDA_CUDA_ELEMENT_H
#define CUDA_CUDA_ELEMENT_H

#include "cuda/cuda_device.h"

DEVICE float
read_element(float x)
{
	return x;
}

DEVICE float
read_element(struct bf16 x)
{
	return widen(x);
}

DEVICE float
read_element(struct fp16 x)
{
	return widen(x);
}

DEVICE void
write_element(float x, float *to)
{
	*to = x;
}

DEVICE void
write_element(float x, struct bf16 *to)
{
	narrow(x, to);
}

DEVICE void
write_element(float x, struct fp16 *to)
{
	narrow(x, to);
}

#endif
