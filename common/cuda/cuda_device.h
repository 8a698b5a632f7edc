/* cuda_device.h - what the kernels are written with: the instructions of the device by name.
 *
 * C++ as nvcc knows it, used as C with templates. Under nvcc everything here is one instruction or
 * one intrinsic; any other compiler takes the same kernels with an <cuda_runtime.h> that emulates a
 * device on the processor (tests/emulation), where these functions are written out by the
 * definitions of the PTX manual. So indices and arithmetic are tested without a GPU. */

#ifndef CUDA_CUDA_DEVICE_H
#define CUDA_CUDA_DEVICE_H

#include <cuda_runtime.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

enum { WARP = 32 };

/* What an array of 16-bit numbers holds. */
struct bf16 {
	uint16_t bits;
};

struct fp16 {
	uint16_t bits;
};

#ifdef __CUDACC__

#define DEVICE __device__ __forceinline__

/* grid, block: unsigned or dim3; the arguments as in a call of the kernel. */
#define LAUNCH(kernel, grid, block, bytes, stream, ...) \
	(kernel)<<<(grid), (block), (bytes), (stream)>>>(__VA_ARGS__)

DEVICE float
widen(struct bf16 x)
{
	return __uint_as_float((uint32_t)x.bits << 16);
}

DEVICE float
widen(struct fp16 x)
{
	return __half2float(__ushort_as_half(x.bits));
}

/* To the nearest, halves to even; beyond the range infinite. */
DEVICE void
narrow(float x, struct bf16 *ret)
{
	ret->bits = __bfloat16_as_ushort(__float2bfloat16_rn(x));
}

DEVICE void
narrow(float x, struct fp16 *ret)
{
	ret->bits = __half_as_ushort(__float2half_rn(x));
}

/* The sum, maximum ... of a warp need the others' numbers: that of lane ^ mask. All lanes take
 * part. */
DEVICE float
exchange(float x, int mask)
{
	return __shfl_xor_sync(0xffffffffu, x, mask);
}

DEVICE double
exchange(double x, int mask)
{
	return __shfl_xor_sync(0xffffffffu, x, mask);
}

/* 16 bytes from global into shared memory, both so aligned, while the thread goes on; zeros where
 * not is_there. */
DEVICE void
copy16(void *shared, const void *global, bool is_there)
{
	uint32_t to = (uint32_t)__cvta_generic_to_shared(shared);
	int size = is_there ? 16 : 0;

	asm volatile(
	    "cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(to), "l"(global), "r"(size)
	    : "memory");
}

/* Ends a group of copies. */
DEVICE void
copy_commit(void)
{
	asm volatile("cp.async.commit_group;\n" ::: "memory");
}

/* Waits for this thread's groups but the last n. */
template <int n>
DEVICE void
copy_wait(void)
{
	asm volatile("cp.async.wait_group %0;\n" ::"n"(n) : "memory");
}

/* Four 8 x 8 matrices of 16-bit numbers from shared memory: lane i gives the address of row i % 8
 * of matrix i / 8 (16 bytes, so aligned), and gets of each matrix the numbers 2 * (lane % 4) and
 * the next of row lane / 4. */
DEVICE void
load_matrices(uint32_t ret[4], const void *row)
{
	uint32_t at = (uint32_t)__cvta_generic_to_shared(row);

	asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\n"
		     : "=r"(ret[0]), "=r"(ret[1]), "=r"(ret[2]), "=r"(ret[3])
		     : "r"(at)
		     : "memory");
}

/* The same of the transposed matrices. */
DEVICE void
load_matrices_transposed(uint32_t ret[4], const void *row)
{
	uint32_t at = (uint32_t)__cvta_generic_to_shared(row);

	asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];\n"
		     : "=r"(ret[0]), "=r"(ret[1]), "=r"(ret[2]), "=r"(ret[3])
		     : "r"(at)
		     : "memory");
}

/* d += a b, by a warp: a [16][16], b [16][8], d [16][8]. With g = lane / 4, t = lane % 4 a lane has
 *
 *	a[0], a[1]   rows g and g + 8 of a, columns 2t and 2t + 1
 *	a[2], a[3]   the same rows, columns 2t + 8 and 2t + 9
 *	b[0], b[1]   column g of b, rows 2t and 2t + 1; 2t + 8 and 2t + 9
 *	d[0], d[1]   row g of d, columns 2t and 2t + 1
 *	d[2], d[3]   row g + 8 of d, the same columns
 *
 * where the first of two numbers is in the lower half. */
DEVICE void
multiply_add(float d[4], const uint32_t a[4], const uint32_t b[2], struct bf16)
{
	asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
		     "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
		     : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
		     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

DEVICE void
multiply_add(float d[4], const uint32_t a[4], const uint32_t b[2], struct fp16)
{
	asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
		     "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
		     : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
		     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/* 2^x: two units in the last place, 2^-infinity is 0. */
DEVICE float
power_of_2(float x)
{
	float y;

	asm("ex2.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
	return y;
}

/* The block's dynamic shared memory, 16-byte aligned. */
DEVICE char *
shared_memory(void)
{
	extern __shared__ uint4 block_memory[];

	return (char *)block_memory;
}

#endif

/* The 16-bit numbers of two floats, the first in the lower half. */
template <class T>
DEVICE uint32_t
narrow_pair(float x, float y)
{
	T low, high;

	narrow(x, &low);
	narrow(y, &high);
	return (uint32_t)low.bits | (uint32_t)high.bits << 16;
}

/* The sum over a warp, the same bits in every lane. */
template <class F>
DEVICE F
add_lanes(F x)
{
	for (int mask = WARP / 2; mask > 0; mask /= 2)
		x += exchange(x, mask);
	return x;
}

#endif
