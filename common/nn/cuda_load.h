/* cuda_load.h - finds and opens the CUDA backend, which is a shared object of its own.
 *
 * It is ../lib/cellpipe/cellpipe-cuda.so from the folder of the running program (so it is in the
 * build folder and where it is installed), or the file that $CELLPIPE_CUDA names. Once opened it
 * stays open until the process ends. */

#ifndef NN_CUDA_LOAD_H
#define NN_CUDA_LOAD_H

#include "nn/backend.h"

/* NULL with *e set, "device cuda: " and the reason: not there, no driver, a library that is
 * missing, another version, no device, a device or driver that is too old, a precision that it does
 * not have. */
struct backend *cuda_backend_open(enum precision precision, struct err *e);

#endif
