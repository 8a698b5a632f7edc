#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/io.h"
#include "base/mem.h"
#include "nn/cpu_bf16.h"
#include "nn/cpu_matmul.h"
#include "nn/cpu_matmul_library.h"

/* In bfloat16 a long sum is cut into slices that are added one after the other: left alone, oneDNN
 * cuts sums of more than about a thousand products itself, and where depends on the number of rows.
 */
enum { SLICE = 768, SLICE_STEP = 64 };

struct slice {
	struct shape *shape;
	size_t from; /* its first input */
	void *packed;
};

struct matmul {
	struct matmul_library *lib;
	size_t n_out, n_in;
	const float *weight;
	const float *bias;
	size_t n_slices;
	struct slice *slice; /* [n_slices] */
};

struct matmul_scratch {
	struct matmul_space primitive;
	struct matmul_space narrow; /* uint16_t [tile][n_in], the input of a slice as bfloat16 */
};

/* The first slice adds the bias, the last one has the activation. */
struct matmul *
matmul_create(struct matmul_library *lib, const float *weight, const float *bias, size_t n_out,
    size_t n_in, enum activation activation)
{
	struct matmul *m = mem_zero(1, sizeof(*m));
	size_t slices = lib->is_bf16 ? (n_in + SLICE - 1) / SLICE : 1;
	size_t width =
	    slices > 1 ? ((n_in + slices - 1) / slices + SLICE_STEP - 1) / SLICE_STEP * SLICE_STEP
		       : n_in;

	*m = (struct matmul){
		.lib = lib, .n_out = n_out, .n_in = n_in, .weight = weight, .bias = bias
	};
	m->slice = mem_zero(slices, sizeof(*m->slice));
	for (size_t from = 0; from < n_in; from += width) {
		bool is_last = n_in - from <= width;
		struct shape want = { .lib = lib,
			.numbers = lib->is_bf16 ? SHAPE_BF16 : SHAPE_F32,
			.n_out = n_out,
			.n_in = is_last ? n_in - from : width,
			.activation = is_last ? activation : ACTIVATION_NONE,
			.has_bias = bias && from == 0 };

		m->slice[m->n_slices++] = (struct slice){ shape_find(&want), from, NULL };
	}
	return m;
}

void
matmul_free(struct matmul *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_slices; i++)
		free(m->slice[i].packed);
	free(m->slice);
	free(m);
}

int
matmul_pack(struct matmul *m, struct err *e)
{
	int r = 0;

	assert(!m->slice[0].packed);
	for (size_t i = 0; i < m->n_slices && r == 0; i++) {
		struct slice *s = &m->slice[i];

		r = shape_pack(s->shape, m->weight + s->from, m->n_in, &s->packed, e);
	}
	io_map_forget(m->weight, m->n_out * m->n_in * sizeof(*m->weight));
	m->weight = NULL;
	return r;
}

struct matmul_scratch *
matmul_scratch_create(void)
{
	return mem_zero(1, sizeof(struct matmul_scratch));
}

void
matmul_scratch_free(struct matmul_scratch *s)
{
	if (!s)
		return;
	free(s->primitive.data);
	free(s->narrow.data);
	free(s);
}

/* The input of the slice: where it lies, or rounded into the scratch. */
static const void *
slice_input(const struct matmul *m, const struct slice *slice, const float *in, size_t rows,
    struct matmul_scratch *scratch)
{
	size_t n = slice->shape->n_in;
	uint16_t *narrow;

	if (!m->lib->is_bf16)
		return in;
	matmul_space_grow(&scratch->narrow, m->lib->tile * n * sizeof(*narrow));
	narrow = scratch->narrow.data;
	if (n == m->n_in)
		bf16_from_f32(narrow, in, rows * n);
	else
		for (size_t r = 0; r < rows; r++)
			bf16_from_f32(narrow + r * n, in + r * m->n_in + slice->from, n);
	return narrow;
}

int
matmul_run(const struct matmul *m, const float *in, float *out, size_t rows, bool is_added,
    struct matmul_scratch *scratch, struct err *e)
{
	size_t tile = m->lib->tile, step = m->lib->step;

	assert(m->slice[0].packed);
	assert(!is_added || m->slice[m->n_slices - 1].shape->activation == ACTIVATION_NONE);
	use_one_thread();
	for (size_t from = 0; from < rows; from += tile) {
		size_t n = rows - from < tile ? rows - from : tile;
		size_t padded = (n + step - 1) / step * step;

		for (size_t i = 0; i < m->n_slices; i++) {
			const struct slice *s = &m->slice[i];
			struct shape_call call = { .in = slice_input(
						       m, s, in + from * m->n_in, padded, scratch),
				.packed = s->packed,
				.bias = m->bias,
				.out = out + from * m->n_out,
				.rows = padded,
				.is_added = is_added || i > 0 };

			if (shape_run(s->shape, &call, &scratch->primitive, e))
				return -1;
		}
	}
	return 0;
}
