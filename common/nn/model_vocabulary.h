/* model_vocabulary.h - the names of the tokens that a stream brings to a model.
 *
 * The stream's own names go first, then those of the dictionary that the user gave, then those of
 * the model's folder. Where two of them speak, they must agree. */

#ifndef NN_MODEL_VOCABULARY_H
#define NN_MODEL_VOCABULARY_H

#include "cell/genes.h"
#include "formats/cells.h"
#include "nn/model.h"

/* The vocabulary of `in`, freed by genes_free. dictionary: the DICT of -d, or NULL. NULL where
 * nobody has one; with is_needed that is an error, which asks for -d. An error too: a stream and a
 * dictionary that differ; a vocabulary that is not of the model's size, or names a token otherwise.
 */
struct genes *model_vocabulary_find(struct cli *cli, const char *dictionary,
    const struct cells_reader *in, const struct model *model, bool is_needed, struct err *e);

/* The same for cells that come as columns s from `name`, and a dictionary that is open: given
 * (NULL: none) is taken over, and is what is returned where there is one. model: NULL where none is
 * to agree. */
struct genes *model_vocabulary_choose(struct genes *given, const struct schema *s, const char *name,
    const struct model *model, bool is_needed, struct err *e);

#endif
