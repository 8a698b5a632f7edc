/* plot_font.c - widths of texts; see plot_font.h. */

#include "formats/plot_font.h"

#include <string.h>

#include "base/utf8.h"
#include "formats/text_value.h"

/* Space to tilde. */
static const uint16_t ascii[2][95] = {
	{ 278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556,
	    556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667,
	    722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667,
	    611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
	    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556,
	    500, 722, 500, 500, 500, 334, 260, 334, 584 },
	{ 278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556,
	    556, 556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722,
	    722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833, 722, 778, 667, 778, 722, 667,
	    611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611,
	    556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556, 333, 611,
	    556, 778, 556, 556, 500, 389, 280, 389, 584 },
};

/* U+00C0 to U+00FF. */
static const uint16_t latin[2][64] = {
	{ 667, 667, 667, 667, 667, 667, 1000, 722, 667, 667, 667, 667, 278, 278, 278, 278, 722, 722,
	    778, 778, 778, 778, 778, 584, 778, 722, 722, 722, 722, 667, 667, 611, 556, 556, 556,
	    556, 556, 556, 889, 500, 556, 556, 556, 556, 278, 278, 278, 278, 556, 556, 556, 556,
	    556, 556, 556, 584, 611, 556, 556, 556, 556, 500, 556, 500 },
	{ 722, 722, 722, 722, 722, 722, 1000, 722, 722, 667, 667, 667, 278, 278, 278, 278, 722, 722,
	    778, 778, 778, 778, 778, 584, 778, 722, 722, 722, 722, 667, 667, 611, 556, 556, 556,
	    556, 556, 556, 889, 556, 556, 556, 556, 556, 278, 278, 278, 278, 611, 611, 611, 611,
	    611, 611, 611, 584, 611, 611, 611, 611, 611, 556, 611, 556 },
};

/* The others that charts and names of cell types use; the same in both weights. */
static const struct {
	uint16_t character, width;
} signs[] = {
	{ 0xb0, 400 },    /* degree */
	{ 0xb1, 584 },    /* plus-minus */
	{ 0xb2, 333 },    /* superscript 2, 3, 1 */
	{ 0xb3, 333 },    /* */
	{ 0xb9, 333 },    /* */
	{ 0xb7, 278 },    /* middle dot */
	{ 0x2013, 556 },  /* en dash */
	{ 0x2014, 1000 }, /* em dash */
	{ 0x2022, 350 },  /* bullet */
	{ 0x2026, 1000 }, /* ellipsis */
	{ 0x2212, 584 },  /* minus */
};

/* A kind of script and about how wide its characters are. */
static const struct {
	uint32_t first, last;
	uint16_t width;
} scripts[] = {
	{ 0x300, 0x36f, 0 },       /* combining accents */
	{ 0x370, 0x3ff, 570 },     /* Greek */
	{ 0x2070, 0x209f, 345 },   /* superscripts, subscripts */
	{ 0x200b, 0x200f, 0 },     /* no width */
	{ 0x1100, 0x115f, 1000 },  /* East Asian wide */
	{ 0x2e80, 0xd7ff, 1000 },  /* */
	{ 0xf900, 0xfaff, 1000 },  /* */
	{ 0xff00, 0xff60, 1000 },  /* */
	{ 0x1f000, 0x3ffff, 1000 } /* */
};

enum { OTHER_WIDTH = 600 };

static bool
is_noncharacter(const char *p, size_t size)
{
	uint32_t c;

	return size == 3 && font_character(p, &c) && (c == 0xfffe || c == 0xffff);
}

const char *
font_clean(struct arena *a, const char *text)
{
	struct buffer b = { 0 };
	size_t n = strlen(text);
	char *clean = arena_strdup(a, text);

	if (!utf8_is_valid(text, n))
		for (char *p = clean; *p; p++)
			if ((unsigned char)*p >= 0x80)
				*p = '?';
	text_printable(&b, clean, n);
	buffer_add(&b, "", 1);
	clean = arena_strdup(a, (char *)b.data);
	buffer_free(&b);
	for (char *p = clean; *p;) {
		uint32_t c;
		size_t size = font_character(p, &c);

		if (is_noncharacter(p, size))
			memset(p, '?', size);
		p += size;
	}
	return clean;
}

size_t
font_character(const char *text, uint32_t *ret_character)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t size = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;

	*ret_character = size == 1 ? *p : *p & (0xffu >> (size + 1));
	for (size_t i = 1; i < size; i++)
		*ret_character = *ret_character << 6 | (p[i] & 0x3fu);
	return size;
}

static unsigned
width_of(uint32_t c, bool is_bold, bool *is_known)
{
	if (c >= ' ' && c <= '~')
		return ascii[is_bold][c - ' '];
	if (c >= 0xc0 && c <= 0xff)
		return latin[is_bold][c - 0xc0];
	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (signs[i].character == c)
			return signs[i].width;
	*is_known = false;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++)
		if (c >= scripts[i].first && c <= scripts[i].last)
			return scripts[i].width;
	return OTHER_WIDTH;
}

double
font_width(const char *text, bool is_bold, bool *ret_is_known)
{
	unsigned long sum = 0;
	bool is_known = true;

	while (*text) {
		uint32_t c;

		text += font_character(text, &c);
		sum += width_of(c, is_bold, &is_known);
	}
	if (ret_is_known)
		*ret_is_known = is_known;
	return (double)sum / 1000;
}
