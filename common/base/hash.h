/* hash.h - hashes of bytes (library xxhash): XXH3-64 for tables, XXH3-128 for provenance. */

#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *bytes, size_t n);

/* XXH3-128, seed 0, as 32 hexadecimal digits, the canonical (big-endian) order that xxh128sum
 * prints. */
void hash_hex128(const void *bytes, size_t n, char ret_hex[33]);

/* The same over several runs of bytes. */
struct hash128;
struct hash128 *hash128_new(void);
void hash128_add(struct hash128 *h, const void *bytes, size_t n);
/* Frees h. */
void hash128_finish(struct hash128 *h, char ret_hex[33]);

#endif
