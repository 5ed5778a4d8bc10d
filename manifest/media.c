/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of media types, and the comparison of types as they come in headers and documents.
 * Takes any text.
 */
#include "manifest/media.h"

#include <strings.h>

static const struct {
	const char *type;
	enum media_kind kind;
	enum media_flavour flavour;
} plain_types[] = {
	{ MEDIA_TYPE_OCI_INDEX, MEDIA_INDEX, MEDIA_OCI },
	{ MEDIA_TYPE_OCI_MANIFEST, MEDIA_MANIFEST, MEDIA_OCI },
	{ MEDIA_TYPE_OCI_CONFIG, MEDIA_CONFIG, MEDIA_OCI },
	{ MEDIA_TYPE_OCI_EMPTY, MEDIA_EMPTY, MEDIA_OCI },
	{ MEDIA_TYPE_DOCKER_INDEX, MEDIA_INDEX, MEDIA_DOCKER },
	{ MEDIA_TYPE_DOCKER_MANIFEST, MEDIA_MANIFEST, MEDIA_DOCKER },
	{ MEDIA_TYPE_DOCKER_CONFIG, MEDIA_CONFIG, MEDIA_DOCKER },
	{ "application/vnd.docker.distribution.manifest.v1+json", MEDIA_SCHEMA1, MEDIA_DOCKER },
	{ "application/vnd.docker.distribution.manifest.v1+prettyjws", MEDIA_SCHEMA1,
	  MEDIA_DOCKER },
	{ "application/json", MEDIA_GENERIC, MEDIA_FLAVOUR_NONE },
	{ "application/octet-stream", MEDIA_GENERIC, MEDIA_FLAVOUR_NONE },
	{ "text/plain", MEDIA_GENERIC, MEDIA_FLAVOUR_NONE },
};

/* A layer's type is one of these, then a compression, then perhaps "+encrypted". */
static const struct {
	const char *type;
	enum media_flavour flavour;
	bool is_foreign;
} layer_types[] = {
	{ MEDIA_TYPE_OCI_LAYER, MEDIA_OCI, false },
	{ "application/vnd.oci.image.layer.nondistributable.v1.tar", MEDIA_OCI, true },
	{ MEDIA_TYPE_DOCKER_LAYER, MEDIA_DOCKER, false },
	{ "application/vnd.docker.image.rootfs.foreign.diff.tar", MEDIA_DOCKER, true },
};

/* OCI writes "+gzip", docker ".gzip"; both are met under either flavour. */
static const struct {
	const char *suffix;
	enum media_compression compression;
} compressions[] = {
	{ "", MEDIA_PLAIN },	 { "+gzip", MEDIA_GZIP }, { ".gzip", MEDIA_GZIP },
	{ "+zstd", MEDIA_ZSTD }, { ".zstd", MEDIA_ZSTD },
};

struct span {
	const char *s;
	size_t len;
};

static bool span_is(struct span a, const char *text)
{
	return strlen(text) == a.len && !strncasecmp(a.s, text, a.len);
}

/* Takes `prefix` off the front. */
static bool span_skip(struct span *a, const char *prefix)
{
	const size_t len = strlen(prefix);

	if (a->len < len || strncasecmp(a->s, prefix, len) != 0)
		return false;
	a->s += len;
	a->len -= len;
	return true;
}

size_t media_essence(const char *type, const char **ret_start)
{
	const char *start = type + strspn(type, " \t");
	size_t len = strcspn(start, ";");

	while (len && (start[len - 1] == ' ' || start[len - 1] == '\t'))
		len--;
	*ret_start = start;
	return len;
}

static bool classify_layer_suffix(struct span suffix, struct media *m)
{
	static const char encrypted[] = "+encrypted";
	const size_t len = sizeof(encrypted) - 1;

	if (suffix.len >= len && !strncasecmp(suffix.s + suffix.len - len, encrypted, len)) {
		m->is_encrypted = true;
		suffix.len -= len;
	}
	for (size_t i = 0; i < sizeof(compressions) / sizeof(compressions[0]); i++)
		if (span_is(suffix, compressions[i].suffix)) {
			m->compression = compressions[i].compression;
			return true;
		}
	return false;
}

static bool classify_layer(struct span type, struct media *ret)
{
	for (size_t i = 0; i < sizeof(layer_types) / sizeof(layer_types[0]); i++) {
		struct span suffix = type;
		struct media m = { .kind = MEDIA_LAYER, .flavour = layer_types[i].flavour };

		m.is_foreign = layer_types[i].is_foreign;
		if (span_skip(&suffix, layer_types[i].type) && classify_layer_suffix(suffix, &m)) {
			*ret = m;
			return true;
		}
	}
	return false;
}

struct media media_classify(const char *type)
{
	struct media m = { .kind = MEDIA_UNKNOWN };
	struct span t;

	if (!type)
		return m;
	t.len = media_essence(type, &t.s);
	for (size_t i = 0; i < sizeof(plain_types) / sizeof(plain_types[0]); i++)
		if (span_is(t, plain_types[i].type)) {
			m.kind = plain_types[i].kind;
			m.flavour = plain_types[i].flavour;
			return m;
		}
	classify_layer(t, &m);
	return m;
}

bool media_same(const char *a, const char *b)
{
	struct span x, y;

	x.len = media_essence(a, &x.s);
	y.len = media_essence(b, &y.s);
	return x.len == y.len && !strncasecmp(x.s, y.s, x.len);
}

const char *media_accept(void)
{
	return MEDIA_TYPE_OCI_INDEX ", " MEDIA_TYPE_OCI_MANIFEST ", " MEDIA_TYPE_DOCKER_INDEX
				    ", " MEDIA_TYPE_DOCKER_MANIFEST;
}
