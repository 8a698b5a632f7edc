#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

void
err_make_printable(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++) {
		if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
			c[0] = c[1] = '?';
		else if (*c < 0x20 || *c == 0x7f)
			*c = '?';
	}
}

static void
set_text(struct err *e, const char *format, va_list args)
{
	vsnprintf(e->text, sizeof(e->text), format, args);
	err_make_printable(e->text);
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
