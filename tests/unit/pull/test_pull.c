/* SPDX-License-Identifier: Apache-2.0 */
/* Pulling from one memory store into another: what gets there, what never does, what is not fetched again. */
#include "pull/pull.h"

#include "base/mem.h"
#include "pull/local.h"
#include "tests/unit/pull/maker.h"

#include <CUnit/CUnit.h>

/* A place between us and the store: counts, cuts and spoils what comes through. */
struct middle {
	struct transport base;
	struct transport *real;
	unsigned documents, blobs, resolves;
	uint64_t cut_at;      /* bytes of a blob after which the connection breaks; 0: never */
	uint64_t last_offset; /* of the last open_blob */
	bool no_seek;
};

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
	static const struct source_ops ops = { cut_next, cut_close };
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

/* Two stores and the way between them. */
struct world {
	struct store *there, *here;
	struct reference ref;
	struct middle middle;
	struct op op;
};

static void setup(struct world *w, const char *ref)
{
	struct err err = { 0 };

	*w = (struct world){ 0 };
	w->there = store_new_memory();
	w->here = store_new_memory();
	CU_ASSERT_EQUAL_FATAL(reference_parse(ref, &w->ref, &err), 0);
	w->middle.base.ops = &middle_ops;
	w->middle.real = local_transport(w->there, &w->ref);
}

static void teardown(struct world *w)
{
	transport_close(w->middle.real);
	reference_fini(&w->ref);
	store_close(w->there);
	store_close(w->here);
}

static int pull(struct world *w, const struct pull_request *extra, struct pull_result *ret,
		struct err *err)
{
	struct pull_request req = extra ? *extra : (struct pull_request){ 0 };

	req.from = &w->middle.base;
	req.to = w->here;
	req.ref = &w->ref;
	*err = (struct err){ 0 };
	return pull_image(&w->op, &req, ret, err);
}

static int pull_ok(struct world *w, const struct pull_request *extra)
{
	struct pull_result result = { 0 };
	struct err err;
	const int rc = pull(w, extra, &result, &err);

	if (rc < 0)
		fprintf(stderr, "pull: %s\n", err.msg);
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	pull_result_fini(&result);
	return result.was_current;
}

static bool is_named(struct world *w)
{
	_descriptor_ struct descriptor d = { 0 };

	return images_resolve(w->here, &w->ref, &d, NULL) == 0;
}

static const struct maker_file base_files[] = { { "etc/", "" },
						{ "etc/motd", "hello\n" },
						{ "gone", "x" } };
static const struct maker_file top_files[] = { { ".wh.gone", "" }, { "new", "n" } };

static void two_layers(struct world *w, struct maker_layer layers[2], struct descriptor *ret)
{
	maker_layer(w->there, base_files, 3, true, &layers[0]);
	maker_layer(w->there, top_files, 2, false, &layers[1]);
	maker_image(w->there, &(struct maker_image){ layers, 2, NULL }, ret);
}

static void free_layers(struct maker_layer *layers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		descriptor_fini(&layers[i].descriptor);
}

/* The image's manifest and config as they are in the store we pulled into. */
static void read_image(struct world *w, const struct descriptor *d, struct document *doc,
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

static void assert_tree(struct world *w, const struct descriptor *image)
{
	_document_ struct document doc = { 0 };
	_image_config_ struct image_config config = { 0 };
	struct local_tree t;
	struct err err = { 0 };
	uint32_t node;

	read_image(w, image, &doc, &config);
	CU_ASSERT_EQUAL_FATAL(local_prepare_layers(&w->op, w->here, &doc.manifest, &config, &err),
			      0);
	CU_ASSERT_EQUAL_FATAL(local_tree_open(&w->op, w->here, &config, &t, &err), 0);
	CU_ASSERT_EQUAL(tree_lookup(t.tree, "etc/motd", false, &node, &err), 0);
	CU_ASSERT_EQUAL(tree_lookup(t.tree, "new", false, &node, &err), 0);
	CU_ASSERT_EQUAL(tree_lookup(t.tree, "gone", false, &node, &err), -ENOENT);
	local_tree_fini(&t);
}

void test_pull__image_arrives_whole_and_is_not_fetched_twice(void)
{
	struct world w;
	struct maker_layer layers[2];
	_descriptor_ struct descriptor image = { 0 };

	setup(&w, "example.com/a:1");
	two_layers(&w, layers, &image);
	maker_name(w.there, "example.com/a:1", &image, NULL);
	CU_ASSERT_FALSE(pull_ok(&w, NULL));
	CU_ASSERT_EQUAL(w.middle.blobs, 3); /* two layers, one config */
	CU_ASSERT_TRUE(is_named(&w));
	CU_ASSERT_TRUE(layerfiles_has(w.here->layers, &layers[0].diffid));
	assert_tree(&w, &image);

	w.middle.blobs = w.middle.documents = 0;
	CU_ASSERT_TRUE(pull_ok(&w, NULL));
	CU_ASSERT_EQUAL(w.middle.blobs, 0);
	CU_ASSERT_EQUAL(w.middle.documents, 0);
	CU_ASSERT_EQUAL(w.middle.resolves, 1);
	free_layers(layers, 2);
	teardown(&w);
}

void test_pull__no_unpack_keeps_blobs_only_and_layers_come_later(void)
{
	struct world w;
	struct maker_layer layers[2];
	_descriptor_ struct descriptor image = { 0 };

	setup(&w, "example.com/a:1");
	two_layers(&w, layers, &image);
	maker_name(w.there, "example.com/a:1", &image, NULL);
	pull_ok(&w, &(struct pull_request){ .no_unpack = true });
	CU_ASSERT_EQUAL(blobs_stat(w.here->blobs, &layers[0].descriptor.digest, NULL, NULL), 0);
	CU_ASSERT_FALSE(layerfiles_has(w.here->layers, &layers[0].diffid));
	assert_tree(&w, &image);
	CU_ASSERT_TRUE(layerfiles_has(w.here->layers, &layers[0].diffid));
	free_layers(layers, 2);
	teardown(&w);
}

void test_pull__wrong_diffid_names_nothing(void)
{
	struct world w;
	struct maker_layer layers[2];
	_descriptor_ struct descriptor image = { 0 };
	struct pull_result result;
	struct err err;

	setup(&w, "example.com/a:1");
	maker_layer(w.there, base_files, 3, true, &layers[0]);
	layers[0].diffid.bytes[0] ^= 1;
	maker_image(w.there, &(struct maker_image){ layers, 1, NULL }, &image);
	maker_name(w.there, "example.com/a:1", &image, NULL);
	CU_ASSERT_TRUE(pull(&w, NULL, &result, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "DiffID"));
	CU_ASSERT_FALSE(is_named(&w));
	CU_ASSERT_FALSE(layerfiles_has(w.here->layers, &layers[0].diffid));
	CU_ASSERT_TRUE(blobs_stat(w.here->blobs, &image.digest, NULL, NULL) < 0);
	free_layers(layers, 1);
	teardown(&w);
}

/* The DiffID of a compressed layer must not be taken on trust when it equals the blob's digest. */
void test_pull__diffid_that_is_the_blobs_digest_needs_a_plain_layer(void)
{
	struct world w;
	struct maker_layer layer;
	_descriptor_ struct descriptor image = { 0 };
	struct pull_result result;
	struct err err;

	setup(&w, "example.com/a:1");
	maker_layer(w.there, base_files, 3, true, &layer);
	layer.diffid = layer.descriptor.digest;
	maker_image(w.there, &(struct maker_image){ &layer, 1, NULL }, &image);
	maker_name(w.there, "example.com/a:1", &image, NULL);
	CU_ASSERT_TRUE(pull(&w, NULL, &result, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
	free_layers(&layer, 1);
	teardown(&w);
}

void test_pull__broken_connection_resumes_where_it_was(void)
{
	struct world w;
	struct maker_layer layer;
	_descriptor_ struct descriptor image = { 0 };
	struct pull_result result;
	struct err err;

	setup(&w, "example.com/a:1");
	maker_layer(w.there, base_files, 3, false, &layer);
	maker_image(w.there, &(struct maker_image){ &layer, 1, NULL }, &image);
	maker_name(w.there, "example.com/a:1", &image, NULL);
	w.middle.cut_at = 1000;
	CU_ASSERT_TRUE(pull(&w, NULL, &result, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_NETWORK);
	CU_ASSERT_FALSE(is_named(&w));
	w.middle.cut_at = 0;
	pull_ok(&w, NULL);
	CU_ASSERT_EQUAL(w.middle.last_offset, 1000);
	CU_ASSERT_TRUE(layerfiles_has(w.here->layers, &layer.diffid));
	free_layers(&layer, 1);
	teardown(&w);
}

void test_pull__place_that_cannot_seek_starts_again(void)
{
	struct world w;
	struct maker_layer layer;
	_descriptor_ struct descriptor image = { 0 };
	struct pull_result result;
	struct err err;

	setup(&w, "example.com/a:1");
	maker_layer(w.there, base_files, 3, false, &layer);
	maker_image(w.there, &(struct maker_image){ &layer, 1, NULL }, &image);
	maker_name(w.there, "example.com/a:1", &image, NULL);
	w.middle.cut_at = 1000;
	CU_ASSERT_TRUE(pull(&w, NULL, &result, &err) < 0);
	w.middle.cut_at = 0;
	w.middle.no_seek = true;
	pull_ok(&w, NULL);
	CU_ASSERT_TRUE(layerfiles_has(w.here->layers, &layer.diffid));
	free_layers(&layer, 1);
	teardown(&w);
}

/* What an earlier process left may be rotten: fetched again from the start, once. */
void test_pull__damaged_prefix_is_thrown_away(void)
{
	static const char rot[100];
	struct world w;
	struct maker_layer layer;
	struct blob_writer *writer = NULL;
	_descriptor_ struct descriptor image = { 0 };
	struct err err = { 0 };

	setup(&w, "example.com/a:1");
	maker_layer(w.there, base_files, 3, false, &layer);
	maker_image(w.there, &(struct maker_image){ &layer, 1, NULL }, &image);
	maker_name(w.there, "example.com/a:1", &image, NULL);
	const struct blob_want want = { layer.descriptor.digest, layer.descriptor.size };

	CU_ASSERT_EQUAL_FATAL(blobs_begin(w.here->blobs, NULL, &want, &writer, &err), 0);
	CU_ASSERT_EQUAL_FATAL(blob_writer_append(writer, rot, sizeof(rot), &err), 0);
	blob_writer_abort(writer, true);
	pull_ok(&w, NULL);
	CU_ASSERT_EQUAL(w.middle.last_offset, 0);
	CU_ASSERT_TRUE(layerfiles_has(w.here->layers, &layer.diffid));
	free_layers(&layer, 1);
	teardown(&w);
}

void test_pull__index_gives_the_platform_asked_for(void)
{
	static const char *const platforms[] = { "linux/s390x", "linux/riscv64" };
	struct world w;
	struct maker_layer layers[2];
	struct descriptor images[2];
	_descriptor_ struct descriptor index = { 0 };
	_platform_ struct platform want = { 0 };
	struct pull_result result;
	struct err err;

	setup(&w, "example.com/a:1");
	maker_layer(w.there, base_files, 3, true, &layers[0]);
	maker_layer(w.there, top_files, 2, true, &layers[1]);
	maker_image(w.there, &(struct maker_image){ &layers[0], 1, "s390x" }, &images[0]);
	maker_image(w.there, &(struct maker_image){ &layers[1], 1, "riscv64" }, &images[1]);
	maker_index(w.there, images, platforms, 2, &index);
	maker_name(w.there, "example.com/a:1", &index, &(struct descriptors){ images, 2 });

	CU_ASSERT_EQUAL(pull(&w, NULL, &result, &err), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "linux/riscv64"));
	CU_ASSERT_EQUAL_FATAL(platform_parse("linux/riscv64", &want, &err), 0);
	pull_ok(&w, &(struct pull_request){ .platform = &want });
	CU_ASSERT_TRUE(layerfiles_has(w.here->layers, &layers[1].diffid));
	CU_ASSERT_FALSE(layerfiles_has(w.here->layers, &layers[0].diffid));
	pull_ok(&w, &(struct pull_request){ .all_platforms = true });
	CU_ASSERT_TRUE(layerfiles_has(w.here->layers, &layers[0].diffid));
	descriptor_fini(&images[0]);
	descriptor_fini(&images[1]);
	free_layers(layers, 2);
	teardown(&w);
}

/* containerd and docker read the config of a lone child that states no platform. */
void test_pull__entry_without_platform_is_judged_by_its_config(void)
{
	static const char *const platforms[] = { NULL, NULL };
	struct world w;
	struct maker_layer layers[2];
	struct descriptor images[2];
	_descriptor_ struct descriptor index = { 0 };

	setup(&w, "example.com/a:1");
	maker_layer(w.there, base_files, 3, true, &layers[0]);
	maker_layer(w.there, top_files, 2, true, &layers[1]);
	maker_image(w.there, &(struct maker_image){ &layers[0], 1, "s390x" }, &images[0]);
	maker_image(w.there, &(struct maker_image){ &layers[1], 1, NULL }, &images[1]);
	maker_index(w.there, images, platforms, 2, &index);
	maker_name(w.there, "example.com/a:1", &index, &(struct descriptors){ images, 2 });
	pull_ok(&w, NULL);
	CU_ASSERT_TRUE(layerfiles_has(w.here->layers, &layers[1].diffid));
	CU_ASSERT_FALSE(layerfiles_has(w.here->layers, &layers[0].diffid));
	descriptor_fini(&images[0]);
	descriptor_fini(&images[1]);
	free_layers(layers, 2);
	teardown(&w);
}

void test_pull__indexes_nested_too_deep_are_refused(void)
{
	static const char *const platform[] = { NULL };
	struct world w;
	struct maker_layer layer;
	struct descriptor chain[13];
	struct pull_result result;
	struct err err;

	setup(&w, "example.com/a:1");
	maker_layer(w.there, base_files, 3, true, &layer);
	maker_image(w.there, &(struct maker_image){ &layer, 1, NULL }, &chain[0]);
	for (int i = 0; i < 12; i++)
		maker_index(w.there, &chain[i], platform, 1, &chain[i + 1]);
	maker_name(w.there, "example.com/a:1", &chain[12], &(struct descriptors){ chain, 12 });
	CU_ASSERT_TRUE(pull(&w, NULL, &result, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_LIMIT);
	for (int i = 0; i <= 12; i++)
		descriptor_fini(&chain[i]);
	free_layers(&layer, 1);
	teardown(&w);
}

void test_pull__image_of_another_platform_is_refused_only_when_one_was_asked_for(void)
{
	struct world w;
	struct maker_layer layer;
	_descriptor_ struct descriptor image = { 0 };
	_platform_ struct platform want = { 0 };
	struct pull_result result;
	struct err err;

	setup(&w, "example.com/a:1");
	maker_layer(w.there, base_files, 3, true, &layer);
	maker_image(w.there, &(struct maker_image){ &layer, 1, "s390x" }, &image);
	maker_name(w.there, "example.com/a:1", &image, NULL);
	CU_ASSERT_EQUAL_FATAL(platform_parse("linux/riscv64", &want, &err), 0);
	CU_ASSERT_EQUAL(pull(&w, &(struct pull_request){ .platform = &want }, &result, &err),
			-ENOENT);
	pull_ok(&w, NULL);
	free_layers(&layer, 1);
	teardown(&w);
}

void test_pull__same_layer_twice_is_one_blob(void)
{
	struct world w;
	struct maker_layer layers[3];
	_descriptor_ struct descriptor image = { 0 };

	setup(&w, "example.com/a:1");
	maker_layer(w.there, base_files, 3, true, &layers[0]);
	layers[1] = layers[2] = layers[0];
	maker_image(w.there, &(struct maker_image){ layers, 3, NULL }, &image);
	maker_name(w.there, "example.com/a:1", &image, NULL);
	pull_ok(&w, NULL);
	CU_ASSERT_EQUAL(w.middle.blobs, 2);
	free_layers(layers, 1);
	teardown(&w);
}

void test_pull__image_without_layers_is_an_empty_root(void)
{
	struct world w;
	_descriptor_ struct descriptor image = { 0 };
	_document_ struct document doc = { 0 };
	_image_config_ struct image_config config = { 0 };
	struct local_tree t;
	struct err err = { 0 };

	setup(&w, "example.com/a:1");
	maker_image(w.there, &(struct maker_image){ NULL, 0, NULL }, &image);
	maker_name(w.there, "example.com/a:1", &image, NULL);
	pull_ok(&w, NULL);
	read_image(&w, &image, &doc, &config);
	CU_ASSERT_EQUAL_FATAL(local_tree_open(&w.op, w.here, &config, &t, &err), 0);
	CU_ASSERT_EQUAL(tree_node_count(t.tree), 1);
	local_tree_fini(&t);
	teardown(&w);
}

void test_pull__interrupted_operation_names_nothing(void)
{
	struct world w;
	struct maker_layer layer;
	_descriptor_ struct descriptor image = { 0 };
	struct pull_result result;
	struct err err;

	setup(&w, "example.com/a:1");
	maker_layer(w.there, base_files, 3, true, &layer);
	maker_image(w.there, &(struct maker_image){ &layer, 1, NULL }, &image);
	maker_name(w.there, "example.com/a:1", &image, NULL);
	op_cancel(&w.op);
	CU_ASSERT_EQUAL(pull(&w, NULL, &result, &err), -ECANCELED);
	CU_ASSERT_FALSE(is_named(&w));
	free_layers(&layer, 1);
	teardown(&w);
}
