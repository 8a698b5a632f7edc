/* pipes.h - what Linux offers beyond POSIX to move bytes through pipes; elsewhere nothing happens
 * and the bytes take the usual way. */

#ifndef BASE_PIPES_H
#define BASE_PIPES_H

#include <stddef.h>
#include <stdint.h>

/* Lets a pipe hold 256 KiB instead of 64, so that the programs at its ends take turns less often.
 * Does nothing where fd is no pipe, or the user has had his share of such memory. */
void pipe_widen(int fd);

/* Hands up to n bytes of a file, from `offset` on, to a pipe without a copy through this program.
 * How many, or -1 with errno set: EINVAL where one of them is of another sort. */
ptrdiff_t pipe_splice(int file, uint64_t offset, int fd, size_t n);

#endif
