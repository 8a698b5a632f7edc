/* cli.h - the command line that every program has, from one table of options.
 *
 * A program describes itself once (struct cli_program); usage text, checks, the man page check,
 * completions
 * (--print-options) and the options in the stream's history all come from that table.
 *
 * Every program: -o FILE, -t N, -l N, -f, -q, -v, -h, -V, --print-options, as far as they mean
 * something to it, and one FILE ("-" or nothing: standard input). Errors of usage: one line on
 * stderr, exit 2. */

#ifndef BASE_CLI_H
#define BASE_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum cli_type {
	CLI_TYPE_FLAG,
	CLI_TYPE_STRING,
	CLI_TYPE_INT,
	CLI_TYPE_SIZE,
	CLI_TYPE_DOUBLE,
	CLI_TYPE_CHOICE,
	CLI_TYPE_LIST,
	CLI_TYPE_END
};

struct cli_option {
	char letter;          /* 0: no short form */
	const char *name;     /* long form */
	const char *argument; /* what stands for the value in the usage: "FILE", or for a choice
				 "mean|median"; NULL: a flag */
	enum cli_type type;
	size_t offset;   /* of the member in the program's options */
	double min, max; /* of a number; the ends are allowed */
	bool in_history; /* changes the output, so it stands in the stream's history */
	const char *help;
};

#define CLI_MAX_LIST 32

/* The values of an option that may be given several times, in their order. */
struct cli_list {
	size_t n;
	const char *items[CLI_MAX_LIST];
};

/* Members: flag bool; string const char *; int int; size size_t (suffixes k, M, G = 1024s); double
 * double; choice const char * (one of the words of `argument`, divided by '|'); list
 * struct cli_list, never in the history. The value before cli_parse is the default. The _H forms go
 * into the history. */
#define CLI_FLAG(l, n, s, m, h)                                           \
	{                                                                 \
		l, n, NULL, CLI_TYPE_FLAG, offsetof(s, m), 0, 0, false, h \
	}
#define CLI_FLAG_H(l, n, s, m, h)                                        \
	{                                                                \
		l, n, NULL, CLI_TYPE_FLAG, offsetof(s, m), 0, 0, true, h \
	}
#define CLI_STRING(l, n, a, s, m, h)                                     \
	{                                                                \
		l, n, a, CLI_TYPE_STRING, offsetof(s, m), 0, 0, false, h \
	}
#define CLI_STRING_H(l, n, a, s, m, h)                                  \
	{                                                               \
		l, n, a, CLI_TYPE_STRING, offsetof(s, m), 0, 0, true, h \
	}
#define CLI_INT(l, n, a, s, m, lo, hi, h)                               \
	{                                                               \
		l, n, a, CLI_TYPE_INT, offsetof(s, m), lo, hi, false, h \
	}
#define CLI_INT_H(l, n, a, s, m, lo, hi, h)                            \
	{                                                              \
		l, n, a, CLI_TYPE_INT, offsetof(s, m), lo, hi, true, h \
	}
#define CLI_SIZE(l, n, a, s, m, lo, hi, h)                               \
	{                                                                \
		l, n, a, CLI_TYPE_SIZE, offsetof(s, m), lo, hi, false, h \
	}
#define CLI_SIZE_H(l, n, a, s, m, lo, hi, h)                            \
	{                                                               \
		l, n, a, CLI_TYPE_SIZE, offsetof(s, m), lo, hi, true, h \
	}
#define CLI_DOUBLE_H(l, n, a, s, m, lo, hi, h)                            \
	{                                                                 \
		l, n, a, CLI_TYPE_DOUBLE, offsetof(s, m), lo, hi, true, h \
	}
#define CLI_CHOICE(l, n, a, s, m, h)                                     \
	{                                                                \
		l, n, a, CLI_TYPE_CHOICE, offsetof(s, m), 0, 0, false, h \
	}
#define CLI_CHOICE_H(l, n, a, s, m, h)                                  \
	{                                                               \
		l, n, a, CLI_TYPE_CHOICE, offsetof(s, m), 0, 0, true, h \
	}
#define CLI_LIST(l, n, a, s, m, h)                                     \
	{                                                              \
		l, n, a, CLI_TYPE_LIST, offsetof(s, m), 0, 0, false, h \
	}
#define CLI_END                                                   \
	{                                                         \
		0, NULL, NULL, CLI_TYPE_END, 0, 0, 0, false, NULL \
	}

/* What of the common options the program has. */
enum cli_feature {
	CLI_THREADS = 1,    /* -t */
	CLI_STREAM_OUT = 2, /* -o FILE or stdout, and -l: writes a stream of cells */
	CLI_TEXT_OUT = 4,   /* -o FILE or stdout: writes text */
	CLI_FILE_OUT = 8,   /* -o FILE is required: writes a file that a pipe cannot carry */
	CLI_MANY_INPUTS = 16,
	CLI_FILE_IN = 32,       /* FILE is required */
	CLI_SEED = 64,          /* --seed */
	CLI_PROGRESS = 128,     /* -q and -v: long work, with a progress line */
	CLI_OWN_OPERANDS = 256, /* any number, of which `operand` tells; the program looks at them
				 */
	CLI_RANKS = 512         /* may be several processes (ranks.h), of which the first speaks */
};

struct cli_program {
	const char *name;
	const char *purpose; /* one line, as in the NAME section of the manual */
	const char *operand; /* "FILE", "FILE.h5ad", "FOLDER.dataset" */
	unsigned features;
	const struct cli_option *options; /* ends with CLI_END */
};

#define CLI_MAX_NOTES 8

/* The values of the common options; the first member of a program's options. */
struct cli {
	const struct cli_program *program;
	const void *options; /* the program's struct, for the history */
	const char *input;   /* the FILE, or "-" */
	char **inputs;       /* all of them; [n_inputs] */
	size_t n_inputs;
	const char *output; /* NULL: standard output */
	int threads;        /* >= 1; default: CPUs that the process may use (with CLI_RANKS 0, and
			       ranks_start finds it) */
	int level;          /* zstd level; -1: by kind of output (file 3, pipe 0) */
	bool force, quiet, verbose;
	bool is_mute; /* another rank says it all; quiet, too */
	uint64_t seed;
	struct {
		const char *key;
		char value[40];
	} notes[CLI_MAX_NOTES]; /* more for the history: hashes of side files */
	size_t n_notes;
};

/* Fills *options (whose first member is a struct cli) from the command line. Ends the program for
 * -h, -V and
 * --print-options (exit 0) and for errors (exit 2). */
void cli_parse(void *options, int argc, char **argv, const struct cli_program *program);

/* A usage error found later ("-d DICT is required"): one line, exit 2. */
void cli_usage(const struct cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/* Adds a line for the history, e.g. "dictionary" and its hash. */
void cli_note(struct cli *cli, const char *key, const char *value);

/* The status main returns: prints the error (program's name first) if one is set. */
int cli_status(const struct cli *cli, const struct err *e);

/* "NAME: warning: ..." on stderr unless -q. */
void cli_warn(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "NAME: ..." on stderr with -v. */
void cli_inform(const struct cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
