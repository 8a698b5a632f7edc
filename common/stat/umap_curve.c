#include <math.h>

#include "stat/umap.h"

enum { POINTS = 300 };

/* The squared error of a and b, and what Gauss and Newton's step is made of. */
struct fit {
	double error;
	double aa, ab, bb; /* sums of products of derivatives */
	double ra, rb;     /* of derivatives and residuals */
};

static struct fit
evaluate(double a, double b, double min_dist, double spread)
{
	struct fit f = { 0 };

	for (int i = 0; i < POINTS; i++) {
		double x = 3 * spread * i / (POINTS - 1);
		double wanted = x < min_dist ? 1 : exp(-(x - min_dist) / spread);
		double power = pow(x, 2 * b), y = 1 / (1 + a * power);
		double by_a = -power * y * y;
		double by_b = x > 0 ? 2 * a * log(x) * by_a : 0;
		double residual = wanted - y;

		f.error += residual * residual;
		f.aa += by_a * by_a;
		f.ab += by_a * by_b;
		f.bb += by_b * by_b;
		f.ra += by_a * residual;
		f.rb += by_b * residual;
	}
	return f;
}

/* Levenberg and Marquardt's method: the step is damped until it makes the error smaller. */
void
umap_curve(double *ret_a, double *ret_b, double min_dist, double spread)
{
	double a = 1, b = 1, damping = 1e-3;
	struct fit f = evaluate(a, b, min_dist, spread);

	for (int step = 0; step < 500 && damping < 1e12; step++) {
		double aa = f.aa * (1 + damping), bb = f.bb * (1 + damping);
		double determinant = aa * bb - f.ab * f.ab;
		double next_a = a + (f.ra * bb - f.rb * f.ab) / determinant;
		double next_b = b + (f.rb * aa - f.ra * f.ab) / determinant;
		struct fit next = { .error = INFINITY };

		if (next_a > 0 && next_b > 0)
			next = evaluate(next_a, next_b, min_dist, spread);
		if (next.error < f.error) {
			a = next_a;
			b = next_b;
			f = next;
			damping /= 10;
		} else {
			damping = fmax(10 * damping, 1e-6);
		}
	}
	*ret_a = a;
	*ret_b = b;
}
