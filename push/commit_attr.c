/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes of upper files: all of them, but what is overlayfs's own and what the host's
 * security module adds. Ids inside ACLs (linux/posix_acl_xattr.h) and file capabilities
 * (linux/capability.h, revision 3) are brought back like owners. Read by name through /proc:
 * opening a device or fifo may have effects.
 */
#include "push/commit_int.h"

#include "base/mem.h"
#include "base/text.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

/* XATTR_LIST_MAX and XATTR_SIZE_MAX of linux/limits.h. */
#define LIST_BYTES  ((size_t)64 * 1024)
#define VALUE_BYTES ((size_t)64 * 1024)
#define VALUES_MAX  ((size_t)16 << 20)

void attrs_init(struct attrs *a)
{
	*a = (struct attrs){ .names = BUF_INIT(LIST_BYTES), .values = BUF_INIT(VALUES_MAX) };
}

void attrs_fini(struct attrs *a)
{
	buf_fini(&a->names);
	buf_fini(&a->values);
	free(a->items);
}

int commit_id(const struct id_map *map, uint32_t outside, const char *what, uint32_t *ret,
	      struct err *err)
{
	if (!map) {
		*ret = outside;
		return 0;
	}
	if (!id_map_in(map, outside, ret))
		return err_set(err, ERR_UNSUPPORTED, "%s %u is not in the map of this root", what,
			       outside);
	return 0;
}

static bool is_wanted(const char *name)
{
	return !text_starts_with(name, "trusted.overlay.") &&
	       !text_starts_with(name, "user.overlay.") && strcmp(name, "security.selinux") != 0;
}

static uint32_t get_u32(const char *p)
{
	uint32_t n;

	memcpy(&n, p, sizeof(n));
	return le32toh(n);
}

static void put_u32(char *p, uint32_t n)
{
	n = htole32(n);
	memcpy(p, &n, sizeof(n));
}

/* A header of 4 bytes, then entries: tag, permissions (16 bits each), id. */
static int map_acl(const struct commit_request *request, char *value, size_t len, struct err *err)
{
	enum { USER = 0x02, GROUP = 0x08, HEADER = 4, ENTRY = 8 };

	for (size_t at = HEADER; at + ENTRY <= len; at += ENTRY) {
		const uint32_t tag = get_u32(value + at) & 0xffff;
		uint32_t id = get_u32(value + at + 4);

		if (tag == USER)
			TRY(commit_id(request->uids, id, "uid", &id, err));
		else if (tag == GROUP)
			TRY(commit_id(request->gids, id, "gid", &id, err));
		put_u32(value + at + 4, id);
	}
	return 0;
}

/* Revision 3 has the id of the user namespace's root at its end; of our own root's it is 2. */
static int map_capability(const struct commit_request *request, char *value, size_t *len,
			  struct err *err)
{
	enum { REVISION_2 = 0x02000000, REVISION_3 = 0x03000000, MASK = 0xff000000u };
	const size_t bytes_2 = 20, bytes_3 = 24;
	uint32_t root;

	if (!request->uids || *len != bytes_3 || (get_u32(value) & MASK) != REVISION_3)
		return 0;
	TRY(commit_id(request->uids, get_u32(value + bytes_2), "uid", &root, err));
	put_u32(value + bytes_2, root);
	if (root == 0) {
		put_u32(value, (get_u32(value) & ~MASK) | REVISION_2);
		*len = bytes_2;
	}
	return 0;
}

static int map_value(const struct commit_request *request, const char *name, char *value,
		     size_t *len, struct err *err)
{
	if (!strcmp(name, "system.posix_acl_access") || !strcmp(name, "system.posix_acl_default"))
		return map_acl(request, value, *len, err);
	if (!strcmp(name, "security.capability"))
		return map_capability(request, value, len, err);
	return 0;
}

static int read_one(struct attrs *a, const struct commit_request *request, const char *path,
		    const char *name, struct err *err)
{
	const size_t at = a->values.len;

	TRY(buf_reserve(&a->values, VALUE_BYTES, err));
	const ssize_t n = lgetxattr(path, name, a->values.data + at, VALUE_BYTES);

	if (n < 0 && errno == ENODATA)
		return 0; /* gone since; the times say so where it matters */
	if (n < 0)
		return err_sys(err, errno, "attribute %s", TEXT_ESCAPED(name));
	/* In pax an empty value says that there is none (POSIX.1-2001 pax, "extended header"). */
	if (n == 0) {
		a->empty = name;
		return 0;
	}
	size_t len = (size_t)n;

	TRY(map_value(request, name, a->values.data + at, &len, err));
	a->values.len += len;
	if (a->count == a->alloc) {
		a->alloc = a->alloc ? a->alloc * 2 : 8;
		a->items = xreallocarray(a->items, a->alloc, sizeof(a->items[0]));
	}
	/* The values move while more are read: their places for now. */
	a->items[a->count++] = (struct tar_xattr){
		.name = name, .name_len = strlen(name), .value = NULL, .value_len = len
	};
	return 0;
}

int attrs_read(struct attrs *a, const struct commit_request *request, const struct change *c,
	       struct err *err)
{
	_free_ char *path = xasprintf("/proc/self/fd/%d/%s", c->parent_fd, c->name);
	ssize_t len = llistxattr(path, NULL, 0);

	a->count = 0;
	a->empty = NULL;
	buf_reset(&a->values);
	if (len == 0 || (len < 0 && errno == EOPNOTSUPP))
		return 0;
	buf_reset(&a->names);
	TRY(buf_reserve(&a->names, LIST_BYTES, err));
	len = llistxattr(path, a->names.data, LIST_BYTES);
	if (len < 0)
		return err_sys(err, errno, "attributes");
	for (const char *name = a->names.data; name < a->names.data + len; name += strlen(name) + 1)
		if (is_wanted(name))
			TRY(read_one(a, request, path, name, err));
	const char *value = a->values.data;

	for (size_t i = 0; i < a->count; i++) {
		a->items[i].value = value;
		value += a->items[i].value_len;
	}
	return 0;
}
