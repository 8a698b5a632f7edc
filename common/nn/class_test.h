/* class_test.h - what a model that has learned classes makes of a set of a corpus: true and
 * predicted classes, the loss, and the stream of predictions.
 *
 * Classes are found as gfclassify finds them with --precision f32, so that it says the same. A row
 * is a cell; or for models of tokens a gene that has a label in this set, over its cells there. */

#ifndef NN_CLASS_TEST_H
#define NN_CLASS_TEST_H

#include "nn/gene_labels.h"
#include "nn/label_rows.h"

struct class_test_options {
	struct cli *cli; /* whose inputs the corpus was read from */
	const char *eval;
	const struct model *model;
	const struct genes *genes;
	const struct class_names *names;
	const struct token_corpus *corpus;
	const struct label_rows *labels;       /* cells; or */
	const struct gene_labels *gene_labels; /* genes; else NULL */
	enum token_set set;
	const char *predictions; /* a stream of them, to this file; NULL: none. The columns of cells
				    are read again from the inputs */
};

/* Rows of the set with a label in a task. */
struct class_test_task {
	size_t n;
	struct buffer truth, predicted; /* uint32_t [n] */
	double loss; /* mean cross entropy, of cells; of genes that of their mean probabilities */
};

struct class_test {
	size_t n_tasks;
	struct class_test_task *tasks;
};

/* NULL with e set. Freed by class_test_free (NULL is fine). */
struct class_test *class_test_run(const struct class_test_options *o, struct err *e);
void class_test_free(struct class_test *t);

#endif
