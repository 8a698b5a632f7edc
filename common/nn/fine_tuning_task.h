/* fine_tuning_task.h - what training_run.h asks of fine-tuning: labels of a step, when to stop,
 * what to write. */

#ifndef NN_FINE_TUNING_TASK_H
#define NN_FINE_TUNING_TASK_H

#include "nn/gene_labels.h"
#include "nn/label_rows.h"
#include "nn/lora.h"
#include "nn/training_run.h"

/* Which model is written at the end: of the evaluation with the least loss, with the greatest
 * accuracy or macro F1 (of several tasks the mean), or the last one. */
enum model_keep { KEEP_LOSS, KEEP_ACCURACY, KEEP_LAST, KEEP_MACRO_F1 };
/* "loss", "accuracy", "macro_f1", "last"; asserted. */
enum model_keep model_keep_parse(const char *word);

/* Scores of the confusion matrix [n_classes][n_classes] of a task, as stat/classification.h, which
 * this folder knows nothing of, finds them. */
struct class_score {
	uint64_t n; /* rows; 0: the others mean nothing */
	double accuracy, macro_f1;
};
typedef struct class_score class_scorer(const uint64_t *matrix, size_t n_classes);

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
	class_scorer *score;
	enum model_keep keep;
	size_t patience;   /* evaluations in a row that are no better; 0: any number */
	struct lora *lora; /* NULL: none */
	bool is_merged;    /* adapters become part of the model; else a folder of peft's */
	const char *base;  /* the model that adapters belong to, as the user names it */
	bool is_bf16;      /* storage of the weights */

	/* By fine_tuning_task_set: */
	json_t *memory;
	uint64_t *confusion; /* of an evaluation: the matrices of all tasks (classification.h) */
};

/* Sets all of *ret but corpus and settings; what it makes is freed by fine_tuning_task_free. */
void fine_tuning_task_set(struct fine_tuning_task *t, struct training_task *ret);
void fine_tuning_task_free(struct fine_tuning_task *t);

#endif
