/* SPDX-License-Identifier: Apache-2.0 */
/* fsck_check: its parts in turn, and the words for what they find. */
#include "store/fsck.h"

#include "base/mem.h"
#include "store/fsck_parts.h"

static const char *const thing_names[FSCK_THING_COUNT] = {
	[FSCK_BLOB] = "blob", [FSCK_LAYER] = "layer",	    [FSCK_INDEX] = "index",
	[FSCK_TREE] = "tree", [FSCK_MANIFEST] = "manifest", [FSCK_TAG] = "tag",
	[FSCK_ROOT] = "root", [FSCK_RECORD] = "record",	    [FSCK_FILE] = "file",
};
static const char *const problem_names[FSCK_PROBLEM_COUNT] = {
	[FSCK_DAMAGED] = "damaged", [FSCK_MISSING] = "missing", [FSCK_WRONG] = "wrong",
	[FSCK_MODE] = "mode",	    [FSCK_STRANGE] = "strange",
};

const char *fsck_thing_name(enum fsck_thing thing)
{
	return thing_names[thing];
}

const char *fsck_problem_name(enum fsck_problem problem)
{
	return problem_names[problem];
}

bool fsck_is_damage(enum fsck_problem problem)
{
	return problem != FSCK_MODE && problem != FSCK_STRANGE;
}

void fsck_tell(struct fsck *f, const struct fsck_finding *finding)
{
	struct fsck_finding full = *finding;

	full.name = full.name ? full.name : "";
	full.what = full.what ? full.what : "";
	pthread_mutex_lock(&f->lock);
	f->result.found += fsck_is_damage(full.problem);
	if (f->request->fn)
		f->request->fn(f->request->arg, &full);
	pthread_mutex_unlock(&f->lock);
}

void fsck_progress(struct fsck *f, uint64_t bytes)
{
	const uint64_t done = atomic_fetch_add(&f->done_bytes, bytes) + bytes;

	op_report(f->op, &(struct progress_event){ .kind = PROGRESS_BYTES,
						   .item = f->item,
						   .bytes = done,
						   .total_bytes = f->total_bytes });
}

static int check(struct fsck *f, struct err *err)
{
	TRY(fsck_files(f, err));
	TRY(fsck_records(f, err));
	return fsck_bytes(f, err);
}

int fsck_check(struct op *op, struct store *store, const struct fsck_request *request,
	       struct fsck_result *ret, struct err *err)
{
	struct op none = { 0 };
	struct fsck f = { .op = op ? op : &none, .store = store, .request = request };

	pthread_mutex_init(&f.lock, NULL);
	const int rc = check(&f, err);

	pthread_mutex_destroy(&f.lock);
	if (rc == 0)
		*ret = f.result;
	return rc;
}
