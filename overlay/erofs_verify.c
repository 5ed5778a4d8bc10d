/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verifier: head and devices, then every directory from the root on, then what was left over.
 * Trusts nothing: offsets are checked before they are followed, each inode is checked once and each
 * directory walked once, so that time and memory are bounded by the image's length.
 */
#include "overlay/erofs.h"

#include "base/mem.h"
#include "overlay/erofs_check.h"
#include "overlay/erofs_devices.h"
#include "overlay/erofs_sum.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#define CANCEL_INTERVAL 1024u

static void check_fini(struct check *c)
{
	free(c->devices);
	free(c->claimed);
	free(c->names);
	free(c->numbers);
	buf_fini(&c->directories);
}
#define _check_ __attribute__((cleanup(check_fini)))

int check_failed(struct err *err, uint64_t nid, const char *field)
{
	return err_set(err, ERR_DAMAGED, "image tree: inode %" PRIu64 ": %s", nid, field);
}

static int head_failed(struct err *err, const char *field)
{
	return err_set(err, ERR_DAMAGED, "image tree: superblock: %s", field);
}

bool check_is_zero(const unsigned char *p, uint64_t len)
{
	for (; len >= 8; p += 8, len -= 8) {
		uint64_t word;

		memcpy(&word, p, sizeof(word));
		if (word)
			return false;
	}
	while (len--)
		if (*p++)
			return false;
	return true;
}

bool check_claim(struct check *c, uint64_t start, uint64_t len)
{
	const uint64_t image = c->image.image_bytes;
	uint64_t end;

	if (start % EROFS_SLOT_BYTES || start > image || len > image - start)
		return false;
	end = (start + len + EROFS_SLOT_BYTES - 1) & ~(uint64_t)(EROFS_SLOT_BYTES - 1);
	if (!check_is_zero(c->image.data + start + len, end - start - len))
		return false;
	for (uint64_t i = start / EROFS_SLOT_BYTES; i < end / EROFS_SLOT_BYTES; i++) {
		if (c->claimed[i / 8] & 1u << i % 8)
			return false;
		c->claimed[i / 8] |= (uint8_t)(1u << i % 8);
	}
	return true;
}

/* --- head --- */

static int check_super(const struct check *c, const struct erofs_super *s, struct err *err)
{
	const unsigned char *block = c->image.data + EROFS_SUPER_OFFSET;
	unsigned char copy[EROFS_BLOCK_BYTES];

	memcpy(copy, block, sizeof(copy));
	memset(copy + offsetof(struct erofs_super, checksum), 0, sizeof(s->checksum));
	if (erofs_crc32c(UINT32_MAX, copy, sizeof(copy)) != s->checksum)
		return head_failed(err, "checksum");
	if (s->feature_compat != (EROFS_COMPAT_CHKSUM | EROFS_COMPAT_MTIME) ||
	    s->feature_incompat != (EROFS_CHUNKED_FILE | EROFS_DEVICE_TABLE))
		return head_failed(err, "features");
	if (s->extra_slots || s->epoch || s->fixed_nsec || s->xattr_block || s->compression ||
	    s->directory_block_bits || s->prefix_count || s->prefix_start || s->packed_nid ||
	    !check_is_zero(s->volume_name, sizeof(s->volume_name)) ||
	    !check_is_zero(s->reserved, sizeof(s->reserved)))
		return head_failed(err, "a field that has to be zero");
	if (s->device_slot != EROFS_DEVICES_OFFSET / sizeof(struct erofs_device))
		return head_failed(err, "device_slot");
	if ((uint64_t)s->meta_block << EROFS_BLOCK_BITS != c->meta_offset)
		return head_failed(err, "meta_block");
	if (!check_is_zero(c->image.data, EROFS_SUPER_OFFSET))
		return head_failed(err, "what is before it");
	return 0;
}

static int check_devices(struct check *c, struct err *err)
{
	const unsigned char *table = c->image.data + c->image.image_bytes;
	const uint64_t table_bytes = c->image.device_count * 8;
	uint64_t next = EROFS_UNIFIED_START;

	c->devices = xcalloc(c->image.device_count + 1, sizeof(*c->devices));
	for (uint64_t i = 0; i < c->image.device_count; i++) {
		const unsigned char *slot =
			c->image.data + EROFS_DEVICES_OFFSET + i * sizeof(struct erofs_device);

		c->devices[i] = erofs_device_make((size_t)c->image.device_count,
						  erofs_device_bytes(&c->image, (size_t)i), &next);
		if (memcmp(slot, &c->devices[i], sizeof(c->devices[i])) != 0)
			return err_set(err, ERR_DAMAGED, "image tree: device %" PRIu64, i + 1);
	}
	if (!check_is_zero(table + table_bytes,
			   erofs_table_bytes(c->image.device_count) - table_bytes))
		return err_set(err, ERR_DAMAGED, "image tree: end of the table of tars");
	return 0;
}

static int begin(struct check *c, struct erofs_super *ret, struct err *err)
{
	const uint64_t devices_end =
		EROFS_DEVICES_OFFSET + c->image.device_count * sizeof(struct erofs_device);

	memcpy(ret, c->image.data + EROFS_SUPER_OFFSET, sizeof(*ret));
	if (c->image.device_count > UINT16_MAX || devices_end > c->image.image_bytes ||
	    c->image.image_bytes < EROFS_SUPER_OFFSET + EROFS_BLOCK_BYTES)
		return head_failed(err, "device_count");
	c->meta_offset = erofs_meta_offset(c->image.device_count);
	TRY(check_super(c, ret, err));
	TRY(check_devices(c, err));
	c->slot_count = c->image.image_bytes / EROFS_SLOT_BYTES;
	/* An inode takes two slots. */
	if (c->image.inode_count > c->slot_count / 2)
		return head_failed(err, "inode_count");
	c->claimed = xcalloc(c->slot_count / 8 + 1, 1);
	c->names = xcalloc(c->slot_count, sizeof(*c->names));
	c->numbers = xcalloc(c->image.inode_count / 8 + 1, 1);
	if (!check_claim(c, 0, devices_end))
		return head_failed(err, "device_count");
	return 0;
}

/* --- tree and rest --- */

static int walk(struct check *c, uint64_t root, struct err *err)
{
	const struct check_dir first = { root, root };
	struct check_inode i;
	uint64_t seen = 0;

	TRY(check_read_inode(c, root, &i, err));
	if (i.type != EROFS_TYPE_DIRECTORY)
		return head_failed(err, "root_nid");
	TRY(check_inode(c, &i, err));
	TRY(buf_append(&c->directories, &first, sizeof(first), err));
	while (c->directories.len) {
		struct check_dir dir;

		c->directories.len -= sizeof(dir);
		memcpy(&dir, c->directories.data + c->directories.len, sizeof(dir));
		if (++seen % CANCEL_INTERVAL == 0)
			TRY(op_check(c->op, err));
		TRY(check_dir(c, dir, err));
	}
	return 0;
}

/* Link counts of what is no directory; theirs were checked with their dirents. */
static int check_links(struct check *c, struct err *err)
{
	for (uint64_t slot = 0; slot < c->slot_count; slot++) {
		struct erofs_inode inode;

		if (!c->names[slot])
			continue;
		memcpy(&inode, c->image.data + slot * EROFS_SLOT_BYTES, sizeof(inode));
		if ((inode.mode & S_IFMT) != S_IFDIR && inode.nlink != c->names[slot])
			return check_failed(err, slot - c->meta_offset / EROFS_SLOT_BYTES, "nlink");
	}
	return 0;
}

static int check_rest(struct check *c, struct err *err)
{
	for (uint64_t slot = 0; slot < c->slot_count; slot++)
		if (!(c->claimed[slot / 8] & 1u << slot % 8) &&
		    !check_is_zero(c->image.data + slot * EROFS_SLOT_BYTES, EROFS_SLOT_BYTES))
			return err_set(err, ERR_DAMAGED,
				       "image tree: bytes that are nobody's at %" PRIu64,
				       slot * EROFS_SLOT_BYTES);
	if (c->inodes_seen != c->image.inode_count)
		return head_failed(err, "inode_count");
	return 0;
}

static int verify(struct op *op, const struct erofs *e, struct err *err)
{
	_check_ struct check c = { .op = op, .image = *e, .directories = BUF_INIT(SIZE_MAX / 4) };
	struct erofs_super super;

	TRY(begin(&c, &super, err));
	TRY(walk(&c, super.root_nid, err));
	TRY(check_links(&c, err));
	return check_rest(&c, err);
}

int erofs_verify(struct op *op, const struct erofs *e, struct err *err)
{
	return verify(op, e, err);
}

int erofs_verify_bytes(struct op *op, const void *data, size_t len, struct err *err)
{
	struct erofs_footer footer = { 0 };
	struct erofs e;

	TRY(erofs_parse(data, len, &e, &footer, err));
	if (!check_is_zero((const unsigned char *)footer.reserved, sizeof(footer.reserved)))
		return err_set(err, ERR_DAMAGED, "image tree: footer");
	return verify(op, &e, err);
}
