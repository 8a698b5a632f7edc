/* fuzz_torch_zip.c - any bytes as a torch.save file: checked tensors or an error.
 *
 * What begins with PK is taken as the whole archive. Anything else becomes the data.pkl of an
 * archive that has two storages, so that the fuzzer need not keep a directory in step. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "formats/torch_zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
add(struct buffer *b, uint64_t value, size_t width)
{
	buffer_add(b, &value, width);
}

/* Appends an entry without a CRC, and its line of the directory. */
static void
add_entry(struct buffer *b, struct buffer *directory, const char *name, const void *bytes, size_t n)
{
	size_t local = b->size, name_size = strlen(name);

	add(b, 0x04034b50, 4);
	memset(buffer_grow(b, 22), 0, 22);
	add(b, name_size, 4);
	buffer_add(b, name, name_size);
	if (n > 0)
		buffer_add(b, bytes, n);
	add(directory, 0x02014b50, 4);
	memset(buffer_grow(directory, 16), 0, 16);
	add(directory, n, 4);
	add(directory, n, 4);
	add(directory, name_size, 8);
	add(directory, 0, 6);
	add(directory, local, 4);
	buffer_add(directory, name, name_size);
}

static struct buffer
wrap(const uint8_t *data, size_t size)
{
	static const uint8_t numbers[96];
	struct buffer b = { 0 }, directory = { 0 };

	add_entry(&b, &directory, "a/data.pkl", data, size);
	add_entry(&b, &directory, "a/data/0", numbers, 96);
	add_entry(&b, &directory, "a/data/1", numbers, 8);
	size_t at = b.size;
	buffer_add(&b, directory.data, directory.size);
	add(&b, 0x06054b50, 8);
	add(&b, 3, 2);
	add(&b, 3, 2);
	add(&b, directory.size, 4);
	add(&b, at, 4);
	add(&b, 0, 2);
	buffer_free(&directory);
	return b;
}

static void
open_and_touch(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	struct torch_zip *z = torch_zip_open_memory(data, size, "fuzz", &e);
	size_t n = 0;

	if ((z == NULL) != e.is_set)
		abort();
	const struct tensor *t = z ? torch_zip_tensors(z, &n) : NULL;
	for (size_t i = 0; i < n; i++) {
		hash_bytes(t[i].data, t[i].bytes);
		if (torch_zip_find(z, t[i].name) != &t[i])
			abort();
	}
	torch_zip_close(z);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size >= 2 && !memcmp(data, "PK", 2)) {
		open_and_touch(data, size);
		return 0;
	}
	struct buffer b = wrap(data, size);
	/* A copy of exactly its size, so that a read beyond it is seen. */
	uint8_t *archive = malloc(b.size);
	if (archive) {
		memcpy(archive, b.data, b.size);
		open_and_touch(archive, b.size);
	}
	free(archive);
	buffer_free(&b);
	return 0;
}
