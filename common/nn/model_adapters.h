/* model_adapters.h - private to the model: a folder of peft's, whose adapters are added to the
 * model that they were made for.
 *
 * adapter_config.json says which model that is and how the adapters count;
 * adapter_model.safetensors (or .bin) has them, and the head that was learned with them. LoRA (Hu
 * et al. 2021) of linear layers, rank-stabilised or not: each adapted matrix W becomes W + s B A, s
 * = alpha / rank or alpha / sqrt(rank); all other tensors replace those of the model. What changes
 * the computation in another way (DoRA, patterns of alpha, adapters of embeddings, ...) is refused
 * by its name. Format: github.com/huggingface/peft, "Checkpoint format". */

#ifndef NN_MODEL_ADAPTERS_H
#define NN_MODEL_ADAPTERS_H

#include "nn/model.h"
#include "nn/model_files.h"

struct model_adapters;

/* Is there an adapter_config.json in the folder? */
bool model_adapters_are_in(const char *folder);

/* Reads adapter_config.json. base: the model that they belong to, as model_open takes names; NULL:
 * base_model_name_or_path, which is a path from the folder, or a name for model_open. NULL with *e
 * set on failure. */
struct model_adapters *model_adapters_open(const char *folder, const char *base, struct err *e);

/* The folder of the model. */
const char *model_adapters_base(const struct model_adapters *a);

/* The class of the model with its head, where task_type says one. */
bool model_adapters_class(const struct model_adapters *a, enum model_class *ret);

/* Changes the tensors of the model, f. 0 or -1. */
int model_adapters_apply(struct model_adapters *a, struct model_files *f, struct err *e);

/* The names of the classes, one a line, once the adapters are applied; NULL where the file does not
 * say them (MODEL_CLASSES_KEY). */
const char *model_adapters_classes(const struct model_adapters *a);

/* NULL is fine. */
void model_adapters_close(struct model_adapters *a);

#endif
