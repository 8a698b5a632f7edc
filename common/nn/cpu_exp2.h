/* cpu_exp2.h - polynomials for 2^x, -0.5 <= x <= 0.5, shared by the attention kernels.
 *
 * 1 + x * (EXP2_1 + x * (EXP2_2 + ... x * EXP2_5)): the least relative error for degree 5 with
 * p(0) = 1, 9.2e-8; 1.9e-7 with rounding. EXP2_CUBIC: the same for degree 3, 1.0e-4. Arguments
 * below EXP2_MIN are taken as EXP2_MIN, so that no result is a denormal number. */

#ifndef NN_CPU_EXP2_H
#define NN_CPU_EXP2_H

#include <stdint.h>
#include <string.h>

#define EXP2_MIN -126.0f
#define EXP2_1 0x1.62e42ap-1f
#define EXP2_2 0x1.ebf9bcp-3f
#define EXP2_3 0x1.c6b752p-5f
#define EXP2_4 0x1.3cea88p-7f
#define EXP2_5 0x1.5bba14p-10f

#define EXP2_CUBIC_1 0x1.62f5fap-1f
#define EXP2_CUBIC_2 0x1.f00c4ep-3f
#define EXP2_CUBIC_3 0x1.c2a216p-5f

/* 2^x for x <= 0, of degree 5, without fused operations. A NaN is taken as EXP2_MIN. */
static inline float
exp2_plain(float x)
{
	float whole, part, p;
	uint32_t bits;

	x = x > EXP2_MIN ? x : EXP2_MIN;
	whole = (float)(int)(x - 0.5f); /* to the nearest: x is not above 0 */
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

#endif
