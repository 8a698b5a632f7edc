#include <assert.h>
#include <stdlib.h>

#include "base/io.h"
#include "base/mem.h"
#include "nn/cpu_gradient_rows.h"
#include "nn/cpu_int8_matmul.h"
#include "nn/cpu_matmul_library.h"

/* Rows whose sums are kept at once: 64 of 3,072 columns are 786 KB. */
enum { ROWS = 64 };

struct int8_matmul {
	struct matmul_library *lib;
	enum cpu_isa isa;
	const float *weight;
	size_t n_out, n_in;
	enum activation activation;
	struct shape *shape;
	void *packed;
	float *unit, *bias; /* [n_out] */
	int32_t *sum;       /* [n_out] */
};

struct int8_matmul_scratch {
	struct matmul_space primitive;
	struct matmul_space codes; /* uint8_t [ROWS][n_in], of rows that come without */
	struct int8_scale scale[ROWS];
	struct matmul_space sums; /* int32_t [ROWS][n_out] */
};

struct int8_matmul *
int8_matmul_create(struct matmul_library *lib, enum cpu_isa isa, const float *weight,
    const float *bias, size_t n_out, size_t n_in, enum activation activation)
{
	struct int8_matmul *m = mem_zero(1, sizeof(*m));
	struct shape want = { .lib = lib, .numbers = SHAPE_INT8, .n_out = n_out, .n_in = n_in };

	*m = (struct int8_matmul){ .lib = lib,
		.isa = isa,
		.weight = weight,
		.n_out = n_out,
		.n_in = n_in,
		.activation = activation,
		.shape = shape_find(&want),
		.unit = mem_alloc(n_out, sizeof(float)),
		.bias = mem_zero(n_out, sizeof(float)),
		.sum = mem_alloc(n_out, sizeof(int32_t)) };
	for (size_t i = 0; bias && i < n_out; i++)
		m->bias[i] = bias[i];
	return m;
}

void
int8_matmul_free(struct int8_matmul *m)
{
	if (!m)
		return;
	free(m->packed);
	free(m->unit);
	free(m->bias);
	free(m->sum);
	free(m);
}

int
int8_matmul_pack(struct int8_matmul *m, struct err *e)
{
	size_t n = m->n_out * m->n_in;
	int8_t *code;
	int r;

	assert(!m->packed);
	if (m->n_in > INT8_MOST_INPUTS)
		return err_set(e, "precision int8: a layer has %zu inputs, more than %d", m->n_in,
		    INT8_MOST_INPUTS);
	code = mem_alloc(n, 1);
	int8_rows_make_weights(m->isa, m->weight, m->n_out, m->n_in, code, m->unit, m->sum);
	io_map_forget(m->weight, n * sizeof(*m->weight));
	r = shape_pack(m->shape, code, m->n_in, &m->packed, e);
	free(code);
	return r;
}

struct int8_matmul_scratch *
int8_matmul_scratch_create(void)
{
	return mem_zero(1, sizeof(struct int8_matmul_scratch));
}

void
int8_matmul_scratch_free(struct int8_matmul_scratch *s)
{
	if (!s)
		return;
	free(s->primitive.data);
	free(s->codes.data);
	free(s->sums.data);
	free(s);
}

/* Rows from .. from + n - 1 of the input as bytes. */
static struct int8_rows
find_bytes(const struct int8_matmul *m, const struct int8_call *call, size_t from, size_t n,
    struct int8_matmul_scratch *scratch)
{
	struct int8_rows made;

	if (call->in_bytes)
		return (struct int8_rows){ call->in_bytes->code + from * m->n_in,
			call->in_bytes->scale + from };
	matmul_space_grow(&scratch->codes, ROWS * m->n_in);
	made = (struct int8_rows){ scratch->codes.data, scratch->scale };
	int8_rows_make(m->isa, call->in + from * m->n_in, n, m->n_in, &made);
	return made;
}

/* Row `row` of the output from its sums, while it is in the first-level cache. */
static void
finish_row(const struct int8_matmul *m, const struct int8_call *call, size_t row,
    const int32_t *sums, const struct int8_scale *scale)
{
	struct int8_columns columns = { .unit = m->unit,
		.sum = m->sum,
		.bias = m->bias,
		.n = m->n_out,
		.is_relu = m->activation == ACTIVATION_RELU,
		.is_added = call->is_added };
	float *out = call->out + row * m->n_out;

	int8_rows_restore(m->isa, sums, scale, &columns, out);
	if (m->activation != ACTIVATION_NONE && m->activation != ACTIVATION_RELU)
		rows_activate(m->activation, out, m->n_out, out);
	if (call->out_bytes) {
		struct int8_rows to = { call->out_bytes->code + row * m->n_out,
			call->out_bytes->scale + row };

		int8_rows_make(m->isa, out, 1, m->n_out, &to);
	}
}

int
int8_matmul_run(const struct int8_matmul *m, const struct int8_call *call,
    struct int8_matmul_scratch *scratch, struct err *e)
{
	size_t step = m->lib->step;
	int32_t *sums;

	assert(m->packed && ROWS % step == 0);
	assert(!call->is_added || m->activation == ACTIVATION_NONE);
	use_one_thread();
	matmul_space_grow(&scratch->sums, ROWS * m->n_out * sizeof(*sums));
	sums = scratch->sums.data;
	for (size_t from = 0; from < call->rows; from += ROWS) {
		size_t n = call->rows - from < ROWS ? call->rows - from : ROWS;
		struct int8_rows bytes = find_bytes(m, call, from, n, scratch);
		struct shape_call product = { .in = bytes.code,
			.packed = m->packed,
			.out = sums,
			.rows = (n + step - 1) / step * step };

		if (shape_run(m->shape, &product, &scratch->primitive, e))
			return -1;
		for (size_t i = 0; i < n; i++)
			finish_row(m, call, from + i, sums + i * m->n_out, bytes.scale + i);
	}
	return 0;
}
