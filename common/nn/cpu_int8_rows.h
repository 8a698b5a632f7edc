/* cpu_int8_rows.h - rows of numbers as bytes, and sums of products of bytes as numbers again.
 *
 * A row of activations is x = unit * (code - zero), with a unit of its own (Krishnamoorthi 2018,
 * "asymmetric, per row"): 0 to 255 cover the row from its least value to its greatest, 0 among
 * them, so that what comes from ReLU has all eight bits. A row of weights, which makes one output,
 * is w = unit * code with codes from -127 to 127. The sums of their products are exact, so what
 * comes out of a row depends on that row alone.
 *
 * The arithmetic is the same with every instruction set, bit for bit. */

#ifndef NN_CPU_INT8_ROWS_H
#define NN_CPU_INT8_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nn/cpu_isa.h"

/* More inputs than this could overflow a sum of 32 bits. */
enum { INT8_MOST_INPUTS = 65536 };

struct int8_scale {
	float unit;   /* 0: every value is 0; NaN: one was NaN or infinite */
	int32_t zero; /* 0 to 255 */
};

struct int8_rows {
	uint8_t *code;            /* [rows][n] */
	struct int8_scale *scale; /* [rows] */
};

/* to = in[rows][n]. A row with a value that is NaN or infinite has the unit NaN, so that every
 * product of it is NaN; one whose values are all below 1e-36 in size becomes zeros. */
void int8_rows_make(
    enum cpu_isa isa, const float *in, size_t rows, size_t n, const struct int8_rows *to);

/* code[n_out][n_in], unit and sum (of the codes) [n_out] of weight[n_out][n_in]. Of a row with NaN
 * or an infinite value, as above, the unit is NaN. */
void int8_rows_make_weights(enum cpu_isa isa, const float *weight, size_t n_out, size_t n_in,
    int8_t *code, float *unit, int32_t *sum);

/* What turns sums into numbers, by column. */
struct int8_columns {
	const float *unit;  /* [n] of the weights */
	const int32_t *sum; /* [n] of their codes */
	const float *bias;  /* [n] */
	size_t n;
	bool is_relu, is_added;
};

/* One row: y = (sums - zero * columns.sum) * (scale.unit * columns.unit) + bias, what is below 0 to
 * 0 where is_relu (NaN stays), out = y, or out += y where is_added. */
void int8_rows_restore(enum cpu_isa isa, const int32_t *sums, const struct int8_scale *scale,
    const struct int8_columns *columns, float *out);

#endif
