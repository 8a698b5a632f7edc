/* 1. Cells
 * 2. The model
 * 3. The task */

#include <string.h>

#include "base/hash.h"
#include "nn/coexpression.h"
#include "nn/masking.h"
#include "nn/model_config.h"
#include "nn/model_start.h"
#include "nn/model_write.h"
#include "nn/pretraining.h"
#include "nn/training_cells.h"

struct pretraining {
	const struct pretraining_options *o;
	struct genes *genes;
	struct model_config config; /* of a new model; without labels */
	struct model *model;        /* the one that is gone on from, or the new one */
	char hash[33];              /* of the one that is gone on from; "" */
	struct token_corpus *corpus;
	struct masking *masking;
	struct backend *backend;
	struct parameters *parameters;
};

/* 1. Cells */

static int
read_cells(struct pretraining *p, struct err *e)
{
	const struct pretraining_options *o = p->o;
	struct training_cells_options how = { .cli = o->cli,
		.eval = o->eval,
		.dictionary = o->dictionary,
		.model = p->model,
		.positions = p->config.positions,
		.is_truncating = o->is_truncating,
		.max_memory = o->max_memory };

	if (training_cells_read(&how, &p->genes, &p->corpus, e))
		return -1;
	if (o->config && p->config.vocab != p->genes->n_tokens)
		return err_set(e, "%s: a vocab_size of %zu, but the cells have %zu tokens",
		    o->config, p->config.vocab, p->genes->n_tokens);
	if (!p->model) {
		p->config.vocab = p->genes->n_tokens;
		p->config.pad_id = p->genes->pad >= 0 ? p->genes->pad : 0;
	}
	token_corpus_hold_out(p->corpus, o->hold_out, o->cli->seed);
	cli_inform(o->cli, "%llu cells of %llu tokens, and %llu to evaluate on",
	    (unsigned long long)token_corpus_cells(p->corpus, TOKEN_SET_TRAIN),
	    (unsigned long long)token_corpus_tokens(p->corpus, TOKEN_SET_TRAIN),
	    (unsigned long long)token_corpus_cells(p->corpus, TOKEN_SET_EVAL));
	return 0;
}

/* 2. The model */

/* What the shape of the model will be, as far as it is known before the cells are. */
static int
find_shape(struct pretraining *p, struct err *e)
{
	bool has_class, is_tied = true;

	p->config = p->o->shape;
	if (p->o->model) {
		p->model = model_open(p->o->model, e);
		if (!p->model)
			return -1;
		p->config = p->model->config;
		model_hash(p->model, p->hash);
	} else if (p->o->config) {
		model_config_read(p->o->config, &p->config, &has_class, &is_tied, e);
		model_config_free(&p->config);
	}
	if (!is_tied)
		err_set(e,
		    "%s: a decoder that is not the word embedding (tie_word_embeddings) is not "
		    "offered",
		    p->o->config);
	p->config.class = MODEL_MLM;
	return e->is_set ? -1 : 0;
}

static void
set_dropout(struct pretraining *p, struct training_options *training)
{
	struct model_config *c = &p->config;

	if (p->o->dropout >= 0)
		c->hidden_dropout = c->attention_dropout = (float)p->o->dropout;
	training->backward.hidden_dropout = (double)c->hidden_dropout;
	training->backward.attention_dropout = (double)c->attention_dropout;
	training->backward.seed = training->seed;
}

static int
make_model(struct pretraining *p, const struct training_options *training, struct plan *plan,
    struct err *e)
{
	struct coexpression_options coexpression = { .seed = training->seed,
		.threads = training->threads };
	bool is_new = !p->model;

	if (is_new)
		p->model = model_start(&p->config, training->seed);
	if (plan_make(plan, p->model, PLAN_POSITIONS, PLAN_MLM, 0, e))
		return -1;
	p->backend = backend_open(DEVICE_CPU, training->precision, e);
	if (!p->backend)
		return -1;
	p->parameters = parameters_create(p->backend, p->model);
	p->parameters->model.config.hidden_dropout = p->config.hidden_dropout;
	p->parameters->model.config.attention_dropout = p->config.attention_dropout;
	p->masking = masking_new(p->genes, p->o->mask, training->seed, e);
	if (is_new && p->o->is_coexpression && !e->is_set &&
	    !(training->is_resumed && training_has_checkpoint(training->folder)))
		coexpression_start(p->parameters, p->corpus, p->masking, &coexpression, e);
	return e->is_set ? -1 : 0;
}

/* 3. The task */

static int
fill(void *context, struct training_part *part, struct err *e)
{
	struct pretraining *p = context;

	return masking_fill(p->masking, part, e);
}

static int
write(void *context, struct output_folder *f, const char *const *metadata, struct err *e)
{
	struct pretraining *p = context;
	struct model_write_options how = { p->o->is_bf16, p->genes, metadata };

	return model_write_files(f, p->o->cli, p->parameters, &how, e);
}

/* What determines the result besides training_options and the cells. */
static json_t *
describe(const struct pretraining *p)
{
	const struct model_config *c = &p->config;
	struct arena a = { 0 };
	const char *vocabulary = genes_vocabulary(p->genes, &a);
	char hash[33];
	json_t *settings;

	hash_hex128(vocabulary, strlen(vocabulary), hash);
	arena_free(&a);
	settings = json_pack("{s:s s:s s:s s:I s:I s:I s:I s:I s:s s:f s:b s:f s:b}", "program",
	    p->o->cli->program->name, "vocabulary", hash, "model", p->hash, "layers",
	    (json_int_t)c->layers, "hidden", (json_int_t)c->hidden, "heads", (json_int_t)c->heads,
	    "ffn", (json_int_t)c->ffn, "positions", (json_int_t)c->positions, "activation",
	    model_activation_name(c->activation), "initializer_range", (double)c->initializer_range,
	    "is_coexpression", (int)p->o->is_coexpression, "mask", p->o->mask, "is_bf16",
	    (int)p->o->is_bf16);
	return settings;
}

static int
run_task(struct pretraining *p, const struct plan *plan, const struct training_options *training,
    struct training_result *ret, struct err *e)
{
	json_t *settings = describe(p);
	struct training_task task = { .context = p,
		.corpus = p->corpus,
		.parameters = p->parameters,
		.plan = plan,
		.n_heads = 1,
		.fill = fill,
		.write = write,
		.settings = settings };

	training_run(p->o->cli, &task, training, ret, e);
	json_decref(settings);
	return e->is_set ? -1 : 0;
}

int
pretraining_run(const struct pretraining_options *o, struct training_options *training,
    struct training_result *ret, struct err *e)
{
	struct pretraining p = { .o = o };
	struct plan plan;

	*ret = (struct training_result){ 0 };
	if (!e->is_set && find_shape(&p, e) == 0 && read_cells(&p, e) == 0) {
		set_dropout(&p, training);
		if (make_model(&p, training, &plan, e) == 0)
			run_task(&p, &plan, training, ret, e);
	}
	parameters_free(p.parameters);
	backend_close(p.backend);
	masking_free(p.masking);
	token_corpus_free(p.corpus);
	model_close(p.model);
	genes_free(p.genes);
	return e->is_set ? -1 : 0;
}
