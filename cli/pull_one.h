/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pulling one image as the flags of this invocation say; for `pull`, and for commands that need an
 * image in the store.
 */
#ifndef IMG_CLI_PULL_ONE_H
#define IMG_CLI_PULL_ONE_H

#include "pull/pull.h"

#include <stdbool.h>

struct cli;

struct pull_one {
	bool all_platforms;
	bool no_unpack;
	unsigned max_ratio; /* 0: the default */
};
/*
 * `ref` with its tag made explicit. The store is opened for writing. Finish the result with
 * pull_result_fini.
 */
int pull_one(struct cli *cli, const struct reference *ref, const struct pull_one *what,
	     struct pull_result *ret, struct err *err);

#endif
