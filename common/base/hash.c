#include <stdio.h>
#include <xxhash.h>

#include "base/hash.h"
#include "base/mem.h"

uint64_t
hash_bytes(const void *bytes, size_t n)
{
	return XXH3_64bits(bytes, n);
}

static void
write_hex(XXH128_hash_t hash, char ret_hex[33])
{
	snprintf(ret_hex, 33, "%016llx%016llx", (unsigned long long)hash.high64,
	    (unsigned long long)hash.low64);
}

void
hash_hex128(const void *bytes, size_t n, char ret_hex[33])
{
	write_hex(XXH3_128bits(bytes, n), ret_hex);
}

struct hash128 *
hash128_new(void)
{
	XXH3_state_t *state = XXH3_createState();

	if (!state)
		mem_give_up("out of memory");
	XXH3_128bits_reset(state);
	return (struct hash128 *)state;
}

void
hash128_add(struct hash128 *h, const void *bytes, size_t n)
{
	XXH3_128bits_update((XXH3_state_t *)h, bytes, n);
}

void
hash128_finish(struct hash128 *h, char ret_hex[33])
{
	write_hex(XXH3_128bits_digest((XXH3_state_t *)h), ret_hex);
	XXH3_freeState((XXH3_state_t *)h);
}
