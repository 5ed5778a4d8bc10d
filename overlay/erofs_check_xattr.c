/* SPDX-License-Identifier: Apache-2.0 */
/* Checking the xattrs behind an inode. */
#include "overlay/erofs_acl.h"
#include "overlay/erofs_check.h"

#include "base/mem.h"
#include "layers/tar.h"

#include <string.h>

/* One entry, whole. */
struct entry {
	struct erofs_xattr head;
	const unsigned char *name, *value;
	uint32_t bytes; /* up to the next */
};

static bool read_entry(const unsigned char *p, const unsigned char *end, struct entry *ret)
{
	const size_t left = (size_t)(end - p);
	uint32_t used;

	if (left < sizeof(ret->head))
		return false;
	memcpy(&ret->head, p, sizeof(ret->head));
	used = (uint32_t)sizeof(ret->head) + ret->head.name_len + ret->head.value_len;
	ret->bytes = (used + 3) & ~3u;
	if (ret->bytes > left)
		return false;
	ret->name = p + sizeof(ret->head);
	ret->value = ret->name + ret->head.name_len;
	return check_is_zero(p + used, ret->bytes - used);
}

/* What steers overlayfs is never in an image. */
static bool steers_overlay(const struct entry *e)
{
	return (e->head.prefix == EROFS_PREFIX_USER || e->head.prefix == EROFS_PREFIX_TRUSTED) &&
	       e->head.name_len >= 8 && !memcmp(e->name, "overlay.", 8);
}

static bool entry_is_valid(const struct check_inode *i, const struct entry *e)
{
	switch (e->head.prefix) {
	case EROFS_PREFIX_USER:
		if (i->type != EROFS_TYPE_FILE && i->type != EROFS_TYPE_DIRECTORY)
			return false;
		break;
	case EROFS_PREFIX_TRUSTED:
	case EROFS_PREFIX_SECURITY:
		break;
	case EROFS_PREFIX_ACL_DEFAULT:
		if (i->type != EROFS_TYPE_DIRECTORY)
			return false;
		/* fall through */
	case EROFS_PREFIX_ACL_ACCESS:
		return i->type != EROFS_TYPE_SYMLINK && !e->head.name_len &&
		       erofs_acl_is_valid(e->value, e->head.value_len);
	default:
		return false;
	}
	return e->head.name_len && !memchr(e->name, 0, e->head.name_len) && !steers_overlay(e);
}

static bool is_same_name(const struct entry *a, const struct entry *b)
{
	return a->head.prefix == b->head.prefix && a->head.name_len == b->head.name_len &&
	       !memcmp(a->name, b->name, a->head.name_len);
}

int check_xattrs(struct check *c, const struct check_inode *i, struct err *err)
{
	const unsigned char *p = c->image.data + i->offset + sizeof(struct erofs_inode);
	const unsigned char *end = c->image.data + i->offset + i->head;
	_free_ struct entry *seen = NULL;
	size_t count = 0;

	if (p == end)
		return 0;
	if (!check_is_zero(p, sizeof(struct erofs_xattr_header)))
		return check_failed(err, i->nid, "header of xattrs");
	p += sizeof(struct erofs_xattr_header);
	if (p == end)
		return check_failed(err, i->nid, "xattr_count");
	seen = xcalloc(TAR_XATTRS_MAX, sizeof(*seen));
	for (; p < end; p += seen[count++].bytes) {
		if (count == TAR_XATTRS_MAX || !read_entry(p, end, &seen[count]) ||
		    !entry_is_valid(i, &seen[count]))
			return check_failed(err, i->nid, "xattr");
		for (size_t n = 0; n < count; n++)
			if (is_same_name(&seen[n], &seen[count]))
				return check_failed(err, i->nid, "an xattr twice");
	}
	return 0;
}
