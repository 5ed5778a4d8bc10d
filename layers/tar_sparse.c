/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sparse files: old GNU (in the header and extension blocks), pax 0.0 and 0.1 (in records) and 1.0
 * (in front of the data); GNU tar manual, "Storing Sparse Files". A map names the runs of data; it
 * is bounded, ascending, without overlap, inside the file, and as long as the stored data.
 */
#include "layers/tar_parts.h"

#include "base/mem.h"

#include <errno.h>

enum { OLD_ENTRY = 24, OLD_AT = 386, OLD_COUNT = 4, EXTENSION_COUNT = 21 };

void tar_sparse_fini(struct tar_sparse *s)
{
	free(s->extents);
	*s = (struct tar_sparse){ 0 };
}

void tar_sparse_reset(struct tar_sparse *s)
{
	*s = (struct tar_sparse){ .extents = s->extents, .alloc = s->alloc };
}

/* The end of the run before, where the next one may begin. */
static uint64_t last_end(const struct tar_sparse *s)
{
	return s->count ? s->extents[s->count - 1].logical_offset + s->extents[s->count - 1].bytes
			: 0;
}

int tar_sparse_add(struct tar_sparse *s, int64_t offset, int64_t bytes)
{
	if (offset < 0 || bytes < 0 || bytes > INT64_MAX - offset)
		return -EINVAL;
	if ((uint64_t)offset < last_end(s))
		return -EINVAL;
	if (s->count == TAR_EXTENTS_MAX)
		return -E2BIG;
	if (s->count == s->alloc) {
		s->alloc = s->alloc ? s->alloc * 2 : 16;
		s->extents = xreallocarray(s->extents, s->alloc, sizeof(*s->extents));
	}
	s->extents[s->count++] = (struct tar_extent){ (uint64_t)offset, (uint64_t)bytes };
	return 0;
}

int tar_sparse_old(struct tar_sparse *s, const uint8_t *block, bool is_extension)
{
	const uint8_t *p = block + (is_extension ? 0 : OLD_AT);
	const unsigned count = is_extension ? EXTENSION_COUNT : OLD_COUNT;

	for (unsigned i = 0; i < count && p[i * OLD_ENTRY]; i++) {
		int64_t offset, bytes;

		TRY(tar_parse_numeric(p + i * OLD_ENTRY, 12, &offset));
		TRY(tar_parse_numeric(p + i * OLD_ENTRY + 12, 12, &bytes));
		TRY(tar_sparse_add(s, offset, bytes));
	}
	return p[count * OLD_ENTRY] != 0;
}

static bool slice_is(struct tar_slice v, const char *s)
{
	return v.len == strlen(s) && !memcmp(v.p, s, v.len);
}

int tar_sparse_version(const struct tar_pax *pax)
{
	const struct tar_slice major = pax->value[PAX_SPARSE_MAJOR];
	const struct tar_slice minor = pax->value[PAX_SPARSE_MINOR];

	if (slice_is(major, "0") && (slice_is(minor, "0") || slice_is(minor, "1")))
		return 0;
	if (slice_is(major, "1") && slice_is(minor, "0"))
		return 1;
	if (major.len || minor.len)
		return -1; /* a version nobody knows: an ordinary file */
	return pax->value[PAX_SPARSE_MAP].len ? 0 : -1;
}

/* Takes the next number of a comma-separated list; false at its end. */
static bool next_number(struct tar_slice *list, int64_t *ret, int *rc)
{
	const char *comma;
	size_t len;

	if (!list->p)
		return false;
	comma = memchr(list->p, ',', list->len);
	len = comma ? (size_t)(comma - list->p) : list->len;
	*rc = tar_parse_decimal(list->p, len, ret);
	*list = comma ? (struct tar_slice){ comma + 1, list->len - len - 1 }
		      : (struct tar_slice){ 0 };
	return *rc == 0;
}

int tar_sparse_records(struct tar_sparse *s, const struct tar_pax *pax)
{
	const struct tar_slice blocks = pax->value[PAX_SPARSE_NUMBLOCKS];
	struct tar_slice list = pax->value[PAX_SPARSE_MAP];
	int64_t count, offset, bytes;
	int rc = 0;

	TRY(tar_parse_decimal(blocks.p, blocks.len, &count));
	if (!list.len)
		list.p = NULL;
	while (next_number(&list, &offset, &rc)) {
		if (!next_number(&list, &bytes, &rc))
			return -EINVAL;
		TRY(tar_sparse_add(s, offset, bytes));
	}
	return rc < 0 || count < 0 || (uint64_t)count != s->count ? -EINVAL : 0;
}

void tar_sparse_map_begin(struct tar_sparse *s)
{
	tar_sparse_reset(s);
	s->wanted = 1;
}

/* One character of a number; text_parse would need all of it at once. */
static void token_char(struct tar_sparse *s, uint8_t c)
{
	if ((c == '-' || c == '+') && !s->has_digit && !s->has_sign) {
		s->has_sign = true;
		s->negative = c == '-';
		return;
	}
	s->has_digit = true;
	if (c < '0' || c > '9' || s->token > (uint64_t)INT64_MAX / 10)
		s->bad = true;
	else
		s->token = s->token * 10 + (uint64_t)(c - '0');
}

static int token_end(struct tar_sparse *s, int64_t *ret)
{
	if (s->bad || !s->has_digit || s->token > INT64_MAX)
		return -EINVAL;
	*ret = s->negative ? -(int64_t)s->token : (int64_t)s->token;
	s->token = 0;
	s->negative = s->has_sign = s->has_digit = false;
	return 0;
}

static int take_value(struct tar_sparse *s, int64_t value)
{
	s->wanted--;
	if (!s->has_count) {
		s->has_count = true;
		if (value < 0)
			return -EINVAL;
		if ((uint64_t)value > TAR_EXTENTS_MAX)
			return -E2BIG;
		s->wanted = 2 * (uint64_t)value;
		return 0;
	}
	s->has_offset = !s->has_offset;
	if (!s->has_offset)
		return tar_sparse_add(s, s->offset, value);
	s->offset = value;
	return 0;
}

int tar_sparse_map_block(struct tar_sparse *s, const uint8_t *block)
{
	for (size_t i = 0; i < TAR_BLOCK && s->wanted; i++) {
		int64_t value;

		if (block[i] != '\n') {
			token_char(s, block[i]);
			continue;
		}
		TRY(token_end(s, &value));
		TRY(take_value(s, value));
	}
	return s->wanted == 0;
}

bool tar_sparse_end(struct tar_sparse *s, uint64_t size_bytes, uint64_t data_bytes)
{
	const uint64_t end = last_end(s);
	uint64_t sum = 0;
	size_t kept = 0;

	/* The runs ascend, so they end where the last one does and their sum cannot overflow. */
	for (size_t i = 0; i < s->count; i++) {
		sum += s->extents[i].bytes;
		if (s->extents[i].bytes)
			s->extents[kept++] = s->extents[i];
	}
	s->count = kept;
	return end <= size_bytes && sum == data_bytes;
}
