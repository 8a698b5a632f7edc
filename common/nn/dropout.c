#include <assert.h>
#include <math.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/random.h"
#include "nn/dropout.h"

struct dropout
dropout_make(double rate, uint64_t seed, uint32_t site)
{
	struct dropout d = { .seed = seed, .site = site };

	assert(rate >= 0 && rate < 1 && site < 65536);
	d.threshold = (uint32_t)lrint(rate * 65536);
	d.threshold = d.threshold < 65536 ? d.threshold : 65535;
	d.scale = (float)(65536.0 / (65536.0 - d.threshold));
	return d;
}

struct dropout
dropout_from(const struct dropout *d, size_t from)
{
	struct dropout part = *d;

	if (d->threshold) {
		part.examples += from;
		part.places += from;
	}
	return part;
}

/* Blocks i .. i + n - 1 of a stream; a block is eight numbers. */
static void
fill_generic(uint64_t seed, uint64_t stream, uint64_t i, size_t n, uint16_t *ret)
{
	for (size_t k = 0; k < n; k++) {
		uint32_t words[4];

		random_block(seed, stream, i + k, words);
		for (size_t l = 0; l < 8; l++)
			ret[k * 8 + l] = (uint16_t)(words[l / 2] >> (l % 2 * 16));
	}
}

static void
clear_generic(uint32_t threshold, const uint16_t *numbers, uint16_t *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] = numbers[i] < threshold ? 0 : x[i];
}

static void
apply_generic(uint32_t threshold, float scale, const uint16_t *numbers, float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] = numbers[i] < threshold ? 0 : x[i] * scale;
}

#if defined(__x86_64__)

#define TARGET __attribute__((target("avx2")))
#define TARGET_512 __attribute__((target("avx512f")))

/* Four blocks at a time by random_philox's arithmetic: a word each in the low halves of 64 bits,
 * what is above them does not matter. */
TARGET static void
fill_avx2(uint64_t seed, uint64_t stream, uint64_t i, size_t n, uint16_t *ret)
{
	const __m256i m0 = _mm256_set1_epi64x(0xD2511F53), m1 = _mm256_set1_epi64x(0xCD9E8D57);
	const __m256i low = _mm256_set1_epi64x(0xFFFFFFFF);

	for (size_t k = 0; k + 4 <= n; k += 4) {
		__m256i c0 = _mm256_add_epi64(
			    _mm256_set1_epi64x((long long)(i + k)), _mm256_set_epi64x(3, 2, 1, 0)),
			c1 = _mm256_srli_epi64(c0, 32);
		__m256i c2 = _mm256_set1_epi64x((long long)stream), c3 = _mm256_srli_epi64(c2, 32);
		uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
		uint64_t first[4], second[4];

		for (int round = 0; round < 10; round++) {
			__m256i p0 = _mm256_mul_epu32(c0, m0), p1 = _mm256_mul_epu32(c2, m1);

			c0 = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(p1, 32), c1),
			    _mm256_set1_epi64x(k0));
			c1 = p1;
			c2 = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(p0, 32), c3),
			    _mm256_set1_epi64x(k1));
			c3 = p0;
			k0 += 0x9E3779B9;
			k1 += 0xBB67AE85;
		}
		_mm256_storeu_si256((__m256i *)(void *)first,
		    _mm256_or_si256(_mm256_and_si256(c0, low), _mm256_slli_epi64(c1, 32)));
		_mm256_storeu_si256((__m256i *)(void *)second,
		    _mm256_or_si256(_mm256_and_si256(c2, low), _mm256_slli_epi64(c3, 32)));
		for (size_t b = 0; b < 4; b++) {
			memcpy(ret + (k + b) * 8, &first[b], 8);
			memcpy(ret + (k + b) * 8 + 4, &second[b], 8);
		}
	}
	fill_generic(seed, stream, i + n / 4 * 4, n % 4, ret + n / 4 * 32);
}

/* The same, eight blocks at a time. Of these, the words of block b are c0, c1 of `first` and c2, c3
 * of `second`: 64 bits each, interleaved. */
TARGET_512 static void
fill_avx512(uint64_t seed, uint64_t stream, uint64_t i, size_t n, uint16_t *ret)
{
	const __m512i m0 = _mm512_set1_epi64(0xD2511F53), m1 = _mm512_set1_epi64(0xCD9E8D57);
	const __m512i low = _mm512_set1_epi64(0xFFFFFFFF);
	const __m512i lower = _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0);
	const __m512i upper = _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4);
	size_t k = 0;

	for (; k + 8 <= n; k += 8) {
		__m512i c0 = _mm512_add_epi64(_mm512_set1_epi64((long long)(i + k)),
			    _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0)),
			c1 = _mm512_srli_epi64(c0, 32);
		__m512i c2 = _mm512_set1_epi64((long long)stream), c3 = _mm512_srli_epi64(c2, 32);
		__m512i first, second;
		uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);

		for (int round = 0; round < 10; round++) {
			__m512i p0 = _mm512_mul_epu32(c0, m0), p1 = _mm512_mul_epu32(c2, m1);

			c0 = _mm512_ternarylogic_epi64(
			    _mm512_srli_epi64(p1, 32), c1, _mm512_set1_epi64(k0), 0x96);
			c1 = p1;
			c2 = _mm512_ternarylogic_epi64(
			    _mm512_srli_epi64(p0, 32), c3, _mm512_set1_epi64(k1), 0x96);
			c3 = p0;
			k0 += 0x9E3779B9;
			k1 += 0xBB67AE85;
		}
		first = _mm512_or_si512(_mm512_and_si512(c0, low), _mm512_slli_epi64(c1, 32));
		second = _mm512_or_si512(_mm512_and_si512(c2, low), _mm512_slli_epi64(c3, 32));
		_mm512_storeu_si512(ret + k * 8, _mm512_permutex2var_epi64(first, lower, second));
		_mm512_storeu_si512(
		    ret + k * 8 + 32, _mm512_permutex2var_epi64(first, upper, second));
	}
	fill_avx2(seed, stream, i + k, n - k, ret + k * 8);
}

TARGET static void
apply_avx2(uint32_t threshold, float scale, const uint16_t *numbers, float *x, size_t n)
{
	const __m256i below = _mm256_set1_epi32((int)threshold);
	const __m256 factor = _mm256_set1_ps(scale);
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		__m256i number = _mm256_cvtepu16_epi32(
		    _mm_loadu_si128((const __m128i *)(const void *)(numbers + i)));
		__m256 y = _mm256_mul_ps(_mm256_loadu_ps(x + i), factor);
		__m256 is_dropped = _mm256_castsi256_ps(_mm256_cmpgt_epi32(below, number));

		_mm256_storeu_ps(x + i, _mm256_andnot_ps(is_dropped, y));
	}
	apply_generic(threshold, scale, numbers + i, x + i, n - i);
}

TARGET static void
clear_avx2(uint32_t threshold, const uint16_t *numbers, uint16_t *x, size_t n)
{
	const __m256i below = _mm256_set1_epi16((short)threshold);
	size_t i = 0;

	for (; i + 16 <= n; i += 16) {
		__m256i number = _mm256_loadu_si256((const __m256i *)(const void *)(numbers + i));
		__m256i kept = _mm256_cmpeq_epi16(_mm256_max_epu16(number, below), number);
		__m256i *at = (__m256i *)(void *)(x + i);

		_mm256_storeu_si256(at, _mm256_and_si256(_mm256_loadu_si256(at), kept));
	}
	clear_generic(threshold, numbers + i, x + i, n - i);
}

#endif

/* All ways give the same bits. */
static void
fill(uint64_t seed, uint64_t stream, uint64_t i, size_t n, uint16_t *ret)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f")) {
		fill_avx512(seed, stream, i, n, ret);
		return;
	}
	if (__builtin_cpu_supports("avx2")) {
		fill_avx2(seed, stream, i, n, ret);
		return;
	}
#endif
	fill_generic(seed, stream, i, n, ret);
}

/* A row of a head begins with a block of its own. */
void
dropout_numbers(const struct dropout *d, size_t r, size_t head, size_t n, size_t from,
    size_t n_wanted, uint16_t *ret_numbers)
{
	uint64_t stream = d->examples[r] << 16 | d->site;
	uint64_t block = (uint64_t)head << 40 | (uint64_t)(uint32_t)d->places[r] * ((n + 7) / 8);
	uint16_t last[8];

	assert(from % 8 == 0 && d->examples[r] >> 48 == 0);
	block += from / 8;
	fill(d->seed, stream, block, n_wanted / 8, ret_numbers);
	if (n_wanted % 8) {
		fill(d->seed, stream, block + n_wanted / 8, 1, last);
		memcpy(ret_numbers + n_wanted / 8 * 8, last, n_wanted % 8 * sizeof(*last));
	}
}

void
dropout_apply(const struct dropout *d, const uint16_t *numbers, float *x, size_t n)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2")) {
		apply_avx2(d->threshold, d->scale, numbers, x, n);
		return;
	}
#endif
	apply_generic(d->threshold, d->scale, numbers, x, n);
}

void
dropout_clear(const struct dropout *d, const uint16_t *numbers, uint16_t *x, size_t n)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2")) {
		clear_avx2(d->threshold, numbers, x, n);
		return;
	}
#endif
	clear_generic(d->threshold, numbers, x, n);
}
