#include <math.h>

#include "attention_aid.h"

void
aid_attend(const struct attention_kernel *kernel, const struct cell *c, size_t n_q, float *out,
    float *log_sum)
{
	size_t cu[2] = { 0, c->n }, cu_q[2] = { 0, n_q };
	struct attention_call call = { .q = c->q,
		.k = c->k,
		.v = c->v,
		.out = out,
		.cu_q = cu_q,
		.cu_k = cu,
		.n_cells = 1,
		.heads = c->heads,
		.head_size = c->d,
		.log_sum = log_sum };
	struct attention_scratch *scratch = attention_scratch_create();

	attention_run(kernel, &call, scratch);
	attention_scratch_free(scratch);
}

struct expected
aid_define(const struct cell *c, struct arena *a, size_t query, size_t head)
{
	size_t stride = c->heads * c->d, at = head * c->d;
	double *p = arena_alloc(a, c->n, sizeof(*p)), max = -INFINITY, sum = 0, entropy = 0;
	struct expected x = { .out = arena_zero(a, c->d, sizeof(*x.out)) };

	for (size_t j = 0; j < c->n; j++) {
		p[j] = 0;
		for (size_t i = 0; i < c->d; i++)
			p[j] += (double)c->q[query * stride + at + i] *
				(double)c->k[j * stride + at + i];
		p[j] /= sqrt((double)c->d);
		max = p[j] > max ? p[j] : max;
	}
	for (size_t j = 0; j < c->n; j++)
		sum += p[j] = exp(p[j] - max);
	for (size_t j = 0; j < c->n; j++) {
		p[j] /= sum;
		entropy -= p[j] > 0 ? p[j] * log(p[j]) : 0;
		for (size_t i = 0; i < c->d; i++)
			x.out[i] += p[j] * (double)c->v[j * stride + at + i];
	}
	x.keys = exp(entropy);
	x.log_sum = max / log(2) + log2(sum);
	return x;
}
