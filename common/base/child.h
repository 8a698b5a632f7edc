/* child.h - another program as a child process, without a shell.
 *
 * It is the first of a process group of its own, so that Ctrl-C in a terminal reaches it only by
 * way of us, and so that a signal reaches what it starts, too. Its standard input is empty; its
 * output and messages are added to a log. Where the system can (Linux), it gets SIGTERM when we
 * die.
 *
 * The log is locked as long as any process of the child has it open: so child_is_logging tells
 * whether one that an earlier run of ours left behind is still at work. (Open file description
 * locks, Linux; elsewhere it never does.) */

#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct child;

/* Starts argv[0], found in PATH, with argv (ends with NULL). NULL with e set where there is no such
 * program, or the log cannot be written. Freed by child_free. */
struct child *child_start(const char *const *argv, const char *log, struct err *e);

/* Sends a signal to the child's process group, if the child has not ended. */
void child_signal(const struct child *c, int number);

/* Whether it has ended, after waiting that many seconds at most. */
bool child_wait(struct child *c, double seconds);

/* Of one that has ended (asserted). */
bool child_has_succeeded(const struct child *c);
/* The same, or it ended as SIGTERM ends a program: by that signal, or with what shells make of it,
 * exit status 143. */
bool child_has_stopped(const struct child *c);
/* "exit status 1", "signal 9 (Killed)". Lives as long as c. */
const char *child_outcome(const struct child *c);

/* One that has not ended is killed (SIGKILL) and waited for. NULL is fine. */
void child_free(struct child *c);

/* Whether a process has the log open that child_start gave it; false where there is no such file.
 */
bool child_is_logging(const char *log);

/* Waits, up to the next signal. */
void child_pause(double seconds);

#endif
