/* pretraining.h - masked-language modelling from the files to the model folder: what gfpretrain
 * does.
 *
 * The vocabulary is that of the cells or of a dictionary; the model a new one or one that goes on
 * learning; the rest is masking.h, coexpression.h and training_run.h. */

#ifndef NN_PRETRAINING_H
#define NN_PRETRAINING_H

#include "nn/training_run.h"

struct pretraining_options {
	struct cli *cli;        /* whose inputs are the cells to learn from */
	const char *dictionary; /* DICT; NULL: the cells say their vocabulary, or the model does */
	const char *model;      /* to go on from; NULL: a new one, of this shape: */
	const char *config;     /* a config.json; NULL: */
	struct model_config shape; /* its sizes, activation and rates; vocab and pad_id come with
				      the cells */
	bool is_coexpression;      /* how a new one starts */
	double dropout;            /* of both sorts; negative: that of the config */
	double mask;               /* the share of the genes that is to be guessed */
	const char *eval;          /* more cells, to evaluate on; NULL: none */
	double hold_out;           /* and this share of the others */
	bool is_truncating;        /* cells longer than the model's positions */
	bool is_bf16;              /* storage of the weights */
	size_t max_memory;         /* of the tokens */
};

/* Learns. Rates of dropout and seeds of `training` are set here, of the options. 0 with *ret, or -1
 * with e set. */
int pretraining_run(const struct pretraining_options *o, struct training_options *training,
    struct training_result *ret, struct err *e);

#endif
