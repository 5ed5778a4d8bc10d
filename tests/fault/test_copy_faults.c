/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying into a layout, and out of one into the store, while the system fails: what is named is
 * whole, index.json is the old one or the new one, and a repeat finishes the work.
 */
#include "base/mem.h"
#include "base/text.h"
#include "pull/local.h"
#include "stream/hash.h"
#include "tests/fault/place.h"
#include "transport/copy.h"
#include "transport/layout.h"

#include <CUnit/CUnit.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

/* What a sweep works on. */
struct world {
	struct picture picture;
	struct place place; /* its folder, and a store in it for the way out */
	char layout[320];
	bool has_old; /* there was an image of that name in the layout before */
};

static void must(int rc, const struct err *err)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "# copy faults: %s\n", err->msg);
	abort();
}

static int copy(struct transport *from, const char *name, struct transport *to, const char *as,
		struct err *err)
{
	struct copy_result result = { 0 };
	struct op op = { 0 };
	const struct copy_request req = { .from = from,
					  .to = to,
					  .from_name = name,
					  .to_names = &as,
					  .to_count = 1,
					  .platforms = COPY_ALL,
					  .referrers = true,
					  .jobs = 2 };

	TRY(copy_image(&op, &req, &result, err));
	copy_result_fini(&result);
	return transport_finish(to, &op, err);
}

static int copy_in(struct world *w, const char *as, struct err *err)
{
	const char *name = reference_tag_or_latest(&w->picture.ref);
	struct transport *to = NULL;

	TRY(layout_open(NULL, w->layout, LAYOUT_WRITE, &to, err));
	const int rc = copy(w->picture.from, name, to, as, err);

	transport_close(to);
	return rc;
}

/* --- what must hold --- */

static const char *check_blob(struct transport *layout, const struct descriptor *d)
{
	_buf_ struct buf bytes = BUF_INIT(1 << 26);

	return transport_read_blob(layout, NULL, d, &bytes, NULL) < 0
		       ? "a blob of what is named is not there, or not whole"
		       : NULL;
}

/* A name means a manifest that is there with all its blobs. */
static const char *check_name(struct transport *layout, const char *name)
{
	_cleanup_(transport_document_fini) struct transport_document file = { 0 };
	_document_ struct document doc = { 0 };
	const char *wrong;

	if (transport_get_document(layout, NULL, name, &file, NULL) < 0 ||
	    document_parse(buf_str(&file.bytes), file.bytes.len, NULL, &doc, NULL) < 0)
		return "what is named is not there";
	wrong = check_blob(layout, &doc.manifest.config);
	for (size_t i = 0; i < doc.manifest.layers.count && !wrong; i++)
		wrong = check_blob(layout, &doc.manifest.layers.items[i]);
	return wrong;
}

static int note_name(void *arg, const char *name, struct err *err)
{
	(void)err;
	*(unsigned *)arg |= !strcmp(name, "old") ? 1 : !strcmp(name, "new") ? 2 : 4;
	return 0;
}

/* No files of ours beside those of a layout. */
static const char *check_folder(const struct world *w, bool untidy)
{
	DIR *dir = opendir(w->layout);
	const char *wrong = NULL;

	for (const struct dirent *e; dir && (e = readdir(dir));)
		if (!untidy && text_starts_with(e->d_name, ".img-tmp-"))
			wrong = "a temporary file is left";
	if (dir)
		(void)closedir(dir);
	return wrong;
}

/* Every blob that is in place is what it is called. */
static const char *check_blobs(const struct world *w)
{
	_free_ char *path = xasprintf("%s/blobs/sha256", w->layout);
	DIR *dir = opendir(path);
	const char *wrong = NULL;

	for (const struct dirent *e; dir && (e = readdir(dir));) {
		_close_ int fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_CLOEXEC);
		_free_ char *text = xasprintf("sha256:%s", e->d_name);
		struct digest d;
		uint64_t bytes;

		if (e->d_name[0] == '.' || fd < 0 || digest_parse(text, strlen(text), &d, NULL) < 0)
			continue;
		_source_ struct source *src = source_verify(source_fd(TAKE_FD(fd), 0, UINT64_MAX),
							    &d, UINT64_MAX, "blob");

		if (source_drain(src, &bytes, NULL) < 0)
			wrong = "a blob is not what it is called";
	}
	if (dir)
		(void)closedir(dir);
	return wrong;
}

static const char *check_layout(void *arg, struct sweep_state state)
{
	const struct world *w = arg;
	struct transport *layout = NULL;
	unsigned seen = 0;
	const char *wrong = check_folder(w, state.untidy);

	if (!wrong)
		wrong = check_blobs(w);
	if (wrong)
		return wrong;
	if (layout_open(NULL, w->layout, LAYOUT_READ, &layout, NULL) < 0)
		return w->has_old || state.end == SWEEP_DONE ? "the layout is none" : NULL;
	(void)transport_list_tags(layout, NULL, note_name, &seen, NULL);
	if (seen & 1)
		wrong = check_name(layout, "old");
	if (!wrong && (seen & 2))
		wrong = check_name(layout, "new");
	if (!wrong && w->has_old && !(seen & 1))
		wrong = "the name of before is gone";
	if (!wrong && state.end == SWEEP_DONE && !(seen & 2))
		wrong = "the new name is not there";
	transport_close(layout);
	return wrong;
}

/* The next writer tidies up. */
static const char *cleanup_layout(void *arg)
{
	struct world *w = arg;
	struct err err = { 0 };
	const char *wrong = NULL;
	_free_ char *staging = xasprintf("%s/.img-staging", w->layout);

	/* Another name, so that index.json is written. */
	must(copy_in(w, "last", &err), &err);
	if (access(staging, F_OK) == 0)
		wrong = "staging is left";
	if (!wrong)
		wrong = check_folder(w, false);
	place_fini(&w->place);
	return wrong;
}

/* --- into a layout --- */

static void prepare_absent(void *arg)
{
	struct world *w = arg;

	place_init(&w->place);
	snprintf(w->layout, sizeof(w->layout), "%s/layout", w->place.tmp.path);
}

static void prepare_old(void *arg)
{
	struct world *w = arg;
	struct err err = { 0 };

	prepare_absent(w);
	must(copy_in(w, "old", &err), &err);
}

static int run_in(void *arg, struct err *err)
{
	return copy_in(arg, "new", err);
}

static void sweep_in(const char *name, bool has_old, bool kills)
{
	struct world w = { .has_old = has_old };
	const struct sweep_op op = { .name = name,
				     .arg = &w,
				     .prepare = has_old ? prepare_old : prepare_absent,
				     .run = run_in,
				     .check = check_layout,
				     .cleanup = cleanup_layout };

	picture_init(&w.picture);
	if (kills)
		sweep_kills(&op);
	else
		sweep_faults(&op);
	picture_fini(&w.picture);
}

void test_copy_faults__into_a_new_layout(void)
{
	sweep_in("copy into a new layout", false, false);
}

void test_copy_faults__into_a_layout(void)
{
	sweep_in("copy into a layout", true, false);
}

void test_copy_faults__killed_in_a_new_layout(void)
{
	sweep_in("killed copy into a new layout", false, true);
}

void test_copy_faults__killed_in_a_layout(void)
{
	sweep_in("killed copy into a layout", true, true);
}

/* --- out of a layout into the store --- */

static void prepare_out(void *arg)
{
	struct world *w = arg;

	prepare_old(w);
	place_open(&w->place);
}

static int run_out(void *arg, struct err *err)
{
	struct world *w = arg;
	struct transport *from = NULL, *to;

	TRY(layout_open(NULL, w->layout, LAYOUT_READ, &from, err));
	to = local_transport(w->place.store, &w->picture.ref);
	const int rc = copy(from, "old", to, reference_tag_or_latest(&w->picture.ref), err);

	transport_close(to);
	transport_close(from);
	return rc;
}

static const char *check_out(void *arg, struct sweep_state state)
{
	struct world *w = arg;

	return place_check(&w->place, state);
}

static const char *cleanup_out(void *arg)
{
	struct world *w = arg;

	return place_end(&w->place, false);
}

void test_copy_faults__into_the_store(void)
{
	struct world w = { 0 };
	const struct sweep_op op = { .name = "copy into the store",
				     .arg = &w,
				     .prepare = prepare_out,
				     .run = run_out,
				     .check = check_out,
				     .cleanup = cleanup_out };

	picture_init(&w.picture);
	sweep_faults(&op);
	picture_fini(&w.picture);
}
