/* cpu_int8_matmul.h - y = f(x W' + b) with bytes: rows and weights as cpu_int8_rows.h says, their
 * products by oneDNN, exact sums of 32 bits.
 *
 * A byte a weight, and two numbers and a bias an output. The sums of some rows stay in the cache
 * until they are numbers, and, where the next layer wants them so, bytes again. */

#ifndef NN_CPU_INT8_MATMUL_H
#define NN_CPU_INT8_MATMUL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "nn/cpu_int8_rows.h"
#include "nn/cpu_matmul.h"

struct int8_matmul;         /* one layer's weights; read-only once packed */
struct int8_matmul_scratch; /* a thread's working memory */

/* As matmul_create; the library's shapes are shared with float layers. isa: of the rows' work. */
struct int8_matmul *int8_matmul_create(struct matmul_library *lib, enum cpu_isa isa,
    const float *weight, const float *bias, size_t n_out, size_t n_in, enum activation activation);
/* Rounds and packs the weights. Needed before the first run; once only. 0 or -1: also where the
 * layer has more than INT8_MOST_INPUTS inputs. */
int int8_matmul_pack(struct int8_matmul *m, struct err *e);
void int8_matmul_free(struct int8_matmul *m);

struct int8_matmul_scratch *int8_matmul_scratch_create(void);
void int8_matmul_scratch_free(struct int8_matmul_scratch *s);

/* out[rows][n_out] = f(in W' + b), or out += in W' + b where is_added (then the activation must be
 * NONE). 0 or -1. */
struct int8_call {
	const float *in;                  /* [rows][n_in] */
	const struct int8_rows *in_bytes; /* the same, or NULL: made here; their codes must have
					     room for rows rounded up to whole tiles */
	float *out;
	const struct int8_rows *out_bytes; /* where the rows of out go as well, or NULL */
	size_t rows;
	bool is_added;
};

int int8_matmul_run(const struct int8_matmul *m, const struct int8_call *call,
    struct int8_matmul_scratch *s, struct err *e);

#endif
