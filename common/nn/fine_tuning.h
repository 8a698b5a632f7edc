/* fine_tuning.h - classes of cells or genes, from the files to the model folder: what gftrain does.
 *
 * The model is a pretrained one, or a new one of a given shape; it gets a head for the classes that
 * the labels say (new_head.h). The rest is training_cells.h, label_rows.h, gene_labels.h, lora.h,
 * training_run.h, class_test.h. */

#ifndef NN_FINE_TUNING_H
#define NN_FINE_TUNING_H

#include "nn/class_test.h"
#include "nn/fine_tuning_task.h"
#include "nn/new_head.h"

struct fine_tuning_options {
	struct cli *cli;        /* whose inputs are the cells */
	const char *dictionary; /* DICT; NULL: the cells say their vocabulary, or the model does */
	const char *model;      /* to go on from; NULL: a new one, of this shape: */
	struct model_config shape; /* its sizes, activation and rates; vocab and pad_id come with
				      the cells */
	bool has_positions;        /* of a new one: it learns where a token stands */
	const char *const *labels; /* [n_labels] columns, each a task; or */
	size_t n_labels;
	const char *gene_labels; /* a table of genes and classes; else NULL */
	const char *split;       /* column with the set of a cell; NULL: none */
	const char *group;       /* column of what stays together; NULL: none */
	double valid, test;      /* shares */
	const char *eval;        /* more cells, for validation; NULL: none */
	enum head_kind head;
	size_t n_frozen;  /* layers, from the first */
	bool is_balanced; /* classes count alike, however many cells they have */
	double dropout;   /* of all sorts; negative: as the model has it */
	class_scorer *score;
	enum model_keep keep;
	size_t patience;
	struct lora_options lora; /* rank 0: none */
	bool is_merged;
	bool is_strict;          /* cells that would be left out are errors */
	bool is_truncating;      /* cells longer than the model's positions */
	bool is_bf16;            /* storage of the weights */
	size_t max_memory;       /* of the tokens */
	const char *predictions; /* of the cells of TEST, else of EVAL, to this file; NULL: none */
};

/* What came of it. */
struct fine_tuning {
	struct training_result run;
	struct class_names *names;
	struct class_test *tests[3]; /* by token_set: of EVAL and TEST, where they have cells and
					the run is over */
};

/* What is wrong with the options, as a sentence about those of gftrain; NULL: nothing. */
const char *fine_tuning_fault(const struct fine_tuning_options *o);

/* Learns, and tests the model that is written. Rates of dropout and their seed are set in
 * `training` here, and eval_every of 0 becomes an epoch. 0 with *ret, or -1 with e set; free it in
 * either case. */
int fine_tuning_run(const struct fine_tuning_options *o, struct training_options *training,
    struct fine_tuning *ret, struct err *e);
void fine_tuning_free(struct fine_tuning *f);

#endif
