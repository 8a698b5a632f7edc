#include "stat/false_discovery.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

struct test {
	double p;
	size_t place;
};

static int
by_p(const void *x, const void *y)
{
	double a = ((const struct test *)x)->p, b = ((const struct test *)y)->p;

	return (a > b) - (a < b);
}

void
false_discovery(const double *p, size_t n, double *ret_q)
{
	struct test *tests = mem_alloc(n, sizeof(*tests));
	size_t n_tests = 0;
	double least = 1;

	for (size_t i = 0; i < n; i++) {
		if (!isnan(p[i]))
			tests[n_tests++] = (struct test){ p[i], i };
		ret_q[i] = p[i];
	}
	qsort(tests, n_tests, sizeof(*tests), by_p);
	for (size_t i = n_tests; i-- > 0;) {
		double q = tests[i].p / ((double)(i + 1) / (double)n_tests);

		least = q < least ? q : least;
		ret_q[tests[i].place] = least;
	}
	free(tests);
}
