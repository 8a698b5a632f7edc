/* cpu_onednn.h - the little of oneDNN's C interface that we use, the same for 2.x and 3.x: the one
 * file that knows the difference. For cpu_matmul.c and cpu_matmul_library.c only. */

#ifndef NN_CPU_ONEDNN_H
#define NN_CPU_ONEDNN_H

#include <dnnl.h>
#include <stddef.h>

/* 2.x keeps a memory descriptor in a struct and wants a pointer to it; 3.x has a handle that is
 * freed. */
#if DNNL_VERSION_MAJOR >= 3
#define DESC(d) (d)
#define DESC_FREE(d) ((void)dnnl_memory_desc_destroy(d))
#define CLONE(to, from) dnnl_memory_desc_clone(&(to), from)
#define APPEND_ELTWISE(ops, f) \
	dnnl_post_ops_append_eltwise(ops, f, f == dnnl_eltwise_swish ? 1 : 0, 0)
#define APPEND_SUM(ops) dnnl_post_ops_append_sum(ops, 1, 0, dnnl_f32)
typedef const_dnnl_memory_desc_t queried_desc;
#else
#define DESC(d) (&(d))
#define DESC_FREE(d) ((void)(d))
#define CLONE(to, from) ((to) = *(from), dnnl_success)
#define APPEND_ELTWISE(ops, f) \
	dnnl_post_ops_append_eltwise(ops, 1, f, f == dnnl_eltwise_swish ? 1 : 0, 0)
#define APPEND_SUM(ops) dnnl_post_ops_append_sum(ops, 1)
typedef const dnnl_memory_desc_t *queried_desc;
#endif

/* oneDNN's threads are OpenMP's where it was built so; ours are the only ones wanted. Weak, because
 * it may have been built otherwise. The setting belongs to the calling thread. */
extern void omp_set_num_threads(int n) __attribute__((weak));

static inline void
use_one_thread(void)
{
	if (omp_set_num_threads)
		omp_set_num_threads(1);
}

static inline dnnl_status_t
desc_plain(dnnl_memory_desc_t *ret, dnnl_data_type_t type, size_t rows, size_t columns,
    size_t row_stride, size_t column_stride)
{
	dnnl_dims_t dims = { (dnnl_dim_t)rows, (dnnl_dim_t)columns };
	dnnl_dims_t strides = { (dnnl_dim_t)row_stride, (dnnl_dim_t)column_stride };

#if DNNL_VERSION_MAJOR >= 3
	return dnnl_memory_desc_create_with_strides(ret, 2, dims, type, strides);
#else
	return dnnl_memory_desc_init_by_strides(ret, 2, dims, type, strides);
#endif
}

static inline dnnl_status_t
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
static inline dnnl_status_t
describe_matmul(dnnl_primitive_desc_t *ret, dnnl_engine_t engine, dnnl_memory_desc_t *x,
    dnnl_memory_desc_t *weights, dnnl_memory_desc_t *bias, dnnl_memory_desc_t *out,
    dnnl_primitive_attr_t attr)
{
#if DNNL_VERSION_MAJOR >= 3
	return dnnl_matmul_primitive_desc_create(
	    ret, engine, *x, *weights, bias ? *bias : NULL, *out, attr);
#else
	dnnl_matmul_desc_t desc;
	dnnl_status_t s = dnnl_matmul_desc_init(&desc, x, weights, bias, out);

	return s ? s : dnnl_primitive_desc_create(ret, &desc, attr, engine, NULL);
#endif
}

static inline size_t
desc_size(const dnnl_memory_desc_t *d)
{
	return dnnl_memory_desc_get_size(DESC(*d));
}

#endif
