/* tensor.h - a named, typed, row-major block of numbers in a weight file.
 *
 * What the readers of safetensors and of torch zip files have in common, and the conversion to
 * float32. A tensor points into its file and owns nothing. */

#ifndef FORMATS_TENSOR_H
#define FORMATS_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TENSOR_RANK_LIMIT 8
#define TENSOR_SHAPE_TEXT 200

enum tensor_type {
	TENSOR_F64,
	TENSOR_F32,
	TENSOR_F16,
	TENSOR_BF16,
	TENSOR_F8_E4M3,
	TENSOR_F8_E5M2,
	TENSOR_I64,
	TENSOR_I32,
	TENSOR_I16,
	TENSOR_I8,
	TENSOR_U64,
	TENSOR_U32,
	TENSOR_U16,
	TENSOR_U8,
	TENSOR_BOOL,
	TENSOR_TYPES
};

struct tensor {
	const char *name;
	enum tensor_type type;
	unsigned rank; /* 0: one number */
	size_t shape[TENSOR_RANK_LIMIT];
	size_t count;     /* product of the shape */
	size_t bytes;     /* count times the size of an element */
	const void *data; /* little-endian, at any alignment */
};

/* Bytes of an element: 1, 2, 4 or 8. */
size_t tensor_type_size(enum tensor_type type);

/* "F32", "BF16", ...: as safetensors spells it. */
const char *tensor_type_name(enum tensor_type type);

/* Sets count and bytes from rank, shape and type; false where they overflow. */
bool tensor_measure(struct tensor *t);

/* Is the shape exactly these sizes? */
bool tensor_has_shape(const struct tensor *t, unsigned rank, const size_t *shape);

/* Writes "[20275, 768]" into text and returns it. */
const char *tensor_shape_text(unsigned rank, const size_t *shape, char text[TENSOR_SHAPE_TEXT]);

/* Is it F64, F32, F16 or BF16: what tensor_to_f32 takes? */
bool tensor_is_float(const struct tensor *t);

/* Writes all elements as float32 to out[count]; exact but for F64, which is rounded. */
void tensor_to_f32(const struct tensor *t, float *out);

#endif
