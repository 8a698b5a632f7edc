/* emulation.cc - blocks of threads as coroutines, and the instructions that they do together. */

#include <stdio.h>
#include <string.h>
#include <ucontext.h>

#include "cuda/cuda_device.h"
#include "emulated_numbers.h"

enum { MOST_THREADS = 1024, MOST_COPIES = 256, STACK = 256 * 1024 };

/* A thread waits until *counter is no longer `since`. */
struct wait_for {
	const unsigned *counter;
	unsigned since;
};

struct copy {
	void *to;
	const void *from;
	bool is_there;
	int group;
};

/* A place to go on. The context is for the first step into a coroutine only: changing it asks the
 * system for something each time, which would take most of the time, and the address sanitizer
 * clears whole stacks. It knows nothing of these jumps, and need not. */
struct place_in_code {
	ucontext_t context;
	void *at[5];
};

struct coroutine {
	struct place_in_code code;
	bool has_started;
	char *stack;
	struct emulated_place place;
	int warp, lane;
	bool is_done;
	struct wait_for wait;
	struct copy copies[MOST_COPIES];
	int n_copies, group;
};

/* What the lanes of a warp have brought to the instruction at which they meet. */
struct warp {
	int arrived;
	unsigned met;
	const char *what;
	const void *in[WARP], *more[WARP];
	void *out[WARP];
	int mask[WARP];
};

static struct {
	const struct emulated_launch *launch;
	struct place_in_code scheduler;
	struct coroutine *threads; /* [MOST_THREADS] */
	struct coroutine *now;
	struct warp warps[MOST_THREADS / WARP];
	int n, n_left, at_barrier;
	unsigned barriers;
	char *shared;
	bool is_reversed; /* threads run from the last to the first */
} block;

extern "C" void
emulation_fail(const char *what)
{
	fprintf(stderr, "emulated device: %s\n", what);
	abort();
}

const struct emulated_place *
emulation_place(void)
{
	return &block.now->place;
}

char *
shared_memory(void)
{
	return block.shared;
}

/* ---- coroutines ---- */

#define AS_WRITTEN __attribute__((noinline, no_sanitize("address")))

static AS_WRITTEN void
jump(struct place_in_code *to)
{
	__builtin_longjmp(to->at, 1);
}

static AS_WRITTEN void
change(struct place_in_code *from, struct place_in_code *to, bool has_started)
{
	if (__builtin_setjmp(from->at) == 0) {
		if (has_started)
			jump(to);
		setcontext(&to->context);
	}
}

static void
go_back(void)
{
	change(&block.now->code, &block.scheduler, true);
}

static void
wait_until_changed(const unsigned *counter)
{
	block.now->wait.counter = counter;
	block.now->wait.since = *counter;
	go_back();
}

/* One thread after the other, for ever. */
static void
run_coroutine(void)
{
	for (;;) {
		block.launch->run_thread(block.launch);
		block.now->is_done = true;
		block.n_left++;
		if (block.at_barrier)
			emulation_fail("a thread has left while others wait for it");
		go_back();
	}
}

static void
create(struct coroutine *c)
{
	c->stack = (char *)malloc(STACK);
	getcontext(&c->code.context);
	c->code.context.uc_stack.ss_sp = c->stack;
	c->code.context.uc_stack.ss_size = STACK;
	c->code.context.uc_link = NULL;
	makecontext(&c->code.context, run_coroutine, 0);
}

static void
start(int i)
{
	struct coroutine *c = &block.threads[i];
	dim3 size = block.launch->block;

	if (!c->stack)
		create(c);
	c->place.thread = dim3(
	    (unsigned)i % size.x, (unsigned)i / size.x % size.y, (unsigned)i / size.x / size.y);
	c->warp = i / WARP;
	c->lane = i % WARP;
	c->is_done = false;
	c->wait.counter = NULL;
	c->n_copies = c->group = 0;
}

/* One turn of the threads of a warp that can go on; whether there was one. */
static bool
take_turns(int first)
{
	bool has_moved = false;

	for (int i = 0; i < WARP; i++) {
		struct coroutine *c =
		    &block.threads[first + (block.is_reversed ? WARP - 1 - i : i)];

		if (c->is_done || (c->wait.counter && *c->wait.counter == c->wait.since))
			continue;
		c->wait.counter = NULL;
		block.now = c;
		change(&block.scheduler, &c->code, c->has_started);
		c->has_started = has_moved = true;
	}
	return has_moved;
}

/* Each warp goes as far as it can before the next one goes on, so that what one may not do before
 * the others have come to a barrier shows. Whether anything has moved. */
static bool
go_on(void)
{
	bool has_moved = false;

	for (int i = 0; i < block.n; i += WARP)
		while (take_turns(block.is_reversed ? block.n - WARP - i : i))
			has_moved = true;
	return has_moved;
}

static void
run_block(dim3 place)
{
	block.n_left = block.at_barrier = 0;
	memset(block.warps, 0, sizeof(block.warps));
	memset(block.shared, 255, block.launch->bytes);
	for (int i = 0; i < block.n; i++) {
		start(i);
		block.threads[i].place.block = place;
		block.threads[i].place.grid = block.launch->grid;
	}
	while (block.n_left < block.n)
		if (!go_on())
			emulation_fail("threads wait for each other for ever");
}

void
emulation_run(const struct emulated_launch *launch)
{
	dim3 grid = launch->grid;

	block.launch = launch;
	block.n = (int)(launch->block.x * launch->block.y * launch->block.z);
	if (block.n == 0 || block.n > MOST_THREADS || block.n % WARP || !grid.x || !grid.y ||
	    grid.y > 65535 || grid.z != 1 || launch->bytes > 163840)
		emulation_fail("a launch that no device allows");
	if (!block.threads) {
		block.threads = (struct coroutine *)calloc(MOST_THREADS, sizeof(struct coroutine));
		block.is_reversed = getenv("CELLPIPE_EMULATED_REVERSED") != NULL;
	}
	block.shared = (char *)aligned_alloc(16, (launch->bytes + 16) / 16 * 16);
	for (unsigned y = 0; y < grid.y; y++)
		for (unsigned x = 0; x < grid.x; x++)
			run_block(dim3(x, y, 0));
	free(block.shared);
	block.shared = NULL;
}

/* ---- meeting ---- */

void
__syncthreads(void)
{
	if (block.n_left)
		emulation_fail("a barrier after a thread has left");
	if (++block.at_barrier < block.n) {
		wait_until_changed(&block.barriers);
		return;
	}
	block.at_barrier = 0;
	block.barriers++;
}

/* The last lane to come does it for all; then all go on. */
static void
meet(const char *what, const void *in, const void *more, void *out, int mask,
    void (*act)(struct warp *w))
{
	struct warp *w = &block.warps[block.now->warp];
	int lane = block.now->lane;

	if (w->arrived && strcmp(w->what, what) != 0)
		emulation_fail("the lanes of a warp do different things");
	w->what = what;
	w->in[lane] = in;
	w->more[lane] = more;
	w->out[lane] = out;
	w->mask[lane] = mask;
	if (++w->arrived < WARP) {
		wait_until_changed(&w->met);
		return;
	}
	act(w);
	w->arrived = 0;
	w->met++;
}

template <class F>
static void
exchange_all(struct warp *w)
{
	F got[WARP];

	for (int i = 0; i < WARP; i++)
		got[i] = *(const F *)w->in[i ^ w->mask[i]];
	for (int i = 0; i < WARP; i++)
		*(F *)w->out[i] = got[i];
}

float
exchange(float x, int mask)
{
	float ret;

	meet("exchange float", &x, NULL, &ret, mask, exchange_all<float>);
	return ret;
}

double
exchange(double x, int mask)
{
	double ret;

	meet("exchange double", &x, NULL, &ret, mask, exchange_all<double>);
	return ret;
}

/* ---- copies ---- */

static void
check_aligned(const void *p)
{
	if ((uintptr_t)p % 16)
		emulation_fail("16 bytes that do not lie at a multiple of 16");
}

void
copy16(void *shared, const void *global, bool is_there)
{
	struct coroutine *c = block.now;
	struct copy copy = { shared, global, is_there, c->group };

	check_aligned(shared);
	check_aligned(global);
	if (c->n_copies == MOST_COPIES)
		emulation_fail("more copies under way than are expected");
	memset(shared, 255, 16);
	c->copies[c->n_copies++] = copy;
}

void
copy_commit(void)
{
	block.now->group++;
}

void
copy_wait_for(int n)
{
	struct coroutine *c = block.now;
	int left = 0;

	for (int i = 0; i < c->n_copies; i++) {
		struct copy *copy = &c->copies[i];

		if (copy->group >= c->group - n)
			c->copies[left++] = *copy;
		else if (copy->is_there)
			memcpy(copy->to, copy->from, 16);
		else
			memset(copy->to, 0, 16);
	}
	c->n_copies = left;
}

/* ---- matrices ---- */

static void
load_all(struct warp *w)
{
	for (int lane = 0; lane < WARP; lane++)
		for (int m = 0; m < 4; m++) {
			const void *row = w->in[8 * m + lane / 4];
			uint32_t *to = (uint32_t *)w->out[lane] + m;

			check_aligned(row);
			memcpy(to, (const uint16_t *)row + 2 * (lane % 4), sizeof(*to));
		}
}

static void
load_all_transposed(struct warp *w)
{
	for (int lane = 0; lane < WARP; lane++)
		for (int m = 0; m < 4; m++) {
			const uint16_t *first = (const uint16_t *)w->in[8 * m + 2 * (lane % 4)];
			const uint16_t *second =
			    (const uint16_t *)w->in[8 * m + 2 * (lane % 4) + 1];

			check_aligned(first);
			check_aligned(second);
			((uint32_t *)w->out[lane])[m] =
			    (uint32_t)first[lane / 4] | (uint32_t)second[lane / 4] << 16;
		}
}

void
load_matrices(uint32_t ret[4], const void *row)
{
	meet("load", row, NULL, ret, 0, load_all);
}

void
load_matrices_transposed(uint32_t ret[4], const void *row)
{
	meet("load transposed", row, NULL, ret, 0, load_all_transposed);
}

template <class T>
static float
half_of(uint32_t pair, int which)
{
	T x;

	x.bits = (uint16_t)(which ? pair >> 16 : pair & 0xffff);
	return widen(x);
}

/* Fragments as the PTX manual has them for mma.m16n8k16 with 16-bit factors. */
template <class T>
static void
multiply_all(struct warp *w)
{
	float a[16][16], b[16][8];

	for (int lane = 0; lane < WARP; lane++) {
		const uint32_t *pa = (const uint32_t *)w->in[lane];
		const uint32_t *pb = (const uint32_t *)w->more[lane];
		int group = lane >> 2, in_group = lane % 4;

		for (int i = 0; i < 8; i++) {
			int row = i < 2 || (i >= 4 && i < 6) ? group : group + 8;
			int column = in_group * 2 + (i & 1) + (i >= 4 ? 8 : 0);

			a[row][column] = half_of<T>(pa[i / 2], i % 2);
		}
		for (int i = 0; i < 4; i++)
			b[in_group * 2 + (i & 1) + (i >= 2 ? 8 : 0)][group] =
			    half_of<T>(pb[i / 2], i % 2);
	}
	for (int lane = 0; lane < WARP; lane++)
		for (int i = 0; i < 4; i++) {
			int row = (lane >> 2) + (i < 2 ? 0 : 8), column = lane % 4 * 2 + (i & 1);
			float sum = 0;

			for (int k = 0; k < 16; k++)
				sum += a[row][k] * b[k][column];
			((float *)w->out[lane])[i] += sum;
		}
}

void
multiply_add(float d[4], const uint32_t a[4], const uint32_t b[2], struct bf16)
{
	meet("multiply bf16", a, b, d, 0, multiply_all<struct bf16>);
}

void
multiply_add(float d[4], const uint32_t a[4], const uint32_t b[2], struct fp16)
{
	meet("multiply fp16", a, b, d, 0, multiply_all<struct fp16>);
}

/* ---- 16-bit numbers ---- */

float
widen(struct bf16 x)
{
	return number_from_bf16(x.bits);
}

void
narrow(float x, struct bf16 *ret)
{
	ret->bits = number_to_bf16(x);
}

float
widen(struct fp16 x)
{
	return number_from_fp16(x.bits);
}

void
narrow(float x, struct fp16 *ret)
{
	ret->bits = number_to_fp16(x);
}
