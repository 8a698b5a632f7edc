/* zip_map.h - the stored entries of a zip archive that lies in memory, in place.
 *
 * Weight archives hold gigabytes of uncompressed entries that should be pointed at, not copied.
 * The kept libraries (libzip, minizip) read entries into a buffer and do not say where they lie,
 * so the directory is read here; anything but plain storage (compression, encryption, several
 * volumes) is refused rather than half supported. Zip64 is understood. Specification: PKWARE
 * APPNOTE.TXT 6.3, sections 4.3 to 4.5.
 *
 * The archive is not trusted: every entry must lie between the archive's start and its directory,
 * its local header must agree, and names must differ. */

#ifndef FORMATS_ZIP_MAP_H
#define FORMATS_ZIP_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct zip_entry {
	const char *name; /* name_size bytes, no NUL behind them */
	size_t name_size;
	const uint8_t *bytes; /* [size], in the archive */
	size_t size;
	uint32_t crc32;
	bool is_checked; /* private: its CRC was found right */
};

struct zip_map;

/* Reads the directory of the archive in bytes[size], which must outlive the result. `name` stands
 * in messages. NULL with *e set on failure. */
struct zip_map *zip_map_open(const void *bytes, size_t size, const char *name, struct err *e);
void zip_map_close(struct zip_map *z);

/* All entries, sorted by name. */
const struct zip_entry *zip_map_entries(const struct zip_map *z, size_t *ret_n);

/* The entry of this name after its CRC was checked (once; a CRC of 0 counts as not written), or
 * NULL with *e set. */
const struct zip_entry *zip_map_find(
    struct zip_map *z, const char *name, size_t name_size, struct err *e);

/* The same, but NULL without an error where there is no such entry. */
const struct zip_entry *zip_map_find_optional(
    struct zip_map *z, const char *name, size_t name_size, struct err *e);

#endif
