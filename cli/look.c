/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening images for looking inside. A store that lacks layer files (--no-unpack) is given them
 * when it can be written; otherwise its blobs are streamed as those of a registry are.
 */
#include "cli/look.h"

#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/wire.h"
#include "manifest/place.h"
#include "store/layerfiles.h"
#include "store/store.h"

void look_split(const char *operand, char **ret_image, const char **ret_path)
{
	static const char *const with_file[] = { "oci:", "oci-archive:", "docker-archive:" };
	const char *from = operand, *found = NULL;
	bool last = false;

	for (size_t i = 0; i < ARRAY_SIZE(with_file); i++)
		if (text_starts_with(operand, with_file[i])) {
			from += strlen(with_file[i]);
			last = true;
		}
	for (const char *s = from; (s = strstr(s, ":/")) && (last || !found); s++)
		if (s[2] != '/' || last)
			found = s;
	*ret_path = found ? found + 1 : NULL;
	*ret_image = found ? xmemdupz(operand, (size_t)(found - operand)) : xstrdup(operand);
}

void look_close(struct look *look)
{
	peek_free(look->peek);
	local_tree_fini(&look->local);
	image_content_fini(&look->content);
	image_close(&look->image);
	*look = (struct look){ 0 };
}

static void forget(struct look *look)
{
	image_content_fini(&look->content);
	image_close(&look->image);
	*look = (struct look){ 0 };
}

/*
 * The documents. A name that the store has, but not for this platform, is looked up in the
 * registry.
 */
static int load(struct cli *cli, const char *operand, struct look *look, struct err *err)
{
	_reference_ struct reference ref = { 0 };
	struct err local = { 0 };

	TRY(image_open(cli, operand, &look->image, err));
	const int rc = image_load(cli, &look->image, &look->content, &local);

	if (rc >= 0)
		return 0;
	if (!look->image.is_local || local.kind != ERR_NOT_FOUND || cli->image.local ||
	    text_starts_with(operand, "store:")) {
		*err = local;
		return rc;
	}
	reference_copy(&look->image.ref, &ref);
	forget(look);
	TRY(image_open_remote(cli, &ref, &look->image, err));
	return image_load(cli, &look->image, &look->content, err);
}

static bool has_layers(const struct look *look)
{
	const struct image_config *config = &look->content.image;

	for (size_t i = 0; look->image.is_local && i < config->diff_id_count; i++)
		if (!layerfiles_has(look->image.store->layers, &config->diff_ids[i]))
			return false;
	return look->image.is_local;
}

static bool is_unwritable(const struct err *err)
{
	return err->kind == ERR_DENIED || err->kind == ERR_READ_ONLY;
}

/*
 * Layer files from the blobs of the store, by a door of its own: others may be reading through the
 * one that is open. 0 also when the store can't be written.
 */
static int make_layers(struct cli *cli, struct look *look, struct err *err)
{
	_store_ struct store *store = NULL;
	_free_ char *path = NULL;
	struct err local = { 0 };
	int rc;

	TRY(store_default_path(cli->globals.store, &path, err));
	rc = store_open(path, 0, &store, &local);
	if (rc == 0)
		rc = local_prepare_layers(&cli->op, store, &look->content.doc.manifest,
					  &look->content.image, &local);
	if (rc < 0 && !is_unwritable(&local)) {
		*err = local;
		return rc;
	}
	return 0;
}

static void open_peek(struct look *look, bool with_data, const struct tree *known,
		      const struct image_config *known_config)
{
	const char *dir = getenv("TMPDIR");
	const struct peek_request req = {
		.from = look->image.transport,
		.manifest = &look->content.doc.manifest,
		.config = &look->content.image,
		.with_data = with_data,
		.tmp_dir = dir && *dir ? dir : "/tmp",
		.known = known,
		.known_diffids = known_config ? known_config->diff_ids : NULL,
		.known_count = known_config ? known_config->diff_id_count : 0,
	};

	peek_free(look->peek);
	look->peek = peek_new(&req);
}

void look_share(struct look *look, const struct look *other)
{
	const struct tree *known = other->peek ? peek_whole(other->peek) : other->local.tree;

	if (look->peek && known)
		open_peek(look, true, known, &other->content.image);
}

static int open_look(struct cli *cli, const struct look_request *request, struct look *look,
		     struct err *err)
{
	TRY(load(cli, request->image, look, err));
	if (!look->content.is_image)
		return err_set(err, ERR_UNSUPPORTED, "not an image but an artifact: no files");
	TRY(image_check(&look->content.doc.manifest, &look->content.image, err));
	if (look->image.is_local && !has_layers(look))
		TRY(make_layers(cli, look, err));
	if (!has_layers(look))
		open_peek(look, request->with_data, NULL, NULL);
	return 0;
}

int look_open(struct cli *cli, const struct look_request *request, struct look *ret,
	      struct err *err)
{
	/* In place: a peek borrows from it. */
	*ret = (struct look){ 0 };
	cli->op.jobs = cli->net.jobs;
	const int rc = open_look(cli, request, ret, err);

	if (rc < 0)
		look_close(ret);
	return rc;
}

int look_tree(struct cli *cli, struct look *look, const struct tree **ret, struct err *err)
{
	if (look->peek)
		return peek_all(&cli->op, look->peek, ret, err);
	if (!look->local.tree)
		TRY(local_tree_open(&cli->op, look->image.store, &look->content.image, &look->local,
				    err));
	*ret = look->local.tree;
	return 0;
}

int look_path(struct cli *cli, struct look *look, struct peek_path path, struct peek_found *ret,
	      struct err *err)
{
	struct peek_found found = { 0 };

	if (look->peek)
		return peek_file(&cli->op, look->peek, path, ret, err);
	TRY(look_tree(cli, look, &found.tree, err));
	TRY(tree_lookup(found.tree, path.path, path.follow, &found.node, err));
	*ret = found;
	return 0;
}

int look_layer(struct cli *cli, struct look *look, unsigned number, const struct layer **ret,
	       struct err *err)
{
	const size_t count = look->content.image.diff_id_count;
	const struct tree *tree;

	if (!number || number > count)
		return err_set(err, ERR_NOT_FOUND, "layer %u: the image has %zu", number, count);
	if (look->peek)
		return peek_layer(&cli->op, look->peek, number - 1, ret, err);
	TRY(look_tree(cli, look, &tree, err));
	*ret = tree_layer(tree, (uint16_t)(number - 1));
	return 0;
}
