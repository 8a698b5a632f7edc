#include "stat/rank_sum.h"

#include <math.h>

double
rank_sum_z(const struct rank_sum *r, bool is_tie_corrected, double *ret_p)
{
	double n_x = (double)r->n_x, n_y = (double)r->n_y, n = n_x + n_y;
	double expected = n_x * (n + 1) / 2, spread = n + 1, variance, z;

	*ret_p = NAN;
	if (!r->n_x || !r->n_y)
		return NAN;
	if (is_tie_corrected)
		spread -= r->ties / (n * (n - 1));
	variance = n_x * n_y * spread / 12;
	z = variance > 0 ? (r->ranks - expected) / sqrt(variance) : 0;
	*ret_p = erfc(fabs(z) / sqrt(2));
	return z;
}
