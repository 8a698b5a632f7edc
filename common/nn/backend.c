#include <string.h>

#include "nn/backend.h"
#include "nn/cpu_backend.h"
#include "nn/cuda_load.h"

static const char *const devices[] = { "auto", "cpu", "cuda" };
static const char *const precisions[] = { "auto", "f32", "bf16", "fp16", "int8" };

static struct err why_cpu;

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
	struct backend *b = NULL;

	if (e->is_set)
		return NULL;
	if (device == DEVICE_CUDA)
		return cuda_backend_open(precision, e);
	why_cpu.is_set = false;
	why_cpu.text[0] = '\0';
	if (device == DEVICE_AUTO)
		b = cuda_backend_open(precision, &why_cpu);
	return b ? b : cpu_backend_open(precision, e);
}

const char *
backend_why_cpu(void)
{
	return why_cpu.text;
}

void
backend_close(struct backend *b)
{
	if (b)
		b->op->close(b);
}
