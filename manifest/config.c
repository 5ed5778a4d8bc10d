/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image config out of bytes that anyone may have made (image-spec config.md), and the check
 * that manifest and config belong together.
 */
#include "manifest/config.h"

#include "base/mem.h"
#include "base/text.h"

struct members {
	char *created;
	char *author;
	const struct json *config;
	const struct json *rootfs;
	const struct json *history;
};

static const struct json_field member_fields[] = {
	{ "created", JSON_FIELD_STR, offsetof(struct members, created), false },
	{ "author", JSON_FIELD_STR, offsetof(struct members, author), false },
	{ "config", JSON_FIELD_VALUE, offsetof(struct members, config), false },
	{ "rootfs", JSON_FIELD_VALUE, offsetof(struct members, rootfs), true },
	{ "history", JSON_FIELD_VALUE, offsetof(struct members, history), false },
};
static const struct json_table member_table = { member_fields, ARRAY_SIZE(member_fields) };

struct rootfs {
	char *type;
	struct json_strs diff_ids;
};

static const struct json_field rootfs_fields[] = {
	{ "type", JSON_FIELD_STR, offsetof(struct rootfs, type), true },
	{ "diff_ids", JSON_FIELD_STRS, offsetof(struct rootfs, diff_ids), false },
};
static const struct json_table rootfs_table = { rootfs_fields, ARRAY_SIZE(rootfs_fields) };

static const struct json_field history_fields[] = {
	{ "created", JSON_FIELD_STR, offsetof(struct image_history, created), false },
	{ "created_by", JSON_FIELD_STR, offsetof(struct image_history, created_by), false },
	{ "author", JSON_FIELD_STR, offsetof(struct image_history, author), false },
	{ "comment", JSON_FIELD_STR, offsetof(struct image_history, comment), false },
	{ "empty_layer", JSON_FIELD_BOOL, offsetof(struct image_history, empty_layer), false },
};
static const struct json_table history_table = { history_fields, ARRAY_SIZE(history_fields) };

static void members_fini(struct members *m)
{
	json_decode_free(&member_table, m);
}

static void rootfs_fini(struct rootfs *r)
{
	json_decode_free(&rootfs_table, r);
}

void image_config_fini(struct image_config *c)
{
	if (!c)
		return;
	platform_fini(&c->platform);
	free(c->created);
	free(c->author);
	image_run_fini(&c->run);
	free(c->diff_ids);
	for (size_t i = 0; i < c->history_count; i++)
		json_decode_free(&history_table, &c->history[i]);
	free(c->history);
	*c = (struct image_config){ 0 };
}

static int check_count(const char *path, size_t count, struct err *err)
{
	if (count <= DOCUMENT_ENTRIES_MAX)
		return 0;
	return err_set(err, ERR_LIMIT, "%s: %zu entries, at most %d are accepted", path, count,
		       DOCUMENT_ENTRIES_MAX);
}

static int parse_rootfs(const struct json *v, struct image_config *c, struct err *err)
{
	struct rootfs _cleanup_(rootfs_fini) r = { 0 };

	TRY(json_decode(v, &rootfs_table, "rootfs", &r, err));
	/* config.md: implementations MUST generate an error for an unknown value. */
	if (strcmp(r.type, "layers") != 0)
		return err_set(err, ERR_UNSUPPORTED, "rootfs.type: '%s', not 'layers'",
			       TEXT_ESCAPED(r.type));
	TRY(check_count("rootfs.diff_ids", r.diff_ids.count, err));
	c->diff_ids = xcalloc(r.diff_ids.count, sizeof(c->diff_ids[0]));
	for (size_t i = 0; i < r.diff_ids.count; i++) {
		const char *text = r.diff_ids.items[i];

		if (digest_parse(text, strlen(text), &c->diff_ids[i], err) < 0)
			return err_prefix(err, "rootfs.diff_ids[%zu]", i);
		c->diff_id_count++;
	}
	return 0;
}

static int parse_history(const struct json *v, struct image_config *c, struct err *err)
{
	const size_t count = json_count(v);

	if (json_type(v) == JSON_NULL_)
		return 0;
	if (json_type(v) != JSON_ARRAY_)
		return err_set(err, ERR_DAMAGED, "history: expected array, found %s",
			       json_type_name(json_type(v)));
	TRY(check_count("history", count, err));
	c->history = xcalloc(count, sizeof(c->history[0]));
	for (; c->history_count < count; c->history_count++) {
		char path[40];

		snprintf(path, sizeof(path), "history[%zu]", c->history_count);
		TRY(json_decode(json_at(v, c->history_count), &history_table, path,
				&c->history[c->history_count], err));
	}
	return 0;
}

static int parse_root(const struct json *root, struct image_config *c, struct err *err)
{
	struct members _cleanup_(members_fini) m = { 0 };

	TRY(json_decode(root, &member_table, "", &m, err));
	TRY(platform_decode(root, "", &c->platform, err));
	TRY(parse_rootfs(m.rootfs, c, err));
	TRY(image_run_parse(m.config, &c->run, err));
	TRY(parse_history(m.history, c, err));
	c->created = TAKE_PTR(m.created);
	c->author = TAKE_PTR(m.author);
	return 0;
}

int image_config_parse(const void *bytes, size_t len, struct image_config *ret, struct err *err)
{
	struct image_config _image_config_ c = { 0 };
	struct json _json_ *root = NULL;

	if (len > DOCUMENT_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "config: %zu bytes, at most %zu are accepted", len,
			       DOCUMENT_BYTES_MAX);
	TRY(json_parse(bytes, len, &root, err));
	TRY(parse_root(root, &c, err));
	*ret = c;
	c = (struct image_config){ 0 };
	return 0;
}

bool image_config_history_fits(const struct image_config *c)
{
	size_t layers = 0;

	for (size_t i = 0; i < c->history_count; i++)
		layers += !c->history[i].empty_layer;
	return !c->history_count || layers == c->diff_id_count;
}

const struct image_history *image_config_layer_history(const struct image_config *c, size_t layer)
{
	if (!image_config_history_fits(c))
		return NULL;
	for (size_t i = 0; i < c->history_count; i++)
		if (!c->history[i].empty_layer && layer-- == 0)
			return &c->history[i];
	return NULL;
}

static int check_layer(const struct descriptor *layer, size_t i, struct err *err)
{
	if (layer->media.kind != MEDIA_LAYER)
		return err_set(err, ERR_UNSUPPORTED,
			       "layers[%zu]: media type '%s' is not a file system layer", i,
			       TEXT_ESCAPED(layer->media_type));
	if (layer->media.is_encrypted)
		return err_set(err, ERR_UNSUPPORTED, "layers[%zu]: encrypted ('%s')", i,
			       TEXT_ESCAPED(layer->media_type));
	return 0;
}

int image_check(const struct image_manifest *manifest, const struct image_config *config,
		struct err *err)
{
	/* Registries of 2016 kept configs as application/octet-stream. */
	if (manifest->config.media.kind != MEDIA_CONFIG &&
	    manifest->config.media.kind != MEDIA_GENERIC)
		return err_set(err, ERR_UNSUPPORTED,
			       "config: media type '%s' is not an image config: an artifact, not "
			       "an image",
			       TEXT_ESCAPED(manifest->config.media_type));
	for (size_t i = 0; i < manifest->layers.count; i++)
		TRY(check_layer(&manifest->layers.items[i], i, err));
	if (manifest->layers.count != config->diff_id_count)
		return err_set(err, ERR_DAMAGED, "the manifest has %zu layers, the config %zu",
			       manifest->layers.count, config->diff_id_count);
	return 0;
}
