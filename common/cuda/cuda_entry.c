/* cuda_entry.c - the one symbol of the shared object. */

#include "cuda/cuda_backend.h"
#include "nn/cuda_object.h"

__attribute__((visibility("default"))) const struct cuda_object *
cellpipe_cuda_object(void)
{
	static const struct cuda_object object = { .version = CUDA_OBJECT_VERSION,
		.size = sizeof(object),
		.release = CELLPIPE_VERSION,
		.sizes = CUDA_OBJECT_SIZES,
		.open = cuda_backend_create };

	return &object;
}
