/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One 512-byte header: v7, ustar, star and old GNU (POSIX pax, "ustar Interchange Format"; GNU tar
 * manual, "Basic Tar Format"). Both ways to sum a header are accepted, signed bytes are how Sun's
 * tar did it.
 */
#include "layers/tar_parts.h"

#include <errno.h>

/* Offsets and lengths of the fields. */
struct field {
	unsigned short at, len;
};
static const struct field f_name = { 0, 100 }, f_mode = { 100, 8 }, f_uid = { 108, 8 },
			  f_gid = { 116, 8 }, f_size = { 124, 12 }, f_mtime = { 136, 12 },
			  f_sum = { 148, 8 }, f_link = { 157, 100 }, f_major = { 329, 8 },
			  f_minor = { 337, 8 }, f_prefix = { 345, 155 },
			  f_star_prefix = { 345, 131 }, f_star_atime = { 476, 12 },
			  f_star_ctime = { 488, 12 }, f_gnu_atime = { 345, 12 },
			  f_gnu_ctime = { 357, 12 };

enum { AT_TYPE = 156, AT_MAGIC = 257, AT_STAR_TRAILER = 508 };

bool tar_block_is_zero(const uint8_t *block)
{
	return !block[0] && !memcmp(block, block + 1, TAR_BLOCK - 1);
}

bool tar_type_has_no_data(char type)
{
	return type >= '1' && type <= '6';
}

static int number(const uint8_t *block, struct field f, int64_t *ret)
{
	return tar_parse_numeric(block + f.at, f.len, ret);
}

static size_t field_len(const uint8_t *block, struct field f)
{
	return strnlen((const char *)block + f.at, f.len);
}

static bool sum_is_right(const uint8_t *block)
{
	int64_t want;
	unsigned sum = 0, high = 0;

	if (tar_parse_octal(block + f_sum.at, f_sum.len, &want) < 0)
		return false;
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += block[i];
	for (size_t i = 0; i < f_sum.len; i++)
		sum = sum - block[f_sum.at + i] + ' ';
	if (want == sum)
		return true;
	for (size_t i = 0; i < TAR_BLOCK; i++)
		high += block[i] >> 7;
	for (size_t i = 0; i < f_sum.len; i++)
		high -= block[f_sum.at + i] >> 7;
	return want == (int64_t)sum - 256 * (int64_t)high;
}

static enum tar_format format_of(const uint8_t *block)
{
	const uint8_t *magic = block + AT_MAGIC;

	if (!memcmp(magic, "ustar", 6))
		return memcmp(block + AT_STAR_TRAILER, "tar", 4) ? TAR_USTAR : TAR_STAR;
	return memcmp(magic, "ustar  ", 8) ? TAR_V7 : TAR_GNU;
}

/* Puts "PREFIX/" before the name when there is one. */
static void set_name(struct tar_header *h, const uint8_t *block, struct field prefix)
{
	const size_t prefix_len = field_len(block, prefix);
	const size_t name_len = field_len(block, f_name);
	char *p = h->name;

	if (prefix_len) {
		memcpy(p, block + prefix.at, prefix_len);
		p += prefix_len;
		*p++ = '/';
	}
	memcpy(p, block + f_name.at, name_len);
	p[name_len] = '\0';
}

static bool is_ascii(const uint8_t *block, struct field f)
{
	const size_t len = field_len(block, f);

	for (size_t i = 0; i < len; i++)
		if (block[f.at + i] >= 0x80)
			return false;
	return true;
}

/*
 * Where ustar has its prefix, GNU has two times. Go before 1.8 wrote prefixes into GNU headers:
 * times that are no numbers are one, if they look like text.
 */
static bool gnu_has_prefix(const uint8_t *block)
{
	int64_t ignored;
	const bool times = (!block[f_gnu_atime.at] || number(block, f_gnu_atime, &ignored) == 0) &&
			   (!block[f_gnu_ctime.at] || number(block, f_gnu_ctime, &ignored) == 0);

	return !times && is_ascii(block, f_prefix);
}

static int parse_star(struct tar_header *h, const uint8_t *block)
{
	int64_t ignored;

	TRY(number(block, f_star_atime, &ignored));
	TRY(number(block, f_star_ctime, &ignored));
	set_name(h, block, f_star_prefix);
	return 0;
}

static int parse_extension(struct tar_header *h, const uint8_t *block)
{
	static const struct field none = { 0, 0 };

	if (h->format == TAR_V7) {
		set_name(h, block, none);
		return 0;
	}
	TRY(number(block, f_major, &h->dev_major));
	TRY(number(block, f_minor, &h->dev_minor));
	if (h->format == TAR_STAR)
		return parse_star(h, block);
	set_name(h, block, h->format == TAR_USTAR || gnu_has_prefix(block) ? f_prefix : none);
	return 0;
}

static int parse_numbers(struct tar_header *h, const uint8_t *block)
{
	TRY(number(block, f_size, &h->size));
	TRY(number(block, f_mode, &h->mode));
	TRY(number(block, f_uid, &h->uid));
	TRY(number(block, f_gid, &h->gid));
	return number(block, f_mtime, &h->mtime);
}

int tar_header_parse(const uint8_t *block, struct tar_header *ret, const char **ret_why)
{
	const size_t link_len = field_len(block, f_link);

	if (!sum_is_right(block)) {
		*ret_why = "not a tar header: the checksum is wrong";
		return -EINVAL;
	}
	ret->format = format_of(block);
	ret->type = (char)block[AT_TYPE];
	ret->dev_major = ret->dev_minor = 0;
	memcpy(ret->link_name, block + f_link.at, link_len);
	ret->link_name[link_len] = '\0';
	set_name(ret, block, (struct field){ 0, 0 }); /* for messages */
	if (parse_numbers(ret, block) < 0 || parse_extension(ret, block) < 0) {
		*ret_why = "a number in the header is damaged";
		return -EINVAL;
	}
	return 0;
}
