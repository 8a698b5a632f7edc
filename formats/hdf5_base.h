/* hdf5_base.h - HDF5 files, read quietly: what lies where, attributes, texts, and errors of one
 * line.
 *
 * Everything in a file is addressed by its path from the root ("raw/X/data"), which is also how
 * messages name it. The library's own printing is off; its innermost reason goes into our sentence.
 * Only one thread of a program calls HDF5 (the library of most systems is not built for more).
 *
 * Compiles with HDF5 1.10, 1.12 and 1.14: of the functions that changed between them only those
 * with a number in their name are called. */

#ifndef FORMATS_HDF5_BASE_H
#define FORMATS_HDF5_BASE_H

#include <hdf5.h>

#include "base/err.h"
#include "base/mem.h"
#include "cell/schema.h"

struct hdf5_file {
	hid_t id;
	const char *name; /* as the user gave it; "stdin" for "-" */
	uint64_t size;    /* bytes on disk */
};

enum hdf5_object { HDF5_NOTHING, HDF5_GROUP, HDF5_DATASET };

/* From now on a crash (SIGSEGV, SIGBUS, SIGFPE, SIGABRT) ends the program with one line that calls
 * the file broken, exit status 1, and no unfinished output: HDF5 follows addresses and lengths of
 * damaged files without looking (1.10.8: H5HG_read). Not under sanitizers, which have better to
 * say. The texts are copied. path NULL: a crash is a crash again. */
void hdf5_guard(const char *program, const char *path);

/* Between watch(true) and watch(false) a minute of CPU time count as a crash: 1.10.8 goes round in
 * circles in a damaged heap of texts. */
void hdf5_watch(bool is_on);

/* Opens a file read-only ("-": standard input, which must be a regular file), and makes the filters
 * of hdf5_filters.h known. `path` must outlive f. -1 on failure, with f->id -1. */
int hdf5_open(struct hdf5_file *f, const char *path, struct err *e);

/* Opens for reading and writing a file that is there already, or makes a new one; `name` is for
 * messages. */
int hdf5_modify(struct hdf5_file *f, const char *path, const char *name, struct err *e);
int hdf5_create(struct hdf5_file *f, const char *path, const char *name, struct err *e);

/* Closes the file and all that was left open in it; f->id -1 is fine. Returns -1 with e where what
 * was written could not be brought to the disk. */
int hdf5_close(struct hdf5_file *f, struct err *e);

/* "FILE: PATH: sentence (HDF5's reason)". Returns -1. */
int hdf5_fail(const struct hdf5_file *f, const char *path, struct err *e, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* What stands at a path; links that lead nowhere are nothing. */
enum hdf5_object hdf5_object(const struct hdf5_file *f, const char *path);

/* Names of the members of a group in alphabetical order, in the arena; *ret_n of them. None where
 * it is no group. */
const char **hdf5_members(
    const struct hdf5_file *f, const char *path, struct arena *a, size_t *ret_n);

/* The path of a member: "group/name", in the arena. */
const char *hdf5_join(struct arena *a, const char *group, const char *name);

/* An attribute that is a text, in the arena; NULL where there is none or it is something else. */
const char *hdf5_attribute_text(
    const struct hdf5_file *f, const char *path, const char *name, struct arena *a);

/* An attribute that is a list of texts; NULL where there is none. An empty list of any type is a
 * list of no texts. */
const char **hdf5_attribute_texts(
    const struct hdf5_file *f, const char *path, const char *name, struct arena *a, size_t *ret_n);

/* An attribute of up to n integers (a bool counts as one); how many there are, 0 where there is
 * none. */
size_t hdf5_attribute_ints(
    const struct hdf5_file *f, const char *path, const char *name, int64_t *values, size_t n);
bool hdf5_attribute_exists(const struct hdf5_file *f, const char *path, const char *name);

/* Shape of a dataset of at most n dimensions: their number, or -1 where it is no dataset, or has
 * more. */
int hdf5_shape(const struct hdf5_file *f, const char *path, hsize_t *shape, int n);

/* H5Dcreate2 without the time of its making, so that equal data makes equal bytes. list: a dataset
 * creation list, which is changed, or H5P_DEFAULT. Negative on failure. */
hid_t hdf5_dataset_create(
    const struct hdf5_file *f, const char *path, hid_t type, hid_t space, hid_t list);

#endif
