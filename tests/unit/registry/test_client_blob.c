/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs of a registry, and of the places that a descriptor names when the registry has none. */
#include "registry/client.h"

#include "stream/hash.h"
#include "tests/unit/registry/asking.h"

#include <CUnit/CUnit.h>

#define CONTENT "some bytes"
#define FOUND	"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" CONTENT
#define MISSING "HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n"

static struct descriptor describe(void)
{
	struct descriptor d;
	struct digest digest;

	hash_bytes(DIGEST_SHA256, CONTENT, strlen(CONTENT), &digest);
	descriptor_init(&d, MEDIA_TYPE_OCI_LAYER, &digest, strlen(CONTENT));
	return d;
}

static void add_url(struct descriptor *d, const char *url)
{
	d->urls.items = xreallocarray(d->urls.items, d->urls.count + 1, sizeof(char *));
	d->urls.items[d->urls.count++] = xstrdup(url);
}

static int read_from(struct asking *a, const struct descriptor *d, uint64_t offset, struct buf *out,
		     uint64_t *ret_offset)
{
	struct transport_range range = { d, offset, 99 };
	struct source *_source_ src = NULL;

	TRY(transport_open_blob(a->t, &a->op, &range, &src, &a->err));
	*ret_offset = range.ret_offset;
	return source_read_all(src, out, &a->err);
}

void test_client_blob__whole(void)
{
	struct asking _asking_ a;
	struct descriptor _descriptor_ d = describe();
	struct buf _buf_ out = BUF_INIT(100);
	char *_free_ line = xasprintf("GET /v2/ns/repo/blobs/%s", d.digest_text);
	const struct server_step step = { .text = FOUND };
	uint64_t offset;

	asking_init(&a, &step, 1);
	CU_ASSERT_EQUAL(read_from(&a, &d, 0, &out, &offset), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&out), CONTENT);
	CU_ASSERT_EQUAL(offset, 0);
	CU_ASSERT_STRING_EQUAL(ASKED(&a, 0), line);
	CU_ASSERT_PTR_NULL(strstr(server_request(a.server, 0), "Range"));
}

void test_client_blob__from_an_offset(void)
{
	static const struct {
		const char *answer, *want;
		uint64_t offset;
	} rows[] = {
		{ "HTTP/1.1 206 P\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 5\r\n\r\nbytes",
		  "bytes", 5 },
		{ FOUND, CONTENT, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct asking _asking_ a;
		struct descriptor _descriptor_ d = describe();
		struct buf _buf_ out = BUF_INIT(100);
		const struct server_step step = { .text = rows[i].answer };
		uint64_t offset;

		asking_init(&a, &step, 1);
		CU_ASSERT_EQUAL(read_from(&a, &d, 5, &out, &offset), 0);
		CU_ASSERT_STRING_EQUAL(buf_str(&out), rows[i].want);
		CU_ASSERT_EQUAL(offset, rows[i].offset);
		CU_ASSERT(asking_has("range", server_request(a.server, 0), "Range: bytes=5-"));
	}
}

void test_client_blob__missing(void)
{
	struct asking _asking_ a;
	struct descriptor _descriptor_ d = describe();
	struct buf _buf_ out = BUF_INIT(100);
	const struct server_step step = { .text = MISSING };
	uint64_t offset;

	asking_init(&a, &step, 1);
	CU_ASSERT(read_from(&a, &d, 0, &out, &offset) < 0);
	CU_ASSERT_EQUAL(a.err.kind, ERR_NOT_FOUND);
	CU_ASSERT(asking_has("missing", a.err.msg, "blob sha256:"));
}

void test_client_blob__unknown_digest_is_not_asked_for(void)
{
	struct asking _asking_ a;
	struct descriptor _descriptor_ d = describe();
	struct buf _buf_ out = BUF_INIT(100);
	const struct server_step step = { .text = FOUND };
	uint64_t offset;

	d.digest.alg = DIGEST_NONE;
	asking_init(&a, &step, 1);
	CU_ASSERT(read_from(&a, &d, 0, &out, &offset) < 0);
	CU_ASSERT_EQUAL(a.err.kind, ERR_UNSUPPORTED);
	CU_ASSERT_EQUAL(server_request_count(a.server), 0);
}

/*
 * Foreign layers: asked of the registry first, then where the descriptor says, with nobody's name.
 */
void test_client_blob__elsewhere(void)
{
	struct asking _asking_ a;
	struct descriptor _descriptor_ d = describe();
	struct buf _buf_ out = BUF_INIT(100);
	const struct server_step here = { .text = MISSING };
	const struct server_step there[] = {
		{ .text = MISSING },
		{ .text = FOUND },
	};
	struct server *_server_ other = server_start(there, ARRAY_SIZE(there));
	char *_free_ first = server_url(other, "/gone");
	char *_free_ second = server_url(other, "/layer?sig=x");
	uint64_t offset;

	asking_init(&a, &here, 1);
	add_url(&d, "ftp://x.example/y");
	add_url(&d, first);
	add_url(&d, second);
	CU_ASSERT_EQUAL(read_from(&a, &d, 0, &out, &offset), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&out), CONTENT);
	CU_ASSERT_EQUAL(server_request_count(a.server), 1);
	CU_ASSERT(asking_has("url", server_request(other, 1), "GET /layer?sig=x "));
	CU_ASSERT_PTR_NULL(strstr(server_request(other, 1), "Authorization"));
}

void test_client_blob__nowhere(void)
{
	struct asking _asking_ a;
	struct descriptor _descriptor_ d = describe();
	struct buf _buf_ out = BUF_INIT(100);
	const struct server_step here = { .text = MISSING };
	uint64_t offset;

	asking_init(&a, &here, 1);
	add_url(&d, "file:///etc/passwd");
	CU_ASSERT(read_from(&a, &d, 0, &out, &offset) < 0);
	CU_ASSERT_EQUAL(a.err.kind, ERR_DAMAGED);
}
