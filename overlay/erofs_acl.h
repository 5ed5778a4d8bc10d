/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX ACLs as an xattr has them (the kernel's uapi/linux/posix_acl_xattr.h). Not for others. */
#ifndef IMG_OVERLAY_EROFS_ACL_H
#define IMG_OVERLAY_EROFS_ACL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether the kernel would take the value: version 2, entries in the order of their tags, each as
 * often as it may be. What it would not take makes a file nobody but root can reach.
 */
bool erofs_acl_is_valid(const void *value, size_t len);

#endif
