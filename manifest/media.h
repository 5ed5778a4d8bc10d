/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Media types of images (image-spec media-types.md; docker's schema 2 and manifest list). The label
 * says what a thing claims to be; bytes are sniffed where they are read.
 */
#ifndef IMG_MANIFEST_MEDIA_H
#define IMG_MANIFEST_MEDIA_H

#include <stdbool.h>
#include <stddef.h>

#define MEDIA_TYPE_OCI_INDEX	   "application/vnd.oci.image.index.v1+json"
#define MEDIA_TYPE_OCI_MANIFEST	   "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_TYPE_OCI_CONFIG	   "application/vnd.oci.image.config.v1+json"
#define MEDIA_TYPE_OCI_LAYER	   "application/vnd.oci.image.layer.v1.tar"
#define MEDIA_TYPE_OCI_EMPTY	   "application/vnd.oci.empty.v1+json"
#define MEDIA_TYPE_DOCKER_INDEX	   "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_TYPE_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_TYPE_DOCKER_CONFIG   "application/vnd.docker.container.image.v1+json"
#define MEDIA_TYPE_DOCKER_LAYER	   "application/vnd.docker.image.rootfs.diff.tar"

enum media_kind {
	MEDIA_UNKNOWN,
	MEDIA_GENERIC, /* application/json, text/plain, application/octet-stream: says nothing */
	MEDIA_INDEX,   /* image index or manifest list */
	MEDIA_MANIFEST,
	MEDIA_CONFIG,
	MEDIA_LAYER,
	MEDIA_SCHEMA1, /* docker image manifest schema 1: recognised, refused */
	MEDIA_EMPTY,   /* the two bytes {} in place of a config or layer */
};

enum media_flavour { MEDIA_FLAVOUR_NONE, MEDIA_OCI, MEDIA_DOCKER };
enum media_compression { MEDIA_PLAIN, MEDIA_GZIP, MEDIA_ZSTD };

/* Value. The last three mean something for MEDIA_LAYER only. */
struct media {
	enum media_kind kind;
	enum media_flavour flavour;
	enum media_compression compression;
	bool is_foreign;   /* nondistributable: may be fetched from its urls, is not uploaded */
	bool is_encrypted; /* "+encrypted" (ocicrypt) */
};

/*
 * Classifies a type as in a descriptor or a Content-Type: case and parameters (";...") do not
 * matter. NULL is unknown.
 */
struct media media_classify(const char *type);
/*
 * Length of the type without parameters and without spaces around; the type starts at *ret_start.
 */
size_t media_essence(const char *type, const char **ret_start);
/* True when both name the same type, parameters and case aside. */
bool media_same(const char *a, const char *b);
/*
 * Value of the Accept header when asking for a manifest: index and manifest, both flavours. Schema
 * 1 is not asked for.
 */
const char *media_accept(void);

#endif
