/* cpu_matmul_library.h - oneDNN's primitives by shape, shared by all layers and threads. Private to
 * cpu_matmul.c and cpu_int8_matmul.c. */

#ifndef NN_CPU_MATMUL_LIBRARY_H
#define NN_CPU_MATMUL_LIBRARY_H

#include <pthread.h>
#include <stdatomic.h>

#include "nn/cpu_matmul.h"
#include "nn/cpu_onednn.h"

enum { N_STEPS = 16 }; /* steps a tile */

/* Of inputs, weights and outputs. INT8: bytes without a sign times bytes with one, to sums of 32
 * bits; without bias and activation. */
enum shape_numbers { SHAPE_F32, SHAPE_BF16, SHAPE_INT8 };

struct primitive {
	dnnl_primitive_t handle;
	char kind[60]; /* oneDNN's name of the implementation: "brg:avx512_core_amx_bf16" */
	size_t scratch_size;
	dnnl_memory_desc_t in, out, scratch;
};

/* What slices of one shape share. */
struct shape {
	struct matmul_library *lib;
	enum shape_numbers numbers;
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

/* Memory that a primitive needs while it runs; a thread's. Zero-initialise; freed with free(). */
struct matmul_space {
	void *data;
	size_t size;
};

/* Makes room for `want` bytes; what was there is lost. */
void matmul_space_grow(struct matmul_space *s, size_t want);

/* Weights [n_out][n_in] with `stride` elements from row to row, in the layout that oneDNN likes
 * best; float32, or bytes with a sign for INT8. The caller frees *ret_packed. 0 or -1. */
int shape_pack(
    struct shape *shape, const void *weight, size_t stride, void **ret_packed, struct err *e);

/* out = f(in W' + bias) or out += in W' + bias, for a number of rows that is a multiple of the
 * step; in and out must have room for a tile, for INT8 for these rows. The operands are arrays of
 * the shape's numbers; bias [n_out] where the shape has one. 0 or -1. */
struct shape_call {
	const void *in, *packed;
	const float *bias;
	void *out;
	size_t rows;
	bool is_added;
};

int shape_run(
    struct shape *shape, const struct shape_call *call, struct matmul_space *space, struct err *e);

#endif
