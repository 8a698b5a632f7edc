/* gftune.c - tries a program that trains with many options, and says which are best.
 *
 * In: the trainer's arguments and ranges of its options. Out: a folder with the study, the best
 * model and a table. Reference: Theodoris et al. 2023, Classifier (hyperopt_classify); Li et al.
 * 2020, ASHA. */

#include <stdlib.h>
#include <string.h>

#include "base/folder.h"
#include "formats/study_table.h"
#include "nn/study_work.h"
#include "stat/halving.h"
#include "stat/search_space.h"

enum { TRIALS = 20, REDUCTION = 3, TO = 9, GRACE = 600, MAX_WORDS = 64 };

struct options {
	struct cli common;
	struct cli_list space;
	size_t trials;
	const char *metric;
	bool maximize, minimize;
	bool halving, restart;
	size_t from, to, reduction;
	const char *command;
	size_t jobs, grace;
	bool retry, keep_all;
};

static const struct cli_option table[] = {
	CLI_LIST('s', "space", "NAME=VALUES", struct options, space,
	    "range or choices of an option, e.g. rate=log:1e-6..1e-3; may be given again"),
	CLI_SIZE('n', "trials", "N", struct options, trials, 1, STUDY_MAX_TRIALS, "how many (20)"),
	CLI_STRING(
	    'm', "metric", "NAME", struct options, metric, "what to compare by (eval_macro_f1)"),
	CLI_FLAG(0, "maximize", struct options, maximize, "more is better"),
	CLI_FLAG(0, "minimize", struct options, minimize,
	    "less is better (of a loss, an error or a perplexity it is)"),
	CLI_FLAG('H', "halving", struct options, halving,
	    "begin with few epochs, and go on with the best trials only"),
	CLI_SIZE(0, "from", "EPOCHS", struct options, from, 1, 1000000,
	    "epochs of every trial, with --halving (1)"),
	CLI_SIZE(0, "to", "EPOCHS", struct options, to, 1, 1000000, "and of the best ones (9)"),
	CLI_SIZE(0, "reduction", "N", struct options, reduction, 2, 1000,
	    "one of N trials goes on, with N times the epochs (3)"),
	CLI_FLAG(0, "restart", struct options, restart,
	    "train anew for more epochs, as trainers need that cannot --resume"),
	CLI_STRING('c', "command", "COMMAND", struct options, command,
	    "the trainer, with words before its options, e.g. 'srun -n1 gftrain' (gftrain)"),
	CLI_SIZE('j', "jobs", "N", struct options, jobs, 1, STUDY_MAX_JOBS,
	    "trials at once, each with its share of the threads (1)"),
	CLI_SIZE(0, "grace", "SECONDS", struct options, grace, 0, 1e6,
	    "how long trainers may take to stop after a signal (600)"),
	CLI_FLAG(0, "retry", struct options, retry, "take failed trials up again"),
	CLI_FLAG(0, "keep-all", struct options, keep_all, "keep the models of all trials"), CLI_END
};

static const struct cli_program program = { "gftune", "search for the best options of gftrain",
	"ARGUMENT", CLI_THREADS | CLI_FILE_OUT | CLI_MANY_INPUTS | CLI_SEED | CLI_PROGRESS, table };

/* The reference's, but for the warm-up, which is a share of the steps here. */
static const char *const default_space[] = { "rate=log:1e-6..1e-3", "warmup=0.0..0.3",
	"decay=0.0..0.3", "schedule=linear,cosine", "seed=0..100" };

static bool
has_plan(const struct options *opt)
{
	return opt->space.n || opt->metric || opt->maximize || opt->minimize || opt->halving ||
	       opt->restart || opt->from || opt->to || opt->reduction || opt->command;
}

static size_t
or_else(size_t given, size_t otherwise)
{
	return given ? given : otherwise;
}

static void
check_usage(const struct options *opt)
{
	const struct cli *cli = &opt->common;

	if (opt->maximize && opt->minimize)
		cli_usage(cli, "--maximize or --minimize, not both");
	if (!opt->halving && (opt->from || opt->to || opt->reduction))
		cli_usage(cli, "--from, --to and --reduction go with --halving");
	if (or_else(opt->from, 1) > or_else(opt->to, TO))
		cli_usage(cli, "--from is more than --to");
	if (!cli->n_inputs && (has_plan(opt) || opt->trials))
		cli_usage(cli, "the trainer's arguments are required: gftune ... -- -m MODEL ...");
}

static void
parse_space(const struct options *opt, const struct study_words *words, struct search_space *space)
{
	struct err e = { 0 };

	for (size_t i = 0; i < words->n; i++)
		if (search_space_add(space, words->items[i], &e))
			cli_usage(&opt->common, "--space: %s", e.text);
}

/* The words of the command, divided by blanks; *copy is cut into them. */
static struct study_words
split_command(const struct options *opt, char *copy, const char **words)
{
	size_t n = 0;

	for (char *at = copy; *(at += strspn(at, " \t"));) {
		if (n == MAX_WORDS)
			cli_usage(&opt->common, "--command: %d words at most", MAX_WORDS);
		words[n++] = at;
		at += strcspn(at, " \t");
		if (*at)
			*at++ = '\0';
	}
	if (!n)
		cli_usage(&opt->common, "--command: no words");
	return (struct study_words){ n, words };
}

static bool
is_maximized(const struct options *opt, const char *metric)
{
	if (opt->maximize || opt->minimize)
		return opt->maximize;
	return !strstr(metric, "loss") && !strstr(metric, "error") && !strstr(metric, "perplexity");
}

static struct study_plan
make_plan(const struct options *opt)
{
	const struct cli *cli = &opt->common;
	struct study_plan plan = { .seed = cli->seed,
		.n_trials = or_else(opt->trials, TRIALS),
		.metric = opt->metric ? opt->metric : "eval_macro_f1",
		.is_restarting = opt->restart,
		.n_rungs = 1,
		.reduction = or_else(opt->reduction, REDUCTION),
		.arguments = { cli->n_inputs, (const char *const *)cli->inputs },
		.space = { opt->space.n, opt->space.items } };

	plan.is_maximized = is_maximized(opt, plan.metric);
	if (!plan.space.n)
		plan.space = (struct study_words){ sizeof(default_space) / sizeof(*default_space),
			default_space };
	if (opt->halving)
		plan.n_rungs = halving_resources(
		    or_else(opt->from, 1), or_else(opt->to, TO), plan.reduction, plan.rungs);
	return plan;
}

/* Opens the study: a new one, or one that goes on. */
static struct study *
open_study(const struct options *opt, struct search_space *space, struct err *e)
{
	struct study_plan plan = make_plan(opt);
	const char *words[MAX_WORDS];
	char *command = mem_strdup(opt->command ? opt->command : "gftrain");
	struct err fault = { 0 };
	struct study *s;

	plan.command = split_command(opt, command, words);
	if (opt->common.n_inputs) {
		parse_space(opt, &plan.space, space);
		if (study_plan_check(&plan, &fault))
			cli_usage(&opt->common, "%s", fault.text);
		s = study_open(opt->common.output, &plan, e);
	} else {
		s = study_open(opt->common.output, NULL, e);
		for (size_t i = 0; s && i < study_plan_of(s)->space.n; i++)
			search_space_add(space, study_plan_of(s)->space.items[i], e);
	}
	free(command);
	return s;
}

struct search {
	struct search_space space;
	size_t reduction;
	uint64_t seed;
};

static json_t *
sample(void *context, size_t trial)
{
	const struct search *search = context;
	json_t *options = json_object();
	struct arena a = { 0 };

	for (size_t d = 0; d < search->space.n; d++)
		json_object_set_new(options, search->space.dimensions[d].name,
		    json_string(search_space_sample(&search->space, d, search->seed, trial, &a)));
	arena_free(&a);
	return options;
}

static bool
promote(void *context, const struct study *s, bool is_last, size_t *ret_trial, size_t *ret_rung)
{
	const struct search *search = context;
	const struct study_plan *plan = study_plan_of(s);
	struct halving_rung rungs[STUDY_MAX_RUNGS] = { { 0 } };
	struct arena a = { 0 };
	bool is_found;

	for (size_t k = 0; k < plan->n_rungs; k++) {
		struct halving_entry *entries = arena_alloc(&a, study_count(s), sizeof(*entries));

		for (size_t i = 1; i <= study_count(s); i++) {
			const struct study_trial *t = study_trial(s, i);
			double value = plan->is_maximized ? t->values[k] : -t->values[k];

			if (t->n_values > k)
				entries[rungs[k].n++] =
				    (struct halving_entry){ i, value, t->rung > k };
		}
		rungs[k].entries = entries;
	}
	if (is_last)
		is_found = halving_complete(rungs, plan->n_rungs, ret_trial, ret_rung);
	else
		is_found =
		    halving_promote(rungs, plan->n_rungs, search->reduction, ret_trial, ret_rung);
	arena_free(&a);
	return is_found;
}

/* The table, and the link to the best model. */
static int
finish(const struct options *opt, struct study *s, struct err *e)
{
	const struct cli *cli = &opt->common;
	struct output *out = output_create(NULL, false, true, e);
	size_t best = study_best(s);
	char *folder, *link = mem_printf("%s/best", cli->output);

	if (out && study_lock(s, e) == 0) {
		study_print(s, out, e);
		study_unlock(s);
	}
	if (!best)
		err_set(e, "no trial succeeded; the first one: %s", study_trial(s, 1)->message);
	if (best) {
		folder = study_path(s, best, "");
		folder_link(link, strrchr(folder, '/') + 1, e);
		cli_inform(cli, "the best is trial %zu: %s", best, folder);
		free(folder);
	}
	free(link);
	if (!out)
		return -1;
	return output_commit(out, e);
}

int
main(int argc, char **argv)
{
	struct options opt = { .jobs = 1, .grace = GRACE };
	struct cli *cli = &opt.common;
	struct err e = { 0 };
	struct search search = { .seed = 0 };
	bool is_stopped = false;

	cli_parse(&opt, argc, argv, &program);
	check_usage(&opt);

	struct study *s = open_study(&opt, &search.space, &e);
	struct study_work work = { cli, opt.jobs, (double)opt.grace, opt.retry, opt.keep_all,
		&search, sample, promote };

	if (s) {
		search.seed = study_plan_of(s)->seed;
		search.reduction = study_plan_of(s)->reduction;
		if (study_torn_bytes(s))
			cli_warn(cli, "%s: half a line at the end was cut off", cli->output);
	}
	if (s && study_work(s, &work, &is_stopped, &e) == 0 && !is_stopped)
		finish(&opt, s, &e);
	if (is_stopped && !e.is_set)
		cli_warn(cli, "stopped by a signal; the same command goes on");
	study_close(s);
	search_space_free(&search.space);
	return cli_status(cli, &e);
}
