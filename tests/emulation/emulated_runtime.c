/* emulated_runtime.c - streams, events and memory; one lock for all, as there is one device. */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emulated_device.h"

struct work {
	struct work *next;
	void (*run)(void *work);
	void *context;
	size_t number;
};

struct emulated_stream {
	struct work *first, **last;
	size_t n_put;                  /* works so far */
	struct emulated_stream *other; /* all of them, so that cudaFree can wait for them */
};

struct emulated_event {
	struct emulated_stream *stream;
	size_t number; /* works that were put before it */
};

/* Memory stands behind one of these. */
struct block_head {
	size_t size;
	struct block_head *next; /* of pinned memory */
	char fill[48];
};

static struct {
	pthread_mutex_t mutex;
	struct emulated_stream *streams;
	struct block_head *pinned;
	size_t memory, in_use, launches, fault_at;
	bool is_lost, has_started;
} device = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static size_t
number_of(const char *name, size_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void
lock(void)
{
	pthread_mutex_lock(&device.mutex);
	if (device.has_started)
		return;
	device.has_started = true;
	device.memory = number_of("CELLPIPE_EMULATED_MEMORY", (size_t)8 << 30);
	device.fault_at = number_of("CELLPIPE_EMULATED_FAULT", 0);
}

/* Ends every call: a lost device answers to nothing. */
static cudaError_t
unlock(cudaError_t status)
{
	if (device.is_lost)
		status = cudaErrorLaunchFailure;
	pthread_mutex_unlock(&device.mutex);
	return status;
}

int
emulation_count_launch(void)
{
	lock();
	if (++device.launches == device.fault_at)
		device.is_lost = true;
	unlock(cudaSuccess);
	return !device.is_lost;
}

/* ---- streams ---- */

/* Does what was put on the stream before work `number`. */
static void
catch_up(struct emulated_stream *s, size_t number)
{
	while (s->first && s->first->number < number) {
		struct work *w = s->first;

		s->first = w->next;
		if (!s->first)
			s->last = &s->first;
		w->run(w->context);
		free(w->context);
		free(w);
	}
}

static void
put(struct emulated_stream *s, void (*run)(void *work), void *context)
{
	struct work *w;

	if (!s) {
		run(context);
		free(context);
		return;
	}
	w = malloc(sizeof(*w));
	*w = (struct work){ NULL, run, context, s->n_put++ };
	*s->last = w;
	s->last = &w->next;
}

void
emulation_enqueue(cudaStream_t stream, void (*run)(void *work), void *work)
{
	lock();
	put(stream, run, work);
	unlock(cudaSuccess);
}

cudaError_t
cudaStreamCreateWithFlags(cudaStream_t *ret, unsigned flags)
{
	struct emulated_stream *s = calloc(1, sizeof(*s));

	(void)flags;
	s->last = &s->first;
	lock();
	s->other = device.streams;
	device.streams = s;
	*ret = s;
	return unlock(cudaSuccess);
}

cudaError_t
cudaStreamSynchronize(cudaStream_t stream)
{
	lock();
	if (stream)
		catch_up(stream, stream->n_put);
	return unlock(cudaSuccess);
}

cudaError_t
cudaStreamDestroy(cudaStream_t stream)
{
	lock();
	catch_up(stream, stream->n_put);
	for (struct emulated_stream **at = &device.streams; *at; at = &(*at)->other)
		if (*at == stream) {
			*at = stream->other;
			break;
		}
	free(stream);
	return unlock(cudaSuccess);
}

cudaError_t
cudaEventCreateWithFlags(cudaEvent_t *ret, unsigned flags)
{
	(void)flags;
	*ret = calloc(1, sizeof(**ret));
	return cudaSuccess;
}

cudaError_t
cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
	lock();
	*event = (struct emulated_event){ stream, stream->n_put };
	return unlock(cudaSuccess);
}

cudaError_t
cudaEventSynchronize(cudaEvent_t event)
{
	lock();
	if (event->stream)
		catch_up(event->stream, event->number);
	return unlock(cudaSuccess);
}

cudaError_t
cudaEventDestroy(cudaEvent_t event)
{
	free(event);
	return cudaSuccess;
}

/* ---- memory ---- */

static struct block_head *
give(size_t size)
{
	struct block_head *b = aligned_alloc(64, (sizeof(*b) + size + 63) / 64 * 64);

	*b = (struct block_head){ .size = size };
	memset(b + 1, 255, size);
	return b;
}

cudaError_t
cudaMalloc(void **ret, size_t size)
{
	lock();
	if (device.in_use + size > device.memory)
		return unlock(cudaErrorMemoryAllocation);
	device.in_use += size;
	*ret = give(size) + 1;
	return unlock(cudaSuccess);
}

cudaError_t
cudaFree(void *p)
{
	struct block_head *b = p;

	lock();
	if (p) {
		for (struct emulated_stream *s = device.streams; s; s = s->other)
			catch_up(s, s->n_put);
		b--;
		device.in_use -= b->size;
		memset(p, 255, b->size);
		free(b);
	}
	return unlock(cudaSuccess);
}

cudaError_t
cudaMallocHost(void **ret, size_t size)
{
	struct block_head *b = give(size);

	lock();
	b->next = device.pinned;
	device.pinned = b;
	*ret = b + 1;
	return unlock(cudaSuccess);
}

cudaError_t
cudaFreeHost(void *p)
{
	lock();
	for (struct block_head **at = &device.pinned; p && *at; at = &(*at)->next)
		if (*at + 1 == p) {
			struct block_head *b = *at;

			*at = b->next;
			free(b);
			break;
		}
	return unlock(cudaSuccess);
}

static bool
is_pinned(const void *p)
{
	for (const struct block_head *b = device.pinned; b; b = b->next)
		if ((uintptr_t)p >= (uintptr_t)(b + 1) &&
		    (uintptr_t)p < (uintptr_t)(b + 1) + b->size)
			return true;
	return false;
}

struct transfer {
	void *to;
	const void *from;
	int byte;
	size_t n;
};

static void
run_copy(void *work)
{
	const struct transfer *t = work;

	memcpy(t->to, t->from, t->n);
}

static void
run_fill(void *work)
{
	const struct transfer *t = work;

	memset(t->to, t->byte, t->n);
}

static struct transfer *
make_transfer(struct transfer t)
{
	struct transfer *copy = malloc(sizeof(*copy));

	*copy = t;
	return copy;
}

cudaError_t
cudaMemcpy(void *to, const void *from, size_t n, enum cudaMemcpyKind kind)
{
	(void)kind;
	lock();
	memcpy(to, from, n);
	return unlock(cudaSuccess);
}

/* Host memory that is not pinned is copied before the call returns. */
cudaError_t
cudaMemcpyAsync(void *to, const void *from, size_t n, enum cudaMemcpyKind kind, cudaStream_t stream)
{
	const void *host = kind == cudaMemcpyHostToDevice ? from : to;

	lock();
	put(stream, run_copy, make_transfer((struct transfer){ .to = to, .from = from, .n = n }));
	if (stream && kind != cudaMemcpyDeviceToDevice && !is_pinned(host))
		catch_up(stream, stream->n_put);
	return unlock(cudaSuccess);
}

cudaError_t
cudaMemsetAsync(void *to, int byte, size_t n, cudaStream_t stream)
{
	lock();
	put(stream, run_fill, make_transfer((struct transfer){ .to = to, .byte = byte, .n = n }));
	return unlock(cudaSuccess);
}

cudaError_t
cudaMemGetInfo(size_t *ret_free, size_t *ret_total)
{
	lock();
	*ret_total = device.memory;
	*ret_free = device.memory - device.in_use;
	return unlock(cudaSuccess);
}

/* ---- the device ---- */

static bool
is_kind(const char *kind)
{
	const char *text = getenv("CELLPIPE_EMULATED_DEVICE");

	return text && strcmp(text, kind) == 0;
}

cudaError_t
cudaFuncSetAttribute(const void *kernel, enum cudaFuncAttribute which, int value)
{
	(void)kernel;
	(void)which;
	return value <= 163840 ? cudaSuccess : cudaErrorLaunchFailure;
}

cudaError_t
cudaGetDeviceCount(int *ret)
{
	*ret = is_kind("none") || is_kind("driver") ? 0 : 1;
	return is_kind("driver") ? cudaErrorInsufficientDriver
	       : *ret            ? cudaSuccess
				 : cudaErrorNoDevice;
}

cudaError_t
cudaGetDeviceProperties(struct cudaDeviceProp *ret, int number)
{
	(void)number;
	*ret = (struct cudaDeviceProp){ .name = "emulated", .major = is_kind("old") ? 7 : 9 };
	return cudaSuccess;
}

cudaError_t
cudaDriverGetVersion(int *ret)
{
	*ret = is_kind("driver") ? 12020 : 13000;
	return cudaSuccess;
}

cudaError_t
cudaRuntimeGetVersion(int *ret)
{
	*ret = 13000;
	return cudaSuccess;
}

cudaError_t
cudaGetLastError(void)
{
	lock();
	return unlock(cudaSuccess);
}

const char *
cudaGetErrorString(cudaError_t status)
{
	static const char *const texts[] = { "no error", "out of memory",
		"CUDA driver version is insufficient for CUDA runtime version",
		"no CUDA-capable device is detected", "unspecified launch failure" };

	return texts[status];
}
