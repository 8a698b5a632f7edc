/* vectors_agree.c - how well vectors agree with others of the same points.
 *
 *	vectors_agree A B D
 *
 * A and B are texts of numbers with anything between them, D to a vector. Prints the mean and the
 * least cosine of a point's two vectors, and the share of each point's 10 nearest (Euclidean, by
 * the vectors of A) that are among its 10 nearest by B. Plain and by itself: what it judges must
 * not judge itself. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NEAREST = 10 };

static float *
read_numbers(const char *path, size_t *ret_n)
{
	FILE *f = fopen(path, "r");
	size_t n = 0, room = 1 << 16;
	float *x = malloc(room * sizeof(*x));

	while (f && x && !feof(f)) {
		if (n == room)
			x = realloc(x, (room *= 2) * sizeof(*x));
		if (x && fscanf(f, "%f", x + n) == 1)
			n++;
		else
			(void)fgetc(f);
	}
	if (f)
		fclose(f);
	*ret_n = n;
	return x;
}

static double
product(const float *x, const float *y, size_t d)
{
	double sum = 0;

	for (size_t i = 0; i < d; i++)
		sum += (double)x[i] * (double)y[i];
	return sum;
}

/* The numbers of the points nearest to point `from`, itself left out. */
static void
find_nearest(
    const float *x, const double *squares, size_t n, size_t d, size_t from, size_t *nearest)
{
	double distance[NEAREST];
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		double away = squares[i] - 2 * product(x + i * d, x + from * d, d);
		size_t at;

		if (i == from || (found == NEAREST && away >= distance[NEAREST - 1]))
			continue;
		found += found < NEAREST;
		for (at = found - 1; at > 0 && distance[at - 1] > away; at--) {
			distance[at] = distance[at - 1];
			nearest[at] = nearest[at - 1];
		}
		distance[at] = away;
		nearest[at] = i;
	}
}

static size_t
count_common(const size_t *a, const size_t *b)
{
	size_t n = 0;

	for (int i = 0; i < NEAREST; i++)
		for (int j = 0; j < NEAREST; j++)
			n += a[i] == b[j];
	return n;
}

static void
compare(const float *a, const float *b, size_t n, size_t d)
{
	double *squares_a = malloc(n * sizeof(double)), *squares_b = malloc(n * sizeof(double));
	double sum = 0, least = 1;
	size_t common = 0;

	if (!squares_a || !squares_b)
		exit(1);
	for (size_t i = 0; i < n; i++) {
		double cosine = product(a + i * d, b + i * d, d);

		squares_a[i] = product(a + i * d, a + i * d, d);
		squares_b[i] = product(b + i * d, b + i * d, d);
		cosine /= sqrt(squares_a[i] * squares_b[i]);
		sum += cosine;
		least = cosine >= least ? least : cosine; /* NaN: the least */
	}
	for (size_t i = 0; i < n; i++) {
		size_t near_a[NEAREST], near_b[NEAREST];

		find_nearest(a, squares_a, n, d, i, near_a);
		find_nearest(b, squares_b, n, d, i, near_b);
		common += count_common(near_a, near_b);
	}
	printf("%.7f %.7f %.4f\n", sum / (double)n, least, (double)common / (double)(n * NEAREST));
	free(squares_a);
	free(squares_b);
}

int
main(int argc, char **argv)
{
	size_t n_a = 0, n_b = 0, d = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	float *a = d ? read_numbers(argv[1], &n_a) : NULL,
	      *b = d ? read_numbers(argv[2], &n_b) : NULL;
	int is_good = a && b && n_a == n_b && n_a % d == 0 && n_a / d > NEAREST;

	if (is_good)
		compare(a, b, n_a / d, d);
	else
		fprintf(stderr, "vectors_agree: %zu and %zu numbers\n", n_a, n_b);
	free(a);
	free(b);
	return is_good ? 0 : 1;
}
