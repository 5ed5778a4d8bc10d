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

static int on_name(void *arg, const char *name, const struct lower_stat *st, struct err *err)
{
	struct lower_stat again;

	/* Whatever it says, it says it again. */
	if (((struct lower *)arg)->ops->find(arg, name, &again, err) == 1 && again.mode != st->mode)
		abort();
	return 0;
}

static void look_up(const struct erofs *e, bool is_good)
{
	struct lower *l = erofs_lower(e);
	struct lower_stat st;
	struct err err = { 0 };

	(void)l->ops->find(l, "a/b", &st, &err);
	(void)l->ops->find(l, "link/x", &st, &err);
	err_clear(&err);
	if (l->ops->list(l, "", on_name, l, &err) < 0 && is_good)
		abort();
	l->ops->close(l);
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
