/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image opened: mapped, and checked against its own checksum. The file belongs to the store,
 * which never changes it in place. What a checksum can't tell, whether the image is a good one, is
 * the verifier's.
 */
#include "overlay/erofs.h"

#include "base/mem.h"
#include "overlay/erofs_devices.h"
#include "overlay/erofs_reader.h"
#include "overlay/erofs_sum.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int damaged(struct err *err, const char *what)
{
	return err_set(err, ERR_DAMAGED, "image tree: %s", what);
}

static int check_super(const struct erofs *e, struct err *err)
{
	struct erofs_super s;

	memcpy(&s, e->data + EROFS_SUPER_OFFSET, sizeof(s));
	if (s.magic != EROFS_SUPER_MAGIC || s.block_bits != EROFS_BLOCK_BITS)
		return damaged(err, "not an EROFS image");
	if (s.device_count != e->device_count ||
	    (uint64_t)s.blocks << EROFS_BLOCK_BITS != e->image_bytes ||
	    s.inode_count != e->inode_count)
		return damaged(err, "head and tail differ");
	return 0;
}

int erofs_parse(const void *data, size_t len, struct erofs *ret, struct erofs_footer *footer,
		struct err *err)
{
	struct erofs e = { .data = data, .len = len };
	uint64_t table, total;

	if (len < EROFS_DEVICES_OFFSET + sizeof(*footer) || len % 8)
		return damaged(err, "cut short");
	memcpy(footer, e.data + len - sizeof(*footer), sizeof(*footer));
	if (memcmp(footer->magic, EROFS_FOOTER_MAGIC, sizeof(footer->magic)) != 0)
		return damaged(err, "it has no end");
	if (footer->version != EROFS_FOOTER_VERSION)
		return damaged(err, "of another version");
	table = erofs_table_bytes(footer->device_count);
	if (footer->image_bytes < EROFS_DEVICES_OFFSET || footer->image_bytes % EROFS_BLOCK_BYTES ||
	    __builtin_add_overflow(footer->image_bytes, table + sizeof(*footer), &total) ||
	    total != len)
		return damaged(err, "of a wrong length");
	e.image_bytes = footer->image_bytes;
	e.device_count = footer->device_count;
	e.inode_count = footer->inode_count;
	TRY(check_super(&e, err));
	*ret = e;
	return 0;
}

static int check_sum(const struct erofs *e, const struct erofs_footer *footer, struct err *err)
{
	struct erofs_sum sum;

	erofs_sum_init(&sum);
	erofs_sum_add(&sum, e->data, e->len - sizeof(*footer));
	if (erofs_sum_end(&sum, footer, offsetof(struct erofs_footer, checksum)) !=
	    footer->checksum)
		return damaged(err, "the checksum is wrong");
	return 0;
}

int erofs_open(int fd, struct erofs **ret, struct err *err)
{
	struct erofs e = { 0 };
	struct erofs_footer footer = { 0 };
	struct stat st;
	void *data;
	int rc;

	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "image tree");
	if (!S_ISREG(st.st_mode) || st.st_size <= 0)
		return damaged(err, "empty, or not a file");
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (data == MAP_FAILED)
		return err_sys(err, errno, "image tree");
	rc = erofs_parse(data, (size_t)st.st_size, &e, &footer, err);
	if (rc == 0)
		rc = check_sum(&e, &footer, err);
	if (rc < 0) {
		munmap(data, (size_t)st.st_size);
		return rc;
	}
	*ret = NEW(struct erofs);
	**ret = e;
	return 0;
}

void erofs_free(struct erofs *e)
{
	if (!e)
		return;
	munmap((void *)(uintptr_t)e->data, e->len);
	free(e);
}

size_t erofs_device_count(const struct erofs *e)
{
	return e->device_count;
}

uint64_t erofs_device_bytes(const struct erofs *e, size_t device)
{
	uint64_t bytes;

	memcpy(&bytes, e->data + e->image_bytes + device * 8, sizeof(bytes));
	return bytes;
}

uint64_t erofs_inode_count(const struct erofs *e)
{
	return e->inode_count;
}
