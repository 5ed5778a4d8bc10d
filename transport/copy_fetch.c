/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the walk reads: documents, several at a time, each with the list of what refers to it and
 * its `sha256-...` tags (cosign's .sig, .att and .sbom, and the fallback tag of distribution-spec).
 * Everything is counted against the bounds before it is asked for.
 */
#include "base/jobs.h"
#include "base/mem.h"
#include "base/text.h"
#include "transport/copy_int.h"
#include "transport/subjects.h"

void copy_file_fini(struct copy_file *f)
{
	descriptor_fini(&f->descriptor);
	buf_fini(&f->bytes);
	document_fini(&f->referrers);
	for (size_t i = 0; i < f->tag_count; i++)
		free(f->tags[i].name);
	free(f->tags);
	*f = (struct copy_file){ 0 };
}

/* An index may name more than fits in memory, and more than anybody waits for. */
static int count_read(struct copy *c, uint64_t size, struct err *err)
{
	/* What promises to be larger is refused when it is read. */
	const uint64_t bytes = size < DOCUMENT_BYTES_MAX ? size : DOCUMENT_BYTES_MAX;
	const uint64_t before = atomic_fetch_add(&c->read_bytes, bytes);

	if (atomic_fetch_add(&c->read_count, 1) >= COPY_DOCUMENTS_MAX ||
	    before + bytes > COPY_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d documents or %s of them",
			       COPY_DOCUMENTS_MAX, TEXT_SIZE(COPY_BYTES_MAX));
	return 0;
}

static void take_document(struct transport_document *doc, struct copy_file *ret)
{
	*ret = (struct copy_file){ .descriptor = doc->descriptor, .bytes = doc->bytes };
	*doc = (struct transport_document){ 0 };
}

int copy_fetch_one(struct copy *c, struct op *op, const struct descriptor *d, struct copy_file *ret,
		   struct err *err)
{
	struct transport_document doc = { 0 };

	TRY(op_check(op, err));
	TRY(descriptor_need_digest(d, err));
	TRY(count_read(c, d->size, err));
	TRY(transport_get_described(c->req->from, op, d, &doc, err));
	take_document(&doc, ret);
	return 0;
}

/* --- tags ------------------------------------------------------------------------------------ */

static int keep_tag(void *arg, const char *name, struct err *err)
{
	struct copy *c = arg;

	if (++c->names_seen > COPY_TAGS_MAX)
		return err_set(err, ERR_LIMIT, "too many tags to look through");
	if (!text_starts_with(name, "sha256-") && !text_starts_with(name, "sha512-"))
		return 0;
	c->tags = xreallocarray(c->tags, c->tag_count + 1, sizeof(c->tags[0]));
	c->tags[c->tag_count++] = xstrdup(name);
	return 0;
}

int copy_list_tags(struct copy *c, struct err *err)
{
	struct err why = { 0 };

	if (!c->req->referrers)
		return 0;
	c->is_listed = transport_list_tags(c->req->from, c->op, keep_tag, c, &why) >= 0;
	/* Whatever the reason is, they can be asked for one by one. */
	return op_check(c->op, err);
}

static void add_tag(struct copy_file *file, const char *name, const struct digest *d)
{
	file->tags = xreallocarray(file->tags, file->tag_count + 1, sizeof(file->tags[0]));
	file->tags[file->tag_count++] = (struct copy_tag){ xstrdup(name), *d };
}

/* "sha256-HEX" or "sha256-HEX.WORD". */
static bool is_tag_of(const char *name, const char *prefix)
{
	const size_t len = strlen(prefix);

	return !strncmp(name, prefix, len) && (!name[len] || name[len] == '.');
}

static int ask_tag(struct copy *c, struct op *op, const char *name, struct copy_file *file,
		   struct err *err)
{
	_descriptor_ struct descriptor d = { 0 };
	struct err why = { 0 };
	const int rc = transport_resolve(c->req->from, op, name, &d, &why);

	if (rc >= 0) {
		add_tag(file, name, &d.digest);
		return 0;
	}
	/* ERR_USAGE: such a name can't be one of this place. */
	if (why.kind == ERR_NOT_FOUND || why.kind == ERR_USAGE)
		return 0;
	err_keep_first(err, &why);
	return rc;
}

static int fetch_tags(struct copy *c, struct op *op, struct copy_file *file, struct err *err)
{
	static const char *const words[] = { "", ".sig", ".att", ".sbom" };
	char prefix[SUBJECT_TAG_BYTES], name[SUBJECT_TAG_BYTES + 8];

	subject_tag(&file->descriptor.digest, prefix);
	for (size_t i = 0; c->is_listed && i < c->tag_count; i++)
		if (is_tag_of(c->tags[i], prefix))
			TRY(ask_tag(c, op, c->tags[i], file, err));
	for (size_t i = 0; !c->is_listed && i < ARRAY_SIZE(words); i++) {
		snprintf(name, sizeof(name), "%s%s", prefix, words[i]);
		TRY(ask_tag(c, op, name, file, err));
	}
	return 0;
}

/* --- referrers ------------------------------------------------------------------------------- */

static int fetch_list(struct copy *c, struct op *op, struct copy_file *file, struct err *err)
{
	const struct transport_subject subject = { &file->descriptor.digest, NULL };
	_cleanup_(transport_document_fini) struct transport_document doc = { 0 };
	struct err why = { 0 };
	const int rc = transport_get_referrers(c->req->from, op, &subject, &doc, &why);

	if (rc < 0 && why.kind == ERR_UNSUPPORTED)
		return 0;
	if (rc < 0) {
		err_keep_first(err, &why);
		return rc;
	}
	TRY(document_parse(buf_str(&doc.bytes), doc.bytes.len, MEDIA_TYPE_OCI_INDEX,
			   &file->referrers, err));
	return 0;
}

int copy_fetch_referrers(struct copy *c, struct op *op, struct copy_file *file, struct err *err)
{
	if (!c->req->referrers)
		return 0;
	TRY(fetch_list(c, op, file, err));
	return fetch_tags(c, op, file, err);
}

int copy_fetch_named(struct copy *c, const char *name, struct copy_file *ret, struct err *err)
{
	struct transport_document doc = { 0 };

	TRY(count_read(c, 0, err));
	TRY(transport_get_document(c->req->from, c->op, name, &doc, err));
	take_document(&doc, ret);
	return 0;
}

/* --- several --------------------------------------------------------------------------------- */

struct fetch_job {
	struct copy *copy;
	const struct descriptor *descriptor;
	struct copy_file *file;
};

static int fetch_job(struct op *op, void *arg, struct err *err)
{
	const struct fetch_job *job = arg;
	struct err why = { 0 };
	const int rc = copy_fetch_one(job->copy, op, job->descriptor, job->file, &why);

	if (rc >= 0)
		return copy_fetch_referrers(job->copy, op, job->file, err);
	/* Whether it may be missing is for the walk to say. */
	if (why.kind == ERR_NOT_FOUND) {
		job->file->is_missing = true;
		return 0;
	}
	err_keep_first(err, &why);
	return rc;
}

int copy_fetch_all(struct copy *c, const struct descriptor *const *entries, size_t count,
		   struct copy_file *files, struct err *err)
{
	_free_ struct fetch_job *list = xcalloc(count ? count : 1, sizeof(list[0]));
	struct jobs *pool = jobs_new(c->op, c->req->jobs ? c->req->jobs : COPY_JOBS_DEFAULT);
	_digest_set_ struct digest_set *asked = digest_set_new();

	for (size_t i = 0; i < count; i++) {
		if (digest_set_has(c->plan.seen_documents, &entries[i]->digest) ||
		    (entries[i]->digest.alg != DIGEST_NONE &&
		     !digest_set_add(asked, &entries[i]->digest)))
			continue;
		list[i] = (struct fetch_job){ c, entries[i], &files[i] };
		jobs_add(pool, fetch_job, &list[i]);
	}
	const int rc = jobs_wait(pool, err);

	jobs_free(pool);
	return rc;
}
