/* SPDX-License-Identifier: Apache-2.0 */
/* Digests: the vectors of FIPS 180-4, in pieces, in a thread. */
#include "stream/hash.h"

#include "base/mem.h"
#include "tests/unit/stream/streams.h"

#include <CUnit/CUnit.h>

static const struct {
	enum digest_alg alg;
	const char *text;
	const char *digest;
} vectors[] = {
	{ DIGEST_SHA256, "",
	  "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ DIGEST_SHA256, "abc",
	  "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ DIGEST_SHA256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "sha256:248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ DIGEST_SHA512, "abc",
	  "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	  "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
	{ DIGEST_SHA512, "",
	  "sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
	  "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e" },
	{ DIGEST_NONE, "abc", ":" },
};

void test_hash__vectors(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const size_t len = strlen(vectors[i].text);
		struct hash *h = hash_new(vectors[i].alg);
		struct hash_thread *t = hash_thread_new(vectors[i].alg);
		struct digest d = { .alg = 99 };

		hash_bytes(vectors[i].alg, vectors[i].text, len, &d);
		CU_ASSERT_STRING_EQUAL(DIGEST_TEXT(&d), vectors[i].digest);
		for (size_t j = 0; j < len; j++) {
			hash_update(h, vectors[i].text + j, 1);
			hash_thread_update(t, vectors[i].text + j, 1);
		}
		hash_final(h, &d);
		CU_ASSERT_STRING_EQUAL(DIGEST_TEXT(&d), vectors[i].digest);
		hash_thread_final(t, &d);
		CU_ASSERT_STRING_EQUAL(DIGEST_TEXT(&d), vectors[i].digest);
		hash_free(h);
		hash_thread_free(t);
	}
}

/* FIPS 180-4's third vector: a million times "a". */
void test_hash__a_million(void)
{
	struct hash *h = hash_new(DIGEST_SHA256);
	struct digest d;
	char as[1000];

	memset(as, 'a', sizeof(as));
	for (int i = 0; i < 1000; i++)
		hash_update(h, as, sizeof(as));
	hash_final(h, &d);
	hash_free(h);
	CU_ASSERT_STRING_EQUAL(
		DIGEST_TEXT(&d),
		"sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

void test_hash__unused_bytes_are_zero(void)
{
	struct digest d;
	uint8_t sum = 0;

	memset(&d, 0xff, sizeof(d));
	hash_bytes(DIGEST_SHA256, "x", 1, &d);
	for (size_t i = 32; i < sizeof(d.bytes); i++)
		sum |= d.bytes[i];
	CU_ASSERT_EQUAL(sum, 0);
}

#define DATA_BYTES ((size_t)5 << 20)

/* Pieces smaller than anything, and larger than the ring. */
void test_hash__thread_in_pieces_of_any_size(void)
{
	static const size_t pieces[] = { 1,	 100,	  4096,		 65535,
					 131072, 1 << 20, (1 << 20) + 1, DATA_BYTES };
	_free_ uint8_t *data = xcalloc(DATA_BYTES, 1);
	struct digest want;

	fill_noise(data, DATA_BYTES, 1);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		const size_t total = pieces[i] == 1 ? 300000 : DATA_BYTES;
		struct hash_thread *h = hash_thread_new(DIGEST_SHA256);
		struct digest found;

		for (size_t at = 0; at < total; at += pieces[i])
			hash_thread_update(h, data + at,
					   total - at < pieces[i] ? total - at : pieces[i]);
		hash_thread_final(h, &found);
		hash_thread_free(h);
		hash_bytes(DIGEST_SHA256, data, total, &want);
		CU_ASSERT_TRUE(digest_equal(&found, &want));
	}
}

void test_hash__given_up(void)
{
	uint8_t data[10000] = { 0 };

	for (int i = 0; i < 50; i++) {
		struct hash_thread *h = hash_thread_new(DIGEST_SHA512);

		for (int j = 0; j < i; j++)
			hash_thread_update(h, data, sizeof(data));
		hash_thread_free(h);
	}
	hash_thread_free(NULL);
	hash_free(NULL);
	hash_free(hash_new(DIGEST_SHA256));
}

void test_hash__data_may_be_reused_at_once(void)
{
	struct hash_thread *h = hash_thread_new(DIGEST_SHA256);
	struct hash *here = hash_new(DIGEST_SHA256);
	struct digest a, b;
	uint8_t data[30000];

	for (unsigned i = 0; i < 100; i++) {
		memset(data, (int)i, sizeof(data));
		hash_thread_update(h, data, sizeof(data));
		hash_update(here, data, sizeof(data));
	}
	hash_thread_final(h, &a);
	hash_final(here, &b);
	hash_thread_free(h);
	hash_free(here);
	CU_ASSERT_TRUE(digest_equal(&a, &b));
}
