/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layouts as places to read from. Somebody else may have made the folder: what it says is read
 * under limits, blobs are opened below it without following any link, and a document is hashed
 * before it is given to anybody. By digest everything is found that has a file, listed or not.
 */
#include "base/mem.h"
#include "base/text.h"
#include "store/backends.h"
#include "store/reach.h"
#include "stream/hash.h"
#include "sys/file.h"
#include "transport/layout_int.h"

#define LAYOUT_FILE_BYTES_MAX 4096
/* Bytes of documents that are looked at for their subjects. */
#define SUBJECT_BYTES_MAX ((uint64_t)64 << 20)

/* --- opening --------------------------------------------------------------------------------- */

int layout_read_file(int root, const char *name, struct buf *out, struct err *err)
{
	struct err why = { 0 };
	const int rc = file_read(root, name, out, &why);

	if (rc >= 0 || why.kind == ERR_NOT_FOUND)
		return 0;
	err_keep_first(err, &why);
	return err_prefix(err, "%s", name);
}

/* image-spec image-layout.md "oci-layout file": 1.0.0 is the only version there ever was. */
static int check_version(const struct buf *bytes, struct err *err)
{
	_json_ struct json *root = NULL;

	if (json_parse(buf_str(bytes), bytes->len, &root, err) < 0)
		return err_prefix(err, "oci-layout");
	const char *version = json_str(json_get(root, "imageLayoutVersion"), NULL);

	if (!version)
		return err_set(err, ERR_DAMAGED, "oci-layout: no imageLayoutVersion");
	if (!text_starts_with(version, "1."))
		return err_set(err, ERR_UNSUPPORTED, "oci-layout: version %s, not 1.0.0",
			       TEXT_ESCAPED(version));
	return 0;
}

static int load_index(struct layout *l, struct err *err)
{
	_buf_ struct buf bytes = BUF_INIT(LAYOUT_INDEX_BYTES_MAX);
	struct document index = { 0 };

	TRY(layout_read_file(l->root, "index.json", &bytes, err));
	if (!bytes.len && l->use == LAYOUT_READ)
		return err_set(err, ERR_DAMAGED, "no index.json");
	if (bytes.len)
		TRY(layout_index_parse(&bytes, &index, err));
	document_fini(&l->index);
	l->index = index;
	return 0;
}

int layout_load(struct layout *l, struct err *err)
{
	_buf_ struct buf bytes = BUF_INIT(LAYOUT_FILE_BYTES_MAX);

	TRY(layout_read_file(l->root, "oci-layout", &bytes, err));
	if (!bytes.len && l->use == LAYOUT_READ)
		return err_set(err, ERR_DAMAGED, "no OCI image layout (no oci-layout file)");
	if (!bytes.len)
		return layout_check_vacant(l->root, l->path, err);
	TRY(check_version(&bytes, err));
	return load_index(l, err);
}

static int open_root(struct layout *l, struct err *err)
{
	struct err why = { 0 };

	l->root = file_open_dir(l->path, false, 0, &why);
	if (l->root < 0) {
		l->root = -1;
		if (why.kind == ERR_NOT_FOUND && l->use == LAYOUT_WRITE)
			return 0;
		err_keep_first(err, &why);
		return -why.errnum;
	}
	l->readable = blobs_new_files(l->root, -1);
	return layout_load(l, err);
}

int layout_blobs(struct layout *l, struct blobs **ret, struct err *err)
{
	pthread_mutex_lock(&l->lock);
	struct blobs *blobs = l->writable ? l->writable : l->readable;

	pthread_mutex_unlock(&l->lock);
	if (!blobs)
		return err_set(err, ERR_NOT_FOUND, "%s: there is no layout yet", l->path);
	*ret = blobs;
	return 0;
}

/* --- documents ------------------------------------------------------------------------------- */

static int no_such_name(const struct layout *l, const char *name, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "%s: no image is named %s", TEXT_ESCAPED(l->path),
		       TEXT_ESCAPED(name));
}

/* What a name means. */
struct found {
	struct digest digest;
	const struct descriptor *entry; /* NULL for a digest that is not listed */
};

static int find(struct layout *l, struct op *op, const char *name, struct found *ret,
		struct err *err)
{
	size_t others = 0;

	if (digest_parse(name, strlen(name), &ret->digest, NULL) == 0) {
		ret->entry = layout_index_find_digest(&l->index, &ret->digest);
		return 0;
	}
	ret->entry = layout_index_find(&l->index, name, &others);
	if (!ret->entry)
		return no_such_name(l, name, err);
	TRY(descriptor_need_digest(ret->entry, err));
	ret->digest = ret->entry->digest;
	if (others)
		op_note(op, "%s: %zu further images are named %s; the first is taken",
			TEXT_ESCAPED(l->path), others, TEXT_ESCAPED(name));
	return 0;
}

static int read_verified(struct layout *l, const struct digest *d, struct buf *out, struct err *err)
{
	struct blobs *blobs = NULL;

	TRY(layout_blobs(l, &blobs, err));
	return blobs_read_verified(blobs, d, out, err);
}

/* What the entry says of it, else what it says itself. */
static int describe(const struct found *found, const struct buf *bytes, struct descriptor *ret,
		    struct err *err)
{
	const struct descriptor *entry = found->entry;
	_document_ struct document doc = { 0 };

	if (entry && entry->size != bytes->len)
		return err_set(err, ERR_DAMAGED, "%s: %zu bytes, index.json says %" PRIu64,
			       DIGEST_TEXT(&found->digest), bytes->len, entry->size);
	if (!entry)
		TRY(document_parse(buf_str(bytes), bytes->len, NULL, &doc, err));
	descriptor_init(ret, entry ? entry->media_type : doc.media_type, &found->digest,
			bytes->len);
	return 0;
}

int layout_get_document(struct transport *t, struct op *op, const char *name,
			struct transport_document *ret, struct err *err)
{
	struct layout *l = layout_of(t);
	_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);
	struct found found;
	struct descriptor d;

	TRY(find(l, op, name, &found, err));
	TRY(read_verified(l, &found.digest, &bytes, err));
	TRY(describe(&found, &bytes, &d, err));
	*ret = (struct transport_document){ .descriptor = d, .bytes = bytes };
	bytes = BUF_INIT(0);
	return 0;
}

static int layout_resolve(struct transport *t, struct op *op, const char *name,
			  struct descriptor *ret, struct err *err)
{
	_cleanup_(transport_document_fini) struct transport_document doc = { 0 };
	struct layout *l = layout_of(t);
	struct blobs *blobs = NULL;
	struct found found;

	TRY(find(l, op, name, &found, err));
	if (found.entry) {
		/* Listed is not there: a name whose document is lost means nothing. */
		TRY(layout_blobs(l, &blobs, err));
		TRY(blobs_stat(blobs, &found.digest, NULL, err));
		descriptor_init(ret, found.entry->media_type, &found.digest, found.entry->size);
		return 0;
	}
	TRY(layout_get_document(t, op, name, &doc, err));
	*ret = doc.descriptor;
	doc.descriptor = (struct descriptor){ 0 };
	return 0;
}

static int layout_open_blob(struct transport *t, struct op *op, struct transport_range *range,
			    struct source **ret, struct err *err)
{
	struct blobs *blobs = NULL;
	uint64_t size = 0;
	int fd = -1;

	(void)op;
	TRY(descriptor_need_digest(range->descriptor, err));
	TRY(layout_blobs(layout_of(t), &blobs, err));
	TRY(blobs_open(blobs, &range->descriptor->digest, &fd, &size, err));
	range->ret_offset = range->offset < size ? range->offset : size;
	*ret = source_fd(fd, range->ret_offset, size - range->ret_offset);
	return 0;
}

/* --- names ----------------------------------------------------------------------------------- */

/* Whether the name was not seen before. */
static bool is_new_name(struct digest_set *seen, const char *name)
{
	struct digest d;

	hash_bytes(DIGEST_SHA256, name, strlen(name), &d);
	return digest_set_add(seen, &d);
}

static int layout_list_tags(struct transport *t, struct op *op, transport_name_fn *fn, void *arg,
			    struct err *err)
{
	const struct descriptors *entries = &layout_of(t)->index.index.manifests;
	_digest_set_ struct digest_set *seen = digest_set_new();

	(void)op;
	for (size_t i = 0; i < entries->count; i++) {
		const char *name = layout_entry_name(&entries->items[i]);

		if (name && *name && is_new_name(seen, name))
			TRY(fn(arg, name, err));
	}
	return 0;
}

static const char *entry_key(const struct descriptor *entry)
{
	const char *name = layout_entry_name(entry);

	return name && *name ? name : entry->digest_text;
}

static int name_choice(const struct layout *l, struct err *err)
{
	const struct descriptors *entries = &l->index.index.manifests;
	_buf_ struct buf names = BUF_INIT(200);
	const int rc =
		err_set(err, ERR_USAGE, "%s: the layout has several images", TEXT_ESCAPED(l->path));

	for (size_t i = 0; i < entries->count; i++)
		if (buf_printf(&names, NULL, "%s%s", i ? ", " : "",
			       TEXT_ESCAPED(entry_key(&entries->items[i]))) < 0)
			break;
	err_hint(err, "add one of the names: %s", buf_str(&names));
	return rc;
}

int layout_only_name(struct transport *t, char **ret, struct err *err)
{
	const struct layout *l = layout_of(t);
	const struct descriptors *entries = &l->index.index.manifests;

	if (!entries->count)
		return err_set(err, ERR_NOT_FOUND, "%s: the layout is empty",
			       TEXT_ESCAPED(l->path));
	for (size_t i = 1; i < entries->count; i++)
		if (strcmp(entry_key(&entries->items[0]), entry_key(&entries->items[i])) != 0)
			return name_choice(l, err);
	*ret = xstrdup(entry_key(&entries->items[0]));
	return 0;
}

/* --- referrers ------------------------------------------------------------------------------- */

/* Looks at what index.json lists; of what is not there nothing can be said. The lock is held. */
static void find_subjects(struct layout *l, struct blobs *blobs)
{
	const struct descriptors *entries = &l->index.index.manifests;
	uint64_t left = SUBJECT_BYTES_MAX;

	if (l->subjects)
		return;
	l->subjects = subjects_new();
	for (size_t i = 0; i < entries->count; i++) {
		_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);
		const struct descriptor *entry = &entries->items[i];

		if (entry->digest.alg == DIGEST_NONE || entry->size > left ||
		    (entry->media.kind != MEDIA_MANIFEST && entry->media.kind != MEDIA_INDEX))
			continue;
		const bool is_whole = blobs_read_verified(blobs, &entry->digest, &bytes, NULL) == 0;

		left -= bytes.len < left ? bytes.len : left;
		if (is_whole)
			subjects_add(l->subjects, entry, &bytes);
	}
}

static int layout_get_referrers(struct transport *t, struct op *op,
				const struct transport_subject *subject,
				struct transport_document *ret, struct err *err)
{
	_cleanup_(transport_document_fini) struct transport_document listed = { 0 };
	char tag[SUBJECT_TAG_BYTES];
	struct layout *l = layout_of(t);
	struct blobs *blobs = NULL;
	struct err why = { 0 };

	TRY(layout_blobs(l, &blobs, err));
	pthread_mutex_lock(&l->lock);
	find_subjects(l, blobs);
	pthread_mutex_unlock(&l->lock);
	const int rc = layout_get_document(t, op, subject_tag(subject->digest, tag), &listed, &why);

	if (rc < 0 && why.kind != ERR_NOT_FOUND) {
		err_keep_first(err, &why);
		return rc;
	}
	return subjects_index_with(l->subjects, subject, rc < 0 ? NULL : &listed, ret, err);
}

/* --- the transport --------------------------------------------------------------------------- */

static void layout_close(struct transport *t)
{
	struct layout *l = layout_of(t);

	if (l->writable)
		l->writable->ops->close(l->writable);
	if (l->readable)
		l->readable->ops->close(l->readable);
	layout_leave(l);
	for (size_t i = 0; i < l->changes.count; i++)
		layout_change_fini(&l->changes.items[i]);
	for (size_t i = 0; i < l->unnamed_count; i++)
		descriptor_fini(&l->unnamed[i].descriptor);
	free(l->changes.items);
	free(l->unnamed);
	free(l->written);
	subjects_free(l->subjects);
	document_fini(&l->index);
	pthread_mutex_destroy(&l->lock);
	if (l->root >= 0)
		(void)close(l->root);
	free(l->path);
	free(l);
}

static const struct transport_ops reading_ops = {
	.get_document = layout_get_document,
	.resolve = layout_resolve,
	.open_blob = layout_open_blob,
	.list_tags = layout_list_tags,
	.get_referrers = layout_get_referrers,
	.close = layout_close,
};
static const struct transport_ops writing_ops = {
	.get_document = layout_get_document,
	.resolve = layout_resolve,
	.open_blob = layout_open_blob,
	.list_tags = layout_list_tags,
	.get_referrers = layout_get_referrers,
	.has_blob = layout_has_blob,
	.put_blob = layout_put_blob,
	.put_document = layout_put_document,
	.remove_document = layout_remove_document,
	.remove_blob = layout_remove_blob,
	.finish = layout_finish,
	.close = layout_close,
};

int layout_open(struct op *op, const char *path, enum layout_use use, struct transport **ret,
		struct err *err)
{
	struct layout *l = NEW(struct layout);

	(void)op;
	l->base.ops = use == LAYOUT_WRITE ? &writing_ops : &reading_ops;
	l->path = xstrdup(path);
	l->use = use;
	l->busy_ms = LAYOUT_BUSY_MS;
	l->root = -1;
	l->staging = -1;
	pthread_mutex_init(&l->lock, NULL);
	const int rc = open_root(l, err);

	if (rc < 0) {
		layout_close(&l->base);
		return err_prefix(err, "%s", TEXT_ESCAPED(path));
	}
	*ret = &l->base;
	return 0;
}
