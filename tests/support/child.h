/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a piece of a test in a child process whose system is worse than ours: system calls that
 * fail (a seccomp filter), limits, no root. The code under test is the same binary, nothing is
 * compiled into it for this.
 */
#ifndef TESTS_SUPPORT_CHILD_H
#define TESTS_SUPPORT_CHILD_H

#include <stdbool.h>

struct child_failure {
	long call;  /* __NR_... */
	int errnum; /* what it fails with */
};

#define CHILD_FAILURES_MAX 8

/* Zero: nothing of the kind. */
struct child_setup {
	struct child_failure failures[CHILD_FAILURES_MAX];
	unsigned long max_files;      /* RLIMIT_NOFILE */
	unsigned long max_file_bytes; /* RLIMIT_FSIZE, with SIGXFSZ ignored: EFBIG */
	bool no_threads;	      /* RLIMIT_NPROC of a user without any process: EAGAIN */
	bool unprivileged;	      /* uid and gid 65534 when we are root */
};

/*
 * Forks, sets up, runs `fn`. Returns what it returned (0 to 125), 126 when the setup failed, 127
 * when a sanitizer found something, 128 + the number of the signal that ended it. Call it from a
 * process without further threads. In the child no CUnit assertion counts: return a number.
 */
int child_run(const struct child_setup *setup, int (*fn)(void *arg), void *arg);

/* In the child: return the line of the condition that does not hold, as far as it fits. */
#define CHILD_CHECK(condition)                                                            \
	do {                                                                              \
		if (!(condition)) {                                                       \
			fprintf(stderr, "# %s:%d: %s\n", __FILE__, __LINE__, #condition); \
			return 1;                                                         \
		}                                                                         \
	} while (0)

#endif
