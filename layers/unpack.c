/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree as plain files. Threads take whole folders, so no two work in the same one: a folder's
 * names are made, its subfolders are queued, and its own attributes are set when nothing will be
 * added to it any more. Further names of files come after all files, the root's attributes last.
 *
 * Trusted is nothing but the target's own file system: each folder is opened from the target's fd
 * without following a link (openat2, Linux 5.6), each name is made exclusively and by its single
 * component, so names and links of an image, or of a neighbour who meddles meanwhile, lead nowhere
 * else.
 */
#include "base/buf.h"
#include "base/jobs.h"
#include "base/mem.h"
#include "base/text.h"
#include "layers/unpack_int.h"
#include "sys/file.h"

#include <fcntl.h>

#define MARKER	     ".img-incomplete"
#define PATH_ONCE    4000 /* longest path given to one system call */
#define REPORT_EVERY 512

void unpack_list_add(struct unpack_list *list, uint32_t node)
{
	if (list->count == list->alloc) {
		list->alloc = list->alloc ? list->alloc * 2 : 64;
		list->nodes = xreallocarray(list->nodes, list->alloc, sizeof(list->nodes[0]));
	}
	list->nodes[list->count++] = node;
}

char *unpack_shown(const struct unpack *u, uint32_t node, char dst[256])
{
	_buf_ struct buf path = BUF_INIT((size_t)1 << 30);

	if (tree_path(u->tree, node, &path, NULL) < 0)
		return text_escape(dst, 256, "?", 1);
	return text_escape(dst, 256, path.len ? path.data : "/", path.len ? path.len : 1);
}

/* Opens a path of any length in steps that a system call takes. */
static int open_stepwise(const struct unpack *u, char *path, struct err *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
	_close_ int at = -1;

	while (strlen(path) > PATH_ONCE) {
		char *cut = path + PATH_ONCE;

		while (cut > path && *cut != '/')
			cut--;
		*cut = '\0';
		const int next = file_open_beneath(at < 0 ? u->root_fd : at, path, flags, 0, err);

		TRY(next);
		if (at >= 0)
			close(at);
		at = next;
		path = cut + 1;
	}
	return file_open_beneath(at < 0 ? u->root_fd : at, path, flags, 0, err);
}

int unpack_open_dir(const struct unpack *u, uint32_t node, struct err *err)
{
	_buf_ struct buf path = BUF_INIT((size_t)1 << 30);

	if (node == TREE_ROOT)
		return file_open_beneath(u->root_fd, ".", O_RDONLY | O_DIRECTORY, 0, err);
	TRY(tree_path(u->tree, node, &path, err));
	return open_stepwise(u, path.data, err);
}

static void report(struct op *op, const struct unpack *u, enum progress_kind kind)
{
	op_report(op,
		  &(struct progress_event){ .kind = kind,
					    .item = u->item,
					    .label = "files",
					    .state = kind == PROGRESS_END ? "done" : "unpacking",
					    .bytes = atomic_load(&u->names),
					    .total_bytes = tree_node_count(u->tree),
					    .is_count = true });
}

/*
 * Can the folder get its own attributes as soon as its names are made? Not if links come later, nor
 * if that would lock ourselves out.
 */
static bool can_finish_now(const struct unpack *u, const struct tree_stat *st, bool has_links)
{
	return !has_links && (u->keep_owner || (st->mode & 0700) == 0700);
}

static int make_child(struct unpack_name *n, bool *has_links, struct unpack_list *subs,
		      struct err *err)
{
	const uint32_t names = atomic_fetch_add(&n->unpack->names, 1) + 1;

	if (names % REPORT_EVERY == 0)
		report(n->op, n->unpack, PROGRESS_BYTES);
	if (S_ISDIR(n->st.mode)) {
		if (mkdirat(n->dir_fd, n->name, 0700) < 0)
			return err_sys(err, errno, "mkdir");
		unpack_list_add(subs, n->node);
		return 0;
	}
	if (n->st.nlink > 1 && tree_first_name(n->unpack->tree, n->st.inode) != n->node) {
		pthread_mutex_lock(&n->unpack->lock);
		unpack_list_add(&n->unpack->links, n->node);
		pthread_mutex_unlock(&n->unpack->lock);
		*has_links = true;
		return 0;
	}
	return unpack_make(n, err);
}

/* Makes all names of an open folder. */
static int make_children(struct unpack_name *n, uint32_t dir, bool *has_links,
			 struct unpack_list *subs, struct err *err)
{
	const struct tree *tree = n->unpack->tree;
	char shown[256];

	for (uint32_t c = tree_first_child(tree, dir); c != TREE_NONE;
	     c = tree_next_sibling(tree, c)) {
		TRY(op_check(n->op, err));
		n->node = c;
		n->name = tree_name(tree, c);
		tree_stat(tree, c, &n->st);
		if (make_child(n, has_links, subs, err) < 0)
			return err_prefix(err, "%s", unpack_shown(n->unpack, c, shown));
	}
	return 0;
}

static int finish_dir(struct unpack *u, uint32_t node, int fd, struct err *err)
{
	struct unpack_name n = { .unpack = u, .node = node, .dir_fd = -1, .name = "" };
	char shown[256];

	tree_stat(u->tree, node, &n.st);
	if (unpack_attributes(&n, fd, UINT32_MAX, err) < 0)
		return err_prefix(err, "%s", unpack_shown(u, node, shown));
	return 0;
}

/* Fills one folder and queues those below it. */
static int fill_dir(struct op *op, struct unpack *u, struct unpack_window *window, uint32_t node,
		    struct err *err)
{
	struct unpack_list subs = { 0 };
	struct unpack_name n = { .unpack = u, .op = op, .window = window };
	struct tree_stat st;
	bool has_links = false;
	_close_ int fd = unpack_open_dir(u, node, err);
	int rc;

	TRY(fd);
	n.dir_fd = fd;
	tree_stat(u->tree, node, &st);
	rc = make_children(&n, node, &has_links, &subs, err);
	const bool now = node != TREE_ROOT && can_finish_now(u, &st, has_links);

	if (rc == 0 && now)
		rc = finish_dir(u, node, fd, err);
	pthread_mutex_lock(&u->lock);
	if (!now)
		unpack_list_add(&u->late, node);
	while (subs.count) /* reversed: taken from the end, they come in order */
		unpack_list_add(&u->todo, subs.nodes[--subs.count]);
	pthread_cond_broadcast(&u->changed);
	pthread_mutex_unlock(&u->lock);
	free(subs.nodes);
	return rc;
}

/* Call with the lock. */
static struct unpack_window *take_window(struct unpack *u)
{
	struct unpack_window *w = u->windows;

	if (w)
		u->windows = w->next;
	else
		w = NEW(struct unpack_window);
	return w;
}

/* A thread: takes folders until none is left and nobody may still bring some. */
static int worker(struct op *op, void *arg, struct err *err)
{
	struct unpack *u = arg;
	int rc = 0;

	pthread_mutex_lock(&u->lock);
	while (!u->failed && (u->todo.count || u->active)) {
		if (!u->todo.count) {
			pthread_cond_wait(&u->changed, &u->lock);
			continue;
		}
		const uint32_t node = u->todo.nodes[--u->todo.count];
		struct unpack_window *window = take_window(u);

		u->active++;
		pthread_mutex_unlock(&u->lock);
		rc = fill_dir(op, u, window, node, err);
		report(op, u, PROGRESS_BYTES);
		pthread_mutex_lock(&u->lock);
		window->next = u->windows;
		u->windows = window;
		u->active--;
		u->failed |= rc < 0;
		pthread_cond_broadcast(&u->changed);
	}
	pthread_mutex_unlock(&u->lock);
	return rc < 0 ? rc : 0;
}

static int fill_all(struct op *op, struct unpack *u, unsigned threads, struct err *err)
{
	struct jobs *pool = jobs_new(op, threads);
	int rc;

	unpack_list_add(&u->todo, TREE_ROOT);
	for (unsigned i = 0; i < threads; i++)
		jobs_add(pool, worker, u);
	rc = jobs_wait(pool, err);
	jobs_free(pool);
	return rc;
}

static int make_link(struct unpack *u, uint32_t node, struct err *err)
{
	struct tree_stat st;
	_close_ int to = -1, from = -1;

	tree_stat(u->tree, node, &st);
	const uint32_t first = tree_first_name(u->tree, st.inode);

	from = unpack_open_dir(u, tree_parent(u->tree, first), err);
	TRY(from);
	to = unpack_open_dir(u, tree_parent(u->tree, node), err);
	TRY(to);
	if (linkat(from, tree_name(u->tree, first), to, tree_name(u->tree, node), 0) < 0)
		return err_sys(err, errno, "link");
	return 0;
}

static int make_links(struct op *op, struct unpack *u, struct err *err)
{
	char shown[256];

	for (size_t i = 0; i < u->links.count; i++) {
		TRY(op_check(op, err));
		if (make_link(u, u->links.nodes[i], err) < 0)
			return err_prefix(err, "%s", unpack_shown(u, u->links.nodes[i], shown));
	}
	return 0;
}

static size_t depth_of(const struct tree *tree, uint32_t node)
{
	size_t depth = 0;

	for (; node != TREE_ROOT; node = tree_parent(tree, node))
		depth++;
	return depth;
}

struct by_depth {
	uint32_t node;
	size_t depth;
};

static int deepest_first(const void *a, const void *b)
{
	const struct by_depth *x = a, *y = b;

	return (x->depth < y->depth) - (x->depth > y->depth);
}

/*
 * The folders whose attributes had to wait, children before parents, so that none locks out the
 * next.
 */
static int finish_late(struct op *op, struct unpack *u, struct err *err)
{
	_free_ struct by_depth *order = xcalloc(u->late.count, sizeof(order[0]));

	for (size_t i = 0; i < u->late.count; i++)
		order[i] =
			(struct by_depth){ u->late.nodes[i], depth_of(u->tree, u->late.nodes[i]) };
	if (u->late.count)
		qsort(order, u->late.count, sizeof(order[0]), deepest_first);
	for (size_t i = 0; i < u->late.count; i++) {
		_close_ int fd = -1;

		if (order[i].node == TREE_ROOT)
			continue;
		TRY(op_check(op, err));
		fd = unpack_open_dir(u, order[i].node, err);
		TRY(fd);
		TRY(finish_dir(u, order[i].node, fd, err));
	}
	return 0;
}

/* A name for the marker that the image itself doesn't use. */
static int make_marker(struct unpack *u, struct err *err)
{
	_close_ int fd = -1;
	uint32_t node;

	snprintf(u->marker, sizeof(u->marker), "%s", MARKER);
	for (unsigned i = 1; i < 100 && tree_lookup(u->tree, u->marker, false, &node, NULL) == 0;
	     i++)
		snprintf(u->marker, sizeof(u->marker), MARKER ".%u", i);
	fd = openat(u->root_fd, u->marker, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, errno, "marker %s", u->marker);
	return 0;
}

static int remove_marker(const struct unpack *u)
{
	struct stat st;

	if (unlinkat(u->root_fd, u->marker, 0) == 0)
		return 0;
	/* A root that its owner may not write, and the owner is an ordinary user. */
	if (errno != EACCES || fstat(u->root_fd, &st) < 0 || fchmod(u->root_fd, S_IRWXU) < 0)
		return -1;
	const int rc = unlinkat(u->root_fd, u->marker, 0);

	return fchmod(u->root_fd, st.st_mode & 07777) < 0 ? -1 : rc;
}

static void put_marker_back(const struct unpack *u)
{
	const int fd = openat(u->root_fd, u->marker, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd >= 0)
		(void)close(fd);
}

/*
 * Removing the marker changes nothing but the root's time, which is set once more: the very last
 * call.
 */
static int finish_root(struct unpack *u, struct err *err)
{
	struct unpack_name n = { .unpack = u, .node = TREE_ROOT, .dir_fd = -1, .name = "" };
	const uint64_t lost = u->report.lost[UNPACK_LOSS_TIME];
	int rc = 0;

	TRY(finish_dir(u, TREE_ROOT, u->root_fd, err));
	tree_stat(u->tree, TREE_ROOT, &n.st);
	if (remove_marker(u) < 0)
		rc = err_sys(err, errno, "marker %s", u->marker);
	else if (u->report.lost[UNPACK_LOSS_TIME] == lost) /* else it was refused, and booked */
		rc = unpack_times(&n, u->root_fd, err);
	if (rc < 0)
		put_marker_back(u);
	return rc;
}

static int run(struct op *op, struct unpack *u, unsigned threads, struct err *err)
{
	TRY(make_marker(u, err));
	report(op, u, PROGRESS_BEGIN);
	TRY(fill_all(op, u, threads, err));
	TRY(make_links(op, u, err));
	TRY(finish_late(op, u, err));
	TRY(finish_root(u, err));
	report(op, u, PROGRESS_END);
	return 0;
}

static void unpack_init(struct unpack *u, const struct tree *tree,
			const struct unpack_options *options)
{
	*u = (struct unpack){ .tree = tree,
			      .root_fd = options->dir_fd,
			      .keep_owner = options->keep_owner };
	u->umask = umask(077);
	umask(u->umask);
	u->uid = geteuid();
	u->gid = getegid();
	u->item = op_item();
	pthread_mutex_init(&u->lock, NULL);
	pthread_cond_init(&u->changed, NULL);
}

static void unpack_fini(struct unpack *u)
{
	while (u->windows) {
		struct unpack_window *w = u->windows;

		u->windows = w->next;
		free(w->data);
		free(w);
	}
	free(u->todo.nodes);
	free(u->late.nodes);
	free(u->links.nodes);
	pthread_mutex_destroy(&u->lock);
	pthread_cond_destroy(&u->changed);
}

int unpack_tree(struct op *op, const struct tree *tree, const struct unpack_options *options,
		struct unpack_report *ret, struct err *err)
{
	struct unpack u;
	unsigned threads = options->jobs;
	int rc;

	if (!threads)
		threads = op && op->jobs ? op->jobs : 2;
	unpack_init(&u, tree, options);
	rc = run(op, &u, threads, err);
	if (rc < 0)
		unpack_report_fini(&u.report);
	else {
		u.report.files = u.names;
		u.report.bytes = u.bytes;
		*ret = u.report;
	}
	unpack_fini(&u);
	return rc;
}
