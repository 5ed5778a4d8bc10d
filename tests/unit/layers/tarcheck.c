/* SPDX-License-Identifier: Apache-2.0 */
/* What the tar reader makes of an archive, as text. */
#include "tests/unit/layers/tarcheck.h"

#include "base/mem.h"

#include <CUnit/CUnit.h>

static int describe(void *arg, const struct tar_entry *e, struct err *err)
{
	struct buf *b = arg;

	TRY(buf_printf(b, err, "%s%c %s", b->len ? "; " : "", e->type, e->name));
	if (e->link_name[0])
		TRY(buf_printf(b, err, "->%s", e->link_name));
	if (e->uid || e->gid)
		TRY(buf_printf(b, err, " %" PRId64 ":%" PRId64, e->uid, e->gid));
	if (e->mtime_sec || e->mtime_nsec)
		TRY(buf_printf(b, err, " at %" PRId64 ".%09u", e->mtime_sec, e->mtime_nsec));
	TRY(buf_printf(b, err, " %" PRIu64 "@%" PRIu64 "-%" PRIu64, e->size_bytes, e->header_offset,
		       e->data_offset));
	if (e->is_sparse)
		TRY(buf_printf(b, err, " holds %" PRIu64, e->data_bytes));
	for (size_t i = 0; i < e->extent_count; i++)
		TRY(buf_printf(b, err, " %" PRIu64 "+%" PRIu64, e->extents[i].logical_offset,
			       e->extents[i].bytes));
	for (size_t i = 0; i < e->xattr_count; i++)
		TRY(buf_printf(b, err, " %s=%.*s", e->xattrs[i].name, (int)e->xattrs[i].value_len,
			       (const char *)e->xattrs[i].value));
	return 0;
}

int tarcheck_read(const struct tarmaker *t, size_t chunk, struct buf *out, struct err *err)
{
	struct tar_reader *r = tar_reader_new(describe, out);
	int rc = 0;

	for (size_t at = 0; rc == 0 && at < t->len;) {
		const size_t n = chunk < t->len - at ? chunk : t->len - at;
		_free_ void *copy = xmemdupz(t->data + at, n);

		rc = tar_reader_feed(r, copy, n, err);
		at += n;
	}
	if (rc == 0)
		rc = tar_reader_finish(r, err);
	tar_reader_free(r);
	return rc;
}

void tarcheck(struct tarmaker *t, const char *title, const char *want)
{
	static const size_t chunks[] = { SIZE_MAX, 1, 700 };

	for (size_t i = 0; i < ARRAY_SIZE(chunks); i++) {
		_buf_ struct buf text = BUF_INIT(SIZE_MAX - 1);
		struct err err = { 0 };
		const int rc =
			tarcheck_read(t, t->len > 100000 ? SIZE_MAX : chunks[i], &text, &err);
		const char *got = rc < 0 ? err.msg : buf_str(&text);
		const bool ok = rc < 0 ? want[0] == '!' && strstr(got, want + 1)
				       : !strcmp(got, want);

		if (!ok)
			printf("# %s, in chunks of %zu\n#   got  %s\n#   want %s\n", title,
			       chunks[i], got, want);
		CU_ASSERT_TRUE(ok);
	}
	tarmaker_fini(t);
}
