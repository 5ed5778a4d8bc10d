/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verifier, and looking paths up, on any bytes. The superblock's checksum is put right first:
 * else nothing behind it would ever be read.
 */
#include "base/mem.h"
#include "overlay/erofs.h"
#include "overlay/erofs_format.h"
#include "overlay/erofs_reader.h"
#include "overlay/erofs_sum.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fix_sum(unsigned char *data)
{
	unsigned char *at = data + EROFS_SUPER_OFFSET + offsetof(struct erofs_super, checksum);
	uint32_t sum = 0;

	memcpy(at, &sum, sizeof(sum));
	sum = erofs_crc32c(UINT32_MAX, data + EROFS_SUPER_OFFSET, EROFS_BLOCK_BYTES);
	memcpy(at, &sum, sizeof(sum));
}

struct look {
	struct lower *lower;
	bool is_good;
};

/* What a good image lists, it finds. */
static int on_name(void *arg, const char *name, const struct lower_stat *st, struct err *err)
{
	const struct look *l = arg;
	struct lower_stat again;
	const int rc = l->lower->ops->find(l->lower, name, &again, err);

	if (l->is_good && (rc != 1 || again.mode != st->mode))
		abort();
	return 0;
}

static void look_up(const struct erofs *e, bool is_good)
{
	struct look look = { erofs_lower(e), is_good };
	struct lower_stat st;
	struct err err = { 0 };

	(void)look.lower->ops->find(look.lower, "a/b", &st, &err);
	(void)look.lower->ops->find(look.lower, "link/x", &st, &err);
	err_clear(&err);
	if (look.lower->ops->list(look.lower, "", on_name, &look, &err) < 0 && is_good)
		abort();
	look.lower->ops->close(look.lower);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_free_ unsigned char *copy = xcalloc(1, size + 1);
	struct erofs_footer footer;
	struct err err = { 0 };
	struct erofs e;
	int rc;

	if (size)
		memcpy(copy, data, size);
	if (size > EROFS_SUPER_OFFSET + EROFS_BLOCK_BYTES)
		fix_sum(copy);
	rc = erofs_verify_bytes(NULL, copy, size, &err);
	if (rc < 0 && err.kind != ERR_DAMAGED)
		abort();
	if (erofs_parse(copy, size, &e, &footer, &err) == 0)
		look_up(&e, rc == 0);
	return 0;
}
