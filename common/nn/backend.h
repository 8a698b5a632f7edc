/* backend.h - the operations that a network is made of, on some device.
 *
 * A backend owns what lies on its device: weights in its own layout, and activations, which nothing
 * outside it can touch. forward.c says in which order the operations happen; cpu_backend.c does
 * them with oneDNN; a CUDA backend is one more table of the same functions, in a shared object
 * opened at run time.
 *
 * Weights are shared by all threads and do not change. A workspace is one thread's: its
 * activations, its scratch, on a GPU its stream. The first failure of an operation (no memory, a
 * launch) stays in the workspace, the following operations do nothing, and `fetch` reports it.
 * Once a fetch has returned, other workspaces may read what was computed before it, as long as
 * nobody changes it; so a thread can make what all of them compare with.
 *
 * Every operation writes its outputs only, and reads all that it needs from its arguments: in-place
 * use is the caller's choice where the contract allows it. So a backward pass can keep what it
 * needs, and is more functions of the same kind. */

#ifndef NN_BACKEND_H
#define NN_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "nn/model.h"

enum device { DEVICE_AUTO, DEVICE_CPU, DEVICE_CUDA };

/* AUTO: bf16 on GPUs, and on CPUs that multiply it faster than float32 (see cpu_isa.h); else f32.
 */
enum precision { PRECISION_AUTO, PRECISION_F32, PRECISION_BF16, PRECISION_FP16, PRECISION_INT8 };

struct linear;      /* a linear layer's weight, bias and activation function */
struct norm;        /* a layer norm's gain, bias and epsilon */
struct embedding;   /* the tables of words, positions and types, and their norm */
struct pooling;     /* the vector that an attention pool scores rows with */
struct workspace;   /* one thread's */
struct activations; /* [rows][columns], of float32 as far as anybody outside can tell */

/* n rows of activations. Where n is above 0 and not the rest of them, `from` and n are multiples
 * of the backend's tile: a backend may write up to the next multiple of something beyond n. */
struct rows {
	struct activations *a;
	size_t from, n;
};

/* Cells one after the other: queries cu_q[i] .. cu_q[i + 1] - 1 look at keys cu_k[i] .. cu_k[i + 1]
 * - 1. Every cell has at least one key; it may have no query. */
struct packing {
	size_t n;
	const size_t *cu_q, *cu_k; /* [n + 1], from 0; host memory */
};

struct backend;
struct gradient_ops; /* gradient.h */

/* What fetch and cosine return, beside 0 and -1, where the device's memory was too small for what
 * was asked: with fewer rows it may do. */
enum { BACKEND_NO_ROOM = -2 };

struct backend_ops {
	/* Weights. The model's tensors must outlive what is made of them. Any thread may call
	 * these, `linear_prepare` once for each layer before its first use: that is where the
	 * weights are read, converted and packed. */
	struct linear *(*linear_create)(struct backend *b, const float *weight, const float *bias,
	    size_t n_out, size_t n_in, enum activation f);
	int (*linear_prepare)(struct linear *w, struct err *e);
	/* Few rows go through this layer: in INT8 it computes in float32 all the same. Before it is
	 * prepared. May be NULL. */
	void (*linear_widen)(struct linear *w);
	void (*linear_free)(struct linear *w);
	struct norm *(*norm_create)(
	    struct backend *b, const float *gain, const float *bias, size_t n, float eps);
	void (*norm_free)(struct norm *w);
	struct embedding *(*embedding_create)(struct backend *b, const struct model *m);
	void (*embedding_free)(struct embedding *w);
	struct pooling *(*pooling_create)(struct backend *b, const float *weight, size_t n);
	void (*pooling_free)(struct pooling *w);

	/* Workspaces and activations. `activations_shape` gives it `rows` rows, whose contents are
	 * undefined where it has to grow. Any thread may free activations, when no operation uses
	 * them. */
	struct workspace *(*workspace_create)(struct backend *b);
	void (*workspace_free)(struct workspace *ws);
	struct activations *(*activations_create)(struct workspace *ws, size_t columns);
	void (*activations_shape)(struct activations *a, size_t rows);
	/* From now on linear layers write float32 into it, where the precision has less: it is a
	 * result, not something to be multiplied. May be NULL. */
	void (*activations_widen)(struct activations *a);
	void (*activations_free)(struct activations *a);
	/* Rows from host memory [n][columns]; when it returns every workspace may read them. */
	void (*load)(struct workspace *ws, const float *host, struct rows out);

	/* out[i] = norm(word[ids[i]] + type[0] + position[positions[i]]). ids and positions: host,
	 * n of them. */
	void (*embed)(struct workspace *ws, const struct embedding *w, const int32_t *ids,
	    const int32_t *positions, struct rows out);
	/* out = f(in W' + bias) */
	void (*linear)(
	    struct workspace *ws, const struct linear *w, struct rows in, struct rows out);
	/* out = residual + in W' + bias, for a layer without activation function. out may be
	 * residual. */
	void (*linear_add)(struct workspace *ws, const struct linear *w, struct rows in,
	    struct rows residual, struct rows out);
	/* out = (in - mean) / sqrt(variance + eps) * gain + bias, each row by itself. out may be
	 * in. */
	void (*normalize)(
	    struct workspace *ws, const struct norm *w, struct rows in, struct rows out);
	/* out = softmax(q k' / sqrt(head size)) v for each head of each cell. All of them
	 * [heads][head size] wide. */
	void (*attention)(struct workspace *ws, size_t heads, const struct packing *cells,
	    struct activations *q, struct activations *k, struct activations *v,
	    struct activations *out);
	/* The same, and sums [queries][heads]: the logarithm to base 2 of what each query's softmax
	 * was divided by. */
	void (*attention_sums)(struct workspace *ws, size_t heads, const struct packing *cells,
	    struct activations *q, struct activations *k, struct activations *v,
	    struct activations *out, struct activations *sums);
	/* Joins attention to two sets of keys, as if it had been to both at once: row i of out, in
	 * place, with row rows[i] of other. rows: host, as many as out has. */
	void (*attention_join)(struct workspace *ws, size_t heads, struct activations *out,
	    struct activations *sums, struct activations *other, struct activations *other_sums,
	    const size_t *rows);
	/* out[i] = in[index[i]], for the rows of out, which may be any. index: host. */
	void (*gather)(
	    struct workspace *ws, struct activations *in, const size_t *index, struct rows out);
	/* out[i] = the mean of the rows from[i] .. to[i] - 1 of in, NaN where there are none. from,
	 * to: host. */
	void (*mean)(struct workspace *ws, struct activations *in, const size_t *from,
	    const size_t *to, struct rows out);
	/* out[i] = the sum of the rows from[i] .. to[i] - 1 of in, at least one, each times its
	 * share in the softmax over them of their products with the pooling's vector. from, to:
	 * host. */
	void (*pool)(struct workspace *ws, const struct pooling *w, struct activations *in,
	    const size_t *from, const size_t *to, struct rows out);
	/* Copies rows to host memory [n][columns], when all that was asked before is done. 0, or -1
	 * or BACKEND_NO_ROOM with the workspace's first failure; the workspace can then be used
	 * again. */
	int (*fetch)(struct workspace *ws, struct rows in, float *host, struct err *e);
	/* ret[i] = the cosine of row a_rows[i] of a with row b_rows[i] of b: the product of the
	 * two, each divided by its norm or 1e-8, whichever is more; sums in double precision. All
	 * host, n of them. Waits, reports and ends as fetch does. */
	int (*cosine)(struct workspace *ws, struct activations *a, const size_t *a_rows,
	    struct activations *b, const size_t *b_rows, size_t n, double *ret, struct err *e);

	/* How many tokens of such a network a batch should have, once its weights are there. NULL:
	 * whatever suits the caller. */
	size_t (*batch_tokens)(const struct backend *b, const struct model_config *config);

	void (*close)(struct backend *b);
};

/* What every backend begins with. */
struct backend {
	const struct backend_ops *op;
	enum precision precision; /* the one in use, never AUTO */
	const char *name;         /* "cpu avx512" */
	size_t tile; /* rows that one step of a row-wise chain should take, to stay in cache */
	const struct gradient_ops *gradient; /* what learning needs; NULL where it has none */
	size_t workspaces; /* more than these work no faster; 0: one for each thread */
};

/* NULL with *e set where the device is absent or does not have the precision. AUTO is a GPU where
 * there is one that does, else the CPU. */
struct backend *backend_open(enum device device, enum precision precision, struct err *e);
/* Why the last AUTO of this process took the CPU: one line, "" where it did not. */
const char *backend_why_cpu(void);
/* Everything made of it must have been freed. NULL is allowed. */
void backend_close(struct backend *b);

/* The words of the options --device and --precision: "auto", "cpu", ...; -1 and *e for others. */
int device_parse(const char *word, enum device *ret, struct err *e);
int precision_parse(const char *word, enum precision *ret, struct err *e);
const char *precision_name(enum precision p);

#endif
