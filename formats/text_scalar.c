/* 1. Numbers
 * 2. Decimals
 * 3. Dates and times
 * 4. Any scalar */

#include <assert.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "formats/text_scalar.h"

enum { SECONDS_OF_DAY = 86400, DAYS_OF_400_YEARS = 146097 };

/* 1. Numbers */

static void
add(struct buffer *b, const char *text)
{
	buffer_add(b, text, strlen(text));
}

void
text_unsigned(struct buffer *b, uint64_t x)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + x % 10);
	while (x /= 10);
	buffer_add(b, digits + at, sizeof(digits) - at);
}

static uint64_t
magnitude(int64_t x)
{
	return x < 0 ? -(uint64_t)x : (uint64_t)x;
}

void
text_integer(struct buffer *b, int64_t x)
{
	if (x < 0)
		add(b, "-");
	text_unsigned(b, magnitude(x));
}

static bool
gives_back(const char *text, double x, bool is_single)
{
	return is_single ? strtof(text, NULL) == (float)x : strtod(text, NULL) == x;
}

/* %g drops zeros at the end, so the first precision tried, which any decimal of as many digits
 * survives, writes all short numbers in full (subnormal numbers have less precision); the nearest
 * number of n digits reads back if any does. */
static void
add_real_digits(struct buffer *b, double x, bool is_single)
{
	bool is_subnormal = fabs(x) < (is_single ? (double)FLT_MIN : DBL_MIN);
	int digits = is_subnormal ? 1 : is_single ? FLT_DIG : DBL_DIG;
	char text[40];

	snprintf(text, sizeof(text), "%.*g", digits, x);
	while (!gives_back(text, x, is_single))
		snprintf(text, sizeof(text), "%.*g", ++digits, x);
	add(b, text);
}

void
text_real(struct buffer *b, double x, bool is_single)
{
	if (isnan(x))
		add(b, "NaN");
	else if (isinf(x))
		add(b, x < 0 ? "-Inf" : "Inf");
	else if (fabs(x) < 1e6 && x == floor(x) && x != 0)
		text_integer(b, (int64_t)x);
	else
		add_real_digits(b, x, is_single);
}

static void
add_int(struct buffer *b, const struct field *f, const void *values, size_t i)
{
	if (f->bit_width == 8 && f->is_signed)
		text_integer(b, ((const int8_t *)values)[i]);
	else if (f->bit_width == 8)
		text_unsigned(b, ((const uint8_t *)values)[i]);
	else if (f->bit_width == 16 && f->is_signed)
		text_integer(b, ((const int16_t *)values)[i]);
	else if (f->bit_width == 16)
		text_unsigned(b, ((const uint16_t *)values)[i]);
	else if (f->bit_width == 32 && f->is_signed)
		text_integer(b, ((const int32_t *)values)[i]);
	else if (f->bit_width == 32)
		text_unsigned(b, ((const uint32_t *)values)[i]);
	else if (f->is_signed)
		text_integer(b, ((const int64_t *)values)[i]);
	else
		text_unsigned(b, ((const uint64_t *)values)[i]);
}

/* 2. Decimals: whole numbers of up to 256 bits, and where their point is */

enum { MAX_LIMBS = 8, MAX_DIGITS = 78 };

/* The magnitude of a two's complement number. Returns whether it is negative. */
static bool
read_limbs(const uint8_t *bytes, size_t n, uint32_t *limbs)
{
	bool is_negative = bytes[4 * n - 1] & 0x80;
	uint64_t carry = is_negative;

	for (size_t i = 0; i < n; i++) {
		uint32_t limb = le32(bytes + 4 * i);

		carry += is_negative ? ~limb : limb;
		limbs[i] = (uint32_t)carry;
		carry >>= 32;
	}
	return is_negative;
}

/* Divides by ten. Returns the remainder. */
static unsigned
divide_by_ten(uint32_t *limbs, size_t n)
{
	uint64_t rest = 0;

	for (size_t i = n; i-- > 0;) {
		rest = rest << 32 | limbs[i];
		limbs[i] = (uint32_t)(rest / 10);
		rest %= 10;
	}
	return (unsigned)rest;
}

static bool
is_zero(const uint32_t *limbs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (limbs[i])
			return false;
	return true;
}

/* A scale that no decimal of this size has is written as an exponent. */
static void
add_decimal(struct buffer *b, const uint8_t *bytes, size_t n_bytes, int scale)
{
	size_t n = n_bytes / 4, point = scale > 0 && scale < MAX_DIGITS ? (size_t)scale : 0;
	char digits[MAX_DIGITS + 1];
	size_t at = sizeof(digits);
	uint32_t limbs[MAX_LIMBS];

	assert(n >= 1 && n <= MAX_LIMBS);
	if (read_limbs(bytes, n, limbs))
		add(b, "-");
	while (!is_zero(limbs, n) || sizeof(digits) - at <= point)
		digits[--at] = (char)('0' + divide_by_ten(limbs, n));
	buffer_add(b, digits + at, sizeof(digits) - at - point);
	if (point) {
		add(b, ".");
		buffer_add(b, digits + sizeof(digits) - point, point);
	} else if (scale) {
		add(b, "e");
		text_integer(b, -(int64_t)scale);
	}
}

/* 3. Dates and times. Units: 0 s, 1 ms, 2 us, 3 ns (Arrow's TimeUnit). */

static const int64_t per_second[] = { 1, 1000, 1000000, 1000000000 };

static int64_t
floor_divide(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static void
add_padded(struct buffer *b, int64_t x, int width)
{
	char text[32];

	snprintf(text, sizeof(text), "%0*" PRId64, width, x);
	add(b, text);
}

/* Days from 1970-01-01 to the first of January of a year, in the Gregorian calendar of all times;
 * 477 leap days came before 1970. */
static int64_t
days_before_year(int64_t year)
{
	int64_t y = year - 1;

	return 365 * (year - 1970) + floor_divide(y, 4) - floor_divide(y, 100) +
	       floor_divide(y, 400) - 477;
}

static void
add_date(struct buffer *b, int64_t day)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t cycle = floor_divide(day, DAYS_OF_400_YEARS),
		rest = day - cycle * DAYS_OF_400_YEARS;
	int64_t year = 1970 + 400 * cycle + rest / 366;
	bool is_leap;
	int month = 0;

	while (days_before_year(year + 1) <= day)
		year++;
	rest = day - days_before_year(year);
	is_leap = days_before_year(year + 1) - days_before_year(year) == 366;
	while (rest >= lengths[month] + (month == 1 && is_leap)) {
		rest -= lengths[month] + (month == 1 && is_leap);
		month++;
	}
	add_padded(b, year, year < 0 ? 5 : 4);
	add(b, "-");
	add_padded(b, month + 1, 2);
	add(b, "-");
	add_padded(b, rest + 1, 2);
}

static void
add_fraction(struct buffer *b, uint64_t fraction, int unit)
{
	if (!fraction)
		return;
	add(b, ".");
	add_padded(b, (int64_t)fraction, 3 * unit);
}

/* Counted in `unit` from midnight. */
static void
add_clock(struct buffer *b, int64_t count, int unit)
{
	uint64_t all = magnitude(count), base = (uint64_t)per_second[unit];
	int64_t seconds = (int64_t)(all / base);

	if (count < 0)
		add(b, "-");
	add_padded(b, seconds / 3600, 2);
	add(b, ":");
	add_padded(b, seconds / 60 % 60, 2);
	add(b, ":");
	add_padded(b, seconds % 60, 2);
	add_fraction(b, all % base, unit);
}

static void
add_timestamp(struct buffer *b, int64_t count, const struct field *f)
{
	int64_t of_day = SECONDS_OF_DAY * per_second[f->unit], rest = count % of_day;

	add_date(b, floor_divide(count, of_day));
	add(b, "T");
	add_clock(b, rest < 0 ? rest + of_day : rest, f->unit);
	if (f->timezone)
		add(b, "Z");
}

/* A count of units as seconds of ISO 8601: "90.500S". */
static void
add_seconds(struct buffer *b, int64_t count, int unit)
{
	uint64_t base = (uint64_t)per_second[unit];

	if (count < 0)
		add(b, "-");
	text_unsigned(b, magnitude(count) / base);
	add_fraction(b, magnitude(count) % base, unit);
	add(b, "S");
}

static void
add_duration(struct buffer *b, int64_t count, int unit)
{
	add(b, "PT");
	add_seconds(b, count, unit);
}

/* Widths: 32 bits months; 64 days, milliseconds; 128 months, days, nanoseconds. */
static void
add_interval(struct buffer *b, const uint8_t *bytes, int bit_width)
{
	const uint8_t *days = bit_width == 128 ? bytes + 4 : bytes;

	add(b, "P");
	if (bit_width != 64) {
		text_integer(b, (int32_t)le32(bytes));
		add(b, "M");
	}
	if (bit_width == 32)
		return;
	text_integer(b, (int32_t)le32(days));
	add(b, "DT");
	if (bit_width == 64)
		add_seconds(b, (int32_t)le32(bytes + 4), 1);
	else
		add_seconds(b, (int64_t)le64(bytes + 8), 3);
}

/* 4. Any scalar */

static void
add_hex(struct buffer *b, const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t *place = buffer_grow(b, 2 * n);

	for (size_t i = 0; i < n; i++) {
		place[2 * i] = (uint8_t)digits[bytes[i] >> 4];
		place[2 * i + 1] = (uint8_t)digits[bytes[i] & 15];
	}
}

void
text_scalar(struct buffer *b, const struct field *f, const struct array *a, size_t i)
{
	size_t width = (size_t)f->bit_width / 8;
	const uint8_t *value = a->values ? (const uint8_t *)a->values + i * width : NULL;

	switch (f->type) {
	case TYPE_BOOL:
		add(b, array_number(f, a, i) != 0 ? "true" : "false");
		break;
	case TYPE_INT:
		add_int(b, f, a->values, i);
		break;
	case TYPE_FLOAT:
		text_real(b, array_number(f, a, i), f->bit_width < 64);
		break;
	case TYPE_BINARY:
		add_hex(b, (const uint8_t *)a->values + a->offsets[i],
		    (size_t)(a->offsets[i + 1] - a->offsets[i]));
		break;
	case TYPE_FIXED_BINARY:
		add_hex(b, value, width);
		break;
	case TYPE_DECIMAL:
		add_decimal(b, value, width, f->scale);
		break;
	case TYPE_DATE:
		add_date(b, width == 4 ? (int32_t)le32(value)
				       : floor_divide(
					     (int64_t)le64(value), SECONDS_OF_DAY * per_second[1]));
		break;
	case TYPE_TIME:
		add_clock(b, width == 4 ? (int32_t)le32(value) : (int64_t)le64(value), f->unit);
		break;
	case TYPE_TIMESTAMP:
		add_timestamp(b, (int64_t)le64(value), f);
		break;
	case TYPE_DURATION:
		add_duration(b, (int64_t)le64(value), f->unit);
		break;
	default:
		assert(f->type == TYPE_INTERVAL);
		add_interval(b, value, f->bit_width);
	}
}
