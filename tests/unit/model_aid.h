/* model_aid.h - model folders that a test may change. */

#ifndef TESTS_UNIT_MODEL_AID_H
#define TESTS_UNIT_MODEL_AID_H

#include "formats/safetensors.h"
#include "nn/model.h"
#include "reader_aid.h"

/* A copy of a fixture whose tensors (with room for eight more) and configuration may be changed
 * before it is opened. What they point at is put into the arena. */
struct copy {
	char *folder;
	struct safetensors *source;
	struct tensor *tensors;
	size_t n;
	struct arena arena;
};

/* Opens a model folder of the fixtures; fails the test where that fails. */
struct model *open_fixture(const char *name);

struct copy copy_start(const char *name);
struct tensor *copy_find(struct copy *c, const char *name);
/* Writes model.safetensors and opens the folder. */
struct model *copy_open(struct copy *c, struct err *e);
void copy_end(struct copy *c);
/* Fails the test unless opening it is refused with this text in the reason; then copy_end. */
void expect_copy_refused(struct copy *c, const char *part);

#endif
