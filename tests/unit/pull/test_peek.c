/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking into an image layer by layer. Images are rows of text: layers separated by '|', entries
 * by ';': d PATH, f PATH=TEXT, l PATH->TARGET, h PATH->TARGET. What peek_file says must be what the
 * tree of all layers says, however few layers it took.
 */
#include "pull/peek.h"

#include "base/mem.h"
#include "layers/tar_write.h"
#include "sys/file.h"
#include "tests/unit/pull/world.h"

#include <CUnit/CUnit.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define LAYERS_MAX 8

static char *cut(char *s, const char *by)
{
	char *at = strstr(s, by);

	if (!at)
		return NULL;
	*at = '\0';
	return at + strlen(by);
}

static void add_word(struct tar_writer *w, char *word)
{
	char *name = word + 2, *value = cut(name, word[0] == 'f' ? "=" : "->");
	struct tar_entry e = { .name = name,
			       .link_name = value && word[0] != 'f' ? value : "",
			       .mode = 0755 };

	e.type = word[0] == 'f' ? '0' : word[0] == 'd' ? '5' : word[0] == 'l' ? '2' : '1';
	if (word[0] == 'f' && value)
		e.size_bytes = strlen(value);
	CU_ASSERT_EQUAL_FATAL(tar_writer_entry(w, &e, NULL), 0);
	if (e.size_bytes)
		CU_ASSERT_EQUAL_FATAL(tar_writer_data(w, value, e.size_bytes, NULL), 0);
}

static void make_tar(char *text, struct buf *out)
{
	_close_ int fd = memfd_create("tar", MFD_CLOEXEC);
	struct tar_writer *w = tar_writer_new(fd);
	uint64_t bytes = 0;

	for (char *next; text; text = next) {
		next = cut(text, ";");
		text += strspn(text, " ");
		if (*text)
			add_word(w, text);
	}
	CU_ASSERT_EQUAL_FATAL(tar_writer_finish(w, &bytes, NULL), 0);
	tar_writer_free(w);
	CU_ASSERT_EQUAL_FATAL(buf_reserve(out, (size_t)bytes, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(file_pread_all(fd, out->data, (size_t)bytes, 0, NULL), 0);
	out->len = (size_t)bytes;
}

/* An image in the store that is looked into, and what the looking needs of it. */
struct remote {
	struct world world;
	struct maker_layer layers[LAYERS_MAX];
	size_t count;
	struct document doc;
	struct image_config config;
	struct peek_request request;
};

static void remote_init(struct remote *r, const char *text, enum codec codec)
{
	_free_ char *copy = xstrdup(text);
	_descriptor_ struct descriptor image = { 0 };

	*r = (struct remote){ 0 };
	world_setup(&r->world, "there/img:1");
	for (char *at = copy, *next; at; at = next) {
		_buf_ struct buf tar = BUF_INIT(1 << 20);

		next = cut(at, "|");
		make_tar(at, &tar);
		maker_layer_tar(r->world.there, &tar, codec, &r->layers[r->count++]);
	}
	maker_image(r->world.there, &(struct maker_image){ r->layers, r->count, NULL }, &image);
	struct store *here = r->world.here;

	/* world_read_image reads the store that is pulled into. */
	r->world.here = r->world.there;
	world_read_image(&r->world, &image, &r->doc, &r->config);
	r->world.here = here;
	r->request = (struct peek_request){ .from = &r->world.middle.base,
					    .manifest = &r->doc.manifest,
					    .config = &r->config,
					    .tmp_dir = "/tmp" };
}

static void remote_fini(struct remote *r)
{
	document_fini(&r->doc);
	image_config_fini(&r->config);
	world_free_layers(r->layers, r->count);
	world_teardown(&r->world);
}
#define _remote_ __attribute__((cleanup(remote_fini)))

static void peek_free_p(struct peek **p)
{
	peek_free(*p);
}
#define _peek_ __attribute__((cleanup(peek_free_p)))

/* "LAYER:TEXT" of a file, "LAYER->TARGET" of a link, "LAYER/" of a folder, or the error. */
static char *describe(const struct tree *tree, uint32_t node)
{
	char text[64] = "";
	struct tree_stat st;

	tree_stat(tree, node, &st);
	if (S_ISDIR(st.mode))
		return xasprintf("%u/", st.layer + 1u);
	if (S_ISLNK(st.mode))
		return xasprintf("%u->%s", st.layer + 1u, st.link_target);
	if (tree_read(tree, (struct tree_place){ node, 0 }, text, sizeof(text) - 1, NULL) < 0)
		return xstrdup("unreadable");
	return xasprintf("%u:%s %u", st.layer + 1u, text, st.nlink);
}

static char *peek_text(struct remote *r, struct peek *p, const char *path, bool follow)
{
	struct peek_found found;
	struct err err = { 0 };

	if (peek_file(&r->world.op, p, (struct peek_path){ path, follow }, &found, &err) < 0)
		return xstrdup(err_class(err.kind)->name);
	return describe(found.tree, found.node);
}

/* What the tree of all layers says. */
static char *whole_text(const struct tree *tree, const char *path, bool follow)
{
	uint32_t node = TREE_NONE;
	struct err err = { 0 };

	if (tree_lookup(tree, path, follow, &node, &err) < 0)
		return xstrdup(err_class(err.kind)->name);
	return describe(tree, node);
}

struct row {
	const char *title, *image, *path, *want;
	size_t streamed;
};

static void check_row(const struct row *row, enum codec codec)
{
	_remote_ struct remote r = { 0 };
	_peek_ struct peek *p = NULL;
	_free_ char *got = NULL;

	remote_init(&r, row->image, codec);
	r.request.with_data = true;
	p = peek_new(&r.request);
	got = peek_text(&r, p, row->path, true);
	if (strcmp(got, row->want) != 0 || peek_streamed(p) != row->streamed) {
		printf("# %s\n#   got  %s, %zu streamed\n#   want %s, %zu streamed\n", row->title,
		       got, peek_streamed(p), row->want, row->streamed);
		CU_FAIL("peek differs");
	}
	CU_ASSERT_EQUAL(r.world.middle.blobs, row->streamed);
}

void test_peek__stops_as_early_as_it_may(void)
{
	static const struct row rows[] = {
		{ "in the top layer", "d e; f e/a=1|d e; f e/b=2|d e; f e/c=3", "e/c", "3:3 1", 1 },
		{ "in the middle", "d e; f e/a=1|d e; f e/b=2|d e; f e/c=3", "e/b", "2:2 1", 2 },
		{ "at the bottom", "d e; f e/a=1|d e; f e/b=2|d e; f e/c=3", "e/a", "1:1 1", 3 },
		{ "replaced above", "d e; f e/a=1|d e; f e/a=2", "/e/a", "2:2 1", 1 },
		{ "absent", "d e; f e/a=1|d e; f e/b=2", "e/x", "not-found", 2 },
		{ "whiteout above", "d e; f e/a=1|d e; f e/.wh.a=|d e; f e/b=", "e/a", "not-found",
		  3 },
		{ "whiteout, then again", "f a=1|f .wh.a=|f a=3|f b=4", "a", "3:3 1", 2 },
		{ "folder hidden above", "d e; f e/a=1|d e; f e/.wh..wh..opq=; f e/b=2", "e/a",
		  "not-found", 2 },
		{ "opaque, and there", "d e; f e/a=1|d e; f e/.wh..wh..opq=; f e/a=2", "e/a",
		  "2:2 1", 1 },
		{ "a marker before its folder", "d e; f e/a=1|f e/.wh..wh..opq=; d e; f e/b=2",
		  "e/b", "2:2 1", 1 },
		{ "a marker whose folder is not named", "d e; f e/a=1|f e/.wh.a=; f b=2", "b",
		  "2:2 1", 2 },
		{ "twice in a layer", "f z=|f a=1; f a=2", "a", "2:2 1", 1 },
		{ "hard link inside a layer", "f z=|d e; f e/a=1; h b->e/a", "b", "2:1 2", 1 },
		{ "hard link to a lower layer", "f a=1|h b->a", "b", "1:1 2", 2 },
		{ "linked from above", "f a=1|h b->a|f c=", "a", "1:1 2", 3 },
		{ "symbolic link above, target below", "d e; f e/a=1|f z=|l b->e/a", "b", "1:1 1",
		  3 },
		{ "both above", "f z=|d e; f e/a=1; l b->/e/a", "b", "2:1 1", 1 },
		{ "a folder by its link", "f z=|d e; f e/a=1; l b->e", "b/a", "2:1 1", 1 },
		{ "the folder itself", "f z=|d e; f e/a=1", "e", "2/", 1 },
		{ "the root without an entry", "f z=|d e", "/", "65536/", 2 },
		{ "the root with one", "f z=|d .; d e", "/", "2/", 1 },
		/* The folder that the upper layer implies is a link in the lower one. */
		{ "implied folder hides a lower link", "d u; d u/lib; l lib->u/lib|f lib/x=2",
		  "lib/x", "2:2 1", 2 },
		{ "and what it hides from", "d u; d u/lib; f u/lib/x=1; l lib->u/lib|f lib/x=2",
		  "u/lib/x", "2:2 1", 2 },
		{ "later in the layer, through the link",
		  "d u; d u/lib; l lib->u/lib|d u; d u/lib; f u/lib/x=a; f lib/x=b", "u/lib/x",
		  "2:b 1", 2 },
		{ "in a layer further up", "d u; l lib->u|d u; f u/x=2|f lib/x=3|f z=", "u/x",
		  "3:3 1", 4 },
		{ "a folder that replaces the link", "d u; l lib->u|d lib; f lib/x=2", "lib/x",
		  "2:2 1", 1 },
		{ "but comes after", "d u; l lib->u|d u; f u/x=1; f lib/x=2; d lib", "u/x", "2:2 1",
		  2 },
		{ "whiteout through a lower link", "d u; l lib->u|d u; f u/x=2|f lib/.wh.x=", "u/x",
		  "not-found", 3 },
		{ "implied through a link that leads nowhere", "l a->c/d|f c=2|f a/x=3", "c",
		  "65536/", 3 },
		{ "a folder replaced by a file", "d e; f e/a=1|f e=2", "e", "2:2 1", 1 },
		{ "a file replaced by a folder", "f e=1|d e; f e/a=2", "e/a", "2:2 1", 1 },
		{ "a folder that goes and comes back", "f z=|d e; f e/a=1; f e=2; d e", "e/a",
		  "not-found", 2 },
		{ "odd names", "f z=|d e; f e/../a=1", "a", "2:1 1", 2 },
		{ "names with a dot before", "f z=|d ./e; f ./e/a=1", "e/a", "2:1 1", 1 },
		{ "the same layer again", "f a=1|f b=1|f a=1", "b", "2:1 1", 2 },
		{ "the same layer again, all", "f a=1|f b=1|f a=1", "c", "not-found", 2 },
		{ "one layer", "f a=1", "a", "1:1 1", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		check_row(&rows[i], CODEC_PLAIN);
		check_row(&rows[i], CODEC_GZIP);
	}
}

/* --- random chains -------------------------------------------------------------------------------- */

static unsigned roll(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % n;
}

static void random_path(unsigned *seed, char dst[16])
{
	static const char names[] = "abc";
	const unsigned depth = roll(seed, 3) + 1;
	size_t len = 0;

	for (unsigned i = 0; i < depth; i++) {
		if (i)
			dst[len++] = '/';
		dst[len++] = names[roll(seed, 3)];
	}
	dst[len] = '\0';
}

/* The folders above, as a tool that is careful writes them. */
static void put_parents(struct buf *out, const char *path)
{
	for (const char *s = strchr(path, '/'); s; s = strchr(s + 1, '/'))
		(void)buf_printf(out, NULL, "d %.*s;", (int)(s - path), path);
}

static void put_entry(struct buf *out, unsigned *seed, unsigned number, bool careful)
{
	char path[16], target[16];

	random_path(seed, path);
	random_path(seed, target);
	const unsigned kind = roll(seed, 9);
	/* Markers count wherever they stand, also before the folder that they are in. */
	const bool late = kind >= 7 && roll(seed, 2);

	if (careful && !late)
		put_parents(out, path);
	char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	const int dir_len = (int)(base - path);

	switch (kind) {
	case 0:
	case 1:
	case 2:
		(void)buf_printf(out, NULL, "f %s=%u;", path, number);
		break;
	case 3:
	case 4:
		(void)buf_printf(out, NULL, "d %s;", path);
		break;
	case 5:
		(void)buf_printf(out, NULL, "l %s->%s%s;", path, roll(seed, 2) ? "/" : "", target);
		break;
	case 6:
		if (careful && roll(seed, 4)) {
			put_parents(out, target);
			(void)buf_printf(out, NULL, "f %s=%u;", target, number);
		}
		(void)buf_printf(out, NULL, "h %s->%s;", path, target);
		break;
	case 7:
		(void)buf_printf(out, NULL, "f %.*s.wh.%s=;", dir_len, path, base);
		break;
	default:
		(void)buf_printf(out, NULL, "f %.*s.wh..wh..opq=;", dir_len, path);
	}
	if (careful && late)
		put_parents(out, path);
}

static void random_image(struct buf *out, unsigned *seed)
{
	const unsigned layers = roll(seed, 4) + 2;

	for (unsigned i = 0; i < layers; i++) {
		const bool careful = roll(seed, 5) != 0;
		const unsigned entries = roll(seed, 4) + 1;

		if (i)
			(void)buf_append_char(out, '|', NULL);
		for (unsigned k = 0; k < entries; k++)
			put_entry(out, seed, i * 10 + k, careful);
	}
}

/* Returns how many answers came early. */
static unsigned check_paths(struct remote *r, const struct tree *whole, const char *image,
			    unsigned *seed)
{
	_peek_ struct peek *p = peek_new(&r->request);
	unsigned early = 0;

	for (unsigned i = 0; i < 12; i++) {
		const bool follow = roll(seed, 2) != 0;
		char path[16];

		random_path(seed, path);
		_free_ char *got = peek_text(r, p, path, follow);
		_free_ char *want = whole_text(whole, path, follow);

		if (strcmp(got, want) != 0) {
			printf("# %s\n#   %s: got %s, want %s\n", image, path, got, want);
			CU_FAIL("peek differs");
		}
		early += peek_streamed(p) < r->count;
	}
	return early;
}

void test_peek__says_what_the_whole_tree_says(void)
{
	unsigned seed = 20250101, whole_count = 0, early = 0;

	for (unsigned i = 0; i < 1500; i++) {
		_buf_ struct buf image = BUF_INIT(1 << 16);
		_remote_ struct remote r = { 0 };
		_peek_ struct peek *all = NULL;
		const struct tree *whole = NULL;

		random_image(&image, &seed);
		remote_init(&r, buf_str(&image), CODEC_PLAIN);
		r.request.with_data = true;
		all = peek_new(&r.request);
		if (peek_all(&r.world.op, all, &whole, NULL) < 0)
			continue;
		whole_count++;
		early += check_paths(&r, whole, buf_str(&image), &seed);
	}
	/* Else the test says nothing. */
	CU_ASSERT(whole_count > 300);
	CU_ASSERT(early > 300);
}

/* --- what is not what it should be ------------------------------------------------------------------ */

static enum err_kind kind_of(struct remote *r, bool all)
{
	_peek_ struct peek *p = peek_new(&r->request);
	struct peek_found found = { 0 };
	struct err err = { 0 };

	if (all)
		(void)peek_all(&r->world.op, p, &found.tree, &err);
	else
		(void)peek_file(&r->world.op, p, (struct peek_path){ "a", true }, &found, &err);
	CU_ASSERT_PTR_NULL(found.tree);
	return err.kind;
}

void test_peek__believes_nothing_unverified(void)
{
	for (int all = 0; all < 2; all++) {
		_remote_ struct remote r = { 0 };

		remote_init(&r, "f a=1", CODEC_GZIP);
		struct descriptor *d = &r.doc.manifest.layers.items[0];
		const struct digest diffid = r.config.diff_ids[0];

		r.config.diff_ids[0] = d->digest;
		CU_ASSERT_EQUAL(kind_of(&r, all), ERR_DAMAGED);
		memset(&r.config.diff_ids[0].bytes, 1, 32);
		CU_ASSERT_EQUAL(kind_of(&r, all), ERR_DAMAGED);
		r.config.diff_ids[0] = diffid;
		d->size++;
		CU_ASSERT_EQUAL(kind_of(&r, all), ERR_DAMAGED);
		d->size -= 2;
		CU_ASSERT_EQUAL(kind_of(&r, all), ERR_DAMAGED);
		d->size++;
		r.world.middle.cut_at = 20;
		CU_ASSERT_EQUAL(kind_of(&r, all), ERR_NETWORK);
		r.world.middle.cut_at = 0;
		op_cancel(&r.world.op);
		CU_ASSERT_EQUAL(kind_of(&r, all), ERR_CANCELLED);
		r.world.op.cancelled = false;
		r.request.with_data = true;
		r.request.tmp_dir = "/nonexistent";
		CU_ASSERT_EQUAL(kind_of(&r, all), ERR_NOT_FOUND);
	}
}

void test_peek__needs_no_folder_when_contents_are_not_read(void)
{
	_remote_ struct remote r = { 0 };
	_peek_ struct peek *p = NULL;
	const struct layer *layer = NULL;
	const struct tree *tree = NULL;
	struct tree_stat st;
	uint32_t node;

	remote_init(&r, "f a=1|f b=22", CODEC_GZIP);
	r.request.tmp_dir = "/nonexistent";
	p = peek_new(&r.request);
	CU_ASSERT_EQUAL(peek_layer(&r.world.op, p, 1, &layer, NULL), 0);
	CU_ASSERT_EQUAL(layer_entry_count(layer), 1);
	CU_ASSERT_EQUAL(peek_streamed(p), 1);
	CU_ASSERT_EQUAL_FATAL(peek_all(&r.world.op, p, &tree, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(tree_lookup(tree, "b", true, &node, NULL), 0);
	tree_stat(tree, node, &st);
	CU_ASSERT_EQUAL(st.size_bytes, 2);
	CU_ASSERT_EQUAL(peek_streamed(p), 2);
}

void test_peek__known_layers_are_not_streamed(void)
{
	_remote_ struct remote a = { 0 }, b = { 0 };
	_peek_ struct peek *first = NULL, *second = NULL;
	const struct tree *tree = NULL, *other = NULL;
	uint32_t node;

	remote_init(&a, "f a=1|f b=2", CODEC_GZIP);
	remote_init(&b, "f a=1|f c=3", CODEC_GZIP);
	a.request.with_data = b.request.with_data = true;
	first = peek_new(&a.request);
	CU_ASSERT_EQUAL_FATAL(peek_all(&a.world.op, first, &tree, NULL), 0);
	b.request.known = tree;
	b.request.known_diffids = a.config.diff_ids;
	b.request.known_count = 2;
	second = peek_new(&b.request);
	CU_ASSERT_EQUAL_FATAL(peek_all(&b.world.op, second, &other, NULL), 0);
	CU_ASSERT_EQUAL(peek_streamed(second), 1);
	CU_ASSERT_EQUAL(tree_lookup(other, "a", true, &node, NULL), 0);
	CU_ASSERT_EQUAL(tree_lookup(other, "c", true, &node, NULL), 0);
}
