/* SPDX-License-Identifier: Apache-2.0 */
/* The files that differ, a line each: A added, D removed, C changed and in what. */
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/diff_report.h"
#include "cli/look_row.h"
#include "cli/out.h"
#include "layers/tree_diff.h"

#include <inttypes.h>
#include <sys/stat.h>

static const char *const what_names[] = { "type",    "mode", "owner", "size",
					  "content", "time", "xattr", "links" };

struct telling {
	struct diff_report *report;
	const struct diff_files *files;
	struct buf path; /* with a slash in front */
};

/* What one side has, of what differs. */
static void side_text(char *dst, size_t len, const struct tree_stat *st, unsigned bit)
{
	char mode[11];

	*dst = '\0';
	if (bit == TREE_DIFF_TYPE)
		snprintf(dst, len, "%s", look_type(st->mode));
	else if (bit == TREE_DIFF_MODE)
		snprintf(dst, len, "%s", look_mode(mode, st->mode) + 1);
	else if (bit == TREE_DIFF_OWNER)
		snprintf(dst, len, "%" PRId64 ":%" PRId64, st->uid, st->gid);
	else if (bit == TREE_DIFF_SIZE)
		snprintf(dst, len, "%" PRIu64, st->size_bytes);
}

static void put_what(const struct telling *t, const struct tree_diff *d)
{
	struct tree_stat a, b;
	char from[32], to[32];
	const char *before = "  (";

	tree_stat(t->files->a, d->a, &a);
	tree_stat(t->files->b, d->b, &b);
	for (unsigned i = 0; i < ARRAY_SIZE(what_names); i++) {
		const unsigned bit = 1u << i;

		if (!(d->what & bit))
			continue;
		side_text(from, sizeof(from), &a, bit);
		side_text(to, sizeof(to), &b, bit);
		printf("%s%s", before, what_names[i]);
		if (*from)
			printf(" %s -> %s", from, to);
		before = ", ";
	}
	putchar(')');
}

static void put_size(const struct tree *tree, uint32_t node)
{
	struct tree_stat st;

	tree_stat(tree, node, &st);
	if (S_ISREG(st.mode))
		printf("  (%s)", TEXT_SIZE(st.size_bytes));
}

static void put_text(struct telling *t, const struct tree_diff *d)
{
	printf("%c ", d->a == TREE_NONE ? 'A' : d->b == TREE_NONE ? 'D' : 'C');
	out_escaped(buf_str(&t->path));
	if (d->a == TREE_NONE)
		put_size(t->files->b, d->b);
	else if (d->b == TREE_NONE)
		put_size(t->files->a, d->a);
	else
		put_what(t, d);
	putchar('\n');
}

static int put_json(struct telling *t, const struct tree_diff *d, struct err *err)
{
	struct json *o = json_new_object(), *what = json_new_array();
	const char *path = buf_str(&t->path);

	json_set_str(o, "Section", "files");
	json_set_str(o, "Change", d->a == TREE_NONE ? "A" : d->b == TREE_NONE ? "D" : "C");
	json_set_str(o, "Path", path);
	for (unsigned i = 0; i < ARRAY_SIZE(what_names); i++)
		if (d->what & 1u << i)
			json_add(what, json_new_str(what_names[i]));
	json_set(o, "What", what);
	json_set(o, "A", d->a == TREE_NONE ? json_new_null() : look_json(t->files->a, d->a, path));
	json_set(o, "B", d->b == TREE_NONE ? json_new_null() : look_json(t->files->b, d->b, path));
	return out_json(o, 0, err);
}

static int tell(void *arg, const struct tree_diff *d, struct err *err)
{
	struct telling *t = arg;

	if (ferror(stdout))
		return err_sys(err, EPIPE, "standard output");
	buf_reset(&t->path);
	TRY(buf_append_char(&t->path, '/', err));
	TRY(buf_append_str(&t->path, d->path, err));
	diff_begin(t->report, "files");
	if (t->report->json)
		return put_json(t, d, err);
	put_text(t, d);
	return 0;
}

int diff_files(struct diff_report *r, const struct diff_files *files, struct err *err)
{
	struct telling t = { r, files, BUF_INIT((size_t)4 << 20) };
	const struct tree_diff_request request = { .a = files->a,
						   .b = files->b,
						   .a_diffids = r->a->image.diff_ids,
						   .b_diffids = r->b->image.diff_ids,
						   .a_count = r->a->image.diff_id_count,
						   .b_count = r->b->image.diff_id_count,
						   .with_time = files->with_time };
	const int rc = tree_diff(files->op, &request, tell, &t, err);

	buf_fini(&t.path);
	return rc;
}
