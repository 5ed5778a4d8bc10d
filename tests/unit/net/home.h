/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A home of its own for tests of credentials: the variables point into a temporary folder, and are
 * as before afterwards.
 */
#ifndef TESTS_UNIT_NET_HOME_H
#define TESTS_UNIT_NET_HOME_H

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>

#define HOME_VARIABLES 7

struct home {
	char *dir;
	char *saved[HOME_VARIABLES];
	char *path;
};

/*
 * HOME is DIR, XDG_RUNTIME_DIR is DIR/run, PATH begins with DIR/bin; XDG_CONFIG_HOME,
 * DOCKER_CONFIG, REGISTRY_AUTH_FILE and DOCKER_AUTH_CONFIG are not set.
 */
void home_init(struct home *h);
/* Removes the folder, brings the variables back. */
void home_fini(struct home *h);
#define _home_ __attribute__((cleanup(home_fini)))

/* Writes DIR/NAME, with its folders; ' becomes ". */
void home_write(const struct home *h, const char *name, const char *text);
/* The same for a program. */
void home_program(const struct home *h, const char *name, const char *text);
/* What DIR/NAME holds; NULL when absent. Free with free(). */
char *home_read(const struct home *h, const char *name);
/* "DIR/NAME". Free with free(). */
char *home_path(const struct home *h, const char *name);

/*
 * 1 when both texts are the same (NULL is the same as NULL); else prints the row and what differs.
 */
int row_text(const char *row, const char *what, const char *want, const char *got);
int row_int(const char *row, const char *what, long long want, long long got);
/* 1 when the error is of this kind and its message has `text` in it. */
int row_err(const char *row, const struct err *err, enum err_kind kind, const char *text);

#endif
