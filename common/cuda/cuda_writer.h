/* cuda_writer.h - the planes that a kernel writes, with the type of the 16-bit one. */

#ifndef CUDA_CUDA_WRITER_H
#define CUDA_CUDA_WRITER_H

#include "cuda/cuda_device.h"
#include "cuda/cuda_kernels.h"

template <class T> struct plane_writer {
	float *wide;
	T *narrowed;

	explicit plane_writer(struct planes p) : wide(p.wide), narrowed((T *)p.narrow)
	{
	}

	DEVICE void put(size_t at, float x) const
	{
		if (wide)
			wide[at] = x;
		if (narrowed)
			narrow(x, &narrowed[at]);
	}
};

#endif
