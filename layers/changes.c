/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over an upper folder (overlayfs.rst), side by side with what lies below. The folder
 * belongs to containers: it may change under the walk, nest as deep as it likes, and hold anything.
 * So there is no recursion, at most FDS_MAX folders are open (those above are found again by ".."
 * and must be the same), and each folder opened must be the one that was looked at.
 */
#include "layers/changes_int.h"

#include "base/mem.h"
#include "base/text.h"

#include <fcntl.h>
#include <string.h>

#define FDS_MAX	       64u
#define PATH_MAX_BYTES ((size_t)4 << 20)

/* A folder on the way. */
struct frame {
	int fd; /* -1: closed, to be opened again by ".." */
	dev_t dev;
	ino_t ino;
	size_t path_len;
	struct folder folder;
	size_t next;
	bool below;  /* there is a folder below */
	bool hidden; /* but nothing of it shows */
};

struct walk {
	struct op *op;
	const struct changes_request *request;
	change_fn *fn;
	void *arg;
	struct buf path;
	struct frame *frames;
	size_t depth, alloc;
};

int lower_find(struct lower *l, const char *path, struct lower_stat *ret, struct err *err)
{
	return l->ops->find(l, path, ret, err);
}

int lower_list(struct lower *l, const char *path, lower_fn *fn, void *arg, struct err *err)
{
	return l->ops->list(l, path, fn, arg, err);
}

void lower_close(struct lower *l)
{
	if (l)
		l->ops->close(l);
}

/* Puts the path before an error; passes every result on. */
static int named(const struct walk *w, int rc, struct err *err)
{
	if (rc < 0)
		(void)err_prefix(err, "/%s", TEXT_ESCAPED(buf_str(&w->path)));
	return rc;
}

static int changed(const struct walk *w, struct err *err)
{
	return named(w, err_set(err, ERR_CHANGED, "it changes while it is read"), err);
}

static int set_path(struct walk *w, const struct frame *f, const char *name, struct err *err)
{
	w->path.len = f->path_len;
	if (f->path_len)
		TRY(buf_append_char(&w->path, '/', err));
	return buf_append_str(&w->path, name, err);
}

static int tell_deleted(struct walk *w, struct err *err)
{
	const struct change c = { .kind = CHANGE_DELETED,
				  .path = buf_str(&w->path),
				  .parent_fd = -1 };

	return w->fn(w->arg, &c, err);
}

/* ---- folders ---- */

/* Adds a child of the folder below that nothing in the upper one stands for. */
static int add_gone(void *arg, const char *name, const struct lower_stat *st, struct err *err)
{
	(void)st;
	return folder_add(arg, name, FOLDER_GONE, err);
}

/* Leaves one of each name; what is in the upper folder comes before what is not. */
static void drop_doubles(struct folder *f)
{
	size_t kept = 0;

	for (size_t n = 0; n < f->count; n++) {
		const bool again = kept && !strcmp(folder_text(f, kept - 1), folder_text(f, n));

		if (!again)
			f->names[kept++] = f->names[n];
		else if (f->names[n].what == FOLDER_ENTRY)
			f->names[kept - 1] = f->names[n];
	}
	f->count = kept;
}

/* In a folder that hides what is below, whiteouts say nothing. */
static void drop_whiteouts(struct folder *f)
{
	size_t kept = 0;

	for (size_t n = 0; n < f->count; n++)
		if (f->names[n].what != FOLDER_WHITEOUT)
			f->names[kept++] = f->names[n];
	f->count = kept;
}

static int load(struct walk *w, struct frame *f, struct err *err)
{
	const bool expand = w->request->expand_opaque;

	folder_init(&f->folder);
	TRY(named(w, folder_read(f->fd, w->request->is_userxattr, &f->folder, err), err));
	if (f->hidden)
		drop_whiteouts(&f->folder);
	if (f->hidden && f->below && expand)
		TRY(lower_list(w->request->lower, buf_str(&w->path), add_gone, &f->folder, err));
	folder_sort(&f->folder, !expand);
	if (f->hidden && f->below && expand)
		drop_doubles(&f->folder);
	return 0;
}

/* Takes over the fd. */
static int push(struct walk *w, struct frame frame, struct err *err)
{
	if (w->depth == w->alloc) {
		w->alloc = w->alloc ? w->alloc * 2 : 16;
		w->frames = xreallocarray(w->frames, w->alloc, sizeof(w->frames[0]));
	}
	struct frame *f = &w->frames[w->depth++];

	*f = frame;
	f->path_len = w->path.len;
	if (w->depth > CHANGES_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "folders nest deeper than %d", CHANGES_DEPTH_MAX);
	if (w->depth > FDS_MAX) {
		struct frame *old = &w->frames[w->depth - 1 - FDS_MAX];

		(void)close(TAKE_FD(old->fd));
	}
	return load(w, f, err);
}

static bool is_same(const struct stat *st, dev_t dev, ino_t ino)
{
	return st->st_dev == dev && st->st_ino == ino;
}

/* Opens the folder above again. */
static int reopen(struct walk *w, struct frame *above, const struct frame *f, struct err *err)
{
	_close_ int fd = openat(f->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	w->path.len = above->path_len;
	if (w->path.data)
		w->path.data[w->path.len] = '\0';
	if (fd < 0 || fstat(fd, &st) < 0)
		return named(w, err_sys(err, errno, "folder"), err);
	if (!is_same(&st, above->dev, above->ino))
		return changed(w, err);
	above->fd = TAKE_FD(fd);
	return 0;
}

static int pop(struct walk *w, struct err *err)
{
	struct frame *f = &w->frames[w->depth - 1];
	int rc = 0;

	if (w->depth > 1 && f[-1].fd < 0)
		rc = reopen(w, f - 1, f, err);
	(void)close(f->fd);
	folder_fini(&f->folder);
	w->depth--;
	return rc;
}

static int enter(struct walk *w, const struct change *c, struct frame frame, struct err *err)
{
	_close_ int fd =
		openat(c->parent_fd, c->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return changed(w, err);
	if (fd < 0 || fstat(fd, &st) < 0)
		return named(w, err_sys(err, errno, "folder"), err);
	if (!is_same(&st, c->st->st_dev, c->st->st_ino))
		return changed(w, err);
	frame.fd = TAKE_FD(fd);
	frame.dev = st.st_dev;
	frame.ino = st.st_ino;
	return push(w, frame, err);
}

/* ---- entries ---- */

/* What is below at the path that is being looked at: 1 when there is something. */
static int look_below(struct walk *w, const struct frame *f, struct lower_stat *ret,
		      struct err *err)
{
	if (!w->request->lower || !f->below || (f->hidden && !w->request->expand_opaque))
		return 0;
	return lower_find(w->request->lower, buf_str(&w->path), ret, err);
}

static int check_marks(const struct walk *w, const struct marks *m, struct err *err)
{
	if (m->is_redirected)
		return named(w,
			     err_set(err, ERR_UNSUPPORTED,
				     "a folder that overlayfs renamed "
				     "(redirect_dir)"),
			     err);
	if (m->is_metacopy)
		return named(w,
			     err_set(err, ERR_UNSUPPORTED,
				     "a file whose data overlayfs left "
				     "below (metacopy)"),
			     err);
	return 0;
}

/* A folder's child that was hidden together with it. */
static int tell_child(void *arg, const char *name, const struct lower_stat *st, struct err *err)
{
	struct walk *w = arg;
	const struct frame here = { .path_len = w->path.len };

	(void)st;
	TRY(set_path(w, &here, name, err));
	const int rc = tell_deleted(w, err);

	w->path.len = here.path_len;
	w->path.data[w->path.len] = '\0';
	return rc;
}

static int visit_file(struct walk *w, struct change *c, const struct lower_stat *below,
		      struct err *err)
{
	TRY(w->fn(w->arg, c, err));
	if (c->kind == CHANGE_ADDED || !S_ISDIR(below->mode) || !w->request->expand_opaque)
		return 0;
	return lower_list(w->request->lower, buf_str(&w->path), tell_child, w, err);
}

static int visit_folder(struct walk *w, struct change *c, bool opaque,
			const struct lower_stat *below, struct err *err)
{
	const struct frame *f = &w->frames[w->depth - 1];
	const bool covers = c->kind == CHANGE_CHANGED && S_ISDIR(below->mode);
	const struct frame next = { .below = covers, .hidden = f->hidden || opaque };

	c->is_opaque = opaque && !f->hidden && (covers || !w->request->lower);
	TRY(w->fn(w->arg, c, err));
	return enter(w, c, next, err);
}

static int visit_entry(struct walk *w, const char *name, struct err *err)
{
	const struct frame *f = &w->frames[w->depth - 1];
	struct lower_stat below = { 0 };
	struct marks marks = { 0 };
	struct stat st;

	if (fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? changed(w, err)
				       : named(w, err_sys(err, errno, "stat"), err);
	/* It was none when the folder was read. */
	if (S_ISCHR(st.st_mode) && st.st_rdev == 0)
		return changed(w, err);
	if (S_ISSOCK(st.st_mode)) {
		op_note(w->op, "/%s: a socket, passed over", TEXT_ESCAPED(buf_str(&w->path)));
		return 0;
	}
	const struct marked at = { f->fd, name, w->request->is_userxattr };

	if (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode))
		TRY(named(w, marks_read(&at, &marks, err), err));
	TRY(check_marks(w, &marks, err));
	const int found = look_below(w, f, &below, err);

	TRY(found);
	struct change c = { .kind = found ? CHANGE_CHANGED : CHANGE_ADDED,
			    .path = buf_str(&w->path),
			    .st = &st,
			    .parent_fd = f->fd,
			    .name = name };

	if (S_ISDIR(st.st_mode))
		return visit_folder(w, &c, marks.is_opaque, &below, err);
	return visit_file(w, &c, &below, err);
}

static int visit_whiteout(struct walk *w, const struct frame *f, struct err *err)
{
	struct lower_stat below;

	if (w->request->lower) {
		const int found = look_below(w, f, &below, err);

		if (found <= 0)
			return found;
	}
	return tell_deleted(w, err);
}

static int visit(struct walk *w, struct err *err)
{
	struct frame *f = &w->frames[w->depth - 1];
	const size_t n = f->next++;
	const char *name = folder_text(&f->folder, n);

	TRY(op_check(w->op, err));
	TRY(set_path(w, f, name, err));
	switch (f->folder.names[n].what) {
	case FOLDER_WHITEOUT:
		return visit_whiteout(w, f, err);
	case FOLDER_GONE:
		return tell_deleted(w, err);
	default:
		return visit_entry(w, name, err);
	}
}

/* ---- the root ---- */

static bool is_id(const struct id_map *map, uint32_t outside, uint32_t below)
{
	uint32_t id = outside;

	return (!map || id_map_in(map, outside, &id)) && id == below;
}

static bool differs(const struct walk *w, const struct stat *st, const struct lower_stat *below)
{
	return st->st_mode != below->mode || !is_id(w->request->uids, st->st_uid, below->uid) ||
	       !is_id(w->request->gids, st->st_gid, below->gid) ||
	       st->st_mtim.tv_sec != below->mtime_sec || st->st_mtim.tv_nsec != below->mtime_nsec;
}

static int visit_root(struct walk *w, struct err *err)
{
	const int upper = w->request->upper_fd;
	const struct marked at = { upper, ".", w->request->is_userxattr };
	struct lower_stat below = { 0 };
	struct marks marks;
	struct stat st;
	int found = 0;

	TRY(buf_append_str(&w->path, "", err));
	if (fstat(upper, &st) < 0)
		return named(w, err_sys(err, errno, "stat"), err);
	TRY(named(w, marks_read(&at, &marks, err), err));
	TRY(check_marks(w, &marks, err));
	if (w->request->lower)
		found = lower_find(w->request->lower, "", &below, err);
	TRY(found);
	const struct change c = { .kind = found ? CHANGE_CHANGED : CHANGE_ADDED,
				  .path = buf_str(&w->path),
				  .st = &st,
				  .parent_fd = upper,
				  .name = ".",
				  .is_opaque = marks.is_opaque };

	if (!found || marks.has_others || marks.is_opaque || differs(w, &st, &below))
		TRY(w->fn(w->arg, &c, err));
	return enter(w, &c, (struct frame){ .below = found, .hidden = marks.is_opaque }, err);
}

int changes_walk(struct op *op, const struct changes_request *request, change_fn *fn, void *arg,
		 struct err *err)
{
	struct walk w = {
		.op = op, .request = request, .fn = fn, .arg = arg, .path = BUF_INIT(PATH_MAX_BYTES)
	};
	int rc = visit_root(&w, err);

	while (rc == 0 && w.depth)
		rc = w.frames[w.depth - 1].next < w.frames[w.depth - 1].folder.count
			     ? visit(&w, err)
			     : pop(&w, err);
	while (w.depth) {
		struct frame *f = &w.frames[--w.depth];

		if (f->fd >= 0)
			(void)close(f->fd);
		folder_fini(&f->folder);
	}
	free(w.frames);
	buf_fini(&w.path);
	return rc;
}
