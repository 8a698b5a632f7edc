#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/ranks.h"
#include "nn/training_private.h"

/* Says which cells a loss that is not a number came from: those of the first part that has one
 * again. */
static void
name_cells(struct run *r, const struct training_cut *cut, char *text, size_t size)
{
	for (size_t i = 0; i < cut->n; i++) {
		struct err ignored = { 0 };
		struct backward_result one;
		size_t n = cut->parts[i].cells->n, used = 0;

		if (!learner_evaluate(r->learner, &cut->parts[i], 1, &one, &ignored))
			continue;
		for (size_t k = 0; k < n && k < 8; k++)
			used += (size_t)snprintf(text + used, size - used, "%s%" PRIu64,
			    k ? ", " : " (cells of rows ", cut->rows[i][k]);
		if (n > 8)
			used += (size_t)snprintf(text + used, size - used, " and %zu more", n - 8);
		snprintf(text + used, size - used, ")");
		return;
	}
}

static int
fail_step(struct run *r, const struct training_cut *cut, struct err *e)
{
	struct err cause = *e;
	char cells[240] = "", kept[80] = "no checkpoint was written yet";

	name_cells(r, cut, cells, sizeof(cells));
	if (r->is_saved)
		snprintf(
		    kept, sizeof(kept), "the checkpoint of step %" PRIu64 " stays", r->saved_step);
	*e = (struct err){ 0 };
	return err_set(e, "step %" PRIu64 ", epoch %" PRIu64 ": %.300s%s; %s", r->state.step + 1,
	    token_order_epoch(r->order), cause.text, cells, kept);
}

static int
learn(struct run *r, struct training_cut *cut, struct err *e)
{
	struct backward_result got;

	training_parts_weigh(r->parts, cut, cut->totals);
	r->rate =
	    r->o->adamw.rate * schedule_at(r->o->schedule, r->state.step, r->warmup, r->steps);
	if (!cut->n_of_all)
		return 0;
	if (learner_gradient_own(r->learner, cut->parts, cut->n, &got, e))
		fail_step(r, cut, e);
	if (ranks_agree(NULL, e))
		return -1;
	learner_gradient_join(r->learner);
	training_add_losses(r, cut);
	if (r->task->project)
		r->task->project(r->task->context, learner_gradient_values(r->learner));
	r->norm = learner_update(r->learner, r->rate);
	training_settle(r->task);
	if (!isfinite(r->norm)) {
		err_set(e, "the norm of the gradient is not a number");
		return fail_step(r, cut, e);
	}
	r->state.loss += training_join_losses(r);
	r->state.n_losses++;
	return 0;
}

static int
report_step(struct run *r, struct err *e)
{
	json_t *line;

	if (!training_is_due(r->state.step, r->o->log_every) || !r->state.n_losses)
		return 0;
	line = training_start_line(r);
	json_object_set_new(line, "loss", json_real(r->state.loss / (double)r->state.n_losses));
	json_object_set_new(line, "learning_rate", json_real(r->rate));
	json_object_set_new(line, "gradient_norm", json_real(r->norm));
	r->state.loss = 0;
	r->state.n_losses = 0;
	return training_log_write(r->log, line, e);
}

/* The next cells, those of the next epoch where one has ended. */
static int
take(struct run *r, struct token_step *step, struct err *e)
{
	int got = token_order_take(r->order, r->o->batch_tokens, step, e);

	if (got == 0)
		got = token_order_take(r->order, r->o->batch_tokens, step, e);
	return got > 0 ? 0 : -1;
}

int
training_make_step(struct run *r, struct err *e)
{
	struct token_step step;
	struct training_cut cut;
	uint64_t tokens;

	if (take(r, &step, e) || training_parts_make(r->parts, &step, false, &cut, e))
		return -1;
	tokens = step.offsets[step.n];
	if (learn(r, &cut, e))
		return -1;
	r->state.step++;
	r->state.tokens += tokens;
	r->state.must_evaluate =
	    r->eval_order &&
	    (r->state.step == r->steps || training_is_due(r->state.step, r->o->eval_every));
	progress_advance(&r->progress, tokens, (double)r->state.step / (double)r->steps);
	return report_step(r, e);
}
