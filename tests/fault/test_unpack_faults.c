/* SPDX-License-Identifier: Apache-2.0 */
/* Unpacking and exporting a tree of everything while the system fails: whole, or plainly not. */
#include "base/mem.h"
#include "layers/unpack.h"
#include "stream/hash.h"
#include "sys/file.h"
#include "tests/fault/sweep.h"
#include "tests/support/tmp.h"
#include "tests/unit/layers/tarmaker.h"

#include <CUnit/CUnit.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define MARKER ".img-incomplete"
/* Large enough for copy_file_range. */
#define LARGE_BYTES ((size_t)200 * 1024)

/* What a sweep works on. */
struct world {
	struct layer *layer;
	struct tree *tree;
	struct digest whole[2]; /* what it looks like when nothing fails */
	bool keep_owner;
	struct tmp tmp;
	struct unpack_report report;
	int out; /* of an export */
	uint64_t out_bytes;
};

/* --- the tree --- */

static void add_large(struct tarmaker *t)
{
	_free_ unsigned char *data = xcalloc(1, LARGE_BYTES);

	for (size_t i = 0; i < LARGE_BYTES; i++)
		data[i] = (unsigned char)(i * 7 + (i >> 8));
	tarmaker_header(t, &(struct tm_header){ .type = '0',
						.name = "late/large",
						.mode = 04755,
						.size = LARGE_BYTES,
						.uid = 1000,
						.gid = 1000 });
	tarmaker_data(t, data, LARGE_BYTES);
}

static void add_rare(struct tarmaker *t)
{
	tarmaker_pax(t, 'x', "GNU.sparse.numblocks", "2", "GNU.sparse.map", "0,5,100000,5",
		     "GNU.sparse.size", "200000", NULL);
	tarmaker_file(t, "sparse", "helloworld");
	tarmaker_pax(t, 'x', "SCHILY.xattr.user.img", "value", "SCHILY.xattr.user.more", "x", NULL);
	tarmaker_file(t, "attr", "with attributes");
	tarmaker_pax(t, 'x', "SCHILY.xattr.trusted.img", "value", NULL);
	tarmaker_header(t,
			&(struct tm_header){ .type = '6', .name = "fifo", .mode = 0622, .uid = 7 });
	tarmaker_header(t, &(struct tm_header){ .type = '5',
						.name = "owned/",
						.mode = 02750,
						.uid = 12,
						.gid = 34,
						.mtime = 1000000000 });
	add_large(t);
}

static void make_tree(struct world *w)
{
	_tarmaker_ struct tarmaker t = { 0 };
	struct err err = { 0 };

	tarmaker_text(&t, "d late:555; f late/a=a; d late/deep:500; f late/deep/er=x; f small=s;"
			  "h late/deep/link->small; l sym->late/a; c null=1.3; b disk=7.0; p pipe;"
			  "f empty; d tmp:1777; f implied/by/name=n");
	t.len -= 1024; /* its end marker: more comes */
	add_rare(&t);
	tarmaker_end(&t);
	if (tarmaker_layer(&t, &w->layer, &err) < 0 ||
	    tree_build(NULL, &w->layer, 1, &w->tree, &err) < 0) {
		fprintf(stderr, "# %s\n", err.msg);
		abort();
	}
	w->keep_owner = geteuid() == 0;
	w->out = -1;
}

static void world_fini(struct world *w)
{
	tree_free(w->tree);
	layer_free(w->layer);
}

/* --- what a folder looks like --- */

static void hash_text(struct hash *h, const char *text)
{
	hash_update(h, text, strlen(text) + 1);
}

static void hash_content(struct hash *h, int dir, const char *name)
{
	_close_ int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char data[65536];
	ssize_t n;

	while (fd >= 0 && (n = read(fd, data, sizeof(data))) > 0)
		hash_update(h, data, (size_t)n);
}

static void hash_xattrs(struct hash *h, int dir, const char *name)
{
	static const char *const names[] = { "user.img", "user.more", "trusted.img" };
	_free_ char *path = xasprintf("/proc/self/fd/%d/%s", dir, name);
	char value[64];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const ssize_t n = lgetxattr(path, names[i], value, sizeof(value));

		hash_text(h, names[i]);
		if (n > 0)
			hash_update(h, value, (size_t)n);
	}
}

static void hash_stat(struct hash *h, const char *name, const struct stat *st)
{
	const bool is_dir = S_ISDIR(st->st_mode);
	_free_ char *text = xasprintf("%s %o %u:%u %ju %ju %jd.%09ld %jx", name, st->st_mode,
				      st->st_uid, st->st_gid, is_dir ? 0 : (uintmax_t)st->st_nlink,
				      is_dir ? 0 : (uintmax_t)st->st_size,
				      (intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
				      (uintmax_t)st->st_rdev);

	hash_text(h, text);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_entry(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

/* All below an open folder; what cannot be read (not root) adds nothing. */
static void hash_folder(struct hash *h, int dir)
{
	struct dirent **list = NULL;
	const int count = scandirat(dir, ".", &list, is_entry, by_name);

	for (int i = 0; i < count; i++) {
		const char *name = list[i]->d_name;
		struct stat st = { 0 };

		(void)fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW);
		hash_stat(h, name, &st);
		hash_xattrs(h, dir, name);
		if (S_ISREG(st.st_mode))
			hash_content(h, dir, name);
		if (S_ISDIR(st.st_mode)) {
			_close_ int sub = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

			if (sub >= 0)
				hash_folder(h, sub);
		}
		free(list[i]);
	}
	free(list);
}

/* The root's own time is left out when asked: between the last two calls only it is wrong. */
static void look_at(const struct world *w, bool root_time, struct digest *ret)
{
	struct hash *h = hash_new(DIGEST_SHA256);
	struct stat st = { 0 };

	(void)fstat(w->tmp.fd, &st);
	if (!root_time)
		st.st_mtim = (struct timespec){ 0 };
	hash_stat(h, "/", &st);
	hash_folder(h, w->tmp.fd);
	hash_final(h, ret);
	hash_free(h);
}

/* --- unpack --- */

static void prepare_folder(void *arg)
{
	struct world *w = arg;

	w->tmp = tmp_make_in_memory();
}

static int run_unpack(void *arg, struct err *err)
{
	struct world *w = arg;
	struct op op = { 0 };
	const struct unpack_options options = { .dir_fd = w->tmp.fd,
						.keep_owner = w->keep_owner,
						.jobs = 2 };

	TRY(unpack_tree(&op, w->tree, &options, &w->report, err));
	unpack_report_fini(&w->report);
	return 0;
}

static bool is_empty(const struct world *w)
{
	struct dirent **list = NULL;
	const int count = scandirat(w->tmp.fd, ".", &list, is_entry, NULL);

	for (int i = 0; i < count; i++)
		free(list[i]);
	free(list);
	return count == 0;
}

/* The first folder that was whole is the measure of the others. */
static bool is_whole(struct world *w, bool root_time)
{
	struct digest d;

	look_at(w, root_time, &d);
	if (w->whole[root_time].alg == DIGEST_NONE)
		w->whole[root_time] = d;
	return digest_equal(&d, &w->whole[root_time]);
}

static const char *check_unpack(void *arg, struct sweep_state state)
{
	struct world *w = arg;
	const bool marked = faccessat(w->tmp.fd, MARKER, F_OK, 0) == 0;

	if (state.end == SWEEP_DONE) {
		if (marked)
			return "the marker is still there";
		(void)is_whole(w, false);
		return is_whole(w, true) ? NULL : "not all is there";
	}
	if (marked || is_empty(w) || (state.end == SWEEP_KILLED && is_whole(w, false)))
		return NULL;
	return "not whole, and nothing says so";
}

static const char *cleanup_folder(void *arg)
{
	struct world *w = arg;

	tmp_remove(&w->tmp);
	return NULL;
}

static void sweep_unpack(const char *name, bool kill)
{
	struct world w = { 0 };
	const struct sweep_op op = { .name = name,
				     .arg = &w,
				     .prepare = prepare_folder,
				     .run = run_unpack,
				     .check = check_unpack,
				     .cleanup = cleanup_folder,
				     .start_over = true };

	make_tree(&w);
	if (kill)
		sweep_kills(&op);
	else
		sweep_faults(&op);
	world_fini(&w);
}

void test_unpack_faults__unpack(void)
{
	sweep_unpack("unpack", false);
}

void test_unpack_faults__killed_unpack(void)
{
	sweep_unpack("killed unpack", true);
}

/* Where writes are told to have failed at close only (NFS, quotas). */
void test_unpack_faults__what_close_says_is_heard(void)
{
	struct world w = { 0 };
	struct err err = { 0 };

	make_tree(&w);
	prepare_folder(&w);
	inject_arm(&(struct inject_plan){ INJECT_CLOSE, INJECT_FROM, EDQUOT, 1 });
	const int rc = run_unpack(&w, &err);

	(void)inject_disarm();
	CU_ASSERT_EQUAL(rc, -EDQUOT);
	CU_ASSERT_EQUAL(err.kind, ERR_NO_SPACE);
	CU_ASSERT_PTR_NULL(check_unpack(&w, (struct sweep_state){ SWEEP_FAILED, false }));
	(void)cleanup_folder(&w);
	world_fini(&w);
}

/* --- export --- */

static void prepare_file(void *arg)
{
	struct world *w = arg;

	w->out = memfd_create("export", MFD_CLOEXEC);
}

static int run_export(void *arg, struct err *err)
{
	struct world *w = arg;
	struct op op = { 0 };

	w->out_bytes = 0;
	return export_tree(&op, w->tree, w->out, &w->out_bytes, err);
}

static const char *check_export(void *arg, struct sweep_state state)
{
	struct world *w = arg;
	struct stat st;

	if (state.end != SWEEP_DONE)
		return w->out_bytes ? "it failed, and said how much it wrote" : NULL;
	if (fstat(w->out, &st) < 0 || (uint64_t)st.st_size != w->out_bytes)
		return "not as long as it said";
	_free_ char *path = xasprintf("/proc/self/fd/%d", w->out);
	_buf_ struct buf bytes = BUF_INIT(1 << 24);
	struct digest d;

	if (file_read_path(path, &bytes, NULL) < 0)
		return "it cannot be read";
	hash_bytes(DIGEST_SHA256, bytes.data, bytes.len, &d);
	if (w->whole[0].alg == DIGEST_NONE)
		w->whole[0] = d;
	return digest_equal(&d, &w->whole[0]) ? NULL : "other bytes than without a fault";
}

static const char *cleanup_file(void *arg)
{
	struct world *w = arg;

	(void)close(TAKE_FD(w->out));
	return NULL;
}

void test_unpack_faults__export(void)
{
	struct world w = { 0 };
	const struct sweep_op op = { .name = "export",
				     .arg = &w,
				     .prepare = prepare_file,
				     .run = run_export,
				     .check = check_export,
				     .cleanup = cleanup_file,
				     .start_over = true };

	make_tree(&w);
	sweep_faults(&op);
	world_fini(&w);
}
