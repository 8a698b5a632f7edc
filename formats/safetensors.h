/* safetensors.h - weight files of Hugging Face: a JSON header, then the tensors' bytes.
 *
 * Layout: 8 bytes little-endian length n of the header; n bytes JSON, an object that gives for each
 * tensor {"dtype", "shape", "data_offsets": [begin, end]} with offsets from the end of the header,
 * and may have "__metadata__", an object of texts; then the data. As in the reference
 * implementation the tensors must cover the data exactly: no hole, no overlap, nothing behind.
 * Specification: github.com/huggingface/safetensors, "Format".
 *
 * The file is mapped; tensors point into it. A file that someone cuts while it is mapped ends the
 * program (SIGBUS), as with every reader that maps. */

#ifndef FORMATS_SAFETENSORS_H
#define FORMATS_SAFETENSORS_H

#include "base/err.h"
#include "formats/tensor.h"

struct safetensors;

/* Opens a file and checks its whole header. NULL with *e set on failure. */
struct safetensors *safetensors_open(const char *path, struct err *e);

/* The same for bytes in memory, which stay the caller's and must outlive the result. */
struct safetensors *safetensors_open_memory(
    const void *bytes, size_t size, const char *name, struct err *e);

/* Unmaps and frees; NULL is allowed. */
void safetensors_close(struct safetensors *s);

/* All tensors in the order of their data. They live until safetensors_close. */
const struct tensor *safetensors_tensors(const struct safetensors *s, size_t *ret_n);

/* The tensor of this name, or NULL. */
const struct tensor *safetensors_find(const struct safetensors *s, const char *name);

/* A text of "__metadata__", or NULL. */
const char *safetensors_metadata(const struct safetensors *s, const char *key);

/* Writes a file: beside its name, then renamed. Equal input gives equal bytes: tensors go by
 * falling element size, then by name, so that each is aligned to its elements. `metadata` is a
 * list of keys and values that ends with NULL, or NULL; "format" = "pt", which transformers asks
 * for, is always there. Names must differ. -1 with *e set on failure, and nothing is left. */
int safetensors_write(const char *path, const struct tensor *tensors, size_t n,
    const char *const *metadata, struct err *e);

#endif
