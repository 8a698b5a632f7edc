/* cuda_memory.h - the device's memory: workspaces, what goes up and down, and activations.
 *
 * A workspace has a stream, on which its work happens in order, and remembers the first failure.
 * What a call reads from the host (ids, rows, bounds) is copied at once into pinned memory, and
 * from there to the device while the caller goes on; that memory is used again after the next wait.
 *
 * Activations have two planes (cuda_kernels.h), of which each operation writes what the next ones
 * are to read: what is multiplied is narrow, what is summed, normed or fetched is wide. A plane
 * takes memory when it is first written. Where a plane is missing it is made of the other. */

#ifndef CUDA_CUDA_MEMORY_H
#define CUDA_CUDA_MEMORY_H

#include "base/err.h"
#include "cuda/cuda_kernels.h"
#include "nn/backend.h"

struct cuda_backend {
	struct backend base;
	enum narrow_kind kind;
	struct cuda_matmul *matmul;
	char name[300];
};

/* A device array that grows; what is in it goes away when it does. */
struct cuda_array {
	void *data;
	size_t room; /* bytes */
};

struct workspace {
	struct cuda_backend *backend;
	cudaStream_t stream;
	struct upload_chunk *chunks; /* the one in use first */
	int *overflow;               /* device: numbers beyond the range of the precision */
	struct cuda_array scratch;   /* of one operation */
	struct cuda_array matmul;    /* cuBLASLt's, of CUDA_MATMUL_ROOM bytes */
	char *down;                  /* pinned, 2 * DOWN_BYTES: on the way to the host */
	cudaEvent_t arrived[2];      /* of its halves */
	struct attention_plan *plan; /* of the last attention */
	struct err err;              /* the first failure since the last wait */
	bool is_full;                /* it was lack of memory */
};

struct plane {
	void *data;
	size_t room; /* rows */
	bool is_valid;
};

struct activations {
	size_t columns, rows;
	struct plane wide, narrow;
	bool is_result; /* linear layers write the wide plane */
};

/* ---- workspaces ---- */

struct workspace *cuda_workspace_create(struct backend *b);
void cuda_workspace_free(struct workspace *ws);

/* Whether all is well: nothing failed before, nor this. The place is the caller's. */
bool cuda_went_well(struct workspace *ws, cudaError_t status, const char *file, int line);
#define CUDA_WELL(ws, call) (!(ws)->err.is_set && cuda_went_well((ws), (call), __FILE__, __LINE__))
/* Does it where nothing failed before. */
#define CUDA_DO(ws, call)                    \
	do {                                 \
		(void)CUDA_WELL((ws), call); \
	} while (0)

/* Waits for the stream; everything uploaded is forgotten. 0, or with the workspace's first failure
 * BACKEND_NO_ROOM or -1; then the workspace can be used again. */
int cuda_wait(struct workspace *ws, struct err *e);

/* Room for n bytes in a device array; NULL after a failure. What was in it may be gone. */
void *cuda_array_room(struct workspace *ws, struct cuda_array *a, size_t n);
void cuda_array_free(struct cuda_array *a);

/* ---- up and down ---- */

/* Pinned memory and its counterpart on the device, until the next wait. */
struct upload {
	void *host, *device;
	size_t size;
};

/* False after a failure. */
bool cuda_upload_begin(struct workspace *ws, size_t size, struct upload *ret);
/* The host's bytes to the device's, or to `to` where that is not NULL. */
void cuda_upload_send(struct workspace *ws, const struct upload *u, void *to);
/* Copies of n numbers on the device, as int32; NULL after a failure. */
const int32_t *cuda_upload_indices(struct workspace *ws, const size_t *x, size_t n);
const int32_t *cuda_upload_ids(struct workspace *ws, const int32_t *x, size_t n);

/* From the device to the host, waiting for all work. As cuda_wait. */
int cuda_download(struct workspace *ws, const void *device, void *host, size_t size, struct err *e);

/* ---- activations ---- */

struct activations *cuda_activations_create(struct workspace *ws, size_t columns);
void cuda_activations_shape(struct activations *a, size_t rows);
void cuda_activations_free(struct activations *a);

/* What an operation reads: the rows of a plane, made of the other one where it has to be. NULL
 * after a failure. */
const float *cuda_read_wide(struct workspace *ws, struct rows r);
const uint16_t *cuda_read_narrow(struct workspace *ws, struct rows r);
/* The plane that the backend multiplies: narrow, or wide where there is only that. */
const void *cuda_read_factor(struct workspace *ws, struct rows r);

/* What an operation writes: from now on the planes asked for are valid and the other is not. In the
 * precision f32 there is only the wide one. Pointers of the rows; both NULL after a failure. */
enum plane_choice { PLANE_WIDE = 1, PLANE_NARROW = 2, PLANE_BOTH = 3 };
struct planes cuda_write(struct workspace *ws, struct rows r, enum plane_choice which);
/* Where a part of the rows is written and the rest stays: the planes that are valid. */
enum plane_choice cuda_valid_planes(const struct activations *a);

#endif
