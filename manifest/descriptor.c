/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors out of JSON and back (image-spec descriptor.md). Every field is a claim of the peer;
 * the digest is checked for form here, because it will become part of paths and URLs.
 */
#include "manifest/descriptor.h"

#include "base/base64.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>

/* The members as JSON has them, before they are understood. */
struct members {
	char *media_type;
	char *digest;
	char *artifact_type;
	uint64_t size;
	struct json_strs urls;
	const struct json *annotations;
	const struct json *data;
	const struct json *platform;
};

static const struct json_field member_fields[] = {
	{ "mediaType", JSON_FIELD_STR, offsetof(struct members, media_type), true },
	{ "digest", JSON_FIELD_STR, offsetof(struct members, digest), true },
	{ "size", JSON_FIELD_U64, offsetof(struct members, size), true },
	{ "artifactType", JSON_FIELD_STR, offsetof(struct members, artifact_type), false },
	{ "urls", JSON_FIELD_STRS, offsetof(struct members, urls), false },
	{ "annotations", JSON_FIELD_VALUE, offsetof(struct members, annotations), false },
	{ "data", JSON_FIELD_VALUE, offsetof(struct members, data), false },
	{ "platform", JSON_FIELD_VALUE, offsetof(struct members, platform), false },
};
static const struct json_table member_table = { member_fields, ARRAY_SIZE(member_fields) };

static void members_fini(struct members *m)
{
	json_decode_free(&member_table, m);
}

void descriptor_fini(struct descriptor *d)
{
	if (!d)
		return;
	free(d->media_type);
	free(d->digest_text);
	json_strs_fini(&d->urls);
	annotations_fini(&d->annotations);
	free(d->artifact_type);
	free(d->data);
	platform_fini(d->platform);
	free(d->platform);
	*d = (struct descriptor){ 0 };
}

void descriptors_fini(struct descriptors *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->count; i++)
		descriptor_fini(&d->items[i]);
	free(d->items);
	*d = (struct descriptors){ 0 };
}

static char *dup_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static void copy_urls(const struct json_strs *from, struct json_strs *ret)
{
	ret->items = xcalloc(from->count, sizeof(ret->items[0]));
	for (ret->count = 0; ret->count < from->count; ret->count++)
		ret->items[ret->count] = xstrdup(from->items[ret->count]);
}

void descriptor_copy(const struct descriptor *d, struct descriptor *ret)
{
	struct descriptor copy = {
		.media_type = dup_or_null(d->media_type),
		.media = d->media,
		.digest_text = dup_or_null(d->digest_text),
		.digest = d->digest,
		.size = d->size,
		.artifact_type = dup_or_null(d->artifact_type),
	};

	if (d->urls.count)
		copy_urls(&d->urls, &copy.urls);
	annotations_copy(&d->annotations, &copy.annotations);
	if (d->data)
		copy.data = (uint8_t *)xmemdupz(d->data, (size_t)d->size);
	if (d->platform) {
		copy.platform = NEW(struct platform);
		platform_copy(d->platform, copy.platform);
	}
	*ret = copy;
}

void descriptor_init(struct descriptor *d, const char *media_type, const struct digest *digest,
		     uint64_t size)
{
	*d = (struct descriptor){
		.media_type = xstrdup(media_type),
		.media = media_classify(media_type),
		.digest_text = xstrdup(DIGEST_TEXT(digest)),
		.digest = *digest,
		.size = size,
	};
}

/* The part after the colon, by image-spec: [a-zA-Z0-9=_-]+ */
static bool is_encoded(const char *s)
{
	return *s && !s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  "=_-")];
}

static int parse_digest(char **text, const char *path, struct descriptor *d, struct err *err)
{
	struct err why = { 0 };
	const int rc = digest_parse(*text, strlen(*text), &d->digest, &why);

	if (why.kind == ERR_UNSUPPORTED) {
		if (!is_encoded(strchr(*text, ':') + 1))
			return err_set(err, ERR_DAMAGED, "%s.digest: '%s' is not a digest", path,
				       TEXT_ESCAPED(*text));
	} else if (rc < 0) {
		return err_set(err, why.kind, "%s.digest: %s", path, why.msg);
	}
	d->digest_text = TAKE_PTR(*text);
	return 0;
}

static int parse_data(const struct json *v, const char *path, struct descriptor *d, struct err *err)
{
	const char *text = json_str(v, NULL);
	size_t bytes;

	if (json_type(v) == JSON_NULL_)
		return 0;
	if (!text)
		return err_set(err, ERR_DAMAGED, "%s.data: expected string, found %s", path,
			       json_type_name(json_type(v)));
	d->data = base64_decode(text, strlen(text), &bytes);
	if (!d->data)
		return err_set(err, ERR_DAMAGED, "%s.data: not base64", path);
	if (bytes != d->size)
		return err_set(err, ERR_DAMAGED, "%s.data: %zu bytes, but size says %" PRIu64, path,
			       bytes, d->size);
	return 0;
}

static int parse_platform(const struct json *v, const char *path, struct descriptor *d,
			  struct err *err)
{
	struct platform p = { 0 };

	if (json_type(v) == JSON_NULL_)
		return 0;
	TRY(platform_decode(v, path, &p, err));
	/* "platform": {} says nothing. */
	if (!(p.os && *p.os) && !(p.arch && *p.arch)) {
		platform_fini(&p);
		return 0;
	}
	d->platform = NEW(struct platform);
	*d->platform = p;
	return 0;
}

static int parse_members(struct members *m, const char *path, struct descriptor *d, struct err *err)
{
	char *_free_ sub = xasprintf("%s.annotations", path);

	TRY(parse_digest(&m->digest, path, d, err));
	d->size = m->size;
	TRY(annotations_parse(m->annotations, sub, &d->annotations, err));
	TRY(parse_data(m->data, path, d, err));
	snprintf(sub, strlen(sub) + 1, "%s.platform", path);
	TRY(parse_platform(m->platform, sub, d, err));
	d->media_type = TAKE_PTR(m->media_type);
	d->media = media_classify(d->media_type);
	d->artifact_type = TAKE_PTR(m->artifact_type);
	d->urls = m->urls;
	m->urls = (struct json_strs){ 0 };
	return 0;
}

int descriptor_parse(const struct json *object, const char *path, struct descriptor *ret,
		     struct err *err)
{
	struct members _cleanup_(members_fini) m = { 0 };
	struct descriptor _descriptor_ d = { 0 };

	TRY(json_decode(object, &member_table, path, &m, err));
	TRY(parse_members(&m, path, &d, err));
	*ret = d;
	d = (struct descriptor){ 0 };
	return 0;
}

struct json *descriptor_json(const struct descriptor *d)
{
	struct json *object = json_new_object();

	json_set_str(object, "mediaType", d->media_type);
	json_set_str(object, "digest", d->digest_text);
	json_set_int(object, "size", (int64_t)d->size);
	if (d->urls.count) {
		struct json *urls = json_new_array();

		for (size_t i = 0; i < d->urls.count; i++)
			json_add(urls, json_new_str(d->urls.items[i]));
		json_set(object, "urls", urls);
	}
	if (d->annotations.count)
		json_set(object, "annotations", annotations_json(&d->annotations));
	if (d->data) {
		char *_free_ text = base64_encode(d->data, (size_t)d->size);

		json_set_str(object, "data", text);
	}
	if (d->artifact_type)
		json_set_str(object, "artifactType", d->artifact_type);
	if (d->platform)
		json_set(object, "platform", platform_json(d->platform));
	return object;
}

int descriptor_need_digest(const struct descriptor *d, struct err *err)
{
	if (d->digest.alg != DIGEST_NONE)
		return 0;
	return err_set(err, ERR_UNSUPPORTED, "digest '%s': only sha256 and sha512 are supported",
		       TEXT_ESCAPED(d->digest_text ? d->digest_text : ""));
}

bool descriptor_is_attestation(const struct descriptor *d)
{
	return annotations_get(&d->annotations, ANNOTATION_DOCKER_REFERENCE_TYPE) ||
	       (d->platform && platform_is_unknown(d->platform));
}
