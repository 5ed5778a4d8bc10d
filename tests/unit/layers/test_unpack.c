/* SPDX-License-Identifier: Apache-2.0 */
/* Unpacking: every kind of name with all it has, nothing outside the target, losses told. */
#include "layers/unpack.h"

#include "base/mem.h"
#include "layers/unpack_int.h"
#include "sys/file.h"
#include "tests/unit/layers/treemaker.h"
#include "tests/unit/runner.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>

struct target {
	char *path;
	int fd;
};

static void target_init(struct target *t)
{
	const char *tmp = getenv("TMPDIR");

	t->path = xasprintf("%s/unpack-XXXXXX", tmp ? tmp : "/tmp");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(t->path));
	t->fd = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void target_fini(struct target *t)
{
	close(t->fd);
	char *slash = strrchr(t->path, '/');
	int parent;

	*slash = '\0';
	parent = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_EQUAL(file_remove_tree(parent, slash + 1, NULL), 0);
	close(parent);
	free(t->path);
}

static int unpack_rc(const struct tree *tree, int fd, bool keep_owner, struct unpack_report *report,
		     struct err *err)
{
	const struct unpack_options options = { .dir_fd = fd, .keep_owner = keep_owner, .jobs = 2 };
	struct op op = { 0 };

	*err = (struct err){ 0 };
	return unpack_tree(&op, tree, &options, report, err);
}

static void unpack_ok(const struct tree *tree, int fd, struct unpack_report *report)
{
	struct err err;
	const int rc = unpack_rc(tree, fd, geteuid() == 0, report, &err);

	if (rc < 0)
		fprintf(stderr, "unpack: %s\n", err.msg);
	CU_ASSERT_EQUAL_FATAL(rc, 0);
}

static struct stat stat_of(const struct target *t, const char *name)
{
	struct stat st = { 0 };

	CU_ASSERT_EQUAL(fstatat(t->fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

static void assert_text(const struct target *t, const char *name, const char *want)
{
	_buf_ struct buf b = BUF_INIT(1 << 20);

	CU_ASSERT_EQUAL(file_read(t->fd, name, &b, NULL), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), want);
}

void test_unpack__files_folders_and_links_arrive(void)
{
	static const struct treemaker_entry entries[] = {
		TM_DIR("d/", 0750),
		TM_FILE("d/f", 0640, "text\n"),
		TM_FILE("empty", 0600, ""),
		TM_LINK('2', "d/s", "../empty"),
		TM_LINK('1', "d/h", "d/f"),
		TM_FILE("implied/x/y", 0644, "y"),
		{ .entry = { .type = '6', .name = "fifo", .mode = 0622 } },
	};
	struct treemaker m;
	struct target t;
	struct unpack_report report = { 0 };
	char link[32] = "";

	treemaker_init(&m, entries, ARRAY_SIZE(entries));
	target_init(&t);
	unpack_ok(m.tree, t.fd, &report);
	assert_text(&t, "d/f", "text\n");
	assert_text(&t, "implied/x/y", "y");
	CU_ASSERT_EQUAL(stat_of(&t, "d").st_mode, S_IFDIR | 0750);
	CU_ASSERT_EQUAL(stat_of(&t, "d/f").st_mode, S_IFREG | 0640);
	CU_ASSERT_EQUAL(stat_of(&t, "fifo").st_mode, S_IFIFO | 0622);
	CU_ASSERT_EQUAL(stat_of(&t, "d/f").st_ino, stat_of(&t, "d/h").st_ino);
	CU_ASSERT_EQUAL(stat_of(&t, "d/f").st_nlink, 2);
	CU_ASSERT_EQUAL(readlinkat(t.fd, "d/s", link, sizeof(link)), 8);
	CU_ASSERT_STRING_EQUAL(link, "../empty");
	CU_ASSERT_TRUE(faccessat(t.fd, ".img-incomplete", F_OK, 0) < 0);
	unpack_report_fini(&report);
	target_fini(&t);
	treemaker_fini(&m);
}

/*
 * Rows 47, 50 and 52 of the adversarial table: set-id after chown, sticky, mode 0 folders with
 * children, folder times.
 */
void test_unpack__modes_and_times_are_exact(void)
{
	static const struct treemaker_entry entries[] = {
		TM_DIR("shut/", 0),
		TM_FILE("shut/in", 0400, "x"),
		TM_DIR("shut/deep/", 0),
		TM_FILE("shut/deep/er", 0444, "x"),
		TM_DIR("tmp/", 01777),
		TM_FILE("suid", 04755, "x"),
		{ .entry = { .type = '5', .name = "old/", .mode = 0755, .mtime_sec = 1000000000 } },
		TM_FILE("old/young", 0644, "x"),
		TM_LINK('1', "old/link", "suid"),
		{ .entry = { .type = '0',
			     .name = "ns",
			     .mode = 0644,
			     .mtime_sec = -2,
			     .mtime_nsec = 500000000 } },
		{ .entry = { .type = '2',
			     .name = "sym",
			     .link_name = "nowhere",
			     .mode = 0777,
			     .mtime_sec = 7 } },
	};
	struct treemaker m;
	struct target t;
	struct unpack_report report = { 0 };

	treemaker_init(&m, entries, ARRAY_SIZE(entries));
	target_init(&t);
	unpack_ok(m.tree, t.fd, &report);
	CU_ASSERT_EQUAL(stat_of(&t, "shut").st_mode, S_IFDIR);
	CU_ASSERT_EQUAL(stat_of(&t, "tmp").st_mode, S_IFDIR | 01777);
	CU_ASSERT_EQUAL(stat_of(&t, "suid").st_mode, S_IFREG | 04755);
	CU_ASSERT_EQUAL(stat_of(&t, "old").st_mtim.tv_sec, 1000000000);
	CU_ASSERT_EQUAL(stat_of(&t, "ns").st_mtim.tv_sec, -2);
	CU_ASSERT_EQUAL(stat_of(&t, "ns").st_mtim.tv_nsec, 500000000);
	CU_ASSERT_EQUAL(stat_of(&t, "sym").st_mtim.tv_sec, 7);
	unpack_report_fini(&report);
	target_fini(&t);
	treemaker_fini(&m);
}

void test_unpack__root_keeps_owners_devices_and_attributes(void)
{
	/* VFS_CAP_REVISION_2 | effective, cap_net_bind_service permitted (linux/capability.h). */
	static const char cap[20] = { 1, 0, 0, 2, 0, 4 };
	static const struct tar_xattr xattrs[] = {
		{ "security.capability", cap, 19, sizeof(cap) },
		{ "user.note", "hi", 9, 2 },
	};
	const struct treemaker_entry entries[] = {
		{ .entry = { .type = '0', .name = "f", .mode = 04711, .uid = 1234, .gid = 4321 } },
		{ .entry = { .type = '0',
			     .name = "cap",
			     .mode = 0755,
			     .uid = 7,
			     .gid = 8,
			     .xattrs = xattrs,
			     .xattr_count = 2 } },
		{ .entry = { .type = '3',
			     .name = "null",
			     .mode = 0666,
			     .dev_major = 1,
			     .dev_minor = 3 } },
		{ .entry = { .type = '2',
			     .name = "s",
			     .link_name = "f",
			     .mode = 0777,
			     .uid = 5,
			     .gid = 6 } },
	};
	struct treemaker m;
	struct target t;
	struct unpack_report report = { 0 };
	char value[64];

	if (geteuid() != 0) {
		test_skip("needs root");
		return;
	}
	treemaker_init(&m, entries, ARRAY_SIZE(entries));
	target_init(&t);
	unpack_ok(m.tree, t.fd, &report);
	const struct stat f = stat_of(&t, "f");

	CU_ASSERT_EQUAL(f.st_uid, 1234);
	CU_ASSERT_EQUAL(f.st_gid, 4321);
	CU_ASSERT_EQUAL(f.st_mode, S_IFREG | 04711);
	CU_ASSERT_EQUAL(stat_of(&t, "s").st_uid, 5);
	_free_ char *path = xasprintf("%s/cap", t.path);

	CU_ASSERT_EQUAL(getxattr(path, "security.capability", value, sizeof(value)), 20);
	if (!report.lost[UNPACK_LOSS_XATTR])
		CU_ASSERT_EQUAL(getxattr(path, "user.note", value, sizeof(value)), 2);
	if (!report.lost[UNPACK_LOSS_DEVICE]) {
		const struct stat dev = stat_of(&t, "null");

		CU_ASSERT_EQUAL(dev.st_mode, S_IFCHR | 0666);
		CU_ASSERT_EQUAL(dev.st_rdev, makedev(1, 3));
	}
	unpack_report_fini(&report);
	target_fini(&t);
	treemaker_fini(&m);
}

/* The same in a child that is nobody: prints nothing, answers by its exit status. */
static int as_nobody(const struct tree *tree, const struct target *t)
{
	struct unpack_report report = { 0 };
	struct err err;
	struct stat st;

	if (fchown(t->fd, 65534, 65534) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
		return 2;
	if (unpack_rc(tree, t->fd, false, &report, &err) < 0)
		return 3;
	if (report.lost[UNPACK_LOSS_OWNER] != 3 ||
	    strcmp(report.first[UNPACK_LOSS_OWNER], "f") != 0)
		return 4;
	if (report.lost[UNPACK_LOSS_DEVICE] != 1 ||
	    strcmp(report.first[UNPACK_LOSS_DEVICE], "null") != 0)
		return 5;
	if (fstatat(t->fd, "null", &st, 0) < 0 || st.st_mode != S_IFREG || st.st_size != 0)
		return 6;
	if (fstatat(t->fd, "shut", &st, 0) < 0 || st.st_mode != S_IFDIR)
		return 7;
	unpack_report_fini(&report);
	return 0;
}

/* Runs `fn` in a child, which answers by its exit status. */
static void unpack_as_nobody(const struct treemaker_entry *entries, size_t count,
			     int (*fn)(const struct tree *, const struct target *))
{
	struct treemaker m;
	struct target t;
	int status = -1;

	if (geteuid() != 0) {
		test_skip("needs root to become nobody");
		return;
	}
	treemaker_init(&m, entries, count);
	target_init(&t);
	chmod(t.path, 0755);
	const pid_t pid = fork();

	if (pid == 0)
		_exit(fn(m.tree, &t));
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
	target_fini(&t);
	treemaker_fini(&m);
}

void test_unpack__ordinary_user_keeps_what_can_be_kept_and_hears_the_rest(void)
{
	static const struct treemaker_entry entries[] = {
		{ .entry = { .type = '0', .name = "f", .mode = 0644, .uid = 1234, .gid = 4321 } },
		{ .entry = { .type = '3',
			     .name = "null",
			     .mode = 0666,
			     .dev_major = 1,
			     .dev_minor = 3 } },
		{ .entry = { .type = '5', .name = "shut/", .mode = 0, .uid = 65534, .gid = 65534 } },
		{ .entry = { .type = '0',
			     .name = "shut/in",
			     .mode = 0,
			     .uid = 65534,
			     .gid = 65534 } },
		TM_DIR("z/", 0755),
	};

	unpack_as_nobody(entries, ARRAY_SIZE(entries), as_nobody);
}

static int into_shut_root(const struct tree *tree, const struct target *t)
{
	struct unpack_report report = { 0 };
	struct err err;
	struct stat st;

	if (fchown(t->fd, 65534, 65534) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
		return 2;
	if (unpack_rc(tree, t->fd, false, &report, &err) < 0)
		return 3;
	unpack_report_fini(&report);
	if (fstat(t->fd, &st) < 0 || st.st_mode != (S_IFDIR | 0555) || st.st_mtime != 7)
		return 4;
	return faccessat(t->fd, ".img-incomplete", F_OK, 0) < 0 ? 0 : 5;
}

/* The marker has to leave a folder that its owner may not write. */
void test_unpack__root_that_its_owner_may_not_write(void)
{
	static const struct treemaker_entry entries[] = {
		{ .entry = { .type = '5',
			     .name = "./",
			     .mode = 0555,
			     .uid = 65534,
			     .gid = 65534,
			     .mtime_sec = 7 } },
		TM_FILE("f", 0644, "x"),
	};

	unpack_as_nobody(entries, ARRAY_SIZE(entries), into_shut_root);
}

/* An image may bring a file of the marker's name. */
void test_unpack__marker_gives_way_to_an_image_file(void)
{
	static const struct treemaker_entry entries[] = {
		TM_FILE(".img-incomplete", 0644, "mine"),
	};
	struct treemaker m;
	struct target t;
	struct unpack_report report = { 0 };

	treemaker_init(&m, entries, ARRAY_SIZE(entries));
	target_init(&t);
	unpack_ok(m.tree, t.fd, &report);
	assert_text(&t, ".img-incomplete", "mine");
	CU_ASSERT_TRUE(faccessat(t.fd, ".img-incomplete.1", F_OK, 0) < 0);
	unpack_report_fini(&report);
	target_fini(&t);
	treemaker_fini(&m);
}

/* Row 88: somebody puts a link where a folder of ours should be made; nothing goes through it. */
void test_unpack__link_planted_in_the_target_is_not_followed(void)
{
	static const struct treemaker_entry entries[] = {
		TM_DIR("d/", 0755),
		TM_FILE("d/f", 0644, "x"),
	};
	struct treemaker m;
	struct target t, outside;
	struct unpack_report report = { 0 };
	struct err err;

	treemaker_init(&m, entries, ARRAY_SIZE(entries));
	target_init(&t);
	target_init(&outside);
	CU_ASSERT_EQUAL_FATAL(symlinkat(outside.path, t.fd, "d"), 0);
	CU_ASSERT_TRUE(unpack_rc(m.tree, t.fd, true, &report, &err) < 0);
	CU_ASSERT_TRUE(faccessat(outside.fd, "f", F_OK, 0) < 0);
	target_fini(&outside);
	target_fini(&t);
	treemaker_fini(&m);
}

/*
 * CVE-2021-32760: what has no descriptor gets its mode by name, and a neighbour may have put a link
 * there since.
 */
void test_unpack__mode_of_a_device_is_not_set_through_a_link(void)
{
	static const struct treemaker_entry entries[] = {
		{ .entry = { .type = '6', .name = "fifo", .mode = 0666 } },
	};
	struct treemaker m;
	struct target t, outside;
	struct unpack u = { .uid = geteuid(), .gid = getegid() };
	struct err err = { 0 };

	treemaker_init(&m, entries, ARRAY_SIZE(entries));
	target_init(&t);
	target_init(&outside);
	_free_ char *victim = xasprintf("%s/victim", outside.path);

	close(open(victim, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	CU_ASSERT_EQUAL_FATAL(symlinkat(victim, t.fd, "fifo"), 0);
	u.tree = m.tree;
	pthread_mutex_init(&u.lock, NULL);
	struct unpack_name n = { .unpack = &u, .node = 1, .dir_fd = t.fd, .name = "fifo" };

	tree_stat(m.tree, 1, &n.st);
	CU_ASSERT_EQUAL(unpack_attributes(&n, -1, 0, &err), 0);
	CU_ASSERT_EQUAL(stat_of(&outside, "victim").st_mode, S_IFREG | 0600);
	CU_ASSERT_EQUAL(u.report.lost[UNPACK_LOSS_MODE], 1);
	unpack_report_fini(&u.report);
	pthread_mutex_destroy(&u.lock);
	target_fini(&outside);
	target_fini(&t);
	treemaker_fini(&m);
}

/* Row 68: deeper than PATH_MAX. */
void test_unpack__path_longer_than_a_system_call_takes(void)
{
	enum { DEPTH = 300 };
	static struct treemaker_entry entries[DEPTH];
	static char names[DEPTH][8192];
	struct treemaker m;
	struct target t;
	struct unpack_report report = { 0 };
	size_t len = 0;

	for (int i = 0; i < DEPTH; i++) {
		if (i)
			memcpy(names[i], names[i - 1], len);
		len += (size_t)snprintf(names[i] + len, sizeof(names[i]) - len,
					"folder-number-%03d/", i);
		entries[i] = (struct treemaker_entry)TM_DIR(names[i], 0755);
		if (len > 3500) /* what names in a tar may have, with the entry below */
			break;
	}
	treemaker_init(&m, entries, (size_t)(len / 18));
	target_init(&t);
	unpack_ok(m.tree, t.fd, &report);
	CU_ASSERT_EQUAL(report.files, tree_node_count(m.tree) - 1);
	unpack_report_fini(&report);
	target_fini(&t);
	treemaker_fini(&m);
}

void test_unpack__cancelled_leaves_the_marker(void)
{
	static const struct treemaker_entry entries[] = { TM_FILE("f", 0644, "x") };
	struct unpack_options options = { .keep_owner = true };
	struct op op = { .cancelled = true };
	struct treemaker m;
	struct target t;
	struct unpack_report report = { 0 };
	struct err err = { 0 };

	treemaker_init(&m, entries, ARRAY_SIZE(entries));
	target_init(&t);
	options.dir_fd = t.fd;
	CU_ASSERT_EQUAL(unpack_tree(&op, m.tree, &options, &report, &err), -ECANCELED);
	CU_ASSERT_EQUAL(faccessat(t.fd, ".img-incomplete", F_OK, 0), 0);
	target_fini(&t);
	treemaker_fini(&m);
}

/* Large files go by another way than small ones; both must be whole. */
void test_unpack__large_and_small_files_have_their_bytes(void)
{
	static char large[3 << 20], small[5000];
	const struct treemaker_entry entries[] = {
		TM_FILE("large", 0644, large),
		TM_FILE("small", 0644, small),
	};
	struct treemaker m;
	struct target t;
	struct unpack_report report = { 0 };
	_buf_ struct buf b = BUF_INIT(4 << 20);

	for (size_t i = 0; i + 1 < sizeof(large); i++)
		large[i] = (char)('!' + i * 7919 % 90);
	memcpy(small, large, sizeof(small) - 1);
	treemaker_init(&m, entries, 2);
	target_init(&t);
	unpack_ok(m.tree, t.fd, &report);
	assert_text(&t, "small", small);
	CU_ASSERT_EQUAL_FATAL(file_read(t.fd, "large", &b, NULL), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), large);
	CU_ASSERT_EQUAL(report.bytes, strlen(large) + strlen(small));
	unpack_report_fini(&report);
	target_fini(&t);
	treemaker_fini(&m);
}
