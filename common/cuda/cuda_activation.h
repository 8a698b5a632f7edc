/* cuda_activation.h - activation functions of one number. */

#ifndef CUDA_CUDA_ACTIVATION_H
#define CUDA_CUDA_ACTIVATION_H

#include "cuda/cuda_device.h"

/* f: the numbers of enum activation in nn/model.h, which C++ cannot read (cuda_backend.c asserts
 * them). */
DEVICE float
activate(float x, int f)
{
	switch (f) {
	case 1: /* relu; what is no number stays so */
		return x <= 0 ? 0 : x;
	case 2: /* gelu */
		return 0.5f * x * (1 + erff(x * 0.70710678118654752f));
	case 3: /* its form with tanh */
		return 0.5f * x * (1 + tanhf(0.79788456080286536f * (x + 0.044715f * x * x * x)));
	case 4: /* silu */
		return x / (1 + expf(-x));
	case 5:
		return tanhf(x);
	default:
		return x;
	}
}

#endif
