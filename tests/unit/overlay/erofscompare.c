/* SPDX-License-Identifier: Apache-2.0 */
/* A mounted image against its tree, name by name and byte by byte. */
#include "base/mem.h"
#include "overlay/erofs_acl.h"
#include "tests/unit/overlay/erofsmaker.h"

#include <CUnit/CUnit.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define WHOLE_BYTES ((uint64_t)8 * 1024 * 1024)
#define PIECE_BYTES ((size_t)64 * 1024)

struct compare {
	const struct tree *tree;
	ino_t *ino; /* by the tree's inode */
	uint64_t seen;
	uint64_t bad; /* told once each, asserted at the end */
};

static void differ(struct compare *c, uint32_t node, const char *what)
{
	_buf_ struct buf path = BUF_INIT(1 << 20);

	if (c->bad++ < 10 && tree_path(c->tree, node, &path, NULL) == 0)
		fprintf(stderr, "# '%.80s': %s differs\n", buf_str(&path), what);
}

static void compare_stat(struct compare *c, uint32_t node, const struct tree_stat *t,
			 const struct stat *s)
{
	if (s->st_mode != t->mode)
		differ(c, node, "mode");
	if (s->st_uid != t->uid || s->st_gid != t->gid)
		differ(c, node, "owner");
	if (s->st_mtim.tv_sec != t->mtime_sec || s->st_mtim.tv_nsec != (long)t->mtime_nsec)
		differ(c, node, "mtime");
	if (s->st_nlink != t->nlink)
		differ(c, node, "nlink");
	if (!S_ISDIR(t->mode) && (uint64_t)s->st_size != t->size_bytes)
		differ(c, node, "size");
	if ((S_ISCHR(t->mode) || S_ISBLK(t->mode)) &&
	    s->st_rdev != makedev(t->dev_major, t->dev_minor))
		differ(c, node, "device");
	if (!s->st_ino || (c->ino[t->inode] && c->ino[t->inode] != s->st_ino))
		differ(c, node, "inode number");
	c->ino[t->inode] = s->st_ino;
}

static void compare_link(struct compare *c, uint32_t node, const struct tree_stat *t, int dir)
{
	static char target[8192];
	const ssize_t n = readlinkat(dir, tree_name(c->tree, node), target, sizeof(target));

	if (n != (ssize_t)t->size_bytes || memcmp(target, t->link_target, (size_t)n) != 0)
		differ(c, node, "target");
}

/* What setxattr would take, as the writer has it. */
static bool is_kept(const struct tar_xattr *x, const struct tree_stat *t)
{
	if (!strcmp(x->name, "security.selinux"))
		return false;
	if (!strncmp(x->name, "user.", 5))
		return x->name_len > 5 && (S_ISREG(t->mode) || S_ISDIR(t->mode));
	if (!strcmp(x->name, "system.posix_acl_access"))
		return !S_ISLNK(t->mode) && erofs_acl_is_valid(x->value, x->value_len);
	if (!strcmp(x->name, "system.posix_acl_default"))
		return S_ISDIR(t->mode) && erofs_acl_is_valid(x->value, x->value_len);
	return (!strncmp(x->name, "trusted.", 8) && x->name_len > 8) ||
	       (!strncmp(x->name, "security.", 9) && x->name_len > 9);
}

static void compare_xattrs(struct compare *c, uint32_t node, const struct tree_stat *t, int dir)
{
	_free_ char *path = xasprintf("/proc/self/fd/%d/%s", dir, tree_name(c->tree, node));
	static char value[70000], list[70000];
	struct tar_xattr x;
	size_t kept = 0;
	ssize_t n;

	for (size_t i = 0; tree_xattr(c->tree, node, i, &x); i++) {
		if (!is_kept(&x, t))
			continue;
		kept++;
		n = lgetxattr(path, x.name, value, sizeof(value));
		if (n != (ssize_t)x.value_len || memcmp(value, x.value, x.value_len) != 0)
			differ(c, node, x.name);
	}
	n = llistxattr(path, list, sizeof(list));
	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(list + at) + 1)
		kept--;
	if (n < 0 || kept)
		differ(c, node, "list of xattrs");
}

static void compare_piece(struct compare *c, uint32_t node, int fd, uint64_t offset, size_t len)
{
	static char want[PIECE_BYTES], got[PIECE_BYTES];
	const ssize_t n = tree_read(c->tree, (struct tree_place){ node, offset }, want, len, NULL);

	if (pread(fd, got, len, (off_t)offset) != n || n < 0 || memcmp(want, got, (size_t)n) != 0)
		differ(c, node, "content");
}

/* All of a file; of a huge one its ends and what is around each run of data. */
static void compare_data(struct compare *c, uint32_t node, const struct tree_stat *t, int dir)
{
	_close_ int fd = openat(dir, tree_name(c->tree, node), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct tar_extent e;

	if (fd < 0) {
		differ(c, node, "open");
		return;
	}
	for (uint64_t at = 0; at < t->size_bytes && t->size_bytes <= WHOLE_BYTES; at += PIECE_BYTES)
		compare_piece(c, node, fd, at, PIECE_BYTES);
	if (t->size_bytes <= WHOLE_BYTES)
		return;
	compare_piece(c, node, fd, 0, PIECE_BYTES);
	compare_piece(c, node, fd, t->size_bytes - PIECE_BYTES, PIECE_BYTES);
	for (size_t i = 0; tree_extent(c->tree, node, i, &e); i++) {
		const uint64_t around = PIECE_BYTES / 4;

		compare_piece(c, node, fd,
			      e.logical_offset < around ? 0 : e.logical_offset - around,
			      PIECE_BYTES);
		compare_piece(c, node, fd, e.logical_offset + e.bytes, PIECE_BYTES);
	}
}

static void compare_dir(struct compare *c, uint32_t node, int fd);

static void compare_node(struct compare *c, uint32_t node, int dir)
{
	const char *name = node == TREE_ROOT ? "." : tree_name(c->tree, node);
	struct tree_stat t;
	struct stat s;

	c->seen++;
	tree_stat(c->tree, node, &t);
	if (fstatat(dir, name, &s, AT_SYMLINK_NOFOLLOW) < 0) {
		differ(c, node, "look-up");
		return;
	}
	compare_stat(c, node, &t, &s);
	compare_xattrs(c, node, &t, dir);
	if (S_ISLNK(t.mode))
		compare_link(c, node, &t, dir);
	else if (S_ISREG(t.mode))
		compare_data(c, node, &t, dir);
	else if (S_ISDIR(t.mode))
		compare_dir(c, node,
			    openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
}

/* Order and number of names, and their types; takes the fd over. */
static void compare_dir(struct compare *c, uint32_t node, int fd)
{
	uint32_t child = tree_first_child(c->tree, node);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	unsigned dots = 0;

	if (!dir) {
		differ(c, node, "open");
		return;
	}
	for (const struct dirent *d; (d = readdir(dir));) {
		struct tree_stat t;

		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, "..")) {
			dots++;
			continue;
		}
		if (child == TREE_NONE || strcmp(d->d_name, tree_name(c->tree, child)) != 0) {
			differ(c, node, "list of names");
			break;
		}
		tree_stat(c->tree, child, &t);
		if (d->d_type != IFTODT(t.mode))
			differ(c, child, "type of a name");
		child = tree_next_sibling(c->tree, child);
	}
	if (child != TREE_NONE || dots != 2)
		differ(c, node, "number of names");
	for (child = tree_first_child(c->tree, node); child != TREE_NONE;
	     child = tree_next_sibling(c->tree, child))
		compare_node(c, child, fd);
	closedir(dir);
}

bool erofsmaker_compare(struct erofsmaker *m)
{
	struct compare c = { .tree = m->tree };
	_free_ char *mnt = xasprintf("%s/mnt", m->tmp.path);
	_close_ int fd = -1;

	if (!erofsmaker_mount(m))
		return false;
	c.ino = xcalloc(tree_inode_count(m->tree), sizeof(*c.ino));
	fd = open(mnt, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_TRUE(fd >= 0);
	compare_node(&c, TREE_ROOT, fd);
	CU_ASSERT_EQUAL(c.bad, 0);
	CU_ASSERT_EQUAL(c.seen, tree_node_count(m->tree));
	free(c.ino);
	return true;
}
