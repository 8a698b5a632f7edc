/* cuda_weights.h - a model's weights on the device: those of linear layers as the precision has
 * them, all others as float32. */

#ifndef CUDA_CUDA_WEIGHTS_H
#define CUDA_CUDA_WEIGHTS_H

#include "cuda/cuda_memory.h"

struct linear {
	struct cuda_backend *backend;
	const float *host_weight, *host_bias; /* the model's; bias NULL: none */
	size_t n_out, n_in;
	enum activation f;
	void *weight;          /* [n_out][n_in], of the kind */
	float *bias;           /* [n_out], or NULL */
	uint16_t *narrow_bias; /* the same; NULL without bias or in f32 */
};

struct norm {
	struct norm_numbers numbers;
	size_t n;
	struct err err; /* why it could not be made */
};

struct embedding {
	struct embedding_tables tables;
	struct norm_numbers norm;
	size_t columns;
	struct err err;
};

struct pooling {
	const float *weight; /* [n] */
	size_t n;
	struct err err;
};

struct linear *cuda_linear_create(struct backend *b, const float *weight, const float *bias,
    size_t n_out, size_t n_in, enum activation f);
int cuda_linear_prepare(struct linear *w, struct err *e);
void cuda_linear_free(struct linear *w);

/* Those that fail stay as they are, with the reason; their first use puts it into the workspace. */
struct norm *cuda_norm_create(
    struct backend *b, const float *gain, const float *bias, size_t n, float eps);
void cuda_norm_free(struct norm *w);
struct embedding *cuda_embedding_create(struct backend *b, const struct model *m);
void cuda_embedding_free(struct embedding *w);
struct pooling *cuda_pooling_create(struct backend *b, const float *weight, size_t n);
void cuda_pooling_free(struct pooling *w);

#endif
