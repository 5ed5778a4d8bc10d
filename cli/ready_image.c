/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Getting an image ready: what the store has is used, what it lacks (the name, or the platform that
 * is asked for) is pulled. A store that can't be written serves as long as nothing is missing.
 */
#include "cli/ready_image.h"

#include "cli/cli.h"
#include "cli/pull_one.h"
#include "cli/wire.h"

void ready_image_close(struct ready_image *r)
{
	local_tree_fini(&r->tree);
	image_content_fini(&r->content);
	image_close(&r->image);
}

static int load(struct cli *cli, const char *operand, struct ready_image *r, struct err *err)
{
	TRY(image_open(cli, operand, &r->image, err));
	TRY(image_load(cli, &r->image, &r->content, err));
	return 0;
}

static int pull(struct cli *cli, const struct reference *ref, struct err *err)
{
	const struct pull_one what = { 0 };
	struct pull_result result = { 0 };

	TRY(pull_one(cli, ref, &what, &result, err));
	pull_result_fini(&result);
	return 0;
}

/* Into the store, and read from there. */
static int pull_and_load(struct cli *cli, const char *operand, struct ready_image *r,
			 struct err *err)
{
	_reference_ struct reference ref = { 0 };

	reference_copy(&r->image.ref, &ref);
	ready_image_close(r);
	*r = (struct ready_image){ 0 };
	TRY(pull(cli, &ref, err));
	cli->image.remote = false;
	cli->image.local = true;
	if (!strncmp(operand, "docker://", 9))
		operand += 9;
	return load(cli, operand, r, err);
}

/* Its blobs and layers go into the store, unnamed: gc takes them once nobody uses them. */
static int take_from_layout(struct cli *cli, struct ready_image *r, struct err *err)
{
	_platform_ struct platform platform = { 0 };
	struct pull_result result = { 0 };
	const int wants = wire_platform(cli, &platform, err);

	TRY(wants);
	TRY(wire_store(cli, WIRE_WRITE, &r->image.store, err));
	const struct pull_request req = {
		.from = r->image.transport,
		.to = r->image.store,
		.ref = &r->image.ref,
		.platform = wants ? &platform : NULL,
		.unnamed = true,
		.jobs = cli->net.jobs,
	};

	TRY(pull_image(&cli->op, &req, &result, err));
	pull_result_fini(&result);
	return image_load(cli, &r->image, &r->content, err);
}

static int find(struct cli *cli, const char *operand, struct ready_image *r, struct err *err)
{
	TRY(image_open(cli, operand, &r->image, err));
	if (r->image.is_layout)
		return take_from_layout(cli, r, err);
	if (!r->image.is_local)
		return pull_and_load(cli, operand, r, err);
	struct err local = { 0 };
	const int rc = image_load(cli, &r->image, &r->content, &local);

	/* The index may be there without the platform that is asked for now. */
	if (rc < 0 && local.kind == ERR_NOT_FOUND && !cli->image.local &&
	    strncmp(operand, "store:", 6) != 0)
		return pull_and_load(cli, operand, r, err);
	if (rc < 0)
		*err = local;
	return rc;
}

static bool is_complete(const struct ready_image *r)
{
	const struct image_config *config = &r->content.image;

	for (size_t i = 0; i < config->diff_id_count; i++)
		if (!layerfiles_has(r->image.store->layers, &config->diff_ids[i]))
			return false;
	return true;
}

int ready_image_make_layers(struct ready_image *r, struct err *err)
{
	if (is_complete(r))
		return 0;
	TRY(local_prepare_layers(&r->cli->op, r->image.store, &r->content.doc.manifest,
				 &r->content.image, err));
	return 1;
}

/*
 * Layers that are not there yet (--no-unpack) or no more are made, which takes a store that can be
 * written.
 */
static int make_layers(struct cli *cli, const char *operand, struct ready_image *r, struct err *err)
{
	struct store *store;

	if (is_complete(r))
		return 0;
	if (!cli->store_is_writable) {
		ready_image_close(r);
		*r = (struct ready_image){ 0 };
		TRY(wire_store(cli, WIRE_WRITE, &store, err));
		TRY(load(cli, operand, r, err));
	}
	return local_prepare_layers(&cli->op, r->image.store, &r->content.doc.manifest,
				    &r->content.image, err);
}

static int find_ready(struct cli *cli, const char *operand, struct ready_image *r, struct err *err)
{
	TRY(find(cli, operand, r, err));
	if (!r->content.is_image)
		return err_set(err, ERR_UNSUPPORTED, "not an image but an artifact: no files");
	return image_check(&r->content.doc.manifest, &r->content.image, err);
}

int ready_image_find(struct cli *cli, const char *operand, struct ready_image *ret, struct err *err)
{
	_ready_image_ struct ready_image r = { 0 };

	TRY(find_ready(cli, operand, &r, err));
	r.cli = cli;
	*ret = r;
	r = (struct ready_image){ 0 };
	return 0;
}

int ready_image_tree(void *ready_image, const struct tree **ret, struct err *err)
{
	struct ready_image *r = ready_image;

	if (!r->tree.tree)
		TRY(local_tree_open(&r->cli->op, r->image.store, &r->content.image, &r->tree, err));
	*ret = r->tree.tree;
	return 0;
}

int ready_image_open(struct cli *cli, const char *operand, struct ready_image *ret, struct err *err)
{
	_ready_image_ struct ready_image r = { 0 };
	const struct tree *tree;

	TRY(ready_image_find(cli, operand, &r, err));
	TRY(make_layers(cli, operand, &r, err));
	r.cli = cli;
	TRY(ready_image_tree(&r, &tree, err));
	*ret = r;
	r = (struct ready_image){ 0 };
	return 0;
}
