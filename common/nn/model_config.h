/* model_config.h - private to the model: config.json. */

#ifndef NN_MODEL_CONFIG_H
#define NN_MODEL_CONFIG_H

#include "nn/model.h"

/* Reads a config.json of transformers. A key that is missing has the default of BertConfig, as
 * there. `class` is what "architectures" says; *ret_has_class is false where it says nothing.
 * *ret_is_tied: the MLM decoder is the word embedding. labels and n_labels are those of id2label.
 * Refuses what is not an encoder with absolute positions. -1 with *e set on failure; free the
 * labels with model_config_free in either case. */
int model_config_read(const char *path, struct model_config *ret, bool *ret_has_class,
    bool *ret_is_tied, struct err *e);

void model_config_free(struct model_config *c);

/* An activation by its name in transformers: 0, or -1 for a name that is not known. And its name,
 * the first of those listed in model.h. */
int model_activation_parse(const char *name, enum activation *ret);
const char *model_activation_name(enum activation f);

#endif
