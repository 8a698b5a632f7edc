/* torch_zip.h - weight files of torch.save (pytorch_model.bin), read without running anything.
 *
 * Since version 1.6 torch writes a zip archive of stored entries: NAME/data.pkl, a pickle that
 * describes a dictionary of tensors, and NAME/data/KEY, the bytes of one storage each. A tensor
 * is a view of a storage (offset, shape, strides); tied tensors share one. The archive is mapped
 * and tensors point into it; the pickle is read by pickle.h, which executes nothing.
 *
 * Checked: the archive (zip_map.h), the CRC of every entry used, little-endian byte order, and
 * that each tensor is row-major and inside its storage. Values of the dictionary that are no
 * tensors are left out. Refused by name: the format before 1.6 (a sequence of pickles),
 * TorchScript archives, whole pickled modules, tensors that are transposed or otherwise strided,
 * element types that transformers does not store weights in. */

#ifndef FORMATS_TORCH_ZIP_H
#define FORMATS_TORCH_ZIP_H

#include "base/err.h"
#include "formats/tensor.h"

struct torch_zip;

/* Opens a file, NULL with *e set on failure. All entries that tensors use are read once, for
 * their CRC. */
struct torch_zip *torch_zip_open(const char *path, struct err *e);

/* The same for bytes in memory, which stay the caller's and must outlive the result. */
struct torch_zip *torch_zip_open_memory(
    const void *bytes, size_t size, const char *name, struct err *e);

/* Unmaps and frees; NULL is allowed. */
void torch_zip_close(struct torch_zip *z);

/* All tensors in the order of the dictionary. They live until torch_zip_close. */
const struct tensor *torch_zip_tensors(const struct torch_zip *z, size_t *ret_n);

/* The tensor of this name, or NULL. */
const struct tensor *torch_zip_find(const struct torch_zip *z, const char *name);

#endif
