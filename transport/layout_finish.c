/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of writing into a layout: under the lock index.json is read again, changed and replaced,
 * once all that its new entries need is seen to be there still (umoci's gc takes what no name
 * reaches).
 */
#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"
#include "transport/layout_int.h"

#include <fcntl.h>
#include <sys/stat.h>

static int check_written(const struct layout *l, struct err *err)
{
	for (size_t i = 0; i < l->written_count; i++) {
		struct err why = { 0 };

		if (blobs_stat(l->writable, &l->written[i], NULL, &why) == 0)
			continue;
		if (why.kind == ERR_NOT_FOUND)
			return err_set(err, ERR_CHANGED, "blob %s was removed meanwhile",
				       DIGEST_TEXT(&l->written[i]));
		err_keep_first(err, &why);
		return -why.errnum;
	}
	return 0;
}

/* What nothing leads to gets an entry, too. */
static void take_unnamed(struct layout *l)
{
	struct layout_changes *c = &l->changes;

	for (size_t i = 0; i < l->unnamed_count; i++) {
		if (l->unnamed[i].is_child) {
			descriptor_fini(&l->unnamed[i].descriptor);
			continue;
		}
		c->items = xreallocarray(c->items, c->count + 1, sizeof(c->items[0]));
		c->items[c->count++] =
			(struct layout_change){ .kind = LAYOUT_PUT,
						.descriptor = l->unnamed[i].descriptor };
	}
	l->unnamed_count = 0;
}

/* Who could read index.json before can do so after. */
static mode_t mode_of_index(int root)
{
	struct stat st;

	if (fstatat(root, "index.json", &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 0644;
	return st.st_mode & 0666;
}

static int rewrite(struct layout *l, struct err *err)
{
	_buf_ struct buf old = BUF_INIT(LAYOUT_INDEX_BYTES_MAX);
	_buf_ struct buf fresh = BUF_INIT(LAYOUT_INDEX_BYTES_MAX);
	bool changed = false;

	TRY(layout_read_file(l->root, "index.json", &old, err));
	TRY(check_written(l, err));
	TRY(layout_index_edit(&old, &l->changes, &fresh, &changed, err));
	if (!changed)
		return 0;
	return file_replace(
		l->root, "index.json",
		&(struct file_content){ buf_str(&fresh), fresh.len, mode_of_index(l->root) }, err);
}

static void forget(struct layout *l)
{
	for (size_t i = 0; i < l->changes.count; i++)
		layout_change_fini(&l->changes.items[i]);
	l->changes.count = 0;
	l->written_count = 0;
	subjects_free(l->subjects);
	l->subjects = NULL;
}

/* Manifests that were removed by digest: nothing lists them any more. */
static int remove_files(const struct layout *l, struct err *err)
{
	for (size_t i = 0; i < l->changes.count; i++) {
		const struct layout_change *c = &l->changes.items[i];
		struct err why = { 0 };

		if (c->kind != LAYOUT_REMOVE_DIGEST ||
		    blobs_remove(l->writable, &c->descriptor.digest, &why) >= 0 ||
		    why.kind == ERR_NOT_FOUND)
			continue;
		err_keep_first(err, &why);
		return -why.errnum;
	}
	return 0;
}

/* The lock of the transport is held. */
static int finish(struct layout *l, struct op *op, struct err *err)
{
	int rc;

	take_unnamed(l);
	if (!l->changes.count)
		return 0;
	TRY(layout_lock(l, op, err));
	rc = rewrite(l, err);
	if (rc == 0)
		rc = remove_files(l, err);
	layout_unlock(l);
	TRY(rc);
	forget(l);
	return layout_load(l, err);
}

int layout_finish(struct transport *t, struct op *op, struct err *err)
{
	struct layout *l = layout_of(t);

	pthread_mutex_lock(&l->lock);
	const int rc = finish(l, op, err);

	pthread_mutex_unlock(&l->lock);
	return rc < 0 ? err_prefix(err, "%s", TEXT_ESCAPED(l->path)) : 0;
}
