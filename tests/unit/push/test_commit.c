/* SPDX-License-Identifier: Apache-2.0 */
/* Layers made of upper folders: what the new image's tree is then, and that it is the same always. */
#include "base/mem.h"
#include "stream/source.h"
#include "tests/unit/push/world.h"
#include "tests/unit/runner.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

static const struct world_base plain = { 0 };

static bool is_root(void)
{
	if (geteuid() == 0)
		return true;
	test_skip("needs root");
	return false;
}

static void set_time(struct world *w, const char *name, int64_t sec, long nsec)
{
	const struct timespec times[2] = { { sec, nsec }, { sec, nsec } };

	CU_ASSERT_EQUAL(utimensat(w->upper.fd, name, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void check_list(struct world *w, const struct commit_result *r, const char *want)
{
	_buf_ struct buf list = BUF_INIT(1 << 20);

	world_list(w, r, &list);
	if (strcmp(buf_str(&list), want) != 0)
		fprintf(stderr, "# is:\n%s# not:\n%s", buf_str(&list), want);
	CU_ASSERT_STRING_EQUAL(buf_str(&list), want);
}

static void make_everything(struct world *w)
{
	const int up = w->upper.fd;

	CU_ASSERT_EQUAL(mkdirat(up, "etc", 0700), 0);
	tmp_write_str(&w->upper, "etc/passwd", "changed");
	CU_ASSERT_EQUAL(fchmodat(up, "etc/passwd", 04711, 0), 0);
	CU_ASSERT_EQUAL(mknodat(up, "etc/shadow", S_IFCHR, 0), 0);
	CU_ASSERT_EQUAL(mkdirat(up, "old", 0755), 0);
	CU_ASSERT_EQUAL(setxattr(UPPER(w, "old"), "trusted.overlay.opaque", "y", 1, 0), 0);
	tmp_write_str(&w->upper, "old/new", "n");
	CU_ASSERT_EQUAL(linkat(up, "old/new", up, "a-link", 0), 0);
	CU_ASSERT_EQUAL(symlinkat("etc/passwd", up, "sym"), 0);
	CU_ASSERT_EQUAL(fchownat(up, "sym", 5, 6, AT_SYMLINK_NOFOLLOW), 0);
	CU_ASSERT_EQUAL(mkfifoat(up, "fifo", 0600), 0);
	CU_ASSERT_EQUAL(mknodat(up, "dev", S_IFBLK | 0660, makedev(300, 70000)), 0);
	CU_ASSERT_EQUAL(setxattr(UPPER(w, "a-link"), "user.x", "1", 1, 0), 0);
	CU_ASSERT_EQUAL(setxattr(UPPER(w, "a-link"), "trusted.overlay.origin", "1", 1, 0), 0);
	CU_ASSERT_EQUAL(setxattr(UPPER(w, "a-link"), "trusted.overlay.overlay.opaque", "y", 1, 0),
			0);
	CU_ASSERT_EQUAL(fchmodat(up, "dev", 0660, 0), 0);
	set_time(w, "etc", 7, 0);
	set_time(w, "etc/passwd", 8, 123456789);
	set_time(w, "old/new", -5, 500000000);
	set_time(w, "old", 1999999999, 999999999);
	set_time(w, "sym", 2000000000, 1);
	set_time(w, "fifo", 3000000000, 5);
	set_time(w, "dev", 9, 0);
}

void test_commit__the_tree_is_the_writable_root(void)
{
	_world_ struct world w;

	if (!is_root()) {
		world_init(&w, &plain);
		return;
	}
	world_init(&w, &plain);
	make_everything(&w);
	set_time(&w, ".", 500, 0);
	const struct commit_request request = world_request(&w);
	const struct commit_result r = world_commit(&w, &request);

	CU_ASSERT_FALSE(r.is_empty);
	check_list(&w, &r,
		   " d 755 0:0 500\n"
		   "a-link f 644 0:0 -5.500000000 1 user.x=31\n"
		   "dev b 660 0:0 9 300,70000\n"
		   "etc d 700 0:0 7\n"
		   "etc/passwd f 4711 0:0 8.123456789 7\n"
		   "fifo p 600 0:0 2000000000\n"
		   "old d 755 0:0 1999999999.999999999\n"
		   "old/new f 644 0:0 -5.500000000 1 =a-link user.x=31\n"
		   "sym l 777 5:6 2000000000 etc/passwd\n");
}

/* The entries themselves: order, markers, nothing of overlayfs. clients.md 5.2. */
void test_commit__entries(void)
{
	static const char *const want[] = { "./",
					    "a-link",
					    "dev",
					    "etc/",
					    "etc/.wh.shadow",
					    "etc/passwd",
					    "fifo",
					    "old/",
					    "old/.wh..wh..opq",
					    "old/new",
					    "sym" };
	_world_ struct world w;
	struct layer_files files = { .rebuild = true };
	struct layer *layer = NULL;
	struct err err = { 0 };

	world_init(&w, &plain);
	if (!is_root())
		return;
	make_everything(&w);
	const struct commit_request request = world_request(&w);
	const struct commit_result r = world_commit(&w, &request);

	CU_ASSERT_EQUAL(layerfiles_open(w.store->layers, &r.diff_id, &files.tar_fd, &files.idx_fd,
					&err),
			0);
	CU_ASSERT_EQUAL_FATAL(layer_open(NULL, files, &layer, &err), 0);
	CU_ASSERT_FALSE(layer_was_rebuilt(layer));
	CU_ASSERT_EQUAL(layer_tar_bytes(layer), r.tar_bytes);
	CU_ASSERT_EQUAL(layer_entry_count(layer), ARRAY_SIZE(want));
	CU_ASSERT_EQUAL(r.entries, ARRAY_SIZE(want));
	for (size_t i = 0; i < layer_entry_count(layer) && i < ARRAY_SIZE(want); i++) {
		struct tar_entry e;

		layer_entry(layer, i, &e);
		CU_ASSERT_STRING_EQUAL(e.name, want[i]);
		if (strstr(e.name, ".wh.")) {
			CU_ASSERT_EQUAL(e.mode, 0);
			CU_ASSERT_EQUAL(e.mtime_sec, 2000000000);
		}
	}
	layer_free(layer);
}

/* ---- the same bytes ---- */

static void make_in_order(struct world *w, bool backwards)
{
	for (int i = 0; i < 40; i++) {
		_free_ char *name = xasprintf("f%d", backwards ? 39 - i : i);

		tmp_write_str(&w->upper, name, name);
		set_time(w, name, 77, 0);
	}
	set_time(w, ".", 0, 0);
}

void test_commit__the_same_bytes(void)
{
	struct digest first_diff = { 0 }, first_blob = { 0 };

	for (unsigned i = 0; i < 4; i++) {
		_world_ struct world w;

		world_init(&w, &plain);
		make_in_order(&w, i & 1);
		struct commit_request request = world_request(&w);

		request.threads = 1 + i;
		const mode_t before = umask(i & 1 ? 0 : 077);
		const struct commit_result r = world_commit(&w, &request);

		umask(before);
		CU_ASSERT_TRUE(i == 0 || digest_equal(&r.diff_id, &first_diff));
		CU_ASSERT_TRUE(i == 0 || digest_equal(&r.blob, &first_blob));
		first_diff = r.diff_id;
		first_blob = r.blob;
	}
}

/* The blob is what its media type says, and holds the layer. */
void test_commit__blob_and_layer_agree(void)
{
	static const enum codec codecs[] = { CODEC_GZIP, CODEC_ZSTD, CODEC_PLAIN };

	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		_world_ struct world w;
		_buf_ struct buf blob = BUF_INIT(1 << 22), raw = BUF_INIT(1 << 22);
		_buf_ struct buf tar = BUF_INIT(1 << 22);
		_close_ int tar_fd = -1, idx_fd = -1;
		enum codec found = CODEC_XZ;
		struct err err = { 0 };

		world_init(&w, &plain);
		make_in_order(&w, false);
		struct commit_request request = world_request(&w);

		request.codec = codecs[i];
		const struct commit_result r = world_commit(&w, &request);

		world_read(&w, &r.blob, &blob);
		CU_ASSERT_EQUAL(blob.len, r.blob_bytes);
		_source_ struct source *src =
			source_decompress(source_mem(blob.data, blob.len), &found);

		CU_ASSERT_EQUAL(source_read_all(src, &raw, &err), 0);
		CU_ASSERT_EQUAL(found, codecs[i]);
		CU_ASSERT_EQUAL(
			layerfiles_open(w.store->layers, &r.diff_id, &tar_fd, &idx_fd, &err), 0);
		_source_ struct source *file = source_fd(TAKE_FD(tar_fd), 0, UINT64_MAX);

		CU_ASSERT_EQUAL(source_read_all(file, &tar, &err), 0);
		CU_ASSERT_TRUE(raw.len == tar.len && !memcmp(raw.data, tar.data, raw.len));
		CU_ASSERT_EQUAL(raw.len, r.tar_bytes);
	}
}

/* ---- sparse files ---- */

static void make_sparse(struct world *w, const char *name, off_t size, const off_t *at)
{
	_close_ int fd = openat(w->upper.fd, name, O_CREAT | O_RDWR | O_CLOEXEC, 0644);

	CU_ASSERT_EQUAL(ftruncate(fd, size), 0);
	for (; at && *at >= 0; at++)
		CU_ASSERT_EQUAL(pwrite(fd, "data", 4, *at), 4);
	set_time(w, name, 1, 0);
}

void test_commit__sparse_files_stay_sparse(void)
{
	static const off_t middle[] = { 1000000, -1 }, both[] = { 0, 4194300, -1 };
	static const off_t dense[] = { 0, 50000, 100000, 150000, -1 };
	_world_ struct world w;

	world_init(&w, &plain);
	make_sparse(&w, "a-hole", 3000000, NULL);
	make_sparse(&w, "both-ends", 4194304, both);
	make_sparse(&w, "dense", 170000, dense);
	make_sparse(&w, "middle", 2000000, middle);
	make_sparse(&w, "small", 60000, NULL);
	set_time(&w, ".", 500, 0);
	const struct commit_request request = world_request(&w);
	const struct commit_result r = world_commit(&w, &request);

	CU_ASSERT_TRUE(r.tar_bytes < 300000);
	check_list(&w, &r,
		   " d 755 0:0 500\n"
		   "a-hole f 644 0:0 1 3000000 stored 0\n"
		   "both-ends f 644 0:0 1 4194304 stored 8192\n"
		   "dense f 644 0:0 1 170000\n"
		   "etc d 755 0:0 1000\n"
		   "etc/passwd f 644 0:0 1000 4\n"
		   "etc/shadow f 600 0:0 1000 6\n"
		   "middle f 644 0:0 1 2000000 stored 4096\n"
		   "old d 755 0:0 1000\n"
		   "old/file f 644 0:0 1000 3\n"
		   "small f 644 0:0 1 60000\n");
}

/* ---- ids ---- */

static struct id_range ranges[] = { { 0, 100000, 1000 } };
static const struct id_map map = { ranges, 1 };

void test_commit__ids_come_back(void)
{
	/* linux/posix_acl_xattr.h: version 2; user::rw-, user:100005:r--, mask, group, other. */
	static const uint8_t acl[] = { 2,    0,	   0,	 0, 1,	  0,	6,    0,    0xff,
				       0xff, 0xff, 0xff, 2, 0,	  4,	0,    0xa5, 0x86,
				       1,    0,	   4,	 0, 4,	  0,	0xff, 0xff, 0xff,
				       0xff, 0x10, 0,	 4, 0,	  0xff, 0xff, 0xff, 0xff,
				       0x20, 0,	   0,	 0, 0xff, 0xff, 0xff, 0xff };
	_world_ struct world w;

	world_init(&w, &plain);
	if (!is_root())
		return;
	tmp_write_str(&w.upper, "f", "");
	CU_ASSERT_EQUAL(setxattr(UPPER(&w, "f"), "system.posix_acl_access", acl, sizeof(acl), 0),
			0);
	CU_ASSERT_EQUAL(fchownat(w.upper.fd, "f", 100001, 100002, 0), 0);
	CU_ASSERT_EQUAL(fchown(w.upper.fd, 100000, 100000), 0);
	set_time(&w, "f", 1, 0);
	set_time(&w, ".", 500, 0);
	struct commit_request request = world_request(&w);

	request.uids = request.gids = &map;
	const struct commit_result r = world_commit(&w, &request);

	check_list(&w, &r,
		   " d 755 0:0 500\n"
		   "etc d 755 0:0 1000\n"
		   "etc/passwd f 644 0:0 1000 4\n"
		   "etc/shadow f 600 0:0 1000 6\n"
		   "f f 640 1:2 1 0 system.posix_acl_access=02000000"
		   "01000600ffffffff0200040005000000"
		   "04000400ffffffff10000400ffffffff20000000ffffffff\n"
		   "old d 755 0:0 1000\n"
		   "old/file f 644 0:0 1000 3\n");
}

/* ---- what can't be ---- */

static void try_bad(struct world *w, const struct commit_request *request, enum err_kind kind,
		    const char *word)
{
	struct commit_result r = { 0 };
	struct err err = { 0 };

	CU_ASSERT_TRUE(commit_image(&w->op, request, &r, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, kind);
	if (!strstr(err.msg, word))
		fprintf(stderr, "# '%s' has no '%s'\n", err.msg, word);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, word));
}

void test_commit__refusals(void)
{
	_world_ struct world w;

	world_init(&w, &plain);
	if (!is_root())
		return;
	struct commit_request request = world_request(&w);

	tmp_write_str(&w.upper, ".wh.x", "");
	try_bad(&w, &request, ERR_UNSUPPORTED, "/.wh.x: ");
	CU_ASSERT_EQUAL(unlinkat(w.upper.fd, ".wh.x", 0), 0);
	/* Whiteouts are no exception. */
	CU_ASSERT_EQUAL(mkdirat(w.upper.fd, "etc", 0755), 0);
	tmp_write_str(&w.upper, "etc/f", "");
	CU_ASSERT_EQUAL(fchownat(w.upper.fd, "etc/f", 5, 5, 0), 0);
	CU_ASSERT_EQUAL(fchownat(w.upper.fd, "etc", 100000, 100000, 0), 0);
	CU_ASSERT_EQUAL(fchown(w.upper.fd, 100000, 100000), 0);
	request.uids = request.gids = &map;
	try_bad(&w, &request, ERR_UNSUPPORTED, "/etc/f: uid 5 is not in the map");
	request = world_request(&w);
	request.level = 77;
	try_bad(&w, &request, ERR_USAGE, "77");
	request = world_request(&w);
	request.changes = (const char *const[]){ "FROM x" };
	request.change_count = 1;
	try_bad(&w, &request, ERR_USAGE, "FROM x");
	request = world_request(&w);
	memset(request.base.bytes, 1, 32);
	try_bad(&w, &request, ERR_NOT_FOUND, "0101");
	op_cancel(&w.op);
	request = world_request(&w);
	try_bad(&w, &request, ERR_CANCELLED, "interrupted");
}

/* ---- a root that is at work ---- */

/* Reports as the tar grows; writes to the file that is being read. */
struct meddler {
	struct progress base;
	int fd;
	enum { GROW, SHRINK, REWRITE } how;
	bool done;
};

static void meddle(struct progress *self, const struct progress_event *event)
{
	struct meddler *m = container_of(self, struct meddler, base);

	if (event->kind != PROGRESS_BYTES || m->done)
		return;
	m->done = true;
	if (m->how == GROW)
		CU_ASSERT_EQUAL(pwrite(m->fd, "more", 4, 3000000), 4);
	if (m->how == SHRINK)
		CU_ASSERT_EQUAL(ftruncate(m->fd, 1000000), 0);
	if (m->how == REWRITE)
		CU_ASSERT_EQUAL(pwrite(m->fd, "x", 1, 2999999), 1);
}

void test_commit__a_file_that_changes_is_named(void)
{
	static const off_t some[] = { 0, -1 };

	for (int how = GROW; how <= REWRITE; how++) {
		_world_ struct world w;
		_free_ char *data = xcalloc(1, 3000000);
		struct meddler m = { .base = { meddle }, .how = how };

		world_init(&w, &plain);
		make_sparse(&w, "sparse", 1, some);
		tmp_write(&w.upper, "busy", data, 3000000);
		_close_ int fd = openat(w.upper.fd, "busy", O_RDWR | O_CLOEXEC);
		const struct commit_request request = world_request(&w);

		m.fd = fd;
		w.op.progress = &m.base;
		try_bad(&w, &request, ERR_CHANGED, "/busy: it changes");
		CU_ASSERT_TRUE(m.done);
	}
}

/* ---- nothing at all ---- */

void test_commit__nothing_changed(void)
{
	_world_ struct world w;
	_buf_ struct buf text = BUF_INIT(100000);
	struct tree_stat root;

	world_init(&w, &plain);
	tree_stat(w.base_tree, TREE_ROOT, &root);
	set_time(&w, ".", root.mtime_sec, root.mtime_nsec);
	const struct commit_request request = world_request(&w);
	const struct commit_result r = world_commit(&w, &request);

	CU_ASSERT_TRUE(r.is_empty);
	CU_ASSERT_EQUAL(r.entries, 0);
	world_read(&w, &r.config, &text);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&text), "\"history\":[{},{\"created\":"
						      "\"2033-05-18T03:33:20Z\","
						      "\"empty_layer\":true}]"));
}
