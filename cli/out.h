/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The product of a command: standard output, or a file that -o names. A file appears whole or not
 * at all.
 */
#ifndef IMG_CLI_OUT_H
#define IMG_CLI_OUT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct json;

/* One line of JSON to standard output; with `indent` spread over several. Frees `value`. */
int out_json(struct json *value, unsigned indent, struct err *err);
/* Exact bytes to standard output. */
int out_bytes(const void *data, size_t len, struct err *err);
/*
 * Flushes standard output; the first error that any writing to it met. -EPIPE when nobody reads any
 * more.
 */
int out_finish(struct err *err);
/* Text of a peer on standard output, control characters escaped, without newline. */
void out_escaped(const char *text);

/* A file that is being made. */
struct out_file {
	int fd;
	char *path;	 /* where it goes, NULL: standard output */
	char *temp_path; /* its name until then; NULL when `path` itself is written (a device) */
};
/*
 * Opens the output: `path` NULL or "-" is standard output (ERR_USAGE when that is a terminal), a
 * new or regular file is made beside its final name, anything else is written directly.
 */
int out_file_open(const char *path, struct out_file *ret, struct err *err);
/* Puts the file in its place. */
int out_file_commit(struct out_file *f, struct err *err);
/* Closes; removes what was not committed. */
void out_file_close(struct out_file *f);
#define _out_file_ __attribute__((cleanup(out_file_close)))

#endif
