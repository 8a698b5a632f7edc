#include <math.h>

#include "nn/class_scores.h"

size_t
class_best(const float *x, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (x[i] > x[best])
			best = i;
	return best;
}

int
class_probabilities(const float *logits, size_t n, float *ret_probabilities)
{
	double most = (double)logits[class_best(logits, n)], sum = 0;

	for (size_t i = 0; i < n; i++) {
		if (!isfinite(logits[i]))
			return -1;
		sum += exp((double)logits[i] - most);
	}
	for (size_t i = 0; i < n; i++)
		ret_probabilities[i] = (float)(exp((double)logits[i] - most) / sum);
	return 0;
}
