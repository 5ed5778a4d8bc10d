/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the operand IMAGE and reading its documents. */
#include "cli/image.h"

#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/wire.h"
#include "manifest/place.h"
#include "pull/local.h"
#include "store/images.h"
#include "transport/layout.h"

void image_close(struct image *image)
{
	transport_close(image->transport);
	reference_fini(&image->ref);
	*image = (struct image){ 0 };
}

int image_parse_ref(const char *text, struct reference *ret, struct err *err)
{
	const int rc = reference_parse(text, ret, err);

	if (rc == 0 && ret->path && reference_looks_like_host_port(text)) {
		reference_fini(ret);
		*ret = (struct reference){ 0 };
		err_set(err, ERR_USAGE, "%s: a registry, but no repository", TEXT_ESCAPED(text));
		err_hint(err, "did you mean %s/REPO?", text);
		return -err_class(ERR_USAGE)->errnum;
	}
	return rc;
}

static int open_local(struct cli *cli, const struct reference *ref, struct image *ret,
		      struct err *err)
{
	_descriptor_ struct descriptor target = { 0 };
	struct store *store;

	TRY(wire_store(cli, WIRE_READ, &store, err));
	TRY(images_resolve(store, ref, &target, err));
	*ret = (struct image){ .is_local = true, .store = store };
	reference_copy(ref, &ret->ref);
	ret->transport = local_transport(store, ref);
	return 0;
}

int image_open_remote(struct cli *cli, const struct reference *ref, struct image *ret,
		      struct err *err)
{
	struct transport *transport = NULL;

	TRY(wire_registry(cli, ref, &transport, err));
	*ret = (struct image){ .transport = transport };
	reference_copy(ref, &ret->ref);
	return 0;
}

/* No store at all is as good as one that lacks the name. */
static int not_in_store(const struct reference *ref, struct err *err)
{
	_free_ char *name = reference_familiar(ref);

	err_set(err, ERR_NOT_FOUND, "%s: not in the store", name);
	err_hint(err, "img pull %s", name);
	return -err_class(ERR_NOT_FOUND)->errnum;
}

const char *image_from(const struct image *image)
{
	if (image->is_layout)
		return "layout";
	return image->is_local ? "store" : "registry";
}

static int unsupported_place(const char *operand, struct err *err)
{
	const int rc = err_set(err, ERR_UNSUPPORTED, "%s: images in archives can't be read yet",
			       TEXT_ESCAPED(operand));

	err_hint(err, "name an image of the store, of a layout or of a registry");
	return rc;
}

static int not_a_registry(const char *operand, struct err *err)
{
	err_set(err, ERR_USAGE, "%s: not a registry", TEXT_ESCAPED(operand));
	err_hint(err, "img copy goes from place to place");
	return -err_class(ERR_USAGE)->errnum;
}

static int open_layout(struct cli *cli, const struct place *place, struct image *ret,
		       struct err *err)
{
	_image_ struct image image = { .is_layout = true };
	_free_ char *name = place->name ? xstrdup(place->name) : NULL;

	TRY(layout_open(&cli->op, place->path, LAYOUT_READ, &image.transport, err));
	if (!name)
		TRY(layout_only_name(image.transport, &name, err));
	image.ref.path = xasprintf("oci:%s", place->path);
	if (digest_parse(name, strlen(name), &image.ref.digest, NULL) < 0)
		image.ref.tag = TAKE_PTR(name);
	*ret = image;
	memset(&image, 0, sizeof(image));
	return 0;
}

int image_parse_remote(const char *text, struct reference *ret, struct err *err)
{
	_place_ struct place place = { 0 };

	TRY(place_parse(text, &place, err));
	if (place.path)
		return not_a_registry(text, err);
	if (place.kind == PLACE_STORE)
		return err_set(err, ERR_USAGE, "%s: the store is not a registry",
			       TEXT_ESCAPED(text));
	TRY(image_parse_ref(place.name, ret, err));
	reference_add_latest(ret);
	return 0;
}

/* Which places may be looked in. */
struct choice {
	bool local, remote;
};

static int choose(const struct cli *cli, const struct place *place, struct choice *ret,
		  struct err *err)
{
	const struct cli_image_flags *flags = &cli->image;

	if (flags->local && flags->remote)
		return err_set(err, ERR_USAGE, "--local and --remote exclude each other");
	if (place->kind == PLACE_STORE && flags->remote)
		return err_set(err, ERR_USAGE, "--remote does not go with store:");
	if (place->kind == PLACE_REGISTRY && flags->local)
		return err_set(err, ERR_USAGE, "--local does not go with docker://");
	ret->local = !flags->remote && place->kind != PLACE_REGISTRY;
	ret->remote = !flags->local && place->kind != PLACE_STORE;
	return 0;
}

int image_open(struct cli *cli, const char *operand, struct image *ret, struct err *err)
{
	_reference_ struct reference ref = { 0 };
	_place_ struct place place = { 0 };
	struct choice choice = { 0 };

	TRY(place_parse(operand, &place, err));
	if (place.kind == PLACE_OCI)
		return open_layout(cli, &place, ret, err);
	if (place.path)
		return unsupported_place(operand, err);
	TRY(choose(cli, &place, &choice, err));
	TRY(image_parse_ref(place.name, &ref, err));
	reference_add_latest(&ref);
	if (choice.local) {
		struct err local_err = { 0 };
		const int rc = open_local(cli, &ref, ret, &local_err);

		if (rc == 0)
			return 0;
		if (local_err.kind != ERR_NOT_FOUND) {
			*err = local_err;
			return rc;
		}
		if (!choice.remote)
			return not_in_store(&ref, err);
	}
	return image_open_remote(cli, &ref, ret, err);
}

const char *image_key(const struct image *image, char scratch[DIGEST_TEXT_BYTES])
{
	if (image->ref.digest.alg != DIGEST_NONE)
		return digest_text(&image->ref.digest, scratch);
	return reference_tag_or_latest(&image->ref);
}

void image_content_fini(struct image_content *c)
{
	image_config_fini(&c->image);
	document_fini(&c->doc);
	document_fini(&c->top_doc);
	plan_fini(&c->plan);
	*c = (struct image_content){ 0 };
}

static int parse_document(const struct plan_document *file, struct document *ret, struct err *err)
{
	return document_parse(buf_str(&file->bytes), file->bytes.len, file->descriptor.media_type,
			      ret, err);
}

static const struct plan_document *find(const struct plan *plan, const struct digest *digest)
{
	for (size_t i = 0; i < plan->document_count; i++)
		if (digest_equal(&plan->documents[i].descriptor.digest, digest))
			return &plan->documents[i];
	return NULL;
}

/* What the plan has read already. */
static int take_manifest(struct image_content *c, struct err *err)
{
	c->manifest = find(&c->plan, &c->plan.manifest_digest);
	if (!c->manifest)
		return err_set(err, ERR_DAMAGED, "the index leads to no manifest");
	c->doc = c->plan.manifest;
	c->plan.manifest = (struct document){ 0 };
	return 0;
}

static int take_config(struct image_content *c, struct err *err)
{
	if (!c->plan.has_config)
		return image_config_parse(buf_str(&c->config->bytes), c->config->bytes.len,
					  &c->image, err);
	c->image = c->plan.config;
	c->plan.config = (struct image_config){ 0 };
	c->plan.has_config = false;
	return 0;
}

static int read_content(struct image_content *c, struct err *err)
{
	c->top = find(&c->plan, &c->plan.target.digest);
	TRY(take_manifest(c, err));
	if (c->top != c->manifest)
		TRY(parse_document(c->top, &c->top_doc, err));
	c->config = find(&c->plan, &c->doc.manifest.config.digest);
	c->is_image = c->doc.manifest.config.media.kind == MEDIA_CONFIG;
	return c->is_image ? take_config(c, err) : 0;
}

/* The name is in the store, a document below it is not: it was pulled for another platform. */
static int explain_missing(const struct cli *cli, const struct image *image, struct err *err)
{
	_free_ char *name = reference_familiar(&image->ref);

	if (image->is_local && err->kind == ERR_NOT_FOUND &&
	    text_starts_with(err->hint, "img pull "))
		err_hint(err, "img pull %s%s%s%s", cli->image.platform ? "--platform " : "",
			 cli->image.platform ? cli->image.platform : "",
			 cli->image.platform ? " " : "", name);
	return -err->errnum;
}

int image_load(struct cli *cli, const struct image *image, struct image_content *ret,
	       struct err *err)
{
	_image_content_ struct image_content c = { 0 };
	_store_ struct store *scratch = image->store ? NULL : store_new_memory();
	_platform_ struct platform platform = { 0 };
	const int wants = wire_platform(cli, &platform, err);

	TRY(wants);
	/*
	 * A plan of what a pull would take: for an image of the registry, into a store that is
	 * empty.
	 */
	const struct pull_request req = {
		.from = image->transport,
		.to = image->store ? image->store : scratch,
		.ref = &image->ref,
		.platform = wants ? &platform : NULL,
		.no_unpack = true,
	};

	if (plan_make(&cli->op, &req, &c.plan, err) < 0)
		return explain_missing(cli, image, err);
	TRY(read_content(&c, err));
	*ret = c;
	c = (struct image_content){ 0 };
	return 0;
}
