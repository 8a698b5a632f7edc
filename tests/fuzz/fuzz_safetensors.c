/* fuzz_safetensors.c - any bytes as a safetensors file: checked tensors or an error. */

#include <stdint.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "formats/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	struct safetensors *s = safetensors_open_memory(data, size, "fuzz", &e);
	size_t n = 0;

	if ((s == NULL) != e.is_set)
		abort();
	const struct tensor *t = s ? safetensors_tensors(s, &n) : NULL;
	for (size_t i = 0; i < n; i++) {
		hash_bytes(t[i].data, t[i].bytes);
		if (safetensors_find(s, t[i].name) != &t[i])
			abort();
		if (tensor_is_float(&t[i])) {
			float *out = mem_alloc(t[i].count, sizeof(*out));
			tensor_to_f32(&t[i], out);
			free(out);
		}
	}
	safetensors_close(s);
	return 0;
}
