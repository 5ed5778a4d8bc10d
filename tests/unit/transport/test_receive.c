/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs written to a folder: whole, in parts over several attempts, over a prefix that is wrong. */
#include "transport/receive.h"

#include "base/mem.h"
#include "store/backends.h"
#include "stream/hash.h"
#include "tests/support/tmp.h"
#include "tests/unit/transport/memplace.h"
#include "transport/copy.h"

#include <CUnit/CUnit.h>
#include <sys/stat.h>

#define TEXT "once upon a time there was a blob"

/* Gives a text from any offset. */
struct giver {
	const char *text;
	const struct digest *digest; /* verified from 0, when not NULL */
	uint64_t asked[4];
	unsigned count;
	uint64_t moved;
};

static int give(void *arg, struct op *op, uint64_t offset, struct source **ret, struct err *err)
{
	struct giver *g = arg;

	(void)op;
	(void)err;
	g->asked[g->count++] = offset;
	*ret = source_mem(g->text + offset, strlen(g->text) - offset);
	if (!offset && g->digest)
		*ret = source_verify(*ret, g->digest, UINT64_MAX, "blob");
	return 0;
}

static void moved(void *arg, uint64_t bytes)
{
	((struct giver *)arg)->moved = bytes;
}

static int receive(struct blobs *to, struct giver *g, const struct descriptor *d, struct err *err)
{
	struct transport_upload up = {
		.descriptor = d, .open = give, .arg = g, .moved = moved, .ret_how = 77
	};
	struct op op = { 0 };

	TRY(receive_blob(to, &op, &up, err));
	return (int)up.ret_how;
}

static struct descriptor describe(const char *text)
{
	struct descriptor d;
	struct digest digest;

	hash_bytes(DIGEST_SHA256, text, strlen(text), &digest);
	descriptor_init(&d, MEDIA_TYPE_OCI_LAYER, &digest, strlen(text));
	return d;
}

/* Leaves `len` bytes behind as an interrupted writer does. */
static void leave(struct blobs *to, const struct descriptor *d, const char *text, size_t len)
{
	const struct blob_want want = { .digest = d->digest, .size_bytes = d->size };
	struct blob_writer *w = NULL;

	if (blobs_begin(to, NULL, &want, &w, NULL) < 0 ||
	    blob_writer_append(w, text, len, NULL) < 0)
		abort();
	blob_writer_abort(w, true);
}

static struct blobs *files(const struct tmp *t)
{
	if (mkdirat(t->fd, "blobs", 0700) < 0 || mkdirat(t->fd, "blobs/sha256", 0700) < 0)
		abort();
	return blobs_new_files(t->fd, t->fd);
}

static void assert_content(struct blobs *b, const struct descriptor *d, const char *text)
{
	_buf_ struct buf bytes = BUF_INIT(1000);

	CU_ASSERT_EQUAL(blobs_read(b, &d->digest, &bytes, NULL), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&bytes), text);
}

void test_receive__whole_and_again(void)
{
	_tmp_ struct tmp t = tmp_make();
	_descriptor_ struct descriptor d = describe(TEXT);
	struct blobs *b = files(&t);
	struct giver g = { .text = TEXT };

	CU_ASSERT_EQUAL(receive(b, &g, &d, NULL), UPLOAD_SENT);
	CU_ASSERT_EQUAL(g.moved, strlen(TEXT));
	assert_content(b, &d, TEXT);
	CU_ASSERT_EQUAL(receive(b, &g, &d, NULL), UPLOAD_EXISTED);
	CU_ASSERT_EQUAL(g.count, 1);
	b->ops->close(b);
}

void test_receive__empty_blob(void)
{
	_tmp_ struct tmp t = tmp_make();
	_descriptor_ struct descriptor d = describe("");
	struct blobs *b = files(&t);
	struct giver g = { .text = "" };

	CU_ASSERT_EQUAL(receive(b, &g, &d, NULL), UPLOAD_SENT);
	assert_content(b, &d, "");
	b->ops->close(b);
}

void test_receive__goes_on(void)
{
	for (size_t len = 1; len <= strlen(TEXT); len++) {
		_tmp_ struct tmp t = tmp_make();
		_descriptor_ struct descriptor d = describe(TEXT);
		struct blobs *b = files(&t);
		struct giver g = { .text = TEXT };

		leave(b, &d, TEXT, len);
		CU_ASSERT_EQUAL(receive(b, &g, &d, NULL), UPLOAD_SENT);
		assert_content(b, &d, TEXT);
		/* A whole prefix asks for nothing. */
		CU_ASSERT_EQUAL(g.count, len < strlen(TEXT));
		CU_ASSERT_EQUAL(g.asked[0], len < strlen(TEXT) ? len : 0);
		b->ops->close(b);
	}
}

/* What was left behind is not part of this blob: all of it is taken anew. */
void test_receive__wrong_prefix(void)
{
	for (size_t len = 1; len <= strlen(TEXT); len++) {
		_tmp_ struct tmp t = tmp_make();
		_descriptor_ struct descriptor d = describe(TEXT);
		struct blobs *b = files(&t);
		struct giver g = { .text = TEXT };

		leave(b, &d, "ONCE UPON A TIME THERE WAS A BLOB", len);
		CU_ASSERT_EQUAL(receive(b, &g, &d, NULL), UPLOAD_SENT);
		assert_content(b, &d, TEXT);
		CU_ASSERT_EQUAL(g.asked[g.count - 1], 0);
		b->ops->close(b);
	}
}

/* The part before was right, the rest lies: nothing is published, also not the second time. */
void test_receive__lying_rest(void)
{
	_tmp_ struct tmp t = tmp_make();
	_descriptor_ struct descriptor d = describe(TEXT);
	struct blobs *b = files(&t);
	struct giver g = { .text = "once upon a time there was a lie!" };
	struct err err = { 0 };

	leave(b, &d, TEXT, 10);
	g.digest = &d.digest;
	CU_ASSERT(receive(b, &g, &d, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
	CU_ASSERT_EQUAL(g.asked[0], 10);
	CU_ASSERT_EQUAL(g.asked[1], 0);
	CU_ASSERT(blobs_stat(b, &d.digest, NULL, NULL) < 0);
	b->ops->close(b);
}

/* Through the engine: a broken copy into a folder goes on where it stopped, whatever can seek. */
void test_receive__copy_goes_on(void)
{
	for (int cannot_seek = 0; cannot_seek < 2; cannot_seek++) {
		_tmp_ struct tmp t = tmp_make();
		_memplace_ struct memplace from, to;
		_descriptor_ struct descriptor image = { 0 }, layer = { 0 };
		_cleanup_(copy_result_fini) struct copy_result r = { 0 };
		_free_ char *text = xcalloc(1, 300001);
		struct op op = { 0 };
		struct err err = { 0 };

		memset(text, 'x', 300000);
		memplace_init(&from);
		memplace_init(&to);
		to.blobs->ops->close(to.blobs);
		to.blobs = files(&t);
		mem_image(&from, NULL, text, &image);
		mem_text(&from, MEDIA_TYPE_OCI_LAYER, text, &layer);
		mem_tag(&from, "v1", &image);
		const struct copy_request req = {
			.from = &from.base, .to = &to.base, .from_name = "v1", .jobs = 1
		};

		from.cut_at = 200000;
		CU_ASSERT(copy_image(&op, &req, &r, &err) < 0);
		CU_ASSERT_EQUAL(err.kind, ERR_NETWORK);
		from.cut_at = 0;
		from.cannot_seek = cannot_seek;
		CU_ASSERT_EQUAL(copy_image(&op, &req, &r, NULL), 0);
		CU_ASSERT(mem_has(&to, &layer));
		_buf_ struct buf bytes = BUF_INIT(400000);

		CU_ASSERT_EQUAL(blobs_read(to.blobs, &layer.digest, &bytes, NULL), 0);
		CU_ASSERT_STRING_EQUAL(buf_str(&bytes), text);
		CU_ASSERT_EQUAL(from.largest_offset > 0, !cannot_seek);
		/* The layer twice, the config once. */
		CU_ASSERT_EQUAL(from.opens, 3);
	}
}
