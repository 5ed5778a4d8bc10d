/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image manifest and index out of bytes that anyone may have made. What kind of document it is
 * follows from three witnesses, the Content-Type, "mediaType" and the members there are; they must
 * agree, so that no two readers of the same bytes see different images (CVE-2021-41190).
 */
#include "manifest/document.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

/* The members of either kind, before they are understood. */
struct members {
	int64_t schema_version;
	char *media_type;
	char *artifact_type;
	const struct json *subject;
	const struct json *annotations;
	const struct json *config;
	const struct json *layers;
	const struct json *manifests;
	const struct json *fs_layers; /* of schema 1 */
};

static const struct json_field member_fields[] = {
	{ "schemaVersion", JSON_FIELD_I64, offsetof(struct members, schema_version), true },
	{ "mediaType", JSON_FIELD_STR, offsetof(struct members, media_type), false },
	{ "artifactType", JSON_FIELD_STR, offsetof(struct members, artifact_type), false },
	{ "subject", JSON_FIELD_VALUE, offsetof(struct members, subject), false },
	{ "annotations", JSON_FIELD_VALUE, offsetof(struct members, annotations), false },
	{ "config", JSON_FIELD_VALUE, offsetof(struct members, config), false },
	{ "layers", JSON_FIELD_VALUE, offsetof(struct members, layers), false },
	{ "manifests", JSON_FIELD_VALUE, offsetof(struct members, manifests), false },
	{ "fsLayers", JSON_FIELD_VALUE, offsetof(struct members, fs_layers), false },
};
static const struct json_table member_table = { member_fields, ARRAY_SIZE(member_fields) };

static void members_fini(struct members *m)
{
	json_decode_free(&member_table, m);
}

void document_fini(struct document *d)
{
	if (!d)
		return;
	free(d->media_type);
	free(d->artifact_type);
	descriptor_fini(d->subject);
	free(d->subject);
	annotations_fini(&d->annotations);
	descriptor_fini(&d->manifest.config);
	descriptors_fini(&d->manifest.layers);
	descriptors_fini(&d->index.manifests);
	*d = (struct document){ 0 };
}

static int refuse_schema1(struct err *err)
{
	const int rc =
		err_set(err, ERR_UNSUPPORTED, "docker image manifest schema 1 is not supported");

	err_hint(err, "copy the image once to the current format with a tool that still can, e.g. "
		      "skopeo copy --format oci docker://OLD docker://NEW");
	return rc;
}

/* Refuses what could be read in two ways. */
static int check_members(const struct members *m, struct err *err)
{
	if (m->manifests && (m->layers || m->config))
		return err_set(err, ERR_DAMAGED,
			       "document: both an index (manifests) and an image "
			       "manifest (config, layers)");
	if (m->schema_version != 2)
		return err_set(err, ERR_DAMAGED, "schemaVersion: %" PRId64 ", not 2",
			       m->schema_version);
	if (m->fs_layers)
		return err_set(err, ERR_DAMAGED, "document: schema 2 with members of schema 1");
	return 0;
}

/* What the members say alone. */
static const char *type_of_members(const struct members *m)
{
	if (m->manifests)
		return MEDIA_TYPE_OCI_INDEX;
	return m->config || m->layers ? MEDIA_TYPE_OCI_MANIFEST : NULL;
}

static bool says_something(const char *type)
{
	return type && *type && media_classify(type).kind != MEDIA_GENERIC;
}

/* The type both witnesses agree on. */
static int settle_type(const struct members *m, const char *content_type, const char **ret,
		       struct err *err)
{
	const char *type = m->media_type && *m->media_type ? m->media_type : NULL;

	if (!says_something(content_type)) {
		*ret = type ? type : type_of_members(m);
		if (!*ret)
			return err_set(err, ERR_UNSUPPORTED,
				       "document: neither an index nor an image manifest");
		return 0;
	}
	if (type && !media_same(type, content_type))
		return err_set(err, ERR_DAMAGED,
			       "document: sent as '%s', but its mediaType is '%s'",
			       TEXT_ESCAPED(content_type), TEXT_ESCAPED(type));
	if (!type && media_classify(content_type).flavour == MEDIA_DOCKER)
		return err_set(err, ERR_DAMAGED,
			       "mediaType: missing, but docker's documents must state it");
	*ret = type ? type : content_type;
	return 0;
}

static const char *canonical_type(const struct media *m)
{
	if (m->kind == MEDIA_INDEX)
		return m->flavour == MEDIA_OCI ? MEDIA_TYPE_OCI_INDEX : MEDIA_TYPE_DOCKER_INDEX;
	return m->flavour == MEDIA_OCI ? MEDIA_TYPE_OCI_MANIFEST : MEDIA_TYPE_DOCKER_MANIFEST;
}

static int decide_kind(const struct members *m, const char *content_type, struct document *d,
		       struct err *err)
{
	const char *type = "";

	if (m->schema_version == 1 || media_classify(m->media_type).kind == MEDIA_SCHEMA1 ||
	    media_classify(content_type).kind == MEDIA_SCHEMA1)
		return refuse_schema1(err);
	TRY(check_members(m, err));
	TRY(settle_type(m, content_type, &type, err));
	d->media = media_classify(type);
	if (d->media.kind != MEDIA_INDEX && d->media.kind != MEDIA_MANIFEST)
		return err_set(err, ERR_UNSUPPORTED,
			       "document: media type '%s' is neither an index nor an image "
			       "manifest",
			       TEXT_ESCAPED(type));
	d->kind = d->media.kind == MEDIA_INDEX ? DOCUMENT_INDEX : DOCUMENT_MANIFEST;
	d->media_type = xstrdup(canonical_type(&d->media));
	return 0;
}

/* `name` must be a member; null, which Go writes for an empty list, is none. */
static int parse_descriptors(const struct json *root, const char *name, struct descriptors *ret,
			     struct err *err)
{
	const struct json *array = json_get(root, name);
	const size_t count = json_count(array);

	if (!array)
		return err_set(err, ERR_DAMAGED, "%s: missing", name);
	if (json_type(array) != JSON_ARRAY_ && json_type(array) != JSON_NULL_)
		return err_set(err, ERR_DAMAGED, "%s: expected array, found %s", name,
			       json_type_name(json_type(array)));
	if (count > DOCUMENT_ENTRIES_MAX)
		return err_set(err, ERR_LIMIT, "%s: %zu entries, at most %d are accepted", name,
			       count, DOCUMENT_ENTRIES_MAX);
	if (count)
		ret->items = xcalloc(count, sizeof(ret->items[0]));
	for (; ret->count < count; ret->count++) {
		char path[48];

		snprintf(path, sizeof(path), "%s[%zu]", name, ret->count);
		TRY(descriptor_parse(json_at(array, ret->count), path, &ret->items[ret->count],
				     err));
	}
	return 0;
}

static int parse_index(const struct json *root, const struct members *m, struct document *d,
		       struct err *err)
{
	if (m->config || m->layers)
		return err_set(err, ERR_DAMAGED,
			       "document: an index by its type, an image manifest by its members");
	return parse_descriptors(root, "manifests", &d->index.manifests, err);
}

static int parse_manifest(const struct json *root, const struct members *m, struct document *d,
			  struct err *err)
{
	if (m->manifests)
		return err_set(err, ERR_DAMAGED,
			       "document: an image manifest by its type, an index by its members");
	if (!m->config)
		return err_set(err, ERR_DAMAGED, "config: missing");
	TRY(descriptor_parse(m->config, "config", &d->manifest.config, err));
	return parse_descriptors(root, "layers", &d->manifest.layers, err);
}

static int parse_root(const struct json *root, const char *content_type, struct document *d,
		      struct err *err)
{
	struct members _cleanup_(members_fini) m = { 0 };

	TRY(json_decode(root, &member_table, "", &m, err));
	TRY(decide_kind(&m, content_type, d, err));
	if (d->kind == DOCUMENT_INDEX)
		TRY(parse_index(root, &m, d, err));
	else
		TRY(parse_manifest(root, &m, d, err));
	TRY(annotations_parse(m.annotations, "annotations", &d->annotations, err));
	if (m.subject) {
		d->subject = NEW(struct descriptor);
		TRY(descriptor_parse(m.subject, "subject", d->subject, err));
	}
	d->artifact_type = TAKE_PTR(m.artifact_type);
	return 0;
}

int document_parse(const void *bytes, size_t len, const char *content_type, struct document *ret,
		   struct err *err)
{
	struct document _document_ d = { 0 };
	struct json _json_ *root = NULL;

	if (len > DOCUMENT_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "document: %zu bytes, at most %zu are accepted", len,
			       DOCUMENT_BYTES_MAX);
	TRY(json_parse(bytes, len, &root, err));
	TRY(parse_root(root, content_type, &d, err));
	*ret = d;
	d = (struct document){ 0 };
	return 0;
}
