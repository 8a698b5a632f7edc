#include <string.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include "nn/cpu_attention_pack.h"

#if defined(__SSE__)

/* As below, for 4 rows and the columns up to the last whole four, whose number is returned. */
static size_t
transpose_four(const float *from, size_t stride, size_t d, float unit, float *to, size_t width)
{
	const __m128 u = _mm_set1_ps(unit);
	size_t c = 0;

	for (; c + 4 <= d; c += 4) {
		__m128 w = _mm_loadu_ps(from + c), x = _mm_loadu_ps(from + stride + c);
		__m128 y = _mm_loadu_ps(from + 2 * stride + c),
		       z = _mm_loadu_ps(from + 3 * stride + c);

		_MM_TRANSPOSE4_PS(w, x, y, z);
		_mm_storeu_ps(to + c * width, _mm_mul_ps(w, u));
		_mm_storeu_ps(to + (c + 1) * width, _mm_mul_ps(x, u));
		_mm_storeu_ps(to + (c + 2) * width, _mm_mul_ps(y, u));
		_mm_storeu_ps(to + (c + 3) * width, _mm_mul_ps(z, u));
	}
	return c;
}

#else

static size_t
transpose_four(const float *from, size_t stride, size_t d, float unit, float *to, size_t width)
{
	(void)from, (void)stride, (void)d, (void)unit, (void)to, (void)width;
	return 0;
}

#endif

void
attention_transpose(
    const float *from, size_t stride, size_t n, size_t d, float unit, float *to, size_t width)
{
	size_t i = 0;

	if (n < width)
		memset(to, 0, d * width * sizeof(*to));
	for (; i + 4 <= n; i += 4)
		for (size_t c = transpose_four(from + i * stride, stride, d, unit, to + i, width);
		     c < d; c++)
			for (size_t r = i; r < i + 4; r++)
				to[c * width + r] = from[r * stride + c] * unit;
	for (; i < n; i++)
		for (size_t c = 0; c < d; c++)
			to[c * width + i] = from[i * stride + c] * unit;
}

void
attention_pad_rows(const float *from, size_t stride, size_t n, size_t d, float *to, size_t rows)
{
	size_t width = (d + 15) / 16 * 16;

	for (size_t i = 0; i < n; i++) {
		memcpy(to + i * width, from + i * stride, d * sizeof(*to));
		for (size_t c = d; c < width; c++)
			to[i * width + c] = 0;
	}
	memset(to + n * width, 0, (rows - n) * width * sizeof(*to));
}
