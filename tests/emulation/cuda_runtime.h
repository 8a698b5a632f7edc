/* cuda_runtime.h - the words of CUDA C++ for a compiler that has no device.
 *
 * With this header the kernels of common/cuda are ordinary C++. Each thread of a block is a
 * coroutine; they change places where they wait for each other: __syncthreads, and the instructions
 * that a warp does together. What these do is written out in emulation.cc by the definitions of the
 * PTX manual. A warp whose threads meet at different instructions, or of which some have left, ends
 * the process. */

#ifndef TESTS_EMULATION_CUDA_RUNTIME_H
#define TESTS_EMULATION_CUDA_RUNTIME_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cuda_runtime_api.h"
#include "emulated_device.h"

#define __global__
#define __launch_bounds__(...)
#define __shared__ static
#define DEVICE inline

struct dim3 {
	unsigned x, y, z;

	dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_)
	{
	}
};

struct alignas(16) uint4 {
	uint32_t x, y, z, w;
};

/* The coordinates of the coroutine that runs. */
struct emulated_place {
	dim3 thread, block, grid;
};

const struct emulated_place *emulation_place(void);

#define threadIdx (emulation_place()->thread)
#define blockIdx (emulation_place()->block)
#define gridDim (emulation_place()->grid)

void __syncthreads(void);

struct bf16;
struct fp16;

float widen(struct bf16 x);
float widen(struct fp16 x);
void narrow(float x, struct bf16 *ret);
void narrow(float x, struct fp16 *ret);
float exchange(float x, int mask);
double exchange(double x, int mask);
void copy16(void *shared, const void *global, bool is_there);
void copy_commit(void);
void copy_wait_for(int n);
void load_matrices(uint32_t ret[4], const void *row);
void load_matrices_transposed(uint32_t ret[4], const void *row);
void multiply_add(float d[4], const uint32_t a[4], const uint32_t b[2], struct bf16);
void multiply_add(float d[4], const uint32_t a[4], const uint32_t b[2], struct fp16);
char *shared_memory(void);

template <int n>
inline void
copy_wait(void)
{
	copy_wait_for(n);
}

inline float
power_of_2(float x)
{
	return exp2f(x);
}

/* A kernel's launch with copies of its arguments. */
struct emulated_launch {
	dim3 grid, block;
	size_t bytes;
	void (*run_thread)(const struct emulated_launch *launch);
};

/* Runs all blocks, one after the other. */
void emulation_run(const struct emulated_launch *launch);

template <class F> struct emulated_kernel {
	struct emulated_launch launch; /* first, so that one is the other */
	F f;
};

template <class F>
void
emulation_run_thread(const struct emulated_launch *launch)
{
	((const struct emulated_kernel<F> *)(const void *)launch)->f();
}

inline void
emulation_run_work(void *work)
{
	emulation_run((const struct emulated_launch *)work);
}

template <class F>
void
emulation_put(cudaStream_t stream, dim3 grid, dim3 block, size_t bytes, const F &f)
{
	const struct emulated_kernel<F> kernel = {
		{ grid, block, bytes, emulation_run_thread<F> }, f
	};
	void *copy = malloc(sizeof(kernel));

	memcpy(copy, (const void *)&kernel, sizeof(kernel));
	if (emulation_count_launch())
		emulation_enqueue(stream, emulation_run_work, copy);
	else
		free(copy);
}

template <class K, class... A>
void
emulation_launch(K kernel, dim3 grid, dim3 block, size_t bytes, cudaStream_t stream, A... a)
{
	emulation_put(stream, grid, block, bytes, [=] { kernel(a...); });
}

#define LAUNCH(kernel, grid, block, bytes, stream, ...) \
	emulation_launch(kernel, grid, block, bytes, stream, __VA_ARGS__)

#endif
