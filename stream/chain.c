/* SPDX-License-Identifier: Apache-2.0 */
/* The ChainID: the name of a stack of layers (image-spec config.md, "Layer ChainID"). */
#include "stream/chain.h"

#include "base/mem.h"
#include "stream/hash.h"

#include <string.h>

void chain_id(const struct digest *parent, const struct digest *diffid, struct digest *ret)
{
	_free_ char *text = NULL;

	if (!parent) {
		*ret = *diffid;
		return;
	}
	text = xasprintf("%s %s", DIGEST_TEXT(parent), DIGEST_TEXT(diffid));
	hash_bytes(DIGEST_SHA256, text, strlen(text), ret);
}
