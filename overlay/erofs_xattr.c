/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes behind an inode. What no Linux file could have, because its namespace does
 * not exist or does not go with the file's type, is left out, as setxattr would refuse it; so are
 * labels of another machine's policy. An ACL that the kernel would not take is left out too: it
 * would make the file unreachable.
 */
#include "overlay/erofs_acl.h"
#include "overlay/erofs_writer.h"

#include <string.h>
#include <sys/stat.h>

#define XATTRS_BYTES_MAX                               \
	((uint32_t)sizeof(struct erofs_xattr_header) + \
	 (uint32_t)sizeof(uint32_t) * (uint32_t)(UINT16_MAX - 1))

static const struct {
	const char *prefix;
	uint8_t len, number;
	bool is_whole; /* the name itself */
} prefixes[] = {
	{ "user.", 5, EROFS_PREFIX_USER, false },
	{ "trusted.", 8, EROFS_PREFIX_TRUSTED, false },
	{ "security.", 9, EROFS_PREFIX_SECURITY, false },
	{ "system.posix_acl_access", 23, EROFS_PREFIX_ACL_ACCESS, true },
	{ "system.posix_acl_default", 24, EROFS_PREFIX_ACL_DEFAULT, true },
};

static bool goes_with_type(uint8_t prefix, const struct tar_xattr *x, uint32_t mode)
{
	switch (prefix) {
	case EROFS_PREFIX_USER:
		return S_ISREG(mode) || S_ISDIR(mode);
	case EROFS_PREFIX_ACL_ACCESS:
		return !S_ISLNK(mode) && erofs_acl_is_valid(x->value, x->value_len);
	case EROFS_PREFIX_ACL_DEFAULT:
		return S_ISDIR(mode) && erofs_acl_is_valid(x->value, x->value_len);
	default:
		return true;
	}
}

/* Splits the name; false when it is to be left out. */
static bool split_name(const struct tar_xattr *x, uint32_t mode, struct erofs_xattr *ret,
		       const char **ret_rest)
{
	if (!strcmp(x->name, "security.selinux"))
		return false;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		const size_t len = prefixes[i].len;

		if (x->name_len < len || memcmp(x->name, prefixes[i].prefix, len) != 0 ||
		    (x->name_len == len) != prefixes[i].is_whole)
			continue;
		*ret = (struct erofs_xattr){ .name_len = (uint8_t)(x->name_len - len),
					     .prefix = prefixes[i].number,
					     .value_len = (uint16_t)x->value_len };
		*ret_rest = x->name + len;
		return goes_with_type(prefixes[i].number, x, mode);
	}
	return false;
}

static uint32_t entry_bytes(const struct tar_xattr *x, const char *rest)
{
	const size_t name_len = x->name_len - (size_t)(rest - x->name);

	return (uint32_t)(sizeof(struct erofs_xattr) + name_len + x->value_len + 3) & ~3u;
}

int erofs_xattrs_measure(const struct tree *tree, uint32_t node, const struct tree_stat *st,
			 uint32_t *ret, struct err *err)
{
	uint32_t total = sizeof(struct erofs_xattr_header);
	struct erofs_xattr head;
	struct tar_xattr x;
	const char *rest;

	for (size_t i = 0; tree_xattr(tree, node, i, &x); i++) {
		if (!split_name(&x, st->mode, &head, &rest))
			continue;
		if (x.value_len > UINT16_MAX || x.name_len > EROFS_NAME_MAX)
			return erofs_refuse(tree, node, err, ERR_UNSUPPORTED,
					    "an extended attribute too large for EROFS");
		total += entry_bytes(&x, rest);
		if (total > XATTRS_BYTES_MAX)
			return erofs_refuse(tree, node, err, ERR_UNSUPPORTED,
					    "more extended attributes than EROFS can hold");
	}
	*ret = total > sizeof(struct erofs_xattr_header) ? total : 0;
	return 0;
}

void erofs_xattrs_write(const struct tree *tree, uint32_t node, const struct tree_stat *st,
			char *dst)
{
	struct erofs_xattr head;
	struct tar_xattr x;
	const char *rest;

	dst += sizeof(struct erofs_xattr_header);
	for (size_t i = 0; tree_xattr(tree, node, i, &x); i++) {
		if (!split_name(&x, st->mode, &head, &rest))
			continue;
		memcpy(dst, &head, sizeof(head));
		memcpy(dst + sizeof(head), rest, head.name_len);
		memcpy(dst + sizeof(head) + head.name_len, x.value, x.value_len);
		dst += entry_bytes(&x, rest);
	}
}

uint64_t erofs_xattrs_lost(const struct tree *tree, uint32_t node, const struct tree_stat *st)
{
	struct erofs_xattr head;
	struct tar_xattr x;
	const char *rest;
	uint64_t lost = 0;

	for (size_t i = 0; tree_xattr(tree, node, i, &x); i++)
		lost += !split_name(&x, st->mode, &head, &rest) &&
			strcmp(x.name, "security.selinux") != 0;
	return lost;
}
