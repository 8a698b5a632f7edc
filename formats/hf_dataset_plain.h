/* hf_dataset_plain.h - columns without dictionaries; inside of formats/hf_dataset. */

#ifndef FORMATS_HF_DATASET_PLAIN_H
#define FORMATS_HF_DATASET_PLAIN_H

#include "base/err.h"
#include "cell/batch.h"

/* A copy of the schema in which every dictionary is plain utf8. The caller's. */
struct schema *plain_schema(const struct schema *s);

/* Looks up all dictionary values of a batch of schema s. -1 where the texts of a column would
 * exceed 2 GiB. */
int plain_batch(const struct schema *s, struct batch *b, struct err *e);

#endif
