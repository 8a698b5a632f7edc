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
	void *space; /* for the primitive */
	size_t space_size;
	uint16_t *narrow; /* [tile][n_in], the input of a slice as bfloat16 */
	size_t narrow_size;
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

static dnnl_status_t
run_reorder(struct matmul_library *lib, dnnl_memory_desc_t *from_desc, void *from,
    dnnl_memory_desc_t *to_desc, void *to)
{
	dnnl_primitive_desc_t pd = NULL;
	dnnl_primitive_t reorder = NULL;
	dnnl_memory_t memory[2] = { NULL, NULL };
	dnnl_status_t s = dnnl_memory_create(&memory[0], DESC(*from_desc), lib->engine, from);

	if (!s)
		s = dnnl_memory_create(&memory[1], DESC(*to_desc), lib->engine, to);
	if (!s)
		s = dnnl_reorder_primitive_desc_create(
		    &pd, DESC(*from_desc), lib->engine, DESC(*to_desc), lib->engine, NULL);
	if (!s)
		s = dnnl_primitive_create(&reorder, pd);
	if (!s) {
		dnnl_exec_arg_t args[] = { { DNNL_ARG_FROM, memory[0] },
			{ DNNL_ARG_TO, memory[1] } };

		s = dnnl_primitive_execute(reorder, lib->stream, 2, args);
	}
	if (reorder)
		dnnl_primitive_destroy(reorder);
	if (pd)
		dnnl_primitive_desc_destroy(pd);
	for (int i = 0; i < 2; i++)
		if (memory[i])
			dnnl_memory_destroy(memory[i]);
	return s;
}

static dnnl_status_t
pack_slice(const struct matmul *m, struct slice *slice)
{
	struct shape *shape = slice->shape;
	const float *weight = m->weight + slice->from;
	dnnl_memory_desc_t plain;
	dnnl_status_t s = shape_lay_out(shape);

	/* [n_out][n_in] in memory is [n_in][n_out] with the strides exchanged */
	if (!s)
		s = desc_plain(&plain, dnnl_f32, shape->n_in, shape->n_out, 1, m->n_in);
	if (s)
		return s;
	slice->packed = mem_alloc(desc_size(&shape->packed), 1);
	s = run_reorder(m->lib, &plain, (void *)(uintptr_t)weight, &shape->packed, slice->packed);
	DESC_FREE(plain);
	return s;
}

int
matmul_pack(struct matmul *m, struct err *e)
{
	dnnl_status_t s = dnnl_success;

	assert(!m->slice[0].packed);
	use_one_thread();
	for (size_t i = 0; i < m->n_slices && !s; i++)
		s = pack_slice(m, &m->slice[i]);
	io_map_forget(m->weight, m->n_out * m->n_in * sizeof(*m->weight));
	m->weight = NULL;
	return s ? onednn_failed(e, "pack weights", s) : 0;
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
	free(s->space);
	free(s->narrow);
	free(s);
}

static void
grow(void *at, size_t *have, size_t want)
{
	void **p = at;

	if (*have >= want)
		return;
	free(*p);
	*p = mem_alloc(want, 1);
	*have = want;
}

static int
run_slice(const struct matmul *m, const struct slice *slice, size_t rows, const void *in,
    float *out, bool is_added, struct matmul_scratch *scratch, struct err *e)
{
	struct shape *shape = slice->shape;
	struct primitive *p = shape_primitive(shape, rows, is_added, e);
	struct {
		int name;
		const dnnl_memory_desc_t *desc;
		const void *data;
	} role[] = {
		{ DNNL_ARG_SRC, p ? &p->in : NULL, in },
		{ DNNL_ARG_WEIGHTS, &shape->packed, slice->packed },
		{ DNNL_ARG_DST, p ? &p->out : NULL, out },
		{ DNNL_ARG_SCRATCHPAD, p ? &p->scratch : NULL, NULL },
		{ DNNL_ARG_BIAS, &shape->bias, m->bias },
	};
	int n = shape->has_bias ? 5 : 4, made = 0;
	dnnl_exec_arg_t args[5];
	dnnl_status_t s = dnnl_success;

	if (!p)
		return -1;
	grow(&scratch->space, &scratch->space_size, p->scratch_size);
	role[3].data = scratch->space;
	for (; made < n && !s; made += !s) {
		args[made].arg = role[made].name;
		s = dnnl_memory_create(&args[made].memory, DESC(*role[made].desc), m->lib->engine,
		    (void *)(uintptr_t)role[made].data);
	}
	if (!s)
		s = dnnl_primitive_execute(p->handle, m->lib->stream, n, args);
	for (int i = 0; i < made; i++)
		dnnl_memory_destroy(args[i].memory);
	return s ? onednn_failed(e, "multiply", s) : 0;
}

/* The input of the slice: where it lies, or rounded into the scratch. */
static const void *
slice_input(const struct matmul *m, const struct slice *slice, const float *in, size_t rows,
    struct matmul_scratch *scratch)
{
	size_t n = slice->shape->n_in;

	if (!m->lib->is_bf16)
		return in;
	grow(&scratch->narrow, &scratch->narrow_size, m->lib->tile * n * sizeof(uint16_t));
	if (n == m->n_in)
		bf16_from_f32(scratch->narrow, in, rows * n);
	else
		for (size_t r = 0; r < rows; r++)
			bf16_from_f32(scratch->narrow + r * n, in + r * m->n_in + slice->from, n);
	return scratch->narrow;
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
			const void *x = slice_input(m, s, in + from * m->n_in, padded, scratch);

			if (run_slice(m, s, padded, x, out + from * m->n_out, is_added || i > 0,
				scratch, e))
				return -1;
		}
	}
	return 0;
}
