/* plot_color.c - palettes and colour maps; see plot_color.h.
 *
 * 1. Tables
 * 2. Categories
 * 3. sRGB and Oklab
 * 4. Maps */

#include "formats/plot_color.h"

#include <math.h>

/* 1. Tables */

/* Okabe and Ito without their yellow, which is faint on white. */
static const uint32_t few[COLOR_FEW] = { 0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7, 0xe69f00, 0x56b4e9,
	0x000000 };

/* These, and then each time the colour of a grid of 33^3, with 0.42 <= L <= 0.88, whose least
 * distance in Oklab to those before, to white and to COLOR_MISSING is largest, for normal,
 * protanopic, deuteranopic and tritanopic eyes together. */
static const uint32_t many[COLOR_MANY] = {
	0x0072b2,
	0xd55e00,
	0x009e73,
	0xcc79a7,
	0xe69f00,
	0x56b4e9,
	0x000000,
	0x900048,
	0x2008e0,
	0xb050ff,
	0x80f870,
	0x682098,
	0x885000,
	0x90b880,
	0xb83090,
	0xe010d0,
	0x587858,
	0x8890ff,
	0x78d8ff,
	0xff78d0,
	0x385068,
	0x8010ff,
	0xe0c800,
	0xd80840,
	0xa8d890,
	0xb09848,
	0xff3880,
	0x7870d8,
	0xe0a8b0,
	0x6048b0,
	0x686068,
	0xa070a0,
};

static const uint32_t viridis[256] = {
	0x440154,
	0x440256,
	0x450457,
	0x450559,
	0x46075a,
	0x46085c,
	0x460a5d,
	0x460b5e,
	0x470d60,
	0x470e61,
	0x471063,
	0x471164,
	0x471365,
	0x481467,
	0x481668,
	0x481769,
	0x48186a,
	0x481a6c,
	0x481b6d,
	0x481c6e,
	0x481d6f,
	0x481f70,
	0x482071,
	0x482173,
	0x482374,
	0x482475,
	0x482576,
	0x482677,
	0x482878,
	0x482979,
	0x472a7a,
	0x472c7a,
	0x472d7b,
	0x472e7c,
	0x472f7d,
	0x46307e,
	0x46327e,
	0x46337f,
	0x463480,
	0x453581,
	0x453781,
	0x453882,
	0x443983,
	0x443a83,
	0x443b84,
	0x433d84,
	0x433e85,
	0x423f85,
	0x424086,
	0x424186,
	0x414287,
	0x414487,
	0x404588,
	0x404688,
	0x3f4788,
	0x3f4889,
	0x3e4989,
	0x3e4a89,
	0x3e4c8a,
	0x3d4d8a,
	0x3d4e8a,
	0x3c4f8a,
	0x3c508b,
	0x3b518b,
	0x3b528b,
	0x3a538b,
	0x3a548c,
	0x39558c,
	0x39568c,
	0x38588c,
	0x38598c,
	0x375a8c,
	0x375b8d,
	0x365c8d,
	0x365d8d,
	0x355e8d,
	0x355f8d,
	0x34608d,
	0x34618d,
	0x33628d,
	0x33638d,
	0x32648e,
	0x32658e,
	0x31668e,
	0x31678e,
	0x31688e,
	0x30698e,
	0x306a8e,
	0x2f6b8e,
	0x2f6c8e,
	0x2e6d8e,
	0x2e6e8e,
	0x2e6f8e,
	0x2d708e,
	0x2d718e,
	0x2c718e,
	0x2c728e,
	0x2c738e,
	0x2b748e,
	0x2b758e,
	0x2a768e,
	0x2a778e,
	0x2a788e,
	0x29798e,
	0x297a8e,
	0x297b8e,
	0x287c8e,
	0x287d8e,
	0x277e8e,
	0x277f8e,
	0x27808e,
	0x26818e,
	0x26828e,
	0x26828e,
	0x25838e,
	0x25848e,
	0x25858e,
	0x24868e,
	0x24878e,
	0x23888e,
	0x23898e,
	0x238a8d,
	0x228b8d,
	0x228c8d,
	0x228d8d,
	0x218e8d,
	0x218f8d,
	0x21908d,
	0x21918c,
	0x20928c,
	0x20928c,
	0x20938c,
	0x1f948c,
	0x1f958b,
	0x1f968b,
	0x1f978b,
	0x1f988b,
	0x1f998a,
	0x1f9a8a,
	0x1e9b8a,
	0x1e9c89,
	0x1e9d89,
	0x1f9e89,
	0x1f9f88,
	0x1fa088,
	0x1fa188,
	0x1fa187,
	0x1fa287,
	0x20a386,
	0x20a486,
	0x21a585,
	0x21a685,
	0x22a785,
	0x22a884,
	0x23a983,
	0x24aa83,
	0x25ab82,
	0x25ac82,
	0x26ad81,
	0x27ad81,
	0x28ae80,
	0x29af7f,
	0x2ab07f,
	0x2cb17e,
	0x2db27d,
	0x2eb37c,
	0x2fb47c,
	0x31b57b,
	0x32b67a,
	0x34b679,
	0x35b779,
	0x37b878,
	0x38b977,
	0x3aba76,
	0x3bbb75,
	0x3dbc74,
	0x3fbc73,
	0x40bd72,
	0x42be71,
	0x44bf70,
	0x46c06f,
	0x48c16e,
	0x4ac16d,
	0x4cc26c,
	0x4ec36b,
	0x50c46a,
	0x52c569,
	0x54c568,
	0x56c667,
	0x58c765,
	0x5ac864,
	0x5cc863,
	0x5ec962,
	0x60ca60,
	0x63cb5f,
	0x65cb5e,
	0x67cc5c,
	0x69cd5b,
	0x6ccd5a,
	0x6ece58,
	0x70cf57,
	0x73d056,
	0x75d054,
	0x77d153,
	0x7ad151,
	0x7cd250,
	0x7fd34e,
	0x81d34d,
	0x84d44b,
	0x86d549,
	0x89d548,
	0x8bd646,
	0x8ed645,
	0x90d743,
	0x93d741,
	0x95d840,
	0x98d83e,
	0x9bd93c,
	0x9dd93b,
	0xa0da39,
	0xa2da37,
	0xa5db36,
	0xa8db34,
	0xaadc32,
	0xaddc30,
	0xb0dd2f,
	0xb2dd2d,
	0xb5de2b,
	0xb8de29,
	0xbade28,
	0xbddf26,
	0xc0df25,
	0xc2df23,
	0xc5e021,
	0xc8e020,
	0xcae11f,
	0xcde11d,
	0xd0e11c,
	0xd2e21b,
	0xd5e21a,
	0xd8e219,
	0xdae319,
	0xdde318,
	0xdfe318,
	0xe2e418,
	0xe5e419,
	0xe7e419,
	0xeae51a,
	0xece51b,
	0xefe51c,
	0xf1e51d,
	0xf4e61e,
	0xf6e620,
	0xf8e621,
	0xfbe723,
	0xfde725,
};

/* Stops of our own maps, at equal distances. */
static const uint32_t blues[] = { 0xffffff, 0xb4d2ee, 0x6aa5d9, 0x3272b4, 0x0b3f80 };
static const uint32_t blue_red[] = { 0x0b3c78, 0x4a93d0, 0xf4f4f4, 0xe58157, 0x8e1c1c };

/* 2. Categories */

uint32_t
color_category(size_t i, size_t n)
{
	return n <= COLOR_FEW ? few[i] : many[i % COLOR_MANY];
}

/* 3. sRGB and Oklab */

struct triple {
	double a, b, c;
};

static double
to_linear(uint32_t byte)
{
	double x = (double)byte / 255;

	return x <= 0.04045 ? x / 12.92 : pow((x + 0.055) / 1.055, 2.4);
}

static uint32_t
from_linear(double x)
{
	x = x <= 0.0031308 ? x * 12.92 : 1.055 * pow(x, 1 / 2.4) - 0.055;
	return (uint32_t)lround(255 * fmin(fmax(x, 0), 1));
}

/* Ottosson, "A perceptual color space for image processing" (2020): both matrices and their
 * inverses. */
static struct triple
to_oklab(uint32_t rgb)
{
	double r = to_linear(rgb >> 16 & 255), g = to_linear(rgb >> 8 & 255),
	       b = to_linear(rgb & 255);
	double l = cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
	double m = cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
	double s = cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);

	return (struct triple){ 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
		1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
		0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s };
}

static uint32_t
from_oklab(struct triple lab)
{
	double l = pow(lab.a + 0.3963377774 * lab.b + 0.2158037573 * lab.c, 3);
	double m = pow(lab.a - 0.1055613458 * lab.b - 0.0638541728 * lab.c, 3);
	double s = pow(lab.a - 0.0894841775 * lab.b - 1.2914855480 * lab.c, 3);

	return from_linear(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s) << 16 |
	       from_linear(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s) << 8 |
	       from_linear(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s);
}

/* 4. Maps */

static uint32_t
between(const uint32_t *stops, size_t n, double x)
{
	double place = x * (double)(n - 1);
	size_t i = (size_t)place < n - 1 ? (size_t)place : n - 2;
	double t = place - (double)i;
	struct triple p = to_oklab(stops[i]), q = to_oklab(stops[i + 1]);

	return from_oklab(
	    (struct triple){ p.a + t * (q.a - p.a), p.b + t * (q.b - p.b), p.c + t * (q.c - p.c) });
}

uint32_t
color_map_at(enum color_map map, double x)
{
	if (isnan(x))
		return COLOR_MISSING;
	x = fmin(fmax(x, 0), 1);
	switch (map) {
	case COLOR_BLUES:
		return between(blues, sizeof(blues) / sizeof(*blues), x);
	case COLOR_BLUE_RED:
		return between(blue_red, sizeof(blue_red) / sizeof(*blue_red), x);
	default:
		return viridis[lround(255 * x)];
	}
}

/* CIE 1976 lightness from the relative luminance of sRGB (IEC 61966-2-1). */
double
color_lightness(uint32_t rgb)
{
	double y = 0.2126 * to_linear(rgb >> 16 & 255) + 0.7152 * to_linear(rgb >> 8 & 255) +
		   0.0722 * to_linear(rgb & 255);

	return y > 216.0 / 24389 ? 116 * cbrt(y) - 16 : y * 24389 / 27;
}

uint32_t
color_of_text_on(uint32_t rgb)
{
	return color_lightness(rgb) > 50 ? COLOR_INK : COLOR_WHITE;
}
