/* The gradient operations of the CPU against central differences of their definitions in double
 * precision, under every instruction set; and the same bits again. */

#include "network_aid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/gradient.h"

/* ---- differences ---- */

/* A function of n values in double precision; what else it needs is in the context. */
typedef double function(const void *context, const double *x, size_t n);

static double *
in_double(struct arena *a, const float *x, size_t n)
{
	double *y = arena_alloc(a, n, sizeof(*y));

	for (size_t i = 0; i < n; i++)
		y[i] = (double)x[i];
	return y;
}

/* ours: the gradient of f at x. Of many values about 400 are tried, from all over. */
static void
expect_gradient(struct arena *a, function *f, const void *context, const float *x, size_t n,
    const float *ours, const char *what)
{
	const double step = 1e-4;
	double *y = in_double(a, x, n), largest = 0;
	size_t stride = n / 400 | 1;

	for (size_t i = 0; i < n; i++)
		largest = fmax(largest, fabs((double)ours[i]));
	for (size_t i = 0; i < n; i += stride) {
		double up, down, slope;

		y[i] += step;
		up = f(context, y, n);
		y[i] -= 2 * step;
		down = f(context, y, n);
		y[i] += step;
		slope = (up - down) / (2 * step);
		expect(fabs(slope - (double)ours[i]) <= 1e-5 * largest + 1e-6,
		    "%s: gradient %zu is %g, not %g", what, i, (double)ours[i], slope);
	}
}

struct bench {
	struct arena a;
	struct backend *backend;
	const struct gradient_ops *op;
	struct gradient_workspace *ws;
};

static struct bench
start(void)
{
	struct bench b = { 0 };
	struct err e = { 0 };

	b.backend = backend_open(DEVICE_CPU, PRECISION_F32, &e);
	expect(b.backend != NULL, "%s", e.text);
	b.op = b.backend->gradient;
	b.ws = b.op->workspace_create(b.backend);
	return b;
}

static void
stop(struct bench *b)
{
	struct err e = { 0 };

	expect(b->op->failed(b->ws, &e) == 0, "%s", e.text);
	b->op->workspace_free(b->ws);
	backend_close(b->backend);
	arena_free(&b->a);
}

/* ---- layer norm ---- */

struct norm_case {
	const float *gain, *bias, *d;
	size_t rows, n;
};

/* sum of d * norm(x), x [rows][n] */
static double
norm_of_rows(const void *context, const double *x, size_t count)
{
	const struct norm_case *c = context;
	double sum = 0;

	(void)count;
	for (size_t r = 0; r < c->rows; r++, x += c->n) {
		double mean = 0, variance = 0;

		for (size_t i = 0; i < c->n; i++)
			mean += x[i] / (double)c->n;
		for (size_t i = 0; i < c->n; i++)
			variance += (x[i] - mean) * (x[i] - mean) / (double)c->n;
		for (size_t i = 0; i < c->n; i++)
			sum += (double)c->d[r * c->n + i] *
			       ((x[i] - mean) / sqrt(variance + 1e-12) * (double)c->gain[i] +
				   (double)c->bias[i]);
	}
	return sum;
}

static void
check_norm(size_t rows, size_t n)
{
	struct bench b = start();
	float *x = aid_numbers(&b.a, rows * n, 2), *d = aid_numbers(&b.a, rows * n, 1);
	struct norm_case c = { aid_numbers(&b.a, n, 2), aid_numbers(&b.a, n, 1), d, rows, n };
	struct layer_norm w = { c.gain, c.bias, n, 1e-12f };
	float *d_in = arena_alloc(&b.a, rows * n, sizeof(*d_in));
	float *d_gain = arena_zero(&b.a, n, sizeof(*d_gain)),
	      *d_bias = arena_zero(&b.a, n, sizeof(*d_bias));
	float *y = arena_alloc(&b.a, rows * n, sizeof(*y));

	b.op->normalize_back(b.ws, &w, x, d, rows, d_in, d_gain, d_bias);
	expect_gradient(&b.a, norm_of_rows, &c, x, rows * n, d_in, "norm");
	/* linear in the gain and in the bias */
	b.op->normalize(b.ws, &w, x, rows, y);
	for (size_t i = 0; i < n; i++) {
		double gain = 0, bias = 0;

		for (size_t r = 0; r < rows; r++) {
			double normal =
			    ((double)y[r * n + i] - (double)c.bias[i]) / (double)c.gain[i];

			gain += (double)d[r * n + i] * normal;
			bias += (double)d[r * n + i];
		}
		expect(fabs(gain - (double)d_gain[i]) < 2e-4 * (1 + 1 / fabs((double)c.gain[i])),
		    "gain %zu: %g, not %g", i, (double)d_gain[i], gain);
		expect(fabs(bias - (double)d_bias[i]) < 1e-5, "bias %zu", i);
	}
	/* in place, and without the gradients of the weights */
	memcpy(y, d, rows * n * sizeof(*y));
	b.op->normalize_back(b.ws, &w, x, y, rows, y, NULL, NULL);
	expect(memcmp(y, d_in, rows * n * sizeof(*y)) == 0, "in place");
	stop(&b);
}

/* ---- activation functions ---- */

struct activation_case {
	enum activation f;
	const float *d;
};

static double
activation_of(enum activation f, double x)
{
	switch (f) {
	case ACTIVATION_RELU:
		return x > 0 ? x : 0;
	case ACTIVATION_GELU:
		return x * 0.5 * (1 + erf(x / sqrt(2)));
	case ACTIVATION_GELU_TANH:
		return x * 0.5 *
		       (1 + tanh(sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
	case ACTIVATION_SILU:
		return x / (1 + exp(-x));
	case ACTIVATION_TANH:
		return tanh(x);
	default:
		return x;
	}
}

static double
activations_of(const void *context, const double *x, size_t n)
{
	const struct activation_case *c = context;
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)c->d[i] * activation_of(c->f, x[i]);
	return sum;
}

static void
check_activation(enum activation f)
{
	enum { N = 70 };
	struct bench b = start();
	float *x = aid_numbers(&b.a, N, 4), *d = aid_numbers(&b.a, N, 1);
	float *out = arena_alloc(&b.a, N, sizeof(*out)), *d_in = arena_copy(&b.a, d, N, sizeof(*d));
	struct activation_case c = { f, d };

	b.op->activate(b.ws, f, x, N, out);
	for (size_t i = 0; i < N; i++)
		expect(fabs((double)out[i] - activation_of(f, (double)x[i])) < 1e-6,
		    "activation %d of %g is %g", (int)f, (double)x[i], (double)out[i]);
	b.op->activate_back(b.ws, f, x, N, d_in);
	expect_gradient(&b.a, activations_of, &c, x, N, d_in, "activation");
	stop(&b);
}

/* ---- linear layers ---- */

static void
check_linear(size_t rows, size_t n_out, size_t n_in)
{
	struct bench b = start();
	struct dense w = { aid_numbers(&b.a, n_out * n_in, 1), aid_numbers(&b.a, n_out, 1), n_out,
		n_in };
	float *x = aid_numbers(&b.a, rows * n_in, 1), *d = aid_numbers(&b.a, rows * n_out, 1);
	float *y = arena_alloc(&b.a, rows * n_out, sizeof(*y));
	float *d_in = arena_zero(&b.a, rows * n_in, sizeof(*d_in));
	float *d_weight = arena_zero(&b.a, n_out * n_in, sizeof(*d_weight));
	float *d_bias = arena_zero(&b.a, n_out, sizeof(*d_bias));

	b.op->linear(b.ws, &w, x, rows, y);
	b.op->linear_input(b.ws, &w, d, rows, false, d_in);
	b.op->linear_input(b.ws, &w, d, rows, true, d_in);
	b.op->linear_weights(b.ws, &w, x, d, rows, d_weight, d_bias);
	for (size_t o = 0; o < n_out; o++) {
		double bias = 0;

		for (size_t r = 0; r < rows; r++) {
			double sum = (double)w.bias[o];

			for (size_t i = 0; i < n_in; i++)
				sum += (double)x[r * n_in + i] * (double)w.weight[o * n_in + i];
			expect(fabs(sum - (double)y[r * n_out + o]) < 1e-4, "linear");
			bias += (double)d[r * n_out + o];
		}
		expect(fabs(bias - (double)d_bias[o]) < 1e-4, "d_bias %zu", o);
		for (size_t i = 0; i < n_in; i++) {
			double sum = 0;

			for (size_t r = 0; r < rows; r++)
				sum += (double)d[r * n_out + o] * (double)x[r * n_in + i];
			expect(fabs(sum - (double)d_weight[o * n_in + i]) < 1e-4, "d_weight");
		}
	}
	for (size_t r = 0; r < rows; r++)
		for (size_t i = 0; i < n_in; i++) {
			double sum = 0;

			for (size_t o = 0; o < n_out; o++)
				sum +=
				    2 * (double)d[r * n_out + o] * (double)w.weight[o * n_in + i];
			expect(fabs(sum - (double)d_in[r * n_in + i]) < 1e-4, "d_in");
		}
	stop(&b);
}

/* ---- attention ---- */

/* One batch; x is q, k and v one after the other, then as many further keys and values. */
struct attention_case {
	struct packing cells;
	size_t heads, size, queries, keys;
	const float *d;
	const float *keep; /* [queries][heads][longest]: 0 or the factor of a weight; NULL: 1 */
	size_t longest;
	/* What is looked at: the change in the result when a key is left out of all queries but
	 * its own. */
	size_t without;
	size_t with; /* or when a further key is put in its place */
};

enum { NONE = -1 };

/* d times the output of query i of head h. */
static double
one_query(const struct attention_case *c, const double *x, size_t cell, size_t i, size_t head)
{
	size_t width = c->heads * c->size, at = head * c->size;
	const double *q = x + i * width + at, *k = x + c->queries * width, *v = k + c->keys * width;
	double sum = 0, out = 0;

	for (size_t j = c->cells.cu_k[cell];
	     j < c->cells.cu_k[cell + 1] + (c->with != (size_t)NONE); j++) {
		double score = 0, value = 0;
		size_t nth = j - c->cells.cu_k[cell];
		size_t key = j == c->cells.cu_k[cell + 1] ? 2 * c->keys + c->with : j;

		if (j == c->without)
			continue;
		for (size_t n = 0; n < c->size; n++) {
			score += q[n] * k[key * width + at + n] / sqrt((double)c->size);
			value += v[key * width + at + n] * (double)c->d[i * width + at + n];
		}
		score = exp(score);
		sum += score;
		out += score * value *
		       (c->keep ? (double)c->keep[(i * c->heads + head) * c->longest + nth] : 1);
	}
	return out / sum;
}

static double
attention_of(const void *context, const double *x, size_t n)
{
	const struct attention_case *c = context;
	double sum = 0;

	(void)n;
	for (size_t cell = 0; cell < c->cells.n; cell++)
		for (size_t i = c->cells.cu_q[cell]; i < c->cells.cu_q[cell + 1]; i++)
			for (size_t head = 0; head < c->heads; head++)
				if ((c->without != i && c->with != i) ||
				    c->cells.cu_q != c->cells.cu_k)
					sum += one_query(c, x, cell, i, head);
	return sum;
}

/* What taking a key away, or putting a further one into its place, changes in all queries but its
 * own. */
static double
change_of(struct attention_case c, const double *x, size_t key, bool is_replacement)
{
	double before = 0;
	size_t cell = 0;

	while (key >= c.cells.cu_k[cell + 1])
		cell++;
	for (size_t i = c.cells.cu_q[cell]; i < c.cells.cu_q[cell + 1]; i++)
		for (size_t head = 0; head < c.heads; head++)
			if (i != key || c.cells.cu_q != c.cells.cu_k)
				before += one_query(&c, x, cell, i, head);
	c.without = key;
	if (is_replacement)
		c.with = key;
	for (size_t i = c.cells.cu_q[cell]; i < c.cells.cu_q[cell + 1]; i++)
		for (size_t head = 0; head < c.heads; head++)
			if (i != key || c.cells.cu_q != c.cells.cu_k)
				before -= one_query(&c, x, cell, i, head);
	return -before;
}

struct attention_run {
	float *x, *out, *log_sum, *d_x, *effect, *replacement;
};

static struct attention_run
run_attention(struct bench *b, const struct attention_case *c, const struct dropout *drop)
{
	size_t width = c->heads * c->size, n_q = c->queries * width, n_k = c->keys * width;
	struct attention_run r = { aid_numbers(&b->a, n_q + 4 * n_k, 1.5f),
		arena_alloc(&b->a, n_q, sizeof(float)),
		arena_alloc(&b->a, c->queries * c->heads, sizeof(float)),
		arena_alloc(&b->a, n_q + 2 * n_k, sizeof(float)),
		arena_zero(&b->a, c->keys, sizeof(float)),
		arena_zero(&b->a, c->keys, sizeof(float)) };
	struct attention_gradient call = { .cells = &c->cells,
		.heads = c->heads,
		.head_size = c->size,
		.q = r.x,
		.k = r.x + n_q,
		.v = r.x + n_q + n_k,
		.d_out = c->d,
		.d_q = r.d_x,
		.d_k = r.d_x + n_q,
		.d_v = r.d_x + n_q + n_k,
		.key_effect = r.effect };

	if (drop)
		call.drop = *drop;
	b->op->attention(b->ws, &call, r.out, r.log_sum);
	call.out = r.out;
	call.log_sum = r.log_sum;
	b->op->attention_back(b->ws, &call);
	call.new_k = call.k + 2 * n_k;
	call.new_v = call.v + 2 * n_k;
	call.key_effect = r.replacement;
	b->op->attention_back(b->ws, &call);
	return r;
}

/* Cells of these lengths; narrow: one query a cell. */
static struct attention_case
attention_case(
    struct arena *a, const size_t *lengths, size_t n, size_t heads, size_t size, bool is_narrow)
{
	size_t *cu_k = arena_zero(a, n + 1, sizeof(*cu_k)), *cu_q = cu_k;
	struct attention_case c = {
		.heads = heads, .size = size, .without = (size_t)NONE, .with = (size_t)NONE
	};

	for (size_t i = 0; i < n; i++) {
		cu_k[i + 1] = cu_k[i] + lengths[i];
		c.longest = lengths[i] > c.longest ? lengths[i] : c.longest;
	}
	if (is_narrow) {
		cu_q = arena_zero(a, n + 1, sizeof(*cu_q));
		for (size_t i = 0; i <= n; i++)
			cu_q[i] = i;
	}
	c.cells = (struct packing){ n, cu_q, cu_k };
	c.queries = cu_q[n];
	c.keys = cu_k[n];
	c.d = aid_numbers(a, c.queries * heads * size, 1);
	return c;
}

static void
expect_change(double expected, float ours, size_t key, const char *what)
{
	expect(fabs(expected - (double)ours) < 2e-5 * (1 + fabs(expected)),
	    "%s key, %zu: %g, not %g", what, key, (double)ours, expected);
}

static void
check_attention(const size_t *lengths, size_t n, size_t heads, size_t size, bool is_narrow)
{
	struct bench b = start();
	struct attention_case c = attention_case(&b.a, lengths, n, heads, size, is_narrow);
	struct attention_run r = run_attention(&b, &c, NULL);
	size_t width = heads * size, count = (c.queries + 2 * c.keys) * width;
	double *x = in_double(&b.a, r.x, count + 2 * c.keys * width);

	expect_gradient(&b.a, attention_of, &c, r.x, count, r.d_x, "attention");
	for (size_t cell = 0; cell < c.cells.n; cell++)
		for (size_t j = c.cells.cu_k[cell]; j < c.cells.cu_k[cell + 1]; j++) {
			expect_change(change_of(c, x, j, true), r.replacement[j], j, "a new");
			if (lengths[cell] > 1) /* else nothing would be left */
				expect_change(change_of(c, x, j, false), r.effect[j], j, "no");
		}
	stop(&b);
}

/* The masks as the contract gives them, into factors of the weights. */
static void
check_attention_dropout(void)
{
	static const size_t lengths[] = { 30, 11 };
	struct bench b = start();
	struct attention_case c = attention_case(&b.a, lengths, 2, 2, 16, false);
	struct dropout drop = dropout_make(0.3, 7, 5);
	uint64_t *examples = arena_alloc(&b.a, c.queries, sizeof(*examples));
	int32_t *places = arena_alloc(&b.a, c.queries, sizeof(*places));
	float *keep = arena_alloc(&b.a, c.queries * c.heads * c.longest, sizeof(*keep));
	struct attention_run r;

	for (size_t i = 0; i < c.queries; i++) {
		size_t cell = i >= lengths[0];

		examples[i] = 100 + cell;
		places[i] = (int32_t)(i - c.cells.cu_q[cell]);
	}
	drop.examples = examples;
	drop.places = places;
	for (size_t i = 0; i < c.queries * c.heads * c.longest; i++)
		keep[i] = 1;
	for (size_t i = 0; i < c.queries; i++)
		for (size_t head = 0; head < c.heads; head++) {
			size_t n = lengths[i >= lengths[0]];
			float *row = keep + (i * c.heads + head) * c.longest;
			uint16_t numbers[30];

			dropout_numbers(&drop, i, head, n, 0, n, numbers);
			dropout_apply(&drop, numbers, row, n);
		}
	r = run_attention(&b, &c, &drop);
	c.keep = keep;
	expect_gradient(&b.a, attention_of, &c, r.x, (c.queries + 2 * c.keys) * c.heads * c.size,
	    r.d_x, "attention with dropout");
	stop(&b);
}

/* ---- the loss, and embeddings ---- */

struct loss_case {
	const int32_t *labels;
	const float *weight;
	size_t rows, n;
};

static double
loss_of(const void *context, const double *x, size_t count)
{
	const struct loss_case *c = context;
	double loss = 0;

	(void)count;
	for (size_t r = 0; r < c->rows; r++, x += c->n) {
		double sum = 0;

		if (c->labels[r] < 0)
			continue;
		for (size_t i = 0; i < c->n; i++)
			sum += exp(x[i]);
		loss += (c->weight ? (double)c->weight[c->labels[r]] : 1) *
			(log(sum) - x[c->labels[r]]);
	}
	return loss;
}

static void
check_loss(size_t n, bool has_weights)
{
	struct bench b = start();
	const int32_t labels[] = { 0, -100, (int32_t)n - 1, 1 };
	float *x = aid_numbers(&b.a, 4 * n, 5), *d = arena_copy(&b.a, x, 4 * n, sizeof(*x));
	float *weight = aid_numbers(&b.a, n, 1);
	struct loss_case c = { labels, has_weights ? weight : NULL, 4, n };
	double loss = 1, expected;
	size_t n_right = 0, best = 0;

	for (size_t i = 0; i < n; i++)
		best = x[3 * n + i] > x[3 * n + best] ? i : best;
	x[3 * n + 1] = d[3 * n + 1] = x[3 * n + best] + 1; /* the last row is right */
	expected = loss_of(&c, in_double(&b.a, x, 4 * n), 4 * n);
	b.op->cross_entropy(b.ws, labels, c.weight, 1, 4, n, d, &loss, &n_right);
	expect(fabs(loss - 1 - expected) < 1e-5, "loss %g, not %g", loss - 1, expected);
	expect(n_right >= 1 && n_right <= 3, "right: %zu", n_right);
	expect_gradient(&b.a, loss_of, &c, x, 4 * n, d, "cross entropy");
	stop(&b);
}

static void
check_embedding(void)
{
	enum { ROWS = 5, N = 24 };
	static const int32_t ids[ROWS] = { 3, 0, 3, 2, 3 }, positions[ROWS] = { 0, 1, 2, 0, 1 };
	struct bench b = start();
	float *d = aid_numbers(&b.a, (size_t)ROWS * N, 1), word[4 * N] = { 0 }, type[N] = { 0 },
	      position[3 * N] = { 0 };

	b.op->embed_back(b.ws, d, ids, positions, ROWS, N, word, type, position);
	for (size_t c = 0; c < N; c++) {
		const float all = d[c] + d[N + c] + d[2 * N + c] + d[3 * N + c] + d[4 * N + c];

		expect(word[3 * N + c] == d[c] + d[2 * N + c] + d[4 * N + c], "word 3");
		expect(word[c] == d[N + c] && word[N + c] == 0, "words 0 and 1");
		expect(type[c] == all, "type");
		expect(position[N + c] == d[N + c] + d[4 * N + c], "position 1");
	}
	stop(&b);
}

/* ---- all ---- */

static void
checks(void)
{
	static const size_t some[] = { 1, 40, 7 }, tiles[] = { 100 }, few[] = { 3, 9 };

	check_norm(3, 64);
	check_norm(2, 41);
	for (int f = ACTIVATION_NONE; f <= ACTIVATION_TANH; f++)
		check_activation((enum activation)f);
	check_linear(5, 33, 17);
	check_linear(40, 16, 64);
	check_attention(some, 3, 2, 16, false);
	check_attention(tiles, 1, 1, 20, false);
	check_attention(few, 2, 1, 64, false);
	check_attention(some, 3, 2, 24, true);
	check_attention_dropout();
	check_loss(37, false);
	check_loss(5, true);
	check_embedding();
}

TESTS_UNDER_EACH_ISA(checks)

int
main(void)
{
	const struct CMUnitTest tests[] = { UNDER_EACH_ISA };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
