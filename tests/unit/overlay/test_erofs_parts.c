/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the writer that can be looked at alone: places, checksums. */
#include "base/mem.h"
#include "overlay/erofs_format.h"
#include "overlay/erofs_layout.h"
#include "overlay/erofs_sum.h"

#include <CUnit/CUnit.h>
#include <string.h>

#define MAP_BYTES ((size_t)4 * 1024 * 1024)

struct world {
	unsigned char *used; /* by slot */
	struct erofs_layout layout;
};

static void claim(struct world *w, uint64_t at, uint64_t bytes)
{
	CU_ASSERT_EQUAL_FATAL(at % EROFS_SLOT_BYTES, 0);
	CU_ASSERT_TRUE_FATAL(at + bytes <= MAP_BYTES);
	for (uint64_t i = at / EROFS_SLOT_BYTES; i * EROFS_SLOT_BYTES < at + bytes; i++) {
		CU_ASSERT_FALSE_FATAL(w->used[i]);
		w->used[i] = 1;
	}
}

/* Inodes and blocks of any sizes: apart, aligned, tails in one block, and nothing below settled. */
void test_erofs_parts__places_are_apart_and_dense(void)
{
	struct world w = { .layout = { .end = 1408 } };
	uint64_t settled, asked = 0;
	unsigned seed = 7;

	w.used = xcalloc(MAP_BYTES / EROFS_SLOT_BYTES, 1);
	for (unsigned i = 0; i < 12000; i++) {
		const unsigned r = seed = seed * 1103515245u + 12345u, kind = r >> 16 & 7;
		struct erofs_extent e = { 64, 0 };
		uint64_t at;

		settled = erofs_layout_settled(&w.layout);
		if (kind == 0) {
			at = erofs_layout_blocks(&w.layout, r >> 20 & 3) * EROFS_BLOCK_BYTES;
			claim(&w, at, (r >> 20 & 3) * (uint64_t)EROFS_BLOCK_BYTES);
			asked += (r >> 20 & 3) * (uint64_t)EROFS_BLOCK_BYTES;
		} else {
			if (kind < 4)
				e.together = r >> 20 & 511;
			e.bytes += e.together + (kind == 5 ? 8 : 0);
			at = erofs_layout_inode(&w.layout, e);
			claim(&w, at, e.bytes);
			asked += e.bytes;
			if (e.together)
				CU_ASSERT_TRUE((at + e.bytes - e.together) % EROFS_BLOCK_BYTES +
						       e.together <=
					       EROFS_BLOCK_BYTES);
		}
		CU_ASSERT_TRUE(at >= settled);
		CU_ASSERT_TRUE(erofs_layout_settled(&w.layout) >= settled);
	}
	/* Slots round up by half of one an inode; gaps are few. */
	CU_ASSERT_TRUE(w.layout.end < asked + asked / 7);
	free(w.used);
}

/* RFC 3720, B.4, and the usual check value; the kernel neither inverts before nor after. */
void test_erofs_parts__crc32c(void)
{
	unsigned char zeros[32] = { 0 }, ones[32];

	memset(ones, 0xff, sizeof(ones));
	CU_ASSERT_EQUAL(~erofs_crc32c(UINT32_MAX, "123456789", 9), 0xe3069283u);
	CU_ASSERT_EQUAL(~erofs_crc32c(UINT32_MAX, zeros, sizeof(zeros)), 0x8a9136aau);
	CU_ASSERT_EQUAL(~erofs_crc32c(UINT32_MAX, ones, sizeof(ones)), 0x62a8ab43u);
}

/* Cut anywhere it is the same sum; any changed bit, and two changed places, make another. */
void test_erofs_parts__sum_over_everything(void)
{
	unsigned char data[640];
	struct erofs_sum whole, parts;
	uint64_t want;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 37);
	erofs_sum_init(&whole);
	erofs_sum_add(&whole, data, 512);
	want = erofs_sum_end(&whole, data + 512, 128);
	erofs_sum_init(&parts);
	for (size_t at = 0; at < 512; at += EROFS_SUM_STRIPE)
		erofs_sum_add(&parts, data + at, EROFS_SUM_STRIPE);
	CU_ASSERT_EQUAL(erofs_sum_end(&parts, data + 512, 128), want);
	for (size_t bit = 0; bit < sizeof(data) * 8; bit++) {
		data[bit / 8] ^= (unsigned char)(1u << bit % 8);
		erofs_sum_init(&whole);
		erofs_sum_add(&whole, data, 512);
		CU_ASSERT_NOT_EQUAL(erofs_sum_end(&whole, data + 512, 128), want);
		data[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
}
