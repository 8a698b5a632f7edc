/* hdf5_text.h - one-dimensional datasets of texts, of fixed or variable length, also as a member of
 * a table (compound). */

#ifndef FORMATS_HDF5_TEXT_H
#define FORMATS_HDF5_TEXT_H

#include "formats/hdf5_base.h"

struct hdf5_texts;

/* Opens the dataset; of a table the member of that name, else member NULL. The file must outlive
 * it. NULL on failure: not there, not texts, not one-dimensional (a scalar is a list of one). */
struct hdf5_texts *hdf5_texts_open(
    const struct hdf5_file *f, const char *path, const char *member, struct err *e);
uint64_t hdf5_texts_length(const struct hdf5_texts *t);

/* Texts from..from+n; offsets [n + 1] and bytes are the arena's. Padding is cut off; an empty
 * pointer is an empty text. A text that is not UTF-8 is an error naming its row. from + n must be
 * <= the length. */
int hdf5_texts_read(struct hdf5_texts *t, uint64_t from, size_t n, struct arena *a,
    struct strings *ret, struct err *e);
void hdf5_texts_close(struct hdf5_texts *t);

/* True where the dataset (or its member) holds texts. */
bool hdf5_is_text(const struct hdf5_file *f, const char *path, const char *member);

/* The type of the dataset, or of its member of that name (NULL: none); closed by the caller.
 * Negative where it is not there. */
hid_t hdf5_type(const struct hdf5_file *f, const char *path, const char *member);

/* Opens a dataset for reading from front to back: its cache holds one chunk. Negative on failure.
 */
hid_t hdf5_dataset_open(const struct hdf5_file *f, const char *path);

/* Reads elements from..from+n of a one-dimensional dataset (a scalar: its one) as `memory`. */
int hdf5_read_range(hid_t dataset, hid_t memory, uint64_t from, size_t n, void *out);

/* A type of memory that holds just that member of a table; `type` itself, copied, for member NULL.
 */
hid_t hdf5_member_type(hid_t type, const char *member);

#endif
