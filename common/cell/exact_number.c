#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cell/exact_number.h"

static const double BEYOND_64_BITS = 18446744073709551616.0;

static struct exact_number
of_real(double x)
{
	return (struct exact_number){ .real = x };
}

static struct exact_number
of_whole(bool is_negative, uint64_t size)
{
	return (struct exact_number){ true, is_negative && size, size, 0 };
}

static size_t
count_digits(const char *text, size_t n)
{
	size_t i = 0;

	while (i < n && text[i] >= '0' && text[i] <= '9')
		i++;
	return i;
}

/* The length of ".25" and "e-3" behind a whole part of so many digits; 0: there is none. */
static size_t
fraction_length(const char *text, size_t n, size_t digits)
{
	size_t used = 0, sign, exponent;

	if (used < n && text[used] == '.') {
		size_t more = count_digits(text + 1, n - 1);

		if (digits + more == 0)
			return 0;
		digits += more;
		used += 1 + more;
	}
	if (digits == 0 || used >= n || (text[used] != 'e' && text[used] != 'E'))
		return used;
	sign = used + 1 < n && (text[used + 1] == '-' || text[used + 1] == '+');
	exponent = count_digits(text + used + 1 + sign, n - used - 1 - sign);
	return exponent ? used + 1 + sign + exponent : used;
}

size_t
exact_number_parse(struct exact_number *x, const char *text, size_t n)
{
	size_t sign = n && (*text == '-' || *text == '+');
	size_t digits = count_digits(text + sign, n - sign);
	size_t fraction = fraction_length(text + sign + digits, n - sign - digits, digits);
	size_t used = sign + digits + fraction;
	char *copy;

	if (digits + fraction == 0)
		return 0;
	copy = mem_strndup(text, used);
	errno = 0;
	*x = of_whole(*copy == '-', fraction ? 0 : strtoull(copy + sign, NULL, 10));
	if (fraction || errno)
		*x = of_real(strtod(copy, NULL));
	free(copy);
	return used;
}

static struct exact_number
get_whole(const struct field *f, const struct array *a, size_t i)
{
	int64_t x;

	if (f->bit_width == 64 && !f->is_signed)
		return of_whole(false, ((const uint64_t *)a->values)[i]);
	x = f->bit_width == 64 ? ((const int64_t *)a->values)[i] : (int64_t)array_number(f, a, i);
	return of_whole(x < 0, x < 0 ? -(uint64_t)x : (uint64_t)x);
}

bool
exact_number_get(struct exact_number *x, const struct field *f, const struct array *a, size_t i)
{
	if (!array_is_valid(a, i))
		return false;
	*x = f->type == TYPE_INT ? get_whole(f, a, i) : of_real(array_number(f, a, i));
	return x->is_whole || !isnan(x->real);
}

static int
compare_sizes(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int
compare_whole(const struct exact_number *a, const struct exact_number *b)
{
	if (a->is_negative != b->is_negative)
		return a->is_negative ? -1 : 1;
	return a->is_negative ? compare_sizes(b->size, a->size) : compare_sizes(a->size, b->size);
}

/* A whole number with a double: first with the double's whole part, which is exact. */
static int
compare_mixed(const struct exact_number *a, double b)
{
	double part = trunc(b);
	struct exact_number whole;
	int order;

	if (fabs(b) >= BEYOND_64_BITS)
		return b < 0 ? 1 : -1;
	whole = of_whole(b < 0, (uint64_t)fabs(part));
	order = compare_whole(a, &whole);
	return order ? order : (b < part) - (b > part);
}

int
exact_number_compare(const struct exact_number *a, const struct exact_number *b)
{
	if (a->is_whole && b->is_whole)
		return compare_whole(a, b);
	if (a->is_whole)
		return compare_mixed(a, b->real);
	if (b->is_whole)
		return -compare_mixed(b, a->real);
	return (a->real > b->real) - (a->real < b->real);
}
