/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leftovers: staging files of the dead, which the walk locks while we have them, so that nobody
 * takes them up meanwhile; and indexes whose tar a collector was killed over, or whose maker died
 * between the two renames.
 */
#include "store/gc_parts.h"

#include "base/mem.h"
#include "base/text.h"
#include "store/digestdir.h"
#include "store/staging.h"

#include <fcntl.h>
#include <sys/stat.h>

struct parts {
	parts_fn *fn;
	void *arg;
	int staging, layers;
};

/* A folder that is not there holds nothing. Returns 1 when it is there. */
static int open_folder(struct store *store, const char *name, int *ret_fd, struct err *err)
{
	struct err why = { 0 };
	const int rc = store_folder(store, name, ret_fd, &why);

	if (rc == 0)
		return 1;
	if (why.kind == ERR_NOT_FOUND || why.kind == ERR_UNSUPPORTED)
		return 0;
	err_keep_first(err, &why);
	return rc;
}

static int tell_staged(void *arg, const struct staging_entry *e, struct err *err)
{
	const struct parts *p = arg;
	_free_ char *name = xasprintf("staging/%s", e->name);

	if (e->is_live)
		return 0;
	const int rc = p->fn(p->arg, name, (uint64_t)e->st.st_size, err);

	if (rc != 1)
		return rc;
	if (unlinkat(p->staging, e->name, 0) < 0 && errno != ENOENT)
		return err_sys(err, errno, "%s", name);
	return 0;
}

static int find_tar(void *arg, const struct staging_entry *e, struct err *err)
{
	(void)arg;
	(void)err;
	return e->is_live && text_ends_with(e->name, ".tar");
}

/*
 * Whether the index belongs to nothing. Who publishes a layer moves the index first and the tar,
 * out of staging, then; so staging is looked at before the place. What a tar is called there says
 * nothing: a commit learns the digest of its own only at the end.
 */
static bool is_lone(const struct parts *p, const struct digest *d)
{
	const struct digestdir tars = { .root = p->layers, .kind = ".", .suffix = ".tar" };

	if (digestdir_stat(&tars, d, NULL, NULL) != -ENOENT)
		return false;
	if (p->staging >= 0 && staging_walk(p->staging, find_tar, NULL, NULL) != 0)
		return false;
	return digestdir_stat(&tars, d, NULL, NULL) == -ENOENT;
}

/* Another collector may have been faster. */
static int remove_index(const struct digestdir *indexes, const struct digest *d, struct err *err)
{
	struct err why = { 0 };
	const int rc = digestdir_remove(indexes, d, &why);

	if (rc == -ENOENT)
		return 0;
	err_keep_first(err, &why);
	return rc;
}

static int tell_index(void *arg, const struct digest *d, uint64_t size, struct err *err)
{
	const struct parts *p = arg;
	const struct digestdir indexes = { .root = p->layers, .kind = ".", .suffix = ".idx" };
	char name[STAGED_NAME_BYTES + 16];

	if (!is_lone(p, d))
		return 0;
	snprintf(name, sizeof(name), "layers/%s/%s.idx", digest_alg_name(d->alg), DIGEST_HEX(d));
	const int rc = p->fn(p->arg, name, size, err);

	return rc != 1 ? rc : remove_index(&indexes, d, err);
}

int parts_list(struct store *store, parts_fn *fn, void *arg, struct err *err)
{
	_close_ int staging = -1, layers = -1;
	int rc = open_folder(store, "staging", &staging, err);

	TRY(rc);
	if (rc)
		TRY(open_folder(store, "layers", &layers, err));
	struct parts p = { fn, arg, staging, layers };

	rc = staging >= 0 ? staging_walk(staging, tell_staged, &p, err) : 0;
	if (rc == 0 && layers >= 0)
		rc = digestdir_list(&(struct digestdir){ layers, ".", ".idx" }, tell_index, &p,
				    err);
	return rc;
}
