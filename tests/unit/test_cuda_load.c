/* Finding and opening the CUDA backend: every reason why it cannot be, and what AUTO then does; and
 * the tokens that a batch is given. */

#include "network_aid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nn/backend.h"

static char folder[4096]; /* of the emulated objects */

static const char *
object(const char *name)
{
	static char path[4200];

	snprintf(path, sizeof(path), "%s%s%s", *name == '/' ? "" : folder, *name == '/' ? "" : "/",
	    name);
	return path;
}

/* What opening says must hold $SAYS. */
static void
expect_refusal(void)
{
	struct err e = { 0 };
	struct backend *b = backend_open(DEVICE_CUDA, PRECISION_AUTO, &e);

	expect(b == NULL && strncmp(e.text, "device cuda: ", 13) == 0 &&
		   strstr(e.text, getenv("SAYS")) != NULL,
	    "says '%s', not '%s'", e.text, getenv("SAYS"));
	e.is_set = false;
	b = backend_open(DEVICE_AUTO, PRECISION_F32, &e);
	expect(b != NULL && strncmp(b->name, "cpu", 3) == 0, "auto: %s", e.text);
	expect(strstr(backend_why_cpu(), getenv("SAYS")) != NULL, "auto: '%s'", backend_why_cpu());
	backend_close(b);
	b = backend_open(DEVICE_CPU, PRECISION_F32, &e);
	expect(b && *backend_why_cpu() == '\0', "cpu: '%s'", backend_why_cpu());
	backend_close(b);
}

static void
refusals(void **state)
{
	static const struct {
		const char *object, *device, *says;
	} cases[] = {
		{ "no-such.so", "", "this build has no CUDA backend (no " },
		{ "/proc/self/status", "", "/proc/self/status: " },
		{ "other-version.so", "",
		    "other-version.so is of cellpipe 99.1 and does not fit this program, of " },
		{ "cellpipe-cuda.so", "none", "there is no device" },
		{ "cellpipe-cuda.so", "driver", "the driver is for CUDA 12.2, too old for 13.0" },
		{ "cellpipe-cuda.so", "old", "emulated has compute capability 7.0, it needs 8.0" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *const environment[] = { "CELLPIPE_CUDA", object(cases[i].object),
			"CELLPIPE_EMULATED_DEVICE", cases[i].device, "SAYS", cases[i].says, NULL };

		run_in_process(environment, expect_refusal);
	}
}

static void
expect_device(void)
{
	struct err e = { 0 };
	struct backend *b = backend_open(DEVICE_AUTO, PRECISION_AUTO, &e);

	expect(b && strcmp(b->name, "cuda emulated") == 0 && b->precision == PRECISION_BF16 &&
		   *backend_why_cpu() == '\0' && b->workspaces > 0 && !b->gradient,
	    "auto: %s %s", e.text, backend_why_cpu());
	backend_close(b);
	b = backend_open(DEVICE_CUDA, PRECISION_INT8, &e);
	expect(!b && strstr(e.text, "f32, bf16 or fp16 only"), "int8: %s", e.text);
}

static void
device(void **state)
{
	const char *const environment[] = { "CELLPIPE_CUDA", object("cellpipe-cuda.so"), NULL };

	(void)state;
	run_in_process(environment, expect_device);
}

/* V2-104M and V2-316M: a token takes (hidden * 14 + ffn * 2) * 9/8 bytes in bf16. */
static void
check_budget(size_t free_bytes, enum precision precision, size_t hidden, size_t ffn, size_t tokens)
{
	const struct model_config config = { .hidden = hidden, .ffn = ffn, .positions = 4096 };
	struct err e = { 0 };
	struct backend *b = backend_open(DEVICE_CUDA, precision, &e);
	size_t got;

	expect(b != NULL, "%s", e.text);
	got = b->op->batch_tokens(b, &config);
	expect(got == tokens, "%zu bytes free: %zu tokens, not %zu", free_bytes, got, tokens);
	backend_close(b);
}

static void
expect_budget(void)
{
	size_t free_bytes = strtoull(getenv("CELLPIPE_EMULATED_MEMORY"), NULL, 10);

	if (free_bytes == (size_t)8 << 30) {
		check_budget(free_bytes, PRECISION_BF16, 768, 3072, 16384);
		check_budget(free_bytes, PRECISION_BF16, 1152, 4608, 16384);
		/* 2 GiB / 4 / ((1152 * 20 + 4608 * 4) * 9/8) */
		check_budget(free_bytes, PRECISION_F32, 1152, 4608, 11507);
	} else {
		/* 0.5 GiB / 4 / ((768 * 14 + 3072 * 2) * 9/8) */
		check_budget(free_bytes, PRECISION_BF16, 768, 3072, 7061);
		check_budget(free_bytes, PRECISION_F32, 1152, 4608, 4096);
	}
}

static void
budgets(void **state)
{
	static const char *const memory[] = { "8589934592", "1073741824" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const char *const environment[] = { "CELLPIPE_CUDA", object("cellpipe-cuda.so"),
			"CELLPIPE_EMULATED_MEMORY", memory[i], NULL };

		run_in_process(environment, expect_budget);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(refusals), cmocka_unit_test(device),
		cmocka_unit_test(budgets) };
	ssize_t n = readlink("/proc/self/exe", folder, sizeof(folder) - 20);
	char *slash;

	folder[n > 0 ? n : 0] = '\0';
	slash = strrchr(folder, '/');
	if (slash)
		memcpy(slash, "/../emulated", sizeof("/../emulated"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
