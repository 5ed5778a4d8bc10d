/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing tar (POSIX.1-1988 ustar, POSIX.1-2001 pax). Names are bytes: what fits in ustar goes
 * there as it is, whatever its encoding; readers of layers take it so.
 */
#include "layers/tar_write.h"

#include "base/buf.h"
#include "base/mem.h"
#include "sys/file.h"

#include <assert.h>
#include <errno.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

char tar_type_of(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return '0';
	case S_IFLNK:
		return '2';
	case S_IFCHR:
		return '3';
	case S_IFBLK:
		return '4';
	case S_IFDIR:
		return '5';
	default:
		return '6';
	}
}

#define BLOCK	      512
#define OUT_BYTES     ((size_t)256 * 1024)
#define DIRECT_BYTES  ((uint64_t)64 * 1024) /* from here on a file's data skips our buffer */
#define MAP_BYTES_MAX ((size_t)16 << 20)
#define PAX_BYTES_MAX ((size_t)1 << 20) /* what readers accept */

struct tar_writer {
	int fd; /* -1: to the function below */
	tar_sink_fn *sink;
	void *sink_arg;
	size_t used;
	uint64_t written; /* all bytes, buffered ones included */
	uint64_t owed;	  /* data bytes the current entry still needs */
	uint8_t *out;
};

/* POSIX.1-1988 header block. */
struct ustar {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type;
	char link_name[100], magic[6], version[2], user[32], group[32];
	char dev_major[8], dev_minor[8], prefix[155], pad[12];
};

_Static_assert(sizeof(struct ustar) == BLOCK, "a header is one block");

struct tar_writer *tar_writer_new(int fd)
{
	struct tar_writer *w = NEW(struct tar_writer);

	w->fd = fd;
	w->out = xcalloc(1, OUT_BYTES);
	return w;
}

struct tar_writer *tar_writer_new_sink(tar_sink_fn *fn, void *arg)
{
	struct tar_writer *w = tar_writer_new(-1);

	w->sink = fn;
	w->sink_arg = arg;
	return w;
}

void tar_writer_free(struct tar_writer *w)
{
	if (!w)
		return;
	free(w->out);
	free(w);
}

static int flush(struct tar_writer *w, struct err *err)
{
	if (w->sink && w->used)
		TRY(w->sink(w->sink_arg, w->out, w->used, err));
	else if (!w->sink)
		TRY(file_write_all(w->fd, w->out, w->used, "tar", err));
	w->used = 0;
	return 0;
}

static int put(struct tar_writer *w, const void *data, size_t len, struct err *err)
{
	const uint8_t *p = data;

	w->written += len;
	while (len) {
		const size_t room = OUT_BYTES - w->used;
		const size_t n = len < room ? len : room;

		if (p) {
			memcpy(w->out + w->used, p, n);
			p += n;
		} else {
			memset(w->out + w->used, 0, n);
		}
		w->used += n;
		len -= n;
		if (w->used == OUT_BYTES)
			TRY(flush(w, err));
	}
	return 0;
}

static int pad(struct tar_writer *w, struct err *err)
{
	return put(w, NULL, (size_t)((BLOCK - w->written % BLOCK) % BLOCK), err);
}

/* ---- pax records ---- */

/* "LEN KEY=VALUE\n" where LEN counts itself. */
static int add_record(struct buf *pax, const char *key, const void *value, size_t len,
		      struct err *err)
{
	const size_t body = strlen(key) + len + 3; /* space, '=', newline */
	size_t total = body + 1;

	for (size_t digits = 1, before = 0; total != before; digits++) {
		char text[24];

		before = total;
		total = body + (size_t)snprintf(text, sizeof(text), "%zu", total);
	}
	TRY(buf_printf(pax, err, "%zu %s=", total, key));
	TRY(buf_append(pax, value, len, err));
	return buf_append_char(pax, '\n', err);
}

static int add_text(struct buf *pax, const char *key, const char *value, struct err *err)
{
	return add_record(pax, key, value, strlen(value), err);
}

static int add_number(struct buf *pax, const char *key, int64_t n, struct err *err)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIi64, n);
	return add_text(pax, key, text, err);
}

static int by_name(const void *a, const void *b)
{
	const struct tar_xattr *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int add_xattrs(struct buf *pax, const struct tar_entry *e, struct err *err)
{
	_free_ struct tar_xattr *sorted = NULL;

	if (!e->xattr_count)
		return 0;
	sorted = xcalloc(e->xattr_count, sizeof(sorted[0]));
	memcpy(sorted, e->xattrs, e->xattr_count * sizeof(sorted[0]));
	qsort(sorted, e->xattr_count, sizeof(sorted[0]), by_name);
	for (size_t i = 0; i < e->xattr_count; i++) {
		_free_ char *key = xasprintf("SCHILY.xattr.%s", sorted[i].name);

		if (strchr(key, '='))
			return err_set(err, ERR_UNSUPPORTED, "attribute name has a '='");
		TRY(add_record(pax, key, sorted[i].value, sorted[i].value_len, err));
	}
	return 0;
}

/* mtime as decimal seconds, exact; before 1970 with nanoseconds too (-1.5 is 1.5 s before). */
static int add_mtime(struct buf *pax, const struct tar_entry *e, struct err *err)
{
	char text[40];
	int64_t sec = e->mtime_sec;
	uint32_t nsec = e->mtime_nsec;
	const bool negative = sec < 0;

	if (negative && nsec) {
		sec++;
		nsec = 1000000000 - nsec;
	}
	int n = snprintf(text, sizeof(text), "%s%" PRIu64, negative ? "-" : "",
			 negative ? 0 - (uint64_t)sec : (uint64_t)sec);

	if (nsec) {
		n += snprintf(text + n, sizeof(text) - (size_t)n, ".%09u", nsec);
		while (text[n - 1] == '0')
			text[--n] = '\0';
	}
	return add_text(pax, "mtime", text, err);
}

/* GNU tar manual, "Storing Sparse Files", pax 1.0: the map comes in front of the data. */
static int add_sparse(struct buf *pax, const struct tar_entry *e, struct err *err)
{
	TRY(add_text(pax, "GNU.sparse.major", "1", err));
	TRY(add_text(pax, "GNU.sparse.minor", "0", err));
	TRY(add_text(pax, "GNU.sparse.name", e->name, err));
	return add_number(pax, "GNU.sparse.realsize", (int64_t)e->size_bytes, err);
}

/* Count, then offset and length of each run, a line each; filled up to a whole block. */
static int sparse_map(struct buf *map, const struct tar_entry *e, struct err *err)
{
	static const char zeros[BLOCK];
	const struct tar_extent *last = e->extent_count ? &e->extents[e->extent_count - 1] : NULL;
	/* A hole at the end is told by an empty run behind it, as GNU tar does. */
	const bool tail = !last || last->logical_offset + last->bytes < e->size_bytes;

	TRY(buf_printf(map, err, "%zu\n", e->extent_count + tail));
	assert(e->extents || !e->extent_count);
	for (size_t i = 0; i < e->extent_count; i++)
		TRY(buf_printf(map, err, "%" PRIu64 "\n%" PRIu64 "\n", e->extents[i].logical_offset,
			       e->extents[i].bytes));
	if (tail)
		TRY(buf_printf(map, err, "%" PRIu64 "\n0\n", e->size_bytes));
	return buf_append(map, zeros, (BLOCK - map->len % BLOCK) % BLOCK, err);
}

/* ---- header blocks ---- */

/* Zero-padded octal with a terminator; false when it doesn't fit. */
static bool octal(char *field, size_t bytes, uint64_t n)
{
	if (n >> (3 * (bytes - 1)))
		return false;
	for (size_t i = bytes - 1; i-- > 0; n >>= 3)
		field[i] = (char)('0' + (n & 7));
	return true;
}

static void checksum(struct ustar *h)
{
	const uint8_t *p = (const uint8_t *)h;
	unsigned sum = 0;

	memset(h->checksum, ' ', sizeof(h->checksum));
	for (size_t i = 0; i < sizeof(*h); i++)
		sum += p[i];
	octal(h->checksum, 7, sum);
	h->checksum[6] = '\0';
	h->checksum[7] = ' ';
}

/* Into name, or prefix and name at a slash; false when neither fits. */
static bool set_name(struct ustar *h, const char *name, size_t len)
{
	if (len <= sizeof(h->name)) {
		memcpy(h->name, name, len);
		return true;
	}
	for (size_t cut = len - 1; cut > 0; cut--) {
		const size_t rest = len - cut - 1;

		if (name[cut] != '/' || cut > sizeof(h->prefix) || !rest)
			continue;
		if (rest > sizeof(h->name))
			return false;
		memcpy(h->prefix, name, cut);
		memcpy(h->name, name + cut + 1, rest);
		return true;
	}
	return false;
}

static void init_header(struct ustar *h, char type, uint32_t mode)
{
	*h = (struct ustar){ .type = type };
	memcpy(h->magic, "ustar", 6);
	memcpy(h->version, "00", 2);
	octal(h->mode, sizeof(h->mode), mode & 07777);
	octal(h->uid, sizeof(h->uid), 0);
	octal(h->gid, sizeof(h->gid), 0);
	octal(h->size, sizeof(h->size), 0);
	octal(h->mtime, sizeof(h->mtime), 0);
	octal(h->dev_major, sizeof(h->dev_major), 0);
	octal(h->dev_minor, sizeof(h->dev_minor), 0);
}

/* What readers see that don't know what the records mean: FOLDER/BASE. */
static void set_other_name(struct ustar *h, const char *folder, const char *name)
{
	const char *base = strrchr(name, '/');
	char shown[100];

	snprintf(shown, sizeof(shown), "%s/%.80s", folder, base && base[1] ? base + 1 : name);
	set_name(h, shown, strlen(shown));
}

static bool fits(char *field, size_t bytes, int64_t n)
{
	return n >= 0 && octal(field, bytes, (uint64_t)n);
}

/* Fills the header; what doesn't fit becomes a record, keys in bytewise order: upper case first. */
static int describe(struct ustar *h, struct buf *pax, const struct tar_entry *e, uint64_t stored,
		    struct err *err)
{
	const bool is_dir = e->type == '5';
	const size_t name_len = strlen(e->name), link_len = strlen(e->link_name);
	const bool slash = is_dir && (!name_len || e->name[name_len - 1] != '/');
	_free_ char *name = xasprintf("%s%s", e->name, slash ? "/" : "");

	init_header(h, e->type, e->mode);
	if (e->type == '3' || e->type == '4')
		if (!octal(h->dev_major, sizeof(h->dev_major), e->dev_major) ||
		    !octal(h->dev_minor, sizeof(h->dev_minor), e->dev_minor))
			return err_set(err, ERR_UNSUPPORTED, "device number too large for tar");
	if (e->is_sparse)
		TRY(add_sparse(pax, e, err));
	TRY(add_xattrs(pax, e, err));
	if (!fits(h->gid, sizeof(h->gid), e->gid))
		TRY(add_number(pax, "gid", e->gid, err));
	if (link_len <= sizeof(h->link_name))
		memcpy(h->link_name, e->link_name, link_len);
	else
		TRY(add_text(pax, "linkpath", e->link_name, err));
	if (!fits(h->mtime, sizeof(h->mtime), e->mtime_sec) || e->mtime_nsec)
		TRY(add_mtime(pax, e, err));
	if (e->is_sparse)
		set_other_name(h, "GNUSparseFile.0", name);
	else if (!set_name(h, name, strlen(name)))
		TRY(add_text(pax, "path", name, err));
	if (!octal(h->size, sizeof(h->size), stored))
		TRY(add_number(pax, "size", (int64_t)stored, err));
	if (!fits(h->uid, sizeof(h->uid), e->uid))
		TRY(add_number(pax, "uid", e->uid, err));
	return 0;
}

static int put_pax(struct tar_writer *w, const struct buf *pax, const char *name, struct err *err)
{
	struct ustar h;

	init_header(&h, 'x', 0644);
	set_other_name(&h, "PaxHeaders.0", name);
	octal(h.size, sizeof(h.size), pax->len);
	checksum(&h);
	TRY(put(w, &h, sizeof(h), err));
	TRY(put(w, pax->data, pax->len, err));
	return pad(w, err);
}

/* Bytes of data that follow, without a sparse map. */
static uint64_t data_bytes(const struct tar_entry *e)
{
	uint64_t sum = 0;

	if (e->type != '0')
		return 0;
	if (!e->is_sparse)
		return e->size_bytes;
	for (size_t i = 0; i < e->extent_count; i++)
		sum += e->extents[i].bytes;
	return sum;
}

int tar_writer_entry(struct tar_writer *w, const struct tar_entry *entry, struct err *err)
{
	_buf_ struct buf pax = BUF_INIT(PAX_BYTES_MAX), map = BUF_INIT(MAP_BYTES_MAX);
	const uint64_t data = data_bytes(entry);
	struct ustar h;

	TRY(pad(w, err));
	if (entry->is_sparse)
		TRY(sparse_map(&map, entry, err));
	TRY(describe(&h, &pax, entry, data + map.len, err));
	if (pax.len)
		TRY(put_pax(w, &pax, entry->name, err));
	checksum(&h);
	w->owed = data;
	TRY(put(w, &h, sizeof(h), err));
	return put(w, buf_str(&map), map.len, err);
}

/* ---- data ---- */

/* More data than announced would shift every later entry: refused. */
static int owe(struct tar_writer *w, uint64_t len, struct err *err)
{
	if (len > w->owed)
		return err_set(err, ERR_FAILED, "more data than the entry's size");
	w->owed -= len;
	return 0;
}

int tar_writer_data(struct tar_writer *w, const void *data, size_t len, struct err *err)
{
	TRY(owe(w, len, err));
	return put(w, data, len, err);
}

int tar_writer_zeros(struct tar_writer *w, uint64_t len, struct err *err)
{
	TRY(owe(w, len, err));
	while (len) {
		const size_t n = len < OUT_BYTES ? (size_t)len : OUT_BYTES;

		TRY(put(w, NULL, n, err));
		len -= n;
	}
	return 0;
}

/* Through our buffer. */
static int file_buffered(struct tar_writer *w, int fd, uint64_t offset, uint64_t len,
			 struct err *err)
{
	while (len) {
		const size_t room = OUT_BYTES - w->used;
		const size_t n = len < room ? (size_t)len : room;

		TRY(file_pread_all(fd, w->out + w->used, n, offset, err));
		w->used += n;
		w->written += n;
		offset += n;
		len -= n;
		if (w->used == OUT_BYTES)
			TRY(flush(w, err));
	}
	return 0;
}

int tar_writer_file(struct tar_writer *w, int fd, uint64_t offset, uint64_t len, struct err *err)
{
	TRY(owe(w, len, err));
	if (w->sink || len < DIRECT_BYTES)
		return file_buffered(w, fd, offset, len, err);
	TRY(flush(w, err));
	while (len) {
		off_t at = (off_t)offset;
		const size_t once = len < ((size_t)8 << 20) ? (size_t)len : (size_t)8 << 20;
		const ssize_t n = sendfile(w->fd, fd, &at, once);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EINVAL || errno == ENOSYS))
			return file_buffered(w, fd, offset, len, err);
		if (n < 0)
			return err_sys(err, errno, "tar");
		if (n == 0)
			return err_set(err, ERR_DAMAGED,
				       "layer tar is shorter than its index says");
		w->written += (uint64_t)n;
		offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

int tar_writer_finish(struct tar_writer *w, uint64_t *ret_bytes, struct err *err)
{
	if (w->owed)
		return err_set(err, ERR_FAILED, "less data than the entry's size");
	TRY(pad(w, err));
	TRY(put(w, NULL, (size_t)2 * BLOCK, err));
	TRY(flush(w, err));
	if (ret_bytes)
		*ret_bytes = w->written;
	return 0;
}
