#include <math.h>
#include <string.h>

#include "nn/adamw.h"

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

enum { LANES = 16 };

#define BODY static inline __attribute__((always_inline))

/* The constants of a step in float32. */
struct constants {
	float keep, beta1, rest1, beta2, rest2, rate, root, epsilon, factor;
};

BODY void
update(const struct constants *c, const float *gradient, float *mean, float *square, float *values)
{
	float g = *gradient * c->factor;

	*mean = *mean * c->beta1 + g * c->rest1;
	*square = *square * c->beta2 + g * g * c->rest2;
	*values = *values * c->keep - c->rate * *mean / (sqrtf(*square) * c->root + c->epsilon);
}

/* Sixteen at a time, for the compiler. */
BODY void
update_run(const struct constants *c, size_t n, const float *restrict gradient,
    float *restrict mean, float *restrict square, float *restrict values)
{
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		for (size_t l = 0; l < LANES; l++)
			update(c, gradient + i + l, mean + i + l, square + i + l, values + i + l);
	for (; i < n; i++)
		update(c, gradient + i, mean + i, square + i, values + i);
}

#if defined(__x86_64__)

/* The same arithmetic as without, and so the same bits. */
__attribute__((target("avx2"))) static void
update_avx2(const struct constants *c, size_t n, const float *gradient, float *mean, float *square,
    float *values)
{
	update_run(c, n, gradient, mean, square, values);
}

__attribute__((target("avx512f"))) static void
update_avx512(const struct constants *c, size_t n, const float *gradient, float *mean,
    float *square, float *values)
{
	update_run(c, n, gradient, mean, square, values);
}

#endif

void
adamw_run(const struct adamw_step *step, size_t n, const float *gradient, float *mean,
    float *square, float *values)
{
	double first = 1 - pow(step->beta1, (double)step->t);
	double second = 1 - pow(step->beta2, (double)step->t);
	struct constants c = { .keep = (float)(1 - step->rate * step->decay),
		.beta1 = (float)step->beta1,
		.rest1 = (float)(1 - step->beta1),
		.beta2 = (float)step->beta2,
		.rest2 = (float)(1 - step->beta2),
		.rate = (float)(step->rate / first),
		.root = (float)(1 / sqrt(second)),
		.epsilon = (float)step->epsilon,
		.factor = (float)step->factor };

#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f")) {
		update_avx512(&c, n, gradient, mean, square, values);
		return;
	}
	if (__builtin_cpu_supports("avx2")) {
		update_avx2(&c, n, gradient, mean, square, values);
		return;
	}
#endif
	update_run(&c, n, gradient, mean, square, values);
}

struct adamw_step
adamw_start(const struct adamw_options *o, double rate, uint64_t t)
{
	struct adamw_step s = { .rate = rate,
		.decay = o->decay,
		.beta1 = o->beta1,
		.beta2 = o->beta2,
		.epsilon = o->epsilon,
		.t = t,
		.factor = 1 };

	if (s.beta1 == 0 && s.beta2 == 0 && s.epsilon == 0)
		s.beta1 = 0.9, s.beta2 = 0.999, s.epsilon = 1e-8;
	return s;
}

int
schedule_parse(const char *word, enum schedule *ret, struct err *e)
{
	static const char *const words[] = { "linear", "cosine", "constant" };

	for (int i = 0; i < 3; i++)
		if (strcmp(word, words[i]) == 0) {
			*ret = (enum schedule)i;
			return 0;
		}
	return err_set(e, "schedule %s: not one of linear, cosine, constant", word);
}

double
schedule_at(enum schedule s, uint64_t t, uint64_t warmup, uint64_t steps)
{
	static const double pi = 3.14159265358979323846;
	double done;

	if (t < warmup)
		return (double)t / (double)warmup;
	if (s == SCHEDULE_CONSTANT)
		return 1;
	if (t >= steps)
		return 0;
	done = (double)(t - warmup) / (double)(steps - warmup);
	return s == SCHEDULE_COSINE ? 0.5 * (1 + cos(pi * done)) : 1 - done;
}
