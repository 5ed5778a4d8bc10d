/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the graph. An index of the store is seldom whole: what is not there is said, not an
 * error. Referrers are asked of places that can list them. Depth and number are bounded, so that a
 * place can't send us round and round.
 */
#include "cli/image_tree.h"

#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "manifest/choose.h"

#define DEPTH_MAX     8
#define DOCUMENTS_MAX 1000
#define NODES_MAX     20000 /* some 20 MB */

struct tree_walk {
	struct cli *cli;
	const struct image *image;
	unsigned documents;
	size_t nodes;
};

static void set_described(struct json *o, const struct descriptor *d)
{
	json_set_str(o, "Digest", d->digest_text);
	json_set_str(o, "MediaType", d->media_type);
	json_set_int(o, "Size", (int64_t)d->size);
}

static struct json *node_new(const char *kind, const struct descriptor *d)
{
	struct json *o = json_new_object();

	json_set_str(o, "Kind", kind);
	set_described(o, d);
	if (d->platform && !platform_is_unknown(d->platform)) {
		_free_ char *platform = platform_text(d->platform);

		json_set_str(o, "Platform", platform);
	}
	if (d->artifact_type)
		json_set_str(o, "ArtifactType", d->artifact_type);
	return o;
}

static int walk_document(struct tree_walk *w, const struct transport_document *file,
			 struct json *node, unsigned depth, struct err *err);

static int count_nodes(struct tree_walk *w, size_t more, struct err *err)
{
	w->nodes += more;
	if (w->nodes > NODES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d nodes", NODES_MAX);
	return 0;
}

static bool is_blob_there(const struct tree_walk *w, const struct descriptor *d)
{
	return !w->image->is_local ||
	       (d->digest.alg != DIGEST_NONE &&
		blobs_stat(w->image->store->blobs, &d->digest, NULL, NULL) >= 0);
}

static void add_blob(const struct tree_walk *w, struct json *children, const char *kind,
		     const struct descriptor *d)
{
	struct json *o = node_new(kind, d);

	if (!is_blob_there(w, d))
		json_set_bool(o, "Missing", true);
	json_add(children, o);
}

static void walk_manifest(const struct tree_walk *w, const struct document *doc, struct json *node)
{
	const struct descriptors *layers = &doc->manifest.layers;
	const bool is_image = doc->manifest.config.media.kind == MEDIA_CONFIG;
	struct json *children = json_new_array();

	if (doc->artifact_type)
		json_set_str(node, "ArtifactType", doc->artifact_type);
	add_blob(w, children, "config", &doc->manifest.config);
	for (size_t i = 0; i < layers->count; i++)
		add_blob(w, children,
			 is_image && layers->items[i].media.kind == MEDIA_LAYER ? "layer" : "blob",
			 &layers->items[i]);
	json_set(node, "Children", children);
}

/* An entry of an index or of a list of referrers: fetched when the place has it. */
static int walk_entry(struct tree_walk *w, const struct descriptor *d, struct json *node,
		      unsigned depth, struct err *err)
{
	struct transport_document file = { 0 };
	struct err why = { 0 };

	if (d->media.kind != MEDIA_INDEX && d->media.kind != MEDIA_MANIFEST)
		return 0;
	int rc = transport_get_described(w->image->transport, &w->cli->op, d, &file, &why);

	if (rc < 0) {
		if (why.kind == ERR_NOT_FOUND)
			json_set_bool(node, "Missing", true);
		else if (why.kind == ERR_UNSUPPORTED)
			json_set_str(node, "Problem", why.msg);
		else
			*err = why;
		return why.kind == ERR_NOT_FOUND || why.kind == ERR_UNSUPPORTED ? 0 : rc;
	}
	rc = walk_document(w, &file, node, depth, err);
	transport_document_fini(&file);
	return rc;
}

static const char *kind_of(const struct descriptor *d)
{
	if (descriptor_is_attestation(d))
		return "attestation";
	if (d->media.kind == MEDIA_INDEX)
		return "index";
	return d->media.kind == MEDIA_MANIFEST ? "manifest" : "blob";
}

static int walk_index(struct tree_walk *w, const struct document *doc, struct json *node,
		      unsigned depth, struct err *err)
{
	struct json *children = json_new_array();

	json_set(node, "Children", children);
	for (size_t i = 0; i < doc->index.manifests.count; i++) {
		const struct descriptor *d = &doc->index.manifests.items[i];
		struct json *child = node_new(kind_of(d), d);
		const char *subject =
			annotations_get(&d->annotations, "vnd.docker.reference.digest");

		if (subject)
			json_set_str(child, "Subject", subject);
		json_add(children, child);
		TRY(walk_entry(w, d, child, depth + 1, err));
	}
	return 0;
}

static int add_referrers(struct tree_walk *w, const struct descriptors *found, struct json *node,
			 struct err *err)
{
	struct json *list;

	TRY(count_nodes(w, found->count, err));
	if (!found->count)
		return 0;
	list = json_new_array();
	for (size_t i = 0; i < found->count; i++)
		json_add(list, node_new("referrer", &found->items[i]));
	json_set(node, "Referrers", list);
	return 0;
}

/*
 * What says that it belongs to this document. Places without such lists have none; only a cancelled
 * walk ends here.
 */
static int walk_referrers(struct tree_walk *w, const struct descriptor *d, struct json *node,
			  struct err *err)
{
	const struct transport_subject subject = { .digest = &d->digest };
	struct transport_document file = { 0 };
	_document_ struct document doc = { 0 };

	if (transport_get_referrers(w->image->transport, &w->cli->op, &subject, &file, NULL) < 0)
		return op_check(&w->cli->op, err);
	/* What can't be read is no list. */
	(void)document_parse(buf_str(&file.bytes), file.bytes.len, NULL, &doc, NULL);
	transport_document_fini(&file);
	return add_referrers(w, &doc.index.manifests, node, err);
}

static int walk_document(struct tree_walk *w, const struct transport_document *file,
			 struct json *node, unsigned depth, struct err *err)
{
	_document_ struct document doc = { 0 };

	if (depth > DEPTH_MAX || ++w->documents > DOCUMENTS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d nested or %d documents in all",
			       DEPTH_MAX, DOCUMENTS_MAX);
	TRY(document_parse(buf_str(&file->bytes), file->bytes.len, file->descriptor.media_type,
			   &doc, err));
	TRY(count_nodes(w, doc.index.manifests.count + doc.manifest.layers.count, err));
	if (doc.kind == DOCUMENT_INDEX)
		TRY(walk_index(w, &doc, node, depth, err));
	else
		walk_manifest(w, &doc, node);
	return walk_referrers(w, &file->descriptor, node, err);
}

int image_tree_read(struct cli *cli, const struct image *image, struct json **ret, struct err *err)
{
	struct tree_walk w = { .cli = cli, .image = image };
	struct transport_document file = { 0 };
	char scratch[DIGEST_TEXT_BYTES];
	_json_ struct json *root = json_new_object();
	_free_ char *name = reference_canonical(&image->ref);
	struct json *children = json_new_array();

	json_set_str(root, "Kind", "image");
	json_set_str(root, "Name", name);
	json_set_str(root, "From", image_from(image));
	json_set(root, "Children", children);
	TRY(transport_get_document(image->transport, &cli->op, image_key(image, scratch), &file,
				   err));
	struct json *top = node_new(kind_of(&file.descriptor), &file.descriptor);

	json_add(children, top);
	const int rc = walk_document(&w, &file, top, 0, err);

	transport_document_fini(&file);
	TRY(rc);
	*ret = TAKE_PTR(root);
	return 0;
}
