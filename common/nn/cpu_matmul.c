/*  1. oneDNN 2.x and 3.x
 *  2. shapes and their primitives
 *  3. packing
 *  4. running */

#include <assert.h>
#include <dnnl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/cpu_bf16.h"
#include "nn/cpu_matmul.h"

/* ---- 1. oneDNN 2.x and 3.x ---- */

/* 2.x keeps a memory descriptor in a struct and wants a pointer to it; 3.x has a handle that is freed. */
#if DNNL_VERSION_MAJOR >= 3
#define DESC(d) (d)
#define DESC_FREE(d) ((void)dnnl_memory_desc_destroy(d))
#define CLONE(to, from) dnnl_memory_desc_clone(&(to), from)
#define SIZE_OF(d) dnnl_memory_desc_get_size(d)
#define APPEND_ELTWISE(ops, f) dnnl_post_ops_append_eltwise(ops, f, f == dnnl_eltwise_swish ? 1 : 0, 0)
#define APPEND_SUM(ops) dnnl_post_ops_append_sum(ops, 1, 0, dnnl_f32)
typedef const_dnnl_memory_desc_t queried_desc;
#else
#define DESC(d) (&(d))
#define DESC_FREE(d) ((void)(d))
#define CLONE(to, from) ((to) = *(from), dnnl_success)
#define SIZE_OF(d) dnnl_memory_desc_get_size(&(d))
#define APPEND_ELTWISE(ops, f) \
	dnnl_post_ops_append_eltwise(ops, 1, f, f == dnnl_eltwise_swish ? 1 : 0, 0)
#define APPEND_SUM(ops) dnnl_post_ops_append_sum(ops, 1)
typedef const dnnl_memory_desc_t *queried_desc;
#endif

/* oneDNN's threads are OpenMP's where it was built so; ours are the only ones wanted. Weak, because it
 * may have been built otherwise. The setting belongs to the calling thread. */
extern void omp_set_num_threads(int n) __attribute__((weak));

static void
use_one_thread(void)
{
	if (omp_set_num_threads)
		omp_set_num_threads(1);
}

static dnnl_status_t
desc_plain(dnnl_memory_desc_t *ret, dnnl_data_type_t type, size_t rows, size_t columns, size_t row_stride,
    size_t column_stride)
{
	dnnl_dims_t dims = { (dnnl_dim_t)rows, (dnnl_dim_t)columns };
	dnnl_dims_t strides = { (dnnl_dim_t)row_stride, (dnnl_dim_t)column_stride };

#if DNNL_VERSION_MAJOR >= 3
	return dnnl_memory_desc_create_with_strides(ret, 2, dims, type, strides);
#else
	return dnnl_memory_desc_init_by_strides(ret, 2, dims, type, strides);
#endif
}

static dnnl_status_t
desc_any(dnnl_memory_desc_t *ret, dnnl_data_type_t type, size_t rows, size_t columns)
{
	dnnl_dims_t dims = { (dnnl_dim_t)rows, (dnnl_dim_t)columns };

#if DNNL_VERSION_MAJOR >= 3
	return dnnl_memory_desc_create_with_tag(ret, 2, dims, type, dnnl_format_tag_any);
#else
	return dnnl_memory_desc_init_by_tag(ret, 2, dims, type, dnnl_format_tag_any);
#endif
}

/* x[rows][n_in] times weights[n_in][n_out], plus bias where has_bias. */
static dnnl_status_t
describe_matmul(dnnl_primitive_desc_t *ret, dnnl_engine_t engine, dnnl_memory_desc_t *x,
    dnnl_memory_desc_t *weights, dnnl_memory_desc_t *bias, dnnl_memory_desc_t *out, dnnl_primitive_attr_t attr)
{
#if DNNL_VERSION_MAJOR >= 3
	return dnnl_matmul_primitive_desc_create(ret, engine, *x, *weights, bias ? *bias : NULL, *out, attr);
#else
	dnnl_matmul_desc_t desc;
	dnnl_status_t s = dnnl_matmul_desc_init(&desc, x, weights, bias, out);

	return s ? s : dnnl_primitive_desc_create(ret, &desc, attr, engine, NULL);
#endif
}

/* ---- 2. shapes and their primitives ---- */

enum { N_STEPS = 16 }; /* steps a tile */

struct primitive {
	dnnl_primitive_t handle;
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
	size_t tile, step;     /* rows of a run, at most; rows are rounded up to a multiple of step */
	pthread_mutex_t mutex; /* shapes, and the making of primitives */
	struct shape *shapes;
};

/* In bfloat16 a long sum is cut into slices that are added one after the other: left alone, oneDNN cuts sums of more than about a
 * thousand products itself, and where depends on the number of rows. */
enum { MAX_SLICES = 32, SLICE = 768, SLICE_STEP = 64 };

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
	struct slice slice[MAX_SLICES];
};

struct matmul_scratch {
	void *space; /* for the primitive */
	size_t space_size;
	uint16_t *narrow; /* [tile][n_in], the input of a slice as bfloat16 */
	size_t narrow_size;
};

static int
failed(struct err *e, const char *what, dnnl_status_t status)
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

/* The memory that a primitive needs while it runs is ours (MODE_USER): the library's own belongs to the thread that made
 * the primitive. */
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
describe(dnnl_primitive_desc_t *ret, struct shape *shape, dnnl_memory_desc_t *weights, size_t rows, bool is_added,
    struct primitive *p)
{
	dnnl_data_type_t type = shape->lib->is_bf16 ? dnnl_bf16 : dnnl_f32;
	dnnl_primitive_attr_t attr = NULL;
	dnnl_status_t s = make_attributes(&attr, shape, is_added);

	if (!s)
		s = desc_plain(&p->in, type, rows, shape->n_in, shape->n_in, 1);
	if (!s)
		s = desc_plain(&p->out, dnnl_f32, rows, shape->n_out, shape->n_out, 1);
	if (!s)
		s = describe_matmul(ret, shape->lib->engine, &p->in, weights, shape->has_bias ? &shape->bias : NULL,
		    &p->out, attr);
	if (attr)
		dnnl_primitive_attr_destroy(attr);
	return s;
}

/* The layout of the packed weights is the one that oneDNN likes best for a full tile. */
static dnnl_status_t
choose_layout(struct shape *shape)
{
	dnnl_data_type_t type = shape->lib->is_bf16 ? dnnl_bf16 : dnnl_f32;
	struct primitive tile = { 0 };
	dnnl_primitive_desc_t pd = NULL;
	dnnl_memory_desc_t any;
	queried_desc best;
	dnnl_status_t s = desc_any(&any, type, shape->n_in, shape->n_out);

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

static struct primitive *
make_primitive(struct shape *shape, size_t rows, bool is_added, struct err *e)
{
	struct primitive *p = mem_zero(1, sizeof(*p));
	dnnl_primitive_desc_t pd = NULL;
	dnnl_status_t s = describe(&pd, shape, &shape->packed, rows, is_added, p);

	if (!s) {
		queried_desc scratch = dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);

		s = CLONE(p->scratch, scratch);
		p->scratch_size = SIZE_OF(p->scratch);
	}
	if (!s)
		s = dnnl_primitive_create(&p->handle, pd);
	if (pd)
		dnnl_primitive_desc_destroy(pd);
	if (!s)
		return p;
	free(p);
	failed(e, "make a matrix product", s);
	return NULL;
}

static struct primitive *
find_primitive(struct shape *shape, size_t rows, bool is_added, struct err *e)
{
	_Atomic(struct primitive *) *place = &shape->primitive[is_added][rows / shape->lib->step - 1];
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

/* The library's shape that equals `want`, which is copied where there is none. */
static struct shape *
find_shape(const struct shape *want)
{
	struct matmul_library *lib = want->lib;
	struct shape *s;

	pthread_mutex_lock(&lib->mutex);
	for (s = lib->shapes; s; s = s->next)
		if (s->n_out == want->n_out && s->n_in == want->n_in &&
		    s->activation == want->activation && s->has_bias == want->has_bias)
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

struct matmul_library *
matmul_library_open(enum cpu_isa isa, bool is_bf16, struct err *e)
{
	static const dnnl_cpu_isa_t caps[] = { dnnl_cpu_isa_sse41, dnnl_cpu_isa_avx2, dnnl_cpu_isa_avx512_core_bf16 };
	static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
	static int capped = -1; /* the cap that this process has; -1: oneDNN is not in use yet */
	struct matmul_library *lib;
	dnnl_status_t s = dnnl_success;

	pthread_mutex_lock(&once);
	if (capped < 0 && isa < CPU_ISA_AMX)
		s = dnnl_set_max_cpu_isa(caps[isa]);
	if (capped >= 0 && capped != (int)isa)
		s = dnnl_invalid_arguments;
	capped = capped < 0 ? (int)isa : capped;
	pthread_mutex_unlock(&once);
	if (s) {
		failed(e, "limit the instruction set", s);
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
	failed(e, "start", s);
	matmul_library_close(lib);
	return NULL;
}

static void
primitive_free(struct primitive *p)
{
	if (!p)
		return;
	dnnl_primitive_destroy(p->handle);
	DESC_FREE(p->in);
	DESC_FREE(p->out);
	DESC_FREE(p->scratch);
	free(p);
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

/* ---- 3. packing ---- */

/* The first slice adds the bias, the last one has the activation. */
struct matmul *
matmul_create(struct matmul_library *lib, const float *weight, const float *bias, size_t n_out, size_t n_in,
    enum activation activation)
{
	struct matmul *m = mem_zero(1, sizeof(*m));
	size_t slices = lib->is_bf16 ? (n_in + SLICE - 1) / SLICE : 1;
	size_t width = slices > 1 ? ((n_in + slices - 1) / slices + SLICE_STEP - 1) / SLICE_STEP * SLICE_STEP : n_in;

	assert(slices <= MAX_SLICES);
	*m = (struct matmul){ .lib = lib, .n_out = n_out, .n_in = n_in, .weight = weight, .bias = bias };
	for (size_t from = 0; from < n_in; from += width) {
		bool is_last = n_in - from <= width;
		struct shape want = { .lib = lib, .n_out = n_out, .n_in = is_last ? n_in - from : width,
			.activation = is_last ? activation : ACTIVATION_NONE,
			.has_bias = bias && from == 0 };

		m->slice[m->n_slices++] = (struct slice){ find_shape(&want), from, NULL };
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
	free(m);
}

static dnnl_status_t
run_reorder(struct matmul_library *lib, dnnl_memory_desc_t *from_desc, void *from, dnnl_memory_desc_t *to_desc,
    void *to)
{
	dnnl_primitive_desc_t pd = NULL;
	dnnl_primitive_t reorder = NULL;
	dnnl_memory_t memory[2] = { NULL, NULL };
	dnnl_status_t s = dnnl_memory_create(&memory[0], DESC(*from_desc), lib->engine, from);

	if (!s)
		s = dnnl_memory_create(&memory[1], DESC(*to_desc), lib->engine, to);
	if (!s)
		s = dnnl_reorder_primitive_desc_create(&pd, DESC(*from_desc), lib->engine, DESC(*to_desc),
		    lib->engine, NULL);
	if (!s)
		s = dnnl_primitive_create(&reorder, pd);
	if (!s) {
		dnnl_exec_arg_t args[] = { { DNNL_ARG_FROM, memory[0] }, { DNNL_ARG_TO, memory[1] } };

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
	dnnl_status_t s = dnnl_success;

	pthread_mutex_lock(&m->lib->mutex);
	if (!shape->has_layout) {
		s = choose_layout(shape);
		shape->has_layout = s == dnnl_success;
	}
	pthread_mutex_unlock(&m->lib->mutex);
	/* [n_out][n_in] in memory is [n_in][n_out] with the strides exchanged */
	if (!s)
		s = desc_plain(&plain, dnnl_f32, shape->n_in, shape->n_out, 1, m->n_in);
	if (s)
		return s;
	slice->packed = mem_alloc(SIZE_OF(shape->packed), 1);
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
	m->weight = NULL;
	return s ? failed(e, "pack weights", s) : 0;
}

/* ---- 4. running ---- */

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
run_slice(const struct matmul *m, const struct slice *slice, size_t rows, const void *in, float *out,
    bool is_added, struct matmul_scratch *scratch, struct err *e)
{
	struct shape *shape = slice->shape;
	struct primitive *p = find_primitive(shape, rows, is_added, e);
	struct { int name; const dnnl_memory_desc_t *desc; const void *data; } role[] = {
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
	return s ? failed(e, "multiply", s) : 0;
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

			if (run_slice(m, s, padded, x, out + from * m->n_out, is_added || i > 0, scratch, e))
				return -1;
		}
	}
	return 0;
}

size_t
matmul_tile(const struct matmul_library *lib)
{
	return lib->tile;
}
