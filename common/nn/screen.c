/*  1. opening
 *  2. what is estimated of rows of hidden states
 *  3. backward: the genes' own part
 *  4. forward: the part of the positions
 *  5. both together */

#include "nn/screen.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "nn/backward.h"

enum { PLACES = 32, DIRECTIONS_FIRST = 16, DIRECTIONS_MEAN = 4, BATCH_TOKENS = 2048 };

/* ---- 1. opening ---- */

struct worker {
	struct backward *backward;
	struct arena arena;
};

struct screen {
	const struct model *model;
	struct backend *backend;
	struct plan plan;
	bool is_deletion; /* else overexpression */
	size_t hidden;
	float *goal; /* [hidden], of length 1; or NULL */
	size_t n_directions;
	struct worker *workers;
	size_t n_workers;
};

static double
dot(const float *a, const float *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)a[i] * (double)b[i];
	return sum;
}

/* Never 0. */
static double
length_of(const float *a, size_t n)
{
	double length = sqrt(dot(a, a, n));

	return length > 1e-8 ? length : 1e-8;
}

static void
take_goal(struct screen *s, const float *goal)
{
	double length = length_of(goal, s->hidden);

	s->goal = mem_alloc(s->hidden, sizeof(*s->goal));
	for (size_t i = 0; i < s->hidden; i++)
		s->goal[i] = (float)((double)goal[i] / length);
}

static int
start_workers(struct screen *s, size_t n)
{
	const struct backward_options options = { .is_frugal = true };

	s->workers = mem_zero(n, sizeof(*s->workers));
	s->n_workers = n;
	for (size_t i = 0; i < n; i++)
		s->workers[i].backward = backward_create(s->backend, s->model, &s->plan, &options);
	return 0;
}

struct screen *
screen_open(const struct model *m, const struct screen_options *o, struct err *e)
{
	struct screen *s = mem_zero(1, sizeof(*s));
	bool is_first = o->pool == EMBED_FIRST;
	enum device device;

	assert(is_first || o->pool == EMBED_MEAN);
	assert(o->type == PERTURB_DELETE || o->type == PERTURB_OVEREXPRESS);
	s->is_deletion = o->type == PERTURB_DELETE;
	s->model = m;
	s->hidden = m->config.hidden;
	s->n_directions = o->goal ? 1 : is_first ? DIRECTIONS_FIRST : DIRECTIONS_MEAN;
	if (device_parse(o->device, &device, e) == 0 &&
	    plan_make(&s->plan, m, is_first ? PLAN_FIRST : PLAN_ALL, PLAN_HIDDEN, o->layer, e) == 0)
		s->backend =
		    backend_open(device == DEVICE_AUTO ? DEVICE_CPU : device, PRECISION_F32, e);
	if (s->backend && !s->backend->gradient)
		err_set(e, "device %s: it cannot estimate perturbations, use --device cpu",
		    s->backend->name);
	if (e->is_set) {
		screen_close(s);
		return NULL;
	}
	if (o->goal)
		take_goal(s, o->goal);
	start_workers(s, o->workers);
	return s;
}

void
screen_close(struct screen *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_workers; i++) {
		backward_free(s->workers[i].backward);
		arena_free(&s->workers[i].arena);
	}
	free(s->workers);
	free(s->goal);
	backend_close(s->backend);
	free(s);
}

/* ---- 2. what is estimated of rows of hidden states ---- */

/* A cell and what is known of it. Rows: 1 (FIRST) or n (MEAN), of which `used` from `first` count.
 */
struct estimate {
	const struct screen *s;
	struct backward *backward;
	struct arena *arena;
	const int32_t *ids;
	size_t n, from, n_genes;
	size_t rows, first, used;
	float *original; /* [rows][hidden] */
	double *lengths; /* [used] */
	float *at_front; /* the same, of genes that are put first; NULL for deletions and FIRST */
	float *mean;     /* [hidden]: of the used rows */
	float **directions; /* [n_directions][rows][hidden] */
	double **own;       /* [n_directions][n_genes]: of the gene's own key */
	double **linear; /* [n_directions][n_genes + 1]: of the genes behind it, to first order */
	size_t places[PLACES], n_places; /* genes, ascending, the first 0 */
	double *loss;                    /* [n_places]: 1 - cos, without a goal */
	double **moved; /* [n_directions][n_places]: the genes behind it, in truth */
};

static void
average(const struct estimate *t, const float *rows, float *ret)
{
	size_t h = t->s->hidden;

	for (size_t c = 0; c < h; c++) {
		double sum = 0;

		for (size_t r = t->first; r < t->first + t->used; r++)
			sum += (double)rows[r * h + c];
		ret[c] = (float)(sum / (double)t->used);
	}
}

static double
cosine_to_goal(const struct screen *s, const float *x)
{
	return dot(x, s->goal, s->hidden) / length_of(x, s->hidden);
}

/* The gradient of the cosine of the mean with the goal, for every row that counts. */
static void
point_at_goal(struct estimate *t)
{
	size_t h = t->s->hidden;
	double length = length_of(t->mean, h), cosine = cosine_to_goal(t->s, t->mean);
	float *d = t->directions[0];

	memset(d, 0, t->rows * h * sizeof(*d));
	for (size_t r = t->first; r < t->first + t->used; r++)
		for (size_t c = 0; c < h; c++)
			d[r * h + c] =
			    (float)(((double)t->s->goal[c] - cosine * (double)t->mean[c] / length) /
				    length / (double)t->used);
}

/* Signs of chance, at right angles to the row, over its length. */
static void
point_anywhere(struct estimate *t, size_t k)
{
	size_t h = t->s->hidden;
	struct random chance = random_start(0, k);
	float *d = t->directions[k];
	uint32_t bits = 0;

	memset(d, 0, t->rows * h * sizeof(*d));
	for (size_t r = 0; r < t->used; r++) {
		const float *x = t->original + (t->first + r) * h;
		float *to = d + (t->first + r) * h;
		double along;

		for (size_t c = 0; c < h; c++) {
			bits = c % 32 == 0 ? random_u32(&chance) : bits >> 1;
			to[c] = bits & 1 ? 1 : -1;
		}
		along = dot(to, x, h) / (t->lengths[r] * t->lengths[r]);
		for (size_t c = 0; c < h; c++)
			to[c] = (float)(((double)to[c] - along * (double)x[c]) / t->lengths[r]);
	}
}

/* How far the rows have moved along direction k; lengths do not count. */
static double
move_along(const struct estimate *t, size_t k, const float *rows)
{
	size_t h = t->s->hidden;
	double sum = 0;

	for (size_t r = 0; r < t->used; r++) {
		size_t at = (t->first + r) * h;

		/* the direction is at right angles to the original row */
		sum += dot(t->directions[k] + at, rows + at, h) * t->lengths[r] /
		       length_of(rows + at, h);
	}
	return sum;
}

static double
mean_loss(const struct estimate *t, const float *rows)
{
	size_t h = t->s->hidden;
	double sum = 0;

	for (size_t r = 0; r < t->used; r++) {
		size_t at = (t->first + r) * h;

		sum += 1 - dot(rows + at, t->original + at, h) /
			       (t->lengths[r] * length_of(rows + at, h));
	}
	return sum / (double)t->used;
}

/* ---- 3. backward: the genes' own part ---- */

/* The first-order effect of moving token i by one position, up for deletions. */
static double
move_token(const struct estimate *t, size_t i, const float *d_embeddings)
{
	size_t h = t->s->hidden, to = t->s->is_deletion ? i - 1 : i + 1;
	const float *from = t->s->model->position_embeddings + i * h;
	const float *there = t->s->model->position_embeddings + to * h, *d = d_embeddings + i * h;
	double sum = 0;

	for (size_t c = 0; c < h; c++)
		sum += (double)d[c] * ((double)there[c] - (double)from[c]);
	return sum;
}

/* Of the genes that each gene moves: those behind it, or those before it. */
static void
add_up_moves(struct estimate *t, const float *d_embeddings, double *ret)
{
	double sum = 0;

	if (t->s->is_deletion) {
		for (size_t i = t->n; i-- > t->from + t->n_genes;)
			sum += move_token(t, i, d_embeddings);
		ret[t->n_genes] = 0;
		for (size_t i = t->n_genes; i-- > 0;) {
			ret[i] = sum;
			if (t->from + i > 0)
				sum += move_token(t, t->from + i, d_embeddings);
		}
		return;
	}
	for (size_t i = 0; i < t->n_genes; i++) {
		ret[i] = sum;
		if (i + 1 < t->n_genes)
			sum += move_token(t, t->from + i, d_embeddings);
	}
	ret[t->n_genes] = sum;
}

/* The backward pass along direction k. */
static int
go_back(struct estimate *t, size_t k, struct err *e)
{
	float *own = arena_alloc(t->arena, t->n, sizeof(*own));
	struct backward_inputs in = { .embeddings =
					  arena_alloc(t->arena, t->n * t->s->hidden, sizeof(float)),
		.deletion = t->s->is_deletion ? own : NULL,
		.replacement = t->s->is_deletion ? NULL : own };

	if (backward_run(t->backward, t->directions[k], &in, e))
		return -1;
	add_up_moves(t, in.embeddings, t->linear[k]);
	for (size_t i = 0; i < t->n_genes; i++)
		t->own[k][i] = (double)own[t->from + i];
	return 0;
}

/* The genes as they would be in front of the others. */
static int
put_in_front(struct estimate *t, struct err *e)
{
	if (t->s->is_deletion)
		return 0;
	if (t->rows > 1)
		t->at_front = arena_alloc(t->arena, t->rows, t->s->hidden * sizeof(*t->at_front));
	return backward_probe(t->backward, (int32_t)t->from, t->at_front, e);
}

static int
start_estimate(struct estimate *t, struct err *e)
{
	size_t h = t->s->hidden, n = t->s->n_directions, offsets[2] = { 0, t->n };
	struct forward_cells cells = { .n = 1, .ids = t->ids, .offsets = offsets };
	int status;

	t->original = arena_alloc(t->arena, t->rows * h, sizeof(*t->original));
	t->lengths = arena_alloc(t->arena, t->used, sizeof(*t->lengths));
	t->mean = arena_alloc(t->arena, h, sizeof(*t->mean));
	t->directions = arena_alloc(t->arena, n, sizeof(*t->directions));
	t->own = arena_alloc(t->arena, n, sizeof(*t->own));
	t->linear = arena_alloc(t->arena, n, sizeof(*t->linear));
	status = backward_forward(t->backward, &cells, NULL, t->original, e);
	if (status == 0)
		status = put_in_front(t, e);
	average(t, t->original, t->mean);
	for (size_t r = 0; r < t->used; r++)
		t->lengths[r] = length_of(t->original + (t->first + r) * h, h);
	for (size_t k = 0; k < n && status == 0; k++) {
		t->directions[k] = arena_alloc(t->arena, t->rows * h, sizeof(float));
		t->own[k] = arena_alloc(t->arena, t->n_genes, sizeof(double));
		t->linear[k] = arena_alloc(t->arena, t->n_genes + 1, sizeof(double));
		if (t->s->goal)
			point_at_goal(t);
		else
			point_anywhere(t, k);
		status = go_back(t, k, e);
	}
	return status;
}

/* ---- 4. forward: the part of the positions ---- */

/* Genes 0, 1, 4, 9 ... of 962, and the last. */
static void
choose_places(struct estimate *t)
{
	for (size_t k = 0; k < PLACES; k++) {
		size_t last = PLACES - 1, at = (t->n_genes - 1) * k * k / (last * last);

		if (t->n_places > 0 && at <= t->places[t->n_places - 1])
			at = t->places[t->n_places - 1] + 1;
		if (at < t->n_genes)
			t->places[t->n_places++] = at;
	}
}

static void
note_moved(struct estimate *t, size_t place, const float *rows)
{
	if (t->s->goal) {
		float *mean = arena_alloc(t->arena, t->s->hidden, sizeof(*mean));

		average(t, rows, mean);
		t->moved[0][place] = cosine_to_goal(t->s, mean) - cosine_to_goal(t->s, t->mean);
		return;
	}
	t->loss[place] = mean_loss(t, rows);
	for (size_t k = 0; k < t->s->n_directions; k++)
		t->moved[k][place] = move_along(t, k, rows);
}

/* The position of token i where the gene at `place` is perturbed; its own stays. */
static size_t
moved_position(const struct estimate *t, size_t place, size_t i)
{
	if (t->s->is_deletion)
		return i > place ? i - 1 : i;
	return i >= t->from && i < place ? i + 1 : i;
}

/* The cell with the genes moved that the one at a place moves, for some places at once. */
static int
move_genes(struct estimate *t, size_t place, size_t copies, struct err *e)
{
	size_t n = t->n, *offsets = arena_alloc(t->arena, copies + 1, sizeof(*offsets));
	int32_t *ids = arena_alloc(t->arena, copies * n, sizeof(*ids));
	int32_t *positions = arena_alloc(t->arena, copies * n, sizeof(*positions));
	float *rows = arena_alloc(t->arena, copies * t->rows, t->s->hidden * sizeof(*rows));
	struct forward_cells cells = { .n = copies, .ids = ids, .offsets = offsets };

	for (size_t k = 0; k < copies; k++) {
		size_t at = t->from + t->places[place + k];

		offsets[k] = k * n;
		memcpy(ids + k * n, t->ids, n * sizeof(*ids));
		for (size_t i = 0; i < n; i++)
			positions[k * n + i] = (int32_t)moved_position(t, at, i);
	}
	offsets[copies] = copies * n;
	if (backward_forward(t->backward, &cells, positions, rows, e))
		return -1;
	for (size_t k = 0; k < copies; k++)
		note_moved(t, place + k, rows + k * t->rows * t->s->hidden);
	return 0;
}

static int
move_all(struct estimate *t, struct err *e)
{
	size_t at_once = t->n < BATCH_TOKENS ? BATCH_TOKENS / t->n : 1;

	choose_places(t);
	t->loss = arena_alloc(t->arena, t->n_places, sizeof(*t->loss));
	t->moved = arena_alloc(t->arena, t->s->n_directions, sizeof(*t->moved));
	for (size_t k = 0; k < t->s->n_directions; k++)
		t->moved[k] = arena_alloc(t->arena, t->n_places, sizeof(**t->moved));
	for (size_t place = 0; place < t->n_places; place += at_once) {
		size_t left = t->n_places - place;

		if (move_genes(t, place, left < at_once ? left : at_once, e))
			return -1;
	}
	return 0;
}

/* A value for every gene from those at the places, the last of which is the last gene, and, unless
 * it is NULL, the course that `linear` takes in between. */
static void
interpolate(const struct estimate *t, const double *at_places, const double *linear, double *ret)
{
	for (size_t k = 0; k + 1 < t->n_places; k++) {
		size_t a = t->places[k], b = t->places[k + 1];
		double start = at_places[k] - (linear ? linear[a] : 0);
		double end = at_places[k + 1] - (linear ? linear[b] : 0);

		for (size_t i = a; i < b; i++) {
			double part = (double)(i - a) / (double)(b - a);

			ret[i] = start + part * (end - start) + (linear ? linear[i] : 0);
		}
	}
	ret[t->n_genes - 1] = at_places[t->n_places - 1];
}

/* ---- 5. both together ---- */

/* What leaving token i out of the mean, or putting it in front, does to the cosine of the mean with
 * the goal. */
static double
replace_row(const struct estimate *t, size_t i, float *mean)
{
	size_t h = t->s->hidden;
	const float *row = t->original + i * h;

	for (size_t c = 0; c < h; c++)
		mean[c] = t->mean[c] * (float)t->used - row[c] +
			  (t->at_front ? t->at_front[i * h + c] : 0);
	return cosine_to_goal(t->s, mean) - cosine_to_goal(t->s, t->mean);
}

static void
combine(struct estimate *t, double *ret)
{
	const struct screen *s = t->s;
	double *moved = arena_alloc(t->arena, t->n_genes, sizeof(*moved));
	double share = 1 / ((double)s->n_directions * (double)t->used);

	if (s->goal) {
		float *mean = arena_alloc(t->arena, s->hidden, sizeof(*mean));

		interpolate(t, t->moved[0], t->linear[0], ret);
		for (size_t i = 0; i < t->n_genes; i++) {
			ret[i] += t->own[0][i];
			if (t->rows > 1 && t->used > 1)
				ret[i] += replace_row(t, t->from + i, mean);
		}
		return;
	}
	interpolate(t, t->loss, NULL, ret);
	/* half of |own + moved|^2 - |moved|^2 */
	for (size_t k = 0; k < s->n_directions; k++) {
		interpolate(t, t->moved[k], t->linear[k], moved);
		for (size_t i = 0; i < t->n_genes; i++)
			ret[i] += t->own[k][i] * (t->own[k][i] / 2 + moved[i]) * share;
	}
}

int
screen_cell(struct screen *s, size_t worker, const int32_t *ids, size_t n, size_t from,
    size_t n_genes, double *ret, struct err *e)
{
	bool is_first = s->plan.rows == PLAN_FIRST;
	struct estimate t = { .s = s,
		.backward = s->workers[worker].backward,
		.arena = &s->workers[worker].arena,
		.ids = ids,
		.n = n,
		.from = from,
		.n_genes = n_genes,
		.rows = is_first ? 1 : n,
		.first = is_first ? 0 : from,
		.used = is_first ? 1 : n_genes };
	int status = 0;

	assert(worker < s->n_workers && from + n_genes <= n);
	if (n_genes > 0)
		status = start_estimate(&t, e) || move_all(&t, e) ? -1 : 0;
	if (status == 0 && n_genes > 0)
		combine(&t, ret);
	if (is_first && from == 0 && n_genes > 0)
		ret[0] = INFINITY;
	arena_reset(t.arena);
	return status;
}
