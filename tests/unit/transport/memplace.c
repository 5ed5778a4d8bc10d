/* SPDX-License-Identifier: Apache-2.0 */
/* The place in memory. */
#include "tests/unit/transport/memplace.h"

#include "base/mem.h"
#include "manifest/document.h"
#include "store/backends.h"
#include "stream/hash.h"
#include "transport/receive.h"

static struct memplace *of(struct transport *t)
{
	return container_of(t, struct memplace, base);
}

/* --- reading --------------------------------------------------------------------------------- */

/* The lock is held. */
static const struct descriptor *find_document(const struct memplace *m, const struct digest *d)
{
	for (size_t i = 0; i < m->document_count; i++)
		if (digest_equal(&m->documents[i].digest, d))
			return &m->documents[i];
	return NULL;
}

static int resolve_locked(const struct memplace *m, const char *name, struct descriptor *ret,
			  struct err *err)
{
	const struct descriptor *found = NULL;
	struct digest d;

	if (digest_parse(name, strlen(name), &d, NULL) == 0)
		found = find_document(m, &d);
	for (size_t i = 0; i < m->tag_count; i++)
		if (!strcmp(m->tags[i].name, name))
			found = find_document(m, &m->tags[i].digest);
	if (!found)
		return err_set(err, ERR_NOT_FOUND, "%s: not there", name);
	descriptor_copy(found, ret);
	return 0;
}

static int mem_resolve(struct transport *t, struct op *op, const char *name, struct descriptor *ret,
		       struct err *err)
{
	struct memplace *m = of(t);

	(void)op;
	pthread_mutex_lock(&m->lock);
	const int rc = resolve_locked(m, name, ret, err);

	pthread_mutex_unlock(&m->lock);
	return rc;
}

static int mem_get_document(struct transport *t, struct op *op, const char *name,
			    struct transport_document *ret, struct err *err)
{
	_descriptor_ struct descriptor d = { 0 };
	_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);

	TRY(mem_resolve(t, op, name, &d, err));
	TRY(blobs_read(of(t)->blobs, &d.digest, &bytes, err));
	*ret = (struct transport_document){ .descriptor = d, .bytes = bytes };
	d = (struct descriptor){ 0 };
	bytes = BUF_INIT(0);
	return 0;
}

/* Misbehaves at `left`, or changes the very last byte. */
struct spoiled {
	struct source base;
	struct source *from;
	struct buf chunk;
	uint64_t left, end; /* bytes until the cut; until the byte that is changed (0: none) */
};

static ssize_t spoiled_next(struct source *src, const uint8_t **ret, struct err *err)
{
	struct spoiled *s = container_of(src, struct spoiled, base);

	if (!s->left)
		return err_set(err, ERR_NETWORK, "connection reset");
	ssize_t n = source_next(s->from, ret, err);

	if (n <= 0)
		return n;
	if ((uint64_t)n > s->left)
		n = (ssize_t)s->left;
	s->left -= (uint64_t)n;
	if (!s->end)
		return n;
	buf_reset(&s->chunk);
	TRY(buf_append(&s->chunk, *ret, (size_t)n, err));
	s->end -= (uint64_t)n;
	if (!s->end)
		s->chunk.data[n - 1] ^= 1;
	*ret = (const uint8_t *)s->chunk.data;
	return n;
}

static void spoiled_close(struct source *src)
{
	struct spoiled *s = container_of(src, struct spoiled, base);

	source_close(s->from);
	buf_fini(&s->chunk);
	free(s);
}

static int mem_open_blob(struct transport *t, struct op *op, struct transport_range *range,
			 struct source **ret, struct err *err)
{
	static const struct source_ops ops = { .next = spoiled_next, .close = spoiled_close };
	struct memplace *m = of(t);
	uint64_t size = 0;
	int fd = -1;

	(void)op;
	TRY(blobs_open(m->blobs, &range->descriptor->digest, &fd, &size, err));
	range->ret_offset = m->cannot_seek ? 0 : range->offset;
	pthread_mutex_lock(&m->lock);
	m->opens++;
	if (range->ret_offset > m->largest_offset)
		m->largest_offset = range->ret_offset;
	pthread_mutex_unlock(&m->lock);
	if (m->cancels)
		op_cancel(m->cancels);
	struct spoiled *s = NEW(struct spoiled);

	s->base.ops = &ops;
	s->from = source_fd(fd, range->ret_offset, size - range->ret_offset);
	s->left = m->cut_at ? m->cut_at : UINT64_MAX;
	s->chunk = BUF_INIT(1 << 24);
	if (digest_equal(&m->lies, &range->descriptor->digest))
		s->end = size - range->ret_offset;
	*ret = &s->base;
	return 0;
}

static int mem_list_tags(struct transport *t, struct op *op, transport_name_fn *fn, void *arg,
			 struct err *err)
{
	struct memplace *m = of(t);

	(void)op;
	m->lists++;
	if (m->has_no_tags)
		return err_set(err, ERR_DENIED, "tags are nobody's business");
	for (size_t i = 0; i < m->tag_count; i++)
		TRY(fn(arg, m->tags[i].name, err));
	return 0;
}

static int mem_get_referrers(struct transport *t, struct op *op,
			     const struct transport_subject *subject,
			     struct transport_document *ret, struct err *err)
{
	struct memplace *m = of(t);
	struct subjects *s = subjects_new();

	(void)op;
	if (m->has_no_referrers) {
		subjects_free(s);
		return err_set(err, ERR_UNSUPPORTED, "no referrers");
	}
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < m->document_count; i++) {
		_buf_ struct buf bytes = BUF_INIT(DOCUMENT_BYTES_MAX);

		if (blobs_read(m->blobs, &m->documents[i].digest, &bytes, NULL) == 0)
			subjects_add(s, &m->documents[i], &bytes);
	}
	const int rc = subjects_index(s, subject, ret, err);

	pthread_mutex_unlock(&m->lock);
	subjects_free(s);
	return rc;
}

/* --- writing --------------------------------------------------------------------------------- */

static int mem_has_blob(struct transport *t, struct op *op, const struct descriptor *d,
			struct err *err)
{
	(void)op;
	(void)err;
	return blobs_stat(of(t)->blobs, &d->digest, NULL, NULL) >= 0;
}

static int mem_put_blob(struct transport *t, struct op *op, struct transport_upload *upload,
			struct err *err)
{
	TRY(receive_blob(of(t)->blobs, op, upload, err));
	pthread_mutex_lock(&of(t)->lock);
	of(t)->blob_puts += upload->ret_how == UPLOAD_SENT;
	pthread_mutex_unlock(&of(t)->lock);
	return 0;
}

static int need(const struct memplace *m, const struct descriptor *d, struct err *err)
{
	if (m->takes_any_order || d->media.is_foreign ||
	    blobs_stat(m->blobs, &d->digest, NULL, NULL) >= 0)
		return 0;
	return err_set(err, ERR_FAILED, "%s is not there yet", d->digest_text);
}

static int check_needs(const struct memplace *m, const struct transport_document *file,
		       struct err *err)
{
	_document_ struct document doc = { 0 };

	TRY(document_parse(buf_str(&file->bytes), file->bytes.len, file->descriptor.media_type,
			   &doc, err));
	for (size_t i = 0; i < doc.index.manifests.count; i++)
		TRY(need(m, &doc.index.manifests.items[i], err));
	if (doc.kind == DOCUMENT_MANIFEST)
		TRY(need(m, &doc.manifest.config, err));
	for (size_t i = 0; i < doc.manifest.layers.count; i++)
		TRY(need(m, &doc.manifest.layers.items[i], err));
	return 0;
}

static void add_document(struct memplace *m, const struct descriptor *d)
{
	if (find_document(m, &d->digest))
		return;
	m->documents = xreallocarray(m->documents, m->document_count + 1, sizeof(m->documents[0]));
	descriptor_init(&m->documents[m->document_count++], d->media_type, &d->digest, d->size);
}

static void set_tag(struct memplace *m, const char *name, const struct digest *d)
{
	for (size_t i = 0; i < m->tag_count; i++)
		if (!strcmp(m->tags[i].name, name)) {
			m->tags[i].digest = *d;
			return;
		}
	m->tags = xreallocarray(m->tags, m->tag_count + 1, sizeof(m->tags[0]));
	m->tags[m->tag_count++] = (struct memplace_tag){ xstrdup(name), *d };
}

static int put_locked(struct memplace *m, const char *name, const struct transport_document *doc,
		      struct err *err)
{
	if (m->lost.alg != DIGEST_NONE) {
		(void)blobs_remove(m->blobs, &m->lost, NULL);
		m->lost = (struct digest){ 0 };
	}
	TRY(check_needs(m, doc, err));
	TRY(blobs_put(m->blobs, NULL, &doc->descriptor.digest, &doc->bytes, err));
	add_document(m, &doc->descriptor);
	if (name)
		set_tag(m, name, &doc->descriptor.digest);
	m->document_puts++;
	snprintf(m->last_put, sizeof(m->last_put), "%s", name ? name : doc->descriptor.digest_text);
	return 0;
}

static int mem_put_document(struct transport *t, struct op *op, const char *name,
			    const struct transport_document *doc, struct err *err)
{
	struct memplace *m = of(t);

	(void)op;
	pthread_mutex_lock(&m->lock);
	const int rc = put_locked(m, name, doc, err);

	pthread_mutex_unlock(&m->lock);
	return rc;
}

static void mem_close(struct transport *t)
{
	(void)t;
}

void memplace_init(struct memplace *m)
{
	static const struct transport_ops ops = {
		.get_document = mem_get_document,
		.resolve = mem_resolve,
		.open_blob = mem_open_blob,
		.list_tags = mem_list_tags,
		.get_referrers = mem_get_referrers,
		.has_blob = mem_has_blob,
		.put_blob = mem_put_blob,
		.put_document = mem_put_document,
		.close = mem_close,
	};

	*m = (struct memplace){ .base.ops = &ops, .blobs = blobs_new_memory() };
	pthread_mutex_init(&m->lock, NULL);
}

void memplace_fini(struct memplace *m)
{
	for (size_t i = 0; i < m->document_count; i++)
		descriptor_fini(&m->documents[i]);
	for (size_t i = 0; i < m->tag_count; i++)
		free(m->tags[i].name);
	free(m->documents);
	free(m->tags);
	m->blobs->ops->close(m->blobs);
	pthread_mutex_destroy(&m->lock);
}

/* --- makers ---------------------------------------------------------------------------------- */

void mem_blob(struct memplace *m, const char *media_type, const void *data, size_t len,
	      struct descriptor *ret)
{
	_buf_ struct buf bytes = BUF_INIT(1 << 26);
	struct digest d;

	hash_bytes(DIGEST_SHA256, data, len, &d);
	if (buf_append(&bytes, data, len, NULL) < 0 ||
	    blobs_put(m->blobs, NULL, &d, &bytes, NULL) < 0)
		abort();
	descriptor_init(ret, media_type, &d, len);
}

void mem_text(struct memplace *m, const char *media_type, const char *text, struct descriptor *ret)
{
	mem_blob(m, media_type, text, strlen(text), ret);
}

void mem_document(struct memplace *m, const char *media_type, const char *text,
		  struct descriptor *ret)
{
	mem_text(m, media_type, text, ret);
	add_document(m, ret);
}

static char *print(struct json *owned)
{
	_json_ struct json *o = owned;
	struct buf text = BUF_INIT(DOCUMENT_BYTES_MAX);

	if (json_print(o, 0, &text, NULL) < 0)
		abort();
	return buf_take(&text);
}

static void make_manifest(struct memplace *m, const struct descriptor *config,
			  const struct descriptor *layer, const struct descriptor *subject,
			  struct descriptor *ret)
{
	struct json *o = json_new_object(), *layers = json_new_array();

	json_set_int(o, "schemaVersion", 2);
	json_set_str(o, "mediaType", MEDIA_TYPE_OCI_MANIFEST);
	json_set(o, "config", descriptor_json(config));
	json_add(layers, descriptor_json(layer));
	json_set(o, "layers", layers);
	if (subject) {
		_descriptor_ struct descriptor plain = { 0 };

		descriptor_init(&plain, subject->media_type, &subject->digest, subject->size);
		json_set(o, "subject", descriptor_json(&plain));
	}
	_free_ char *text = print(o);

	mem_document(m, MEDIA_TYPE_OCI_MANIFEST, text, ret);
}

void mem_image(struct memplace *m, const char *platform, const char *text, struct descriptor *ret)
{
	_descriptor_ struct descriptor config = { 0 }, layer = { 0 };
	_platform_ struct platform p = { 0 };

	if (!platform)
		platform_host(&p);
	else if (platform_parse(platform, &p, NULL) < 0)
		abort();
	mem_text(m, MEDIA_TYPE_OCI_LAYER, text, &layer);
	_free_ char *config_text =
		xasprintf("{\"os\":\"%s\",\"architecture\":\"%s\",\"rootfs\":{\"type\":\"layers\","
			  "\"diff_ids\":[\"%s\"]}}",
			  p.os, p.arch, layer.digest_text);

	mem_text(m, MEDIA_TYPE_OCI_CONFIG, config_text, &config);
	make_manifest(m, &config, &layer, NULL, ret);
}

void mem_artifact(struct memplace *m, const char *text, const struct descriptor *subject,
		  struct descriptor *ret)
{
	_descriptor_ struct descriptor config = { 0 }, layer = { 0 };

	mem_text(m, MEDIA_TYPE_OCI_EMPTY, "{}", &config);
	mem_text(m, "text/plain", text, &layer);
	make_manifest(m, &config, &layer, subject, ret);
}

void mem_index(struct memplace *m, const struct mem_entry *entries, size_t count,
	       struct descriptor *ret)
{
	struct json *o = json_new_object(), *list = json_new_array();

	json_set_int(o, "schemaVersion", 2);
	json_set_str(o, "mediaType", MEDIA_TYPE_OCI_INDEX);
	for (size_t i = 0; i < count; i++) {
		_descriptor_ struct descriptor d = { 0 };

		descriptor_copy(entries[i].descriptor, &d);
		if (entries[i].platform) {
			d.platform = NEW(struct platform);
			if (platform_parse(entries[i].platform, d.platform, NULL) < 0)
				abort();
		}
		if (entries[i].attests) {
			annotations_set(&d.annotations, ANNOTATION_DOCKER_REFERENCE_TYPE,
					"attestation-manifest");
			annotations_set(&d.annotations, "vnd.docker.reference.digest",
					entries[i].attests);
		}
		json_add(list, descriptor_json(&d));
	}
	json_set(o, "manifests", list);
	_free_ char *text = print(o);

	mem_document(m, MEDIA_TYPE_OCI_INDEX, text, ret);
}

void mem_tag(struct memplace *m, const char *name, const struct descriptor *d)
{
	set_tag(m, name, &d->digest);
}

void mem_lose(struct memplace *m, const struct descriptor *d)
{
	(void)blobs_remove(m->blobs, &d->digest, NULL);
	for (size_t i = 0; i < m->document_count; i++)
		if (digest_equal(&m->documents[i].digest, &d->digest)) {
			descriptor_fini(&m->documents[i]);
			m->documents[i] = m->documents[--m->document_count];
			return;
		}
}

bool mem_has(struct memplace *m, const struct descriptor *d)
{
	return blobs_stat(m->blobs, &d->digest, NULL, NULL) >= 0;
}

bool mem_is_tagged(struct memplace *m, const char *name, const struct descriptor *d)
{
	for (size_t i = 0; i < m->tag_count; i++)
		if (!strcmp(m->tags[i].name, name))
			return digest_equal(&m->tags[i].digest, &d->digest);
	return false;
}

static int count_one(void *arg, const struct digest *d, uint64_t size, struct err *err)
{
	(void)d;
	(void)size;
	(void)err;
	++*(size_t *)arg;
	return 0;
}

size_t mem_blob_count(struct memplace *m)
{
	size_t count = 0;

	(void)blobs_list(m->blobs, count_one, &count, NULL);
	return count;
}
