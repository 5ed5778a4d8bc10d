/* SPDX-License-Identifier: Apache-2.0 */
/* The image that the tests commit on top of. */
#include "tests/unit/push/world.h"

#include "base/mem.h"
#include "layers/tar_write.h"
#include "stream/hash.h"

#include <CUnit/CUnit.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static const struct {
	struct tar_entry entry;
	const char *text;
} base_entries[] = {
	{ { .type = '5', .name = "etc", .mode = 0755, .mtime_sec = 1000 }, "" },
	{ { .type = '0', .name = "etc/passwd", .mode = 0644, .mtime_sec = 1000 }, "root" },
	{ { .type = '0', .name = "etc/shadow", .mode = 0600, .mtime_sec = 1000 }, "secret" },
	{ { .type = '5', .name = "old", .mode = 0755, .mtime_sec = 1000 }, "" },
	{ { .type = '0', .name = "old/file", .mode = 0644, .mtime_sec = 1000 }, "old" },
};

static int append(void *arg, const void *data, size_t len, struct err *err)
{
	return buf_append(arg, data, len, err);
}

static void make_tar(struct buf *tar)
{
	struct tar_writer *w = tar_writer_new_sink(append, tar);
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(base_entries); i++) {
		struct tar_entry e = base_entries[i].entry;

		e.link_name = "";
		e.size_bytes = strlen(base_entries[i].text);
		CU_ASSERT_EQUAL_FATAL(tar_writer_entry(w, &e, &err), 0);
		CU_ASSERT_EQUAL_FATAL(tar_writer_data(w, base_entries[i].text, e.size_bytes, &err),
				      0);
	}
	CU_ASSERT_EQUAL_FATAL(tar_writer_finish(w, NULL, &err), 0);
	tar_writer_free(w);
}

static struct digest put_blob(struct store *store, const struct buf *bytes)
{
	struct err err = { 0 };
	struct digest d;

	hash_bytes(DIGEST_SHA256, bytes->data, bytes->len, &d);
	CU_ASSERT_EQUAL_FATAL(blobs_put(store->blobs, NULL, &d, bytes, &err), 0);
	return d;
}

static void put_layer(struct store *store, const struct buf *tar, const struct digest *diffid)
{
	struct layer_writer *lw = NULL;
	struct err err = { 0 };

	CU_ASSERT_EQUAL_FATAL(layerfiles_begin(store->layers, NULL, diffid, &lw, &err), 0);
	CU_ASSERT_EQUAL(write(lw->tar_fd, tar->data, tar->len), (ssize_t)tar->len);
	CU_ASSERT_EQUAL_FATAL(layer_writer_commit(lw, diffid, &err), 0);
}

static struct layer *open_layer(struct store *store, const struct digest *diffid)
{
	struct layer_files files = { .rebuild = true };
	struct layer *layer = NULL;
	struct err err = { 0 };

	CU_ASSERT_EQUAL_FATAL(
		layerfiles_open(store->layers, diffid, &files.tar_fd, &files.idx_fd, &err), 0);
	CU_ASSERT_EQUAL_FATAL(layer_open(NULL, files, &layer, &err), 0);
	return layer;
}

static struct digest put_image(struct store *store, const struct world_base *base,
			       const struct digest *layer, size_t layer_bytes)
{
	static const char *const types[2][3] = {
		{ MEDIA_TYPE_OCI_MANIFEST, MEDIA_TYPE_OCI_CONFIG, MEDIA_TYPE_OCI_LAYER },
		{ MEDIA_TYPE_DOCKER_MANIFEST, MEDIA_TYPE_DOCKER_CONFIG, MEDIA_TYPE_DOCKER_LAYER },
	};
	const char *const *type = types[base->is_docker];
	_buf_ struct buf text = BUF_INIT(100000);
	struct err err = { 0 };

	CU_ASSERT_EQUAL(buf_printf(&text, &err,
				   "{\"architecture\":\"amd64\",\"os\":\"linux\",\"x-own\":[1],"
				   "\"config\":%s%s%s,\"rootfs\":{\"type\":\"layers\",\"diff_ids\":"
				   "[\"%s\"]},\"last\":true}",
				   base->run ? base->run : "{}",
				   base->history ? ",\"history\":" : "",
				   base->history ? base->history : "", DIGEST_TEXT(layer)),
			0);
	const struct digest config = put_blob(store, &text);
	const size_t config_bytes = text.len;

	buf_reset(&text);
	CU_ASSERT_EQUAL(
		buf_printf(
			&text, &err,
			"{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":{\"mediaType\":"
			"\"%s\",\"size\":%zu,\"digest\":\"%s\"},\"layers\":[{\"mediaType\":\"%s\","
			"\"size\":%zu,\"digest\":\"%s\"}],\"annotations\":{\"a\":\"b\"}}",
			type[0], type[1], config_bytes, DIGEST_TEXT(&config), type[2], layer_bytes,
			DIGEST_TEXT(layer)),
		0);
	return put_blob(store, &text);
}

void world_init(struct world *w, const struct world_base *base)
{
	const struct timespec times[2] = { { 500, 0 }, { 500, 0 } };
	_buf_ struct buf tar = BUF_INIT(1 << 20);
	struct err err = { 0 };

	*w = (struct world){ .store = store_new_memory(), .upper = tmp_make_in_memory() };
	make_tar(&tar);
	const struct digest d = put_blob(w->store, &tar);

	put_layer(w->store, &tar, &d);
	w->manifest = put_image(w->store, base, &d, tar.len);
	w->base_layer = open_layer(w->store, &d);
	CU_ASSERT_EQUAL_FATAL(tree_build(NULL, &w->base_layer, 1, &w->base_tree, &err), 0);
	w->lower = tree_lower(w->base_tree);
	CU_ASSERT_EQUAL_FATAL(reference_parse("localhost/new:1", &w->ref, &err), 0);
	/* The root of a tree without an entry for it: mode 0755, time 0. */
	CU_ASSERT_EQUAL(fchmod(w->upper.fd, 0755), 0);
	CU_ASSERT_EQUAL(futimens(w->upper.fd, times), 0);
}

void world_fini(struct world *w)
{
	reference_fini(&w->ref);
	lower_close(w->lower);
	tree_free(w->base_tree);
	layer_free(w->base_layer);
	store_close(w->store);
	tmp_remove(&w->upper);
}

struct commit_request world_request(struct world *w)
{
	return (struct commit_request){ .store = w->store,
					.upper_fd = w->upper.fd,
					.lower = w->lower,
					.base = w->manifest,
					.ref = &w->ref,
					.codec = CODEC_GZIP,
					.threads = 1,
					.source_date_epoch = 2000000000 };
}

struct commit_result world_commit(struct world *w, const struct commit_request *request)
{
	struct commit_result r = { 0 };
	struct err err = { 0 };
	const int rc = commit_image(&w->op, request, &r, &err);

	if (rc < 0)
		fprintf(stderr, "# %s\n", err.msg);
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	return r;
}

void world_read(struct world *w, const struct digest *d, struct buf *out)
{
	struct err err = { 0 };

	buf_reset(out);
	CU_ASSERT_EQUAL_FATAL(blobs_read(w->store->blobs, d, out, &err), 0);
}

const char *world_path(const struct world *w, const char *name, char dst[512])
{
	snprintf(dst, 512, "%s/%s", w->upper.path, name);
	return dst;
}

static char type_of(uint32_t mode)
{
	return S_ISDIR(mode)   ? 'd'
	       : S_ISREG(mode) ? 'f'
	       : S_ISLNK(mode) ? 'l'
	       : S_ISCHR(mode) ? 'c'
	       : S_ISBLK(mode) ? 'b'
			       : 'p';
}

static int list_node(const struct tree *tree, uint32_t node, struct buf *out, struct err *err)
{
	struct tree_stat st;
	struct tar_xattr x;

	tree_stat(tree, node, &st);
	TRY(tree_path(tree, node, out, err));
	TRY(buf_printf(out, err, " %c %o %d:%d %d", type_of(st.mode), st.mode & 07777, (int)st.uid,
		       (int)st.gid, (int)st.mtime_sec));
	if (st.mtime_nsec)
		TRY(buf_printf(out, err, ".%09u", st.mtime_nsec));
	if (S_ISREG(st.mode))
		TRY(buf_printf(out, err, " %d", (int)st.size_bytes));
	if (S_ISREG(st.mode) && st.is_sparse)
		TRY(buf_printf(out, err, " stored %d", (int)st.data_bytes));
	if (st.link_target)
		TRY(buf_printf(out, err, " %s", st.link_target));
	if (S_ISCHR(st.mode) || S_ISBLK(st.mode))
		TRY(buf_printf(out, err, " %u,%u", st.dev_major, st.dev_minor));
	if (!S_ISDIR(st.mode) && tree_first_name(tree, st.inode) != node) {
		TRY(buf_append_str(out, " =", err));
		TRY(tree_path(tree, tree_first_name(tree, st.inode), out, err));
	}
	for (size_t n = 0; tree_xattr(tree, node, n, &x); n++) {
		TRY(buf_printf(out, err, " %s=", x.name));
		for (size_t i = 0; i < x.value_len; i++)
			TRY(buf_printf(out, err, "%02x", ((const uint8_t *)x.value)[i]));
	}
	return buf_append_char(out, '\n', err);
}

void world_list(struct world *w, const struct commit_result *r, struct buf *out)
{
	struct layer *layers[2] = { w->base_layer, open_layer(w->store, &r->diff_id) };
	struct tree *tree = NULL;
	struct err err = { 0 };
	struct tree_stat root;

	CU_ASSERT_EQUAL_FATAL(tree_build(NULL, layers, 2, &tree, &err), 0);
	tree_stat(tree, TREE_ROOT, &root);
	buf_reset(out);
	for (uint32_t node = root.layer == UINT16_MAX ? tree_walk_next(tree, 0, 0) : TREE_ROOT;
	     node != TREE_NONE; node = tree_walk_next(tree, TREE_ROOT, node))
		CU_ASSERT_EQUAL(list_node(tree, node, out, &err), 0);
	tree_free(tree);
	layer_free(layers[1]);
}
