#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/perturbation_reading.h"

static const char SUFFIX[] = "_raw.pickle";
enum { PICKLE_START = 0x80 };

static void
add_path(struct perturbation_inputs *in, char *path)
{
	in->paths = mem_resize(in->paths, in->n, in->n + 1, sizeof(*in->paths));
	in->paths[in->n++] = path;
}

static int
by_name(const void *x, const void *y)
{
	return strcmp(*(char *const *)x, *(char *const *)y);
}

static int
add_folder(struct perturbation_inputs *in, const char *folder, struct err *e)
{
	size_t before = in->n;
	DIR *d = opendir(folder);
	const struct dirent *x;

	if (!d)
		return err_sys(e, "%s", folder);
	while ((x = readdir(d))) {
		size_t size = strlen(x->d_name), suffix = strlen(SUFFIX);

		if (size >= suffix && strcmp(x->d_name + size - suffix, SUFFIX) == 0)
			add_path(in, mem_printf("%s/%s", folder, x->d_name));
	}
	closedir(d);
	if (in->n == before)
		return err_set(e, "%s: a folder without files *%s", folder, SUFFIX);
	qsort(in->paths + before, in->n - before, sizeof(*in->paths), by_name);
	return 0;
}

bool
perturbation_is_pickle(const char *path)
{
	unsigned char start = 0;
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	struct stat st;
	bool is_one = fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) &&
		      read(fd, &start, 1) == 1 && start == PICKLE_START;

	if (fd >= 0)
		close(fd);
	return is_one;
}

struct perturbation_inputs *
perturbation_inputs_open(
    const struct cli *cli, char *const *paths, size_t n, const struct genes *genes, struct err *e)
{
	struct perturbation_inputs *in;
	struct stat st;

	if (e->is_set)
		return NULL;
	in = mem_zero(1, sizeof(*in));
	in->cli = cli;
	in->genes = genes;
	if (!n)
		add_path(in, mem_strdup("-"));
	for (size_t i = 0; i < n && !e->is_set; i++) {
		if (stat(paths[i], &st) == 0 && S_ISDIR(st.st_mode))
			add_folder(in, paths[i], e);
		else
			add_path(in, mem_strdup(paths[i]));
	}
	for (size_t i = 0; i < in->n && !e->is_set; i++)
		if (strcmp(in->paths[i], "-") && access(in->paths[i], R_OK))
			err_sys(e, "%s", in->paths[i]);
	if (e->is_set) {
		perturbation_inputs_close(in);
		return NULL;
	}
	return in;
}

void
perturbation_inputs_close(struct perturbation_inputs *in)
{
	if (!in)
		return;
	for (size_t i = 0; i < in->n; i++)
		free(in->paths[i]);
	free(in->paths);
	cells_close(in->first);
	free(in->token_genes);
	free(in);
}

int
perturbation_show(
    struct perturbation_inputs *in, struct perturbation_value *v, double value, struct err *e)
{
	v->value = (float)value;
	if (isfinite(v->value))
		return in->sink(in->context, v, e);
	if (isinf(v->value))
		return err_set(e, "an infinite value");
	if (!in->n_missing++)
		snprintf(in->missing, sizeof(in->missing), "%s", in->path);
	return 0;
}

static void
warn_of_missing(const struct perturbation_inputs *in)
{
	if (in->n_missing)
		cli_warn(in->cli, "%llu values that are null or NaN left out (the first in %s)",
		    (unsigned long long)in->n_missing, in->missing);
	if (in->n_left_out)
		cli_warn(in->cli, "%llu files of shifts to states left out: these are no cosines",
		    (unsigned long long)in->n_left_out);
}

int
perturbation_inputs_read(struct perturbation_inputs *in, const struct perturbation_wanted *what,
    struct gene_sets *sets, perturbation_sink *sink, void *context, struct err *e)
{
	if (e->is_set)
		return -1;
	in->what = what;
	in->sets = sets;
	in->sink = sink;
	in->context = context;
	if (in->genes) {
		in->token_genes = mem_alloc(in->genes->n_tokens, sizeof(*in->token_genes));
		memset(in->token_genes, 0xff, in->genes->n_tokens * sizeof(*in->token_genes));
	}
	progress_start(&in->progress, in->cli, "rows");
	for (size_t i = 0; i < in->n && !e->is_set; i++) {
		double share = 1 / (double)in->n;
		struct cells_reader *r = i == 0 ? in->first : NULL;

		in->path = strcmp(in->paths[i], "-") ? in->paths[i] : "stdin";
		if (perturbation_is_pickle(in->paths[i])) {
			perturbation_read_pickle(in, e);
			progress_advance(&in->progress, 0, (double)(i + 1) * share);
			continue;
		}
		if (!r)
			r = cells_open(in->cli, in->paths[i], KIND_PERTURBATIONS, e);
		if (r)
			perturbation_read_stream(in, r, (double)i * share, share, e);
		cells_close(r);
		if (i == 0)
			in->first = NULL;
	}
	progress_end(&in->progress);
	if (!e->is_set)
		warn_of_missing(in);
	return e->is_set ? -1 : 0;
}
