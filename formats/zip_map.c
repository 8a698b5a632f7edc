/* zip_map.c - the directory of a zip archive. See zip_map.h. */

#include "formats/zip_map.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"

#define END_SIZE 22       /* end of central directory, without its comment */
#define LOCATOR_SIZE 20   /* zip64 locator, right before it */
#define END64_SIZE 56     /* zip64 end of central directory */
#define DIRECTORY_SIZE 46 /* one entry of the directory, without its texts */
#define LOCAL_SIZE 30     /* local header, without its texts */

struct zip_map {
	const uint8_t *bytes;
	size_t size;
	const char *name;
	struct zip_entry *entries; /* [n], by name */
	size_t n;
};

/* The directory: where it lies, and how many entries it should have. */
struct directory {
	uint64_t at;
	uint64_t size;
	uint64_t n;
};

/* The end record is the last thing in the file; its comment reaches exactly to the end. */
static int
find_end(const struct zip_map *z, size_t *ret_at, struct err *e)
{
	if (z->size < END_SIZE)
		return err_set(e, "%s: truncated (no zip directory)", z->name);
	size_t lowest = z->size > END_SIZE + 65535 ? z->size - END_SIZE - 65535 : 0;
	for (size_t at = z->size - END_SIZE;; at--) {
		const uint8_t *p = z->bytes + at;
		if (le32(p) == 0x06054b50 && le16(p + 20) == z->size - at - END_SIZE) {
			*ret_at = at;
			return 0;
		}
		if (at == lowest)
			return err_set(e, "%s: truncated (no zip directory)", z->name);
	}
}

static int
read_end64(const struct zip_map *z, size_t end, struct directory *d, struct err *e)
{
	if (end < LOCATOR_SIZE + END64_SIZE || le32(z->bytes + end - LOCATOR_SIZE) != 0x07064b50)
		return err_set(e, "%s: damaged zip: no zip64 locator", z->name);
	uint64_t at = le64(z->bytes + end - LOCATOR_SIZE + 8);
	if (at > end - LOCATOR_SIZE - END64_SIZE || le32(z->bytes + at) != 0x06064b50)
		return err_set(e, "%s: damaged zip: no zip64 end record", z->name);
	const uint8_t *p = z->bytes + at;
	if (le32(p + 16) != 0 || le32(p + 20) != 0 || le64(p + 24) != le64(p + 32))
		return err_set(e, "%s: a zip archive of several volumes", z->name);
	*d = (struct directory){ .at = le64(p + 48), .size = le64(p + 40), .n = le64(p + 32) };
	return 0;
}

static int
read_end(const struct zip_map *z, struct directory *d, struct err *e)
{
	size_t end = 0;

	if (find_end(z, &end, e) < 0)
		return -1;
	const uint8_t *p = z->bytes + end;
	*d = (struct directory){ .at = le32(p + 16), .size = le32(p + 12), .n = le16(p + 10) };
	if (d->n == 0xffff || d->size == 0xffffffff || d->at == 0xffffffff) {
		if (read_end64(z, end, d, e) < 0)
			return -1;
	} else if (le16(p + 4) != 0 || le16(p + 6) != 0 || le16(p + 8) != le16(p + 10)) {
		return err_set(e, "%s: a zip archive of several volumes", z->name);
	}
	if (d->at > end || d->size > end - d->at || d->n > d->size / DIRECTORY_SIZE)
		return err_set(e, "%s: damaged zip: its directory lies outside the file", z->name);
	return 0;
}

/* The zip64 extra field holds, in this order, those of the three values that are saturated. */
static bool
read_extra64(const uint8_t *p, size_t size, uint64_t *values[3], const bool is_saturated[3])
{
	while (size >= 4) {
		size_t n = le16(p + 2);
		if (n > size - 4)
			return false;
		if (le16(p) == 1) {
			p += 4;
			for (int i = 0; i < 3; i++) {
				if (!is_saturated[i])
					continue;
				if (n < 8)
					return false;
				*values[i] = le64(p);
				p += 8;
				n -= 8;
			}
			return true;
		}
		p += 4 + n;
		size -= 4 + n;
	}
	return false;
}

/* Where the bytes of an entry begin: behind its local header, which must be of the same name. */
static int
find_bytes(const struct zip_map *z, uint64_t local, uint64_t directory, struct zip_entry *entry,
    struct err *e)
{
	int shown = entry->name_size < 200 ? (int)entry->name_size : 200;

	if (local > directory || directory - local < LOCAL_SIZE ||
	    le32(z->bytes + local) != 0x04034b50)
		return err_set(e, "%s: damaged zip: entry %.*s has no local header", z->name, shown,
		    entry->name);
	const uint8_t *p = z->bytes + local;
	size_t name_size = le16(p + 26), extra_size = le16(p + 28);
	uint64_t rest = directory - local - LOCAL_SIZE;
	if (name_size + extra_size > rest || entry->size > rest - name_size - extra_size)
		return err_set(e, "%s: damaged zip: entry %.*s lies outside the file", z->name,
		    shown, entry->name);
	if (name_size != entry->name_size || memcmp(p + LOCAL_SIZE, entry->name, name_size) != 0)
		return err_set(e, "%s: damaged zip: entry %.*s has another name at its place",
		    z->name, shown, entry->name);
	entry->bytes = p + LOCAL_SIZE + name_size + extra_size;
	return 0;
}

/* Reads the directory entry at p of `rest` bytes; *ret_size are its own. */
static int
read_entry(const struct zip_map *z, const uint8_t *p, size_t rest, uint64_t directory,
    struct zip_entry *entry, size_t *ret_size, struct err *e)
{
	if (rest < DIRECTORY_SIZE || le32(p) != 0x02014b50)
		return err_set(e, "%s: damaged zip: its directory is cut short", z->name);
	size_t name_size = le16(p + 28), extra_size = le16(p + 30), comment_size = le16(p + 32);
	*ret_size = DIRECTORY_SIZE + name_size + extra_size + comment_size;
	if (*ret_size > rest)
		return err_set(e, "%s: damaged zip: its directory is cut short", z->name);
	entry->name = (const char *)p + DIRECTORY_SIZE;
	entry->name_size = name_size;
	entry->crc32 = le32(p + 16);
	int shown = name_size < 200 ? (int)name_size : 200;
	if (le16(p + 8) & 1)
		return err_set(e, "%s: entry %.*s is encrypted", z->name, shown, entry->name);
	if (le16(p + 10) != 0)
		return err_set(e, "%s: entry %.*s is compressed; only stored entries are read",
		    z->name, shown, entry->name);

	uint64_t size = le32(p + 24), stored = le32(p + 20), local = le32(p + 42);
	bool is_saturated[3] = { size == 0xffffffff, stored == 0xffffffff, local == 0xffffffff };
	uint64_t *values[3] = { &size, &stored, &local };
	if ((is_saturated[0] || is_saturated[1] || is_saturated[2]) &&
	    !read_extra64(p + DIRECTORY_SIZE + name_size, extra_size, values, is_saturated))
		return err_set(e, "%s: damaged zip: entry %.*s has no zip64 sizes", z->name, shown,
		    entry->name);
	if (size != stored)
		return err_set(
		    e, "%s: damaged zip: entry %.*s has two sizes", z->name, shown, entry->name);
	entry->size = size;
	return find_bytes(z, local, directory, entry, e);
}

static int
compare_entries(const void *a, const void *b)
{
	const struct zip_entry *x = a, *y = b;
	size_t n = x->name_size < y->name_size ? x->name_size : y->name_size;
	int r = memcmp(x->name, y->name, n);

	if (r != 0)
		return r;
	return (x->name_size > y->name_size) - (x->name_size < y->name_size);
}

static int
read_directory(struct zip_map *z, struct err *e)
{
	struct directory d;

	if (read_end(z, &d, e) < 0)
		return -1;
	/* At most one entry for each 46 bytes of the file, so this cannot exceed the file's size.
	 */
	z->entries = mem_zero((size_t)d.n, sizeof(*z->entries));
	const uint8_t *p = z->bytes + d.at;
	size_t rest = (size_t)d.size, size = 0;
	for (; z->n < d.n; z->n++) {
		if (read_entry(z, p, rest, d.at, &z->entries[z->n], &size, e) < 0)
			return -1;
		p += size;
		rest -= size;
	}
	if (z->n > 0)
		qsort(z->entries, z->n, sizeof(*z->entries), compare_entries);
	for (size_t i = 1; i < z->n; i++)
		if (compare_entries(&z->entries[i - 1], &z->entries[i]) == 0)
			return err_set(e, "%s: damaged zip: two entries are called %.*s", z->name,
			    z->entries[i].name_size < 200 ? (int)z->entries[i].name_size : 200,
			    z->entries[i].name);
	return 0;
}

struct zip_map *
zip_map_open(const void *bytes, size_t size, const char *name, struct err *e)
{
	if (e->is_set)
		return NULL;
	struct zip_map *z = mem_zero(1, sizeof(*z));
	*z = (struct zip_map){ .bytes = bytes, .size = size, .name = name };
	if (read_directory(z, e) == 0)
		return z;
	zip_map_close(z);
	return NULL;
}

void
zip_map_close(struct zip_map *z)
{
	if (z)
		free(z->entries);
	free(z);
}

const struct zip_entry *
zip_map_entries(const struct zip_map *z, size_t *ret_n)
{
	*ret_n = z->n;
	return z->entries;
}

const struct zip_entry *
zip_map_find_optional(struct zip_map *z, const char *name, size_t name_size, struct err *e)
{
	struct zip_entry key = { .name = name, .name_size = name_size };
	struct zip_entry *found =
	    bsearch(&key, z->entries, z->n, sizeof(*z->entries), compare_entries);

	/* A CRC of 0 was not computed: torch.save writes that on request. */
	if (!found || found->is_checked || found->crc32 == 0)
		return found;
	uint32_t crc = libdeflate_crc32(0, found->bytes, found->size);
	if (crc != found->crc32) {
		err_set(e, "%s: entry %.*s is damaged (CRC-32 is %08x, should be %08x)", z->name,
		    name_size < 200 ? (int)name_size : 200, name, (unsigned)crc,
		    (unsigned)found->crc32);
		return NULL;
	}
	found->is_checked = true;
	return found;
}

const struct zip_entry *
zip_map_find(struct zip_map *z, const char *name, size_t name_size, struct err *e)
{
	const struct zip_entry *found = zip_map_find_optional(z, name, name_size, e);

	if (!found && !e->is_set)
		err_set(e, "%s: no entry %.*s in the zip archive", z->name,
		    name_size < 200 ? (int)name_size : 200, name);
	return found;
}
