/* cublas_emulation.c - products by the definition, and candidates that are not to be chosen. */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cublasLt.h"
#include "emulated_device.h"
#include "emulated_numbers.h"

struct emulated_operation {
	cublasOperation_t transposed;
	cublasLtEpilogue_t epilogue;
	const void *bias;
};

struct emulated_layout {
	cudaDataType_t type;
	uint64_t rows, columns;
	int64_t stride;
};

/* Numbers of the algorithms. */
enum { SPLITTING = 1, BY_PLACE, RIGHT };

static int
count_candidates(void)
{
	const char *text = getenv("CELLPIPE_EMULATED_PRODUCTS");

	return text && strcmp(text, "bad") == 0 ? 2 : 3;
}

cublasStatus_t
cublasLtCreate(cublasLtHandle_t *ret)
{
	*ret = malloc(1);
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t
cublasLtDestroy(cublasLtHandle_t handle)
{
	free(handle);
	return CUBLAS_STATUS_SUCCESS;
}

const char *
cublasLtGetStatusString(cublasStatus_t status)
{
	return status == CUBLAS_STATUS_SUCCESS ? "success" : "failed";
}

cublasStatus_t
cublasLtMatmulDescCreate(
    cublasLtMatmulDesc_t *ret, cublasComputeType_t compute, cudaDataType_t scale)
{
	*ret = calloc(1, sizeof(**ret));
	(*ret)->epilogue = CUBLASLT_EPILOGUE_DEFAULT;
	return compute == CUBLAS_COMPUTE_32F && scale == CUDA_R_32F ? CUBLAS_STATUS_SUCCESS
								    : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t
cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t d)
{
	free(d);
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t
cublasLtMatmulDescSetAttribute(
    cublasLtMatmulDesc_t d, cublasLtMatmulDescAttributes_t which, const void *value, size_t size)
{
	void *to = which == CUBLASLT_MATMUL_DESC_TRANSA     ? (void *)&d->transposed
		   : which == CUBLASLT_MATMUL_DESC_EPILOGUE ? (void *)&d->epilogue
							    : (void *)&d->bias;

	memcpy(to, value, size);
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t
cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *ret, cudaDataType_t type, uint64_t rows,
    uint64_t columns, int64_t stride)
{
	*ret = malloc(sizeof(**ret));
	**ret = (struct emulated_layout){ type, rows, columns, stride };
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t
cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t l)
{
	free(l);
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t
cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *ret)
{
	*ret = malloc(1);
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t
cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t p)
{
	free(p);
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t
cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t p,
    cublasLtMatmulPreferenceAttributes_t which, const void *value, size_t size)
{
	(void)p;
	(void)which;
	(void)value;
	(void)size;
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t
cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t d,
    cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
    cublasLtMatrixLayout_t out, cublasLtMatmulPreference_t preference, int most,
    cublasLtMatmulHeuristicResult_t list[], int *ret_n)
{
	(void)handle;
	(void)d;
	(void)a;
	(void)b;
	(void)c;
	(void)out;
	(void)preference;
	*ret_n = count_candidates();
	if (*ret_n > most)
		*ret_n = most;
	for (int i = 0; i < *ret_n; i++) {
		memset(&list[i], 0, sizeof(list[i]));
		list[i].algo.data[0] = (uint64_t)i + 1;
		list[i].state = CUBLAS_STATUS_SUCCESS;
	}
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t
cublasLtMatmulAlgoConfigGetAttribute(const cublasLtMatmulAlgo_t *algorithm,
    cublasLtMatmulAlgoConfigAttributes_t which, void *value, size_t size, size_t *ret_size)
{
	int32_t splits = algorithm->data[0] == SPLITTING ? 4 : 1;

	(void)which;
	memcpy(value, &splits, size);
	*ret_size = size;
	return CUBLAS_STATUS_SUCCESS;
}

/* ---- the product ---- */

struct product {
	struct emulated_operation d;
	struct emulated_layout a_layout, b_layout, out_layout;
	const void *a, *b, *c;
	void *out;
	float alpha, beta;
	uint64_t algorithm;
};

static float
take(const void *x, cudaDataType_t type, uint64_t i)
{
	if (type == CUDA_R_32F)
		return ((const float *)x)[i];
	return type == CUDA_R_16F ? number_from_fp16(((const uint16_t *)x)[i])
				  : number_from_bf16(((const uint16_t *)x)[i]);
}

static void
place(float value, void *x, cudaDataType_t type, uint64_t i)
{
	if (type == CUDA_R_32F)
		((float *)x)[i] = value;
	else
		((uint16_t *)x)[i] =
		    type == CUDA_R_16F ? number_to_fp16(value) : number_to_bf16(value);
}

static float *
as_floats(const void *x, const struct emulated_layout *l)
{
	float *copy = malloc((l->rows * l->columns + 1) * sizeof(*copy));

	for (uint64_t j = 0; j < l->columns; j++)
		for (uint64_t i = 0; i < l->rows; i++)
			copy[j * l->rows + i] = take(x, l->type, j * (uint64_t)l->stride + i);
	return copy;
}

/* dots[i] = column i of a [k][m] times b. */
static void
multiply_column(const float *a, const float *b, uint64_t m, uint64_t k, float *dots)
{
	for (uint64_t i = 0; i < m; i++) {
		dots[i] = 0;
		for (uint64_t l = 0; l < k; l++)
			dots[i] += a[i * k + l] * b[l];
	}
}

/* a is [k][m], transposed; b [k][n]; out [m][n]; all by columns. Columns of b that are the one
 * before are not multiplied again. */
static void
run_product(void *work)
{
	const struct product *p = work;
	uint64_t m = p->out_layout.rows, n = p->out_layout.columns, k = p->a_layout.rows;
	float *a = as_floats(p->a, &p->a_layout), *b = as_floats(p->b, &p->b_layout);
	float *dots = malloc(m * sizeof(*dots));

	for (uint64_t j = 0; j < n; j++) {
		if (j == 0 || memcmp(b + j * k, b + (j - 1) * k, k * sizeof(*b)) != 0)
			multiply_column(a, b + j * k, m, k, dots);
		for (uint64_t i = 0; i < m; i++) {
			uint64_t at = j * (uint64_t)p->out_layout.stride + i;
			float sum = p->alpha * dots[i];

			if (p->beta != 0)
				sum += p->beta * take(p->c, p->out_layout.type, at);
			if (p->d.epilogue & CUBLASLT_EPILOGUE_BIAS)
				sum += take(p->d.bias, p->out_layout.type, i);
			if (p->d.epilogue & CUBLASLT_EPILOGUE_RELU)
				sum = sum > 0 ? sum : 0;
			if (p->algorithm == BY_PLACE && j % 128 > 99)
				sum *= 1.01f;
			place(sum, p->out, p->out_layout.type, at);
		}
	}
	free(a);
	free(b);
	free(dots);
}

cublasStatus_t
cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t d, const void *alpha, const void *a,
    cublasLtMatrixLayout_t a_layout, const void *b, cublasLtMatrixLayout_t b_layout,
    const void *beta, const void *c, cublasLtMatrixLayout_t c_layout, void *out,
    cublasLtMatrixLayout_t out_layout, const cublasLtMatmulAlgo_t *algorithm, void *workspace,
    size_t workspace_size, cudaStream_t stream)
{
	struct product *p;

	(void)handle;
	(void)workspace;
	(void)workspace_size;
	if (d->transposed != CUBLAS_OP_T || a_layout->rows != b_layout->rows ||
	    a_layout->columns != out_layout->rows || b_layout->columns != out_layout->columns ||
	    c_layout->type != out_layout->type || algorithm->data[0] == SPLITTING)
		return CUBLAS_STATUS_INVALID_VALUE;
	if (!emulation_count_launch())
		return CUBLAS_STATUS_EXECUTION_FAILED;
	p = malloc(sizeof(*p));
	*p = (struct product){ *d, *a_layout, *b_layout, *out_layout, a, b, c, out,
		*(const float *)alpha, *(const float *)beta, algorithm->data[0] };
	emulation_enqueue(stream, run_product, p);
	return CUBLAS_STATUS_SUCCESS;
}
