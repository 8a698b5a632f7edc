/* emulated_device.h - what the emulated runtime, kernels and libraries share.
 *
 * Tests change the device through the environment of a process of its own:
 *
 *	CELLPIPE_EMULATED_DEVICE    none, driver, old: there is none, its driver or it is too old
 *	CELLPIPE_EMULATED_MEMORY    its bytes (8 GiB)
 *	CELLPIPE_EMULATED_FAULT     the number of the launch, from 1, at which it gets lost
 *	CELLPIPE_EMULATED_REVERSED  set: threads of a block run from the last to the first
 *	CELLPIPE_EMULATED_PRODUCTS  bad: cuBLASLt offers only candidates that are not to be chosen:
 *	                            one that splits its sums, one that gives rows by their places */

#ifndef TESTS_EMULATION_EMULATED_DEVICE_H
#define TESTS_EMULATION_EMULATED_DEVICE_H

#include "cuda_runtime_api.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Puts work on a stream; NULL: does it at once. `work` is freed after it was run. */
void emulation_enqueue(cudaStream_t stream, void (*run)(void *work), void *work);

/* Counts a launch; whether the device is still there. */
int emulation_count_launch(void);

/* Ends the process with a message: a kernel did what a device does not allow. */
void emulation_fail(const char *what) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif

#endif
