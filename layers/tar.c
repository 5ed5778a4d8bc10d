/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tar reader as a state machine that bytes are pushed through: headers, the bodies of extended
 * headers, sparse maps, data. Data is stepped over without being looked at. POSIX pax, "ustar
 * Interchange Format"; where formats leave room, Go's archive/tar decides, because every other
 * engine reads layers with it and two readings of one archive would let it show different files to
 * different tools. Nothing in the archive is trusted.
 */
#include "layers/tar.h"

#include "base/mem.h"
#include "base/text.h"
#include "layers/tar_parts.h"

#include <errno.h>
#include <inttypes.h>

enum state {
	AT_HEADER,
	AT_ZERO,    /* one zero block came; another, or nothing, ends the archive */
	AT_OLD_MAP, /* extension blocks of an old GNU sparse header */
	AT_MAP,	    /* a 1.0 sparse map in front of the data */
	AT_END
};

struct tar_reader {
	tar_entry_fn *fn;
	void *arg;
	enum state state;
	uint64_t offset;      /* bytes taken */
	uint64_t left;	      /* of a body: data, or an extended header for `sink` */
	unsigned pad;	      /* after it, to the end of the block */
	struct buf *sink;     /* NULL: stepped over */
	char meta_type;	      /* whose body fills the sink */
	uint64_t block_start; /* of the header being read, for messages */
	/* What came before the header of an entry and belongs to it. */
	bool has_meta, has_pax;
	uint64_t meta_start;
	struct tar_pax pax;
	struct buf long_name, long_link;
	/* The entry being read. */
	struct tar_header header;
	struct tar_entry entry;
	uint64_t stored_bytes; /* what the archive keeps for it, a sparse map included */
	struct tar_sparse sparse;
	size_t have; /* bytes in `block` */
	uint8_t block[TAR_BLOCK];
};

/* What is left of the bytes that were pushed. */
struct input {
	const uint8_t *p;
	size_t len;
};

struct tar_reader *tar_reader_new(tar_entry_fn *fn, void *arg)
{
	struct tar_reader *r = NEW(struct tar_reader);

	r->fn = fn;
	r->arg = arg;
	tar_pax_init(&r->pax);
	r->long_name = BUF_INIT(TAR_META_MAX);
	r->long_link = BUF_INIT(TAR_META_MAX);
	return r;
}

void tar_reader_free(struct tar_reader *r)
{
	if (!r)
		return;
	tar_pax_fini(&r->pax);
	tar_sparse_fini(&r->sparse);
	buf_fini(&r->long_name);
	buf_fini(&r->long_link);
	free(r);
}

uint64_t tar_reader_offset(const struct tar_reader *r)
{
	return r->offset;
}

static const char *entry_name(const struct tar_reader *r)
{
	return r->entry.name ? r->entry.name : r->header.name;
}

static int fail_as(const struct tar_reader *r, enum err_kind kind, const char *why, struct err *err)
{
	return err_set(err, kind, "tar: offset %" PRIu64 ": '%s': %s", r->block_start,
		       TEXT_ESCAPED(entry_name(r)), why);
}

static int fail(const struct tar_reader *r, const char *why, struct err *err)
{
	return fail_as(r, ERR_DAMAGED, why, err);
}

static unsigned padding(uint64_t bytes)
{
	return (unsigned)(-bytes % TAR_BLOCK);
}

/* Forgets what belonged to one entry. */
static void forget_meta(struct tar_reader *r)
{
	r->has_meta = r->has_pax = false;
	tar_pax_reset(&r->pax);
	buf_reset(&r->long_name);
	buf_reset(&r->long_link);
}

/* --- extended headers --- */

static int end_meta(struct tar_reader *r, struct err *err)
{
	struct buf *body = r->sink;
	const char *why = NULL;
	int rc;

	r->sink = NULL;
	if (r->meta_type == 'L' || r->meta_type == 'K') {
		body->len = strlen(buf_str(body));
		return 0;
	}
	rc = tar_pax_parse(&r->pax, &why);
	if (rc < 0)
		return fail_as(r, rc == -E2BIG ? ERR_LIMIT : ERR_DAMAGED, why, err);
	r->has_pax = r->meta_type == 'x';
	/* Go hands a global header out as an entry of its own, so what stood before it is spent. */
	if (!r->has_pax)
		forget_meta(r);
	return 0;
}

static int begin_meta(struct tar_reader *r, struct err *err)
{
	const uint64_t size = (uint64_t)r->header.size;

	if (size > TAR_META_MAX)
		return fail_as(r, ERR_LIMIT, "an extended header of more than 1 MiB", err);
	if (!r->has_meta)
		r->meta_start = r->block_start;
	r->has_meta = true;
	r->meta_type = r->header.type;
	r->left = size;
	r->pad = padding(size);
	r->sink = r->meta_type == 'L'	? &r->long_name
		  : r->meta_type == 'K' ? &r->long_link
					: &r->pax.body;
	if (r->sink == &r->pax.body)
		tar_pax_reset(&r->pax);
	buf_reset(r->sink);
	return size ? 0 : end_meta(r, err);
}

/* --- entries --- */

/* Hands the entry over and steps over its data. */
static int emit(struct tar_reader *r, struct err *err)
{
	struct tar_entry *e = &r->entry;

	e->data_offset = r->offset;
	if (e->is_sparse) {
		if (!tar_sparse_end(&r->sparse, e->size_bytes, e->data_bytes))
			return fail(r, "the map of the sparse file disagrees with its size or data",
				    err);
		e->extents = r->sparse.extents;
		e->extent_count = r->sparse.count;
	}
	e->xattrs = r->pax.xattrs;
	e->xattr_count = r->has_pax ? r->pax.xattr_count : 0;
	TRY(r->fn(r->arg, e, err));
	r->left = e->data_bytes;
	r->pad = padding(r->stored_bytes);
	r->state = AT_HEADER;
	if (r->has_meta)
		forget_meta(r);
	return 0;
}

static const char *const bad_map = "the map of the sparse file is damaged";

static int fail_map(struct tar_reader *r, int rc, struct err *err)
{
	if (rc == -E2BIG)
		return fail_as(r, ERR_LIMIT, "a sparse file of too many runs", err);
	return fail(r, bad_map, err);
}

static int begin_old_sparse(struct tar_reader *r, const uint8_t *block, struct err *err)
{
	int64_t size;
	int rc;

	if (r->header.format != TAR_GNU)
		return fail(r, "a sparse file outside the GNU format", err);
	tar_sparse_reset(&r->sparse);
	rc = tar_parse_numeric(block + 483, 12, &size);
	if (rc == 0)
		rc = size < 0 ? -EINVAL : tar_sparse_old(&r->sparse, block, false);
	if (rc < 0)
		return fail_map(r, rc, err);
	r->entry.is_sparse = true;
	r->entry.size_bytes = (uint64_t)size;
	if (rc == 0)
		return emit(r, err);
	r->state = AT_OLD_MAP;
	return 0;
}

static int on_old_map(struct tar_reader *r, const uint8_t *block, struct err *err)
{
	const int rc = tar_sparse_old(&r->sparse, block, true);

	if (rc < 0)
		return fail_map(r, rc, err);
	return rc ? 0 : emit(r, err);
}

static int on_map(struct tar_reader *r, const uint8_t *block, struct err *err)
{
	int rc;

	if (r->entry.data_bytes < TAR_BLOCK)
		return fail(r, "the map of the sparse file is cut short", err);
	r->entry.data_bytes -= TAR_BLOCK;
	rc = tar_sparse_map_block(&r->sparse, block);
	if (rc < 0)
		return fail_map(r, rc, err);
	return rc ? emit(r, err) : 0;
}

static int begin_pax_sparse(struct tar_reader *r, int version, struct err *err)
{
	const struct tar_slice *v = r->pax.value;
	const struct tar_slice size = v[PAX_SPARSE_SIZE].len ? v[PAX_SPARSE_SIZE]
							     : v[PAX_SPARSE_REALSIZE];
	int64_t n = (int64_t)r->entry.size_bytes;
	int rc;

	if (v[PAX_SPARSE_NAME].len)
		r->entry.name = v[PAX_SPARSE_NAME].p;
	if (tar_type_has_no_data(r->entry.type))
		return fail(r, "a sparse map on something that is no file", err);
	if (strlen(entry_name(r)) < v[PAX_SPARSE_NAME].len)
		return fail(r, "a NUL in the name", err);
	if ((size.len && tar_parse_decimal(size.p, size.len, &n) < 0) || n < 0)
		return fail_map(r, -EINVAL, err);
	r->entry.is_sparse = true;
	r->entry.size_bytes = (uint64_t)n;
	if (version == 1) {
		tar_sparse_map_begin(&r->sparse);
		r->state = AT_MAP;
		return 0;
	}
	tar_sparse_reset(&r->sparse);
	rc = tar_sparse_records(&r->sparse, &r->pax);
	return rc < 0 ? fail_map(r, rc, err) : emit(r, err);
}

static void set_names(struct tar_reader *r)
{
	const struct tar_slice *v = r->pax.value;
	struct tar_entry *e = &r->entry;

	e->name = r->header.name;
	e->link_name = r->header.link_name;
	if (r->has_pax && v[PAX_PATH].len)
		e->name = v[PAX_PATH].p;
	if (r->has_pax && v[PAX_LINKPATH].len)
		e->link_name = v[PAX_LINKPATH].p;
	if (r->long_name.len)
		e->name = r->long_name.data;
	if (r->long_link.len)
		e->link_name = r->long_link.data;
}

static int set_device(struct tar_reader *r, struct err *err)
{
	const struct tar_header *h = &r->header;

	if (h->type != '3' && h->type != '4')
		return 0;
	if (h->dev_major < 0 || h->dev_major > UINT32_MAX || h->dev_minor < 0 ||
	    h->dev_minor > UINT32_MAX)
		return fail(r, "a device number out of range", err);
	r->entry.dev_major = (uint32_t)h->dev_major;
	r->entry.dev_minor = (uint32_t)h->dev_minor;
	return 0;
}

/* Only the NUL type of old makes a directory of a name that ends in a slash. */
static char real_type(const struct tar_reader *r)
{
	const char type = r->header.type;

	if (type == '\0')
		return text_ends_with(r->entry.name, "/") ? '5' : '0';
	if (type == '7' || type == 'S')
		return '0';
	return type;
}

static int begin_entry(struct tar_reader *r, const uint8_t *block, struct err *err)
{
	const struct tar_header *h = &r->header;
	struct tar_entry *e = &r->entry;
	int64_t size = h->size;
	int version;

	*e = (struct tar_entry){ .mode = (uint32_t)(h->mode & 07777),
				 .uid = h->uid,
				 .gid = h->gid,
				 .mtime_sec = h->mtime,
				 .header_offset = r->has_meta ? r->meta_start : r->block_start };
	set_names(r);
	if (r->has_pax && tar_pax_merge(&r->pax, e, &size) < 0)
		return fail(r, "an extended header record is damaged", err);
	e->type = real_type(r);
	if (tar_type_has_no_data(e->type))
		size = 0;
	if (size < 0)
		return fail(r, "a negative size", err);
	TRY(set_device(r, err));
	r->stored_bytes = e->size_bytes = e->data_bytes = (uint64_t)size;
	if (h->type == 'S')
		return begin_old_sparse(r, block, err);
	version = r->has_pax ? tar_sparse_version(&r->pax) : -1;
	return version < 0 ? emit(r, err) : begin_pax_sparse(r, version, err);
}

static int on_header(struct tar_reader *r, const uint8_t *block, struct err *err)
{
	const char *why = NULL;

	r->block_start = r->offset - TAR_BLOCK;
	if (tar_block_is_zero(block)) {
		r->state = AT_ZERO;
		return 0;
	}
	r->entry.name = NULL;
	r->header.name[0] = '\0';
	if (tar_header_parse(block, &r->header, &why) < 0)
		return fail(r, why, err);
	if (r->header.size < 0 && !tar_type_has_no_data(r->header.type))
		return fail(r, "a negative size", err);
	if (r->header.type && strchr("xgLK", r->header.type))
		return begin_meta(r, err);
	return begin_entry(r, block, err);
}

static int on_block(struct tar_reader *r, const uint8_t *block, struct err *err)
{
	switch (r->state) {
	case AT_OLD_MAP:
		return on_old_map(r, block, err);
	case AT_MAP:
		return on_map(r, block, err);
	case AT_ZERO:
		if (!tar_block_is_zero(block))
			return err_set(err, ERR_DAMAGED,
				       "tar: offset %" PRIu64 ": data after a single zero block",
				       r->offset - TAR_BLOCK);
		r->state = AT_END;
		return 0;
	default:
		return on_header(r, block, err);
	}
}

/* --- bytes --- */

static const uint8_t *take(struct tar_reader *r, struct input *in, size_t len)
{
	const uint8_t *p = in->p;

	in->p += len;
	in->len -= len;
	r->offset += len;
	return p;
}

static size_t at_most(const struct input *in, uint64_t want)
{
	return want < in->len ? (size_t)want : in->len;
}

static int take_body(struct tar_reader *r, struct input *in, struct err *err)
{
	const size_t n = at_most(in, r->left);
	const uint8_t *p = take(r, in, n);

	r->left -= n;
	if (!r->sink)
		return 0;
	TRY(buf_append(r->sink, p, n, err));
	return r->left ? 0 : end_meta(r, err);
}

static int take_block(struct tar_reader *r, struct input *in, struct err *err)
{
	const size_t n = at_most(in, TAR_BLOCK - r->have);

	if (n == TAR_BLOCK)
		return on_block(r, take(r, in, n), err);
	memcpy(r->block + r->have, take(r, in, n), n);
	r->have += n;
	if (r->have < TAR_BLOCK)
		return 0;
	r->have = 0;
	return on_block(r, r->block, err);
}

int tar_reader_feed(struct tar_reader *r, const void *data, size_t len, struct err *err)
{
	struct input in = { data, len };

	while (in.len) {
		if (r->state == AT_END) {
			take(r, &in, in.len);
		} else if (r->left) {
			TRY(take_body(r, &in, err));
		} else if (r->pad) {
			const size_t n = at_most(&in, r->pad);

			take(r, &in, n);
			r->pad -= (unsigned)n;
		} else {
			TRY(take_block(r, &in, err));
		}
	}
	return 0;
}

int tar_reader_finish(struct tar_reader *r, struct err *err)
{
	/* A missing end marker and missing padding are what many writers leave. */
	if (r->left || r->state == AT_MAP || r->state == AT_OLD_MAP)
		return fail(r, "the archive ends inside this entry", err);
	if (r->have)
		return err_set(err, ERR_DAMAGED,
			       "tar: offset %" PRIu64 ": the archive ends inside a header",
			       r->offset - r->have);
	return 0;
}
