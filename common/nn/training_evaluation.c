#include <inttypes.h>
#include <string.h>

#include "base/ranks.h"
#include "nn/gradient.h"
#include "nn/training_private.h"

/* The next cells of EVAL: adds up the totals, or with a result what is learned of this rank's
 * parts. 1; 0 at the end; -1. */
static int
evaluate_some(struct run *r, struct backward_result *ret, struct err *e)
{
	struct token_step step;
	struct training_cut cut;
	struct backward_result part;
	int got = token_order_take(r->eval_order, r->o->batch_tokens, &step, e);

	if (got <= 0)
		return got;
	if (training_parts_make(r->parts, &step, true, &cut, e))
		return -1;
	if (!ret) {
		for (size_t h = 0; h < r->task->n_heads; h++)
			r->eval_totals[h] += cut.totals[h];
		r->n_eval_labels += cut.n_labels;
		return 1;
	}
	training_parts_weigh(r->parts, &cut, r->eval_totals);
	if (learner_evaluate(r->learner, cut.parts, cut.n, &part, e))
		return -1;
	training_add_losses(r, &cut);
	ret->n_right += part.n_right;
	for (size_t i = 0; i < cut.n && r->task->count; i++)
		r->task->count(r->task->context, &cut.parts[i]);
	return 1;
}

/* Goes through all of them, or until a rank has failed or got a signal. */
static int
go_through_eval(struct run *r, struct backward_result *ret, struct err *e)
{
	int got = token_order_seek(r->eval_order, 0, 0, e) ? -1 : 1;

	while (got > 0) {
		if (training_meet(r, e))
			return -1;
		if (r->is_stopping)
			return 0;
		got = evaluate_some(r, ret, e);
	}
	if (got < 0)
		err_prefix(e, "evaluation at step %" PRIu64, r->state.step);
	return ranks_agree(NULL, e);
}

/* From what each rank has found to what all have. */
static void
add_ranks(struct run *r, struct backward_result *got)
{
	uint64_t n_right = got->n_right;

	got->loss = training_join_losses(r);
	ranks_add_u64(&n_right, 1);
	got->n_right = n_right;
	if (r->task->count)
		ranks_add_u64(r->task->counts, r->task->n_counts);
}

void
training_add_losses(struct run *r, const struct training_cut *cut)
{
	const struct backward_result *results = learner_results(r->learner);

	for (size_t i = 0; i < cut->n; i++)
		r->losses[cut->parts[i].lane] += results[i].loss;
}

double
training_join_losses(struct run *r)
{
	size_t n = learner_lanes();
	double sum = 0;

	ranks_add_f64(r->losses, n);
	for (size_t i = 0; i < n; i++)
		sum += r->losses[i];
	memset(r->losses, 0, n * sizeof(*r->losses));
	return sum;
}

json_t *
training_start_line(const struct run *r)
{
	return json_pack(
	    "{s:I s:I}", "step", (json_int_t)r->state.step, "tokens", (json_int_t)r->state.tokens);
}

static void
keep_best(struct run *r)
{
	const struct parameters *p = r->task->parameters;
	struct gradient_workspace *ws = p->backend->gradient->workspace_create(p->backend);

	if (!r->state.best)
		r->state.best = mem_alloc(p->n_values, sizeof(float));
	p->backend->gradient->get(ws, r->state.best, p->values, p->n_values);
	p->backend->gradient->workspace_free(ws);
}

static int
report_evaluation(struct run *r, const struct backward_result *got, struct err *e)
{
	struct training_evaluation v = { r->state.step, got->loss,
		r->n_eval_labels ? (double)got->n_right / (double)r->n_eval_labels : 0 };
	enum training_verdict verdict = TRAINING_GO_ON;
	json_t *line = training_start_line(r);

	json_object_set_new(line, "eval_loss", json_real(v.loss));
	json_object_set_new(line, "eval_accuracy", json_real(v.accuracy));
	if (r->task->judge && r->task->judge(r->task->context, &v, line, &verdict, e)) {
		json_decref(line);
		return -1;
	}
	if (verdict & TRAINING_KEEP)
		keep_best(r);
	if (verdict & TRAINING_STOP)
		r->state.is_over = true;
	r->ret->is_evaluated = true;
	r->ret->loss = v.loss;
	r->ret->accuracy = v.accuracy;
	return training_log_write(r->log, line, e);
}

int
training_evaluate(struct run *r, struct err *e)
{
	struct backward_result got = { 0 };
	double none = 0;

	for (size_t h = 0; h < r->task->n_heads; h++)
		none += r->eval_totals[h];
	if (!(none > 0) && go_through_eval(r, NULL, e))
		return -1;
	if (r->task->count)
		memset(r->task->counts, 0, r->task->n_counts * sizeof(*r->task->counts));
	if (r->is_stopping) {
		memset(r->eval_totals, 0, sizeof(r->eval_totals));
		r->n_eval_labels = 0;
		return 0;
	}
	memset(r->losses, 0, learner_lanes() * sizeof(*r->losses));
	if (go_through_eval(r, &got, e))
		return -1;
	if (r->is_stopping)
		return 0;
	add_ranks(r, &got);
	r->state.must_evaluate = false;
	return report_evaluation(r, &got, e);
}
