/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two trees and what differs, as rows: layers of `a`, layers of `b`, and the lines that come out:
 * A, D or C, in what, and the path.
 */
#include "layers/tree_diff.h"

#include "base/mem.h"
#include "layers/tar_write.h"
#include "tests/unit/layers/tarmaker.h"
#include "tests/unit/layers/treemaker.h"

#include <CUnit/CUnit.h>
#include <sys/mman.h>

struct row {
	const char *title;
	const char *a[3], *b[3];
	const char *want;
};

static int put_line(void *arg, const struct tree_diff *d, struct err *err)
{
	static const char *const names[] = { "type",	"mode", "owner", "size",
					     "content", "time", "xattr", "links" };
	struct buf *out = arg;

	(void)buf_printf(out, err, "%s%c", out->len ? "; " : "",
			 d->a == TREE_NONE   ? 'A'
			 : d->b == TREE_NONE ? 'D'
					     : 'C');
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (d->what & 1u << i)
			(void)buf_printf(out, err, " %s", names[i]);
	return buf_printf(out, err, " %s", d->path[0] ? d->path : "/");
}

static char *diff_text(const struct tree_diff_request *request)
{
	struct buf out = BUF_INIT(1 << 20);
	struct err err = { 0 };

	if (tree_diff(NULL, request, put_line, &out, &err) < 0)
		(void)buf_printf(&out, NULL, "!%s", err.msg);
	return buf_take(&out);
}

static void check_text(const char *title, const char *want, const struct tree_diff_request *request)
{
	_free_ char *got = diff_text(request);

	if (strcmp(got, want) != 0) {
		printf("# %s\n#   got  %s\n#   want %s\n", title, got, want);
		CU_FAIL("diff differs");
	}
}

static void check_row(const struct row *row)
{
	_tm_tree_ struct tm_tree a = { 0 }, b = { 0 };

	CU_ASSERT_EQUAL_FATAL(tm_tree_init(&a, NULL, row->a), 0);
	CU_ASSERT_EQUAL_FATAL(tm_tree_init(&b, NULL, row->b), 0);
	check_text(row->title, row->want, &(struct tree_diff_request){ .a = a.tree, .b = b.tree });
}

void test_tree_diff__names_and_types(void)
{
	static const struct row rows[] = {
		{ "nothing", { "" }, { "" }, "" },
		{ "the same", { "d e; f e/a=1; l b->e/a" }, { "d e; f e/a=1; l b->e/a" }, "" },
		{ "the same in other layers", { "d e; f e/a=1" }, { "d e", "f e/a=1" }, "" },
		{ "added and removed", { "f a=1; f c=1" }, { "f b=1; f c=1" }, "D a; A b" },
		{ "a folder added, name by name",
		  { "d e" },
		  { "d e; d e/f; f e/f/a=1; f e/g=" },
		  "A e/f; A e/f/a; A e/g" },
		{ "and removed", { "d e; f e/b=1; f f=" }, { "f f=" }, "D e; D e/b" },
		{ "bytes decide the order",
		  { "f a=; f a.b=; d a0" },
		  { "f B=" },
		  "A B; D a; D a.b; D a0" },
		{ "folder then its names, before a longer name",
		  { "d a; f a/z=; f a.b=" },
		  { "" },
		  "D a; D a/z; D a.b" },
		{ "size", { "f a=1" }, { "f a=12" }, "C size a" },
		{ "content", { "f a=12" }, { "f a=21" }, "C content a" },
		{ "link target", { "l a->b" }, { "l a->c" }, "C content a" },
		{ "device", { "c a=1.2" }, { "c a=1.3" }, "C content a" },
		{ "mode", { "d a:700" }, { "d a:701" }, "C mode a" },
		{ "type", { "f a=1" }, { "l a->b" }, "C type mode time a" },
		{ "folder becomes file",
		  { "d a; f a/b=1" },
		  { "f a=1" },
		  "C type mode time a; D a/b" },
		{ "file becomes folder",
		  { "f a=1" },
		  { "d a; f a/b=1" },
		  "C type mode time a; A a/b" },
		{ "char and block", { "c a=1.2" }, { "b a=1.2" }, "C type a" },
		{ "the root", { "d .:700" }, { "d .:755" }, "C mode /" },
		{ "a root that only one has", { "d .:700" }, { "" }, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

void test_tree_diff__hard_links(void)
{
	static const struct row rows[] = {
		{ "the same groups", { "f a=1; h b->a" }, { "f b=1; h a->b" }, "" },
		{ "split", { "f a=1; h b->a" }, { "f a=1; f b=1" }, "C links a; C links b" },
		{ "joined",
		  { "f a=1; f b=1; f c=1" },
		  { "f a=1; h c->a; f b=1" },
		  "C links a; C links c" },
		{ "other partners",
		  { "f a=1; h b->a; f c=1" },
		  { "f a=1; h c->a; f b=1" },
		  "C links a; C links b; C links c" },
		{ "a partner that only one has says nothing",
		  { "f a=1; h b->a" },
		  { "f a=1" },
		  "D b" },
		{ "and content too",
		  { "f a=1; h b->a" },
		  { "f a=2; h b->a" },
		  "C content a; C content b" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

/* --- attributes ------------------------------------------------------------------------------------ */

struct attribute_row {
	const char *title;
	struct tar_entry a, b;
	bool with_time;
	const char *want;
};

static void check_attributes(const struct attribute_row *row)
{
	const struct treemaker_entry a = { row->a, "text" }, b = { row->b, "text" };
	struct treemaker left, right;

	treemaker_init(&left, &a, 1);
	treemaker_init(&right, &b, 1);
	check_text(row->title, row->want,
		   &(struct tree_diff_request){
			   .a = left.tree, .b = right.tree, .with_time = row->with_time });
	treemaker_fini(&left);
	treemaker_fini(&right);
}

void test_tree_diff__attributes(void)
{
	static const struct tar_xattr one[] = { { "user.a", "1", 6, 1 }, { "user.b", "x", 6, 1 } };
	static const struct tar_xattr two[] = { { "user.b", "x", 6, 1 }, { "user.a", "1", 6, 1 } };
	static const struct tar_xattr three[] = { { "user.a", "2", 6, 1 },
						  { "user.b", "x", 6, 1 } };
#define F .type = '0', .name = "f"
	const struct attribute_row rows[] = {
		{ "owner", { F, .uid = 1 }, { F }, false, "C owner f" },
		{ "group", { F, .gid = 1 }, { F }, false, "C owner f" },
		{ "time alone", { F, .mtime_sec = 1 }, { F }, false, "" },
		{ "time alone counts", { F, .mtime_sec = 1 }, { F }, true, "C time f" },
		{ "nanoseconds", { F, .mtime_nsec = 1 }, { F }, true, "C time f" },
		{ "time beside another",
		  { F, .mtime_sec = 1, .mode = 1 },
		  { F },
		  false,
		  "C mode time f" },
		{ "xattr order",
		  { F, .xattrs = one, .xattr_count = 2 },
		  { F, .xattrs = two, .xattr_count = 2 },
		  false,
		  "" },
		{ "xattr value",
		  { F, .xattrs = one, .xattr_count = 2 },
		  { F, .xattrs = three, .xattr_count = 2 },
		  false,
		  "C xattr f" },
		{ "xattr count",
		  { F, .xattrs = one, .xattr_count = 2 },
		  { F, .xattrs = one, .xattr_count = 1 },
		  false,
		  "C xattr f" },
	};
#undef F

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_attributes(&rows[i]);
}

/* --- contents -------------------------------------------------------------------------------------- */

/* A tree of one file "f" of these bytes, and where they are in its tar. */
static void init_file(struct tm_tree *t, const void *bytes, size_t len)
{
	_tarmaker_ struct tarmaker tar = { 0 };

	tarmaker_header(&tar,
			&(struct tm_header){ .name = "f", .size = len, .mode = 0644, .type = '0' });
	tarmaker_data(&tar, bytes, len);
	tarmaker_end(&tar);
	*t = (struct tm_tree){ 0 };
	CU_ASSERT_EQUAL_FATAL(tarmaker_layer(&tar, &t->layers[0], &t->err), 0);
	t->count = 1;
	CU_ASSERT_EQUAL_FATAL(tree_build(NULL, t->layers, 1, &t->tree, &t->err), 0);
}

void test_tree_diff__every_byte_counts(void)
{
	static const size_t spots[] = { 0, 1, 262143, 262144, 262145, 600000 - 1 };
	_free_ char *bytes = xcalloc(1, 600000);

	for (size_t i = 0; i < ARRAY_SIZE(spots); i++) {
		_tm_tree_ struct tm_tree a = { 0 }, b = { 0 };

		init_file(&a, bytes, 600000);
		bytes[spots[i]] = 1;
		init_file(&b, bytes, 600000);
		bytes[spots[i]] = 0;
		check_text("a byte", "C content f",
			   &(struct tree_diff_request){ .a = a.tree, .b = b.tree });
	}
}

void test_tree_diff__same_layer_is_not_read(void)
{
	static const char *const a_text[] = { "f f=12; f g=34", NULL };
	static const char *const b_text[] = { "f f=21; f g=43", NULL };
	const struct digest same = { .alg = DIGEST_SHA256 };
	struct digest other = same;
	_tm_tree_ struct tm_tree a = { 0 }, b = { 0 };

	CU_ASSERT_EQUAL_FATAL(tm_tree_init(&a, NULL, a_text), 0);
	CU_ASSERT_EQUAL_FATAL(tm_tree_init(&b, NULL, b_text), 0);
	other.bytes[0] = 1;
	struct tree_diff_request request = { .a = a.tree,
					     .b = b.tree,
					     .a_diffids = &same,
					     .b_diffids = &same,
					     .a_count = 1,
					     .b_count = 1 };

	/* What is promised to be the same is believed. */
	check_text("same DiffID", "", &request);
	request.b_diffids = &other;
	check_text("another DiffID", "C content f; C content g", &request);
	request = (struct tree_diff_request){ .a = a.tree, .b = a.tree };
	check_text("itself", "", &request);
}

/* A tree of one sparse file "f": its size, the map of its runs, and their bytes. */
static void init_sparse(struct tm_tree *t, const char *size, const char *map, const char *bytes)
{
	_tarmaker_ struct tarmaker tar = { 0 };

	tarmaker_pax(&tar, 'x', "GNU.sparse.size", size, "GNU.sparse.numblocks", "1",
		     "GNU.sparse.map", map, NULL);
	tarmaker_header(&tar,
			&(struct tm_header){
				.name = "f", .size = strlen(bytes), .mode = 0644, .type = '0' });
	tarmaker_data(&tar, bytes, strlen(bytes));
	tarmaker_end(&tar);
	*t = (struct tm_tree){ 0 };
	CU_ASSERT_EQUAL_FATAL(tarmaker_layer(&tar, &t->layers[0], &t->err), 0);
	t->count = 1;
	CU_ASSERT_EQUAL_FATAL(tree_build(NULL, t->layers, 1, &t->tree, &t->err), 0);
}

void test_tree_diff__holes_cost_nothing(void)
{
	static const struct {
		const char *title, *a_map, *b_map, *want;
	} rows[] = {
		{ "the same", "1000,3", "1000,3", "" },
		{ "elsewhere", "1000,3", "1001,3", "C content f" },
		{ "at the end", "4611686018427387900,3", "4611686018427387901,3", "C content f" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_tm_tree_ struct tm_tree a = { 0 }, b = { 0 };

		init_sparse(&a, "4611686018427387904", rows[i].a_map, "abc");
		init_sparse(&b, "4611686018427387904", rows[i].b_map, "abc");
		check_text(rows[i].title, rows[i].want,
			   &(struct tree_diff_request){ .a = a.tree, .b = b.tree });
	}
}

void test_tree_diff__holes_are_zeros(void)
{
	_free_ char *bytes = xcalloc(1, 5000);
	_tm_tree_ struct tm_tree a = { 0 }, b = { 0 };

	memcpy(bytes + 1000, "abc", 3);
	init_sparse(&a, "5000", "1000,3", "abc");
	init_file(&b, bytes, 5000);
	check_text("a hole and zeros", "", &(struct tree_diff_request){ .a = a.tree, .b = b.tree });
}

static int stop(void *arg, const struct tree_diff *d, struct err *err)
{
	(void)d;
	++*(int *)arg;
	return err_set(err, ERR_FAILED, "enough");
}

void test_tree_diff__errors_and_interrupts(void)
{
	static const char *const a_text[] = { "f f=12", NULL }, *const b_text[] = { "f f=21",
										    NULL };
	_tm_tree_ struct tm_tree a = { 0 }, b = { 0 };
	struct op op = { 0 };
	struct err err = { 0 };
	int calls = 0;

	CU_ASSERT_EQUAL_FATAL(tm_tree_init(&a, NULL, a_text), 0);
	CU_ASSERT_EQUAL_FATAL(tm_tree_init(&b, NULL, b_text), 0);
	const struct tree_diff_request request = { .a = a.tree, .b = b.tree };

	CU_ASSERT(tree_diff(&op, &request, stop, &calls, &err) < 0);
	CU_ASSERT_EQUAL(calls, 1);
	CU_ASSERT_STRING_EQUAL(err.msg, "enough");
	op_cancel(&op);
	err = (struct err){ 0 };
	CU_ASSERT_EQUAL(tree_diff(&op, &request, stop, &calls, &err), -ECANCELED);
	CU_ASSERT_EQUAL(calls, 1);
}
