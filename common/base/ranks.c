/* 1. One process
 * 2. Several
 * 3. The processes of a machine
 * 4. Start and end */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cpus.h"
#include "base/launcher.h"
#include "base/mem.h"
#include "base/ranks.h"

static struct {
	size_t n, own;
	bool is_started;
	bool has_failed; /* they have agreed on an error: nothing is exchanged any more */
} ranks = { .n = 1 };

/* 1. One process */

size_t
ranks_count(void)
{
	return ranks.n;
}

size_t
ranks_own(void)
{
	return ranks.own;
}

bool
ranks_is_first(void)
{
	return ranks.own == 0;
}

#ifdef CELLPIPE_MPI

#include <limits.h>
#include <mpi.h>
#include <time.h>

/* 2. Several */

/* Values that go over at a time: 4 MiB of float32. */
enum { PIECE = 1 << 20 };

/* MPI itself would wait at full speed, and take the CPU from those that it waits for. */
static void
wait_for(MPI_Request *request)
{
	struct timespec pause = { 0, 10000 };
	int is_done = 0;

	for (int tries = 0;; tries++) {
		MPI_Test(request, &is_done, MPI_STATUS_IGNORE);
		if (is_done)
			return;
		if (tries < 100)
			continue;
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < 250000)
			pause.tv_nsec *= 2;
	}
}

static void
take_error_of(size_t rank, struct err *e)
{
	MPI_Request request;

	ranks.has_failed = true;
	MPI_Ibcast(e->text, sizeof(e->text), MPI_CHAR, (int)rank, MPI_COMM_WORLD, &request);
	wait_for(&request);
	e->text[sizeof(e->text) - 1] = '\0';
	e->is_set = true;
	if (rank)
		err_prefix(e, "process %zu", rank);
}

int
ranks_agree(bool *any, struct err *e)
{
	int own[2] = { e->is_set ? (int)(ranks.n - ranks.own) : 0, any && *any }, all[2];
	MPI_Request request;

	if (ranks.n == 1 || ranks.has_failed)
		return e->is_set ? -1 : 0;
	MPI_Iallreduce(own, all, 2, MPI_INT, MPI_MAX, MPI_COMM_WORLD, &request);
	wait_for(&request);
	if (any)
		*any = all[1];
	if (all[0])
		take_error_of(ranks.n - (size_t)all[0], e);
	return e->is_set ? -1 : 0;
}

/* All of [ranks.n][n_runs][part] values: what goes out to each rank, and what came from each. */
struct exchange {
	size_t n_runs, part;
	float *out, *in;
};

/* Values from .. from + n - 1, cut into parts of the ranks; where there are none, 0. */
static void
fill(const struct exchange *x, float *const *runs, size_t from, size_t n)
{
	float *to = x->out;

	for (size_t r = 0; r < ranks.n; r++)
		for (size_t k = 0; k < x->n_runs; k++, to += x->part) {
			size_t at = r * x->part, left = at < n ? n - at : 0;
			size_t used = left < x->part ? left : x->part;

			memcpy(to, runs[k] + from + (n - left), used * sizeof(*to));
			memset(to + used, 0, (x->part - used) * sizeof(*to));
		}
}

/* Each rank adds up its part, which all then get: out [ranks.n][part]. */
static void
add_up(const struct exchange *x)
{
	int size = (int)(x->n_runs * x->part), part = (int)x->part;
	float *own = x->out + ranks.own * x->part;
	MPI_Request request;

	MPI_Ialltoall(x->out, size, MPI_FLOAT, x->in, size, MPI_FLOAT, MPI_COMM_WORLD, &request);
	wait_for(&request);
	memcpy(own, x->in, x->part * sizeof(*own));
	for (size_t k = 1; k < ranks.n * x->n_runs; k++)
		for (size_t i = 0; i < x->part; i++)
			own[i] += x->in[k * x->part + i];
	MPI_Iallgather(
	    MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, x->out, part, MPI_FLOAT, MPI_COMM_WORLD, &request);
	wait_for(&request);
}

void
ranks_add_f32(float *const *runs, size_t n_runs, size_t n)
{
	size_t most = n < PIECE ? n : PIECE;
	struct exchange x = { n_runs, (most + ranks.n - 1) / ranks.n, NULL, NULL };

	if (ranks.n == 1)
		return;
	x.out = mem_alloc(ranks.n * n_runs * x.part, sizeof(*x.out));
	x.in = mem_alloc(ranks.n * n_runs * x.part, sizeof(*x.in));
	for (size_t at = 0; at < n; at += most) {
		size_t now = n - at < most ? n - at : most;

		fill(&x, runs, at, now);
		add_up(&x);
		memcpy(runs[0] + at, x.out, now * sizeof(*x.out));
	}
	free(x.out);
	free(x.in);
}

void
ranks_add_f64(double *values, size_t n)
{
	MPI_Request request;
	double *got;

	if (ranks.n == 1)
		return;
	got = mem_alloc(ranks.n * n, sizeof(*got));
	MPI_Iallgather(
	    values, (int)n, MPI_DOUBLE, got, (int)n, MPI_DOUBLE, MPI_COMM_WORLD, &request);
	wait_for(&request);
	for (size_t i = 0; i < n; i++) {
		values[i] = 0;
		for (size_t r = 0; r < ranks.n; r++)
			values[i] += got[r * n + i];
	}
	free(got);
}

void
ranks_add_u64(uint64_t *values, size_t n)
{
	if (ranks.n > 1)
		MPI_Allreduce(MPI_IN_PLACE, values, (int)n, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
}

void
ranks_share(void *bytes, size_t n)
{
	MPI_Request request;
	char *at = bytes;

	for (size_t left = ranks.n > 1 ? n : 0; left;) {
		size_t now = left < INT_MAX ? left : INT_MAX;

		MPI_Ibcast(at, (int)now, MPI_BYTE, 0, MPI_COMM_WORLD, &request);
		wait_for(&request);
		at += now;
		left -= now;
	}
}

/* 3. The processes of a machine */

/* mpirun may have bound processes to CPUs of their own, or have them share. */
static int
count_threads(void)
{
	enum { MOST = 4096 };
	uint8_t *own = mem_zero(MOST, 1);
	uint16_t *all = mem_zero(MOST, sizeof(*all));
	double cpus = 0;
	int n, quota = cpus_quota("/proc/self/cgroup", "/sys/fs/cgroup");
	MPI_Comm machine;

	MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
	MPI_Comm_size(machine, &n);
	cpus_mark(own, MOST);
	for (size_t i = 0; i < MOST; i++)
		all[i] = own[i];
	MPI_Allreduce(MPI_IN_PLACE, all, MOST, MPI_UINT16_T, MPI_SUM, machine);
	for (size_t i = 0; i < MOST; i++)
		cpus += own[i] ? 1.0 / all[i] : 0;
	MPI_Comm_free(&machine);
	free(own);
	free(all);
	if (quota && (double)quota / n < cpus)
		cpus = (double)quota / n;
	return cpus + 1e-6 < 1 ? 1 : (int)(cpus + 1e-6);
}

/* 4. Start and end */

static int
join(struct cli *cli, const struct launcher *l, struct err *e)
{
	int level, rank, n;

	MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
	ranks.is_started = true;
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &n);
	if (l->size && n != l->size)
		return err_set(e,
		    "started as one of %d processes, but its own MPI knows of %d: it was built "
		    "with another MPI than the one that started it",
		    l->size, n);
	ranks.own = (size_t)rank;
	ranks.n = (size_t)n;
	if (cli->threads)
		return 0;
	cli->threads = count_threads();
	cli_inform(cli, "%d processes, the first with threads: %d", n, cli->threads);
	return 0;
}

#else

int
ranks_agree(bool *any, struct err *e)
{
	(void)any;
	return e->is_set ? -1 : 0;
}

void
ranks_add_f32(float *const *runs, size_t n_runs, size_t n)
{
	(void)runs, (void)n_runs, (void)n;
}

void
ranks_add_f64(double *values, size_t n)
{
	(void)values, (void)n;
}

void
ranks_add_u64(uint64_t *values, size_t n)
{
	(void)values, (void)n;
}

void
ranks_share(void *bytes, size_t n)
{
	(void)bytes, (void)n;
}

static int
join(struct cli *cli, const struct launcher *l, struct err *e)
{
	(void)cli, (void)l;
	return err_set(e, "started as one of several processes, but built without MPI");
}

#endif

int
ranks_start(struct cli *cli, struct err *e)
{
	struct launcher l = launcher_find();

	if (l.size != 1 && !l.has_mpi)
		err_set(e,
		    "started as one of %d processes that MPI does not connect (srun --mpi=pmix)",
		    l.size);
	else if (l.size != 1)
		join(cli, &l, e);
	if (!cli->threads)
		cli->threads = cpus_usable();
	return e->is_set ? -1 : 0;
}

int
ranks_end(const struct cli *cli, struct err *e)
{
	int status;

	ranks_agree(NULL, e);
	/* Where nothing connects them, as in cli_usage. */
	if (ranks.n == 1 && cli->is_mute && e->is_set)
		sleep(1);
	status = cli_status(cli, e);
#ifdef CELLPIPE_MPI
	if (ranks.is_started)
		MPI_Finalize();
#endif
	return status;
}
