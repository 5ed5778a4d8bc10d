/* SPDX-License-Identifier: Apache-2.0 */
/* Stores with images to mount, and what is left of mounts. */
#include "tests/unit/overlay/mountmaker.h"

#include "base/mem.h"
#include "base/text.h"
#include "overlay/mount_record.h"
#include "stream/hash.h"
#include "sys/file.h"
#include "tests/unit/layers/tarmaker.h"
#include "tests/unit/runner.h"

#include <CUnit/CUnit.h>
#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>
#include <time.h>

#define PATIENCE_MS 5000

static void must(int rc, const struct err *err)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "# images to mount: %s\n", err->msg);
	abort();
}

/* --- images --- */

static void put_layer(struct store *store, const char *text, struct digest *ret)
{
	_tarmaker_ struct tarmaker t = { 0 };
	struct layer_writer *w = NULL;
	struct err err = { 0 };

	tarmaker_text(&t, text);
	hash_bytes(DIGEST_SHA256, t.data, t.len, ret);
	const int there = layerfiles_begin(store->layers, NULL, ret, &w, &err);

	must(there, &err);
	if (there)
		return;
	struct layer_indexer *x = layer_indexer_new(w->idx_fd);

	must(layer_indexer_feed(x, t.data, t.len, &err), &err);
	must(layer_indexer_finish(x, &err), &err);
	layer_indexer_free(x);
	must(file_pwrite_all(w->tar_fd, t.data, t.len, 0, &err), &err);
	must(layer_writer_commit(w, ret, &err), &err);
}

/* Of no use but to be there: nobody reads it while nothing is condemned. */
static void put_manifest(struct store *store, const struct digest *chain, struct digest *ret)
{
	_buf_ struct buf text = BUF_INIT(1000);
	struct err err = { 0 };

	must(buf_printf(&text, &err, "manifest of %s", DIGEST_TEXT(chain)), &err);
	hash_bytes(DIGEST_SHA256, text.data, text.len, ret);
	must(blobs_put(store->blobs, NULL, ret, &text, &err), &err);
}

void mountimage_init(struct mountimage *i, struct store *store, const char *const *layers)
{
	*i = (struct mountimage){ .store = store };
	while (layers[i->count]) {
		put_layer(store, layers[i->count], &i->diff_ids[i->count]);
		i->count++;
	}
	mount_chain_id(i->diff_ids, i->count, &i->chain);
	put_manifest(store, &i->chain, &i->manifest);
}

static void forget_tree(struct mountimage *i)
{
	tree_free(i->tree);
	i->tree = NULL;
	for (size_t n = 0; n < i->count; n++) {
		layer_free(i->layers[n]);
		i->layers[n] = NULL;
	}
}

void mountimage_fini(struct mountimage *i)
{
	forget_tree(i);
}

static int make_tree(void *arg, const struct tree **ret, struct err *err)
{
	struct mountimage *i = arg;

	i->asked++;
	forget_tree(i);
	for (size_t n = 0; n < i->count; n++) {
		int tar = -1, idx = -1;

		TRY(layerfiles_open(i->store->layers, &i->diff_ids[n], &tar, &idx, err));
		TRY(layer_open(NULL, (struct layer_files){ tar, idx, true }, &i->layers[n], err));
	}
	TRY(tree_build(NULL, i->layers, i->count, &i->tree, err));
	*ret = i->tree;
	return 0;
}

struct mount_request mountimage_request(struct mountimage *i)
{
	return (struct mount_request){ .store = i->store,
				       .image = "example.com/a:1",
				       .manifest = i->manifest,
				       .diff_ids = i->diff_ids,
				       .layer_count = i->count,
				       .tree = make_tree,
				       .tree_arg = i };
}

/* --- the place --- */

static unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		(void)closedir(dir);
	return n;
}

static struct mountmaker make_in(struct tmp (*make)(void))
{
	struct mountmaker m = { .tmp.fd = -1 };
	struct err err = { 0 };

	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		test_skip("needs root to mount");
		return m;
	}
	m.fds = (int)count_fds();
	m.tmp = make();
	snprintf(m.path, sizeof(m.path), "%s/store", m.tmp.path);
	must(store_open(m.path, STORE_CREATE, &m.store, &err), &err);
	return m;
}

static void give_up(struct mountmaker *m, const char *why)
{
	test_skip(why);
	store_close(TAKE_PTR(m->store));
	tmp_remove(&m->tmp);
	m->tmp.fd = -1;
}

struct mountmaker mountmaker_make(void)
{
	struct mountmaker m = make_in(tmp_make);

	if (m.store && driver_erofs.probe(m.store, NULL) < 0)
		give_up(&m, "this machine mounts no EROFS from files");
	return m;
}

struct mountmaker mountmaker_make_in_memory(void)
{
	struct mountmaker m = make_in(tmp_make_in_memory);

	if (m.store && driver_loop.probe(m.store, NULL) < 0)
		give_up(&m, "this machine mounts no EROFS from loop devices");
	return m;
}

void mountmaker_fini(struct mountmaker *m)
{
	if (m->tmp.fd < 0)
		return;
	const char *left = mountmaker_left(m);

	if (left)
		printf("# left: %s\n", left);
	CU_ASSERT_PTR_NULL(left);
	store_close(TAKE_PTR(m->store));
	tmp_remove(&m->tmp);
	CU_ASSERT_EQUAL((int)count_fds(), m->fds);
}

/* --- what is left --- */

static bool is_below(const char *name, const char *path)
{
	const size_t len = strlen(path);

	return text_starts_with(name, path) && strchr("/ \n", name[len]);
}

unsigned mounts_below(const char *path)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[8192];
	unsigned n = 0;

	/* "36 35 98:0 /root /point options ..." */
	while (f && fgets(line, sizeof(line), f)) {
		const char *at = line;

		for (int skip = 0; skip < 4 && at; skip++)
			at = strchr(at + (skip > 0), ' ');
		n += at && is_below(at + 1, path);
	}
	if (f)
		(void)fclose(f);
	return n;
}

static bool is_loop_below(const char *device, const char *path)
{
	_free_ char *name = xasprintf("/sys/block/%s/loop/backing_file", device);
	FILE *f = fopen(name, "re");
	char line[4096] = "";
	const bool got = f && fgets(line, sizeof(line), f);

	if (f)
		(void)fclose(f);
	return got && is_below(line, path);
}

/* Of the devices that have any bytes: there may be hundreds that have none. */
static unsigned count_loops(const char *path)
{
	FILE *f = fopen("/proc/partitions", "re");
	char line[256];
	unsigned n = 0;

	while (f && fgets(line, sizeof(line), f)) {
		const char *name = strrchr(line, ' ');

		line[strcspn(line, "\n")] = '\0';
		n += name && text_starts_with(name + 1, "loop") && is_loop_below(name + 1, path);
	}
	if (f)
		(void)fclose(f);
	return n;
}

/* The kernel, or whoever looks at new devices, may need a moment. */
unsigned loops_below(const char *path, unsigned want)
{
	unsigned n = count_loops(path);

	for (int i = 0; i < PATIENCE_MS && n > want; i++) {
		(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		n = count_loops(path);
	}
	return n;
}

unsigned mountmaker_entries(const struct mountmaker *m, const char *folder)
{
	_free_ char *path = xasprintf("%s/%s", m->path, folder);
	DIR *dir = opendir(path);
	unsigned n = 0;

	for (const struct dirent *e; dir && (e = readdir(dir));)
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	if (dir)
		(void)closedir(dir);
	return n;
}

const char *mountmaker_left(const struct mountmaker *m)
{
	if (mounts_below(m->tmp.path))
		return "a mount";
	if (loops_below(m->tmp.path, 0))
		return "a loop device";
	if (mountmaker_entries(m, "mounts"))
		return "something in mounts/";
	if (mountmaker_entries(m, "roots"))
		return "something in roots/";
	if (mountmaker_entries(m, "staging"))
		return "something in staging/";
	return NULL;
}

struct mount_entry mounted(const struct mount_request *q)
{
	struct mount_entry e = { 0 };
	struct err err = { 0 };

	CU_ASSERT_EQUAL(mounts_mount(NULL, q, &e, &err), 0);
	if (err.kind)
		printf("# %s\n", err.msg);
	CU_ASSERT_PTR_NOT_NULL_FATAL(e.path);
	return e;
}

bool shows(const char *path, const char *name, const char *text)
{
	_free_ char *full = xasprintf("%s/%s", path, name);
	_buf_ struct buf data = BUF_INIT(1000);

	return file_read_path(full, &data, NULL) == 0 && !strcmp(buf_str(&data), text);
}

dev_t device_of(const char *path)
{
	struct stat st = { 0 };

	CU_ASSERT_EQUAL(stat(path, &st), 0);
	return st.st_dev;
}
