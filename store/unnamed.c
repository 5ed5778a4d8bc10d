/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random names in the form of digests, so that making, locking and cleaning in staging/ are the
 * same for all files.
 */
#include "store/unnamed.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>

int unnamed_digest(struct digest *ret, struct err *err)
{
	struct digest d = { .alg = DIGEST_SHA256 };
	const size_t len = digest_alg_bytes(d.alg);

	if (getrandom(d.bytes, len, 0) != (ssize_t)len)
		return err_sys(err, errno, "random numbers");
	*ret = d;
	return 0;
}
