/* cpu_matmul_library.h - oneDNN's primitives by shape, shared by all layers and threads. Private to
 * cpu_matmul.c. */

#ifndef NN_CPU_MATMUL_LIBRARY_H
#define NN_CPU_MATMUL_LIBRARY_H

#include <pthread.h>
#include <stdatomic.h>

#include "nn/cpu_matmul.h"
#include "nn/cpu_onednn.h"

enum { N_STEPS = 16 }; /* steps a tile */

struct primitive {
	dnnl_primitive_t handle;
	char kind[60]; /* oneDNN's name of the implementation: "brg:avx512_core_amx_bf16" */
	size_t scratch_size;
	dnnl_memory_desc_t in, out, scratch;
};

/* What slices of one shape share. */
struct shape {
	struct matmul_library *lib;
	size_t n_out, n_in;
	enum activation activation;
	bool has_bias, has_layout;
	dnnl_memory_desc_t packed, bias;                   /* of the weights and of the bias */
	_Atomic(struct primitive *) primitive[2][N_STEPS]; /* [is_added][rows / step - 1] */
	struct shape *next;
};

struct matmul_library {
	dnnl_engine_t engine;
	dnnl_stream_t stream;
	bool is_bf16;
	size_t tile, step; /* rows of a run, at most; rows are rounded up to a multiple of step */
	pthread_mutex_t mutex; /* shapes, and the making of primitives */
	struct shape *shapes;
};

/* The library's shape that equals `want`, which is copied where there is none. */
struct shape *shape_find(const struct shape *want);

/* Decides on the layout of the packed weights; does nothing where that is done. */
dnnl_status_t shape_lay_out(struct shape *shape);

/* The primitive for that many rows, a multiple of the step; it may compute more, up to a tile. NULL
 * with *e set. */
struct primitive *shape_primitive(struct shape *shape, size_t rows, bool is_added, struct err *e);

/* "oneDNN: cannot WHAT (status N)"; returns -1. */
int onednn_failed(struct err *e, const char *what, dnnl_status_t status);

#endif
