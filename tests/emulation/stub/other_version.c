/* other_version.c - what an object of a later release would say. */

#include "nn/cuda_object.h"

__attribute__((visibility("default"))) const struct cuda_object *
cellpipe_cuda_object(void)
{
	static const struct cuda_object object = {
		.version = CUDA_OBJECT_VERSION + 1, .size = sizeof(object) + 8, .release = "99.1"
	};

	return &object;
}
