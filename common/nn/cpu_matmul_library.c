/*  1. describing a product
 *  2. primitives
 *  3. packing and running
 *  4. the library */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/cpu_matmul_library.h"

/* ---- 1. describing a product ---- */

static const struct {
	dnnl_data_type_t in, weights, out;
	dnnl_data_type_t plain; /* what weights come as */
} types[] = {
	[SHAPE_F32] = { dnnl_f32, dnnl_f32, dnnl_f32, dnnl_f32 },
	[SHAPE_BF16] = { dnnl_bf16, dnnl_bf16, dnnl_f32, dnnl_f32 },
	[SHAPE_INT8] = { dnnl_u8, dnnl_s8, dnnl_s32, dnnl_s8 },
};

static int
onednn_failed(struct err *e, const char *what, dnnl_status_t status)
{
	return err_set(e, "oneDNN: cannot %s (status %d)", what, (int)status);
}

static dnnl_alg_kind_t
algorithm(enum activation a)
{
	switch (a) {
	case ACTIVATION_RELU:
		return dnnl_eltwise_relu;
	case ACTIVATION_GELU:
		return dnnl_eltwise_gelu_erf;
	case ACTIVATION_GELU_TANH:
		return dnnl_eltwise_gelu_tanh;
	case ACTIVATION_SILU:
		return dnnl_eltwise_swish;
	case ACTIVATION_TANH:
		return dnnl_eltwise_tanh;
	case ACTIVATION_NONE:
		break;
	}
	return dnnl_alg_kind_undef;
}

/* The memory that a primitive needs while it runs is ours (MODE_USER): the library's own belongs to
 * the thread that made the primitive. */
static dnnl_status_t
make_attributes(dnnl_primitive_attr_t *ret, const struct shape *shape, bool is_added)
{
	dnnl_post_ops_t ops = NULL;
	dnnl_status_t s = dnnl_primitive_attr_create(ret);

	if (!s)
		s = dnnl_primitive_attr_set_scratchpad_mode(*ret, dnnl_scratchpad_mode_user);
	if (!s)
		s = dnnl_post_ops_create(&ops);
	if (!s && is_added)
		s = APPEND_SUM(ops);
	if (!s && shape->activation != ACTIVATION_NONE)
		s = APPEND_ELTWISE(ops, algorithm(shape->activation));
	if (!s)
		s = dnnl_primitive_attr_set_post_ops(*ret, ops);
	if (ops)
		dnnl_post_ops_destroy(ops);
	return s;
}

static dnnl_status_t
describe(dnnl_primitive_desc_t *ret, struct shape *shape, dnnl_memory_desc_t *weights, size_t rows,
    bool is_added, struct primitive *p)
{
	dnnl_primitive_attr_t attr = NULL;
	dnnl_status_t s = make_attributes(&attr, shape, is_added);

	if (!s)
		s = desc_plain(&p->in, types[shape->numbers].in, rows, shape->n_in, shape->n_in, 1);
	if (!s)
		s = desc_plain(
		    &p->out, types[shape->numbers].out, rows, shape->n_out, shape->n_out, 1);
	if (!s)
		s = describe_matmul(ret, shape->lib->engine, &p->in, weights,
		    shape->has_bias ? &shape->bias : NULL, &p->out, attr);
	if (attr)
		dnnl_primitive_attr_destroy(attr);
	if (!s) {
		const char *kind = NULL;

		dnnl_primitive_desc_query(*ret, dnnl_query_impl_info_str, 0, &kind);
		snprintf(p->kind, sizeof(p->kind), "%s", kind ? kind : "");
	}
	return s;
}

/* The layout of the packed weights is the one that oneDNN likes best for a full tile. */
static dnnl_status_t
choose_layout(struct shape *shape)
{
	struct primitive tile = { 0 };
	dnnl_primitive_desc_t pd = NULL;
	dnnl_memory_desc_t any;
	queried_desc best;
	dnnl_status_t s = desc_any(&any, types[shape->numbers].weights, shape->n_in, shape->n_out);

	if (!s)
		s = desc_plain(&shape->bias, dnnl_f32, 1, shape->n_out, shape->n_out, 1);
	if (!s)
		s = describe(&pd, shape, &any, shape->lib->tile, false, &tile);
	if (!s) {
		best = dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
		s = best ? CLONE(shape->packed, best) : dnnl_unimplemented;
		dnnl_primitive_desc_destroy(pd);
	}
	DESC_FREE(any);
	DESC_FREE(tile.in);
	DESC_FREE(tile.out);
	return s;
}

/* Decides on the layout of the packed weights; does nothing where that is done. */
static dnnl_status_t
lay_out(struct shape *shape)
{
	dnnl_status_t s = dnnl_success;

	pthread_mutex_lock(&shape->lib->mutex);
	if (!shape->has_layout) {
		s = choose_layout(shape);
		shape->has_layout = s == dnnl_success;
	}
	pthread_mutex_unlock(&shape->lib->mutex);
	return s;
}

/* ---- 2. primitives ---- */

static void
primitive_free(struct primitive *p)
{
	if (!p)
		return;
	if (p->handle)
		dnnl_primitive_destroy(p->handle);
	DESC_FREE(p->in);
	DESC_FREE(p->out);
	DESC_FREE(p->scratch);
	free(p);
}

/* Describes and makes it if it is of the implementation `kind`, or its sums are of integers, whose
 * bits are everywhere the same (NULL: only describes it, without a handle). NULL on failure, or
 * with success where it is of another one. */
static struct primitive *
try_primitive(
    struct shape *shape, size_t rows, bool is_added, const char *kind, dnnl_status_t *ret_s)
{
	struct primitive *p = mem_zero(1, sizeof(*p));
	dnnl_primitive_desc_t pd = NULL;
	dnnl_status_t s = describe(&pd, shape, &shape->packed, rows, is_added, p);
	bool is_exact = shape->numbers == SHAPE_INT8;
	bool is_alike = !s && (!kind || is_exact || strcmp(p->kind, kind) == 0);

	if (is_alike && kind) {
		s = CLONE(
		    p->scratch, dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0));
		p->scratch_size = desc_size(&p->scratch);
		if (!s)
			s = dnnl_primitive_create(&p->handle, pd);
	}
	if (pd)
		dnnl_primitive_desc_destroy(pd);
	*ret_s = s;
	if (!s && is_alike)
		return p;
	primitive_free(p);
	return NULL;
}

/* For few rows oneDNN may take another implementation than for a full tile, whose sums could have
 * other bits: then more rows are computed. */
static struct primitive *
make_primitive(struct shape *shape, size_t rows, bool is_added, struct err *e)
{
	size_t tile = shape->lib->tile;
	dnnl_status_t s = dnnl_success;
	struct primitive *full = try_primitive(shape, tile, is_added, NULL, &s), *p = NULL;

	for (; full && !p && !s && rows <= tile; rows += shape->lib->step)
		p = try_primitive(shape, rows, is_added, full->kind, &s);
	primitive_free(full);
	if (!p)
		onednn_failed(e, "make a matrix product", s);
	return p;
}

/* The primitive for that many rows; it may compute more, up to a tile. NULL with *e set. */
static struct primitive *
find_primitive(struct shape *shape, size_t rows, bool is_added, struct err *e)
{
	_Atomic(struct primitive *) *place =
	    &shape->primitive[is_added][rows / shape->lib->step - 1];
	struct primitive *p = atomic_load_explicit(place, memory_order_acquire);

	if (p)
		return p;
	pthread_mutex_lock(&shape->lib->mutex);
	p = atomic_load_explicit(place, memory_order_acquire);
	if (!p) {
		p = make_primitive(shape, rows, is_added, e);
		atomic_store_explicit(place, p, memory_order_release);
	}
	pthread_mutex_unlock(&shape->lib->mutex);
	return p;
}

struct shape *
shape_find(const struct shape *want)
{
	struct matmul_library *lib = want->lib;
	struct shape *s;

	pthread_mutex_lock(&lib->mutex);
	for (s = lib->shapes; s; s = s->next)
		if (s->numbers == want->numbers && s->n_out == want->n_out &&
		    s->n_in == want->n_in && s->activation == want->activation &&
		    s->has_bias == want->has_bias)
			break;
	if (!s) {
		s = mem_zero(1, sizeof(*s));
		memcpy(s, want, sizeof(*s));
		s->next = lib->shapes;
		lib->shapes = s;
	}
	pthread_mutex_unlock(&lib->mutex);
	return s;
}

/* ---- 3. packing and running ---- */

void
matmul_space_grow(struct matmul_space *s, size_t want)
{
	if (s->size >= want)
		return;
	free(s->data);
	s->data = mem_alloc(want, 1);
	s->size = want;
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

int
shape_pack(struct shape *shape, const void *weight, size_t stride, void **ret_packed, struct err *e)
{
	dnnl_memory_desc_t plain;
	dnnl_status_t s;

	use_one_thread();
	s = lay_out(shape);
	/* [n_out][n_in] in memory is [n_in][n_out] with the strides exchanged */
	if (!s)
		s = desc_plain(
		    &plain, types[shape->numbers].plain, shape->n_in, shape->n_out, 1, stride);
	if (!s) {
		*ret_packed = mem_alloc(desc_size(&shape->packed), 1);
		s = run_reorder(
		    shape->lib, &plain, (void *)(uintptr_t)weight, &shape->packed, *ret_packed);
		DESC_FREE(plain);
	}
	return s ? onednn_failed(e, "pack weights", s) : 0;
}

int
shape_run(
    struct shape *shape, const struct shape_call *call, struct matmul_space *space, struct err *e)
{
	struct primitive *p = find_primitive(shape, call->rows, call->is_added, e);
	struct {
		int name;
		const dnnl_memory_desc_t *desc;
		const void *data;
	} role[] = {
		{ DNNL_ARG_SRC, p ? &p->in : NULL, call->in },
		{ DNNL_ARG_WEIGHTS, &shape->packed, call->packed },
		{ DNNL_ARG_DST, p ? &p->out : NULL, call->out },
		{ DNNL_ARG_SCRATCHPAD, p ? &p->scratch : NULL, NULL },
		{ DNNL_ARG_BIAS, &shape->bias, call->bias },
	};
	int n = shape->has_bias ? 5 : 4, made = 0;
	dnnl_exec_arg_t args[5];
	dnnl_status_t s = dnnl_success;

	if (!p)
		return -1;
	matmul_space_grow(space, p->scratch_size);
	role[3].data = space->data;
	for (; made < n && !s; made += !s) {
		args[made].arg = role[made].name;
		s = dnnl_memory_create(&args[made].memory, DESC(*role[made].desc),
		    shape->lib->engine, (void *)(uintptr_t)role[made].data);
	}
	if (!s)
		s = dnnl_primitive_execute(p->handle, shape->lib->stream, n, args);
	for (int i = 0; i < made; i++)
		dnnl_memory_destroy(args[i].memory);
	return s ? onednn_failed(e, "multiply", s) : 0;
}

/* ---- 4. the library ---- */

struct matmul_library *
matmul_library_open(enum cpu_isa isa, bool is_bf16, struct err *e)
{
	static const dnnl_cpu_isa_t caps[] = { dnnl_cpu_isa_sse41, dnnl_cpu_isa_avx2,
		dnnl_cpu_isa_avx512_core_bf16 };
	static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
	static int capped = -1; /* the cap that this process has; -1: oneDNN is not in use yet */
	struct matmul_library *lib;
	dnnl_status_t s = dnnl_success;

	pthread_mutex_lock(&once);
	if (capped < 0 && !cpu_isa_is_native(isa))
		s = dnnl_set_max_cpu_isa(caps[isa]);
	if (capped >= 0 && capped != (int)isa)
		s = dnnl_invalid_arguments;
	capped = capped < 0 ? (int)isa : capped;
	pthread_mutex_unlock(&once);
	if (s) {
		onednn_failed(e, "limit the instruction set", s);
		return NULL;
	}
	use_one_thread();
	lib = mem_zero(1, sizeof(*lib));
	lib->is_bf16 = is_bf16;
	lib->step = isa >= CPU_ISA_AVX512 ? 16 : 48;
	lib->tile = isa >= CPU_ISA_AVX512 ? 256 : 240;
	pthread_mutex_init(&lib->mutex, NULL);
	s = dnnl_engine_create(&lib->engine, dnnl_cpu, 0);
	if (!s)
		s = dnnl_stream_create(&lib->stream, lib->engine, dnnl_stream_default_flags);
	if (!s)
		return lib;
	onednn_failed(e, "start", s);
	matmul_library_close(lib);
	return NULL;
}

void
matmul_library_close(struct matmul_library *lib)
{
	struct shape *next;

	if (!lib)
		return;
	for (struct shape *s = lib->shapes; s; s = next) {
		next = s->next;
		for (int i = 0; i < N_STEPS; i++) {
			primitive_free(atomic_load(&s->primitive[0][i]));
			primitive_free(atomic_load(&s->primitive[1][i]));
		}
		if (s->has_layout) {
			DESC_FREE(s->packed);
			DESC_FREE(s->bias);
		}
		free(s);
	}
	if (lib->stream)
		dnnl_stream_destroy(lib->stream);
	if (lib->engine)
		dnnl_engine_destroy(lib->engine);
	pthread_mutex_destroy(&lib->mutex);
	free(lib);
}

size_t
matmul_tile(const struct matmul_library *lib)
{
	return lib->tile;
}
