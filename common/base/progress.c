#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/progress.h"

static const double REDRAW_SECONDS = 0.2;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void
progress_start(struct progress *p, const struct cli *cli, const char *unit)
{
	*p = (struct progress){ .cli = cli, .unit = unit };
	p->is_drawn = !cli->quiet && isatty(STDERR_FILENO);
	p->start = p->last = now();
}

static double
per_second(const struct progress *p, double seconds)
{
	return seconds > 0 ? (double)p->n / seconds : 0;
}

static void
draw(const struct progress *p, double seconds, double fraction)
{
	fprintf(stderr, "\r\033[K%s: %llu %s, %.4g %s/s", p->cli->program->name,
	    (unsigned long long)p->n, p->unit, per_second(p, seconds), p->unit);
	if (fraction > 0 && fraction <= 1) {
		unsigned long left = (unsigned long)(seconds / fraction - seconds);

		fprintf(stderr, ", %.0f %%, %lu:%02lu left", 100 * fraction, left / 60, left % 60);
	}
	fflush(stderr);
}

void
progress_advance(struct progress *p, uint64_t n, double fraction)
{
	double t;

	p->n += n;
	if (!p->is_drawn)
		return;
	t = now();
	if (t - p->last < REDRAW_SECONDS)
		return;
	p->last = t;
	draw(p, t - p->start, fraction);
}

void
progress_end(struct progress *p)
{
	double seconds = now() - p->start;

	if (p->is_drawn)
		fprintf(stderr, "\r\033[K");
	cli_inform(p->cli, "%llu %s in %.2f s (%.4g %s/s)", (unsigned long long)p->n, p->unit,
	    seconds, per_second(p, seconds), p->unit);
}
