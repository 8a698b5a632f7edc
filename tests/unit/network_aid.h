/* network_aid.h - what the tests of the network share: numbers, small models, and a process for
 * each instruction set (oneDNN's cannot be changed once it is in use). */

#ifndef TESTS_UNIT_NETWORK_AID_H
#define TESTS_UNIT_NETWORK_AID_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "nn/model.h"

/* Fails the test with this message unless `is_true`; also in the processes of run_under_isa. */
void expect(int is_true, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Runs the checks in a process of its own, where these variables are set: name, value, ..., NULL.
 */
void run_in_process(const char *const *environment, void (*checks)(void));

/* Runs the checks in a process of its own with CELLPIPE_ISA set; skips the test where this CPU has
 * no such instructions. NULL: in this process, with all that the CPU has, so after the others. */
void run_under_isa(const char *isa, void (*checks)(void));

/* Runs the checks with the GPU of this machine; skips the test, and says why, where none works. */
void run_on_device(void (*checks)(void));

/* The four tests of a file whose checks are to run under every instruction set. */
#define TESTS_UNDER_EACH_ISA(checks)              \
	static void generic(void **state)         \
	{                                         \
		(void)state;                      \
		run_under_isa("generic", checks); \
	}                                         \
	static void avx2(void **state)            \
	{                                         \
		(void)state;                      \
		run_under_isa("avx2", checks);    \
	}                                         \
	static void avx512(void **state)          \
	{                                         \
		(void)state;                      \
		run_under_isa("avx512", checks);  \
	}                                         \
	static void native(void **state)          \
	{                                         \
		(void)state;                      \
		run_under_isa(NULL, checks);      \
	}
#define UNDER_EACH_ISA                                                               \
	cmocka_unit_test(generic), cmocka_unit_test(avx2), cmocka_unit_test(avx512), \
	    cmocka_unit_test(native)

/* n numbers between -size and size, always others; the arena's. */
float *aid_numbers(struct arena *a, size_t n, float size);
/* The next of a fixed sequence of whole numbers below n. */
size_t aid_number_below(size_t n);

/* A model of this configuration with random weights, all heads that the class may have included
 * (n_labels; MULTITASK: three heads of n_labels, one more, two more). Everything is the arena's:
 * not for model_close. */
struct model *aid_model(struct arena *a, const struct model_config *config);

#endif
