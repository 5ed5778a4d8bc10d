/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operand IMAGE: a place, opened where it is found, and its documents. A bare REF is the local
 * store's when that has the name, else the registry's.
 */
#ifndef IMG_CLI_IMAGE_H
#define IMG_CLI_IMAGE_H

#include "manifest/config.h"
#include "manifest/document.h"
#include "manifest/reference.h"
#include "pull/plan.h"
#include "transport/transport.h"

#include <stdbool.h>

struct cli;
struct store;

/*
 * An image that was found. Owns its parts, borrows the store. Of one in a layout the reference has
 * no domain: path "oci:DIR", and as tag the name in it.
 */
struct image {
	struct reference ref;
	bool is_local, is_layout;
	struct store *store; /* when local */
	struct transport *transport;
};

/*
 * Opens what the operand names, by --local and --remote. ERR_UNSUPPORTED for places that this
 * command can't read.
 */
int image_open(struct cli *cli, const char *operand, struct image *ret, struct err *err);
/* In the registry, whatever the store has. */
int image_open_remote(struct cli *cli, const struct reference *ref, struct image *ret,
		      struct err *err);
/* Where it was found: "store", "layout", "registry". */
const char *image_from(const struct image *image);
void image_close(struct image *image);
#define _image_ __attribute__((cleanup(image_close)))

/* What to ask the transport for: the digest, else the tag. Borrowed from the image or `scratch`. */
const char *image_key(const struct image *image, char scratch[DIGEST_TEXT_BYTES]);
/* The operand as a reference of a registry or the store. ERR_USAGE with a hint for HOST:PORT. */
int image_parse_ref(const char *text, struct reference *ret, struct err *err);
/*
 * The operand of a command that only reads registries: REF or docker://REF, its tag made explicit.
 */
int image_parse_remote(const char *text, struct reference *ret, struct err *err);

/* The documents from the name down to one manifest and its config, verified and read. */
struct image_content {
	struct plan plan;		      /* owns the bytes */
	const struct plan_document *top;      /* what the name means */
	const struct plan_document *manifest; /* the chosen one; may be the same */
	const struct plan_document *config;
	struct document top_doc; /* only read when it is an index, else empty */
	struct document doc;	 /* of the chosen manifest */
	struct image_config image;
	bool is_image; /* false: an artifact, whose config is not an image's */
};
/* Reads them, choosing by --platform. ERR_NOT_FOUND lists the platforms there are. */
int image_load(struct cli *cli, const struct image *image, struct image_content *ret,
	       struct err *err);
void image_content_fini(struct image_content *c);
#define _image_content_ __attribute__((cleanup(image_content_fini)))

#endif
