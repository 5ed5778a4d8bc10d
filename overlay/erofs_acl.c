/* SPDX-License-Identifier: Apache-2.0 */
/* Checking an ACL as the kernel's posix_acl_valid does. The value comes from outside. */
#include "overlay/erofs_acl.h"

#include <stdint.h>
#include <string.h>

#define ACL_VERSION 2u
enum acl_tag {
	ACL_USER_OBJ = 0x01,
	ACL_USER = 0x02,
	ACL_GROUP_OBJ = 0x04,
	ACL_GROUP = 0x08,
	ACL_MASK = 0x10,
	ACL_OTHER = 0x20,
};
struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};

/* Entries in the order of their tags, each at most as often as it may be (posix_acl_valid). */
bool erofs_acl_is_valid(const void *value, size_t len)
{
	const char *p = value;
	unsigned last = 0, tags = 0;
	uint32_t version;

	if (len < 4 || (len - 4) % sizeof(struct acl_entry))
		return false;
	memcpy(&version, p, sizeof(version));
	if (version != ACL_VERSION)
		return false;
	for (size_t at = 4; at < len; at += sizeof(struct acl_entry)) {
		struct acl_entry e;
		bool many;

		memcpy(&e, p + at, sizeof(e));
		many = e.tag == ACL_USER || e.tag == ACL_GROUP;
		if (e.tag > ACL_OTHER || __builtin_popcount(e.tag) != 1 || e.perm > 7 ||
		    e.tag < last || (e.tag == last && !many) || (many && e.id == UINT32_MAX))
			return false;
		last = e.tag;
		tags |= e.tag;
	}
	/* Named users or groups need a mask. */
	if ((tags & (ACL_USER | ACL_GROUP)) && !(tags & ACL_MASK))
		return false;
	return (tags & ACL_USER_OBJ) && (tags & ACL_GROUP_OBJ) && (tags & ACL_OTHER);
}
