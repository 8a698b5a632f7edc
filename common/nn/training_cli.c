#include "nn/training_cli.h"

#include <string.h>

#include "nn/model_config.h"
#include "nn/model_start.h"

bool
training_cli_has_shape(const struct training_cli *t)
{
	return t->layers || t->hidden || t->heads || t->ffn || t->positions || t->activation;
}

struct model_config
training_cli_shape(const struct cli *cli, const struct training_cli *t)
{
	struct model_sizes sizes = { t->layers, t->hidden, t->heads, t->ffn, t->positions };
	struct model_config c = model_start_config(&sizes);

	if (c.hidden % c.heads)
		cli_usage(cli, "--hidden must be a multiple of --heads");
	model_activation_parse(t->activation ? t->activation : "relu", &c.activation);
	return c;
}

bool
training_cli_is_bf16(const struct training_cli *t)
{
	return strcmp(t->storage, "bf16") == 0;
}

struct training_options
training_cli_plan(const struct cli *cli, const struct training_cli *t, struct err *e)
{
	struct training_options o = {
		.adamw = { .rate = t->rate, .decay = t->decay, .clip = t->clip },
		.log_every = t->log_every,
		.eval_every = t->eval_every,
		.save_every = t->save_every,
		.seed = cli->seed,
		.threads = (size_t)cli->threads,
		.folder = cli->output,
		.metrics = t->metrics,
		.is_resumed = t->resume
	};

	schedule_parse(t->schedule, &o.schedule, e);
	precision_parse(t->precision, &o.precision, e);
	return o;
}
