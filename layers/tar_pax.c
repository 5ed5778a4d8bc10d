/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The extended header of pax (POSIX pax, "pax Extended Header"), read as Go's archive/tar reads it:
 * one malformed record condemns the archive, an empty value leaves what the plain header says, the
 * last of equal keys counts. Extended attributes come as SCHILY.xattr.NAME=BYTES (star, and
 * everybody else) or LIBARCHIVE.xattr.URL-ENCODED=BASE64, which Go does not know: a damaged one of
 * those is passed over, as Go would.
 */
#include "layers/tar_parts.h"

#include "base/mem.h"

#include <errno.h>

static const char *const key_names[PAX_KEY_COUNT] = {
	[PAX_PATH] = "path",
	[PAX_LINKPATH] = "linkpath",
	[PAX_UNAME] = "uname",
	[PAX_GNAME] = "gname",
	[PAX_UID] = "uid",
	[PAX_GID] = "gid",
	[PAX_ATIME] = "atime",
	[PAX_MTIME] = "mtime",
	[PAX_CTIME] = "ctime",
	[PAX_SIZE] = "size",
	[PAX_SPARSE_MAJOR] = "GNU.sparse.major",
	[PAX_SPARSE_MINOR] = "GNU.sparse.minor",
	[PAX_SPARSE_MAP] = "GNU.sparse.map",
	[PAX_SPARSE_NAME] = "GNU.sparse.name",
	[PAX_SPARSE_SIZE] = "GNU.sparse.size",
	[PAX_SPARSE_REALSIZE] = "GNU.sparse.realsize",
	[PAX_SPARSE_NUMBLOCKS] = "GNU.sparse.numblocks",
};

/* One record, cut out of the body; both parts are terminated. */
struct record {
	char *key, *value;
	size_t key_len, value_len;
};

void tar_pax_init(struct tar_pax *pax)
{
	*pax = (struct tar_pax){ 0 };
	pax->body = BUF_INIT(TAR_META_MAX);
	pax->map = BUF_INIT(TAR_META_MAX);
}

void tar_pax_fini(struct tar_pax *pax)
{
	buf_fini(&pax->body);
	buf_fini(&pax->map);
	free(pax->xattrs);
	pax->xattrs = NULL;
}

void tar_pax_reset(struct tar_pax *pax)
{
	buf_reset(&pax->body);
	buf_reset(&pax->map);
	pax->map_values = 0;
	memset(pax->value, 0, sizeof(pax->value));
	pax->xattr_count = 0;
}

/* "LENGTH KEY=VALUE\n", LENGTH counting itself. Returns the length, or -EINVAL. */
static int64_t cut_record(char *s, size_t len, struct record *ret)
{
	char *space = memchr(s, ' ', len), *equals;
	int64_t n;
	size_t digits;

	if (!space)
		return -EINVAL;
	digits = (size_t)(space - s);
	if (tar_parse_decimal(s, digits, &n) < 0 || n < 5 || (uint64_t)n > len)
		return -EINVAL;
	if ((size_t)n <= digits + 1 || s[n - 1] != '\n')
		return -EINVAL;
	ret->key = space + 1;
	equals = memchr(ret->key, '=', (size_t)n - digits - 2);
	if (!equals || equals == ret->key)
		return -EINVAL;
	*equals = s[n - 1] = '\0';
	ret->key_len = (size_t)(equals - ret->key);
	ret->value = equals + 1;
	ret->value_len = (size_t)(s + n - 1 - ret->value);
	return n;
}

static bool has_key(const struct record *r, const char *key)
{
	return strlen(key) == r->key_len && !memcmp(key, r->key, r->key_len);
}

static bool has_prefix(const struct record *r, const char *prefix)
{
	return strlen(prefix) <= r->key_len && !memcmp(prefix, r->key, strlen(prefix));
}

/* PAX_KEY_COUNT for keys that mean nothing here. */
static enum tar_pax_key find_key(const struct record *r)
{
	unsigned key = 0;

	while (key < PAX_KEY_COUNT && !has_key(r, key_names[key]))
		key++;
	return (enum tar_pax_key)key;
}

/* Sparse 0.0 repeats two keys in turn; they are kept as the one value that 0.1 made of them. */
static int add_to_map(struct tar_pax *pax, const struct record *r, bool is_offset)
{
	struct err ignored;

	if (is_offset != (pax->map_values % 2 == 0) || memchr(r->value, ',', r->value_len))
		return -EINVAL;
	if (pax->map_values++ && buf_append_char(&pax->map, ',', &ignored) < 0)
		return -E2BIG;
	return buf_append(&pax->map, r->value, r->value_len, &ignored) < 0 ? -E2BIG : 0;
}

static size_t find_xattr(const struct tar_pax *pax, const char *name, size_t len)
{
	size_t i = 0;

	while (i < pax->xattr_count &&
	       (pax->xattrs[i].name_len != len || memcmp(pax->xattrs[i].name, name, len) != 0))
		i++;
	return i;
}

static void drop_xattr(struct tar_pax *pax, size_t i)
{
	const size_t after = --pax->xattr_count - i;

	memmove(pax->xattrs + i, pax->xattrs + i + 1, after * sizeof(*pax->xattrs));
	memmove(pax->xattr_is_star + i, pax->xattr_is_star + i + 1, after);
}

static int set_xattr(struct tar_pax *pax, const struct tar_xattr *x, bool is_star)
{
	const size_t i = find_xattr(pax, x->name, x->name_len);

	if (i < pax->xattr_count && pax->xattr_is_star[i] && !is_star)
		return 0;
	if (!x->value_len) {
		if (i < pax->xattr_count)
			drop_xattr(pax, i);
		return 0;
	}
	if (i == TAR_XATTRS_MAX)
		return -E2BIG;
	if (!pax->xattrs)
		pax->xattrs = xcalloc(TAR_XATTRS_MAX, sizeof(*pax->xattrs));
	pax->xattrs[i] = *x;
	pax->xattr_is_star[i] = is_star;
	pax->xattr_count += i == pax->xattr_count;
	return 0;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes %XX in place; false when a NUL comes out or nothing is left. */
static bool decode_url(char *s, size_t *len)
{
	size_t out = 0;

	for (size_t i = 0; i < *len; i++) {
		int high = -1, low = -1;

		if (s[i] == '%' && *len - i > 2) {
			high = hex_value(s[i + 1]);
			low = hex_value(s[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			s[out] = (char)(high << 4 | low);
			i += 2;
		} else {
			s[out] = s[i];
		}
		if (!s[out++])
			return false;
	}
	s[out] = '\0';
	*len = out;
	return out > 0;
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes in place, padded or not; false for anything else. */
static bool decode_base64(char *s, size_t *len)
{
	size_t in = *len, out = 0;
	uint32_t bits = 0;

	while (in && *len - in < 2 && s[in - 1] == '=')
		in--;
	if (in % 4 == 1)
		return false;
	for (size_t i = 0; i < in; i++) {
		const int value = base64_value(s[i]);

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		if (i % 4)
			s[out++] = (char)(bits >> (6 - i % 4 * 2));
	}
	*len = out;
	return true;
}

/* A key or value of LIBARCHIVE that is damaged is passed over. */
static int add_libarchive_xattr(struct tar_pax *pax, struct record *r, size_t prefix)
{
	char *name = r->key + prefix;
	size_t name_len = r->key_len - prefix, value_len = r->value_len;

	if (!decode_url(name, &name_len) || !decode_base64(r->value, &value_len))
		return 0;
	return set_xattr(pax, &(struct tar_xattr){ name, r->value, name_len, value_len }, false);
}

static int add_xattr(struct tar_pax *pax, struct record *r)
{
	static const char star[] = "SCHILY.xattr.", libarchive[] = "LIBARCHIVE.xattr.";

	if (has_prefix(r, libarchive))
		return add_libarchive_xattr(pax, r, strlen(libarchive));
	if (!has_prefix(r, star))
		return 0;
	return set_xattr(pax,
			 &(struct tar_xattr){ r->key + strlen(star), r->value,
					      r->key_len - strlen(star), r->value_len },
			 true);
}

static int take_record(struct tar_pax *pax, struct record *r)
{
	const bool is_offset = has_key(r, "GNU.sparse.offset");
	const enum tar_pax_key key = find_key(r);

	if (memchr(r->key, '\0', r->key_len))
		return -EINVAL;
	if (is_offset || has_key(r, "GNU.sparse.numbytes"))
		return add_to_map(pax, r, is_offset);
	if (key == PAX_KEY_COUNT)
		return add_xattr(pax, r);
	if (key <= PAX_GNAME && memchr(r->value, '\0', r->value_len))
		return -EINVAL;
	pax->value[key] = (struct tar_slice){ r->value, r->value_len };
	return 0;
}

int tar_pax_parse(struct tar_pax *pax, const char **ret_why)
{
	char *s = pax->body.data;
	size_t left = pax->body.len;

	while (left) {
		struct record r;
		const int64_t n = cut_record(s, left, &r);
		const int rc = n < 0 ? (int)n : take_record(pax, &r);

		if (rc < 0) {
			*ret_why = rc == -E2BIG ? "too many extended attributes or data runs"
						: "an extended header record is damaged";
			return rc;
		}
		s += n;
		left -= (size_t)n;
	}
	if (pax->map_values)
		pax->value[PAX_SPARSE_MAP] = (struct tar_slice){ pax->map.data, pax->map.len };
	return 0;
}

static int merge_number(const struct tar_pax *pax, enum tar_pax_key key, int64_t *into)
{
	const struct tar_slice *v = &pax->value[key];

	return v->len ? tar_parse_decimal(v->p, v->len, into) : 0;
}

static int merge_time(const struct tar_pax *pax, enum tar_pax_key key, int64_t *sec, uint32_t *nsec)
{
	const struct tar_slice *v = &pax->value[key];

	return v->len ? tar_parse_time(v->p, v->len, sec, nsec) : 0;
}

int tar_pax_merge(const struct tar_pax *pax, struct tar_entry *entry, int64_t *size)
{
	int64_t ignored_sec;
	uint32_t ignored_nsec;

	TRY(merge_number(pax, PAX_UID, &entry->uid));
	TRY(merge_number(pax, PAX_GID, &entry->gid));
	TRY(merge_number(pax, PAX_SIZE, size));
	TRY(merge_time(pax, PAX_ATIME, &ignored_sec, &ignored_nsec));
	TRY(merge_time(pax, PAX_CTIME, &ignored_sec, &ignored_nsec));
	return merge_time(pax, PAX_MTIME, &entry->mtime_sec, &entry->mtime_nsec);
}
