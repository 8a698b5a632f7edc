/* Models of logreg: what is written is read again, and what does not fit is refused. */

#include "reader_aid.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/logistic_file.h"
#include "formats/safetensors.h"

static const char *const classes[] = { "B", "T" };
static const char *const gene_names[] = { "ENSG1", "ENSG2", "ENSG3" };
/* [features][classes] */
static const double weights[] = { 1, -1, 0.5, -0.5, 1e-300, 3e7 };
static const double intercepts[] = { 0.25, -0.75 };

static void
write_and_read(void **state)
{
	static const struct {
		enum kind kind;
		enum gene_feature feature;
	} kinds[] = { { KIND_COUNTS, FEATURE_COUNTS }, { KIND_VALUES, FEATURE_VALUES },
		{ KIND_TOKENS, FEATURE_RANK }, { KIND_TOKENS, FEATURE_PRESENCE },
		{ KIND_EMBEDDINGS, FEATURE_COUNTS } };
	char *folder = aid_make_folder(), *path = mem_printf("%s/model", folder);

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct logistic_file f = { .kind = kinds[i].kind,
			.feature = kinds[i].feature,
			.n_classes = 2,
			.n_features = 3,
			.classes = classes,
			.weights = weights,
			.intercepts = intercepts };
		struct logistic_file *got;
		json_t *fit = json_pack("{s:i}", "cells", 7);
		struct err e = { 0 };

		if (f.kind != KIND_EMBEDDINGS)
			f.genes = strings_from(&f.arena, gene_names, 3);
		assert_int_equal(logistic_file_write(path, &f, fit, &e), 0);
		got = logistic_file_open(path, &e);
		aid_expect_no_error(&e);
		assert_int_equal(got->kind, f.kind);
		if (f.genes) {
			assert_int_equal(got->feature, f.feature);
			assert_memory_equal(got->genes->bytes, "ENSG1ENSG2ENSG3", 15);
		} else
			assert_null(got->genes);
		assert_true(got->n_classes == 2 && got->n_features == 3);
		assert_string_equal(got->classes[1], "T");
		assert_memory_equal(got->weights, weights, sizeof(weights));
		assert_memory_equal(got->intercepts, intercepts, sizeof(intercepts));
		logistic_file_free(got);
		arena_free(&f.arena);
		json_decref(fit);
	}
	free(path);
	aid_remove_folder(folder);
}

/* coef is [classes][features] in the file, as scikit-learn has it. */
static void
is_laid_out_as_documented(void **state)
{
	static const double coefficients[] = { 1, 0.5, 1e-300, -1, -0.5, 3e7 };
	static const size_t shape[] = { 2, 3 };
	char *folder = aid_make_folder(), *path = mem_printf("%s/model", folder);
	struct logistic_file f = { .kind = KIND_COUNTS,
		.n_classes = 2,
		.n_features = 3,
		.classes = classes,
		.weights = weights,
		.intercepts = intercepts };
	json_t *fit = json_object();
	struct err e = { 0 };
	struct safetensors *s;
	const struct tensor *t;

	(void)state;
	f.genes = strings_from(&f.arena, gene_names, 3);
	logistic_file_write(path, &f, fit, &e);
	s = safetensors_open(path, &e);
	aid_expect_no_error(&e);
	t = safetensors_find(s, "coef");
	assert_true(t->type == TENSOR_F64 && tensor_has_shape(t, 2, shape));
	assert_memory_equal(t->data, coefficients, sizeof(coefficients));
	assert_string_equal(safetensors_metadata(s, "logreg"),
	    "{\"classes\":[\"B\",\"T\"],\"feature\":\"log1p of counts per 10000\",\"fit\":{},"
	    "\"genes\":[\"ENSG1\",\"ENSG2\",\"ENSG3\"],\"kind\":\"counts\",\"version\":1}");
	safetensors_close(s);
	json_decref(fit);
	arena_free(&f.arena);
	free(path);
	aid_remove_folder(folder);
}

/* A file with this description and these shapes, whose numbers are 0 but the first. */
static void
refused(const char *about, size_t n_classes, size_t n_features, double first, const char *part)
{
	char *folder = aid_make_folder(), *path = mem_printf("%s/model", folder);
	double *numbers = mem_zero(n_classes * n_features + 1 + 2, sizeof(*numbers));
	struct tensor tensors[] = {
		{ .name = "coef", .rank = 2, .shape = { n_classes, n_features }, .data = numbers },
		{ .name = "intercept", .rank = 1, .shape = { 2 }, .data = numbers + 1 },
	};
	const char *const metadata[] = { "logreg", about, NULL };
	struct err e = { 0 };

	numbers[0] = first;
	for (size_t i = 0; i < 2; i++)
		assert_true(tensor_measure(&tensors[i]));
	safetensors_write(path, tensors, 2, about ? metadata : NULL, &e);
	aid_expect_no_error(&e);
	assert_null(logistic_file_open(path, &e));
	assert_non_null(strstr(e.text, path));
	aid_expect_error(&e, part);
	free(numbers);
	free(path);
	aid_remove_folder(folder);
}

static void
refuses_what_does_not_fit(void **state)
{
#define START "{\"version\":1,\"kind\":\"counts\",\"feature\":\"log1p of counts per 10000\","
#define CLASSES "\"classes\":[\"B\",\"T\"]"
#define GENES "\"genes\":[\"X\",\"Y\"]"
	(void)state;
	refused(NULL, 2, 2, 0, "not a model of logreg");
	refused("{", 2, 2, 0, "model:1:");
	refused("{}", 2, 2, 0, "version 0");
	refused("{\"version\":2}", 2, 2, 0, "version 2, which is not known here");
	refused("{\"version\":1,\"kind\":\"counts\",\"feature\":\"rank\"}", 2, 2, 0,
	    "features of counts that are not known here: rank");
	refused(START CLASSES "," GENES "}", 3, 2, 0, "no F64 tensors");
	refused(START CLASSES "," GENES "}", 2, 0, 0, "no F64 tensors");
	refused(START CLASSES "," GENES "}", 2, 3, 0, "\"genes\" is not a list of 3 texts");
	refused(START CLASSES "}", 2, 2, 0, "\"genes\" is not a list of 2 texts");
	refused(START "\"classes\":[\"B\",3]," GENES "}", 2, 2, 0,
	    "\"classes\" is not a list of 2 texts");
	refused(START "\"classes\":[\"B\",\"B\"]," GENES "}", 2, 2, 0, "\"classes\" has B twice");
	refused(START CLASSES ",\"genes\":[\"X\",\"X\"]}", 2, 2, 0, "\"genes\" has X twice");
	refused(START CLASSES "," GENES "}", 2, 2, INFINITY, "coef: a number is not finite");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(write_and_read),
		cmocka_unit_test(is_laid_out_as_documented),
		cmocka_unit_test(refuses_what_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
