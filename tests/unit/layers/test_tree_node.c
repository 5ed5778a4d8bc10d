/* SPDX-License-Identifier: Apache-2.0 */
/* What nodes of a tree are: attributes, notes, limits, order, counts. */
#include "layers/tree.h"

#include "base/buf.h"
#include "base/mem.h"
#include "tests/unit/layers/tarmaker.h"

#include <CUnit/CUnit.h>
#include <sys/stat.h>

/* A tree of tars; the error is in `err`. */
static int build(struct tm_tree *t, struct op *op, struct tarmaker *tars, size_t count)
{
	*t = (struct tm_tree){ 0 };
	for (size_t i = 0; i < count; i++) {
		const int rc = tarmaker_layer(&tars[i], &t->layers[t->count], &t->err);

		tarmaker_fini(&tars[i]);
		TRY(rc);
		t->count++;
	}
	return tree_build(op, t->layers, t->count, &t->tree, &t->err);
}

static uint32_t find(const struct tm_tree *t, const char *path)
{
	uint32_t node = TREE_NONE;
	struct err err = { 0 };

	CU_ASSERT_EQUAL_FATAL(tree_lookup(t->tree, path, false, &node, &err), 0);
	return node;
}

static struct tree_stat stat_of(const struct tm_tree *t, const char *path)
{
	struct tree_stat st;

	tree_stat(t->tree, find(t, path), &st);
	return st;
}

static bool xattr_is(const struct tm_tree *t, const char *path, size_t n, const char *name,
		     const char *value)
{
	struct tar_xattr x;

	return tree_xattr(t->tree, find(t, path), n, &x) && !strcmp(x.name, name) &&
	       x.value_len == strlen(value) && !memcmp(x.value, value, x.value_len);
}

/* 47, 48, 53: attributes come through as they are. */
void test_tree_node__attributes(void)
{
	_tm_tree_ struct tm_tree t;
	struct tarmaker tar = { 0 };

	tarmaker_pax(&tar, 'x', "SCHILY.xattr.security.capability", "v2cap", "mtime",
		     "8589934593.999999999", NULL);
	tarmaker_header(&tar, &(struct tm_header){ .type = '0',
						   .name = "d/suid",
						   .mode = 04755,
						   .uid = 1000,
						   .gid = 4294967294,
						   .size = 3 });
	tarmaker_data(&tar, "abc", 3);
	tarmaker_header(
		&tar, &(struct tm_header){ .type = '5', .name = "d/", .mode = 01777, .mtime = -5 });
	tarmaker_header(&tar, &(struct tm_header){ .type = '2', .name = "l", .link = "d/suid" });
	tarmaker_header(&tar, &(struct tm_header){ .type = '1',
						   .name = "h",
						   .link = "d/suid",
						   .mode = 0,
						   .uid = 5,
						   .mtime = 9 });
	CU_ASSERT_EQUAL_FATAL(build(&t, NULL, &tar, 1), 0);

	const struct tree_stat suid = stat_of(&t, "d/suid"), h = stat_of(&t, "h"),
			       d = stat_of(&t, "d"), l = stat_of(&t, "l");

	CU_ASSERT_EQUAL(suid.mode, S_IFREG | 04755);
	CU_ASSERT_EQUAL(suid.uid, 1000);
	CU_ASSERT_EQUAL(suid.gid, 4294967294);
	CU_ASSERT_EQUAL(suid.mtime_sec, 8589934593);
	CU_ASSERT_EQUAL(suid.mtime_nsec, 999999999);
	CU_ASSERT_EQUAL(suid.size_bytes, 3);
	CU_ASSERT_EQUAL(suid.data_offset, 1536);
	CU_ASSERT_EQUAL(suid.nlink, 2);
	CU_ASSERT_EQUAL(suid.layer, 0);
	CU_ASSERT_EQUAL(suid.entry, 0);
	CU_ASSERT_TRUE(xattr_is(&t, "d/suid", 0, "security.capability", "v2cap"));
	CU_ASSERT_TRUE(xattr_is(&t, "h", 0, "security.capability", "v2cap"));
	CU_ASSERT_EQUAL(memcmp(&suid, &h, sizeof(h)), 0);
	CU_ASSERT_EQUAL(d.mode, S_IFDIR | 01777);
	CU_ASSERT_EQUAL(d.mtime_sec, -5);
	CU_ASSERT_EQUAL(d.nlink, 2);
	CU_ASSERT_EQUAL(l.mode, S_IFLNK | 0777);
	CU_ASSERT_EQUAL(l.size_bytes, 6);
	CU_ASSERT_STRING_EQUAL(l.link_target, "d/suid");
	CU_ASSERT_EQUAL(stat_of(&t, "").nlink, 3);
}

/* 52: a directory's attributes are those of its last entry; children change nothing. */
void test_tree_node__directories(void)
{
	_tm_tree_ struct tm_tree t;
	struct tarmaker tars[3] = { 0 };

	tarmaker_header(&tars[0],
			&(struct tm_header){
				.type = '5', .name = "d", .mode = 0, .mtime = 2001, .uid = 3 });
	tarmaker_file(&tars[0], "d/a", "");
	tarmaker_file(&tars[1], "d/b", "");
	tarmaker_file(&tars[1], "implied/below/c", "");
	tarmaker_header(&tars[2],
			&(struct tm_header){
				.type = '5', .name = "./", .mode = 0700, .uid = 7, .mtime = 5 });
	CU_ASSERT_EQUAL_FATAL(build(&t, NULL, tars, 3), 0);
	CU_ASSERT_EQUAL(stat_of(&t, "d").mtime_sec, 2001);
	CU_ASSERT_EQUAL(stat_of(&t, "d").uid, 3);
	CU_ASSERT_EQUAL(stat_of(&t, "d").mode, S_IFDIR);
	CU_ASSERT_EQUAL(stat_of(&t, "implied/below").mode, S_IFDIR | 0755);
	CU_ASSERT_EQUAL(stat_of(&t, "implied/below").mtime_sec, 0);
	CU_ASSERT_EQUAL(stat_of(&t, "implied/below").uid, 0);
	CU_ASSERT_EQUAL(stat_of(&t, "implied/below").layer, UINT16_MAX);
	CU_ASSERT_EQUAL(stat_of(&t, "/").mode, S_IFDIR | 0700);
	CU_ASSERT_EQUAL(stat_of(&t, "/").uid, 7);
	CU_ASSERT_EQUAL(stat_of(&t, "/").nlink, 4);
	CU_ASSERT_EQUAL(stat_of(&t, "/").inode, 0);
}

/* --- notes and limits --- */

struct notes {
	struct progress progress;
	struct buf text;
};

static void take_note(struct progress *self, const struct progress_event *event)
{
	struct notes *notes = container_of(self, struct notes, progress);
	struct err err;

	if (event->kind == PROGRESS_NOTE)
		(void)buf_printf(&notes->text, &err, "%s\n", event->label);
}

void test_tree_node__notes_what_it_ignores(void)
{
	static const char *const layers[] = {
		"f d/.wh..wh.x; f a",
		"d .wh..wh.plnk; f .wh..wh.plnk/1.2; f .wh.a=x; f .wh.b=y; l ..->x", NULL
	};
	struct notes notes = { { take_note }, BUF_INIT(10000) };
	struct op op = { .progress = &notes.progress };
	_tm_tree_ struct tm_tree t;

	CU_ASSERT_EQUAL(tm_tree_init(&t, &op, layers), 0);
	CU_ASSERT_STRING_EQUAL(
		buf_str(&notes.text),
		"layer 1 of 2: 'd/.wh..wh.x': a marker of aufs, which is ignored\n"
		"layer 2 of 2: '.wh..wh.plnk/': a leftover of aufs, which is ignored\n"
		"layer 2 of 2: '.wh.a': a whiteout with content, which is ignored\n"
		"layer 2 of 2: '..': an entry without a name, which is ignored\n");
	buf_fini(&notes.text);
}

/* 56: nothing of an image steers overlayfs. */
void test_tree_node__drops_overlay_attributes(void)
{
	struct notes notes = { { take_note }, BUF_INIT(10000) };
	struct op op = { .progress = &notes.progress };
	_tm_tree_ struct tm_tree t;
	struct tarmaker tar = { 0 };
	struct tar_xattr x;

	tarmaker_pax(&tar, 'x', "SCHILY.xattr.trusted.overlay.opaque", "y", "SCHILY.xattr.user.a",
		     "1", "SCHILY.xattr.user.overlay.redirect", "/etc",
		     "SCHILY.xattr.user.overlays", "2", NULL);
	tarmaker_header(&tar, &(struct tm_header){ .type = '5', .name = "d" });
	tarmaker_pax(&tar, 'x', "LIBARCHIVE.xattr.trusted.overlay.opaque", "eQ==", NULL);
	tarmaker_header(&tar, &(struct tm_header){ .type = '5', .name = "e" });
	CU_ASSERT_EQUAL_FATAL(build(&t, &op, &tar, 1), 0);
	CU_ASSERT_TRUE(xattr_is(&t, "d", 0, "user.a", "1"));
	CU_ASSERT_TRUE(xattr_is(&t, "d", 1, "user.overlays", "2"));
	CU_ASSERT_FALSE(tree_xattr(t.tree, find(&t, "d"), 2, &x));
	CU_ASSERT_FALSE(tree_xattr(t.tree, find(&t, "e"), 0, &x));
	CU_ASSERT_STRING_EQUAL(buf_str(&notes.text), "layer 1 of 1: 'd': attributes of overlayfs,"
						     " which are dropped\n");
	buf_fini(&notes.text);
}

static void check_error(struct tarmaker *tar, const char *want)
{
	_tm_tree_ struct tm_tree t;
	const int rc = build(&t, NULL, tar, 1);
	const bool ok = rc < 0 && t.err.kind == ERR_DAMAGED && strstr(t.err.msg, want);

	if (!ok)
		printf("#   got  %s\n#   want %s\n", t.err.msg, want);
	CU_ASSERT_TRUE(ok);
}

void test_tree_node__refuses_what_no_file_system_could_hold(void)
{
	struct tarmaker t = { 0 };
	char *big = xcalloc(1, 70000);

	/* 62 and the map of ids */
	tarmaker_header(&t, &(struct tm_header){ .type = '0', .name = "f", .uid = -1 });
	check_error(&t, "layer 1 of 1: 'f': owner -1 is out of range");
	tarmaker_header(&t, &(struct tm_header){ .type = '5', .name = "f", .gid = 4294967295 });
	check_error(&t, "layer 1 of 1: 'f': group 4294967295 is out of range");
	tarmaker_header(
		&t, &(struct tm_header){ .type = '2', .name = "f", .link = "x", .uid = 1LL << 40 });
	check_error(&t, "owner 1099511627776 is out of range");
	tarmaker_header(&t, &(struct tm_header){ .type = 'D', .name = "f" });
	check_error(&t, "'f': an entry of unknown type 0x44");
	/* 67 */
	memset(big, 'n', 256);
	tarmaker_meta(&t, 'L', big, 256);
	tarmaker_file(&t, "f", "");
	check_error(&t, "a name of more than 255 bytes");
	big[256] = '/';
	big[257] = 'x';
	tarmaker_meta(&t, 'L', big, 258);
	tarmaker_file(&t, "f", "");
	check_error(&t, "a name of more than 255 bytes");
	/* 71 */
	memset(big, 'n', 4096);
	tarmaker_meta(&t, 'K', big, 4096);
	tarmaker_header(&t, &(struct tm_header){ .type = '2', .name = "f" });
	check_error(&t, "a symbolic link of more than 4095 bytes");
	/* 57 */
	memset(big, 'n', 69999);
	tarmaker_pax(&t, 'x', "SCHILY.xattr.user.a", big, NULL);
	tarmaker_file(&t, "f", "");
	check_error(&t, "an extended attribute that no file system could hold");
	tarmaker_pax(&t, 'x', "SCHILY.xattr.", "x", NULL);
	tarmaker_file(&t, "f", "");
	check_error(&t, "an extended attribute that no file system could hold");
	memcpy(big, "SCHILY.xattr.user.", 18);
	big[13 + 256] = '\0';
	tarmaker_pax(&t, 'x', big, "x", NULL);
	tarmaker_file(&t, "f", "");
	check_error(&t, "an extended attribute that no file system could hold");
	/* 69: the name is escaped */
	tarmaker_header(&t, &(struct tm_header){ .type = 'D', .name = "a\n\x1b[1m\xff" });
	check_error(&t, "'a\\n\\x1b[1m\\xff'");
	free(big);
}

void test_tree_node__longest_names_and_targets_are_kept(void)
{
	_tm_tree_ struct tm_tree t;
	struct tarmaker tar = { 0 };
	char name[256] = { 0 }, target[4096] = { 0 };

	memset(name, 'n', 255);
	memset(target, 't', 4095);
	tarmaker_meta(&tar, 'L', name, 255);
	tarmaker_meta(&tar, 'K', target, 4095);
	tarmaker_header(&tar, &(struct tm_header){ .type = '2', .name = "f" });
	CU_ASSERT_EQUAL_FATAL(build(&t, NULL, &tar, 1), 0);
	CU_ASSERT_STRING_EQUAL(stat_of(&t, name).link_target, target);
}

/* --- depth and breadth --- */

/*
 * 68: neither depth nor its bound costs stack. There is a bound, because whoever walks to each
 * directory of a chain pays for its square: unpacking 100 000 would take hours, for a layer of a
 * few hundred bytes.
 */
void test_tree_node__deep_directories(void)
{
	static const struct {
		uint32_t depth;
		enum err_kind kind;
	} rows[] = {
		{ 2048, ERR_NONE }, /* "d/" up to PATH_MAX */
		{ 2049, ERR_LIMIT },
		{ 100000, ERR_LIMIT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const uint32_t depth = rows[i].depth;
		_free_ char *path = xcalloc(2 * depth + 8, 1);
		_buf_ struct buf got = BUF_INIT(SIZE_MAX - 1);
		_tm_tree_ struct tm_tree t;
		struct tarmaker tar = { 0 };
		struct err err = { 0 };
		uint32_t node = TREE_NONE;

		for (uint32_t k = 0; k < depth; k++)
			memcpy(path + 2 * k, "d/", 2);
		path[2 * depth] = 'f';
		tarmaker_meta(&tar, 'L', path, strlen(path));
		tarmaker_file(&tar, "x", "deep");
		const int rc = build(&t, NULL, &tar, 1);

		CU_ASSERT_EQUAL(t.err.kind, rows[i].kind);
		if (rc < 0 || rows[i].kind)
			continue;
		CU_ASSERT_EQUAL(tree_node_count(t.tree), depth + 2);
		CU_ASSERT_EQUAL(tree_lookup(t.tree, path, true, &node, &err), 0);
		CU_ASSERT_EQUAL(tree_path(t.tree, node, &got, &err), 0);
		CU_ASSERT_STRING_EQUAL(buf_str(&got), path);
	}
}

/* Nor by way of links, each a step further down. */
void test_tree_node__deep_directories_behind_links(void)
{
	_tm_tree_ struct tm_tree t;
	struct tarmaker tar = { 0 };
	char target[2002] = { 0 };

	for (size_t i = 0; i < 2000; i += 2)
		memcpy(target + i, "d/", 2);
	for (const char *name = "abc"; *name; target[0] = *name++) {
		tarmaker_meta(&tar, 'K', target, strlen(target));
		tarmaker_header(&tar,
				&(struct tm_header){ .type = '2', .name = (char[]){ *name, 0 } });
	}
	tarmaker_file(&tar, "c/f", "");
	CU_ASSERT_TRUE(build(&t, NULL, &tar, 1) < 0);
	CU_ASSERT_EQUAL(t.err.kind, ERR_LIMIT);
}

/* A name of 1 MiB is half a million directories: bounded. */
void test_tree_node__implied_directories_are_bounded(void)
{
	const size_t len = 1000 * 1000;
	_free_ char *path = xcalloc(len, 1);
	_tm_tree_ struct tm_tree t;
	struct tarmaker tar = { 0 };

	for (size_t i = 0; i < len; i += 2)
		memcpy(path + i, "d/", 2);
	path[len - 1] = 'f';
	tarmaker_meta(&tar, 'L', path, len);
	tarmaker_file(&tar, "x", "");
	CU_ASSERT_TRUE(build(&t, NULL, &tar, 1) < 0);
	CU_ASSERT_EQUAL(t.err.kind, ERR_LIMIT);
	tm_tree_fini(&t);
	for (char first = 'a'; first <= 'c'; first++) {
		path[0] = first;
		tarmaker_meta(&tar, 'L', path, 200000);
		tarmaker_file(&tar, "x", "");
	}
	CU_ASSERT_TRUE(build(&t, NULL, &tar, 1) < 0);
	CU_ASSERT_EQUAL(t.err.kind, ERR_LIMIT);
}

/* Links that lead round and round through long paths end in an error, not in hours. */
void test_tree_node__link_walks_are_bounded(void)
{
	_tm_tree_ struct tm_tree t;
	struct tarmaker tar = { 0 };
	char target[4000];

	for (size_t i = 0; i + 6 < sizeof(target); i += 5)
		memcpy(target + i, "d/../", 6);
	tarmaker_header(&tar, &(struct tm_header){ .type = '5', .name = "d" });
	for (char name[] = "0"; name[0] < '0' + 39; name[0]++) {
		char to[4096];

		snprintf(to, sizeof(to), name[0] == '0' ? "%sd" : "%s%c", target, name[0] - 1);
		tarmaker_meta(&tar, 'K', to, strlen(to));
		tarmaker_header(&tar, &(struct tm_header){ .type = '2', .name = name });
	}
	for (unsigned i = 0; i < 3000; i++) {
		char path[32];

		snprintf(path, sizeof(path), "%c/%u/f", '0' + 38, i);
		tarmaker_file(&tar, path, "");
	}
	CU_ASSERT_TRUE(build(&t, NULL, &tar, 1) < 0);
	CU_ASSERT_EQUAL(t.err.kind, ERR_LIMIT);
}

void test_tree_node__cancels(void)
{
	struct op op = { 0 };
	_tm_tree_ struct tm_tree t;

	op_cancel(&op);
	CU_ASSERT_TRUE(tm_tree_init(&t, &op, (const char *const[]){ "f a", NULL }) < 0);
	CU_ASSERT_EQUAL(t.err.kind, ERR_CANCELLED);
}

/* --- order --- */

void test_tree_node__children_are_sorted_by_bytes(void)
{
	_tm_tree_ struct tm_tree t;
	struct tarmaker tar = { 0 };
	const char *last = "";
	size_t count = 0;
	unsigned seed = 5;

	for (unsigned i = 0; i < 1000; i++) {
		char name[20];

		seed = seed * 1103515245u + 12345u;
		snprintf(name, sizeof(name), "%c%u", (char)(0xc0 + seed % 50), seed >> 8);
		tarmaker_file(&tar, name, "");
	}
	CU_ASSERT_EQUAL_FATAL(build(&t, NULL, &tar, 1), 0);
	for (uint32_t i = tree_first_child(t.tree, TREE_ROOT); i != TREE_NONE;
	     i = tree_next_sibling(t.tree, i)) {
		CU_ASSERT_TRUE(strcmp(last, tree_name(t.tree, i)) < 0);
		CU_ASSERT_EQUAL(tree_parent(t.tree, i), TREE_ROOT);
		last = tree_name(t.tree, i);
		CU_ASSERT_EQUAL(find(&t, last), i);
		count++;
	}
	CU_ASSERT_EQUAL(count, 1000);
	CU_ASSERT_EQUAL(tree_parent(t.tree, TREE_ROOT), TREE_NONE);
	CU_ASSERT_STRING_EQUAL(tree_name(t.tree, TREE_ROOT), "");
}

void test_tree_node__walks_a_part(void)
{
	static const char *const layers[] = { "d a; d a/b; f a/b/1; f a/c; d d; f d/2; h e->a/b/1",
					      NULL };
	_tm_tree_ struct tm_tree t;
	char seen[64] = "";
	size_t len = 0;

	CU_ASSERT_EQUAL_FATAL(tm_tree_init(&t, NULL, layers), 0);
	const uint32_t a = find(&t, "a");

	for (uint32_t i = a; i != TREE_NONE; i = tree_walk_next(t.tree, a, i))
		len += (size_t)snprintf(seen + len, sizeof(seen) - len, "%s ",
					tree_name(t.tree, i));
	CU_ASSERT_STRING_EQUAL(seen, "a b 1 c ");
	CU_ASSERT_EQUAL(tree_walk_next(t.tree, find(&t, "e"), find(&t, "e")), TREE_NONE);
	CU_ASSERT_EQUAL(tree_first_name(t.tree, stat_of(&t, "e").inode), find(&t, "a/b/1"));
	CU_ASSERT_EQUAL(tree_inode_count(t.tree), 7);
	for (uint32_t i = 0; i < tree_inode_count(t.tree); i++) {
		struct tree_stat st;

		tree_stat(t.tree, tree_first_name(t.tree, i), &st);
		CU_ASSERT_EQUAL(st.inode, i);
	}
}

/* --- counts --- */

struct counts {
	uint64_t added, changed, removed, added_bytes, wasted_bytes;
};

static void check_counts(const char *const *layers, const struct counts *want)
{
	_tm_tree_ struct tm_tree t;

	CU_ASSERT_EQUAL_FATAL(tm_tree_init(&t, NULL, layers), 0);
	for (uint16_t i = 0; i < t.count; i++) {
		struct tree_layer_stats s;

		tree_layer_stats(t.tree, i, &s);
		const bool ok = s.added == want[i].added && s.changed == want[i].changed &&
				s.removed == want[i].removed &&
				s.added_bytes == want[i].added_bytes &&
				s.wasted_bytes == want[i].wasted_bytes;

		if (!ok)
			printf("# layer %u: +%" PRIu64 " ~%" PRIu64 " -%" PRIu64 " %" PRIu64
			       " %" PRIu64 "\n",
			       i, s.added, s.changed, s.removed, s.added_bytes, s.wasted_bytes);
		CU_ASSERT_TRUE(ok);
		CU_ASSERT_PTR_EQUAL(tree_layer(t.tree, i), t.layers[i]);
	}
}

void test_tree_node__layer_stats(void)
{
	check_counts((const char *const[]){ "d d; f d/a=1; f d/b=22; f x/y=333", "f d/a=4444",
					    "f d/.wh.b; d d; f z", "f .wh.x; f .wh.none", NULL },
		     (const struct counts[]){ { 5, 0, 0, 6, 6 },
					      { 0, 1, 0, 4, 0 },
					      { 1, 1, 1, 0, 0 },
					      { 0, 0, 2, 0, 0 } });
	check_counts(
		(const char *const[]){ "d d; d d/e; f d/e/a=1; f b=2", "f .wh.d; f d/n=1",
				       "f d/.wh..wh..opq; f b=3", NULL },
		(const struct counts[]){ { 4, 0, 0, 2, 2 }, { 1, 1, 2, 1, 1 }, { 0, 1, 1, 1, 0 } });
	check_counts((const char *const[]){ "f a=1", "h a->a", NULL },
		     (const struct counts[]){ { 1, 0, 0, 1, 0 }, { 0, 0, 0, 0, 0 } });
	/* What comes and goes in one layer never was. */
	check_counts((const char *const[]){ "d d; f d/a=1; f d=2",
					    "d d; f d/x=1; h d/y->d/x; f d=2", NULL },
		     (const struct counts[]){ { 1, 0, 0, 2, 2 }, { 0, 1, 0, 2, 1 } });
	check_counts((const char *const[]){ "d d; f d/a=1", "f d/a=2; f d=3", NULL },
		     (const struct counts[]){ { 2, 0, 0, 1, 1 }, { 0, 1, 1, 2, 1 } });
}
