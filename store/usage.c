/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measuring: every blob, layer and tree is looked at once for its size on disk, each image is
 * walked once for what it needs.
 */
#include "store/usage.h"

#include "base/mem.h"
#include "store/gc_mark.h"
#include "store/gc_parts.h"
#include "store/images.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

const char *usage_kind_name(enum usage_kind kind)
{
	static const char *const names[USAGE_KIND_COUNT] = {
		[USAGE_BLOBS] = "Blobs", [USAGE_LAYERS] = "Layers",   [USAGE_TREES] = "Trees",
		[USAGE_ROOTS] = "Roots", [USAGE_STAGING] = "Staging", [USAGE_RECORDS] = "Records",
	};

	return names[kind];
}

void usage_fini(struct usage *u)
{
	for (size_t i = 0; i < u->image_count; i++)
		free(u->images[i].name);
	free(u->images);
	*u = (struct usage){ 0 };
}

/* A thing that is there. */
struct thing {
	uint64_t bytes;
	unsigned needed_by;  /* images, by target */
	size_t last_counted; /* number of the image + 1 that counted it last */
};
/* The things of one kind; `things` in step with the set. */
struct measured {
	struct digest_set *set;
	struct thing *things;
	size_t count;
};
struct measure {
	struct op *op;
	struct store *store;
	struct usage *usage;
	struct marks marks;
	bool marked;
	struct measured kinds[REACH_KIND_COUNT];
	enum reach_kind listing;
	struct digest_set *targets; /* images that were walked */
	size_t image;		    /* number of the one being walked + 1 */
	uint64_t total, shared;
	bool count_needs;
};

static void measure_fini(struct measure *m)
{
	for (size_t i = 0; i < REACH_KIND_COUNT; i++) {
		digest_set_free(m->kinds[i].set);
		free(m->kinds[i].things);
	}
	digest_set_free(m->targets);
	marks_fini(&m->marks);
}

/* --- sizes --- */

static uint64_t disk_bytes(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

static int size_on_disk(struct store *store, enum reach_kind kind, const struct digest *d,
			uint64_t *ret, struct err *err)
{
	_close_ int fd = -1, idx = -1;

	if (kind == REACH_BLOB)
		TRY(blobs_open(store->blobs, d, &fd, NULL, err));
	else if (kind == REACH_LAYER)
		TRY(layerfiles_open(store->layers, d, &fd, &idx, err));
	else
		TRY(treefiles_open(store->trees, d, &fd, err));
	*ret = disk_bytes(fd) + disk_bytes(idx);
	return 0;
}

static struct usage_row *row_of(struct measure *m, enum reach_kind kind)
{
	static const enum usage_kind rows[REACH_KIND_COUNT] = {
		[REACH_BLOB] = USAGE_BLOBS,
		[REACH_LAYER] = USAGE_LAYERS,
		[REACH_TREE] = USAGE_TREES,
	};

	return &m->usage->rows[rows[kind]];
}

static int see(void *arg, const struct digest *d, uint64_t size, struct err *err)
{
	struct measure *m = arg;
	struct measured *kind = &m->kinds[m->listing];
	struct usage_row *row = row_of(m, m->listing);
	uint64_t bytes = size;

	TRY(op_check(m->op, err));
	/* It may have gone by now; what can't be opened is counted by its size. */
	(void)size_on_disk(m->store, m->listing, d, &bytes, NULL);
	if (!digest_set_add(kind->set, d))
		return 0;
	if ((kind->count & (kind->count - 1)) == 0)
		kind->things = xreallocarray(kind->things, kind->count ? 2 * kind->count : 1,
					     sizeof(kind->things[0]));
	kind->things[kind->count++] = (struct thing){ .bytes = bytes };
	row->count++;
	row->bytes += bytes;
	if (m->marked && !marks_has(&m->marks, m->listing, d)) {
		row->reclaimable_count++;
		row->reclaimable_bytes += bytes;
	}
	return 0;
}

static int measure_things(struct measure *m, struct err *err)
{
	m->listing = REACH_BLOB;
	TRY(blobs_list(m->store->blobs, see, m, err));
	m->listing = REACH_LAYER;
	TRY(layerfiles_list(m->store->layers, see, m, err));
	m->listing = REACH_TREE;
	return treefiles_list(m->store->trees, see, m, err);
}

/* --- images --- */

static int count_thing(void *arg, enum reach_kind kind, const struct digest *d, uint64_t size,
		       struct err *err)
{
	struct measure *m = arg;
	const size_t at = digest_set_find(m->kinds[kind].set, d);
	struct thing *t = at == SIZE_MAX ? NULL : &m->kinds[kind].things[at];

	(void)size;
	(void)err;
	if (!t || t->last_counted == m->image)
		return 0;
	t->last_counted = m->image;
	t->needed_by += m->count_needs;
	m->total += t->bytes;
	m->shared += t->needed_by > 1 ? t->bytes : 0;
	return 0;
}

static int pass_over(void *arg, const struct digest *d, const struct err *why, struct err *err)
{
	(void)arg;
	(void)d;
	(void)why;
	(void)err;
	return 0;
}

static int walk_image(struct measure *m, const struct digest *target, struct err *err)
{
	const struct reach reach = { .fn = count_thing, .bad = pass_over, .arg = m };

	TRY(op_check(m->op, err));
	m->image++;
	m->total = m->shared = 0;
	return reach_walk(m->store, target, &reach, err);
}

static int add_image(void *arg, const struct image_name *name, struct err *err)
{
	struct usage *u = arg;

	(void)err;
	u->images = xreallocarray(u->images, u->image_count + 1, sizeof(u->images[0]));
	u->images[u->image_count++] = (struct usage_image){
		.name = name->tag ? xasprintf("%s:%s", name->repository, name->tag)
				  : xasprintf("%s@%s", name->repository,
					      DIGEST_TEXT(&name->target.digest)),
		.target = name->target.digest,
	};
	return 0;
}

/* First who needs what, each image once whatever its names; then what each takes. */
static int measure_images(struct measure *m, struct err *err)
{
	struct usage *u = m->usage;

	TRY(images_list(m->store, add_image, u, err));
	m->count_needs = true;
	for (size_t i = 0; i < u->image_count; i++)
		if (digest_set_add(m->targets, &u->images[i].target))
			TRY(walk_image(m, &u->images[i].target, err));
	m->count_needs = false;
	for (size_t i = 0; i < u->image_count; i++) {
		TRY(walk_image(m, &u->images[i].target, err));
		u->images[i].total_bytes = m->total;
		u->images[i].shared_bytes = m->shared;
	}
	return 0;
}

/* --- the rest of the folder --- */

static int count_part(void *arg, const char *name, uint64_t bytes, struct err *err)
{
	struct usage_row *row = arg;

	(void)name;
	(void)err;
	row->reclaimable_count++;
	row->reclaimable_bytes += bytes;
	return 0;
}

static int measure_records(int root, struct usage_row *row)
{
	static const char *const names[] = { "records.db", "records.db-wal", "records.db-shm" };
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (fstatat(root, names[i], &st, AT_SYMLINK_NOFOLLOW) == 0) {
			row->count++;
			row->bytes += (uint64_t)st.st_blocks * 512;
		}
	return 0;
}

/* Each entry of a folder as one thing. */
static int measure_entries(struct measure *m, int root, const char *name, struct usage_row *row,
			   struct err *err)
{
	const int fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
	int rc = 0;

	if (!entries) {
		if (fd >= 0)
			(void)close(fd);
		return 0;
	}
	for (const struct dirent *e; rc == 0 && (e = readdir(entries));) {
		uint64_t bytes = 0;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		rc = op_check(m->op, err);
		if (rc == 0)
			rc = usage_of_folder(fd, e->d_name, &bytes, err);
		row->count++;
		row->bytes += bytes;
	}
	(void)closedir(entries);
	return rc;
}

static int measure_folder(struct measure *m, struct err *err)
{
	struct usage_row *rows = m->usage->rows;
	const char *path = store_path(m->store);

	if (!path)
		return 0;
	_close_ int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return err_sys(err, errno, "store");
	TRY(measure_records(root, &rows[USAGE_RECORDS]));
	TRY(measure_entries(m, root, "roots", &rows[USAGE_ROOTS], err));
	TRY(measure_entries(m, root, "staging", &rows[USAGE_STAGING], err));
	return parts_list(m->store, count_part, &rows[USAGE_STAGING], err);
}

static int measure(struct measure *m, struct err *err)
{
	m->marked = marks_look(m->op, m->store, &m->marks, &m->usage->unsure) == 0;
	TRY(op_check(m->op, err));
	TRY(measure_things(m, err));
	TRY(measure_images(m, err));
	return measure_folder(m, err);
}

int usage_measure(struct op *op, struct store *store, struct usage *ret, struct err *err)
{
	_usage_ struct usage usage = { 0 };
	struct op none = { 0 };
	_cleanup_(measure_fini) struct measure m = {
		.op = op ? op : &none,
		.store = store,
		.usage = &usage,
		.targets = digest_set_new(),
	};

	marks_init(&m.marks);
	for (size_t i = 0; i < REACH_KIND_COUNT; i++)
		m.kinds[i].set = digest_set_new();
	TRY(measure(&m, err));
	*ret = usage;
	usage = (struct usage){ 0 };
	return 0;
}
