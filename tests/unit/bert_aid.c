#include "bert_aid.h"

#include <math.h>

double *
bert_dense(struct arena *a, const double *x, size_t rows, const float *weight, const float *bias,
    size_t n_out, size_t n_in)
{
	double *y = arena_alloc(a, rows * n_out, sizeof(*y));

	for (size_t r = 0; r < rows; r++)
		for (size_t o = 0; o < n_out; o++) {
			double sum = (double)bias[o];

			for (size_t i = 0; i < n_in; i++)
				sum += x[r * n_in + i] * (double)weight[o * n_in + i];
			y[r * n_out + o] = sum;
		}
	return y;
}

static double
apply(enum activation f, double x)
{
	switch (f) {
	case ACTIVATION_RELU:
		return x > 0 ? x : 0;
	case ACTIVATION_GELU:
		return x * 0.5 * (1 + erf(x / sqrt(2)));
	case ACTIVATION_TANH:
		return tanh(x);
	default:
		return NAN;
	}
}

void
bert_activate(enum activation f, double *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] = apply(f, x[i]);
}

void
bert_norm(double *x, const double *y, size_t rows, size_t n, const float *gain, const float *bias,
    float eps)
{
	for (size_t r = 0; r < rows; r++, x += n) {
		double mean = 0, variance = 0;

		for (size_t i = 0; i < n; i++) {
			x[i] += y ? y[r * n + i] : 0;
			mean += x[i] / (double)n;
		}
		for (size_t i = 0; i < n; i++)
			variance += (x[i] - mean) * (x[i] - mean) / (double)n;
		for (size_t i = 0; i < n; i++)
			x[i] = (x[i] - mean) / sqrt(variance + (double)eps) * (double)gain[i] +
			       (double)bias[i];
	}
}

static double *
attend(struct arena *a, const double *q, const double *k, const double *v, size_t n, size_t h,
    size_t heads)
{
	double *out = arena_zero(a, n * h, sizeof(*out)), *p = arena_alloc(a, n, sizeof(*p));
	size_t d = h / heads;

	for (size_t head = 0; head < heads; head++)
		for (size_t i = 0; i < n; i++) {
			double sum = 0;

			for (size_t j = 0; j < n; j++) {
				p[j] = 0;
				for (size_t c = head * d; c < (head + 1) * d; c++)
					p[j] += q[i * h + c] * k[j * h + c] / sqrt((double)d);
				sum += p[j] = exp(p[j]);
			}
			for (size_t j = 0; j < n; j++)
				for (size_t c = head * d; c < (head + 1) * d; c++)
					out[i * h + c] += p[j] / sum * v[j * h + c];
		}
	return out;
}

double *
bert_hidden(struct arena *a, const struct model *m, const int32_t *ids, size_t n, size_t layers)
{
	size_t h = m->config.hidden, ffn = m->config.ffn;
	float eps = m->config.layer_norm_eps;
	double *x = arena_alloc(a, n * h, sizeof(*x));

	for (size_t r = 0; r < n; r++)
		for (size_t i = 0; i < h; i++)
			x[r * h + i] = (double)m->word_embeddings[(size_t)ids[r] * h + i] +
				       (double)m->type_embeddings[i] +
				       (double)m->position_embeddings[r * h + i];
	bert_norm(x, NULL, n, h, m->embedding_norm_weight, m->embedding_norm_bias, eps);
	for (size_t l = 0; l < layers; l++) {
		const struct model_layer *w = &m->layer[l];
		double *q = bert_dense(a, x, n, w->query_weight, w->query_bias, h, h);
		double *k = bert_dense(a, x, n, w->key_weight, w->key_bias, h, h);
		double *v = bert_dense(a, x, n, w->value_weight, w->value_bias, h, h);
		double *y = attend(a, q, k, v, n, h, m->config.heads);

		y = bert_dense(a, y, n, w->attention_output_weight, w->attention_output_bias, h, h);
		bert_norm(x, y, n, h, w->attention_norm_weight, w->attention_norm_bias, eps);
		y = bert_dense(a, x, n, w->ffn_weight, w->ffn_bias, ffn, h);
		bert_activate(m->config.activation, y, n * ffn);
		y = bert_dense(a, y, n, w->ffn_output_weight, w->ffn_output_bias, h, ffn);
		bert_norm(x, y, n, h, w->ffn_norm_weight, w->ffn_norm_bias, eps);
	}
	return x;
}
