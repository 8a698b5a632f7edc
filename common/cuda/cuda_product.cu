/* A product of any shape: tiles of 16 x 16 results, 16 columns of the input at a time through
 * shared memory, sums in float32 in the order of the columns. */

#include "cuda/cuda_activation.h"
#include "cuda/cuda_device.h"
#include "cuda/cuda_element.h"
#include "cuda/cuda_kernels.h"

enum { SIDE = 16, THREADS = SIDE * SIDE };

/* Row i, column c of [rows][columns]; 0 beyond them. */
template <class E>
DEVICE float
take(const E *x, size_t i, size_t rows, size_t c, size_t columns)
{
	return i < rows && c < columns ? read_element(x[i * columns + c]) : 0;
}

template <class E>
__global__ void
__launch_bounds__(THREADS) multiply(struct product p)
{
	__shared__ float rows[SIDE][SIDE + 1], weights[SIDE][SIDE + 1];
	int x = (int)threadIdx.x, y = (int)threadIdx.y;
	size_t row = (size_t)blockIdx.x * SIDE + (size_t)y;
	size_t first = (size_t)blockIdx.y * SIDE, column = first + (size_t)x;
	float sum = 0;

	for (size_t c = 0; c < p.n_in; c += SIDE) {
		rows[y][x] = take((const E *)p.in, row, p.n, c + (size_t)x, p.n_in);
		weights[y][x] =
		    take((const E *)p.weight, first + (size_t)y, p.n_out, c + (size_t)x, p.n_in);
		__syncthreads();
		for (int k = 0; k < SIDE; k++)
			sum += rows[y][k] * weights[x][k];
		__syncthreads();
	}
	if (row >= p.n || column >= p.n_out)
		return;

	size_t at = row * p.n_out + column;

	sum = activate(p.bias ? sum + p.bias[column] : sum, p.f);
	if (p.residual)
		sum += p.residual[at];
	if (p.out.wide)
		p.out.wide[at] = sum;
	else if (p.kind == NARROW_FP16)
		narrow(sum, (struct fp16 *)p.out.narrow + at);
	else
		narrow(sum, (struct bf16 *)p.out.narrow + at);
}

cudaError_t
cuda_product(cudaStream_t stream, const struct product *p)
{
	dim3 grid((unsigned)((p->n + SIDE - 1) / SIDE), (unsigned)((p->n_out + SIDE - 1) / SIDE));
	dim3 block(SIDE, SIDE);

	if (p->n == 0)
		return cudaSuccess;
	if (p->kind == NARROW_NONE)
		LAUNCH((multiply<float>), grid, block, 0, stream, *p);
	else if (p->kind == NARROW_FP16)
		LAUNCH((multiply<struct fp16>), grid, block, 0, stream, *p);
	else
		LAUNCH((multiply<struct bf16>), grid, block, 0, stream, *p);
	return cudaGetLastError();
}
