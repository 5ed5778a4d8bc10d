/* SPDX-License-Identifier: Apache-2.0 */
/* The two stores of the pull tests, and a place between them that counts, cuts and can't seek. */
#include "tests/unit/pull/world.h"

#include "base/mem.h"

#include <CUnit/CUnit.h>

struct cut {
	struct source base;
	struct source *from;
	uint64_t left;
};

static ssize_t cut_next(struct source *src, const uint8_t **ret, struct err *err)
{
	struct cut *c = (struct cut *)src;
	ssize_t n;

	if (!c->left)
		return err_set(err, ERR_NETWORK, "connection reset");
	n = source_next(c->from, ret, err);
	if (n > 0 && (uint64_t)n > c->left)
		n = (ssize_t)c->left;
	if (n > 0)
		c->left -= (uint64_t)n;
	return n;
}

static void cut_close(struct source *src)
{
	source_close(((struct cut *)src)->from);
	free(src);
}

static int middle_get_document(struct transport *t, struct op *op, const char *name,
			       struct transport_document *ret, struct err *err)
{
	struct middle *m = (struct middle *)t;

	m->documents++;
	return transport_get_document(m->real, op, name, ret, err);
}

static int middle_resolve(struct transport *t, struct op *op, const char *name,
			  struct descriptor *ret, struct err *err)
{
	struct middle *m = (struct middle *)t;

	m->resolves++;
	return transport_resolve(m->real, op, name, ret, err);
}

static int middle_open_blob(struct transport *t, struct op *op, struct transport_range *range,
			    struct source **ret, struct err *err)
{
	static const struct source_ops ops = { .next = cut_next, .close = cut_close };
	struct middle *m = (struct middle *)t;

	m->blobs++;
	m->last_offset = range->offset;
	if (m->no_seek)
		range->offset = 0;
	TRY(transport_open_blob(m->real, op, range, ret, err));
	if (m->cut_at) {
		struct cut *c = NEW(struct cut);

		c->base.ops = &ops;
		c->from = *ret;
		c->left = m->cut_at;
		*ret = &c->base;
	}
	return 0;
}

static const struct transport_ops middle_ops = {
	.get_document = middle_get_document,
	.resolve = middle_resolve,
	.open_blob = middle_open_blob,
};

void world_setup(struct world *w, const char *ref)
{
	struct err err = { 0 };

	*w = (struct world){ 0 };
	w->there = store_new_memory();
	w->here = store_new_memory();
	CU_ASSERT_EQUAL_FATAL(reference_parse(ref, &w->ref, &err), 0);
	w->middle.base.ops = &middle_ops;
	w->middle.real = local_transport(w->there, &w->ref);
}

void world_teardown(struct world *w)
{
	transport_close(w->middle.real);
	reference_fini(&w->ref);
	store_close(w->there);
	store_close(w->here);
}

int world_pull(struct world *w, const struct pull_request *extra, struct pull_result *ret,
	       struct err *err)
{
	struct pull_request req = extra ? *extra : (struct pull_request){ 0 };

	req.from = &w->middle.base;
	req.to = w->here;
	req.ref = &w->ref;
	*err = (struct err){ 0 };
	return pull_image(&w->op, &req, ret, err);
}

int world_pull_ok(struct world *w, const struct pull_request *extra)
{
	struct pull_result result = { 0 };
	struct err err;
	const int rc = world_pull(w, extra, &result, &err);

	if (rc < 0)
		fprintf(stderr, "pull: %s\n", err.msg);
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	pull_result_fini(&result);
	return result.was_current;
}

bool world_is_named(struct world *w)
{
	_descriptor_ struct descriptor d = { 0 };

	return images_resolve(w->here, &w->ref, &d, NULL) == 0;
}

const struct maker_file world_base_files[3] = { { "etc/", "" },
						{ "etc/motd", "hello\n" },
						{ "gone", "x" } };
const struct maker_file world_top_files[2] = { { ".wh.gone", "" }, { "new", "n" } };

void world_two_layers(struct world *w, struct maker_layer layers[2], struct descriptor *ret)
{
	maker_layer(w->there, world_base_files, 3, true, &layers[0]);
	maker_layer(w->there, world_top_files, 2, false, &layers[1]);
	maker_image(w->there, &(struct maker_image){ layers, 2, NULL }, ret);
}

void world_free_layers(struct maker_layer *layers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		descriptor_fini(&layers[i].descriptor);
}

/* The image's manifest and config as they are in the store we pulled into. */
void world_read_image(struct world *w, const struct descriptor *d, struct document *doc,
		      struct image_config *config)
{
	_buf_ struct buf b = BUF_INIT(1 << 20);
	_buf_ struct buf c = BUF_INIT(1 << 20);

	CU_ASSERT_EQUAL_FATAL(blobs_read(w->here->blobs, &d->digest, &b, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(document_parse(b.data, b.len, NULL, doc, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(blobs_read(w->here->blobs, &doc->manifest.config.digest, &c, NULL),
			      0);
	CU_ASSERT_EQUAL_FATAL(image_config_parse(c.data, c.len, config, NULL), 0);
}

void world_assert_tree(struct world *w, const struct descriptor *image)
{
	_document_ struct document doc = { 0 };
	_image_config_ struct image_config config = { 0 };
	struct local_tree t;
	struct err err = { 0 };
	uint32_t node;

	world_read_image(w, image, &doc, &config);
	CU_ASSERT_EQUAL_FATAL(local_prepare_layers(&w->op, w->here, &doc.manifest, &config, &err),
			      0);
	CU_ASSERT_EQUAL_FATAL(local_tree_open(&w->op, w->here, &config, &t, &err), 0);
	CU_ASSERT_EQUAL(tree_lookup(t.tree, "etc/motd", false, &node, &err), 0);
	CU_ASSERT_EQUAL(tree_lookup(t.tree, "new", false, &node, &err), 0);
	CU_ASSERT_EQUAL(tree_lookup(t.tree, "gone", false, &node, &err), -ENOENT);
	local_tree_fini(&t);
}
