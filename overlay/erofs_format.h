/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EROFS on disk, as far as we write it (Documentation/filesystems/erofs.rst), and our own tail
 * behind it. All little-endian:
 *
 *   1 KiB of zeros | superblock | device slots | inodes, directories, long links | copied data |
 *   bytes of each device's tar, 64 bits each, filled up to 64 | footer
 *
 * The kernel reads the first two lines up to "copied data", `blocks` of the superblock; the rest is
 * for erofs_open alone. Not for others: overlay/erofs.h is.
 */
#ifndef IMG_OVERLAY_EROFS_FORMAT_H
#define IMG_OVERLAY_EROFS_FORMAT_H

#include <stdint.h>

#define EROFS_BLOCK_BITS  9u
#define EROFS_BLOCK_BYTES 512u
#define EROFS_SLOT_BYTES  32u /* inodes are numbered by where they lie, in these */

#define EROFS_SUPER_OFFSET  1024u
#define EROFS_SUPER_MAGIC   0xE0F5E1E2u
#define EROFS_COMPAT_CHKSUM 0x1u
#define EROFS_COMPAT_MTIME  0x2u
#define EROFS_CHUNKED_FILE  0x4u
#define EROFS_DEVICE_TABLE  0x8u

struct erofs_super {
	uint32_t magic;
	uint32_t checksum; /* crc32c of this block from the superblock on, with 0 here */
	uint32_t feature_compat;
	uint8_t block_bits, extra_slots;
	uint16_t root_nid;
	uint64_t inode_count;
	uint64_t epoch;
	uint32_t fixed_nsec;
	uint32_t blocks;
	uint32_t meta_block, xattr_block;
	uint8_t uuid[16];
	uint8_t volume_name[16];
	uint32_t feature_incompat;
	uint16_t compression;
	uint16_t device_count;
	uint16_t device_slot; /* offset of the device slots, in slots */
	uint8_t directory_block_bits, prefix_count;
	uint32_t prefix_start;
	uint64_t packed_nid;
	uint8_t reserved[24];
};
_Static_assert(sizeof(struct erofs_super) == 128, "on disk");

struct erofs_device {
	uint8_t tag[64];
	uint32_t blocks;
	uint32_t unified_block; /* where it begins among the blocks of all; 0: nowhere */
	uint8_t reserved[56];
};
_Static_assert(sizeof(struct erofs_device) == 128, "on disk");
#define EROFS_DEVICES_OFFSET (EROFS_SUPER_OFFSET + (unsigned)sizeof(struct erofs_super))

/*
 * Blocks of all devices have numbers in one space besides, the image's own first. A file of one page
 * is found by that number alone, which spares it the chunk index and what that takes to align: a
 * quarter of the image. The kernel then searches the devices one by one, and gives up reading pages
 * together: so no larger files, and not with many devices.
 */
#define EROFS_UNIFIED_START	  0x80000000u
#define EROFS_UNIFIED_DEVICES_MAX 64u
#define EROFS_UNIFIED_BYTES_MAX	  4096u

#define EROFS_FORMAT_EXTENDED 1u
#define EROFS_LAYOUT_PLAIN    0u
#define EROFS_LAYOUT_INLINE   2u
#define EROFS_LAYOUT_CHUNKS   4u
#define EROFS_FORMAT(layout)  (EROFS_FORMAT_EXTENDED | (layout) << 1)

/* The extended form, the only one we write. */
struct erofs_inode {
	uint16_t format;
	uint16_t xattr_count; /* words of xattrs after the 12 bytes of their header, plus 1 */
	uint16_t mode;
	uint16_t reserved;
	uint64_t size_bytes;
	uint32_t u; /* first block; chunk format; or device number */
	uint32_t number;
	uint32_t uid, gid;
	int64_t mtime_sec;
	uint32_t mtime_nsec;
	uint32_t nlink;
	uint8_t reserved2[16];
};
_Static_assert(sizeof(struct erofs_inode) == 64, "on disk");

#define EROFS_CHUNK_BITS_MASK 0x1fu /* of a chunk, above those of a block */
#define EROFS_CHUNK_INDEXES   0x20u /* of 8 bytes */
#define EROFS_CHUNK_BITS_MAX  (EROFS_BLOCK_BITS + EROFS_CHUNK_BITS_MASK)

struct erofs_chunk {
	uint16_t block_high;
	uint16_t device; /* 0: this image */
	uint32_t block;
};
_Static_assert(sizeof(struct erofs_chunk) == 8, "on disk");
#define EROFS_HOLE UINT32_MAX

struct erofs_xattr_header {
	uint32_t name_filter;
	uint8_t shared_count;
	uint8_t reserved[7];
};
_Static_assert(sizeof(struct erofs_xattr_header) == 12, "on disk");

struct erofs_xattr {
	uint8_t name_len; /* without the prefix */
	uint8_t prefix;
	uint16_t value_len;
};
_Static_assert(sizeof(struct erofs_xattr) == 4, "on disk");

enum erofs_prefix {
	EROFS_PREFIX_USER = 1,
	EROFS_PREFIX_ACL_ACCESS = 2,
	EROFS_PREFIX_ACL_DEFAULT = 3,
	EROFS_PREFIX_TRUSTED = 4,
	EROFS_PREFIX_SECURITY = 6,
};

struct erofs_dirent {
	uint64_t nid;
	uint16_t name_offset; /* in the block; of the first one: bytes of all dirents */
	uint8_t type;
	uint8_t reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct erofs_dirent) == 12, "on disk");

enum erofs_type {
	EROFS_TYPE_FILE = 1,
	EROFS_TYPE_DIRECTORY = 2,
	EROFS_TYPE_CHARACTER = 3,
	EROFS_TYPE_BLOCK = 4,
	EROFS_TYPE_FIFO = 5,
	EROFS_TYPE_SYMLINK = 7,
};

#define EROFS_NAME_MAX	 255u
#define EROFS_TARGET_MAX 4095u /* of a symlink, as Linux has it */

/* Our own, at the very end. Version: any change of what we write makes a new one. */
#define EROFS_FOOTER_MAGIC   "IMGEROFS"
#define EROFS_FOOTER_VERSION 1u
struct erofs_footer {
	char magic[8];
	uint32_t version;
	uint32_t device_count;
	uint64_t image_bytes; /* what the kernel sees, whole blocks */
	uint64_t inode_count;
	uint64_t reserved[3];
	uint64_t checksum; /* over all bytes before this field */
};
_Static_assert(sizeof(struct erofs_footer) == 64, "on disk");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "images are written in place");

#endif
