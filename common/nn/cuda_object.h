/* cuda_object.h - what a program and the CUDA object agree on.
 *
 * The object, cellpipe-cuda.so, has one symbol that anybody sees, the function below. Program and
 * object are built apart and may be of different releases: the program takes the backend only where
 * the version and the sizes of all structs that both know are its own. */

#ifndef NN_CUDA_OBJECT_H
#define NN_CUDA_OBJECT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "nn/backend.h"

/* Counts up with every change of backend.h, model.h, err.h or this file that programs notice. */
enum { CUDA_OBJECT_VERSION = 1 };

struct cuda_object {
	/* These three stay as they are for ever, so that any version can be refused. */
	uint32_t version;
	uint32_t size;       /* of this struct */
	const char *release; /* "0.1.0", for messages */
	uint32_t sizes[6];   /* of the structs that are passed: see CUDA_OBJECT_SIZES */
	/* As cuda_backend_open of cuda_load.h. */
	struct backend *(*open)(enum precision precision, struct err *e);
};

#define CUDA_OBJECT_SIZES                                                                   \
	{                                                                                   \
		sizeof(struct backend), sizeof(struct backend_ops), sizeof(struct err),     \
		    sizeof(struct model), sizeof(struct model_config), sizeof(struct rows), \
	}

/* The object's; valid for as long as it is open. */
#define CUDA_OBJECT_SYMBOL "cellpipe_cuda_object"
const struct cuda_object *cellpipe_cuda_object(void);

#endif
