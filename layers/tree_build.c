/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging layers, lowest first (image-spec layer.md, "Applying Changesets"). Each layer takes two
 * passes: what its markers hide goes, then its entries are laid over what is left, in archive
 * order, the last one of a name counting. Nothing that a layer says is trusted; what no file system
 * could hold is an error that names layer and path.
 */
#include "layers/tree.h"

#include "base/mem.h"
#include "base/text.h"
#include "layers/tree_merge.h"

#include <inttypes.h>

#define MARKERS_MAX ((size_t)256 * 1024 * 1024)

static void merge_fini(struct merge *m)
{
	names_fini(&m->names);
	buf_fini(&m->inodes);
	buf_fini(&m->clean);
	buf_fini(&m->missing);
	free(m->stats);
}

static int merge_init(struct merge *m, struct op *op, struct layer *const *layers, size_t count,
		      struct err *err)
{
	uint32_t root;

	m->op = op;
	m->layers = layers;
	m->layer_count = count;
	m->stats = xcalloc(count + 1, sizeof(*m->stats));
	m->inodes = BUF_INIT((size_t)1024 * 1024 * 1024);
	m->clean = BUF_INIT(2 * TAR_META_MAX);
	m->missing = BUF_INIT((size_t)TREE_IMPLIED_MAX * sizeof(struct path));
	TRY(names_init(&m->names, err));
	TRY(merge_add_inode(m, (struct merge_inode){ 0, LAYER_IMPLIED, '5' }, &root, err));
	names_at(&m->names, 0)->inode = root;
	return 0;
}

bool tree_xattr_is_hidden(const struct tar_xattr *x)
{
	return !strncmp(x->name, "trusted.overlay.", 16) || !strncmp(x->name, "user.overlay.", 13);
}

static int check_xattrs(struct merge *m, struct err *err)
{
	for (size_t i = 0; i < m->e.xattr_count; i++) {
		struct tar_xattr x;

		layer_entry_xattr(m->layers[m->layer], m->entry, i, &x);
		if (!x.name_len || x.name_len > TREE_NAME_MAX || x.value_len > 65536)
			return merge_fail(m, err,
					  "an extended attribute that no file system could hold");
		if (tree_xattr_is_hidden(&x))
			merge_note(m, NOTE_XATTR, "attributes of overlayfs, which are dropped");
	}
	return 0;
}

static int check_id(struct merge *m, const char *what, int64_t id, struct err *err)
{
	char why[80];

	/* The highest one means "leave as it is" to the kernel. */
	if (id >= 0 && id < UINT32_MAX)
		return 0;
	snprintf(why, sizeof(why), "%s %" PRId64 " is out of range", what, id);
	return merge_fail(m, err, why);
}

static int check_entry(struct merge *m, struct err *err)
{
	const struct tar_entry *e = &m->e;
	char why[40];

	switch (e->type) {
	case '2':
		if (!e->link_name[0])
			return merge_fail(m, err, "a symbolic link to nothing");
		if (strlen(e->link_name) > TREE_TARGET_MAX)
			return merge_fail(m, err, "a symbolic link of more than 4095 bytes");
		break;
	case '0':
	case '3':
	case '4':
	case '5':
	case '6':
		break;
	default:
		snprintf(why, sizeof(why), "an entry of unknown type 0x%02x", (uint8_t)e->type);
		return merge_fail(m, err, why);
	}
	TRY(check_id(m, "owner", e->uid, err));
	TRY(check_id(m, "group", e->gid, err));
	return check_xattrs(m, err);
}

/* --- hard links --- */

static int fail_link(struct merge *m, const char *why, struct err *err)
{
	char text[400], target[256];

	snprintf(text, sizeof(text), "hard link to '%s': %s",
		 text_escape(target, sizeof(target), m->e.link_name, strlen(m->e.link_name)), why);
	return merge_fail(m, err, text);
}

/*
 * The name that a hard link is to share its inode with. The target's last component is not
 * followed.
 */
static int find_target(struct merge *m, uint32_t *ret, struct err *err)
{
	struct clean_path clean;
	struct path dir, base;
	uint32_t at, found = TREE_NONE;

	TRY(merge_clean(m, m->e.link_name, true, &clean, err));
	if (clean.how == CLEAN_ROOT)
		return fail_link(m, "it is a directory", err);
	path_split(clean.path, &dir, &base);
	TRY(merge_resolve(m, dir, 0, &at, err));
	if (at != TREE_NONE)
		found = names_find(&m->names, names_at(&m->names, at)->own_dir, base);
	if (found == TREE_NONE || names_at(&m->names, found)->inode == TREE_NONE)
		return fail_link(m, "the target is missing", err);
	if (names_at(&m->names, found)->own_dir != TREE_NONE)
		return fail_link(m, "it is a directory", err);
	*ret = found;
	return 0;
}

static bool is_below(const struct merge *m, uint32_t inner, uint32_t outer)
{
	while (inner != outer && names_at(&m->names, inner)->dir != TREE_NONE)
		inner = names_dir(&m->names, names_at(&m->names, inner)->dir)->owner;
	return inner == outer;
}

static int put_link(struct merge *m, uint32_t name, struct err *err)
{
	uint32_t target = TREE_NONE;

	TRY(find_target(m, &target, err));
	if (target == name) {
		names_at(&m->names, name)->replaced = 0;
		return 0;
	}
	if (names_at(&m->names, name)->own_dir != TREE_NONE && is_below(m, target, name))
		return fail_link(m, "it is inside the directory that the link replaces", err);
	return merge_put(m, name, names_at(&m->names, target)->inode, false, err);
}

/* --- entries --- */

static int put_root(struct merge *m, struct err *err)
{
	uint32_t inode;

	if (m->e.type != '5')
		return merge_fail(m, err, "the root can only be a directory");
	TRY(check_entry(m, err));
	TRY(merge_add_inode(m, (struct merge_inode){ m->entry, m->layer, '5' }, &inode, err));
	return merge_put(m, 0, inode, true, err);
}

static int put_entry(struct merge *m, uint32_t name, struct err *err)
{
	const char type = m->e.type;
	uint32_t inode;

	if (type == '1')
		return put_link(m, name, err);
	TRY(check_entry(m, err));
	m->stats[m->layer].added_bytes += m->e.data_bytes;
	TRY(merge_add_inode(m, (struct merge_inode){ m->entry, m->layer, type }, &inode, err));
	return merge_put(m, name, inode, type == '5', err);
}

static int add_entry(struct merge *m, struct err *err)
{
	struct clean_path clean;
	struct path dir, base;
	uint32_t at, name;

	TRY(merge_clean(m, m->e.name, false, &clean, err));
	if (clean.how == CLEAN_ESCAPES)
		return merge_fail(m, err, "the name leads out of the root");
	if (clean.how == CLEAN_NAMELESS) {
		merge_note(m, NOTE_NAMELESS, "an entry without a name, which is ignored");
		return 0;
	}
	if (clean.how == CLEAN_ROOT)
		return put_root(m, err);
	path_split(clean.path, &dir, &base);
	if (base.len > TREE_NAME_MAX)
		return merge_fail(m, err, "a name of more than 255 bytes");
	TRY(merge_resolve(m, dir, RESOLVE_MAKE, &at, err));
	TRY(names_need(&m->names, names_at(&m->names, at)->own_dir, base, &name, err));
	return put_entry(m, name, err);
}

/* --- layers --- */

/* The entries whose names are not names of files. */
static int find_markers(struct merge *m, struct buf *ret, struct err *err)
{
	const size_t count = layer_entry_count(m->layers[m->layer]);

	for (uint32_t i = 0; i < count; i++)
		if (merge_is_marker(layer_entry_name(m->layers[m->layer], i)))
			TRY(buf_append(ret, &i, sizeof(i), err));
	return 0;
}

static int add_entries(struct merge *m, struct markers *markers, struct err *err)
{
	const size_t count = layer_entry_count(m->layers[m->layer]);

	m->cached.p = NULL;
	markers->next = 0;
	for (m->entry = 0; m->entry < count; m->entry++) {
		if (markers_take(markers, m->entry))
			continue;
		if (m->entry % 1024 == 0)
			TRY(op_check(m->op, err));
		layer_entry(m->layers[m->layer], m->entry, &m->e);
		TRY(add_entry(m, err));
	}
	return 0;
}

static void markers_fini(struct markers *k)
{
	buf_fini(&k->list);
}

static int merge_layer(struct merge *m, struct err *err)
{
	_cleanup_(markers_fini) struct markers markers = { .list = BUF_INIT(MARKERS_MAX) };

	m->noted = 0;
	if (layer_entry_count(m->layers[m->layer]) >= UINT32_MAX)
		return err_set(err, ERR_LIMIT, "layer %u of %zu: too many entries", m->layer + 1u,
			       m->layer_count);
	TRY(find_markers(m, &markers.list, err));
	TRY(merge_hide(m, &markers, err));
	TRY(add_entries(m, &markers, err));
	layer_forget_names(m->layers[m->layer]);
	return 0;
}

int tree_build(struct op *op, struct layer *const *layers, size_t count, struct tree **ret,
	       struct err *err)
{
	_cleanup_(merge_fini) struct merge m = { 0 };

	if (count >= LAYER_IMPLIED)
		return err_set(err, ERR_LIMIT, "more than %u layers", LAYER_IMPLIED - 1u);
	TRY(merge_init(&m, op, layers, count, err));
	for (size_t i = 0; i < count; i++) {
		m.layer = (uint16_t)i;
		TRY(merge_layer(&m, err));
	}
	*ret = merge_finish(&m);
	return 0;
}
