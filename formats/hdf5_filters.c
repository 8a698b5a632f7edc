#include "formats/hdf5_filters.h"

#include <blosc.h>
#include <hdf5.h>
#include <libdeflate.h>
#include <lzf.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/mem.h"

enum { FILTER_LZF = 32000, FILTER_BLOSC = 32001, FILTER_ZSTD = 32015 };

bool
hdf5_pipeline_is_known(const struct hdf5_pipeline *p)
{
	static const int known[] = { H5Z_FILTER_DEFLATE, H5Z_FILTER_SHUFFLE, FILTER_LZF,
		FILTER_BLOSC, FILTER_ZSTD };

	for (size_t k = 0; k < p->n; k++) {
		size_t i = 0;

		while (i < sizeof(known) / sizeof(known[0]) && known[i] != p->filters[k].id)
			i++;
		if (i == sizeof(known) / sizeof(known[0]))
			return false;
	}
	return true;
}

/* Byte j of every element lies together: element i is bytes i, count + i, 2 * count + i ... */
static void
unshuffle(const uint8_t *in, size_t n, uint8_t *out, size_t width)
{
	size_t count = width ? n / width : 0;

	if (width == 4) {
		const uint8_t *b0 = in, *b1 = in + count, *b2 = b1 + count, *b3 = b2 + count;

		for (size_t i = 0; i < count; i++) {
			out[4 * i] = b0[i];
			out[4 * i + 1] = b1[i];
			out[4 * i + 2] = b2[i];
			out[4 * i + 3] = b3[i];
		}
	} else {
		for (size_t j = 0; j < width; j++)
			for (size_t i = 0; i < count; i++)
				out[i * width + j] = in[j * count + i];
	}
	memcpy(out + count * width, in + count * width, n - count * width);
}

static size_t
inflate(const void *in, size_t n, void *out, size_t room, struct hdf5_scratch *s)
{
	size_t got;

	if (!s->inflater && !(s->inflater = libdeflate_alloc_decompressor()))
		return 0;
	if (libdeflate_zlib_decompress(s->inflater, in, n, out, room, &got) != LIBDEFLATE_SUCCESS)
		return 0;
	return got;
}

static size_t
unblosc(const void *in, size_t n, void *out, size_t room)
{
	size_t size;
	int got;

	if (n < BLOSC_MIN_HEADER_LENGTH || blosc_cbuffer_validate(in, n, &size) < 0 || size > room)
		return 0;
	got = blosc_decompress_ctx(in, out, room, 1);
	return got < 0 ? 0 : (size_t)got;
}

static size_t
unzstd(const void *in, size_t n, void *out, size_t room)
{
	size_t got = ZSTD_decompress(out, room, in, n);

	return ZSTD_isError(got) ? 0 : got;
}

static size_t
unlzf(const void *in, size_t n, void *out, size_t room)
{
	if (n > UINT32_MAX || room > UINT32_MAX)
		return 0;
	return lzf_decompress(in, (unsigned)n, out, (unsigned)room);
}

/* One step back through one filter; how many bytes came out, 0 on failure. */
static size_t
undo(const struct hdf5_filter *f, const void *in, size_t n, void *out, size_t room,
    struct hdf5_scratch *s)
{
	switch (f->id) {
	case H5Z_FILTER_DEFLATE:
		return inflate(in, n, out, room, s);
	case FILTER_LZF:
		return unlzf(in, n, out, room);
	case FILTER_BLOSC:
		return unblosc(in, n, out, room);
	case FILTER_ZSTD:
		return unzstd(in, n, out, room);
	case H5Z_FILTER_SHUFFLE:
		if (n > room)
			return 0;
		unshuffle(in, n, out, f->n_values ? f->values[0] : 1);
		return n;
	}
	return 0;
}

/* Room for what stands between two filters: a filter may enlarge what it cannot compress. */
static void
scratch_fit(struct hdf5_scratch *s, size_t size)
{
	if (s->room >= size)
		return;
	for (int i = 0; i < 2; i++) {
		free(s->spare[i]);
		s->spare[i] = mem_alloc(size, 1);
	}
	s->room = size;
}

void
hdf5_scratch_free(struct hdf5_scratch *s)
{
	if (s->inflater)
		libdeflate_free_decompressor(s->inflater);
	free(s->spare[0]);
	free(s->spare[1]);
	*s = (struct hdf5_scratch){ 0 };
}

const char *
hdf5_decode(const struct hdf5_pipeline *p, unsigned skipped, const void *in, size_t n, void *out,
    size_t size, struct hdf5_scratch *s)
{
	size_t n_steps = 0;

	for (size_t k = 0; k < p->n; k++)
		n_steps += !(skipped >> k & 1);
	if (n_steps > 1)
		scratch_fit(s, size + size / 8 + 1024);
	for (size_t k = p->n; k-- > 0 && n_steps;) {
		bool is_last = n_steps == 1;
		unsigned char *to = is_last ? out : s->spare[n_steps & 1];

		if (skipped >> k & 1)
			continue;
		n = undo(&p->filters[k], in, n, to, is_last ? size : s->room, s);
		if (n == 0)
			return "broken compressed data";
		in = to;
		n_steps--;
	}
	if (n != size)
		return "chunk of a wrong size";
	if (in != out)
		memcpy(out, in, size);
	return NULL;
}

/* What HDF5 calls. It does not say how large the result is, so room is found by doubling. */
static size_t
filter_call(int id, unsigned flags, size_t n, size_t *room, void **data)
{
	struct hdf5_filter f = { .id = id };
	size_t size = 4 * n + 4096, limit = (size_t)1 << 31;

	if (!(flags & H5Z_FLAG_REVERSE))
		return 0;
	for (; size <= limit; size *= 2) {
		void *out = H5allocate_memory(size, 0);
		size_t got = out ? undo(&f, *data, n, out, size, NULL) : 0;

		if (got) {
			H5free_memory(*data);
			*data = out;
			*room = got; /* more than a chunk's bytes here and H5Ocopy of 1.10 writes
					past its end */
			return got;
		}
		H5free_memory(out);
		if (!out)
			break;
	}
	return 0;
}

static size_t
call_lzf(
    unsigned flags, size_t n_values, const unsigned values[], size_t n, size_t *room, void **data)
{
	(void)n_values;
	(void)values;
	return filter_call(FILTER_LZF, flags, n, room, data);
}

static size_t
call_blosc(
    unsigned flags, size_t n_values, const unsigned values[], size_t n, size_t *room, void **data)
{
	(void)n_values;
	(void)values;
	return filter_call(FILTER_BLOSC, flags, n, room, data);
}

static size_t
call_zstd(
    unsigned flags, size_t n_values, const unsigned values[], size_t n, size_t *room, void **data)
{
	(void)n_values;
	(void)values;
	return filter_call(FILTER_ZSTD, flags, n, room, data);
}

void
hdf5_filters_register(void)
{
	static const H5Z_class2_t classes[] = {
		{ H5Z_CLASS_T_VERS, FILTER_LZF, 0, 1, "lzf", NULL, NULL, call_lzf },
		{ H5Z_CLASS_T_VERS, FILTER_BLOSC, 0, 1, "blosc", NULL, NULL, call_blosc },
		{ H5Z_CLASS_T_VERS, FILTER_ZSTD, 0, 1, "zstd", NULL, NULL, call_zstd },
	};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		H5Zregister(&classes[i]);
}
