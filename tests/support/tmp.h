/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder for one test, below $TMPDIR, removed when it goes out of scope: `_tmp_ struct tmp t =
 * tmp_make();`.
 */
#ifndef TESTS_SUPPORT_TMP_H
#define TESTS_SUPPORT_TMP_H

#include <stddef.h>

struct tmp {
	char path[256];
	int fd; /* of the folder, mode 0700 */
};

/* Aborts when there is none to be had. */
struct tmp tmp_make(void);
/* The same in memory (/dev/shm) where there is such: for many files. */
struct tmp tmp_make_in_memory(void);
void tmp_remove(struct tmp *t);
#define _tmp_ __attribute__((cleanup(tmp_remove)))

/* Writes `name` below the folder (its folders must be there), mode 0644; aborts on failure. */
void tmp_write(const struct tmp *t, const char *name, const void *data, size_t len);
void tmp_write_str(const struct tmp *t, const char *name, const char *text);

#endif
