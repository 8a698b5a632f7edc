#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/ranks.h"
#include "formats/json_file.h"
#include "formats/safetensors.h"
#include "nn/gradient.h"
#include "nn/training_state.h"

enum { N_RUNS = 4 };

static const char *const run_names[N_RUNS] = { "weights", "mean", "square", "best" };

/* The first three runs of values, where they are on the device. */
static void
list_runs(struct parameters *p, struct learner *l, float *ret_runs[3])
{
	struct learner_state s = learner_state(l);

	ret_runs[0] = p->values;
	ret_runs[1] = s.mean;
	ret_runs[2] = s.square;
}

/* ---- settings ---- */

static void
say_value(const json_t *value, char *text, size_t size)
{
	char *dump = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9)) : NULL;

	snprintf(text, size, "%s", dump ? dump : "nothing");
	free(dump);
}

/* The first key of `all` whose value in `others` is another one, or not there; or NULL. */
static const char *
find_difference(const json_t *all, const json_t *others)
{
	const char *key;
	const json_t *value;

	json_object_foreach((json_t *)(uintptr_t)all, key, value)
	{
		const json_t *other = json_object_get(others, key);

		if (!other || !json_equal((json_t *)(uintptr_t)other, (json_t *)(uintptr_t)value))
			return key;
	}
	return NULL;
}

int
training_settings_compare(const json_t *kept, const json_t *now, const char *where, struct err *e)
{
	const char *key;
	char was[80], is[80];

	if (!json_is_object(kept))
		return err_set(e, "%s: says nothing of the settings of its run", where);
	key = find_difference(now, kept);
	if (!key)
		key = find_difference(kept, now);
	if (!key)
		return 0;
	say_value(json_object_get(kept, key), was, sizeof(was));
	say_value(json_object_get(now, key), is, sizeof(is));
	return err_set(e, "%s: was made with %s %s, not %s", where, key, was, is);
}

/* ---- writing ---- */

static char *
describe(
    const struct training_state *s, uint64_t updates, const json_t *settings, const json_t *memory)
{
	json_t *root = json_pack("{s:i s:I s:I s:I s:I s:I s:f s:I s:b s:b s:O}", "format", 1,
	    "step", (json_int_t)s->step, "tokens", (json_int_t)s->tokens, "epoch",
	    (json_int_t)s->epoch, "place", (json_int_t)s->place, "updates", (json_int_t)updates,
	    "loss", s->loss, "losses", (json_int_t)s->n_losses, "must_evaluate",
	    (int)s->must_evaluate, "is_over", (int)s->is_over, "settings", settings);
	char *text;

	assert(root);
	if (memory)
		json_object_set(root, "memory", (json_t *)(uintptr_t)memory);
	text = json_dumps(root, JSON_COMPACT);
	assert(text);
	json_decref(root);
	return text;
}

static struct tensor
run_tensor(const char *name, const float *values, size_t n)
{
	struct tensor t = {
		.name = name, .type = TENSOR_F32, .rank = 1, .shape = { n }, .data = values
	};
	bool fits = tensor_measure(&t);

	assert(fits);
	(void)fits;
	return t;
}

int
training_state_write(const char *path, const struct parameters *p, struct learner *l,
    const struct training_state *state, const json_t *settings, const json_t *memory, struct err *e)
{
	const struct gradient_ops *op = p->backend->gradient;
	struct gradient_workspace *ws = op->workspace_create(p->backend);
	char *text = describe(state, *learner_state(l).n_updates, settings, memory);
	const char *metadata[] = { "state", text, NULL };
	float *runs[3], *host[3];
	struct tensor tensors[N_RUNS];

	list_runs((struct parameters *)(uintptr_t)p, l, runs);
	for (size_t i = 0; i < 3; i++) {
		host[i] = mem_alloc(p->n_values, sizeof(float));
		op->get(ws, host[i], runs[i], p->n_values);
		tensors[i] = run_tensor(run_names[i], host[i], p->n_values);
	}
	tensors[3] = run_tensor(run_names[3], state->best, p->n_values);
	safetensors_write(path, tensors, state->best ? 4 : 3, metadata, e);
	for (size_t i = 0; i < 3; i++)
		free(host[i]);
	free(text);
	op->workspace_free(ws);
	return e->is_set ? -1 : 0;
}

/* ---- reading ---- */

static uint64_t
count_in(const json_t *root, const char *key, const char *path, struct err *e)
{
	return (uint64_t)json_integer_in(root, key, 0, INT64_MAX, 0, path, e);
}

static void
take_state(const json_t *root, const char *path, struct training_state *ret, uint64_t *ret_updates,
    struct err *e)
{
	*ret = (struct training_state){ .step = count_in(root, "step", path, e),
		.tokens = count_in(root, "tokens", path, e),
		.epoch = count_in(root, "epoch", path, e),
		.place = count_in(root, "place", path, e),
		.loss = json_number_in(root, "loss", -1e300, 1e300, 0, path, e),
		.n_losses = count_in(root, "losses", path, e),
		.must_evaluate = json_is_true(json_object_get(root, "must_evaluate")),
		.is_over = json_is_true(json_object_get(root, "is_over")) };
	*ret_updates = count_in(root, "updates", path, e);
}

static const float *
find_run(
    const struct safetensors *file, const char *name, size_t n, const char *path, struct err *e)
{
	const struct tensor *t = safetensors_find(file, name);

	if (!t)
		err_set(e, "%s: no tensor %s", path, name);
	else if (t->type != TENSOR_F32 || t->count != n)
		err_set(e, "%s: tensor %s has %zu values, the model %zu", path, name, t->count, n);
	return e->is_set ? NULL : t->data;
}

static void
take_runs(const struct safetensors *file, struct parameters *p, struct learner *l, const char *path,
    struct training_state *ret, struct err *e)
{
	const struct gradient_ops *op = p->backend->gradient;
	struct gradient_workspace *ws = op->workspace_create(p->backend);
	float *runs[3], *host = mem_alloc(p->n_values, sizeof(*host));
	size_t size = p->n_values * sizeof(*host);

	list_runs(p, l, runs);
	for (size_t i = 0; i < 3; i++) {
		const float *from = find_run(file, run_names[i], p->n_values, path, e);

		if (!from)
			break;
		memcpy(host, from, size); /* the file's may lie at any address */
		op->put(ws, runs[i], host, p->n_values);
	}
	op->workspace_free(ws);
	if (!e->is_set && safetensors_find(file, run_names[3])) {
		const float *from = find_run(file, run_names[3], p->n_values, path, e);

		if (from)
			ret->best = memcpy(host, from, size);
	}
	if (!ret->best)
		free(host);
}

int
training_state_read(const char *path, struct parameters *p, struct learner *l,
    struct training_state *ret, const json_t *settings, json_t *memory, struct err *e)
{
	struct safetensors *file = safetensors_open(path, e);
	const char *text = file ? safetensors_metadata(file, "state") : NULL;
	json_t *root = text ? json_bytes_read(text, strlen(text), path, e) : NULL;
	uint64_t updates = 0;

	*ret = (struct training_state){ 0 };
	if (file && !text)
		err_set(e, "%s: is no checkpoint", path);
	if (root &&
	    training_settings_compare(json_object_get(root, "settings"), settings, path, e) == 0) {
		take_state(root, path, ret, &updates, e);
		if (!e->is_set)
			take_runs(file, p, l, path, ret, e);
		*learner_state(l).n_updates = updates;
		if (memory && json_is_object(json_object_get(root, "memory")))
			json_object_update(memory, json_object_get(root, "memory"));
	}
	json_decref(root);
	safetensors_close(file);
	return e->is_set ? -1 : 0;
}

/* ---- sharing ---- */

static void
share_runs(struct parameters *p, struct learner *l)
{
	const struct gradient_ops *op = p->backend->gradient;
	struct gradient_workspace *ws = op->workspace_create(p->backend);
	float *runs[3], *host = mem_alloc(p->n_values, sizeof(*host));

	list_runs(p, l, runs);
	for (size_t i = 0; i < 3; i++) {
		op->get(ws, host, runs[i], p->n_values);
		ranks_share(host, p->n_values * sizeof(*host));
		op->put(ws, runs[i], host, p->n_values);
	}
	op->workspace_free(ws);
	free(host);
}

static void
share_memory(json_t *memory)
{
	char *own = json_dumps(memory, JSON_COMPACT), *text;
	uint64_t size = strlen(own) + 1;
	json_t *first;

	ranks_share(&size, sizeof(size));
	text = mem_alloc(size, 1);
	if (ranks_is_first())
		memcpy(text, own, size);
	ranks_share(text, size);
	first = json_loads(text, 0, NULL);
	assert(first);
	json_object_update(memory, first);
	json_decref(first);
	free(own);
	free(text);
}

void
training_state_share(
    struct parameters *p, struct learner *l, struct training_state *state, json_t *memory)
{
	float *best = state->best;
	bool has_best = best != NULL;

	ranks_share(state, sizeof(*state));
	ranks_share(&has_best, sizeof(has_best));
	ranks_share(learner_state(l).n_updates, sizeof(uint64_t));
	if (has_best && !best)
		best = mem_alloc(p->n_values, sizeof(*best));
	state->best = best;
	if (has_best)
		ranks_share(best, p->n_values * sizeof(*best));
	share_runs(p, l);
	if (memory)
		share_memory(memory);
}
