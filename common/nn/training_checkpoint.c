/* 1. Settings
 * 2. Writing
 * 3. Starting, resuming
 * 4. What all ranks know */

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/ranks.h"
#include "formats/json_file.h"
#include "formats/safetensors.h"
#include "nn/cpu_isa.h"
#include "nn/training_private.h"

static const char metadata_key[] = "cellpipe:training", state_name[] = "training.safetensors";

/* 1. Settings */

void
training_collect_settings(struct run *r)
{
	const struct training_options *o = r->o;
	char corpus[33];
	json_t *own;

	token_corpus_hash(r->task->corpus, corpus);
	own = json_pack("{s:s s:I s:I s:I s:f s:i s:I s:f s:f s:f s:f s:f s:f s:f s:f s:I s:I s:s}",
	    "cells", corpus, "steps", (json_int_t)r->steps, "batch_tokens",
	    (json_int_t)o->batch_tokens, "batch_cells", (json_int_t)o->batch_cells, "rate",
	    o->adamw.rate, "schedule", (int)o->schedule, "warmup", (json_int_t)r->warmup, "decay",
	    o->adamw.decay, "beta1", o->adamw.beta1, "beta2", o->adamw.beta2, "epsilon",
	    o->adamw.epsilon, "clip", o->adamw.clip, "hidden_dropout", o->backward.hidden_dropout,
	    "attention_dropout", o->backward.attention_dropout, "classifier_dropout",
	    o->backward.classifier_dropout, "seed", (json_int_t)o->seed, "dropout_seed",
	    (json_int_t)o->backward.seed, "precision",
	    precision_name(r->task->parameters->backend->precision));
	assert(own);
	r->settings = json_object();
	if (r->task->settings)
		json_object_update(r->settings, (json_t *)(uintptr_t)r->task->settings);
	json_object_update(r->settings, own);
	if (ranks_count() > LEARNER_LANES)
		json_object_set_new(
		    r->settings, "processes", json_integer((json_int_t)ranks_count()));
	json_decref(own);
}

/* 2. Writing */

void
training_settle(const struct training_task *task)
{
	if (task->settle)
		task->settle(task->context);
}

/* For the model's own file: what made it. */
static char *
describe_training(const struct run *r, bool is_complete)
{
	json_t *root = json_pack("{s:I s:I s:b s:O}", "step", (json_int_t)r->state.step, "tokens",
	    (json_int_t)r->state.tokens, "is_complete", (int)is_complete, "settings", r->settings);
	char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);

	assert(text);
	json_decref(root);
	return text;
}

static void
note_place(struct run *r)
{
	r->state.epoch = token_order_epoch(r->order);
	r->state.place = token_order_place(r->order);
}

static int
note_saved(struct run *r)
{
	r->is_saved = true;
	r->saved_step = r->state.step;
	return 0;
}

int
training_save(struct run *r, bool is_complete, struct err *e)
{
	const char *metadata[] = { metadata_key, NULL, NULL };
	struct output_folder *f;
	char *text;

	note_place(r);
	if (!ranks_is_first())
		return note_saved(r);
	metadata[1] = text = describe_training(r, is_complete);
	f = output_folder_create(r->o->folder, true, e);
	if (f)
		r->task->write(r->task->context, f, metadata, e);
	if (f && !e->is_set && !is_complete)
		training_state_write(output_folder_file(f, state_name), r->task->parameters,
		    r->learner, &r->state, r->settings, r->task->memory, e);
	if (f)
		output_folder_drop(f, state_name);
	output_folder_commit(f, e);
	free(text);
	if (e->is_set)
		return err_prefix(e, "step %" PRIu64 ": no checkpoint", r->state.step);
	return note_saved(r);
}

/* 3. Starting, resuming */

/* Of a model, or of adapters (lora.h). */
static char *
weights_path(const char *folder)
{
	char *path = mem_printf("%s/adapter_model.safetensors", folder);

	if (access(path, F_OK) == 0)
		return path;
	free(path);
	return mem_printf("%s/model.safetensors", folder);
}

/* Does the folder hold the end of this very run? */
static int
check_complete(struct run *r, struct err *e)
{
	char *path = weights_path(r->o->folder);
	struct safetensors *file = safetensors_open(path, e);
	const char *text = file ? safetensors_metadata(file, metadata_key) : NULL;
	json_t *root = text ? json_bytes_read(text, strlen(text), path, e) : NULL;

	if (!e->is_set && (!root || !json_is_true(json_object_get(root, "is_complete"))))
		err_set(e, "%s: has no %s to go on from", r->o->folder, state_name);
	else if (!e->is_set && training_settings_compare(json_object_get(root, "settings"),
				   r->settings, r->o->folder, e) == 0) {
		r->ret->was_complete = true;
		r->ret->tokens = (uint64_t)json_integer_value(json_object_get(root, "tokens"));
		r->state.step = (uint64_t)json_integer_value(json_object_get(root, "step"));
	}
	json_decref(root);
	safetensors_close(file);
	free(path);
	return e->is_set ? -1 : 0;
}

bool
training_has_checkpoint(const char *folder)
{
	char *path = mem_printf("%s/%s", folder, state_name);
	bool is_there = access(path, F_OK) == 0;

	free(path);
	return is_there;
}

/* Counters that no run of these settings has. */
static int
check_state(const struct run *r, const char *path, struct err *e)
{
	const struct training_state *s = &r->state;

	if (s->step > r->steps || s->epoch > s->step ||
	    s->place > token_corpus_cells(r->task->corpus, TOKEN_SET_TRAIN))
		return err_set(e, "%s: damaged: there is no such step", path);
	return 0;
}

static int
resume(struct run *r, struct err *e)
{
	char *path = mem_printf("%s/%s", r->o->folder, state_name);

	if (!training_has_checkpoint(r->o->folder))
		check_complete(r, e);
	else if (training_state_read(path, r->task->parameters, r->learner, &r->state, r->settings,
		     r->task->memory, e) == 0 &&
		 check_state(r, path, e) == 0)
		note_saved(r);
	free(path);
	return e->is_set ? -1 : 0;
}

static int
start(struct run *r, struct err *e)
{
	struct stat st;

	if (lstat(r->o->folder, &st)) {
		/* can it be made? Better known now than after days. */
		output_folder_abort(output_folder_create(r->o->folder, false, e));
		return e->is_set ? -1 : 0;
	}
	if (r->o->is_resumed)
		return resume(r, e);
	return err_set(e, "%s: exists already; --resume goes on with it, or choose another name",
	    r->o->folder);
}

/* 4. What all ranks know */

/* A rank that read other files, or whose processor computes other bits, would learn something
 * else without anybody knowing. */
static int
compare_ranks(const struct run *r, struct err *e)
{
	char *settings = json_dumps(r->settings, JSON_COMPACT | JSON_SORT_KEYS), *text;
	char own[33], first[33];
	enum cpu_isa isa = CPU_ISA_GENERIC;

	assert(settings);
	cpu_isa_find(&isa, e);
	text = mem_printf("%s %s", settings, cpu_isa_name(isa));
	hash_hex128(text, strlen(text), own);
	memcpy(first, own, sizeof(first));
	ranks_share(first, sizeof(first));
	if (strcmp(own, first) != 0)
		err_set(e,
		    "has other cells, another model, other options or another kind of processor "
		    "(%s) than process 0",
		    cpu_isa_name(isa));
	free(settings);
	free(text);
	return e->is_set ? -1 : 0;
}

/* What rank 0 knows of the past of the run. */
static void
share_start(struct run *r)
{
	uint64_t known[] = { r->is_saved, r->saved_step, r->ret->was_complete, r->ret->tokens };

	ranks_share(known, sizeof(known));
	r->is_saved = known[0];
	r->saved_step = known[1];
	r->ret->was_complete = known[2];
	r->ret->tokens = known[3];
	training_state_share(r->task->parameters, r->learner, &r->state, r->task->memory);
}

int
training_start(struct run *r, struct err *e)
{
	if (ranks_agree(NULL, e))
		return -1;
	compare_ranks(r, e);
	if (ranks_is_first() && !e->is_set)
		start(r, e);
	if (ranks_agree(NULL, e))
		return -1;
	if (ranks_count() > 1)
		share_start(r);
	if (r->is_saved)
		token_order_seek(r->order, r->state.epoch, r->state.place, e);
	return e->is_set ? -1 : 0;
}
