/* cuda_runtime_api.h - as much of CUDA's runtime as common/cuda calls, on the processor.
 *
 * Stands for the toolkit's header of this name in the emulated build, where kernels are run by
 * emulation.cc. What is put on a stream is done when somebody waits for it and not before, so that
 * a buffer that is changed too early, or read too early, shows. Memory is filled with bytes of 255
 * (numbers that are none) when it is given and when it is taken back. */

#ifndef TESTS_EMULATION_CUDA_RUNTIME_API_H
#define TESTS_EMULATION_CUDA_RUNTIME_API_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
	cudaSuccess,
	cudaErrorMemoryAllocation,
	cudaErrorInsufficientDriver,
	cudaErrorNoDevice,
	cudaErrorLaunchFailure
} cudaError_t;

enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
enum { cudaStreamNonBlocking, cudaEventDisableTiming };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize };

typedef struct emulated_stream *cudaStream_t;
typedef struct emulated_event *cudaEvent_t;

struct cudaDeviceProp {
	char name[256];
	int major, minor;
};

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *ret, unsigned flags);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *ret, unsigned flags);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaMalloc(void **ret, size_t size);
cudaError_t cudaFree(void *p);
cudaError_t cudaMallocHost(void **ret, size_t size);
cudaError_t cudaFreeHost(void *p);
cudaError_t cudaMemcpy(void *to, const void *from, size_t n, enum cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(
    void *to, const void *from, size_t n, enum cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void *to, int byte, size_t n, cudaStream_t stream);
cudaError_t cudaMemGetInfo(size_t *ret_free, size_t *ret_total);
cudaError_t cudaFuncSetAttribute(const void *kernel, enum cudaFuncAttribute which, int value);
cudaError_t cudaGetDeviceCount(int *ret);
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *ret, int device);
cudaError_t cudaDriverGetVersion(int *ret);
cudaError_t cudaRuntimeGetVersion(int *ret);
cudaError_t cudaGetLastError(void);
const char *cudaGetErrorString(cudaError_t status);

#ifdef __cplusplus
}
#endif

#endif
