/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Upper folders as overlayfs makes them (overlayfs.rst; storage.md 2.3) and as nobody should:
 * each row is what lies below, what is in the upper folder, and what the walk tells.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "layers/changes.h"
#include "tests/support/tmp.h"
#include "tests/unit/layers/treemaker.h"
#include "tests/unit/runner.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

/* What lies below in all rows. */
static const struct treemaker_entry lower_entries[] = {
	TM_DIR("./", 0755),	   TM_DIR("d", 0755),
	TM_FILE("d/a", 0644, "a"), TM_FILE("d/b", 0644, "b"),
	TM_DIR("d/sub", 0755),	   TM_FILE("d/sub/x", 0644, "x"),
	TM_FILE("f", 0644, "f"),   TM_LINK('2', "link", "d"),
	TM_DIR("e", 0755),	   TM_FILE("e/\x01odd\xff", 0, ""),
};

/*
 * One step a character: d folder, f file, w whiteout, W the same by xattr, o opaque, l symlink,
 * p fifo, c device, s socket, r redirect, m metacopy; U, O and R as W, o and r in user.overlay.
 */
static bool make_step(const char *root, char what, const char *name)
{
	_free_ char *path = xasprintf("%s/%s", root, name);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	switch (what) {
	case 'd':
		return mkdir(path, 0755) == 0;
	case 'f':
		fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
		return fd >= 0 && close(fd) == 0;
	case 'w':
		return mknod(path, S_IFCHR, 0) == 0;
	case 'W':
		return make_step(root, 'f', name) &&
		       setxattr(path, "trusted.overlay.whiteout", "", 0, 0) == 0;
	case 'o':
		return setxattr(path, "trusted.overlay.opaque", "y", 1, 0) == 0;
	case 'O':
		return setxattr(path, "user.overlay.opaque", "y", 1, 0) == 0;
	case 'U':
		return make_step(root, 'f', name) &&
		       setxattr(path, "user.overlay.whiteout", "", 0, 0) == 0;
	case 'R':
		return setxattr(path, "user.overlay.redirect", "z", 1, 0) == 0;
	case 'x':
		return setxattr(path, "trusted.overlay.opaque", "x", 1, 0) == 0;
	case 'r':
		return setxattr(path, "trusted.overlay.redirect", "z", 1, 0) == 0;
	case 'm':
		return setxattr(path, "trusted.overlay.metacopy", "", 0, 0) == 0;
	case 'l':
		return symlink("d", path) == 0;
	case 'p':
		return mkfifo(path, 0600) == 0;
	case 'c':
		return mknod(path, S_IFCHR | 0600, makedev(1, 3)) == 0;
	case 's':
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
		return bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
		       close(fd) == 0;
	default:
		return false;
	}
}

/* "dname dname/x": one step a word. */
static bool make_upper(const struct tmp *t, const char *steps)
{
	_free_ char *copy = xstrdup(steps);
	char *rest = copy;
	struct timespec old[2] = { { 0, 0 }, { 0, 0 } };

	for (char *s; (s = strsep(&rest, " "));)
		if (*s && !make_step(t->path, s[0], s + 1)) {
			fprintf(stderr, "# %s: %s\n", s, strerror(errno));
			return false;
		}
	/* As the tree's: so the root is as below. */
	return futimens(t->fd, old) == 0 && chmod(t->path, 0755) == 0;
}

static int tell(void *arg, const struct change *c, struct err *err)
{
	struct buf *out = arg;

	TRY(buf_printf(out, err, "%s%c%s/%s", out->len ? " " : "", c->kind, c->is_opaque ? "o" : "",
		       c->path));
	if (c->kind != CHANGE_DELETED) {
		struct stat st;

		CU_ASSERT_EQUAL(fstatat(c->parent_fd, c->name, &st, AT_SYMLINK_NOFOLLOW), 0);
		CU_ASSERT_EQUAL(st.st_ino, c->st->st_ino);
	}
	return 0;
}

/* USER is a layer whose attributes are user.overlay.* */
enum side { LAYER, PEOPLE, ALONE, USER };

static int walk(enum side side, const struct tmp *t, struct buf *out, struct err *err)
{
	struct treemaker m;
	struct op op = { 0 };

	treemaker_init(&m, lower_entries, ARRAY_SIZE(lower_entries));
	struct lower *lower = tree_lower(m.tree);
	const struct changes_request request = { .upper_fd = t->fd,
						 .lower = side == ALONE ? NULL : lower,
						 .is_userxattr = side == USER,
						 .expand_opaque = side == PEOPLE };
	const int rc = changes_walk(&op, &request, tell, out, err);

	lower_close(lower);
	treemaker_fini(&m);
	return rc;
}

static bool can_make_devices(void)
{
	if (geteuid() == 0)
		return true;
	test_skip("needs root");
	return false;
}

void test_changes__what_the_walk_tells(void)
{
	static const struct {
		enum side side;
		const char *upper, *want;
	} rows[] = {
		{ LAYER, "", "" },
		{ LAYER, "fnew", "A/new" },
		{ LAYER, "ff", "C/f" },
		/* Parents of changes are changes, as docker diff has it. */
		{ LAYER, "dd fd/a", "C/d C/d/a" },
		{ LAYER, "dd dd/sub fd/sub/x fd/sub/y", "C/d C/d/sub C/d/sub/x A/d/sub/y" },
		/* Deletions; those of what is not below say nothing. */
		{ LAYER, "wf", "D/f" },
		{ LAYER, "Wf", "D/f" },
		{ LAYER, "dd wd/a wd/none", "C/d D/d/a" },
		{ LAYER, "wnone dn wn/a", "A/n" },
		{ ALONE, "wnone dn wn/a", "A/ D/none A/n D/n/a" },
		/* Before their siblings in a layer, by name for people. */
		{ LAYER, "dd fd/a wd/b wd/sub fd/c", "C/d D/d/b D/d/sub C/d/a A/d/c" },
		{ PEOPLE, "dd fd/a wd/b wd/sub fd/c", "C/d C/d/a D/d/b A/d/c D/d/sub" },
		/* Opaque. */
		{ LAYER, "dd od fd/a", "Co/d A/d/a" },
		{ USER, "dd Od fd/a", "Co/d A/d/a" },
		{ USER, "Uf", "D/f" },
		/* What anybody inside can set is no word of overlayfs. */
		{ LAYER, "dd Od Rd fd/a Uf", "C/d C/d/a C/f" },
		{ USER, "dd od rd fd/a Wf", "C/d C/d/a C/f" },
		{ LAYER, "dd xd fd/a", "C/d C/d/a" },
		{ PEOPLE, "dd od fd/a", "Co/d C/d/a D/d/b D/d/sub" },
		{ PEOPLE, "dd od fd/a wd/b", "Co/d C/d/a D/d/b D/d/sub" },
		{ LAYER, "dd od wd/b", "Co/d" },
		{ PEOPLE, "dd od dd/sub", "Co/d D/d/a D/d/b C/d/sub D/d/sub/x" },
		{ LAYER, "dd od dd/sub od/sub", "Co/d A/d/sub" },
		/* The kernel marks all new folders. */
		{ LAYER, "dnew onew fnew/a", "A/new A/new/a" },
		{ ALONE, "dnew onew fnew/a", "A/ Ao/new A/new/a" },
		/* Other types. */
		{ LAYER, "fd", "C/d" },
		{ PEOPLE, "fd", "C/d D/d/a D/d/b D/d/sub" },
		{ LAYER, "df of ff/x", "C/f A/f/x" },
		{ PEOPLE, "df of ff/x", "C/f A/f/x" },
		{ LAYER, "dlink flink/a", "C/link A/link/a" },
		{ LAYER, "ld pq cr", "C/d A/q A/r" },
		{ LAYER, "ss fz", "A/z" },
		/* Bytewise, whatever the locale. */
		{ LAYER, "fb fB fa fab fa-b f\xff f\xc3\xa4",
		  "A/B A/a A/a-b A/ab A/b A/\xc3\xa4 A/\xff" },
	};

	if (!can_make_devices())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_tmp_ struct tmp t = tmp_make_in_memory();
		_buf_ struct buf out = BUF_INIT(100000);
		struct err err = { 0 };

		CU_ASSERT_TRUE_FATAL(make_upper(&t, rows[i].upper));
		CU_ASSERT_EQUAL(walk(rows[i].side, &t, &out, &err), 0);
		if (strcmp(buf_str(&out), rows[i].want) != 0)
			fprintf(stderr, "# '%s': '%s', not '%s' %s\n", rows[i].upper, buf_str(&out),
				rows[i].want, err.msg);
		CU_ASSERT_STRING_EQUAL(buf_str(&out), rows[i].want);
	}
}

void test_changes__what_cannot_be(void)
{
	static const struct {
		const char *upper;
		const char *where;
	} rows[] = { { "dd rd", "/d: " }, { "ff mf", "/f: " }, { "dn dn/n rn/n", "/n/n: " } };

	if (!can_make_devices())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_tmp_ struct tmp t = tmp_make_in_memory();
		_buf_ struct buf out = BUF_INIT(100000);
		struct err err = { 0 };

		CU_ASSERT_TRUE_FATAL(make_upper(&t, rows[i].upper));
		CU_ASSERT_TRUE(walk(LAYER, &t, &out, &err) < 0);
		CU_ASSERT_EQUAL(err.kind, ERR_UNSUPPORTED);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, rows[i].where));
	}
}

/* The root only when it differs. */
void test_changes__the_root(void)
{
	static const struct timespec late[2] = { { 5, 1 }, { 5, 1 } };
	_tmp_ struct tmp t = tmp_make_in_memory();

	if (!can_make_devices())
		return;
	for (int i = 0; i < 5; i++) {
		_buf_ struct buf out = BUF_INIT(1000);
		struct err err = { 0 };

		CU_ASSERT_TRUE_FATAL(make_upper(&t, ""));
		if (i == 1)
			CU_ASSERT_EQUAL(futimens(t.fd, late), 0);
		if (i == 2)
			CU_ASSERT_EQUAL(fchmod(t.fd, 0700), 0);
		if (i == 3)
			CU_ASSERT_EQUAL(fchown(t.fd, 7, 0), 0);
		CU_ASSERT_EQUAL(fchown(t.fd, i == 3 ? 7 : 0, 0), 0);
		if (i == 4)
			CU_ASSERT_EQUAL(fsetxattr(t.fd, "trusted.a", "", 0, 0), 0);
		CU_ASSERT_EQUAL(walk(LAYER, &t, &out, &err), 0);
		CU_ASSERT_STRING_EQUAL(buf_str(&out), i ? "C/" : "");
	}
}

/* Makes folders "d" in each other; leaves the fd of the deepest open. */
static int make_deep(int root, unsigned depth)
{
	int fd = dup(root);

	for (unsigned i = 0; i < depth && fd >= 0; i++) {
		_close_ int above = fd;

		fd = mkdirat(above, "d", 0755) == 0 ? openat(above, "d", O_RDONLY | O_DIRECTORY)
						    : -1;
	}
	return fd;
}

static int count(void *arg, const struct change *c, struct err *err)
{
	(void)c;
	(void)err;
	++*(unsigned *)arg;
	return 0;
}

/* Deeper than there are descriptors, and back up again. */
void test_changes__deep(void)
{
	static const struct {
		unsigned depth;
		enum err_kind kind;
	} rows[] = { { 500, ERR_NONE },
		     { CHANGES_DEPTH_MAX - 1, ERR_NONE },
		     { CHANGES_DEPTH_MAX, ERR_LIMIT } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_tmp_ struct tmp t = tmp_make_in_memory();
		_close_ int deepest = make_deep(t.fd, rows[i].depth);
		const struct changes_request request = { .upper_fd = t.fd };
		struct rlimit old, few;
		struct err err = { 0 };
		struct op op = { 0 };
		unsigned told = 0;

		CU_ASSERT_TRUE_FATAL(deepest >= 0);
		tmp_write_str(&t, "z", "");
		CU_ASSERT_EQUAL(getrlimit(RLIMIT_NOFILE, &old), 0);
		few = old;
		few.rlim_cur = 100;
		CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &few), 0);
		(void)changes_walk(&op, &request, count, &told, &err);
		CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &old), 0);
		CU_ASSERT_EQUAL(err.kind, rows[i].kind);
		if (rows[i].kind == ERR_NONE)
			CU_ASSERT_EQUAL(told, rows[i].depth + 2);
	}
}

/* Somebody moves the folder away that the walk must come back to. */
static int move_away(void *arg, const struct change *c, struct err *err)
{
	const struct tmp *t = arg;

	(void)err;
	if (strlen(c->path) == 2 * 90 - 1) {
		CU_ASSERT_EQUAL(renameat(c->parent_fd, c->name, t->fd, "moved"), 0);
	}
	return 0;
}

void test_changes__moved_meanwhile(void)
{
	_tmp_ struct tmp t = tmp_make_in_memory();
	_close_ int deepest = make_deep(t.fd, 200);
	const struct changes_request request = { .upper_fd = t.fd };
	struct err err = { 0 };
	struct op op = { 0 };

	CU_ASSERT_TRUE_FATAL(deepest >= 0);
	CU_ASSERT_TRUE(changes_walk(&op, &request, move_away, &t, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_CHANGED);
}

/* In place of the folder that was looked at there is a link when it is opened. */
static int swap_for_link(void *arg, const struct change *c, struct err *err)
{
	(void)arg;
	(void)err;
	if (!strcmp(c->path, "d")) {
		CU_ASSERT_EQUAL(renameat(c->parent_fd, "d", c->parent_fd, "other"), 0);
		CU_ASSERT_EQUAL(symlinkat("/", c->parent_fd, "d"), 0);
	}
	return 0;
}

void test_changes__swapped_for_a_link(void)
{
	_tmp_ struct tmp t = tmp_make_in_memory();
	const struct changes_request request = { .upper_fd = t.fd };
	struct err err = { 0 };
	struct op op = { 0 };

	CU_ASSERT_EQUAL(mkdirat(t.fd, "d", 0755), 0);
	CU_ASSERT_TRUE(changes_walk(&op, &request, swap_for_link, NULL, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_CHANGED);
}

void test_changes__cancelled(void)
{
	_tmp_ struct tmp t = tmp_make_in_memory();
	const struct changes_request request = { .upper_fd = t.fd };
	struct err err = { 0 };
	struct op op = { 0 };
	unsigned told = 0;

	tmp_write_str(&t, "a", "");
	op_cancel(&op);
	CU_ASSERT_EQUAL(changes_walk(&op, &request, count, &told, &err), -ECANCELED);
}

/* No link is followed, neither on the way nor at the end. */
void test_changes__a_tree_as_lower(void)
{
	static const struct {
		const char *path;
		unsigned type; /* 0: absent */
	} rows[] = {
		{ "", S_IFDIR },     { "d", S_IFDIR },	{ "d/sub/x", S_IFREG },
		{ "link", S_IFLNK }, { "link/a", 0 },	{ "none", 0 },
		{ "f/x", 0 },	     { "d/none/x", 0 }, { "e/\x01odd\xff", S_IFREG },
		{ "d/sub/x/y", 0 },
	};
	struct treemaker m;

	treemaker_init(&m, lower_entries, ARRAY_SIZE(lower_entries));
	struct lower *l = tree_lower(m.tree);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct lower_stat st = { 0 };
		struct err err = { 0 };

		CU_ASSERT_EQUAL(lower_find(l, rows[i].path, &st, &err), rows[i].type != 0);
		CU_ASSERT_EQUAL(st.mode & S_IFMT, rows[i].type);
	}
	lower_close(l);
	lower_close(NULL);
	treemaker_fini(&m);
}
