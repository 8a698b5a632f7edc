#include <string.h>

#include "nn/backend.h"
#include "nn/cpu_backend.h"

static const char *const devices[] = { "auto", "cpu", "cuda" };
static const char *const precisions[] = { "auto", "f32", "bf16", "fp16", "int8" };

static int
find_word(const char *word, const char *const *words, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(word, words[i]) == 0)
			return i;
	return -1;
}

int
device_parse(const char *word, enum device *ret, struct err *e)
{
	int i = find_word(word, devices, 3);

	if (i < 0)
		return err_set(e, "device %s: not one of auto, cpu, cuda", word);
	*ret = (enum device)i;
	return 0;
}

int
precision_parse(const char *word, enum precision *ret, struct err *e)
{
	int i = find_word(word, precisions, 5);

	if (i < 0)
		return err_set(e, "precision %s: not one of auto, f32, bf16, fp16, int8", word);
	*ret = (enum precision)i;
	return 0;
}

const char *
precision_name(enum precision p)
{
	return precisions[p];
}

struct backend *
backend_open(enum device device, enum precision precision, struct err *e)
{
	if (device != DEVICE_CUDA)
		return cpu_backend_open(precision, e);
	err_set(e, "device cuda: this build has no CUDA backend");
	return NULL;
}

void
backend_close(struct backend *b)
{
	if (b)
		b->op->close(b);
}
