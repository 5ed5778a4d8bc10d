/* SPDX-License-Identifier: Apache-2.0 */
/* Reading layouts: those of others, and those that somebody made to hurt. */
#include "transport/layout.h"

#include "base/mem.h"
#include "manifest/document.h"
#include "stream/hash.h"
#include "tests/support/tmp.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <sys/stat.h>

#define VERSION	 "{\"imageLayoutVersion\":\"1.0.0\"}"
#define MANIFEST "{\"schemaVersion\":2,\"config\":" EMPTY ",\"layers\":[]}"
#define EMPTY                                                                         \
	"{\"mediaType\":\"application/vnd.oci.empty.v1+json\",\"size\":2,\"digest\":" \
	"\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\"}"
#define OTHER	"{\"schemaVersion\":2,\"config\":" EMPTY ",\"layers\":[],\"x\":1}"
#define NAME(n) "\"annotations\":{\"org.opencontainers.image.ref.name\":\"" n "\"}"

/* "sha256:..." of a text; free it. */
static char *digest_str(const char *text)
{
	struct digest d;

	hash_bytes(DIGEST_SHA256, text, strlen(text), &d);
	return xstrdup(DIGEST_TEXT(&d));
}

/* An entry of index.json for a document; `more` are further members. Free it. */
static char *entry(const char *document, const char *more)
{
	_free_ char *digest = digest_str(document);

	return xasprintf("{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu%s%s}",
			 MEDIA_TYPE_OCI_MANIFEST, digest, strlen(document), *more ? "," : "", more);
}

static void write_blob(const struct tmp *t, const char *content, const char *as)
{
	_free_ char *digest = digest_str(as);
	_free_ char *name = xasprintf("blobs/sha256/%s", digest + strlen("sha256:"));

	tmp_write_str(t, name, content);
}

static void make(const struct tmp *t, const char *index)
{
	if (mkdirat(t->fd, "blobs", 0700) < 0 || mkdirat(t->fd, "blobs/sha256", 0700) < 0)
		abort();
	tmp_write_str(t, "oci-layout", VERSION);
	if (index)
		tmp_write_str(t, "index.json", index);
	write_blob(t, MANIFEST, MANIFEST);
	write_blob(t, OTHER, OTHER);
}

/* An index.json of entries. */
static char *index_of(const char *const *entries, size_t count)
{
	struct buf text = BUF_INIT(1 << 20);

	(void)buf_append_str(&text, "{\"schemaVersion\":2,\"manifests\":[", NULL);
	for (size_t i = 0; i < count; i++)
		(void)buf_printf(&text, NULL, "%s%s", i ? "," : "", entries[i]);
	(void)buf_append_str(&text, "]}", NULL);
	return buf_take(&text);
}

static int open_at(const struct tmp *t, struct transport **ret, struct err *err)
{
	struct op op = { 0 };

	return layout_open(&op, t->path, LAYOUT_READ, ret, err);
}

/* image-spec image-layout.md */
void test_layout__what_is_none(void)
{
	static const struct {
		const char *row, *version, *index; /* NULL: no such file */
		enum err_kind kind;
		const char *message;
	} rows[] = {
		{ "no oci-layout", NULL, "{\"schemaVersion\":2,\"manifests\":[]}", ERR_DAMAGED,
		  "no oci-layout file" },
		{ "no index.json", VERSION, NULL, ERR_DAMAGED, "no index.json" },
		{ "another version", "{\"imageLayoutVersion\":\"2.0.0\"}", "{}", ERR_UNSUPPORTED,
		  "version 2.0.0" },
		{ "no version", "{}", "{}", ERR_DAMAGED, "imageLayoutVersion" },
		{ "a version that is no text", "{\"imageLayoutVersion\":1}", "{}", ERR_DAMAGED,
		  "imageLayoutVersion" },
		{ "hostile version", "{\"imageLayoutVersion\":\"\\u001b[m\"}", "{}",
		  ERR_UNSUPPORTED, "\\x1b[m" },
		{ "no JSON", "1.0.0", "{}", ERR_DAMAGED, "oci-layout" },
		{ "index is no JSON", VERSION, "{", ERR_DAMAGED, "index.json" },
		{ "index is a manifest", VERSION, MANIFEST, ERR_DAMAGED, "index.json" },
		{ "index says it is one", VERSION,
		  "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST
		  "\",\"config\":" EMPTY ",\"layers\":[]}",
		  ERR_DAMAGED, "not an index" },
		{ "index is both", VERSION,
		  "{\"schemaVersion\":2,\"manifests\":[],\"layers\":[],\"config\":" EMPTY "}",
		  ERR_DAMAGED, "index.json" },
		{ "digest with a path", VERSION,
		  "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST
		  "\",\"digest\":\"sha256:../../../etc/passwd\",\"size\":1}]}",
		  ERR_DAMAGED, "digest" },
		{ "negative size", VERSION,
		  "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST
		  "\",\"digest\":\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f6"
		  "1caaff8a\",\"size\":-1}]}",
		  ERR_DAMAGED, "size" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_tmp_ struct tmp t = tmp_make();
		struct transport *layout = NULL;
		struct err err = { 0 };

		if (rows[i].version)
			tmp_write_str(&t, "oci-layout", rows[i].version);
		if (rows[i].index)
			tmp_write_str(&t, "index.json", rows[i].index);
		CU_ASSERT(open_at(&t, &layout, &err) < 0);
		CU_ASSERT_EQUAL(err.kind, rows[i].kind);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, rows[i].message));
		if (!strstr(err.msg, rows[i].message))
			fprintf(stderr, "# %s: %s\n", rows[i].row, err.msg);
	}
}

void test_layout__no_folder(void)
{
	struct transport *layout = NULL;
	struct err err = { 0 };

	CU_ASSERT(layout_open(NULL, "/nonexistent/x", LAYOUT_READ, &layout, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
}

/* The media type that a name leads to; "" when it leads nowhere. */
static enum err_kind get(const struct tmp *t, const char *name, const char *content)
{
	_cleanup_(transport_document_fini) struct transport_document doc = { 0 };
	_descriptor_ struct descriptor d = { 0 };
	struct transport *layout = NULL;
	struct err err = { 0 };

	if (open_at(t, &layout, &err) < 0)
		return err.kind;
	if (transport_get_document(layout, NULL, name, &doc, &err) >= 0) {
		CU_ASSERT_STRING_EQUAL(buf_str(&doc.bytes), content);
		CU_ASSERT_STRING_EQUAL(doc.descriptor.media_type, MEDIA_TYPE_OCI_MANIFEST);
		CU_ASSERT_EQUAL(transport_resolve(layout, NULL, name, &d, NULL), 0);
		CU_ASSERT(digest_equal(&d.digest, &doc.descriptor.digest));
		CU_ASSERT_EQUAL(d.size, strlen(content));
	}
	transport_close(layout);
	return err.kind;
}

void test_layout__names(void)
{
	_tmp_ struct tmp t = tmp_make();
	_free_ char *a = entry(MANIFEST, NAME("a")), *again = entry(OTHER, NAME("a"));
	_free_ char *full = entry(OTHER, NAME("docker.io/library/b:1"));
	_free_ char *containerd = entry(
		OTHER, "\"annotations\":{\"io.containerd.image.name\":\"docker.io/library/c:1\"}");
	_free_ char *plain = entry(OTHER, ""), *unlisted = digest_str(MANIFEST);
	_free_ char *absent = digest_str("absent");
	_free_ char *index = index_of((const char *[]){ a, again, full, containerd, plain }, 5);

	make(&t, index);
	CU_ASSERT_EQUAL(get(&t, "a", MANIFEST), ERR_NONE); /* the first, as skopeo reads it */
	CU_ASSERT_EQUAL(get(&t, "docker.io/library/b:1", OTHER), ERR_NONE);
	CU_ASSERT_EQUAL(get(&t, "docker.io/library/c:1", OTHER), ERR_NONE);
	CU_ASSERT_EQUAL(get(&t, unlisted, MANIFEST), ERR_NONE);
	CU_ASSERT_EQUAL(get(&t, absent, MANIFEST), ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(get(&t, "z", MANIFEST), ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(get(&t, "", MANIFEST), ERR_NOT_FOUND);
}

/* By digest a document needs no entry; what it is it says itself. */
void test_layout__unlisted(void)
{
	_tmp_ struct tmp t = tmp_make();
	_free_ char *digest = digest_str(OTHER), *config = digest_str("{}");

	make(&t, "{\"schemaVersion\":2,\"manifests\":null}");
	write_blob(&t, "{}", "{}");
	CU_ASSERT_EQUAL(get(&t, digest, OTHER), ERR_NONE);
	CU_ASSERT_EQUAL(get(&t, config, ""), ERR_DAMAGED);
}

void test_layout__path_with_colons(void)
{
	_tmp_ struct tmp t = tmp_make();
	_free_ char *a = entry(MANIFEST, NAME("a:b"));
	_free_ char *index = index_of((const char *[]){ a }, 1);
	_free_ char *path = xasprintf("%s/x:y", t.path);
	_cleanup_(transport_document_fini) struct transport_document doc = { 0 };
	struct transport *layout = NULL;
	struct tmp below = t;

	if (mkdirat(t.fd, "x:y", 0700) < 0)
		abort();
	below.fd = openat(t.fd, "x:y", 0);
	make(&below, index);
	(void)close(below.fd);
	CU_ASSERT_EQUAL_FATAL(layout_open(NULL, path, LAYOUT_READ, &layout, NULL), 0);
	CU_ASSERT_EQUAL(transport_get_document(layout, NULL, "a:b", &doc, NULL), 0);
	transport_close(layout);
}

/* --- documents and blobs that are not what they should be --- */

enum trick {
	TRICK_ABSENT,
	TRICK_CONTENT,
	TRICK_LINK,
	TRICK_LINKED_FOLDER,
	TRICK_FOLDER,
	TRICK_FIFO,
	TRICK_SIZE,
	TRICK_COUNT,
};

/* Makes a layout whose only image is tricked. */
static void play(const struct tmp *t, enum trick trick)
{
	_free_ char *plain = entry(MANIFEST, NAME("a"));
	_free_ char *digest = digest_str(MANIFEST);
	_free_ char *file = xasprintf("blobs/sha256/%s", digest + 7);
	_free_ char *lie = xasprintf("{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":7,%s}",
				     MEDIA_TYPE_OCI_MANIFEST, digest, NAME("a"));
	_free_ char *index = index_of((const char *[]){ trick == TRICK_SIZE ? lie : plain }, 1);

	make(t, index);
	tmp_write_str(t, "outside", MANIFEST);
	if (trick == TRICK_SIZE)
		return;
	if (trick == TRICK_LINKED_FOLDER) {
		if (renameat(t->fd, "blobs/sha256", t->fd, "elsewhere") < 0 ||
		    symlinkat("../elsewhere", t->fd, "blobs/sha256") < 0)
			abort();
		return;
	}
	if (unlinkat(t->fd, file, 0) < 0)
		abort();
	if (trick == TRICK_CONTENT)
		tmp_write_str(t, file, OTHER);
	if ((trick == TRICK_LINK && symlinkat("../../outside", t->fd, file) < 0) ||
	    (trick == TRICK_FOLDER && mkdirat(t->fd, file, 0700) < 0) ||
	    (trick == TRICK_FIFO && mkfifoat(t->fd, file, 0600) < 0))
		abort();
}

void test_layout__tricks(void)
{
	static const enum err_kind kinds[TRICK_COUNT] = {
		[TRICK_ABSENT] = ERR_NOT_FOUND,
		[TRICK_CONTENT] = ERR_DAMAGED,
		[TRICK_FOLDER] = ERR_DAMAGED,
		[TRICK_FIFO] = ERR_DAMAGED,
		[TRICK_SIZE] = ERR_DAMAGED,
		/* ELOOP */
		[TRICK_LINK] = ERR_FAILED,
		[TRICK_LINKED_FOLDER] = ERR_FAILED,
	};

	for (int trick = 0; trick < TRICK_COUNT; trick++) {
		_tmp_ struct tmp t = tmp_make();

		play(&t, (enum trick)trick);
		CU_ASSERT_EQUAL(get(&t, "a", MANIFEST), kinds[trick]);
		if (get(&t, "a", MANIFEST) != kinds[trick])
			fprintf(stderr, "# trick %d: %d\n", trick, get(&t, "a", MANIFEST));
	}
}

void test_layout__blobs(void)
{
	_tmp_ struct tmp t = tmp_make();
	_descriptor_ struct descriptor d = { 0 };
	_buf_ struct buf all = BUF_INIT(1000);
	struct transport *layout = NULL;
	struct source *src = NULL;
	struct digest digest;

	make(&t, "{\"schemaVersion\":2,\"manifests\":[]}");
	write_blob(&t, "hello", "hello");
	hash_bytes(DIGEST_SHA256, "hello", 5, &digest);
	descriptor_init(&d, "text/plain", &digest, 5);
	CU_ASSERT_EQUAL_FATAL(open_at(&t, &layout, NULL), 0);
	struct transport_range range = { &d, 2, 77 };

	CU_ASSERT_EQUAL(transport_open_blob(layout, NULL, &range, &src, NULL), 0);
	CU_ASSERT_EQUAL(range.ret_offset, 2);
	CU_ASSERT_EQUAL(source_read_all(src, &all, NULL), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&all), "llo");
	source_close(src);
	CU_ASSERT(transport_put_document(layout, NULL, "x", NULL, NULL) < 0);
	transport_close(layout);
}

/* --- lists --- */

static int join(void *arg, const char *name, struct err *err)
{
	return buf_printf(arg, err, "%s,", name);
}

void test_layout__tags(void)
{
	_tmp_ struct tmp t = tmp_make();
	_free_ char *b = entry(MANIFEST, NAME("b")), *a = entry(OTHER, NAME("a"));
	_free_ char *plain = entry(OTHER, ""), *again = entry(OTHER, NAME("b"));
	_free_ char *index = index_of((const char *[]){ b, plain, a, again }, 4);
	_buf_ struct buf names = BUF_INIT(1000);
	struct transport *layout = NULL;

	make(&t, index);
	CU_ASSERT_EQUAL_FATAL(open_at(&t, &layout, NULL), 0);
	CU_ASSERT_EQUAL(transport_list_tags(layout, NULL, join, &names, NULL), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&names), "b,a,");
	transport_close(layout);
}

void test_layout__only_name(void)
{
	_free_ char *a = entry(MANIFEST, NAME("a")), *same = entry(OTHER, NAME("a"));
	_free_ char *plain = entry(OTHER, ""), *digest = digest_str(OTHER);
	const struct {
		const char *entries[2];
		size_t count;
		const char *name; /* NULL: an error */
		enum err_kind kind;
	} rows[] = {
		{ { NULL }, 0, NULL, ERR_NOT_FOUND }, { { a }, 1, "a", ERR_NONE },
		{ { plain }, 1, digest, ERR_NONE },   { { a, same }, 2, "a", ERR_NONE },
		{ { a, plain }, 2, NULL, ERR_USAGE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_tmp_ struct tmp t = tmp_make();
		_free_ char *index = index_of(rows[i].entries, rows[i].count);
		_free_ char *name = NULL;
		struct transport *layout = NULL;
		struct err err = { 0 };

		make(&t, index);
		CU_ASSERT_EQUAL_FATAL(open_at(&t, &layout, NULL), 0);
		CU_ASSERT_EQUAL(layout_only_name(layout, &name, &err) < 0, !rows[i].name);
		CU_ASSERT_EQUAL(err.kind, rows[i].kind);
		if (rows[i].name && name)
			CU_ASSERT_STRING_EQUAL(name, rows[i].name);
		if (rows[i].kind == ERR_USAGE)
			CU_ASSERT_PTR_NOT_NULL(strstr(err.hint, "a, sha256:"));
		transport_close(layout);
	}
}

/* --- referrers --- */

#define SUBJECT_OF(d)                                                                              \
	"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST                            \
	"\",\"artifactType\":\"%s\",\"config\":" EMPTY ",\"layers\":[],\"annotations\":"           \
	"{\"k\":\"v\"},\"subject\":{\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST "\",\"digest\":\"" d \
	"\",\"size\":3}}"

static void assert_referrers(const struct tmp *t, const char *type, size_t count)
{
	_cleanup_(transport_document_fini) struct transport_document doc = { 0 };
	_document_ struct document index = { 0 };
	struct transport *layout = NULL;
	struct digest d;

	hash_bytes(DIGEST_SHA256, MANIFEST, strlen(MANIFEST), &d);
	const struct transport_subject subject = { &d, type };

	CU_ASSERT_EQUAL_FATAL(open_at(t, &layout, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(transport_get_referrers(layout, NULL, &subject, &doc, NULL), 0);
	CU_ASSERT_EQUAL(document_parse(buf_str(&doc.bytes), doc.bytes.len, NULL, &index, NULL), 0);
	CU_ASSERT_EQUAL(index.index.manifests.count, count);
	for (size_t i = 0; i < count && i < 2 && !(type && !strcmp(type, "e/f")); i++) {
		CU_ASSERT_PTR_NOT_NULL(index.index.manifests.items[i].artifact_type);
		CU_ASSERT_STRING_EQUAL(
			annotations_get(&index.index.manifests.items[i].annotations, "k"), "v");
	}
	transport_close(layout);
}

void test_layout__referrers(void)
{
	_tmp_ struct tmp t = tmp_make();
	_free_ char *digest = digest_str(MANIFEST);
	_free_ char *form = xasprintf(SUBJECT_OF("%s"), "a/b", digest);
	_free_ char *form2 = xasprintf(SUBJECT_OF("%s"), "c/d", digest);
	_free_ char *one = entry(form, ""), *two = entry(form2, NAME("two"));
	_free_ char *three = entry(OTHER, "\"artifactType\":\"e/f\"");
	_free_ char *list = index_of((const char *[]){ one, three }, 2);
	_free_ char *name = xasprintf("%s", digest);
	_free_ char *image = entry(MANIFEST, NAME("a"));

	*strchr(name, ':') = '-';
	_free_ char *of_tag =
		xasprintf("\"annotations\":{\"org.opencontainers.image.ref.name\":\"%s\"}", name);
	_free_ char *listed = entry(list, of_tag);
	/* A list's type is an index's. */
	char *at = strstr(listed, "manifest.v1");
	_free_ char *fixed =
		xasprintf("%.*sindex.v1%s", (int)(at - listed), listed, at + strlen("manifest.v1"));
	_free_ char *index = index_of((const char *[]){ image, one, two }, 3);
	_free_ char *with_tag = index_of((const char *[]){ image, one, two, fixed }, 4);

	make(&t, index);
	write_blob(&t, form, form);
	write_blob(&t, form2, form2);
	write_blob(&t, list, list);
	assert_referrers(&t, NULL, 2);
	assert_referrers(&t, "c/d", 1);
	assert_referrers(&t, "x/y", 0);
	/* The fallback tag names one of them again, and a third. */
	tmp_write_str(&t, "index.json", with_tag);
	assert_referrers(&t, NULL, 3);
	assert_referrers(&t, "e/f", 1);
}
