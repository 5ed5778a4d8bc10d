/* SPDX-License-Identifier: Apache-2.0 */
/* Running a helper program without a shell: bytes in, bytes out, bounded in size and time. */
#ifndef IMG_SYS_PROCESS_H
#define IMG_SYS_PROCESS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/op.h"

struct process_result {
	int exit_code;	 /* 0..255, or -1 when a signal ended it */
	int term_signal; /* or 0 */
};

/*
 * Runs argv[0] (looked up in PATH) by posix_spawn with `input` on stdin; stdout goes to `out`
 * (capped: more is ERR_LIMIT and ends the child), stderr is inherited. Done when the child has
 * exited, even if something it left behind keeps its stdout open. Kills its process group and reaps
 * it after `timeout_ms` (0: never; ERR_TIMEOUT) or when the operation (may be NULL) is cancelled.
 * ERR_NOT_FOUND when there is no such program. A non-zero exit is not an error here. What the child
 * does not want to read of the input is dropped.
 */
struct process_call {
	const char *const *argv; /* NULL-terminated */
	const void *input;
	size_t input_len;
	unsigned timeout_ms;
};
int process_run(struct op *op, const struct process_call *call, struct buf *out,
		struct process_result *ret, struct err *err);

#endif
