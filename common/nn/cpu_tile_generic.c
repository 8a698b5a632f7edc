/* cpu_tile_generic.c - the tile kernel in plain C; and which kernel goes with which instructions.
 */

#include <stdint.h>
#include <string.h>

#include "nn/cpu_exp2.h"
#include "nn/cpu_tile.h"

static void
product(const struct tile_product *p)
{
	for (size_t i = 0; i < p->rows; i++)
		for (size_t x = 0; x < p->width; x += TILE_WIDTH) {
			float *c = p->c + i * p->c_row + x;
			float sum[TILE_WIDTH] = { 0 };

			if (p->is_added)
				memcpy(sum, c, sizeof(sum));
			for (size_t k = 0; k < p->depth; k++) {
				float a = p->a[i * p->a_row + k * p->a_step];
				const float *b = p->b + k * p->b_row + x;

				for (size_t l = 0; l < TILE_WIDTH; l++)
					sum[l] += a * b[l];
			}
			memcpy(c, sum, sizeof(sum));
		}
}

/* 2^x for x that is not far above 0. */
static float
exp2_of(float x)
{
	float whole, part, p;
	uint32_t bits;

	x = x > EXP2_MIN ? x : EXP2_MIN;
	whole = (float)(int)(x > 0 ? x + 0.5f : x - 0.5f);
	part = x - whole;
	p = EXP2_5;
	p = p * part + EXP2_4;
	p = p * part + EXP2_3;
	p = p * part + EXP2_2;
	p = p * part + EXP2_1;
	p = p * part + 1;
	memcpy(&bits, &p, sizeof(bits));
	bits += (uint32_t)(int)whole << 23;
	memcpy(&p, &bits, sizeof(p));
	return p;
}

static void
weights(float *s, size_t n, float log_sum)
{
	for (size_t i = 0; i < n; i++)
		s[i] = exp2_of(s[i] - log_sum);
}

static void
scores_back(const float *p, size_t n, float dot, float *d)
{
	for (size_t i = 0; i < n; i++)
		d[i] = p[i] * (d[i] - dot);
}

static void
effects(const float *p, const float *d, size_t n, float *effect)
{
	for (size_t i = 0; i < n; i++) {
		float rest = 1 - p[i];

		effect[i] += d[i] / (rest > 0x1p-10f ? rest : 0x1p-10f);
	}
}

const struct tile_kernel tile_generic = { product, weights, scores_back, effects };

const struct tile_kernel *
tile_kernel(enum cpu_isa isa)
{
#if defined(__x86_64__)
	if (isa >= CPU_ISA_AVX512)
		return &tile_avx512;
	if (isa == CPU_ISA_AVX2)
		return &tile_avx2;
#endif
	(void)isa;
	return &tile_generic;
}
