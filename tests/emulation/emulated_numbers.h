/* emulated_numbers.h - 16-bit floating point numbers, to the nearest with halves to even. */

#ifndef TESTS_EMULATION_EMULATED_NUMBERS_H
#define TESTS_EMULATION_EMULATED_NUMBERS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float
number_from_bf16(uint16_t x)
{
	uint32_t bits = (uint32_t)x << 16;
	float ret;

	memcpy(&ret, &bits, sizeof(ret));
	return ret;
}

static inline uint16_t
number_to_bf16(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return x != x ? 0x7fff : (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float
number_from_fp16(uint16_t x)
{
	int exponent = x >> 10 & 31, fraction = x & 1023;
	float size = ldexpf((float)(1024 + fraction), exponent - 25);

	if (exponent == 31)
		size = fraction ? NAN : INFINITY;
	else if (exponent == 0)
		size = ldexpf((float)fraction, -24);
	return x >> 15 ? -size : size;
}

/* A fraction of 2048 carries into the exponent by itself. */
static inline uint16_t
number_to_fp16(float x)
{
	float size = fabsf(x);
	int exponent, bits = 0x7c00;

	if (x != x)
		bits = 0x7fff;
	else if (size < 65520) {
		frexpf(size, &exponent); /* size < 2^exponent */
		exponent = size == 0 || exponent < -13 ? -13 : exponent;
		bits = (exponent + 13) * 1024 + (int)rintf(ldexpf(size, 11 - exponent));
	}
	return (uint16_t)(bits | (signbit(x) ? 0x8000 : 0));
}

#endif
