/* 1. The common options
 * 2. Values
 * 3. Usage text, version, option table
 * 4. Parsing
 * 5. Messages */

#define _GNU_SOURCE /* getopt_long */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/cpus.h"
#include "base/launcher.h"
#include "base/mem.h"

enum { MAX_OPTIONS = 64, FIRST_CODE = 256, MAX_THREADS = 1024 };

/* 1. The common options */

static const struct cli_common_option {
	struct cli_option option;
	unsigned features; /* any of them; 0: every program has it */
} common[] = {
	{ CLI_STRING('o', "output", "FILE", struct cli, output,
	      "write to FILE, under its name only when complete"),
	    CLI_STREAM_OUT | CLI_TEXT_OUT | CLI_FILE_OUT },
	{ CLI_INT('t', "threads", "N", struct cli, threads, 1, MAX_THREADS,
	      "threads in total (all CPUs that the process may use)"),
	    CLI_THREADS },
	{ CLI_INT('l', "level", "N", struct cli, level, 0, 22,
	      "zstd level, 0 none (3 to a file, 0 to a pipe)"),
	    CLI_STREAM_OUT },
	{ { 0, "seed", "N", CLI_TYPE_SIZE, offsetof(struct cli, seed), 0, 9e15, true,
	      "seed of everything random (0)" },
	    CLI_SEED },
	{ CLI_FLAG(
	      'f', "force", struct cli, force, "read binary data from a terminal, write it to one"),
	    0 },
	{ CLI_FLAG('q', "quiet", struct cli, quiet, "no warnings, no progress line"), 0 },
	{ CLI_FLAG('v', "verbose", struct cli, verbose, "a summary at the end"), 0 },
	{ { 'h', "help", NULL, CLI_TYPE_FLAG, 0, 0, 0, false, "show this text" }, 0 },
	{ { 'V', "version", NULL, CLI_TYPE_FLAG, 0, 0, 0, false, "show the version" }, 0 },
	{ { 0, "print-options", NULL, CLI_TYPE_FLAG, 0, 0, 0, false,
	      "show the table of options, for completions" },
	    0 },
};

enum { N_COMMON = sizeof(common) / sizeof(common[0]) };

/* The program's options, then the common ones it has. */
static size_t
list_options(const struct cli_program *p, const struct cli_option *ret_list[MAX_OPTIONS])
{
	size_t n = 0;

	for (const struct cli_option *o = p->options; o->type != CLI_TYPE_END; o++)
		ret_list[n++] = o;
	for (size_t i = 0; i < N_COMMON; i++)
		if (!common[i].features || common[i].features & p->features)
			ret_list[n++] = &common[i].option;
	assert(n <= MAX_OPTIONS);
	return n;
}

/* 2. Values */

static bool
parse_size(const char *text, double *ret_value)
{
	static const char suffixes[] = "kMGT";
	char *end;
	const char *suffix;

	errno = 0;
	*ret_value = strtod(text, &end);
	if (errno || end == text || isnan(*ret_value))
		return false;
	if (*end && (suffix = strchr(suffixes, *end))) {
		*ret_value *= pow(1024, (double)(suffix - suffixes + 1));
		end++;
	}
	return *end == '\0' && floor(*ret_value) == *ret_value;
}

static bool
parse_double(const char *text, double *ret_value)
{
	char *end;

	errno = 0;
	*ret_value = strtod(text, &end);
	return !errno && end != text && !*end && isfinite(*ret_value);
}

static const char *
find_choice(const char *choices, const char *text)
{
	size_t n = strlen(text);

	if (strchr(text, '|'))
		return NULL;
	for (const char *c = choices; c; c = strchr(c, '|') ? strchr(c, '|') + 1 : NULL)
		if (strncmp(c, text, n) == 0 && (c[n] == '|' || c[n] == '\0') && n)
			return text;
	return NULL;
}

static void
set_number(const struct cli *cli, const struct cli_option *o, void *member, const char *text)
{
	double value;
	bool is_number =
	    o->type == CLI_TYPE_DOUBLE ? parse_double(text, &value) : parse_size(text, &value);

	if (!is_number || value < o->min || value > o->max)
		cli_usage(cli, "--%s: '%s' is not a%s number from %.15g to %.15g", o->name, text,
		    o->type == CLI_TYPE_DOUBLE ? "" : " whole", o->min, o->max);
	if (o->type == CLI_TYPE_DOUBLE)
		*(double *)member = value;
	else if (o->type == CLI_TYPE_INT)
		*(int *)member = (int)value;
	else
		*(size_t *)member = (size_t)value;
}

static void
add_to_list(
    const struct cli *cli, const struct cli_option *o, struct cli_list *list, const char *text)
{
	if (list->n == CLI_MAX_LIST)
		cli_usage(cli, "--%s: %d of them at most", o->name, CLI_MAX_LIST);
	list->items[list->n++] = text;
}

static void
set_option(struct cli *cli, void *options, const struct cli_option *o, const char *text)
{
	void *member = (char *)options + o->offset;

	switch (o->type) {
	case CLI_TYPE_FLAG:
		*(bool *)member = true;
		break;
	case CLI_TYPE_STRING:
		*(const char **)member = text;
		break;
	case CLI_TYPE_CHOICE:
		if (!find_choice(o->argument, text))
			cli_usage(cli, "--%s: '%s' is none of %s", o->name, text, o->argument);
		*(const char **)member = text;
		break;
	case CLI_TYPE_LIST:
		add_to_list(cli, o, member, text);
		break;
	default:
		set_number(cli, o, member, text);
	}
}

/* 3. Usage text, version, option table */

static void
print_usage(const struct cli_program *p)
{
	const struct cli_option *list[MAX_OPTIONS];
	size_t n = list_options(p, list);
	bool is_required = p->features & (CLI_FILE_IN | CLI_OWN_OPERANDS);

	printf("%s - %s\n\nusage: %s [options] %s%s%s%s\n\n", p->name, p->purpose, p->name,
	    is_required ? "" : "[", p->operand, p->features & CLI_MANY_INPUTS ? " ..." : "",
	    is_required ? "" : "]");
	for (size_t i = 0; i < n; i++) {
		char text[80];

		snprintf(text, sizeof(text), "%s%c%s --%s%s%s", list[i]->letter ? "-" : " ",
		    list[i]->letter ? list[i]->letter : ' ', list[i]->letter ? "," : " ",
		    list[i]->name, list[i]->argument ? " " : "",
		    list[i]->argument ? list[i]->argument : "");
		if (strlen(text) > 28)
			printf("  %s\n  %-28s  %s\n", text, "", list[i]->help);
		else
			printf("  %-28s  %s\n", text, list[i]->help);
	}
	printf("\nManual: man %s\n", p->name);
}

static void
print_options(const struct cli_program *p)
{
	static const char *const types[] = { "flag", "string", "int", "size", "double", "choice",
		"list" };
	const struct cli_option *list[MAX_OPTIONS];
	size_t n = list_options(p, list);

	printf("program\t%s\t%s\t%s\n", p->name, p->operand, p->purpose);
	for (size_t i = 0; i < n; i++)
		printf("%s\t%c\t%s\t%s\t%s\n", list[i]->name,
		    list[i]->letter ? list[i]->letter : '-',
		    list[i]->argument ? list[i]->argument : "-", types[list[i]->type],
		    list[i]->help);
}

/* Ends the program: exit 0, or 1 where the text could not be written. */
static void
exit_after_text(const struct cli_program *p)
{
	if (fflush(stdout) || ferror(stdout) || close(STDOUT_FILENO)) {
		fprintf(stderr, "%s: stdout: write: %s\n", p->name, strerror(errno));
		exit(1);
	}
	exit(0);
}

static void
obey_common(const struct cli_program *p, const struct cli_option *o)
{
	if (strcmp(o->name, "help") == 0)
		print_usage(p);
	else if (strcmp(o->name, "version") == 0)
		printf("%s %s\n", p->name, CELLPIPE_VERSION);
	else if (strcmp(o->name, "print-options") == 0)
		print_options(p);
	else
		return;
	exit_after_text(p);
}

/* 4. Parsing */

/* A program may be started without some of the standard files; no other file must come to be in
 * their places, where messages or results would be written into it. What is opened there instead
 * fails at the first use. */
static void
hold_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static void
set_operands(struct cli *cli, int n, char **operands)
{
	unsigned features = cli->program->features;

	cli->inputs = operands;
	cli->n_inputs = (size_t)n;
	cli->input = n ? operands[0] : "-";
	if (n == 0 && features & CLI_FILE_IN)
		cli_usage(cli, "%s is missing", cli->program->operand);
	if (n > 1 && !(features & (CLI_MANY_INPUTS | CLI_OWN_OPERANDS)))
		cli_usage(cli, "one %s at most, not '%s' too", cli->program->operand, operands[1]);
	if (features & CLI_FILE_OUT && !cli->output)
		cli_usage(cli, "-o is required");
}

static bool
is_common(const struct cli_option *o)
{
	return o >= &common[0].option && o <= &common[N_COMMON - 1].option;
}

static void
fill_getopt_tables(
    const struct cli_option *const *list, size_t n, char *letters, struct option *names)
{
	*letters++ = ':';
	for (size_t i = 0; i < n; i++) {
		names[i] = (struct option){ list[i]->name,
			list[i]->argument ? required_argument : no_argument, NULL,
			FIRST_CODE + (int)i };
		if (list[i]->letter) {
			*letters++ = list[i]->letter;
			if (list[i]->argument)
				*letters++ = ':';
		}
	}
	*letters = '\0';
	names[n] = (struct option){ 0 };
}

static const struct cli_option *
find_option(const struct cli_option *const *list, size_t n, int code)
{
	if (code >= FIRST_CODE)
		return list[code - FIRST_CODE];
	for (size_t i = 0; i < n; i++)
		if (list[i]->letter == code)
			return list[i];
	return NULL;
}

static void
refuse(const struct cli *cli, int code, char **argv)
{
	const char *word = argv[optind - 1];

	if (code == ':')
		cli_usage(cli, "option '%s' needs a value", word);
	if (optopt && optopt < FIRST_CODE)
		cli_usage(cli, "no option '-%c' (-h lists them)", optopt);
	cli_usage(cli,
	    "no option '%s', or not one alone, or with a value it does not take (-h lists them)",
	    word);
}

void
cli_parse(void *options, int argc, char **argv, const struct cli_program *program)
{
	const struct cli_option *list[MAX_OPTIONS];
	struct option names[MAX_OPTIONS + 1];
	char letters[2 * MAX_OPTIONS + 2];
	size_t n = list_options(program, list);
	struct cli *cli = options;
	int code;

	mem_start();
	hold_standard_files();
	cli->program = program;
	cli->options = options;
	cli->threads = 0;
	cli->level = -1;
	cli->is_mute = program->features & CLI_RANKS && launcher_find().rank > 0;
	fill_getopt_tables(list, n, letters, names);
	opterr = 0;
	while ((code = getopt_long(argc, argv, letters, names, NULL)) != -1) {
		const struct cli_option *o = find_option(list, n, code);

		if (!o || code == '?' || code == ':')
			refuse(cli, code, argv);
		if (is_common(o))
			obey_common(program, o);
		set_option(cli, options, o, optarg);
	}
	set_operands(cli, argc - optind, argv + optind);
	if (!cli->threads && !(program->features & CLI_RANKS))
		cli->threads = cpus_usable();
	if (cli->is_mute) {
		cli->quiet = true;
		cli->verbose = false;
	}
}

void
cli_note(struct cli *cli, const char *key, const char *value)
{
	assert(cli->n_notes < CLI_MAX_NOTES && strlen(value) < sizeof(cli->notes[0].value));
	cli->notes[cli->n_notes].key = key;
	snprintf(cli->notes[cli->n_notes].value, sizeof(cli->notes[0].value), "%s", value);
	cli->n_notes++;
}

/* 5. Messages */

static void
message(const struct cli *cli, const char *before, const char *format, va_list args)
{
	char text[1200];

	vsnprintf(text, sizeof(text), format, args);
	err_make_printable(text);
	fflush(stdout);
	fprintf(stderr, "%s%s: %s%s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", cli->program->name,
	    before, text);
}

void
cli_usage(const struct cli *cli, const char *format, ...)
{
	va_list args;

	/* What started the ranks ends all of them with the first: that must be the one that
	 * speaks. */
	if (cli->is_mute) {
		sleep(1);
		exit(2);
	}
	va_start(args, format);
	message(cli, "", format, args);
	va_end(args);
	exit(2);
}

int
cli_status(const struct cli *cli, const struct err *e)
{
	if (!e->is_set)
		return 0;
	if (cli->is_mute)
		return 1;
	fprintf(stderr, "%s%s: %s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", cli->program->name,
	    e->text);
	return 1;
}

void
cli_warn(const struct cli *cli, const char *format, ...)
{
	va_list args;

	if (cli->quiet)
		return;
	va_start(args, format);
	message(cli, "warning: ", format, args);
	va_end(args);
}

void
cli_inform(const struct cli *cli, const char *format, ...)
{
	va_list args;

	if (!cli->verbose)
		return;
	va_start(args, format);
	message(cli, "", format, args);
	va_end(args);
}
