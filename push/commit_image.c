/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents of the new image: those of the base with a layer, a DiffID, a history line and the
 * asked-for changes added. What nobody here knows stays as it is (image-spec config.md,
 * manifest.md). A document is written by us from here on, so its bytes are ours: one line of JSON,
 * members in the order of the base's.
 */
#include "push/commit_int.h"

#include "base/mem.h"
#include "base/text.h"
#include "stream/hash.h"

#include <string.h>

void base_image_fini(struct base_image *b)
{
	document_fini(&b->document);
	image_config_fini(&b->config);
	json_free(b->manifest_json);
	json_free(b->config_json);
}

static int read_manifest(struct base_image *b, const struct commit_request *request,
			 struct err *err)
{
	_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);

	TRY(blobs_read_verified(request->store->blobs, &request->base, &bytes, err));
	TRY(document_parse(bytes.data, bytes.len, NULL, &b->document, err));
	if (b->document.kind != DOCUMENT_MANIFEST)
		return err_set(err, ERR_USAGE, "%s is no image manifest",
			       DIGEST_TEXT(&request->base));
	return json_parse(bytes.data, bytes.len, &b->manifest_json, err);
}

int commit_read_base(struct commit *c, struct err *err)
{
	const struct commit_request *request = c->request;
	struct base_image *b = &c->base;
	_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);
	const struct descriptor *config = &b->document.manifest.config;

	TRY(read_manifest(b, request, err));
	TRY(descriptor_need_digest(config, err));
	TRY(blobs_read_verified(request->store->blobs, &config->digest, &bytes, err));
	TRY(image_config_parse(bytes.data, bytes.len, &b->config, err));
	TRY(image_check(&b->document.manifest, &b->config, err));
	return json_parse(bytes.data, bytes.len, &b->config_json, err);
}

/* ---- config ---- */

/* A copy of a member, or something fresh in place of an absent one. */
static struct json *member(const struct json *object, const char *key, enum json_type type)
{
	const struct json *v = json_get(object, key);

	if (json_type(v) == type)
		return json_dup(v);
	return type == JSON_ARRAY_ ? json_new_array() : json_new_object();
}

static void set_text(struct json *object, const char *key, const char *s)
{
	if (s && *s)
		json_set_str(object, key, s);
}

/*
 * image-spec config.md: a line for each layer. A base without any gets empty ones, so that lines
 * and layers still agree.
 */
static void add_history(struct json *root, const struct commit *c, const char *created)
{
	const struct commit_request *request = c->request;
	struct json *history = member(root, "history", JSON_ARRAY_);
	struct json *line = json_new_object();

	if (!c->base.config.history_count)
		for (size_t i = 0; i < c->base.config.diff_id_count; i++)
			json_add(history, json_new_object());
	json_set_str(line, "created", created);
	set_text(line, "created_by", request->created_by);
	set_text(line, "author", request->author);
	set_text(line, "comment", request->comment);
	if (!c->layer.entries)
		json_set_bool(line, "empty_layer", true);
	json_add(history, line);
	json_set(root, "history", history);
}

static void add_diff_id(struct json *root, const struct digest *diff_id)
{
	struct json *rootfs = member(root, "rootfs", JSON_OBJECT_);
	struct json *ids = member(rootfs, "diff_ids", JSON_ARRAY_);

	json_add(ids, json_new_str(DIGEST_TEXT(diff_id)));
	json_set(rootfs, "diff_ids", ids);
	json_set(root, "rootfs", rootfs);
}

static int change_config(struct json *root, const struct commit_request *request, struct err *err)
{
	_json_ struct json *run = member(root, "config", JSON_OBJECT_);
	struct config_edit edit = { .run = run };

	if (!request->change_count)
		return 0;
	for (size_t i = 0; i < request->change_count; i++)
		TRY(config_change(&edit, request->changes[i], err));
	json_set(root, "config", TAKE_PTR(run));
	return 0;
}

int commit_check_changes(const struct commit *c, struct err *err)
{
	_json_ struct json *scratch = json_dup(c->base.config_json);

	return change_config(scratch, c->request, err);
}

/* Puts a document into the store, pinned before it is there. */
static int put_document(const struct commit *c, const struct json *v, struct descriptor *d,
			struct err *err)
{
	_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);

	TRY(json_print(v, 0, &bytes, err));
	hash_bytes(DIGEST_SHA256, bytes.data, bytes.len, &d->digest);
	d->size = bytes.len;
	TRY(pin_blob(c->pin, &d->digest, err));
	return blobs_put(c->request->store->blobs, c->op, &d->digest, &bytes, err);
}

static int make_config(const struct commit *c, struct json **ret, struct err *err)
{
	const struct commit_request *request = c->request;
	_json_ struct json *root = json_dup(c->base.config_json);
	const int64_t epoch = request->source_date_epoch;
	char created[32];

	text_rfc3339(created, sizeof(created), epoch < 0 ? (int64_t)time(NULL) : epoch);
	json_set_str(root, "created", created);
	set_text(root, "author", request->author);
	TRY(change_config(root, request, err));
	if (c->layer.entries)
		add_diff_id(root, &c->layer.diff_id);
	add_history(root, c, created);
	*ret = TAKE_PTR(root);
	return 0;
}

/* ---- manifest ---- */

/* How a flavour calls things. */
struct names {
	const char *manifest, *config, *layer, *gzip, *zstd;
};

static const struct names *names_of(enum media_flavour flavour)
{
	static const struct names oci = { MEDIA_TYPE_OCI_MANIFEST, MEDIA_TYPE_OCI_CONFIG,
					  MEDIA_TYPE_OCI_LAYER, MEDIA_TYPE_OCI_LAYER "+gzip",
					  MEDIA_TYPE_OCI_LAYER "+zstd" };
	static const struct names docker = { MEDIA_TYPE_DOCKER_MANIFEST, MEDIA_TYPE_DOCKER_CONFIG,
					     MEDIA_TYPE_DOCKER_LAYER,
					     MEDIA_TYPE_DOCKER_LAYER ".gzip", NULL };

	return flavour == MEDIA_DOCKER ? &docker : &oci;
}

static const char *layer_type(const struct names *names, enum media_compression compression)
{
	switch (compression) {
	case MEDIA_GZIP:
		return names->gzip;
	case MEDIA_ZSTD:
		return names->zstd;
	default:
		return names->layer;
	}
}

static enum media_compression compression_of(enum codec codec)
{
	return codec == CODEC_GZIP ? MEDIA_GZIP : codec == CODEC_ZSTD ? MEDIA_ZSTD : MEDIA_PLAIN;
}

/* docker's manifest has no name for zstd layers; then the image becomes an OCI one (as BuildKit). */
static bool must_convert(const struct commit *c)
{
	return c->base.document.media.flavour == MEDIA_DOCKER && c->layer.entries &&
	       c->request->codec == CODEC_ZSTD;
}

static struct json *descriptor_of(const char *media_type, const struct digest *d, uint64_t size)
{
	struct json *v = json_new_object();

	json_set_str(v, "mediaType", media_type);
	json_set_int(v, "size", (int64_t)size);
	json_set_str(v, "digest", DIGEST_TEXT(d));
	return v;
}

/* The layers of the base, called as OCI calls them if they must be. */
static struct json *old_layers(const struct base_image *base, bool convert)
{
	const struct json *old = json_get(base->manifest_json, "layers");
	struct json *layers = json_new_array();

	for (size_t i = 0; i < json_count(old); i++) {
		struct json *one = json_dup(json_at(old, i));
		const struct media media = base->document.manifest.layers.items[i].media;

		if (convert && media.flavour == MEDIA_DOCKER && !media.is_foreign)
			json_set_str(one, "mediaType",
				     layer_type(names_of(MEDIA_OCI), media.compression));
		json_add(layers, one);
	}
	return layers;
}

/* All members but "subject": the new image says nothing about what the old one did. */
static struct json *copy_manifest(const struct base_image *base)
{
	struct json *root = json_new_object();
	struct json_iter it;

	for (json_iter_init(&it, base->manifest_json); json_iter_next(&it);)
		if (strcmp(it.key, "subject") != 0)
			json_set(root, it.key, json_dup(it.value));
	return root;
}

static struct json *make_manifest(const struct commit *c, const struct descriptor *config)
{
	const struct document *old = &c->base.document;
	const bool convert = must_convert(c);
	const struct names *names = names_of(convert ? MEDIA_OCI : old->media.flavour);
	struct json *root = copy_manifest(&c->base);
	struct json *layers = old_layers(&c->base, convert);
	const char *layer = layer_type(names, compression_of(c->request->codec));

	if (convert)
		json_set_str(root, "mediaType", names->manifest);
	if (c->layer.entries)
		json_add(layers, descriptor_of(layer, &c->layer.blob, c->layer.blob_bytes));
	json_set(root, "config",
		 descriptor_of(convert ? names->config : old->manifest.config.media_type,
			       &config->digest, config->size));
	json_set(root, "layers", layers);
	return root;
}

int commit_documents(const struct commit *c, struct descriptor *ret_manifest,
		     struct digest *ret_config, struct err *err)
{
	struct descriptor config = { 0 }, manifest = { 0 };
	_json_ struct json *config_json = NULL, *manifest_json = NULL;

	TRY(make_config(c, &config_json, err));
	TRY(put_document(c, config_json, &config, err));
	manifest_json = make_manifest(c, &config);
	TRY(put_document(c, manifest_json, &manifest, err));
	descriptor_init(ret_manifest,
			must_convert(c) ? MEDIA_TYPE_OCI_MANIFEST : c->base.document.media_type,
			&manifest.digest, manifest.size);
	*ret_config = config.digest;
	return 0;
}
