/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes become entries of a layer (image-spec layer.md). The upper folder may belong to a running
 * container: a file is opened only when it is the one the walk saw, without following a link or
 * waiting for a fifo's other end, and one that changes while it is read is an error, as no entry
 * can say what it was.
 */
#include "push/commit_int.h"

#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define PATH_BYTES_MAX ((size_t)4 << 20)
#define CHUNK_BYTES    ((uint64_t)4 << 20) /* between looks whether to go on */
#define WHITEOUT       ".wh."
#define OPAQUE	       ".wh..wh..opq"
/* Holes begin and end at blocks of file systems; readers of layers map data by 512 bytes. */
#define HOLE_BLOCK     ((uint64_t)4096)
#define HOLE_BYTES_MIN ((uint64_t)64 * 1024)
/* A map of so many runs is below the 1 MiB that Go's reader allows. */
#define EXTENTS_MAX ((size_t)16384)
/* With more runs it is stored in full, unless so much of nothing would come out that nobody wants
 * it: from this size on, holes may be 15 of 16 parts. */
#define FULL_BYTES_MAX ((uint64_t)64 << 30)

struct packer {
	struct op *op;
	const struct commit_request *request;
	struct tar_writer *tar;
	struct links *links;
	struct attrs attrs;
	struct buf name, target;
	struct tar_extent *extents;
	size_t extent_count;
	bool is_scattered; /* the last file had more runs than that */
	uint64_t entries;
	bool has_noted_empty;
};

struct packer *packer_new(struct op *op, const struct commit_request *request,
			  struct tar_writer *tar)
{
	struct packer *p = NEW(struct packer);

	p->op = op;
	p->request = request;
	p->tar = tar;
	p->links = links_new();
	attrs_init(&p->attrs);
	p->name = p->target = BUF_INIT(PATH_BYTES_MAX);
	return p;
}

void packer_free(struct packer *p)
{
	if (!p)
		return;
	links_free(p->links);
	attrs_fini(&p->attrs);
	buf_fini(&p->name);
	buf_fini(&p->target);
	free(p->extents);
	free(p);
}

uint64_t packer_entries(const struct packer *p)
{
	return p->entries;
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int begin_entry(struct packer *p, const struct tar_entry *e, struct err *err)
{
	p->entries++;
	return tar_writer_entry(p->tar, e, err);
}

/* clients.md 5.2: no mode, no owner, the time of SOURCE_DATE_EPOCH. */
static int put_marker(struct packer *p, struct err *err)
{
	const int64_t epoch = p->request->source_date_epoch;

	return begin_entry(p,
			   &(struct tar_entry){ .type = '0',
						.name = buf_str(&p->name),
						.link_name = "",
						.mtime_sec = epoch < 0 ? 0 : epoch },
			   err);
}

static int put_whiteout(struct packer *p, const char *path, struct err *err)
{
	const char *base = base_of(path);

	buf_reset(&p->name);
	TRY(buf_append(&p->name, path, (size_t)(base - path), err));
	TRY(buf_append_str(&p->name, WHITEOUT, err));
	TRY(buf_append_str(&p->name, base, err));
	return put_marker(p, err);
}

static int put_opaque(struct packer *p, const char *path, struct err *err)
{
	buf_reset(&p->name);
	TRY(buf_append_str(&p->name, path, err));
	if (*path)
		TRY(buf_append_char(&p->name, '/', err));
	TRY(buf_append_str(&p->name, OPAQUE, err));
	return put_marker(p, err);
}

static int changed(struct err *err)
{
	const int rc = err_set(err, ERR_CHANGED, "it changes while it is read");

	err_hint(err, "stop what writes to this root, then commit again");
	return rc;
}

/* ---- files ---- */

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Whether nothing happened to a file between two looks. */
static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_mode == b->st_mode &&
	       a->st_size == b->st_size && is_same_time(&a->st_mtim, &b->st_mtim) &&
	       is_same_time(&a->st_ctim, &b->st_ctim);
}

/*
 * Opens a file, which must be the one that the walk saw: it is held by a descriptor that opens
 * nothing until that is known, as what is put in its place may be a device.
 */
static int open_file(const struct change *c, struct err *err)
{
	_close_ int held = openat(c->parent_fd, c->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char path[32];
	struct stat st;

	if (held < 0 && (errno == ENOENT || errno == ENOTDIR))
		return changed(err);
	if (held < 0 || fstat(held, &st) < 0)
		return err_sys(err, errno, "open");
	if (!is_same(&st, c->st))
		return changed(err);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", held);
	const int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? err_sys(err, errno, "open") : fd;
}

static int put_run(struct packer *p, int fd, uint64_t offset, uint64_t len, struct err *err)
{
	while (len) {
		const uint64_t n = len < CHUNK_BYTES ? len : CHUNK_BYTES;
		struct err why = { 0 };
		int rc;

		TRY(op_check(p->op, err));
		rc = tar_writer_file(p->tar, fd, offset, n, &why);
		/* The file ends too early. */
		if (rc < 0 && why.kind == ERR_DAMAGED)
			return changed(err);
		err_keep_first(err, &why);
		TRY(rc);
		offset += n;
		len -= n;
	}
	return 0;
}

/* Adds a run; one that touches the one before makes it longer. False when there are too many. */
static bool add_run(struct packer *p, uint64_t from, uint64_t to)
{
	struct tar_extent *last = p->extent_count ? &p->extents[p->extent_count - 1] : NULL;

	if (last && from <= last->logical_offset + last->bytes + HOLE_BYTES_MIN) {
		last->bytes = to - last->logical_offset;
		return true;
	}
	p->is_scattered = p->extent_count == EXTENTS_MAX;
	if (p->is_scattered)
		return false;
	if (!p->extents)
		p->extents = xcalloc(EXTENTS_MAX, sizeof(p->extents[0]));
	p->extents[p->extent_count++] = (struct tar_extent){ from, to - from };
	return true;
}

/*
 * Finds the runs of data of a file that takes less than half of its size on disk; false when it is
 * better stored in full. Holes too small to matter are data.
 */
static bool find_runs(struct packer *p, int fd, const struct stat *st)
{
	const uint64_t size = (uint64_t)st->st_size;
	uint64_t sum = 0;

	p->extent_count = 0;
	p->is_scattered = false;
	if (size < HOLE_BYTES_MIN || (uint64_t)st->st_blocks > size / 512 / 2)
		return false;
	for (uint64_t at = 0; at < size;) {
		const off_t data = lseek(fd, (off_t)at, SEEK_DATA);

		if (data < 0 && errno == ENXIO)
			break;
		const off_t hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);

		if (data < 0 || hole <= data)
			return false;
		const uint64_t from = (uint64_t)data / HOLE_BLOCK * HOLE_BLOCK;
		const uint64_t to = ((uint64_t)hole + HOLE_BLOCK - 1) / HOLE_BLOCK * HOLE_BLOCK;

		if (!add_run(p, from, to < size ? to : size))
			return false;
		at = (uint64_t)hole;
	}
	for (size_t i = 0; i < p->extent_count; i++)
		sum += p->extents[i].bytes;
	return sum <= size / 2;
}

/* A container makes exabytes of holes for nothing; stored in full they would fill the disk. */
static int check_scattered(const struct packer *p, const struct stat *st, struct err *err)
{
	const uint64_t size = (uint64_t)st->st_size;

	if (!p->is_scattered || size <= FULL_BYTES_MAX ||
	    (uint64_t)st->st_blocks >= size / 512 / 16)
		return 0;
	return err_set(err, ERR_LIMIT,
		       "%" PRIu64 " bytes, nearly all of them holes, and more than %zu of these",
		       size, EXTENTS_MAX);
}

static int put_file(struct packer *p, const struct change *c, struct tar_entry *e, struct err *err)
{
	_close_ int fd = open_file(c, err);
	struct stat after;

	TRY(fd);
	e->size_bytes = (uint64_t)c->st->st_size;
	e->is_sparse = find_runs(p, fd, c->st);
	TRY(check_scattered(p, c->st, err));
	if (e->is_sparse) {
		e->extents = p->extents;
		e->extent_count = p->extent_count;
	}
	TRY(begin_entry(p, e, err));
	if (!e->is_sparse)
		TRY(put_run(p, fd, 0, e->size_bytes, err));
	for (size_t i = 0; e->is_sparse && i < e->extent_count; i++)
		TRY(put_run(p, fd, e->extents[i].logical_offset, e->extents[i].bytes, err));
	if (fstat(fd, &after) < 0)
		return err_sys(err, errno, "stat");
	return is_same(&after, c->st) ? 0 : changed(err);
}

/* ---- entries ---- */

static int read_target(struct packer *p, const struct change *c, struct err *err)
{
	const size_t room = (size_t)c->st->st_size + 1;
	ssize_t n;

	buf_reset(&p->target);
	TRY(buf_reserve(&p->target, room, err));
	n = readlinkat(c->parent_fd, c->name, p->target.data, room);
	if (n < 0)
		return errno == ENOENT || errno == EINVAL ? changed(err)
							  : err_sys(err, errno, "link");
	if ((size_t)n >= room)
		return changed(err);
	p->target.len = (size_t)n;
	p->target.data[n] = '\0';
	return 0;
}

static void set_time(const struct packer *p, const struct stat *st, struct tar_entry *e)
{
	const int64_t epoch = p->request->source_date_epoch;

	e->mtime_sec = st->st_mtim.tv_sec;
	e->mtime_nsec = (uint32_t)st->st_mtim.tv_nsec;
	if (epoch >= 0 && (e->mtime_sec > epoch || (e->mtime_sec == epoch && e->mtime_nsec))) {
		e->mtime_sec = epoch;
		e->mtime_nsec = 0;
	}
}

static int set_owner(const struct packer *p, const struct stat *st, struct tar_entry *e,
		     struct err *err)
{
	uint32_t uid, gid;

	TRY(commit_id(p->request->uids, st->st_uid, "uid", &uid, err));
	TRY(commit_id(p->request->gids, st->st_gid, "gid", &gid, err));
	e->uid = uid;
	e->gid = gid;
	return 0;
}

/* One remark for all. */
static void note_empty(struct packer *p, const struct change *c)
{
	if (!p->attrs.empty || p->has_noted_empty)
		return;
	p->has_noted_empty = true;
	op_note(p->op, "/%s: attribute %s is empty, which a layer can't say: left out",
		TEXT_ESCAPED(c->path), TEXT_ESCAPED(p->attrs.empty));
}

static int put_entry(struct packer *p, const struct change *c, struct err *err)
{
	const struct stat *st = c->st;
	struct tar_entry e = { .type = tar_type_of(st->st_mode),
			       .name = *c->path ? c->path : "./",
			       .link_name = "",
			       .mode = st->st_mode & 07777 };

	set_time(p, st, &e);
	TRY(set_owner(p, st, &e, err));
	if (e.type != '5' && st->st_nlink > 1) {
		const char *first = links_see(p->links, st, c->path);

		if (first) {
			e.type = '1';
			e.link_name = first;
			return begin_entry(p, &e, err);
		}
	}
	TRY(attrs_read(&p->attrs, p->request, c, err));
	note_empty(p, c);
	e.xattrs = p->attrs.items;
	e.xattr_count = p->attrs.count;
	if (e.type == '0')
		return put_file(p, c, &e, err);
	if (e.type == '2') {
		TRY(read_target(p, c, err));
		e.link_name = buf_str(&p->target);
	}
	if (e.type == '3' || e.type == '4') {
		e.dev_major = major(st->st_rdev);
		e.dev_minor = minor(st->st_rdev);
	}
	TRY(begin_entry(p, &e, err));
	return c->is_opaque ? put_opaque(p, c->path, err) : 0;
}

static int put_change(struct packer *p, const struct change *c, struct err *err)
{
	if (text_starts_with(base_of(c->path), WHITEOUT))
		return err_set(err, ERR_UNSUPPORTED,
			       "a name that begins with " WHITEOUT " can't be said in a layer");
	if (c->kind == CHANGE_DELETED)
		return put_whiteout(p, c->path, err);
	return put_entry(p, c, err);
}

int packer_change(void *arg, const struct change *change, struct err *err)
{
	const int rc = put_change(arg, change, err);

	if (rc < 0 && err && err->kind != ERR_CANCELLED && err->kind != ERR_NO_SPACE)
		(void)err_prefix(err, "/%s", TEXT_ESCAPED(change->path));
	return rc;
}
