#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/utf8.h"
#include "formats/arrow_check.h"

size_t
check_count_zeros(const uint8_t *bits, size_t n)
{
	size_t ones = 0, i = 0;

	for (; i + 64 <= n; i += 64)
		ones += (size_t)__builtin_popcountll(le64(bits + i / 8));
	for (; i < n; i++)
		ones += bits[i / 8] >> (i % 8) & 1;
	return n - ones;
}

bool
check_offsets32(const int32_t *offsets, size_t n)
{
	uint32_t is_back = offsets[0] < 0;

	for (size_t i = 0; i < n; i++)
		is_back |= offsets[i + 1] < offsets[i];
	return !is_back;
}

bool
check_offsets64(const int64_t *offsets, size_t n)
{
	uint32_t is_back = offsets[0] < 0;

	for (size_t i = 0; i < n; i++)
		is_back |= offsets[i + 1] < offsets[i];
	return !is_back;
}

static int
offsets_fail(int64_t first, size_t i, int64_t from, int64_t to, struct err *e)
{
	if (first < 0)
		return err_set(e, "its first offset is %" PRId64, first);
	return err_set(
	    e, "offset goes back at value %zu (from %" PRId64 " to %" PRId64 ")", i, from, to);
}

int
check_offsets32_fail(const int32_t *offsets, size_t n, struct err *e)
{
	size_t i = 0;

	while (i + 1 < n && offsets[i + 1] >= offsets[i])
		i++;
	return offsets_fail(offsets[0], i, offsets[i], offsets[n ? i + 1 : 0], e);
}

int
check_offsets64_fail(const int64_t *offsets, size_t n, struct err *e)
{
	size_t i = 0;

	while (i + 1 < n && offsets[i + 1] >= offsets[i])
		i++;
	return offsets_fail(offsets[0], i, offsets[i], offsets[n ? i + 1 : 0], e);
}

/* The highest bit of what comes back says whether an index is negative or above `last`. */
static uint32_t
exceeds(int32_t index, uint32_t last)
{
	return (uint32_t)index | (last - (uint32_t)index);
}

bool
check_indices(const int32_t *indices, size_t n, size_t limit)
{
	uint32_t found[8] = { 0 }, all = 0,
		 last = limit > INT32_MAX ? INT32_MAX : (uint32_t)limit - 1;
	size_t i = 0;

	if (n == 0 || limit == 0)
		return n == 0;
	for (; i + 8 <= n; i += 8)
		for (size_t k = 0; k < 8; k++)
			found[k] |= exceeds(indices[i + k], last);
	for (; i < n; i++)
		all |= exceeds(indices[i], last);
	for (size_t k = 0; k < 8; k++)
		all |= found[k];
	return !(all >> 31);
}

static bool
is_ascii(const uint8_t *p, size_t n)
{
	uint64_t all = 0;
	size_t i = 0;

	for (; i + 32 <= n; i += 32)
		all |= le64(p + i) | le64(p + i + 8) | le64(p + i + 16) | le64(p + i + 24);
	for (; i < n; i++)
		all |= p[i];
	return !(all & 0x8080808080808080);
}

static bool
is_continuation(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

/* All bytes at once, and no text may begin inside a character. */
bool
check_texts(const char *bytes, const int32_t *offsets, size_t n)
{
	size_t first = (size_t)offsets[0], last = (size_t)offsets[n];
	bool is_inside = false;

	if (is_ascii((const uint8_t *)bytes + first, last - first))
		return true;
	if (!utf8_is_valid(bytes + first, last - first))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((size_t)offsets[i] < last)
			is_inside |= is_continuation((uint8_t)bytes[offsets[i]]);
	return !is_inside;
}
