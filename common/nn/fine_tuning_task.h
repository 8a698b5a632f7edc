/* fine_tuning_task.h - what training_run.h asks of fine-tuning: labels of a step, when to stop,
 * what to write. */

#ifndef NN_FINE_TUNING_TASK_H
#define NN_FINE_TUNING_TASK_H

#include "nn/gene_labels.h"
#include "nn/label_rows.h"
#include "nn/lora.h"
#include "nn/training_run.h"

/* Which model is written at the end: of the evaluation with the least loss, with the greatest
 * accuracy, or the last one. */
enum model_keep { KEEP_LOSS, KEEP_ACCURACY, KEEP_LAST };
/* "loss", "accuracy", "last"; asserted. */
enum model_keep model_keep_parse(const char *word);

/* The caller's, and all that it points at. */
struct fine_tuning_task {
	struct cli *cli;
	const struct genes *genes;
	const struct class_names *names;
	const struct label_rows *labels;       /* of cells; or */
	const struct gene_labels *gene_labels; /* of genes; else NULL */
	struct parameters *parameters;
	struct plan plan;
	const float *const *weights; /* [tasks][classes]; NULL: all 1 */
	enum model_keep keep;
	size_t patience;   /* evaluations in a row that are no better; 0: any number */
	json_t *memory;    /* by fine_tuning_task_set; json_decref */
	struct lora *lora; /* NULL: none */
	bool is_merged;    /* adapters become part of the model; else a folder of peft's */
	const char *base;  /* the model that adapters belong to, as the user names it */
	bool is_bf16;      /* storage of the weights */
};

/* Sets all of *ret but corpus and settings. */
void fine_tuning_task_set(struct fine_tuning_task *t, struct training_task *ret);

#endif
