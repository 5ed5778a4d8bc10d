/* SPDX-License-Identifier: Apache-2.0 */
/* Stages: concat, limit, verify, tee, op. */
#include "base/mem.h"
#include "stream/hash.h"
#include "tests/unit/stream/streams.h"

#include <CUnit/CUnit.h>

void test_stages__concat(void)
{
	_outcome_ struct outcome o = pull_all(source_concat(
		source_chunked("abc", 3, 2),
		source_concat(source_chunked("", 0, 1), source_chunked("def", 3, 1))));
	_outcome_ struct outcome cut =
		pull_all(source_concat(source_cut("abc", 3, 2), source_chunked("def", 3, 1)));
	const uint8_t *at;
	struct source *early = source_concat(source_chunked("a", 1, 1), source_chunked("b", 1, 1));

	CU_ASSERT_TRUE(gave(&o, "abcdef", 6));
	CU_ASSERT_TRUE(failed_with(&cut, ERR_NETWORK, "cut off"));
	CU_ASSERT_EQUAL(source_next(early, &at, NULL), 1);
	source_close(early);
	CU_ASSERT_EQUAL(sources_open(), 0);
}

void test_stages__limit_is_exact(void)
{
	uint8_t data[1000];

	fill_noise(data, sizeof(data), 1);
	for (size_t chunk = 1; chunk < 1200; chunk += 111) {
		_outcome_ struct outcome fits =
			pull_all(source_limit(source_chunked(data, 1000, chunk), 1000, "layer 3"));
		_outcome_ struct outcome over =
			pull_all(source_limit(source_chunked(data, 1000, chunk), 999, "layer 3"));
		_outcome_ struct outcome none =
			pull_all(source_limit(source_chunked(data, 0, chunk), 0, "x"));

		CU_ASSERT_TRUE(gave(&fits, data, 1000));
		CU_ASSERT_TRUE(failed_with(&over, ERR_LIMIT, "layer 3: more than 999 bytes"));
		CU_ASSERT_TRUE(over.out.len <= 999);
		CU_ASSERT_TRUE(gave(&none, "", 0));
	}
	_outcome_ struct outcome cut = pull_all(source_limit(source_cut(data, 10, 1), 10, "x"));

	CU_ASSERT_TRUE(failed_with(&cut, ERR_NETWORK, "cut off"));
	CU_ASSERT_EQUAL(sources_open(), 0);
}

struct verify_row {
	size_t given, promised; /* bytes */
	enum digest_alg alg;
	bool wrong_digest;
	enum err_kind kind;
	const char *why;
};

#define ANY SIZE_MAX

/* docs/LAYER-CASES.md #76. */
static const struct verify_row verify_rows[] = {
	{ 1000, 1000, DIGEST_SHA256, false, ERR_NONE, "" },
	{ 1000, 1000, DIGEST_SHA512, false, ERR_NONE, "" },
	{ 1000, ANY, DIGEST_SHA256, false, ERR_NONE, "" },
	{ 1000, 1000, DIGEST_NONE, false, ERR_NONE, "" },
	{ 1000, ANY, DIGEST_NONE, false, ERR_NONE, "" },
	{ 0, 0, DIGEST_SHA256, false, ERR_NONE, "" },
	{ 1000, 999, DIGEST_SHA256, false, ERR_DAMAGED, "blob: more than the expected 999 bytes" },
	{ 1, 0, DIGEST_SHA256, false, ERR_DAMAGED, "blob: more than the expected 0 bytes" },
	{ 1000, 1001, DIGEST_SHA256, false, ERR_DAMAGED,
	  "blob: expected 1001 bytes, found only 1000" },
	{ 0, 1, DIGEST_NONE, false, ERR_DAMAGED, "blob: expected 1 bytes, found only 0" },
	{ 1000, 999, DIGEST_NONE, false, ERR_DAMAGED, "more than the expected" },
	{ 1000, 1000, DIGEST_SHA256, true, ERR_DAMAGED, "blob: expected digest sha256:" },
	{ 1000, ANY, DIGEST_SHA512, true, ERR_DAMAGED, "blob: expected digest sha512:" },
};

void test_stages__verify(void)
{
	uint8_t data[1000];

	fill_noise(data, sizeof(data), 1);
	for (size_t i = 0; i < ARRAY_SIZE(verify_rows); i++)
		for (size_t chunk = 1; chunk < 1200; chunk += 99) {
			const struct verify_row *r = &verify_rows[i];
			struct digest d = { 0 };

			hash_bytes(r->alg, data, r->given, &d);
			d.bytes[31] ^= r->wrong_digest;
			_outcome_ struct outcome o = pull_all(source_verify(
				source_chunked(data, r->given, chunk), &d,
				r->promised == ANY ? UINT64_MAX : r->promised, "blob"));

			if (r->kind == ERR_NONE)
				CU_ASSERT_TRUE(gave(&o, data, r->given));
			if (r->kind != ERR_NONE)
				CU_ASSERT_TRUE(failed_with(&o, r->kind, r->why));
			if (r->promised != ANY)
				CU_ASSERT_TRUE(o.out.len <= r->promised);
		}
	CU_ASSERT_EQUAL(sources_open(), 0);
}

void test_stages__verify_names_both_digests(void)
{
	struct digest want, found;

	hash_bytes(DIGEST_SHA256, "a", 1, &want);
	hash_bytes(DIGEST_SHA256, "b", 1, &found);
	_outcome_ struct outcome o =
		pull_all(source_verify(source_chunked("b", 1, 1), &want, 1, "config"));

	CU_ASSERT_PTR_NOT_NULL(strstr(o.err.msg, DIGEST_TEXT(&want)));
	CU_ASSERT_PTR_NOT_NULL(strstr(o.err.msg, DIGEST_TEXT(&found)));
}

void test_stages__verify_at_its_end(void)
{
	struct digest d;
	const uint8_t *at;

	hash_bytes(DIGEST_SHA256, "ab", 2, &d);
	_source_ struct source *src = source_verify(source_mem("ab", 2), &d, 2, "x");
	_source_ struct source *any = source_verify(source_mem("ab", 2), NULL, UINT64_MAX, "x");
	_outcome_ struct outcome cut = pull_all(source_verify(source_cut("ab", 2, 1), &d, 2, "x"));

	CU_ASSERT_EQUAL(source_next(src, &at, NULL), 2);
	CU_ASSERT_EQUAL(source_next(src, &at, NULL), 0);
	CU_ASSERT_EQUAL(source_next(src, &at, NULL), 0);
	CU_ASSERT_EQUAL(source_drain(any, NULL, NULL), 0);
	CU_ASSERT_TRUE(failed_with(&cut, ERR_NETWORK, "cut off"));
}

struct copy {
	struct buf seen;
	size_t calls, fail_at;
};

static int take(void *arg, const uint8_t *data, size_t len, struct err *err)
{
	struct copy *c = arg;

	if (++c->calls == c->fail_at)
		return err_set(err, ERR_NO_SPACE, "disk full");
	return buf_append(&c->seen, data, len, err);
}

void test_stages__tee_shows_each_chunk_first(void)
{
	uint8_t data[1000];
	struct copy all = { .seen = BUF_INIT(2000) },
		    some = { .seen = BUF_INIT(2000), .fail_at = 3 };

	fill_noise(data, sizeof(data), 1);
	_outcome_ struct outcome o =
		pull_all(source_tee(source_chunked(data, sizeof(data), 100), take, &all));
	_outcome_ struct outcome failed =
		pull_all(source_tee(source_chunked(data, sizeof(data), 100), take, &some));

	CU_ASSERT_TRUE(gave(&o, data, sizeof(data)));
	CU_ASSERT_TRUE(all.seen.len == sizeof(data) && !memcmp(all.seen.data, data, sizeof(data)));
	CU_ASSERT_EQUAL(all.calls, 10);
	CU_ASSERT_TRUE(failed_with(&failed, ERR_NO_SPACE, "disk full"));
	CU_ASSERT_EQUAL(failed.out.len, 200);
	buf_fini(&all.seen);
	buf_fini(&some.seen);
}

static int cancel_at_third(void *arg, const uint8_t *data, size_t len, struct err *err)
{
	struct op *op = arg;

	(void)data;
	(void)len;
	(void)err;
	if (++op->jobs == 3)
		op_cancel(op);
	return 0;
}

void test_stages__op_stops_between_chunks(void)
{
	struct op op = { 0 };
	_outcome_ struct outcome o = pull_all(source_op(
		source_tee(source_chunked("0123456789", 10, 1), cancel_at_third, &op), &op));
	struct op fine = { 0 };
	_outcome_ struct outcome whole = pull_all(source_op(source_chunked("01", 2, 1), &fine));

	CU_ASSERT_TRUE(failed_with(&o, ERR_CANCELLED, "interrupted"));
	CU_ASSERT_EQUAL(o.out.len, 3);
	CU_ASSERT_TRUE(gave(&whole, "01", 2));
	CU_ASSERT_EQUAL(sources_open(), 0);
}
