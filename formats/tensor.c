/* tensor.c - sizes of tensors and their conversion to float32. See tensor.h. */

#include "formats/tensor.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"

static const struct {
	const char *name;
	size_t size;
} types[TENSOR_TYPES] = {
	[TENSOR_F64] = { "F64", 8 },
	[TENSOR_F32] = { "F32", 4 },
	[TENSOR_F16] = { "F16", 2 },
	[TENSOR_BF16] = { "BF16", 2 },
	[TENSOR_F8_E4M3] = { "F8_E4M3", 1 },
	[TENSOR_F8_E5M2] = { "F8_E5M2", 1 },
	[TENSOR_I64] = { "I64", 8 },
	[TENSOR_I32] = { "I32", 4 },
	[TENSOR_I16] = { "I16", 2 },
	[TENSOR_I8] = { "I8", 1 },
	[TENSOR_U64] = { "U64", 8 },
	[TENSOR_U32] = { "U32", 4 },
	[TENSOR_U16] = { "U16", 2 },
	[TENSOR_U8] = { "U8", 1 },
	[TENSOR_BOOL] = { "BOOL", 1 },
};

size_t
tensor_type_size(enum tensor_type type)
{
	return types[type].size;
}

const char *
tensor_type_name(enum tensor_type type)
{
	return types[type].name;
}

bool
tensor_measure(struct tensor *t)
{
	size_t count = 1;

	assert(t->rank <= TENSOR_RANK_LIMIT);
	for (unsigned i = 0; i < t->rank; i++)
		if (!mem_mul(count, t->shape[i], &count))
			return false;
	t->count = count;
	return mem_mul(count, types[t->type].size, &t->bytes);
}

bool
tensor_has_shape(const struct tensor *t, unsigned rank, const size_t *shape)
{
	return t->rank == rank && (rank == 0 || !memcmp(t->shape, shape, rank * sizeof(*shape)));
}

const char *
tensor_shape_text(unsigned rank, const size_t *shape, char text[TENSOR_SHAPE_TEXT])
{
	/* At most 8 numbers of 20 digits, so everything fits. */
	size_t n = 0;

	for (unsigned i = 0; i < rank; i++)
		n += (size_t)snprintf(
		    text + n, TENSOR_SHAPE_TEXT - n, "%s%zu", i ? ", " : "[", shape[i]);
	snprintf(text + n, TENSOR_SHAPE_TEXT - n, rank ? "]" : "[]");
	return text;
}

bool
tensor_is_float(const struct tensor *t)
{
	return t->type == TENSOR_F32 || t->type == TENSOR_F16 || t->type == TENSOR_BF16 ||
	       t->type == TENSOR_F64;
}

static float
float_of_bits(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

/* The exponent field moves to float32's place; the product corrects the bias, and normalises
 * subnormal numbers on the way. IEEE 754-2019, binary16. */
static float
float_of_half(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, rest = (uint32_t)(h & 0x7fff) << 13;

	if ((h & 0x7c00) == 0x7c00)
		return float_of_bits(sign | 0x7f800000 | rest);
	float magnitude = float_of_bits(rest) * 0x1p112f;
	return sign ? -magnitude : magnitude;
}

void
tensor_to_f32(const struct tensor *t, float *out)
{
	const uint8_t *p = t->data;

	assert(tensor_is_float(t));
	switch (t->type) {
	case TENSOR_F16:
		for (size_t i = 0; i < t->count; i++)
			out[i] = float_of_half(le16(p + 2 * i));
		break;
	case TENSOR_BF16:
		for (size_t i = 0; i < t->count; i++)
			out[i] = float_of_bits((uint32_t)le16(p + 2 * i) << 16);
		break;
	case TENSOR_F64:
		for (size_t i = 0; i < t->count; i++)
			out[i] = (float)le_f64(p + 8 * i);
		break;
	default:
		if (t->bytes > 0)
			memcpy(out, p, t->bytes);
	}
}
