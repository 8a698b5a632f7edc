/* spill.h - a temporary file that grows at its end and is read anywhere: what does not fit into
 * memory.
 *
 * It has no name (io_spill_file), so nothing stays whatever ends the program. */

#ifndef BASE_SPILL_H
#define BASE_SPILL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct spill {
	int fd;        /* -1: nothing has been written */
	uint64_t size; /* bytes written */
};

/* Has no file yet; the first spill_append makes it. */
struct spill spill_new(void);

/* Writes n bytes at the end. -1 on failure. */
int spill_append(struct spill *s, const void *bytes, size_t n, struct err *e);

/* Reads n bytes from `at`, all of which have been written (asserted). -1 on failure. */
int spill_read(const struct spill *s, uint64_t at, void *ret_bytes, size_t n, struct err *e);

void spill_close(struct spill *s);

#endif
