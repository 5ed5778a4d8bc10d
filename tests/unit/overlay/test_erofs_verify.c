/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged images: what the checksum notices, and what the verifier notices without it. */
#include "base/mem.h"
#include "overlay/erofs_format.h"
#include "overlay/erofs_sum.h"
#include "tests/unit/overlay/erofsmaker.h"

#include <CUnit/CUnit.h>
#include <sys/mman.h>

/* An image in memory, with the places of some of what is in it. */
struct sample {
	unsigned char *data;
	size_t len;
	size_t root, dir, file, large, link, longer, device, fifo, with, sparse;
};

static size_t inode_at(const struct sample *s, uint64_t nid)
{
	struct erofs_super super;

	memcpy(&super, s->data + EROFS_SUPER_OFFSET, sizeof(super));
	return (size_t)super.meta_block * EROFS_BLOCK_BYTES + (size_t)nid * EROFS_SLOT_BYTES;
}

/* The inode of a name in the root, whose dirents lie all behind its inode. */
static size_t find(const struct sample *s, const char *name)
{
	const unsigned char *p = s->data + s->root + sizeof(struct erofs_inode);
	struct erofs_inode root;
	struct erofs_dirent d, next;

	memcpy(&root, s->data + s->root, sizeof(root));
	CU_ASSERT_EQUAL_FATAL(root.format, EROFS_FORMAT(EROFS_LAYOUT_INLINE));
	memcpy(&d, p, sizeof(d));
	for (size_t i = 0, count = d.name_offset / sizeof(d); i < count; i++) {
		memcpy(&d, p + i * sizeof(d), sizeof(d));
		next.name_offset = (uint16_t)root.size_bytes;
		if (i + 1 < count)
			memcpy(&next, p + (i + 1) * sizeof(d), sizeof(d));
		if (next.name_offset - d.name_offset == (int)strlen(name) &&
		    !memcmp(p + d.name_offset, name, strlen(name)))
			return inode_at(s, d.nid);
	}
	CU_FAIL_FATAL("no such name");
	return 0;
}

static void add_sparse(struct tarmaker *t)
{
	const size_t at = tarmaker_header(
		t,
		&(struct tm_header){ .type = 'S', .name = "sparse", .size = 100, .magic = TM_GNU });
	char data[100];

	memset(data, 's', sizeof(data));
	memcpy(t->data + at + 386,
	       "00000001001\0"
	       "00000000144",
	       24);
	memcpy(t->data + at + 483, "00000004000", 12);
	tarmaker_sum(t, at, 0);
	tarmaker_data(t, data, sizeof(data));
}

static void sample_make(struct sample *s)
{
	_erofsmaker_ struct erofsmaker m = erofsmaker_make();
	_tarmaker_ struct tarmaker t = { 0 };
	struct erofs_super super;
	char target[701];

	memset(target, 'l', 700);
	target[700] = '\0';
	tarmaker_text(&t,
		      "d dir; f dir/in=1; f file=text; h twice->file; l link->target; c device=1.3;"
		      "p fifo");
	t.len -= 1024;
	erofsmaker_file(&t, "large", 10000);
	erofsmaker_header(&t, &(struct tm_header){ .type = '2', .name = "longer", .link = target });
	tarmaker_pax(&t, 'x', "SCHILY.xattr.user.name", "value", "SCHILY.xattr.trusted.n", "v",
		     NULL);
	tarmaker_header(&t, &(struct tm_header){ .type = '0', .name = "with" });
	add_sparse(&t);
	tarmaker_end(&t);
	erofsmaker_layer(&m, &t);
	erofsmaker_build(&m);
	s->data = erofsmaker_bytes(&m, &s->len);
	memcpy(&super, s->data + EROFS_SUPER_OFFSET, sizeof(super));
	s->root = inode_at(s, super.root_nid);
	s->dir = find(s, "dir");
	s->file = find(s, "file");
	s->large = find(s, "large");
	s->link = find(s, "link");
	s->longer = find(s, "longer");
	s->device = find(s, "device");
	s->fifo = find(s, "fifo");
	s->with = find(s, "with");
	s->sparse = find(s, "sparse");
}

/* The superblock's checksum again, so that it is not what is noticed. */
static void fix_sum(struct sample *s)
{
	unsigned char *at = s->data + EROFS_SUPER_OFFSET + offsetof(struct erofs_super, checksum);
	uint32_t sum = 0;

	memcpy(at, &sum, sizeof(sum));
	sum = erofs_crc32c(UINT32_MAX, s->data + EROFS_SUPER_OFFSET, EROFS_BLOCK_BYTES);
	memcpy(at, &sum, sizeof(sum));
}

static int verify_changed(struct sample *s, size_t at, uint64_t value, size_t len, struct err *err)
{
	unsigned char was[8], sum[4];
	int rc;

	memcpy(was, s->data + at, len);
	memcpy(sum, s->data + EROFS_SUPER_OFFSET + 4, sizeof(sum));
	memcpy(s->data + at, &value, len);
	fix_sum(s);
	rc = erofs_verify_bytes(NULL, s->data, s->len, err);
	memcpy(s->data + at, was, len);
	memcpy(s->data + EROFS_SUPER_OFFSET + 4, sum, sizeof(sum));
	return rc;
}

static void check_changed(struct sample *s, const char *what, size_t at, uint64_t value, size_t len)
{
	struct err err = { 0 };

	if (verify_changed(s, at, value, len, &err) == 0)
		fprintf(stderr, "# not noticed: %s = %#jx\n", what, (uintmax_t)value);
	CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
}

#define SUPER(field) EROFS_SUPER_OFFSET + offsetof(struct erofs_super, field), #field
#define INODE(field) offsetof(struct erofs_inode, field), #field

void test_erofs_verify__fields_of_the_superblock(void)
{
	static const struct {
		size_t at;
		const char *name;
		uint64_t value;
		size_t len;
	} rows[] = {
		{ SUPER(magic), 0, 4 },
		{ SUPER(feature_compat), 7, 4 },
		{ SUPER(block_bits), 12, 1 },
		{ SUPER(extra_slots), 1, 1 },
		{ SUPER(root_nid), 0, 2 },
		{ SUPER(root_nid), 0xffff, 2 },
		{ SUPER(inode_count), 1, 8 },
		{ SUPER(epoch), 1, 8 },
		{ SUPER(fixed_nsec), 1, 4 },
		{ SUPER(blocks), 1, 4 },
		{ SUPER(meta_block), 0, 4 },
		{ SUPER(xattr_block), 1, 4 },
		{ SUPER(volume_name), 'x', 1 },
		{ SUPER(feature_incompat), 0x8c, 4 },
		{ SUPER(compression), 1, 2 },
		{ SUPER(device_count), 0, 2 },
		{ SUPER(device_count), 2, 2 },
		{ SUPER(device_slot), 8, 2 },
		{ SUPER(directory_block_bits), 1, 1 },
		{ SUPER(prefix_count), 1, 1 },
		{ SUPER(packed_nid), 36, 8 },
		{ SUPER(reserved), 1, 1 },
		{ 0, "before it", 1, 1 },
		{ EROFS_DEVICES_OFFSET, "tag", 1, 1 },
		{ EROFS_DEVICES_OFFSET + 64, "blocks", 1, 4 },
		{ EROFS_DEVICES_OFFSET + 68, "unified_block", 0, 4 },
		{ EROFS_DEVICES_OFFSET + 127, "reserved", 1, 1 },
	};
	struct sample s = { 0 };

	sample_make(&s);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_changed(&s, rows[i].name, rows[i].at, rows[i].value, rows[i].len);
	free(s.data);
}

void test_erofs_verify__fields_of_inodes(void)
{
	struct sample s = { 0 };
	struct erofs_device device;

	sample_make(&s);
	memcpy(&device, s.data + EROFS_DEVICES_OFFSET, sizeof(device));
	const struct {
		size_t inode, at;
		const char *name;
		uint64_t value;
		size_t len;
	} rows[] = {
		{ s.file, INODE(format), 0, 2 },
		{ s.file, INODE(format), 7, 2 },
		{ s.file, INODE(format), EROFS_FORMAT(EROFS_LAYOUT_INLINE), 2 },
		{ s.file, INODE(format), 0x11, 2 },
		{ s.file, INODE(xattr_count), 1, 2 },
		{ s.file, INODE(xattr_count), 0xffff, 2 },
		{ s.file, INODE(mode), 0, 2 },
		{ s.file, INODE(mode), 0140644, 2 },
		{ s.file, INODE(mode), 0040644, 2 },
		{ s.file, INODE(reserved), 1, 2 },
		{ s.file, INODE(size_bytes), 4097, 8 },
		{ s.file, INODE(size_bytes), UINT64_MAX, 8 },
		{ s.file, INODE(u), 1, 4 },
		{ s.file, INODE(u), UINT32_MAX, 4 },
		{ s.file, INODE(number), 0, 4 },
		{ s.file, INODE(number), 1, 4 },
		{ s.file, INODE(number), 1000, 4 },
		{ s.file, INODE(uid), UINT32_MAX, 4 },
		{ s.file, INODE(gid), UINT32_MAX, 4 },
		{ s.file, INODE(mtime_nsec), 1000000000, 4 },
		{ s.file, INODE(nlink), 0, 4 },
		{ s.file, INODE(nlink), 1, 4 },
		{ s.file, INODE(nlink), 3, 4 },
		{ s.file, INODE(reserved2), 1, 1 },
		{ s.dir, INODE(nlink), 3, 4 },
		{ s.dir, INODE(size_bytes), 0, 8 },
		{ s.dir, INODE(size_bytes), 12, 8 },
		{ s.dir, INODE(size_bytes), 512, 8 },
		{ s.dir, INODE(u), 3, 4 },
		{ s.root, INODE(nlink), 2, 4 },
		{ s.link, INODE(size_bytes), 0, 8 },
		{ s.link, INODE(size_bytes), 5, 8 },
		{ s.link, INODE(size_bytes), 7, 8 },
		{ s.link, INODE(size_bytes), 4096, 8 },
		{ s.link, INODE(u), 3, 4 },
		{ s.longer, INODE(u), 0, 4 },
		{ s.longer, INODE(u), 2, 4 },
		{ s.longer, INODE(u), UINT32_MAX, 4 },
		{ s.longer, INODE(size_bytes), 699, 8 },
		{ s.longer, INODE(size_bytes), 1300, 8 },
		{ s.device, INODE(size_bytes), 1, 8 },
		{ s.fifo, INODE(u), 1, 4 },
		{ s.large, INODE(u), 0x25 | 0x40, 4 },
		{ s.large, INODE(u), 0x5, 4 },
		{ s.large, INODE(u), 0x20, 4 },
		{ s.large, INODE(size_bytes), 1 << 20, 8 },
		{ s.large, 64, "block_high of a chunk", 1, 2 },
		{ s.large, 66, "device of a chunk", 2, 2 },
		{ s.large, 66, "device of a chunk", 0, 2 },
		{ s.large, 68, "block of a chunk", 10000, 4 },
		{ s.large, 68, "block of a chunk", device.blocks - 19, 4 },
		{ s.file, INODE(u), device.unified_block + device.blocks, 4 },
		{ s.file, INODE(u), device.unified_block - 1, 4 },
		{ s.large, 68, "block of a chunk", UINT32_MAX, 4 },
		{ s.large, 72, "after the chunks", 1, 1 },
		{ s.with, 64, "name filter", 1, 4 },
		{ s.with, 68, "shared xattrs", 1, 1 },
		{ s.with, 76, "length of a name", 255, 1 },
		{ s.with, 76, "length of a name", 0, 1 },
		{ s.with, 77, "prefix", 0, 1 },
		{ s.with, 77, "prefix", 5, 1 },
		{ s.with, 77, "prefix", 0x81, 1 },
		{ s.with, 77, "prefix", EROFS_PREFIX_ACL_ACCESS, 1 },
		{ s.with, 78, "length of a value", 0xffff, 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_changed(&s, rows[i].name, rows[i].inode + rows[i].at, rows[i].value,
			      rows[i].len);
	free(s.data);
}

void test_erofs_verify__dirents(void)
{
	struct sample s = { 0 };
	size_t at, names;
	struct erofs_dirent d;

	sample_make(&s);
	at = s.dir + sizeof(struct erofs_inode);
	memcpy(&d, s.data + at, sizeof(d));
	names = at + d.name_offset;
	/* ".", "..", "in" */
	CU_ASSERT_EQUAL_FATAL(d.name_offset, 36);
	CU_ASSERT_EQUAL_FATAL(memcmp(s.data + names, "...in", 5), 0);
	check_changed(&s, "nid of .", at, 1, 8);
	check_changed(&s, "nid of ..", at + 12, d.nid, 8);
	check_changed(&s, "nid 0", at + 24, 0, 8);
	check_changed(&s, "nid outside", at + 24, UINT64_MAX, 8);
	check_changed(&s, "nid outside", at + 24, UINT64_MAX / 32, 8);
	check_changed(&s, "nid inside an inode", at + 24, d.nid + 1, 8);
	check_changed(&s, "nid of its own", at + 24, d.nid, 8);
	for (unsigned i = 0; i <= 64; i++)
		if (i != 36)
			check_changed(&s, "first name offset", at + 8, i, 2);
	check_changed(&s, "first name offset", at + 8, 0xffff, 2);
	check_changed(&s, "name offset", at + 32, 0, 2);
	check_changed(&s, "name offset", at + 32, 36, 2);
	check_changed(&s, "name offset", at + 32, 41, 2);
	check_changed(&s, "type", at + 10, EROFS_TYPE_FILE, 1);
	check_changed(&s, "type", at + 34, EROFS_TYPE_DIRECTORY, 1);
	check_changed(&s, "type", at + 34, 0, 1);
	check_changed(&s, "reserved", at + 35, 1, 1);
	check_changed(&s, "order", names + 3, '!', 1);
	check_changed(&s, "slash", names + 4, '/', 1);
	check_changed(&s, "NUL", names + 4, 0, 1);
	check_changed(&s, "no ..", names + 2, 'x', 1);
	free(s.data);
}

/* Each bit of the image: never more than an error, and mostly that. */
void test_erofs_verify__every_bit(void)
{
	struct sample s = { 0 };
	size_t noticed = 0, bits;

	sample_make(&s);
	bits = (s.len - sizeof(struct erofs_footer)) * 8;
	for (size_t i = 0; i < bits; i++) {
		struct err err = { 0 };
		const uint64_t byte = s.data[i / 8] ^ 1u << i % 8;

		noticed += verify_changed(&s, i / 8, byte, 1, &err) < 0;
	}
	/* The rest: owners, times, modes, names, a long target, xattrs, copied data. */
	CU_ASSERT_TRUE(noticed > bits * 6 / 10);
	free(s.data);
}

/* Cut at each place: head and tail no longer agree. */
void test_erofs_verify__every_length(void)
{
	struct sample s = { 0 };

	sample_make(&s);
	for (size_t len = 0; len < s.len; len++) {
		struct err err = { 0 };

		CU_ASSERT_EQUAL(erofs_verify_bytes(NULL, s.data, len, &err), -err.errnum);
		CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
	}
	free(s.data);
}

static int open_bytes(const struct sample *s, struct erofs **ret, struct err *err)
{
	_close_ int fd = memfd_create("image", MFD_CLOEXEC);

	CU_ASSERT_EQUAL_FATAL(write(fd, s->data, s->len), (ssize_t)s->len);
	return erofs_open(fd, ret, err);
}

void test_erofs_verify__opening_notices_any_changed_byte(void)
{
	struct sample s = { 0 };
	struct erofs *e = NULL;
	struct err err = { 0 };

	sample_make(&s);
	CU_ASSERT_EQUAL(open_bytes(&s, &e, &err), 0);
	erofs_free(e);
	for (size_t i = 0; i < s.len; i++) {
		s.data[i] ^= (unsigned char)(1u << i % 8);
		err_clear(&err);
		CU_ASSERT_TRUE(open_bytes(&s, &e, &err) < 0);
		CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
		s.data[i] ^= (unsigned char)(1u << i % 8);
	}
	free(s.data);
}

void test_erofs_verify__opening_what_is_no_image(void)
{
	struct erofs *e = NULL;
	struct err err = { 0 };
	_close_ int empty = memfd_create("empty", MFD_CLOEXEC);
	int ends[2];

	CU_ASSERT_TRUE(erofs_open(empty, &e, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	err_clear(&err);
	CU_ASSERT_TRUE(erofs_open(ends[0], &e, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
	close(ends[0]);
	close(ends[1]);
	erofs_free(NULL);
}
