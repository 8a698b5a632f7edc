/* hf_dataset.h - folders of Hugging Face `datasets` (Dataset.save_to_disk), read and written.
 *
 * Such a folder holds Arrow streams of the same columns, the shards, whose rows follow each other;
 * state.json, which names the shards in order; and dataset_info.json. What `datasets` 2.14 to 5
 * needs of them: every key of state.json, any object in dataset_info.json, and shards without
 * dictionaries, compression and 64-bit offsets. */

#ifndef FORMATS_HF_DATASET_H
#define FORMATS_HF_DATASET_H

#include "cell/genes.h"
#include "formats/cells.h"

struct hf_reader;
struct hf_writer;

/* Opens a folder of tokenised cells. The columns come as in a stream of tokens: `cell` is the
 * number of the row over all shards where there is none, `length` is checked or added, input_ids
 * are list<uint16> where all ids fit (as the size of the vocabulary says, else after a first
 * reading of all shards), list<int32> where not. `dictionary` may be NULL; else its vocabulary is
 * added to input_ids. Any id outside a vocabulary is an error, and so is a vocabulary in the shards
 * that differs from the dictionary's. NULL on failure: no such folder, a folder of splits, a
 * selection of rows (indices), shards that differ. */
struct hf_reader *hf_open(const char *folder, const struct genes *dictionary, struct err *e);

/* Valid until hf_close; NULL for NULL. */
const struct schema *hf_schema(const struct hf_reader *r);

/* The next batch: 1, 0 at the end of the last shard, -1 on failure. */
int hf_read(struct hf_reader *r, struct batch *b, struct err *e);

/* How much has been read, 0 to 1, counted in shards. */
double hf_fraction(const struct hf_reader *r);
void hf_close(struct hf_reader *r);

/* Starts a folder for the rows of `in`, beside its final name. Dictionaries become plain texts,
 * input_ids list<int32>. Columns of types that `datasets` has not (maps, intervals, fixed-size
 * binary, short decimals) are left out with a warning. A new shard begins where one would grow
 * beyond shard_size bytes. Anything that exists under the name already is an error. `in` must
 * outlive the writer. NULL on failure. */
struct hf_writer *hf_create(const struct cli *cli, const char *folder,
    const struct cells_reader *in, size_t shard_size, struct err *e);

/* Writes the rows of b, a batch read from `in`; b is changed. */
int hf_write(struct hf_writer *w, struct batch *b, struct err *e);

/* Completes the folder and gives it its name. Frees w (NULL is fine). With e set: removes all that
 * was written. */
int hf_commit(struct hf_writer *w, struct err *e);

#endif
