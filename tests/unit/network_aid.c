#include "network_aid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nn/backend.h"
#include "nn/cpu_isa.h"

static const char *child; /* what this process is a child for, or NULL */

void
expect(int is_true, const char *format, ...)
{
	char text[500];
	va_list arguments;

	if (is_true)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (!child)
		fail_msg("%s", text);
	fprintf(stderr, "# %s: %s\n", child, text);
	_exit(1);
}

void
run_in_process(const char *const *environment, void (*checks)(void))
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		child = environment[0] ? environment[1] : "child";
		for (size_t i = 0; environment[i]; i += 2)
			setenv(environment[i], environment[i + 1], 1);
		checks();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

void
run_under_isa(const char *isa, void (*checks)(void))
{
	const char *environment[] = { "CELLPIPE_ISA", isa, NULL };
	struct err e = { 0 };
	enum cpu_isa found;
	int status;

	if (!isa) {
		checks();
		return;
	}
	setenv("CELLPIPE_ISA", isa, 1);
	status = cpu_isa_find(&found, &e);
	unsetenv("CELLPIPE_ISA");
	if (status) {
		print_message("# SKIP: %s\n", e.text);
		skip();
	}
	run_in_process(environment, checks);
}

void
run_on_device(void (*checks)(void))
{
	struct err e = { 0 };
	struct backend *b = backend_open(DEVICE_CUDA, PRECISION_F32, &e);

	if (!b) {
		print_message("# SKIP: %s\n", e.text);
		skip();
	}
	backend_close(b);
	checks();
}

static uint32_t
next_bits(void)
{
	static uint64_t state = 12345;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 40); /* 24 bits */
}

float *
aid_numbers(struct arena *a, size_t n, float size)
{
	float *x = arena_alloc(a, n, sizeof(*x));

	for (size_t i = 0; i < n; i++)
		x[i] = ((float)next_bits() / 8388608.0f - 1) * size;
	return x;
}

size_t
aid_number_below(size_t n)
{
	return next_bits() % n;
}

static void
make_layer(struct arena *a, struct model_layer *l, size_t h, size_t ffn)
{
	float size = 1.2f / (float)h + 0.08f;

	*l = (struct model_layer){ .query_weight = aid_numbers(a, h * h, 3 * size),
		.query_bias = aid_numbers(a, h, 0.2f),
		.key_weight = aid_numbers(a, h * h, 3 * size),
		.key_bias = aid_numbers(a, h, 0.2f),
		.value_weight = aid_numbers(a, h * h, size),
		.value_bias = aid_numbers(a, h, 0.2f),
		.attention_output_weight = aid_numbers(a, h * h, size),
		.attention_output_bias = aid_numbers(a, h, 0.2f),
		.attention_norm_weight = aid_numbers(a, h, 1.5f),
		.attention_norm_bias = aid_numbers(a, h, 0.2f),
		.ffn_weight = aid_numbers(a, ffn * h, size),
		.ffn_bias = aid_numbers(a, ffn, 0.2f),
		.ffn_output_weight = aid_numbers(a, h * ffn, size),
		.ffn_output_bias = aid_numbers(a, h, 0.2f),
		.ffn_norm_weight = aid_numbers(a, h, 1.5f),
		.ffn_norm_bias = aid_numbers(a, h, 0.2f) };
}

static void
make_heads(struct arena *a, struct model *m)
{
	size_t h = m->config.hidden, n = m->config.n_labels;

	if (m->config.class == MODEL_MLM) {
		m->mlm_dense_weight = aid_numbers(a, h * h, 0.2f);
		m->mlm_dense_bias = aid_numbers(a, h, 0.2f);
		m->mlm_norm_weight = aid_numbers(a, h, 1.5f);
		m->mlm_norm_bias = aid_numbers(a, h, 0.2f);
		m->decoder_weight = m->word_embeddings;
		m->decoder_bias = aid_numbers(a, m->config.vocab, 0.2f);
		return;
	}
	m->n_heads_out = m->config.class == MODEL_MULTITASK ? 3 : 1;
	m->head = arena_zero(a, m->n_heads_out, sizeof(*m->head));
	for (size_t i = 0; i < m->n_heads_out; i++)
		m->head[i] = (struct model_head){ .weight = aid_numbers(a, (n + i) * h, 0.3f),
			.bias = aid_numbers(a, n + i, 0.2f),
			.n_labels = n + i };
	if (m->config.class == MODEL_SEQUENCE) {
		m->pooler_weight = aid_numbers(a, h * h, 0.2f);
		m->pooler_bias = aid_numbers(a, h, 0.2f);
	}
}

struct model *
aid_model(struct arena *a, const struct model_config *config)
{
	struct model *m = arena_zero(a, 1, sizeof(*m));
	size_t h = config->hidden;

	m->config = *config;
	m->path = arena_strdup(a, "small");
	m->word_embeddings = aid_numbers(a, config->vocab * h, 0.3f);
	m->position_embeddings = aid_numbers(a, config->positions * h, 0.3f);
	m->type_embeddings = aid_numbers(a, config->type_vocab * h, 0.3f);
	m->embedding_norm_weight = aid_numbers(a, h, 1.5f);
	m->embedding_norm_bias = aid_numbers(a, h, 0.2f);
	m->layer = arena_zero(a, config->layers, sizeof(*m->layer));
	for (size_t i = 0; i < config->layers; i++)
		make_layer(a, &m->layer[i], h, config->ffn);
	make_heads(a, m);
	return m;
}
