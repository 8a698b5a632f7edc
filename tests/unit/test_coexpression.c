/* The streamed decomposition is that of the whole matrix, which LAPACK takes apart here. */

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "corpus_aid.h"
#include "near_aid.h"
#include "nn/coexpression.h"
#include "nn/model_start.h"

enum { CELLS = 120, RANK = 6, SPECIALS = 4 };

static struct genes *genes;
static struct masking *masking;
static struct token_corpus *corpus;

static int
setup(void **state)
{
	struct token_corpus_options o = { .limits = { AID_TOKENS, 16, false, 3 },
		.max_memory = 1 << 20 };
	struct err e = { 0 };

	(void)state;
	genes = aid_genes(AID_TOKENS);
	masking = masking_new(genes, 0.15, 0, &e);
	corpus = aid_corpus(&o, CELLS, NULL, NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	token_corpus_free(corpus);
	masking_free(masking);
	genes_free(genes);
	return 0;
}

/* counts [AID_TOKENS] and the matrix [CELLS][AID_TOKENS], by the definition. */
static void
make_matrix(double *counts, double *matrix)
{
	int32_t ids[16];

	memset(counts, 0, AID_TOKENS * sizeof(*counts));
	memset(matrix, 0, CELLS * AID_TOKENS * sizeof(*matrix));
	for (uint64_t c = 0; c < CELLS; c++) {
		size_t n = aid_cell(c, ids);

		for (size_t k = 0; k < n; k++)
			counts[ids[k]] += ids[k] >= SPECIALS;
	}
	for (uint64_t c = 0; c < CELLS; c++) {
		double *row = matrix + c * AID_TOKENS, squares = 0;
		size_t n = aid_cell(c, ids);

		for (size_t k = 0; k < n; k++)
			if (ids[k] >= SPECIALS)
				row[ids[k]] = log(CELLS / counts[ids[k]]);
		for (size_t t = 0; t < AID_TOKENS; t++)
			squares += row[t] * row[t];
		for (size_t t = 0; t < AID_TOKENS && squares > 0; t++)
			row[t] /= sqrt(squares);
	}
}

/* The squares of singular values differ by a factor of 1.05 or so at the end of the rank, so many
 * rounds are needed to 1e-8. */
static const struct coexpression_options many = { .rank = RANK, .rounds = 60, .threads = 1 };

static void
is_that_of_the_matrix(void **state)
{
	static double matrix[CELLS * AID_TOKENS], right[AID_TOKENS * AID_TOKENS];
	double counts[AID_TOKENS], values[AID_TOKENS], none[AID_TOKENS];
	double factor[AID_TOKENS * RANK], got[RANK];
	struct err e = { 0 };

	(void)state;
	make_matrix(counts, matrix);
	assert_int_equal(LAPACKE_dgesvd(LAPACK_ROW_MAJOR, 'N', 'A', CELLS, AID_TOKENS, matrix,
			     AID_TOKENS, values, NULL, 1, right, AID_TOKENS, none),
	    0);
	assert_int_equal(
	    coexpression_decompose(corpus, masking, AID_TOKENS, &many, factor, got, &e), 0);
	for (size_t k = 0; k < RANK; k++) {
		double product = 0, greatest = 0;

		assert_near(got[k], values[k], 1e-9);
		for (size_t t = 0; t < AID_TOKENS; t++) {
			double x = factor[t * RANK + k];

			product += x * right[k * AID_TOKENS + t];
			greatest = fabs(x) > fabs(greatest) ? x : greatest;
		}
		assert_near(fabs(product), 1, 1e-8);
		assert_true(greatest > 0);
	}
	for (size_t i = 0; i < SPECIALS * RANK; i++)
		assert_near(factor[i], 0, 0);
}

static void
threads_change_nothing(void **state)
{
	double factor[2][AID_TOKENS * RANK], values[2][RANK];
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct coexpression_options o = { .rank = RANK, .threads = 1 + 2 * i };

		coexpression_decompose(corpus, masking, AID_TOKENS, &o, factor[i], values[i], &e);
	}
	assert_memory_equal(factor[0], factor[1], sizeof(factor[0]));
	assert_memory_equal(values[0], values[1], sizeof(values[0]));
}

static const struct model_config config = { .class = MODEL_MLM,
	.layers = 1,
	.hidden = 8,
	.heads = 2,
	.ffn = 8,
	.vocab = AID_TOKENS,
	.positions = 16,
	.type_vocab = 2,
	.layer_norm_eps = 1e-12f,
	.initializer_range = 0.02f };

static void
a_model_starts_with_it(void **state)
{
	static double matrix[CELLS * AID_TOKENS];
	double counts[AID_TOKENS], total = 0, sum = 0, squares = 0, factor[AID_TOKENS * 8];
	double values[8], n = AID_TOKENS * 8, sd;
	struct coexpression_options o = { .rank = 8, .seed = 5, .threads = 1 };
	struct err e = { 0 };
	struct model *m = model_start(&config, 9);
	struct backend *b = backend_open(DEVICE_CPU, PRECISION_F32, &e);
	struct parameters *p = parameters_create(b, m);

	(void)state;
	make_matrix(counts, matrix);
	assert_int_equal(coexpression_start(p, corpus, masking, &o, &e), 0);
	coexpression_decompose(corpus, masking, AID_TOKENS, &o, factor, values, &e);
	for (size_t i = 0; i < AID_TOKENS * 8; i++) {
		sum += factor[i];
		squares += factor[i] * factor[i];
	}
	sd = sqrt(squares / n - sum * sum / n / n);
	for (size_t i = 0; i < AID_TOKENS * 8; i++)
		assert_near((double)p->model.word_embeddings[i],
		    (double)m->word_embeddings[i] + factor[i] * 0.04 / sd, 1e-7);
	for (size_t t = 0; t < AID_TOKENS; t++)
		total += counts[t] > 0 ? counts[t] : 0.5;
	for (size_t t = 0; t < AID_TOKENS; t++)
		assert_near((double)p->model.decoder_bias[t],
		    log((counts[t] > 0 ? counts[t] : 0.5) / total), 1e-6);
	parameters_free(p);
	backend_close(b);
	model_close(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_that_of_the_matrix),
		cmocka_unit_test(threads_change_nothing),
		cmocka_unit_test(a_model_starts_with_it),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
