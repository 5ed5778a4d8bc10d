/* SPDX-License-Identifier: Apache-2.0 */
/* Writing layouts: what is kept of others, what is listed, who is waited for. */
#include "base/mem.h"
#include "manifest/document.h"
#include "stream/hash.h"
#include "sys/file.h"
#include "tests/support/tmp.h"
#include "tests/unit/transport/memplace.h"
#include "transport/copy.h"
#include "transport/layout_int.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <utime.h>

/* Images in memory, and a folder to write to. */
struct world {
	struct tmp tmp;
	char path[300];
	struct memplace from;
	struct descriptor a, b, index, sbom;
	struct op op;
};

static void world_init(struct world *w)
{
	*w = (struct world){ .tmp = tmp_make() };
	snprintf(w->path, sizeof(w->path), "%s/layout", w->tmp.path);
	memplace_init(&w->from);
	mem_image(&w->from, NULL, "a's layer", &w->a);
	mem_image(&w->from, "linux/s390x", "b's layer", &w->b);
	mem_index(&w->from,
		  (struct mem_entry[]){ { &w->a, "local", NULL }, { &w->b, "linux/s390x", NULL } },
		  2, &w->index);
	mem_artifact(&w->from, "sbom", &w->a, &w->sbom);
	mem_tag(&w->from, "a", &w->a);
	mem_tag(&w->from, "b", &w->b);
	mem_tag(&w->from, "index", &w->index);
}

static void world_fini(struct world *w)
{
	memplace_fini(&w->from);
	descriptor_fini(&w->a);
	descriptor_fini(&w->b);
	descriptor_fini(&w->index);
	descriptor_fini(&w->sbom);
	tmp_remove(&w->tmp);
}
#define _world_ __attribute__((cleanup(world_fini)))

static struct transport *open_layout(struct world *w, enum layout_use use)
{
	struct transport *t = NULL;
	struct err err = { 0 };

	if (layout_open(&w->op, w->path, use, &t, &err) < 0)
		fprintf(stderr, "# %s\n", err.msg);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	layout_of(t)->busy_ms = 100;
	return t;
}

/* Copies into an open layout, without finishing. `as` NULL: no name. */
static int put(struct world *w, struct transport *to, const char *name, const char *as)
{
	_cleanup_(copy_result_fini) struct copy_result r = { 0 };
	struct err err = { 0 };
	const struct copy_request req = {
		.from = &w->from.base,
		.to = to,
		.from_name = name,
		.to_names = &as,
		.to_count = as ? 1 : 0,
		.platforms = COPY_ALL,
		.referrers = true,
	};
	const int rc = copy_image(&w->op, &req, &r, &err);

	if (rc < 0)
		fprintf(stderr, "# %s\n", err.msg);
	return rc;
}

static void write_one(struct world *w, const char *name, const char *as)
{
	struct transport *t = open_layout(w, LAYOUT_WRITE);
	struct err err = { 0 };

	CU_ASSERT_EQUAL(put(w, t, name, as), 0);
	CU_ASSERT_EQUAL(transport_finish(t, &w->op, &err), 0);
	if (err.kind)
		fprintf(stderr, "# %s\n", err.msg);
	transport_close(t);
}

/* The names of index.json's entries in order, "-" for none. */
static char *names(struct world *w)
{
	struct transport *t = open_layout(w, LAYOUT_READ);
	const struct descriptors *entries = &layout_of(t)->index.index.manifests;
	struct buf text = BUF_INIT(1000);

	for (size_t i = 0; i < entries->count; i++) {
		const char *name = layout_entry_name(&entries->items[i]);

		(void)buf_printf(&text, NULL, "%s%s", i ? " " : "", name ? name : "-");
	}
	transport_close(t);
	return buf_take(&text);
}

static void assert_names(struct world *w, const char *expected)
{
	_free_ char *found = names(w);

	CU_ASSERT_STRING_EQUAL(found, expected);
	if (strcmp(found, expected) != 0)
		fprintf(stderr, "# %s\n", found);
}

static bool exists(struct world *w, const char *name)
{
	_free_ char *path = xasprintf("layout/%s", name);

	return faccessat(w->tmp.fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool has_document(struct world *w, const char *name, const struct descriptor *d)
{
	_cleanup_(transport_document_fini) struct transport_document doc = { 0 };
	struct transport *t = open_layout(w, LAYOUT_READ);
	const int rc = transport_get_document(t, &w->op, name, &doc, NULL);

	transport_close(t);
	return rc >= 0 && digest_equal(&doc.descriptor.digest, &d->digest);
}

void test_layout_write__new_folder(void)
{
	_world_ struct world w;
	_buf_ struct buf text = BUF_INIT(1000);

	world_init(&w);
	write_one(&w, "index", "v1");
	CU_ASSERT(has_document(&w, "v1", &w.index));
	CU_ASSERT(has_document(&w, w.b.digest_text, &w.b));
	/* The index, and what refers to an image below it. */
	assert_names(&w, "v1 -");
	CU_ASSERT_FALSE(exists(&w, LAYOUT_STAGING));
	_free_ char *path = xasprintf("%s/oci-layout", w.path);

	CU_ASSERT_EQUAL(file_read_path(path, &text, NULL), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&text), "{\"imageLayoutVersion\":\"1.0.0\"}");
}

void test_layout_write__nothing_is_made_before(void)
{
	_world_ struct world w;
	struct transport *t;

	world_init(&w);
	t = open_layout(&w, LAYOUT_WRITE);
	CU_ASSERT_EQUAL(transport_has_blob(t, &w.op, &w.a, NULL), 0);
	CU_ASSERT_EQUAL(transport_finish(t, &w.op, NULL), 0);
	transport_close(t);
	CU_ASSERT_FALSE(exists(&w, "."));
}

/* Given up before the end: the layout is there, and empty. */
void test_layout_write__unfinished(void)
{
	_world_ struct world w;
	struct transport *t;

	world_init(&w);
	t = open_layout(&w, LAYOUT_WRITE);
	CU_ASSERT_EQUAL(put(&w, t, "a", "x"), 0);
	transport_close(t);
	assert_names(&w, "");
	CU_ASSERT_FALSE(exists(&w, LAYOUT_STAGING));
	w.from.opens = 0;
	write_one(&w, "a", "x");
	CU_ASSERT_EQUAL(w.from.opens, 0);
	assert_names(&w, "x -");
}

void test_layout_write__names(void)
{
	_world_ struct world w;

	world_init(&w);
	mem_lose(&w.from, &w.sbom);
	write_one(&w, "a", "x");
	write_one(&w, "b", "docker.io/library/y:1");
	assert_names(&w, "x docker.io/library/y:1");
	write_one(&w, "b", "x");
	assert_names(&w, "docker.io/library/y:1 x");
	CU_ASSERT(has_document(&w, "x", &w.b));
	write_one(&w, "b", "x");
	assert_names(&w, "docker.io/library/y:1 x");
	/* Unnamed: what is listed already needs no second entry. */
	write_one(&w, "b", NULL);
	assert_names(&w, "docker.io/library/y:1 x");
	write_one(&w, "index", NULL);
	assert_names(&w, "docker.io/library/y:1 x -");
}

void test_layout_write__bad_names(void)
{
	static const char *const bad[] = { "", "-x", "x-", "a b", "x\n", "\x1b[m", "a/../b\\" };
	_world_ struct world w;

	world_init(&w);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct transport *t = open_layout(&w, LAYOUT_WRITE);
		struct transport_document doc = { .bytes = BUF_INIT(10) };
		struct err err = { 0 };

		descriptor_copy(&w.a, &doc.descriptor);
		CU_ASSERT(transport_put_document(t, &w.op, bad[i], &doc, &err) < 0);
		CU_ASSERT_EQUAL(err.kind, ERR_USAGE);
		transport_document_fini(&doc);
		transport_close(t);
	}
}

/* --- what others wrote --- */

static char *read_index(struct world *w)
{
	struct buf text = BUF_INIT(100000);
	_free_ char *path = xasprintf("%s/index.json", w->path);

	if (file_read_path(path, &text, NULL) < 0)
		abort();
	return buf_take(&text);
}

void test_layout_write__keeps_what_it_does_not_know(void)
{
	static const char old[] =
		"{\"schemaVersion\":2,\"x-number\":[1,2.5,-9007199254740993,null,true],"
		"\"manifests\":[{\"mediaType\":\"application/x-else\",\"digest\":\"sha256:"
		"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\",\"size\":2,"
		"\"x-deep\":{\"z\":1,\"a\":[{}]},\"annotations\":{\"k\":\"v\"}}],"
		"\"annotations\":{\"mine\":\"\xc3\xa4\"}}";
	_world_ struct world w;

	world_init(&w);
	mem_lose(&w.from, &w.sbom);
	write_one(&w, "a", "x");
	tmp_write_str(&w.tmp, "layout/index.json", old);
	write_one(&w, "a", "x");
	_free_ char *text = read_index(&w);

	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"x-number\":[1,2.5,-9007199254740993,null,true]"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"x-deep\":{\"z\":1,\"a\":[{}]}"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"mine\":\"\xc3\xa4\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "ref.name\":\"x\""));
	/* The order of members, too. */
	CU_ASSERT(strstr(text, "x-number") < strstr(text, "manifests"));
	CU_ASSERT(strstr(text, "\"manifests\"") < strstr(text, "\"mine\""));
}

/* Two that have it open at once: none takes the other's name away. */
void test_layout_write__two_at_once(void)
{
	_world_ struct world w;
	struct transport *one, *two;

	world_init(&w);
	mem_lose(&w.from, &w.sbom);
	one = open_layout(&w, LAYOUT_WRITE);
	two = open_layout(&w, LAYOUT_WRITE);
	CU_ASSERT_EQUAL(put(&w, one, "a", "one"), 0);
	CU_ASSERT_EQUAL(put(&w, two, "b", "two"), 0);
	CU_ASSERT_EQUAL(transport_finish(two, &w.op, NULL), 0);
	CU_ASSERT_EQUAL(transport_finish(one, &w.op, NULL), 0);
	transport_close(one);
	CU_ASSERT(exists(&w, LAYOUT_STAGING)); /* the other's */
	transport_close(two);
	CU_ASSERT_FALSE(exists(&w, LAYOUT_STAGING));
	assert_names(&w, "two one");
}

void test_layout_write__other_things_in_the_folder(void)
{
	_world_ struct world w;
	struct transport *t = NULL;
	struct err err = { 0 };

	world_init(&w);
	if (mkdirat(w.tmp.fd, "layout", 0700) < 0)
		abort();
	tmp_write_str(&w.tmp, "layout/.img-tmp-1", "of one who was killed");
	t = open_layout(&w, LAYOUT_WRITE);
	transport_close(t);
	tmp_write_str(&w.tmp, "layout/.git", "x");
	CU_ASSERT(layout_open(&w.op, w.path, LAYOUT_WRITE, &t, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_USAGE);
	CU_ASSERT_FALSE(exists(&w, "oci-layout"));
	CU_ASSERT(unlinkat(w.tmp.fd, "layout/.git", 0) == 0);
	write_one(&w, "a", "x");
	CU_ASSERT_FALSE(exists(&w, ".img-tmp-1"));
}

/* Links in place of folders lead nowhere. */
void test_layout_write__linked_folders(void)
{
	static const char *const links[] = { "layout/blobs", "layout/blobs/sha256",
					     ("layout/" LAYOUT_STAGING) };

	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		_world_ struct world w;
		struct transport *t;

		world_init(&w);
		write_one(&w, "b", "x");
		if (file_remove_tree(w.tmp.fd, "elsewhere", NULL) < 0 ||
		    mkdirat(w.tmp.fd, "elsewhere", 0700) < 0)
			abort();
		(void)renameat(w.tmp.fd, links[i], w.tmp.fd, "moved");
		_free_ char *target = xasprintf("%s/elsewhere", w.tmp.path);

		if (symlinkat(target, w.tmp.fd, links[i]) < 0)
			abort();
		t = open_layout(&w, LAYOUT_WRITE);
		fprintf(stderr, "# the next line is as it should be\n");
		CU_ASSERT(put(&w, t, "a", "y") < 0);
		transport_close(t);
		CU_ASSERT_EQUAL(unlinkat(w.tmp.fd, "elsewhere", AT_REMOVEDIR), 0);
	}
}

/* --- others at work --- */

static enum err_kind finish_while(struct world *w, const char *locked)
{
	struct transport *t = open_layout(w, LAYOUT_WRITE);
	struct err err = { 0 };
	_free_ char *name = xasprintf("layout/%s", locked);

	CU_ASSERT_EQUAL(put(w, t, "a", "late"), 0);
	_close_ int fd = openat(w->tmp.fd, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		abort();
	CU_ASSERT(transport_finish(t, &w->op, &err) < 0);
	/* The same again when it has gone. */
	(void)flock(fd, LOCK_UN);
	CU_ASSERT_EQUAL(transport_finish(t, &w->op, NULL), 0);
	transport_close(t);
	return err.kind;
}

static void make_old_folder(struct world *w, const char *name)
{
	_free_ char *path = xasprintf("%s/%s", w->path, name);

	if (mkdir(path, 0700) < 0)
		abort();
}

void test_layout_write__waits_for_others(void)
{
	_world_ struct world w;

	world_init(&w);
	mem_lose(&w.from, &w.sbom);
	write_one(&w, "b", "x");
	CU_ASSERT_EQUAL(finish_while(&w, "."), ERR_BUSY);
	assert_names(&w, "x late");
}

/* umoci locks a folder of its own. A fresh one counts as locked; one that nobody locks, later, not. */
void test_layout_write__waits_for_umoci(void)
{
	_world_ struct world w;
	struct transport *t;
	struct err err = { 0 };

	world_init(&w);
	mem_lose(&w.from, &w.sbom);
	write_one(&w, "b", "x");
	make_old_folder(&w, ".umoci-1234");
	t = open_layout(&w, LAYOUT_WRITE);
	CU_ASSERT_EQUAL(put(&w, t, "a", "y"), 0);
	CU_ASSERT(transport_finish(t, &w.op, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_BUSY);
	layout_of(t)->busy_ms = 10000;
	CU_ASSERT_EQUAL(transport_finish(t, &w.op, NULL), 0);
	transport_close(t);
	CU_ASSERT_EQUAL(finish_while(&w, ".umoci-1234"), ERR_BUSY);
	assert_names(&w, "x y late");
}

void test_layout_write__a_blob_is_collected_meanwhile(void)
{
	_world_ struct world w;
	struct transport *t;
	struct err err = { 0 };

	world_init(&w);
	write_one(&w, "b", "x");
	t = open_layout(&w, LAYOUT_WRITE);
	CU_ASSERT_EQUAL(put(&w, t, "a", "y"), 0);
	_free_ char *name = xasprintf("layout/blobs/sha256/%s", w.a.digest_text + 7);

	CU_ASSERT_EQUAL(unlinkat(w.tmp.fd, name, 0), 0);
	CU_ASSERT(transport_finish(t, &w.op, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_CHANGED);
	transport_close(t);
	assert_names(&w, "x");
}

/* --- removing --- */

void test_layout_write__removes(void)
{
	_world_ struct world w;
	struct transport *t;
	struct err err = { 0 };

	world_init(&w);
	mem_lose(&w.from, &w.sbom);
	write_one(&w, "a", "x");
	write_one(&w, "a", "y");
	write_one(&w, "b", "z");
	t = open_layout(&w, LAYOUT_WRITE);
	CU_ASSERT(transport_remove_document(t, &w.op, "none", &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(transport_remove_document(t, &w.op, "x", NULL), 0);
	CU_ASSERT_EQUAL(transport_remove_document(t, &w.op, w.b.digest_text, NULL), 0);
	CU_ASSERT_EQUAL(transport_finish(t, &w.op, NULL), 0);
	transport_close(t);
	assert_names(&w, "y");
	CU_ASSERT(has_document(&w, "y", &w.a));
	CU_ASSERT_FALSE(has_document(&w, w.b.digest_text, &w.b));
}
