/* cpu_matmul.h - y = f(x W' + b) by oneDNN, with weights packed once.
 *
 * Owns everything that knows oneDNN, and the difference between its 2.x and 3.x C interfaces.
 *
 * Rows are multiplied in tiles of about 250, the last tile rounded up to a multiple of 16 (48
 * without AVX-512, whose kernels take 4 or 6 rows at a time): so there are at most 16 oneDNN
 * primitives a shape, made when they are first met and shared by all threads, whatever the numbers
 * of rows that occur. A row's result does not depend on the tile it is in: all primitives of a
 * shape read the same packed weights and add up the products in the same order (tested bit for
 * bit). All calls run in the calling thread. */

#ifndef NN_CPU_MATMUL_H
#define NN_CPU_MATMUL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "nn/cpu_isa.h"
#include "nn/model.h"

struct matmul_library; /* the engine and the primitives; thread-safe */
struct matmul;         /* one layer's weights; read-only once packed */
struct matmul_scratch; /* a thread's working memory */

/* isa caps oneDNN's instruction set for the whole process, which works only before oneDNN's first
 * use; later calls with another cap are an error. is_bf16: weights and inputs are rounded to
 * bfloat16, sums are float32. */
struct matmul_library *matmul_library_open(enum cpu_isa isa, bool is_bf16, struct err *e);
void matmul_library_close(struct matmul_library *lib);

/* The rows of a full tile, 256 at most. */
size_t matmul_tile(const struct matmul_library *lib);

/* A layer; weight [n_out][n_in] and bias [n_out] (or NULL) must stay valid until it is packed, the
 * bias until it is freed. The activation is part of it. Cheap: no weight is read. */
struct matmul *matmul_create(struct matmul_library *lib, const float *weight, const float *bias,
    size_t n_out, size_t n_in, enum activation activation);
/* Brings the weights into oneDNN's layout. Needed before the first run; once only. 0 or -1. */
int matmul_pack(struct matmul *m, struct err *e);
void matmul_free(struct matmul *m);

struct matmul_scratch *matmul_scratch_create(void);
void matmul_scratch_free(struct matmul_scratch *s);

/* out[rows][n_out] = f(in[rows][n_in] W' + b), or out += x W' + b where is_added (then the
 * activation must be NONE). in and out must have room for rows rounded up to whole tiles; what the
 * further rows hold does not matter, those of out are overwritten. 0 or -1. */
int matmul_run(const struct matmul *m, const float *in, float *out, size_t rows, bool is_added,
    struct matmul_scratch *s, struct err *e);

#endif
