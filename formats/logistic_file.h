/* logistic_file.h - a logistic regression in a file: safetensors with its description in the
 * metadata.
 *
 * Tensors, float64: coef [classes][features] and intercept [classes], as scikit-learn has them. The
 * metadata's text "logreg" is a JSON object: version (1), kind (of the cells: counts, values,
 * tokens, embeddings), feature (what was computed from them), classes, genes (one a feature; not
 * for embeddings), and fit, which tells how it was made and is not read. */

#ifndef FORMATS_LOGISTIC_FILE_H
#define FORMATS_LOGISTIC_FILE_H

#include <jansson.h>

#include "cell/gene_features.h"
#include "formats/cells.h"

struct logistic_file {
	enum kind kind;            /* counts, values, tokens or embeddings */
	enum gene_feature feature; /* of all but embeddings */
	size_t n_classes, n_features;
	const char *const *classes;
	const struct strings *genes; /* [n_features]; NULL for embeddings */
	const double *weights;       /* [n_features][n_classes] */
	const double *intercepts;    /* [n_classes] */
	char hash[33];               /* XXH3-128 of the file, when it has been read */
	struct arena arena;          /* what a file that has been read owns */
};

/* Writes the file, whole or not at all. `fit` is kept as it is. -1 with e set on failure. */
int logistic_file_write(
    const char *path, const struct logistic_file *f, json_t *fit, struct err *e);

/* Reads and checks a file. NULL with e set: it is none of these, or of a later version; shapes,
 * classes and genes do not fit each other; two classes or genes are named alike; a number is not
 * finite. */
struct logistic_file *logistic_file_open(const char *path, struct err *e);

/* NULL is fine. */
void logistic_file_free(struct logistic_file *f);

#endif
