/* SPDX-License-Identifier: Apache-2.0 */
/* Mending what is the store's own: modes, the layout file, records. */
#include "base/mem.h"
#include "base/text.h"
#include "manifest/document.h"
#include "store/backends.h"
#include "store/fsck.h"
#include "store/image_records.h"
#include "store/keep.h"
#include "sys/file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static int open_root(struct store *store, struct err *err)
{
	const char *path = store_path(store);

	if (!path || store_staging(store) < 0)
		return err_set(err, ERR_READ_ONLY, "the store is open for reading only");
	return file_open_dir(path, false, 0, err);
}

static int mend_layout(struct store *store, struct err *err)
{
	const struct file_content content = { STORE_OCI_LAYOUT, strlen(STORE_OCI_LAYOUT), 0444 };
	_close_ int root = open_root(store, err);

	TRY(root);
	return file_replace(root, "oci-layout", &content, err);
}

static int mend_mode(struct store *store, const struct fsck_finding *f, struct err *err)
{
	static const struct {
		const char *folder, *suffix;
	} places[] = {
		[FSCK_BLOB] = { "blobs", "" },
		[FSCK_LAYER] = { "layers", ".tar" },
		[FSCK_INDEX] = { "layers", ".idx" },
		[FSCK_TREE] = { "trees", ".erofs" },
	};
	_close_ int root = open_root(store, err);

	TRY(root);
	_free_ char *path = xasprintf("%s/%s/%s%s", places[f->thing].folder,
				      digest_alg_name(f->digest.alg), DIGEST_HEX(&f->digest),
				      places[f->thing].suffix);
	_close_ int fd = file_open_beneath(root, path, O_RDONLY | O_NONBLOCK, 0, err);

	TRY(fd);
	return fchmod(fd, 0444) < 0 ? err_sys(err, errno, "%s", path) : 0;
}

/* --- records --- */

static int drop(struct records *r, const char *key, struct err *err)
{
	_record_ struct record rec = { 0 };

	TRY(records_get(r, key, &rec, err));
	return records_remove(r, key, rec.generation, err);
}

/* The record as its document says, children as far as the repository has them. */
static int make_record(struct store *store, const char *name, const struct digest *d,
		       struct manifest_record *m, struct err *err)
{
	_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);
	_document_ struct document doc = { 0 };

	TRY(blobs_read(store->blobs, d, &bytes, err));
	TRY(document_parse(buf_str(&bytes), bytes.len, NULL, &doc, err));
	m->digest = *d;
	m->size = bytes.len;
	free(m->media_type);
	m->media_type = xstrdup(doc.media_type);
	for (size_t i = 0; i < doc.index.manifests.count; i++) {
		const struct digest *child = &doc.index.manifests.items[i].digest;
		_manifest_record_ struct manifest_record below = { 0 };

		if (child->alg != DIGEST_NONE &&
		    manifest_record_get(store->records, name, child, &below, NULL) == 0)
			(void)manifest_record_add(m, child);
	}
	return 0;
}

struct rewrite {
	struct store *store;
	const struct fsck_finding *f;
};

static int rewrite_manifest(struct records *r, void *arg, struct err *err)
{
	const struct rewrite *w = arg;
	const char *name = w->f->name + strlen("repo/"), *end = strstr(name, "/_m/");
	_free_ char *repository = xmemdupz(name, (size_t)(end - name));
	_manifest_record_ struct manifest_record m = { 0 };

	/* What can't be read is written as new; nobody knows any more since when it was there. */
	if (manifest_record_get(r, repository, &w->f->digest, &m, NULL) < 0)
		TRY(drop(r, w->f->name, err));
	TRY(make_record(w->store, repository, &w->f->digest, &m, err));
	return manifest_record_put(r, repository, &m, err);
}

static int mend_manifest(struct store *store, const struct fsck_finding *f, struct err *err)
{
	struct rewrite w = { store, f };

	return records_transaction(store->records, rewrite_manifest, &w, err);
}

/* A tag whose manifest is there, but not in the repository's records, which are made then. */
static int adopt(struct records *r, void *arg, struct err *err)
{
	const struct rewrite *w = arg;
	const char *name = w->f->name + strlen("repo/"), *end = strstr(name, "/_t/");
	_free_ char *repository = xmemdupz(name, (size_t)(end - name));
	_manifest_record_ struct manifest_record m = { .stored_at = (int64_t)time(NULL) };

	TRY(make_record(w->store, repository, &w->f->digest, &m, err));
	TRY(manifest_record_put(r, repository, &m, err));
	return keep_manifest(w->store, &w->f->digest, true, err);
}

static int mend_tag(struct store *store, const struct fsck_finding *f, struct err *err)
{
	struct rewrite w = { store, f };
	struct err why = { 0 };
	int rc;

	if (f->problem == FSCK_WRONG) {
		rc = records_transaction(store->records, adopt, &w, &why);
		/* A full disk is no reason to forget a name. */
		if (rc < 0 && why.kind != ERR_NOT_FOUND && why.kind != ERR_DAMAGED)
			err_keep_first(err, &why);
		if (rc == 0 || (why.kind != ERR_NOT_FOUND && why.kind != ERR_DAMAGED))
			return rc;
	}
	rc = drop(store->records, f->name, err);
	return rc < 0 ? rc : 1;
}

int fsck_mend(struct store *store, const struct fsck_finding *f, struct err *err)
{
	if (f->problem == FSCK_MODE)
		return mend_mode(store, f, err);
	if (f->thing == FSCK_FILE && !strcmp(f->name, "oci-layout"))
		return mend_layout(store, err);
	if (f->thing == FSCK_MANIFEST)
		return mend_manifest(store, f, err);
	return f->thing == FSCK_TAG ? mend_tag(store, f, err) : -err_class(ERR_UNSUPPORTED)->errnum;
}
