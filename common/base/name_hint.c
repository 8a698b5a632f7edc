#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/name_hint.h"

enum { LONGEST = 60, MOST_ERRORS = 2 };

static bool
is_same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* How many bytes must be changed, put in or left out (Levenshtein); more than MOST_ERRORS for long
 * names. */
static size_t
distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), row[LONGEST + 1];

	if (n > LONGEST || m > LONGEST)
		return LONGEST;
	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t before = row[0]; /* of the row above, one to the left */

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = before + !is_same_letter(a[i - 1], b[j - 1]);

			before = row[j];
			best = row[j] + 1 < best ? row[j] + 1 : best;
			row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
		}
	}
	return row[m];
}

static const char *
nearest(const char *wanted, const char *const *names, size_t n)
{
	size_t most = strlen(wanted) / 3, least;
	const char *found = NULL;

	least = (most < MOST_ERRORS ? most : MOST_ERRORS) + 1;
	for (size_t i = 0; i < n; i++) {
		size_t d = distance(wanted, names[i]);

		if (d < least) {
			least = d;
			found = names[i];
		}
	}
	return found;
}

const char *
name_hint(char *text, size_t size, const char *wanted, const char *const *names, size_t n)
{
	const char *near = nearest(wanted, names, n);
	size_t used = 0;

	*text = '\0';
	if (near)
		used = (size_t)snprintf(text, size, "did you mean %s? ", near);
	for (size_t i = 0; i < n && used < size; i++)
		used += (size_t)snprintf(
		    text + used, size - used, "%s%s", i ? ", " : "there are ", names[i]);
	return text;
}
