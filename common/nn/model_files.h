/* model_files.h - private to the model: the weight files of a folder, as one set of tensors.
 *
 * In this order of preference, as in transformers: model.safetensors, the shards that
 * model.safetensors.index.json lists, pytorch_model.bin, the shards of
 * pytorch_model.bin.index.json. */

#ifndef NN_MODEL_FILES_H
#define NN_MODEL_FILES_H

#include "base/err.h"
#include "formats/tensor.h"

struct model_files;

struct model_tensor {
	const struct tensor *tensor;
	const char *file; /* the path of its file, for messages */
};

/* The folder that `name` stands for, as model_open says (the caller frees it), or NULL with *e set.
 */
char *model_files_folder(const char *name, struct err *e);

/* NULL with *e set on failure: no weights, a damaged file, a shard that lacks a listed tensor, a
 * tensor in two shards. */
struct model_files *model_files_open(const char *folder, struct err *e);

/* The same of the adapters of a folder of peft's: adapter_model.safetensors or adapter_model.bin.
 */
struct model_files *model_files_open_adapters(const char *folder, struct err *e);

/* Puts a float32 tensor into the place of the one of this name, or beside the others. `values`,
 * whose size the shape says, becomes f's; file is for messages. */
void model_files_put(struct model_files *f, const char *name, unsigned rank, const size_t *shape,
    float *values, const char *file);

/* Unmaps the files and frees the conversions; NULL is allowed. */
void model_files_close(struct model_files *f);

/* All tensors, sorted by name. */
const struct model_tensor *model_files_tensors(const struct model_files *f, size_t *ret_n);

/* The tensor of this name, or NULL. A name that ends with LayerNorm.weight or LayerNorm.bias is
 * also found under its old name, LayerNorm.gamma or LayerNorm.beta. */
const struct model_tensor *model_files_find(const struct model_files *f, const char *name);

/* Its numbers as float32, at an address divisible by 4: in the mapping where they lie there so,
 * else converted into memory that lives as long as f. The tensor must be tensor_is_float. */
const float *model_files_f32(struct model_files *f, const struct tensor *t);

/* A text of the metadata of a safetensors file; NULL where there is none. */
const char *model_files_metadata(const struct model_files *f, const char *key);

/* The path of the weights, for messages about what is missing: the one file, or the index. */
const char *model_files_name(const struct model_files *f);

#endif
