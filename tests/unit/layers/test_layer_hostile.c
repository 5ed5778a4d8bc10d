/* SPDX-License-Identifier: Apache-2.0 */
/* Indexes with a right checksum and wrong content. */
#include "layers/layer.h"

#include "base/mem.h"
#include "layers/index.h"
#include "layers/tree.h"
#include "tests/unit/layers/layermaker.h"

#include <CUnit/CUnit.h>

static void sum_anew(unsigned char *index, size_t len)
{
	struct index_header *header = (struct index_header *)(void *)index;
	const size_t body = sizeof(*header);

	header->checksum =
		index_checksum(INDEX_CHECKSUM_START, index + body, (len - body) & ~(size_t)7);
	header->checksum = index_checksum_header(header->checksum, header);
}

/* Where the parts of the index begin: those of the entries are of `sparse`, which has all. */
struct parts {
	struct index_header *header;
	char *heap;
	struct index_entry *entries;
	struct index_extra *extra;
	struct index_extent *runs;
	struct index_xattr *xattr;
};

static struct parts parts_of(unsigned char *index)
{
	struct parts p = { .header = (struct index_header *)(void *)index };

	p.heap = (char *)(p.header + 1);
	p.entries = (struct index_entry *)(void *)(p.heap + p.header->heap_bytes);
	p.extra = (struct index_extra *)(void *)(p.heap + p.entries[8].extra);
	p.runs = (struct index_extent *)(void *)(p.extra + 1);
	p.xattr = (struct index_xattr *)(void *)(p.runs + p.extra->extent_count);
	return p;
}

#define PART(type, part, field)                                     \
	offsetof(struct parts, part), offsetof(struct type, field), \
		sizeof(((struct type *)0)->field)
#define HEADER(field)	PART(index_header, header, field), 0
#define ENTRY(n, field) PART(index_entry, entries, field), (n) * sizeof(struct index_entry)
#define EXTRA(field)	PART(index_extra, extra, field), 0
#define RUN(n, field)	PART(index_extent, runs, field), (n) * sizeof(struct index_extent)
#define XATTR(field)	PART(index_xattr, xattr, field), 0

/* A field and what it is set to: a number, or one relative to what it or another field was. */
struct change {
	size_t part, offset, width, more;
	enum { TO, BY, HEAP } how;
	uint64_t value;
};

static const struct change changes[] = {
	{ ENTRY(0, name), HEAP, 0 },
	{ ENTRY(0, link_name), TO, UINT32_MAX },
	{ ENTRY(0, mtime_nsec), TO, 1000000000 },
	{ ENTRY(0, mode), TO, 010000 },
	{ ENTRY(0, is_sparse), TO, 1 },
	{ ENTRY(1, is_sparse), TO, 1 },
	{ ENTRY(1, is_sparse), TO, 2 },
	{ ENTRY(1, size_bytes), TO, UINT64_MAX },
	{ ENTRY(1, size_bytes), TO, 1 << 20 },
	{ ENTRY(1, data_offset), TO, 1 << 20 },
	{ ENTRY(1, data_offset), TO, UINT64_MAX },
	{ ENTRY(1, header_blocks), TO, 0 },
	{ ENTRY(1, header_blocks), TO, 3 },
	{ ENTRY(1, extra), TO, 4 },
	{ ENTRY(1, extra), HEAP, 0 },
	{ ENTRY(1, extra), HEAP, -8ull },
	{ ENTRY(7, is_sparse), TO, 1 },
	{ ENTRY(8, is_sparse), TO, 0 },
	{ ENTRY(8, type), TO, '5' },
	{ EXTRA(data_bytes), BY, 1 },
	{ EXTRA(extent_count), TO, UINT32_MAX },
	{ EXTRA(extent_count), TO, TAR_EXTENTS_MAX },
	{ EXTRA(extent_count), TO, 1 },
	{ EXTRA(xattr_count), TO, UINT32_MAX },
	{ EXTRA(xattr_count), TO, TAR_XATTRS_MAX },
	{ RUN(1, logical_offset), TO, 13 },
	{ RUN(1, logical_offset), TO, 37 },
	{ RUN(1, logical_offset), TO, UINT64_MAX },
	{ RUN(1, stored_offset), TO, 5 },
	{ RUN(0, bytes), TO, 0 },
	{ RUN(0, bytes), TO, UINT64_MAX },
	{ XATTR(name), TO, UINT32_MAX },
	{ XATTR(name_len), TO, UINT32_MAX },
	{ XATTR(name_len), BY, -1ull },
	{ XATTR(value), HEAP, 0 },
	{ XATTR(value_len), TO, UINT32_MAX },
	{ HEADER(heap_bytes), TO, 0 },
	{ HEADER(heap_bytes), BY, 1 },
	{ HEADER(heap_bytes), TO, -8ull },
	{ HEADER(entry_count), TO, UINT64_MAX / 56 + 2 },
	{ HEADER(entry_count), BY, -1ull },
	{ HEADER(version), BY, 1 },
	{ HEADER(entry_bytes), BY, 8 },
	{ HEADER(tar_bytes), BY, 512 },
	{ HEADER(magic), TO, 0 },
};

static void change(unsigned char *index, const struct change *c)
{
	const struct parts p = parts_of(index);
	unsigned char *part, *field;
	uint64_t value = c->how == HEAP ? p.header->heap_bytes : 0;

	memcpy(&part, (const char *)&p + c->part, sizeof(part));
	field = part + c->offset + c->more;
	if (c->how == BY)
		memcpy(&value, field, c->width);
	value += c->value;
	memcpy(field, &value, c->width);
}

static void check_refused(const struct tarmaker *t, unsigned char *index, size_t len, size_t row)
{
	struct layer *layer = NULL;
	struct err err = { 0 };

	sum_anew(index, len);
	if (layermaker_open(t, (struct bytes){ index, len }, false, &layer, &err) == 0)
		printf("# row %zu was accepted\n", row);
	CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
	CU_ASSERT_PTR_NULL(strstr(err.msg, "checksum"));
	layer_free(layer);
}

/* What an attacker would try first. */
void test_layer_hostile__fields_are_checked(void)
{
	_tarmaker_ struct tarmaker t = { 0 };
	size_t len;

	layermaker_tar(&t);
	_free_ unsigned char *good = layermaker_index(&t, 0, 1, &len);

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		_free_ unsigned char *bad = (unsigned char *)xmemdupz(good, len);

		change(bad, &changes[i]);
		check_refused(&t, bad, len, i);
	}
}

void test_layer_hostile__texts_must_end(void)
{
	_tarmaker_ struct tarmaker t = { 0 };
	size_t len;

	layermaker_tar(&t);
	_free_ unsigned char *good = layermaker_index(&t, 0, 1, &len);

	for (size_t i = 0; i < 2; i++) {
		_free_ unsigned char *bad = (unsigned char *)xmemdupz(good, len);
		const struct parts p = parts_of(bad);

		p.heap[i ? p.header->heap_bytes - 1 : 0] = 'x';
		check_refused(&t, bad, len, 1000 + i);
	}
}

/* Reads all that an accepted index says. */
static void use_layer(struct layer *layer)
{
	struct tree *tree = NULL;
	struct err err = { 0 };
	size_t sum = 0;

	for (size_t i = 0; i < layer_entry_count(layer); i++) {
		struct tar_entry e;
		struct tar_xattr x;
		struct tar_extent run;
		uint64_t at, bytes;

		layer_entry(layer, i, &e);
		sum += strlen(e.name) + strlen(e.link_name);
		CU_ASSERT_TRUE(e.mtime_nsec < 1000000000 && e.mode <= 07777);
		for (size_t n = 0; n < layer_entry_xattr(layer, i, n, &x); n++)
			sum += strlen(x.name) + *(const char *)x.name +
			       (x.value_len ? ((const unsigned char *)x.value)[x.value_len - 1]
					    : 0);
		for (size_t n = 0; n < layer_entry_extent(layer, i, n, &run); n++)
			sum += run.bytes;
		layer_entry_locate(layer, i, e.size_bytes / 2, &at, &bytes);
		sum += at + bytes;
	}
	CU_ASSERT_NOT_EQUAL(sum, 1);
	if (tree_build(NULL, &layer, 1, &tree, &err) == 0) {
		_free_ char *text = tm_tree_text(tree);

		CU_ASSERT_PTR_NOT_NULL(text);
	}
	tree_free(tree);
}

/* A right checksum proves nothing. */
void test_layer_hostile__a_hostile_index_is_harmless(void)
{
	_tarmaker_ struct tarmaker t = { 0 };
	unsigned accepted = 0, seed = 1;
	size_t len;

	layermaker_tar(&t);
	_free_ unsigned char *good = layermaker_index(&t, 0, 1, &len);

	for (unsigned round = 0; round < 3000; round++) {
		_free_ unsigned char *bad = (unsigned char *)xmemdupz(good, len);
		struct layer *layer = NULL;
		struct err err = { 0 };

		for (unsigned i = 0; i <= round % 3; i++) {
			seed = seed * 1103515245u + 12345u;
			const size_t at = 8 + (seed >> 8) % (len - 8);

			seed = seed * 1103515245u + 12345u;
			bad[at] = seed >> 16 & 1 ? (unsigned char)(seed >> 24)
						 : (unsigned char)(bad[at] + 1);
		}
		sum_anew(bad, len);
		if (layermaker_open(&t, (struct bytes){ bad, len }, false, &layer, &err) == 0) {
			accepted++;
			use_layer(layer);
		} else {
			CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
		}
		layer_free(layer);
	}
	CU_ASSERT_TRUE(accepted > 100);
	CU_ASSERT_TRUE(accepted < 2900);
}
