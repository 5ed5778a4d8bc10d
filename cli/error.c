/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last words of a command. Libraries escape what peers said before it gets into a message;
 * lines that slipped through would still be one line here.
 */
#include "cli/error.h"

#include "base/mem.h"

static void print_line(FILE *to, const char *what, const char *text, bool color)
{
	_free_ char *line = xstrdup(text);

	for (char *c = line; *c; c++) {
		const bool c1 = (unsigned char)c[0] == 0xc2 && (unsigned char)c[1] >= 0x80 &&
				(unsigned char)c[1] < 0xa0;

		if (c1)
			*c++ = ' ';
		if (c1 || (unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	}
	/* In one piece: other processes may share the terminal. */
	fprintf(to, "img: %s%s:%s %s\n", color ? "\033[1;31m" : "", what, color ? "\033[0m" : "",
		line);
}

void error_print(FILE *to, const struct err *err, bool color)
{
	print_line(to, "error", err->msg[0] ? err->msg : "unknown", color);
	if (err->hint[0])
		print_line(to, "hint", err->hint, false);
}

int error_status(const struct err *err)
{
	const int status = err_class(err->kind)->exit_code;

	return status ? status : 1;
}
