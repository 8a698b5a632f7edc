#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

static void
make_printable(char *text)
{
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
}

static void
set_text(struct err *e, const char *format, va_list args)
{
	vsnprintf(e->text, sizeof(e->text), format, args);
	make_printable(e->text);
	e->is_set = true;
}

int
err_set(struct err *e, const char *format, ...)
{
	va_list args;

	if (e->is_set)
		return -1;
	va_start(args, format);
	set_text(e, format, args);
	va_end(args);
	return -1;
}

int
err_sys(struct err *e, const char *format, ...)
{
	int number = errno;
	size_t used;
	va_list args;

	if (e->is_set)
		return -1;
	va_start(args, format);
	set_text(e, format, args);
	va_end(args);
	used = strlen(e->text);
	snprintf(e->text + used, sizeof(e->text) - used, ": %s", strerror(number));
	return -1;
}

int
err_prefix(struct err *e, const char *format, ...)
{
	char text[sizeof(e->text)];
	size_t used;
	va_list args;

	if (!e->is_set)
		return -1;
	memcpy(text, e->text, sizeof(text));
	va_start(args, format);
	set_text(e, format, args);
	va_end(args);
	used = strlen(e->text);
	snprintf(e->text + used, sizeof(e->text) - used, ": %s", text);
	return -1;
}
