/* model_write.h - a model folder as transformers loads it, from parameters that were learned.
 *
 * config.json, model.safetensors (one file, the names of transformers; a tied decoder is left out,
 * as transformers does), and genes.cells, the dictionary, where one is known. The same model gives
 * the same bytes. What a folder holds besides is the caller's (training_run.h). */

#ifndef NN_MODEL_WRITE_H
#define NN_MODEL_WRITE_H

#include "base/cli.h"
#include "base/output_folder.h"
#include "cell/genes.h"
#include "nn/parameters.h"

struct model_write_options {
	bool is_bf16; /* stores bfloat16, rounded to nearest even; else float32, bit for bit */
	/* The dictionary of the tokens; NULL: the names of the model's vocabulary, if it has one,
	 * else no genes.cells. As many tokens as the model has (asserted). */
	const struct genes *genes;
	/* For __metadata__ of model.safetensors: keys and values, ended with NULL; or NULL. */
	const char *const *metadata;
};

/* Writes the files of a model into a folder that is being made. config.json says what
 * p->model.config says: the class, sizes, rates of dropout, names of the labels (id2label). Of
 * p->list, what the model has is written, and no adapters. 0 or -1. */
int model_write_files(struct output_folder *f, const struct cli *cli, const struct parameters *p,
    const struct model_write_options *o, struct err *e);

/* genes.cells alone, of the dictionary `given` as in the options. 0 or -1. */
int model_write_genes(struct output_folder *f, const struct cli *cli, const struct model *m,
    const struct genes *given, struct err *e);

/* A whole folder, which replaces one of the same name. 0 or -1; then the old one is as it was. */
int model_write(const char *path, const struct cli *cli, const struct parameters *p,
    const struct model_write_options *o, struct err *e);

#endif
