/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a name to a plan: the walk over index, nested index, manifest and config. Every document is
 * hashed against the descriptor that led to it before it is read; depth and number are bounded, so
 * an index that nests itself ends.
 */
#include "pull/plan.h"

#include "base/mem.h"
#include "base/text.h"
#include "manifest/config.h"
#include "manifest/document.h"
#include "store/images.h"
#include "store/reach.h"
#include "transport/choose.h"

/* The walk under way. */
struct walk {
	struct op *op;
	const struct pull_request *req;
	struct platform want;
	struct plan *plan;
	uint64_t read_bytes; /* of documents */
	unsigned read_count;
	struct digest_set *blobs; /* of those in the plan */
};

void plan_fini(struct plan *plan)
{
	for (size_t i = 0; i < plan->document_count; i++) {
		descriptor_fini(&plan->documents[i].descriptor);
		buf_fini(&plan->documents[i].bytes);
	}
	for (size_t i = 0; i < plan->blob_count; i++)
		descriptor_fini(&plan->blobs[i].descriptor);
	free(plan->documents);
	free(plan->blobs);
	descriptor_fini(&plan->target);
	document_fini(&plan->manifest);
	image_config_fini(&plan->config);
	*plan = (struct plan){ 0 };
}

static bool has_document(const struct plan *plan, const struct digest *d)
{
	for (size_t i = 0; i < plan->document_count; i++)
		if (digest_equal(&plan->documents[i].descriptor.digest, d))
			return true;
	return false;
}

/* Takes over the bytes. */
static void add_document(struct plan *plan, const struct descriptor *d, struct plan_document *doc)
{
	struct plan_document *slot;

	if (has_document(plan, &d->digest)) {
		buf_fini(&doc->bytes);
		return;
	}
	plan->documents = xreallocarray(plan->documents, plan->document_count + 1,
					sizeof(plan->documents[0]));
	slot = &plan->documents[plan->document_count++];
	*slot = *doc;
	doc->bytes = BUF_INIT(0);
	descriptor_copy(d, &slot->descriptor);
}

static bool has_blob(const struct plan *plan, const struct digest *digest,
		     const struct digest *diffid)
{
	for (size_t i = 0; i < plan->blob_count; i++)
		if (digest_equal(&plan->blobs[i].descriptor.digest, digest) &&
		    digest_equal(&plan->blobs[i].diffid, diffid))
			return true;
	return false;
}

/* There is room for it. */
static void add_blob(struct walk *walk, const struct descriptor *d, const struct digest *diffid)
{
	struct plan *plan = walk->plan;

	if (!digest_set_add(walk->blobs, &d->digest) && has_blob(plan, &d->digest, diffid))
		return;
	struct plan_blob *slot = &plan->blobs[plan->blob_count++];

	descriptor_copy(d, &slot->descriptor);
	slot->diffid = *diffid;
}

/* A document of the store, if it is there and whole; a damaged one is to be fetched anew. */
static bool read_stored(struct walk *walk, const struct descriptor *d, struct plan_document *doc)
{
	struct blobs *blobs = walk->req->to->blobs;
	struct buf *out = &doc->bytes;

	if (blobs_stat(blobs, &d->digest, NULL, NULL) == 0) {
		doc->stored = blobs_read_verified(blobs, &d->digest, out, NULL) == 0;
		doc->replace = !doc->stored;
	}
	if (!doc->stored)
		buf_fini(out);
	return doc->stored;
}

/* An index may name more than fits in memory, and more than anybody waits for. */
static int count_read(struct walk *walk, const struct descriptor *d, struct err *err)
{
	/* What promises to be larger is refused when it is read. */
	walk->read_bytes += d->size < DOCUMENT_BYTES_MAX ? d->size : DOCUMENT_BYTES_MAX;
	if (++walk->read_count > 2 * PLAN_DOCUMENTS_MAX || walk->read_bytes > PLAN_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d documents or %s of them",
			       2 * PLAN_DOCUMENTS_MAX, TEXT_SIZE(PLAN_BYTES_MAX));
	return 0;
}

static int get_described(struct walk *walk, const struct descriptor *d, struct plan_document *ret,
			 struct err *err)
{
	struct transport_document doc = { 0 };

	TRY(op_check(walk->op, err));
	TRY(descriptor_need_digest(d, err));
	TRY(count_read(walk, d, err));
	*ret = (struct plan_document){ .bytes = BUF_INIT(DOCUMENT_BYTES_MAX) };
	if (read_stored(walk, d, ret))
		return 0;
	TRY(transport_get_described(walk->req->from, walk->op, d, &doc, err));
	buf_fini(&ret->bytes);
	ret->bytes = doc.bytes;
	doc.bytes = BUF_INIT(0);
	transport_document_fini(&doc);
	return 0;
}

static int get_config(struct walk *walk, const struct descriptor *d, struct plan_document *ret,
		      struct err *err)
{
	TRY(descriptor_need_digest(d, err));
	TRY(count_read(walk, d, err));
	*ret = (struct plan_document){ .bytes = BUF_INIT(DOCUMENT_BYTES_MAX), .is_config = true };
	if (read_stored(walk, d, ret))
		return 0;
	const int rc = transport_read_blob(walk->req->from, walk->op, d, &ret->bytes, err);

	if (rc < 0) {
		buf_fini(&ret->bytes);
		return err_prefix(err, "config");
	}
	return 0;
}

/* Is this a file system to unpack, or an artifact or attestation whose blobs are only kept? */
static bool is_image(const struct descriptor *d, const struct image_manifest *m)
{
	return m->config.media.kind == MEDIA_CONFIG && !descriptor_is_attestation(d);
}

static int add_layers(struct walk *walk, const struct document *doc,
		      const struct image_config *config, struct err *err)
{
	static const struct digest none;
	const struct image_manifest *m = &doc->manifest;
	const bool unpack = config && !walk->req->no_unpack;

	if (unpack)
		TRY(image_check(m, config, err));
	if (m->layers.count > PLAN_BLOBS_MAX - walk->plan->blob_count)
		return err_set(err, ERR_LIMIT, "more than %d layers", PLAN_BLOBS_MAX);
	struct plan *plan = walk->plan;

	plan->blobs = xreallocarray(plan->blobs, plan->blob_count + m->layers.count,
				    sizeof(plan->blobs[0]));
	for (size_t i = 0; i < m->layers.count; i++) {
		TRY(descriptor_need_digest(&m->layers.items[i], err));
		add_blob(walk, &m->layers.items[i], unpack ? &config->diff_ids[i] : &none);
	}
	return 0;
}

/*
 * A single manifest that isn't for the platform: refused when one was asked for, remarked
 * otherwise.
 */
static int check_platform(struct walk *walk, const struct image_config *config, struct err *err)
{
	_free_ char *have = NULL, *want = NULL;

	if (walk->req->all_platforms || platform_match_rank(&walk->want, &config->platform) >= 0)
		return 0;
	have = platform_text(&config->platform);
	want = platform_text(&walk->want);
	if (walk->req->platform)
		return err_set(err, ERR_NOT_FOUND, "no image for %s (available: %s)", want,
			       TEXT_ESCAPED(have));
	op_note(walk->op, "image is for %s, this machine is %s", TEXT_ESCAPED(have), want);
	return 0;
}

static int visit_image(struct walk *walk, const struct descriptor *d, const struct document *doc,
		       bool check, struct err *err)
{
	_image_config_ struct image_config config = { 0 };
	struct plan_document file;
	const bool image = is_image(d, &doc->manifest);

	TRY(get_config(walk, &doc->manifest.config, &file, err));
	int rc = image ? image_config_parse(buf_str(&file.bytes), file.bytes.len, &config, err) : 0;

	if (rc < 0)
		err_prefix(err, "config");
	else if (image && check)
		rc = check_platform(walk, &config, err);
	if (rc < 0) {
		buf_fini(&file.bytes);
		return rc;
	}
	add_document(walk->plan, &doc->manifest.config, &file);
	if (!image && !walk->req->no_unpack && !descriptor_is_attestation(d))
		op_note(walk->op, "not an image but an artifact: its blobs are stored as they are");
	TRY(add_layers(walk, doc, image ? &config : NULL, err));
	if (image && !walk->req->all_platforms) {
		image_config_fini(&walk->plan->config);
		walk->plan->config = config;
		walk->plan->has_config = true;
		config = (struct image_config){ 0 };
	}
	return 0;
}

static int visit(struct walk *walk, const struct descriptor *d, struct plan_document *file,
		 unsigned depth, struct err *err);

/* Fetches a child and goes down; its document is added after all below it. */
static int visit_child(struct walk *walk, const struct descriptor *d, unsigned depth,
		       struct err *err)
{
	struct plan_document file;

	if (has_document(walk->plan, &d->digest))
		return 0;
	TRY(get_described(walk, d, &file, err));
	const int rc = visit(walk, d, &file, depth, err);

	buf_fini(&file.bytes);
	return rc;
}

static int read_for_choice(void *arg, const struct descriptor *d, bool is_config, struct buf *out,
			   struct err *err)
{
	struct plan_document file;
	int rc;

	TRY(is_config ? get_config(arg, d, &file, err) : get_described(arg, d, &file, err));
	rc = buf_append(out, buf_str(&file.bytes), file.bytes.len, err);
	buf_fini(&file.bytes);
	return rc;
}

static int visit_index(struct walk *walk, const struct document *doc, unsigned depth,
		       struct err *err)
{
	const struct descriptors *entries = &doc->index.manifests;
	const struct descriptor *chosen = NULL;

	if (!walk->req->all_platforms) {
		const struct choose_reader reader = { read_for_choice, walk };

		TRY(choose_entry(&doc->index, &walk->want, &reader, &chosen, err));
		return visit_child(walk, chosen, depth + 1, err);
	}
	for (size_t i = 0; i < entries->count; i++) {
		const enum media_kind kind = entries->items[i].media.kind;

		if (kind != MEDIA_INDEX && kind != MEDIA_MANIFEST) {
			op_note(walk->op, "index entry of type '%s' is left out",
				TEXT_ESCAPED(entries->items[i].media_type));
			continue;
		}
		TRY(visit_child(walk, &entries->items[i], depth + 1, err));
	}
	return 0;
}

/* The target's type is what the document turned out to be, whatever the header said. */
static void settle_type(struct descriptor *target, const struct document *doc)
{
	if (media_same(target->media_type, doc->media_type))
		return;
	free(target->media_type);
	target->media_type = xstrdup(doc->media_type);
	target->media = doc->media;
}

static int visit(struct walk *walk, const struct descriptor *d, struct plan_document *file,
		 unsigned depth, struct err *err)
{
	_document_ struct document doc = { 0 };
	int rc;

	if (depth > PLAN_DEPTH_MAX || walk->plan->document_count >= PLAN_DOCUMENTS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d nested or %d documents in all",
			       PLAN_DEPTH_MAX, PLAN_DOCUMENTS_MAX);
	rc = document_parse(buf_str(&file->bytes), file->bytes.len, d->media_type, &doc, err);
	if (rc == 0 && depth == 0)
		settle_type(&walk->plan->target, &doc);
	if (rc == 0)
		rc = doc.kind == DOCUMENT_INDEX ? visit_index(walk, &doc, depth, err)
						: visit_image(walk, d, &doc, depth == 0, err);
	if (rc < 0)
		return depth ? rc : err_prefix(err, "%.19s", DIGEST_TEXT(&d->digest));
	add_document(walk->plan, d, file);
	if (doc.kind == DOCUMENT_MANIFEST && !walk->req->all_platforms) {
		document_fini(&walk->plan->manifest);
		walk->plan->manifest = doc;
		walk->plan->manifest_digest = d->digest;
		doc = (struct document){ 0 };
	}
	return 0;
}

/*
 * What the store knows the name to mean, if the registry says it still means that: then nothing is
 * fetched again.
 */
static bool still_current(struct walk *walk, const char *name, struct descriptor *ret)
{
	const struct reference *ref = walk->req->ref;
	_descriptor_ struct descriptor known = { 0 }, now = { 0 };

	if (images_resolve(walk->req->to, ref, &known, NULL) < 0)
		return false;
	if (ref->digest.alg == DIGEST_NONE &&
	    (transport_resolve(walk->req->from, walk->op, name, &now, NULL) < 0 ||
	     !digest_equal(&known.digest, &now.digest)))
		return false;
	*ret = known;
	known = (struct descriptor){ 0 };
	return true;
}

static int get_root(struct walk *walk, struct descriptor *ret, struct plan_document *file,
		    struct err *err)
{
	const struct reference *ref = walk->req->ref;
	const char *name = ref->digest.alg != DIGEST_NONE ? DIGEST_TEXT(&ref->digest)
							  : reference_tag_or_latest(ref);
	struct transport_document doc = { 0 };

	*file = (struct plan_document){ .bytes = BUF_INIT(DOCUMENT_BYTES_MAX) };
	if (still_current(walk, name, ret)) {
		if (read_stored(walk, ret, file))
			return 0;
		descriptor_fini(ret);
	}
	TRY(transport_get_document(walk->req->from, walk->op, name, &doc, err));
	*ret = doc.descriptor;
	file->bytes = doc.bytes;
	return 0;
}

int plan_make(struct op *op, const struct pull_request *req, struct plan *ret, struct err *err)
{
	struct plan plan = { 0 };
	struct walk walk = { .op = op, .req = req, .plan = &plan };
	struct plan_document file;
	int rc;

	if (req->platform)
		platform_copy(req->platform, &walk.want);
	else
		platform_host(&walk.want);
	walk.blobs = digest_set_new();
	rc = get_root(&walk, &plan.target, &file, err);
	if (rc == 0) {
		rc = visit(&walk, &plan.target, &file, 0, err);
		buf_fini(&file.bytes);
	}
	digest_set_free(walk.blobs);
	platform_fini(&walk.want);
	if (rc < 0) {
		plan_fini(&plan);
		return rc;
	}
	*ret = plan;
	return 0;
}
