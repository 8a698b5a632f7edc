/* Removal of unfinished files and folders (see io.h): the table is read in a signal handler, so its
 * entries are set and cleared by single stores. Files go first, so that their folders are empty. */

#include <assert.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

enum { MAX_UNFINISHED = 8192 };

static const char *volatile unfinished[MAX_UNFINISHED];

void
io_remove_unfinished(void)
{
	for (size_t i = 0; i < MAX_UNFINISHED; i++)
		if (unfinished[i])
			unlink(unfinished[i]);
	for (size_t i = 0; i < MAX_UNFINISHED; i++)
		if (unfinished[i])
			rmdir(unfinished[i]);
}

static void
on_signal(int number)
{
	io_remove_unfinished();
	signal(number, SIG_DFL);
	raise(number);
}

static void
watch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXCPU, SIGXFSZ, SIGQUIT,
		SIGUSR1, SIGUSR2, SIGALRM, SIGABRT, SIGBUS, SIGSEGV, SIGFPE };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };
	struct sigaction old;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(numbers[i], &action, NULL);
}

void
io_unfinished_add(const char *path)
{
	static bool is_watching;
	size_t i = 0;

	while (i < MAX_UNFINISHED && unfinished[i])
		i++;
	assert(i < MAX_UNFINISHED);
	unfinished[i] = path;
	if (!is_watching) {
		watch_signals();
		mem_at_exhaustion(io_remove_unfinished);
		is_watching = true;
	}
}

void
io_unfinished_remove(const char *path)
{
	for (size_t i = 0; i < MAX_UNFINISHED; i++)
		if (unfinished[i] && strcmp(unfinished[i], path) == 0)
			unfinished[i] = NULL;
}
