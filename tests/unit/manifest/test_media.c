/* SPDX-License-Identifier: Apache-2.0 */
/* Media types of image-spec and docker, row by row. */
#include "base/mem.h"
#include "manifest/media.h"
#include "tests/unit/manifest/check.h"

#include <CUnit/CUnit.h>

#define OCI_LAYER	"application/vnd.oci.image.layer.v1.tar"
#define OCI_FOREIGN	"application/vnd.oci.image.layer.nondistributable.v1.tar"
#define DOCKER_LAYER	"application/vnd.docker.image.rootfs.diff.tar"
#define DOCKER_FOREIGN	"application/vnd.docker.image.rootfs.foreign.diff.tar"
#define DOCKER_MANIFEST "application/vnd.docker.distribution.manifest."

static bool media_is(const char *type, struct media want)
{
	const struct media got = media_classify(type);
	const char *row = type ? type : "NULL";

	return check_int(row, "kind", want.kind, got.kind) &
	       check_int(row, "flavour", want.flavour, got.flavour) &
	       check_int(row, "compression", want.compression, got.compression) &
	       check_int(row, "foreign", want.is_foreign, got.is_foreign) &
	       check_int(row, "encrypted", want.is_encrypted, got.is_encrypted);
}

void test_media__documents(void)
{
	static const struct {
		const char *type;
		enum media_kind kind;
		enum media_flavour flavour;
	} rows[] = {
		{ "application/vnd.oci.image.index.v1+json", MEDIA_INDEX, MEDIA_OCI },
		{ "application/vnd.oci.image.manifest.v1+json", MEDIA_MANIFEST, MEDIA_OCI },
		{ "application/vnd.oci.image.config.v1+json", MEDIA_CONFIG, MEDIA_OCI },
		{ "application/vnd.oci.empty.v1+json", MEDIA_EMPTY, MEDIA_OCI },
		{ DOCKER_MANIFEST "list.v2+json", MEDIA_INDEX, MEDIA_DOCKER },
		{ DOCKER_MANIFEST "v2+json", MEDIA_MANIFEST, MEDIA_DOCKER },
		{ "application/vnd.docker.container.image.v1+json", MEDIA_CONFIG, MEDIA_DOCKER },
		{ DOCKER_MANIFEST "v1+json", MEDIA_SCHEMA1, MEDIA_DOCKER },
		{ DOCKER_MANIFEST "v1+prettyjws", MEDIA_SCHEMA1, MEDIA_DOCKER },
		{ "application/json", MEDIA_GENERIC, MEDIA_FLAVOUR_NONE },
		{ "text/plain; charset=utf-8", MEDIA_GENERIC, MEDIA_FLAVOUR_NONE },
		{ "application/octet-stream", MEDIA_GENERIC, MEDIA_FLAVOUR_NONE },
		{ " Application/VND.OCI.image.Index.v1+json ; charset=utf-8", MEDIA_INDEX,
		  MEDIA_OCI },
		{ "application/vnd.oci.image.index.v1+json;", MEDIA_INDEX, MEDIA_OCI },
		{ "application/vnd.oci.image.index.v1+jsonx", MEDIA_UNKNOWN, MEDIA_FLAVOUR_NONE },
		{ "application/vnd.oci.image.index.v1", MEDIA_UNKNOWN, MEDIA_FLAVOUR_NONE },
		{ "application/vnd.in-toto+json", MEDIA_UNKNOWN, MEDIA_FLAVOUR_NONE },
		{ "", MEDIA_UNKNOWN, MEDIA_FLAVOUR_NONE },
		{ ";", MEDIA_UNKNOWN, MEDIA_FLAVOUR_NONE },
		{ NULL, MEDIA_UNKNOWN, MEDIA_FLAVOUR_NONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CU_ASSERT(media_is(rows[i].type, (struct media){ .kind = rows[i].kind,
								 .flavour = rows[i].flavour }));
}

void test_media__layers(void)
{
	static const struct {
		const char *type;
		struct media media;
	} rows[] = {
		{ OCI_LAYER, { MEDIA_LAYER, MEDIA_OCI, MEDIA_PLAIN, false, false } },
		{ OCI_LAYER "+gzip", { MEDIA_LAYER, MEDIA_OCI, MEDIA_GZIP, false, false } },
		{ OCI_LAYER "+zstd", { MEDIA_LAYER, MEDIA_OCI, MEDIA_ZSTD, false, false } },
		{ OCI_LAYER "+encrypted", { MEDIA_LAYER, MEDIA_OCI, MEDIA_PLAIN, false, true } },
		{ OCI_LAYER "+gzip+encrypted",
		  { MEDIA_LAYER, MEDIA_OCI, MEDIA_GZIP, false, true } },
		{ OCI_LAYER "+zstd+encrypted",
		  { MEDIA_LAYER, MEDIA_OCI, MEDIA_ZSTD, false, true } },
		{ OCI_FOREIGN, { MEDIA_LAYER, MEDIA_OCI, MEDIA_PLAIN, true, false } },
		{ OCI_FOREIGN "+gzip", { MEDIA_LAYER, MEDIA_OCI, MEDIA_GZIP, true, false } },
		{ OCI_FOREIGN "+zstd", { MEDIA_LAYER, MEDIA_OCI, MEDIA_ZSTD, true, false } },
		{ DOCKER_LAYER, { MEDIA_LAYER, MEDIA_DOCKER, MEDIA_PLAIN, false, false } },
		{ DOCKER_LAYER ".gzip", { MEDIA_LAYER, MEDIA_DOCKER, MEDIA_GZIP, false, false } },
		{ DOCKER_LAYER ".zstd", { MEDIA_LAYER, MEDIA_DOCKER, MEDIA_ZSTD, false, false } },
		{ DOCKER_FOREIGN, { MEDIA_LAYER, MEDIA_DOCKER, MEDIA_PLAIN, true, false } },
		{ DOCKER_FOREIGN ".gzip", { MEDIA_LAYER, MEDIA_DOCKER, MEDIA_GZIP, true, false } },
		/* A compression nobody defined is not a layer we know. */
		{ OCI_LAYER "+bzip2", { .kind = MEDIA_UNKNOWN } },
		{ OCI_LAYER "+encrypted+gzip", { .kind = MEDIA_UNKNOWN } },
		{ OCI_LAYER ".", { .kind = MEDIA_UNKNOWN } },
		{ "application/vnd.oci.image.layer.v1.ta", { .kind = MEDIA_UNKNOWN } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CU_ASSERT(media_is(rows[i].type, rows[i].media));
}

void test_media__same(void)
{
	CU_ASSERT(media_same("a/b", "A/B; charset=utf-8"));
	CU_ASSERT(media_same("a/b ;x", "\ta/b"));
	CU_ASSERT_FALSE(media_same("a/b", "a/bc"));
	CU_ASSERT_FALSE(media_same("a/bc", "a/b"));
	CU_ASSERT_FALSE(media_same("a/b", ""));
}

void test_media__accept_asks_for_both_flavours_and_not_for_schema_1(void)
{
	const char *accept = media_accept();

	CU_ASSERT_PTR_NOT_NULL(strstr(accept, MEDIA_TYPE_OCI_INDEX));
	CU_ASSERT_PTR_NOT_NULL(strstr(accept, MEDIA_TYPE_OCI_MANIFEST));
	CU_ASSERT_PTR_NOT_NULL(strstr(accept, MEDIA_TYPE_DOCKER_INDEX));
	CU_ASSERT_PTR_NOT_NULL(strstr(accept, MEDIA_TYPE_DOCKER_MANIFEST));
	CU_ASSERT_PTR_NULL(strstr(accept, "manifest.v1+p"));
	CU_ASSERT_PTR_NULL(strchr(accept, '\n'));
}
