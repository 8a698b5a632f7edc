#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/cpu_product_bf16.h"

/* A block of B takes 1 MB at most, half of a second-level cache; A's 32 rows 32 KB. */
enum { BLOCK_COLUMNS = 1024, BLOCK_DEPTH = 512 };

struct bf16_scratch {
	_Alignas(64) unsigned char b[BLOCK_COLUMNS * BLOCK_DEPTH * 2];
	_Alignas(64) unsigned char a[BF16_SIDE * BLOCK_DEPTH * 2];
	float edge[BF16_SIDE * BF16_SIDE]; /* of C, where it ends within a block */
};

const struct bf16_kernel *
bf16_kernel(enum cpu_isa isa)
{
#if defined(__x86_64__)
	if (isa == CPU_ISA_AMX)
		return &bf16_kernel_amx;
	if (isa == CPU_ISA_AVX512)
		return __builtin_cpu_supports("avx512bf16") ? &bf16_kernel_avx512_bf16
							    : &bf16_kernel_avx512;
#endif
	(void)isa;
	return NULL;
}

struct bf16_scratch *
bf16_scratch_create(void)
{
	return mem_alloc(1, sizeof(struct bf16_scratch));
}

void
bf16_scratch_free(struct bf16_scratch *s)
{
	free(s);
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t
steps_of(size_t depth)
{
	return (depth + BF16_DEPTH - 1) / BF16_DEPTH;
}

/* 32 rows of A, or columns of B, from x, of `depth` values from k: [steps][2 tiles]. */
static void
pack_side(const struct bf16_kernel *kernel, const struct bf16_part *whole, size_t x, size_t n_x,
    size_t k, size_t depth, unsigned char *to)
{
	for (size_t step = 0; step < depth; step += BF16_DEPTH)
		for (size_t half = 0; half < BF16_SIDE; half += BF16_LINES, to += BF16_TILE) {
			struct bf16_part p = *whole;

			if (half >= n_x) {
				memset(to, 0, BF16_TILE);
				continue;
			}
			p.at += (x + half) * p.x_step + (k + step) * p.k_step;
			p.n_x = least(n_x - half, BF16_LINES);
			p.n_k = least(depth - step, BF16_DEPTH);
			kernel->pack(&p, to);
		}
}

/* 32 columns of C, or the last ones, in 32 rows or fewer. bias: of these columns, or NULL. */
static void
run_block(const struct bf16_kernel *kernel, const unsigned char *b, size_t steps, float *c,
    size_t c_row, size_t rows, size_t columns, const float *bias, bool is_added,
    struct bf16_scratch *s)
{
	for (size_t i = 0; bias && i < rows; i++)
		memcpy(c + i * c_row, bias, columns * sizeof(*c));
	is_added |= bias != NULL;
	if (rows == BF16_SIDE && columns == BF16_SIDE) {
		kernel->block(s->a, b, steps, c, c_row, is_added);
		return;
	}
	for (size_t i = 0; is_added && i < rows; i++)
		memcpy(s->edge + i * BF16_SIDE, c + i * c_row, columns * sizeof(*c));
	kernel->block(s->a, b, steps, s->edge, BF16_SIDE, is_added);
	for (size_t i = 0; i < rows; i++)
		memcpy(c + i * c_row, s->edge + i * BF16_SIDE, columns * sizeof(*c));
}

/* All rows of C, for the columns of the packed block of B. */
static void
run_columns(const struct product *p, const struct bf16_part *a, const struct bf16_kernel *kernel,
    size_t column, size_t columns, size_t k, size_t depth, struct bf16_scratch *s)
{
	size_t steps = steps_of(depth), side_bytes = steps * 2 * BF16_TILE;
	bool is_added = p->is_added || k > 0;
	const float *bias = is_added || !p->bias ? NULL : p->bias + column;

	for (size_t row = 0; row < p->m; row += BF16_SIDE) {
		size_t rows = least(p->m - row, BF16_SIDE);
		float *c = p->c + row * p->n + column;

		pack_side(kernel, a, row, rows, k, depth, s->a);
		for (size_t j = 0; j < columns; j += BF16_SIDE)
			run_block(kernel, s->b + j / BF16_SIDE * side_bytes, steps, c + j, p->n,
			    rows, least(columns - j, BF16_SIDE), bias ? bias + j : NULL, is_added,
			    s);
	}
}

void
product_bf16_run(const struct product *p, const struct bf16_kernel *kernel, struct bf16_scratch *s)
{
	struct bf16_part a = { .at = p->a,
		.x_step = p->is_a_transposed ? 1 : p->k,
		.k_step = p->is_a_transposed ? p->m : 1,
		.unit = 1 };
	struct bf16_part b = { .at = p->b,
		.x_step = p->is_b_transposed ? p->k : 1,
		.k_step = p->is_b_transposed ? 1 : p->n,
		.is_by_pair = true,
		.unit = 1 };

	assert(p->k > 0 || p->is_added);
	if (kernel->begin)
		kernel->begin();
	for (size_t column = 0; column < p->n; column += BLOCK_COLUMNS) {
		size_t columns = least(p->n - column, BLOCK_COLUMNS);

		for (size_t k = 0; k < p->k; k += BLOCK_DEPTH) {
			size_t depth = least(p->k - k, BLOCK_DEPTH);
			size_t side_bytes = steps_of(depth) * 2 * BF16_TILE;

			for (size_t j = 0; j < columns; j += BF16_SIDE)
				pack_side(kernel, &b, column + j, least(columns - j, BF16_SIDE), k,
				    depth, s->b + j / BF16_SIDE * side_bytes);
			run_columns(p, &a, kernel, column, columns, k, depth, s);
		}
	}
	if (kernel->end)
		kernel->end();
}
