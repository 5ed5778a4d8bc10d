/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk: from a name down over indexes to manifests and their blobs, and from each of these up
 * to what refers to it. Every document is there once, whatever names it how often; a digest can't
 * name itself, so there are no cycles, and depth, documents, bytes and blobs are bounded.
 */
#include "base/mem.h"
#include "base/text.h"
#include "manifest/config.h"
#include "transport/choose.h"
#include "transport/copy_int.h"

/* --- the plan -------------------------------------------------------------------------------- */

void copy_plan_init(struct copy_plan *p)
{
	*p = (struct copy_plan){ .seen_documents = digest_set_new(),
				 .seen_blobs = digest_set_new() };
}

void copy_plan_fini(struct copy_plan *p)
{
	for (size_t i = 0; i < p->document_count; i++) {
		descriptor_fini(&p->documents[i].descriptor);
		buf_fini(&p->documents[i].bytes);
	}
	for (size_t i = 0; i < p->blob_count; i++)
		descriptor_fini(&p->blobs[i].descriptor);
	for (size_t i = 0; i < p->tag_count; i++)
		free(p->tags[i].name);
	free(p->documents);
	free(p->blobs);
	free(p->tags);
	descriptor_fini(&p->target);
	digest_set_free(p->seen_documents);
	digest_set_free(p->seen_blobs);
}

struct copy_document *copy_plan_find(const struct copy_plan *p, const struct digest *d)
{
	if (!digest_set_has(p->seen_documents, d))
		return NULL;
	for (size_t i = 0; i < p->document_count; i++)
		if (digest_equal(&p->documents[i].descriptor.digest, d))
			return &p->documents[i];
	return NULL;
}

/* Where a document's blobs begin in the plan, and what else is known before it is added. */
struct place_in_plan {
	size_t blob_start;
	unsigned height;
	bool is_child, lacks_child;
};

/* Takes over the bytes. The type is what the document says, whatever its place did. */
static void add_document(struct copy *c, struct copy_file *file, const struct document *doc,
			 const struct place_in_plan *at)
{
	struct copy_plan *p = &c->plan;

	digest_set_add(p->seen_documents, &file->descriptor.digest);
	p->documents = xreallocarray(p->documents, p->document_count + 1, sizeof(p->documents[0]));
	p->documents[p->document_count++] = (struct copy_document){
		.bytes = file->bytes,
		.height = at->height,
		.has_subject = doc->subject != NULL,
		.is_referrer = c->referrer_depth > 0,
		.is_child = at->is_child,
		.is_left = at->lacks_child && c->referrer_depth > 0,
		.blob_start = at->blob_start,
		.blob_end = p->blob_count,
	};
	descriptor_init(&p->documents[p->document_count - 1].descriptor, doc->media_type,
			&file->descriptor.digest, file->bytes.len);
	file->bytes = BUF_INIT(0);
}

static int add_blob(struct copy *c, const struct descriptor *d, bool may_lack, struct err *err)
{
	struct copy_plan *p = &c->plan;

	TRY(descriptor_need_digest(d, err));
	if (!digest_set_add(p->seen_blobs, &d->digest))
		return 0;
	if (p->blob_count == COPY_BLOBS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d blobs", COPY_BLOBS_MAX);
	p->blobs = xreallocarray(p->blobs, p->blob_count + 1, sizeof(p->blobs[0]));
	p->blobs[p->blob_count] = (struct copy_blob){ .may_lack = may_lack };
	descriptor_copy(d, &p->blobs[p->blob_count++].descriptor);
	return 0;
}

/* --- down ------------------------------------------------------------------------------------ */

static int visit(struct copy *c, struct copy_file *file, bool is_child, unsigned depth,
		 struct err *err);

static int visit_manifest(struct copy *c, const struct image_manifest *m, struct err *err)
{
	TRY(add_blob(c, &m->config, false, err));
	for (size_t i = 0; i < m->layers.count; i++) {
		const struct descriptor *d = &m->layers.items[i];

		TRY(add_blob(c, d, d->media.is_foreign || d->urls.count, err));
	}
	return 0;
}

static int read_for_choice(void *arg, const struct descriptor *d, bool is_config, struct buf *out,
			   struct err *err)
{
	struct copy *c = arg;
	_copy_file_ struct copy_file file = { 0 };

	if (is_config)
		return transport_read_blob(c->req->from, c->op, d, out, err);
	TRY(copy_fetch_one(c, c->op, d, &file, err));
	return buf_append(out, buf_str(&file.bytes), file.bytes.len, err);
}

static int choose(struct copy *c, const struct index *index, const struct descriptor **ret,
		  struct err *err)
{
	const struct choose_reader reader = { read_for_choice, c };

	return choose_entry(index, &c->want, &reader, ret, err);
}

/* BuildKit's attestation of an image stands beside it in the index. */
static bool attests(const struct descriptor *entry, const struct descriptor *image)
{
	const char *of = annotations_get(&entry->annotations, "vnd.docker.reference.digest");

	return descriptor_is_attestation(entry) && of && !strcmp(of, image->digest_text);
}

/* The entries that come along. */
struct selection {
	const struct descriptor **items;
	size_t count;
	struct copy_file *files;
};

static void selection_fini(struct selection *s)
{
	for (size_t i = 0; s->files && i < s->count; i++)
		copy_file_fini(&s->files[i]);
	free(s->files);
	free(s->items);
}

static int select_one(struct copy *c, struct selection *s, const struct descriptor *entry,
		      struct err *err)
{
	const enum media_kind kind = entry->media.kind;

	if (kind == MEDIA_INDEX || kind == MEDIA_MANIFEST) {
		s->items[s->count++] = entry;
		return 0;
	}
	return add_blob(c, entry, true, err);
}

static int select_entries(struct copy *c, const struct index *index, struct selection *s,
			  struct err *err)
{
	const bool is_partial = c->req->platforms == COPY_SPARSE && c->req->platform &&
				!c->referrer_depth;
	const struct descriptors *entries = &index->manifests;
	const struct descriptor *chosen = NULL;

	s->items = xcalloc(entries->count ? entries->count : 1, sizeof(void *));
	if (is_partial)
		TRY(choose(c, index, &chosen, err));
	for (size_t i = 0; i < entries->count; i++) {
		const struct descriptor *entry = &entries->items[i];

		if (!chosen || entry == chosen || attests(entry, chosen))
			TRY(select_one(c, s, entry, err));
	}
	s->files = xcalloc(s->count ? s->count : 1, sizeof(s->files[0]));
	return copy_fetch_all(c, s->items, s->count, s->files, err);
}

static int missing_child(struct copy *c, const struct descriptor *entry, struct err *err)
{
	/* Of the lists of referrers some entries outlive what they name. */
	if (c->req->platforms == COPY_SPARSE || c->referrer_depth)
		return 0;
	err_set(err, ERR_NOT_FOUND, "the index names %s, which its place lacks",
		entry->digest_text);
	err_hint(err, "--sparse copies the index with the images that are there");
	return -err_class(ERR_NOT_FOUND)->errnum;
}

static int visit_index(struct copy *c, const struct index *index, unsigned depth,
		       struct place_in_plan *at, struct err *err)
{
	_cleanup_(selection_fini) struct selection s = { 0 };

	TRY(select_entries(c, index, &s, err));
	for (size_t i = 0; i < s.count; i++) {
		if (s.files[i].is_missing) {
			TRY(missing_child(c, s.items[i], err));
			at->lacks_child = true;
			continue;
		}
		if (s.files[i].descriptor.digest_text)
			TRY(visit(c, &s.files[i], true, depth + 1, err));
		struct copy_document *child = copy_plan_find(&c->plan, &s.items[i]->digest);

		if (!child)
			continue;
		child->is_child = true;
		if (child->height >= at->height)
			at->height = child->height + 1;
	}
	return 0;
}

/* --- up -------------------------------------------------------------------------------------- */

static int visit_listed(struct copy *c, const struct descriptors *entries, unsigned depth,
			struct err *err)
{
	_cleanup_(selection_fini) struct selection s = { 0 };

	s.items = xcalloc(entries->count ? entries->count : 1, sizeof(void *));
	for (size_t i = 0; i < entries->count; i++)
		if (entries->items[i].digest.alg != DIGEST_NONE)
			s.items[s.count++] = &entries->items[i];
	s.files = xcalloc(s.count ? s.count : 1, sizeof(s.files[0]));
	TRY(copy_fetch_all(c, s.items, s.count, s.files, err));
	for (size_t i = 0; i < s.count; i++) {
		if (s.files[i].is_missing)
			op_note(c->op, "referrer %s is listed but not there",
				s.items[i]->digest_text);
		else if (s.files[i].descriptor.digest_text)
			TRY(visit(c, &s.files[i], false, depth + 1, err));
	}
	return 0;
}

static int visit_tag(struct copy *c, const struct copy_tag *tag, unsigned depth, struct err *err)
{
	struct copy_plan *p = &c->plan;
	_copy_file_ struct copy_file file = { 0 };

	if (!digest_set_has(p->seen_documents, &tag->digest)) {
		/* By digest: what the tag means may change under us. */
		TRY(copy_fetch_named(c, DIGEST_TEXT(&tag->digest), &file, err));
		TRY(copy_fetch_referrers(c, c->op, &file, err));
		TRY(visit(c, &file, false, depth + 1, err));
	}
	p->tags = xreallocarray(p->tags, p->tag_count + 1, sizeof(p->tags[0]));
	p->tags[p->tag_count++] = (struct copy_tag){ xstrdup(tag->name), tag->digest };
	return 0;
}

static int visit_referrers(struct copy *c, const struct copy_file *file, unsigned depth,
			   struct err *err)
{
	int rc;

	c->referrer_depth++;
	rc = visit_listed(c, &file->referrers.index.manifests, depth, err);
	for (size_t i = 0; rc >= 0 && i < file->tag_count; i++)
		rc = visit_tag(c, &file->tags[i], depth, err);
	c->referrer_depth--;
	return rc;
}

/* --- both ------------------------------------------------------------------------------------ */

static int visit(struct copy *c, struct copy_file *file, bool is_child, unsigned depth,
		 struct err *err)
{
	struct place_in_plan at = { .blob_start = c->plan.blob_count, .is_child = is_child };
	_document_ struct document doc = { 0 };
	int rc;

	if (digest_set_has(c->plan.seen_documents, &file->descriptor.digest))
		return 0;
	if (depth > COPY_DEPTH_MAX || c->plan.document_count >= COPY_DOCUMENTS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d nested or %d documents in all",
			       COPY_DEPTH_MAX, COPY_DOCUMENTS_MAX);
	rc = document_parse(buf_str(&file->bytes), file->bytes.len, file->descriptor.media_type,
			    &doc, err);
	if (rc < 0)
		return err_prefix(err, "%.19s", DIGEST_TEXT(&file->descriptor.digest));
	TRY(doc.kind == DOCUMENT_INDEX ? visit_index(c, &doc.index, depth, &at, err)
				       : visit_manifest(c, &doc.manifest, err));
	add_document(c, file, &doc, &at);
	return visit_referrers(c, file, depth, err);
}

/* --- from the name --------------------------------------------------------------------------- */

/* A single manifest that isn't for the platform that was asked for. */
static int check_platform(struct copy *c, const struct document *doc, struct err *err)
{
	_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);
	_image_config_ struct image_config config = { 0 };
	_free_ char *have = NULL, *want = NULL;

	if (!c->req->platform || doc->manifest.config.media.kind != MEDIA_CONFIG)
		return 0;
	TRY(transport_read_blob(c->req->from, c->op, &doc->manifest.config, &bytes, err));
	TRY(image_config_parse(buf_str(&bytes), bytes.len, &config, err));
	if (platform_match_rank(&c->want, &config.platform) >= 0)
		return 0;
	have = platform_text(&config.platform);
	want = platform_text(&c->want);
	return err_set(err, ERR_NOT_FOUND, "no image for %s (available: %s)", want,
		       TEXT_ESCAPED(have));
}

/* One step from an index to the chosen manifest. 1 when there is none further. */
static int narrow(struct copy *c, struct copy_file *file, struct err *err)
{
	_document_ struct document doc = { 0 };
	const struct descriptor *chosen = NULL;
	_copy_file_ struct copy_file next = { 0 };

	TRY(document_parse(buf_str(&file->bytes), file->bytes.len, file->descriptor.media_type,
			   &doc, err));
	if (doc.kind == DOCUMENT_MANIFEST) {
		TRY(check_platform(c, &doc, err));
		return 1;
	}
	TRY(choose(c, &doc.index, &chosen, err));
	TRY(copy_fetch_one(c, c->op, chosen, &next, err));
	c->is_narrowed = true;
	copy_file_fini(file);
	*file = next;
	next = (struct copy_file){ 0 };
	return 0;
}

static int narrow_all(struct copy *c, struct copy_file *file, struct err *err)
{
	for (unsigned depth = 0; depth <= COPY_DEPTH_MAX; depth++) {
		const int rc = narrow(c, file, err);

		if (rc != 0)
			return rc < 0 ? rc : 0;
	}
	return err_set(err, ERR_LIMIT, "more than %d nested indexes", COPY_DEPTH_MAX);
}

/* The target's type is what the document turned out to be, whatever the place said. */
static int settle_target(struct copy *c, const struct copy_file *file, struct err *err)
{
	_document_ struct document doc = { 0 };

	TRY(document_parse(buf_str(&file->bytes), file->bytes.len, file->descriptor.media_type,
			   &doc, err));
	descriptor_init(&c->plan.target, doc.media_type, &file->descriptor.digest, file->bytes.len);
	return 0;
}

int copy_walk(struct copy *c, struct err *err)
{
	_copy_file_ struct copy_file root = { 0 };

	TRY(copy_list_tags(c, err));
	TRY(copy_fetch_named(c, c->req->from_name, &root, err));
	if (c->req->platforms == COPY_ONE)
		TRY(narrow_all(c, &root, err));
	TRY(settle_target(c, &root, err));
	TRY(copy_fetch_referrers(c, c->op, &root, err));
	return visit(c, &root, false, 0, err);
}
