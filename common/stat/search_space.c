#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "stat/search_space.h"

static const double MAX_WHOLE = 0x1p53;

/* The number that text[n] is, if it is one. */
static bool
parse_number(const char *text, size_t n, double *ret_number, bool *ret_is_whole)
{
	char copy[64], *end;

	if (n == 0 || n >= sizeof(copy) || isspace((unsigned char)*text))
		return false;
	memcpy(copy, text, n);
	copy[n] = '\0';
	errno = 0;
	*ret_number = strtod(copy, &end);
	*ret_is_whole = copy[strspn(copy, "-0123456789")] == '\0';
	return *end == '\0' && errno == 0 && isfinite(*ret_number);
}

/* "LOW..HIGH"; false where it is something else. */
static bool
parse_range(struct search_dimension *d, const char *text)
{
	const char *dots = strstr(text, "..");
	bool is_low_whole, is_high_whole;

	if (!dots || !parse_number(text, (size_t)(dots - text), &d->low, &is_low_whole) ||
	    !parse_number(dots + 2, strlen(dots + 2), &d->high, &is_high_whole))
		return false;
	d->kind = is_low_whole && is_high_whole ? SEARCH_WHOLE : SEARCH_REAL;
	return true;
}

static int
check_range(const struct search_dimension *d, const char *text, struct err *e)
{
	if (d->low > d->high)
		return err_set(e, "%s: %g is above %g", text, d->low, d->high);
	if (d->is_log && d->low <= 0)
		return err_set(e, "%s: there is no logarithm of %g", text, d->low);
	if (d->kind == SEARCH_WHOLE && (fabs(d->low) >= MAX_WHOLE || fabs(d->high) >= MAX_WHOLE))
		return err_set(e, "%s: whole numbers are below 2^53", text);
	return 0;
}

static int
parse_words(struct search_space *s, struct search_dimension *d, const char *values,
    const char *text, struct err *e)
{
	size_t n = 1;

	for (const char *at = values; (at = strchr(at, ',')); at++)
		n++;
	if (n == 1 && strstr(values, ".."))
		return err_set(e, "%s: '%s' is no range of numbers", text, values);
	d->kind = SEARCH_WORDS;
	d->words = arena_alloc(&s->arena, n, sizeof(*d->words));
	for (size_t i = 0; i < n; i++) {
		size_t size = strcspn(values, ",");
		char *word = arena_zero(&s->arena, size + 1, 1);

		if (!size)
			return err_set(e, "%s: an empty word", text);
		memcpy(word, values, size);
		d->words[d->n_words++] = word;
		values += size + 1;
	}
	return 0;
}

static int
parse_values(struct search_space *s, struct search_dimension *d, const char *values,
    const char *text, struct err *e)
{
	if (strncmp(values, "log:", 4) == 0) {
		d->is_log = true;
		if (!parse_range(d, values + 4))
			return err_set(e, "%s: '%s' is no range of numbers", text, values + 4);
	} else if (!parse_range(d, values))
		return parse_words(s, d, values, text, e);
	return check_range(d, text, e);
}

int
search_space_add(struct search_space *s, const char *text, struct err *e)
{
	const char *equals = strchr(text, '=');
	struct search_dimension d = { 0 };
	size_t n = equals ? (size_t)(equals - text) : 0;
	char *name;

	if (!n ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") < n ||
	    *text == '-')
		return err_set(e, "'%s' is not of the form NAME=VALUES", text);
	d.name = name = arena_zero(&s->arena, n + 1, 1);
	memcpy(name, text, n);
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->dimensions[i].name, name) == 0)
			return err_set(e, "%s stands twice", name);
	if (parse_values(s, &d, equals + 1, text, e))
		return -1;
	s->dimensions = mem_resize(s->dimensions, s->n, s->n + 1, sizeof(d));
	s->dimensions[s->n++] = d;
	return 0;
}

/* Whole numbers are the intervals [k, k + 1). */
static double
sample_number(const struct search_dimension *d, double u)
{
	double high = d->kind == SEARCH_WHOLE ? d->high + 1 : d->high, x;

	if (d->is_log)
		x = exp(log(d->low) + u * (log(high) - log(d->low)));
	else
		x = d->low + u * (high - d->low);
	if (d->kind == SEARCH_WHOLE)
		x = floor(x);
	return x < d->low ? d->low : x > d->high ? d->high : x;
}

const char *
search_space_sample(
    const struct search_space *s, size_t i, uint64_t seed, uint64_t trial, struct arena *a)
{
	const struct search_dimension *d = &s->dimensions[i];
	uint64_t low = random_at(seed, trial, 2 * i), high = random_at(seed, trial, 2 * i + 1);
	double u = (double)((high << 32 | low) >> 11) * 0x1p-53;

	assert(i < s->n);
	if (d->kind == SEARCH_WORDS)
		return d->words[(size_t)(u * (double)d->n_words)];
	if (d->kind == SEARCH_WHOLE)
		return arena_printf(a, "%.0f", sample_number(d, u));
	return arena_printf(a, "%.6g", sample_number(d, u));
}

void
search_space_free(struct search_space *s)
{
	free(s->dimensions);
	arena_free(&s->arena);
	*s = (struct search_space){ 0 };
}
