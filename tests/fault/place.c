/* SPDX-License-Identifier: Apache-2.0 */
/* The store of the fault tests, and what must hold for it whatever happened. */
#include "tests/fault/place.h"

#include "base/mem.h"
#include "base/text.h"
#include "pull/local.h"
#include "pull/pull.h"
#include "sys/file.h"
#include "tests/unit/store/support.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#define JOBS 2

static void must(int rc, const struct err *err)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "# fault tests: %s\n", err->msg);
	abort();
}

/* --- the store --- */

void place_init(struct place *p)
{
	*p = (struct place){ .tmp = tmp_make_in_memory() };
	snprintf(p->path, sizeof(p->path), "%s/store", p->tmp.path);
}

void place_fini(struct place *p)
{
	place_close(p);
	tmp_remove(&p->tmp);
}

void place_open(struct place *p)
{
	struct err err = { 0 };

	must(store_open(p->path, STORE_CREATE, &p->store, &err), &err);
}

void place_close(struct place *p)
{
	store_close(TAKE_PTR(p->store));
}

int place_pull(struct place *p, const struct picture *of, bool no_unpack, struct err *err)
{
	struct op op = { 0 };
	struct pull_result result = { 0 };
	const struct pull_request req = { .from = of->from,
					  .to = p->store,
					  .ref = &of->ref,
					  .no_unpack = no_unpack,
					  .jobs = JOBS };

	TRY(pull_image(&op, &req, &result, err));
	pull_result_fini(&result);
	return 0;
}

void place_fill(struct place *p, const struct picture *of, bool no_unpack)
{
	struct err err = { 0 };

	must(place_pull(p, of, no_unpack, &err), &err);
}

/* --- what must hold --- */

static const char *check_staging(const struct place *p, bool parts)
{
	_free_ char *path = xasprintf("%s/staging", p->path);
	DIR *dir = opendir(path);
	const char *wrong = NULL;
	struct stat st;

	if (!dir)
		return errno == ENOENT ? NULL : "staging cannot be read";
	for (const struct dirent *e; (e = readdir(dir));) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (!parts || !text_ends_with(e->d_name, ".part"))
			wrong = "a file is left in staging";
		else if (fstatat(dirfd(dir), e->d_name, &st, 0) < 0 || st.st_size == 0)
			wrong = "an empty part is left in staging";
		else
			continue;
		printf("#   left: %s\n", e->d_name);
	}
	(void)closedir(dir);
	return wrong;
}

/* Temporary files of file_replace, beside what it writes. */
static const char *check_root(const struct place *p)
{
	DIR *dir = opendir(p->path);
	const char *wrong = NULL;

	for (const struct dirent *e; dir && (e = readdir(dir));)
		if (text_starts_with(e->d_name, ".img-tmp-"))
			wrong = "a temporary file is left in the store";
	if (dir)
		(void)closedir(dir);
	return wrong;
}

struct check {
	struct store *store;
	const char *wrong;
};

/* An index that is visible is whole: it never needs to be made anew. */
static int check_index(void *arg, const struct digest *diffid, uint64_t bytes, struct err *err)
{
	struct check *c = arg;
	struct layer *layer = NULL;
	int tar = -1, idx = -1;

	(void)bytes;
	TRY(layerfiles_open(c->store->layers, diffid, &tar, &idx, err));
	if (idx < 0) {
		(void)close(tar);
		return 0;
	}
	TRY(layer_open(NULL, (struct layer_files){ tar, idx, false }, &layer, err));
	layer_free(layer);
	return 0;
}

static int check_blobs(struct store *s, const struct descriptors *list, struct err *err)
{
	for (size_t i = 0; i < list->count; i++)
		TRY(blobs_stat(s->blobs, &list->items[i].digest, NULL, err));
	return 0;
}

static int check_name(void *arg, const struct image_name *name, struct err *err)
{
	struct check *c = arg;
	_buf_ struct buf bytes = BUF_INIT(1 << 20);
	_document_ struct document doc = { 0 };

	TRY(blobs_read(c->store->blobs, &name->target.digest, &bytes, err));
	TRY(document_parse(buf_str(&bytes), bytes.len, name->target.media_type, &doc, err));
	TRY(check_blobs(c->store, &doc.manifest.layers, err));
	return blobs_stat(c->store->blobs, &doc.manifest.config.digest, NULL, err);
}

static const char *check_records(struct store *store)
{
	struct check c = { .store = store };
	struct err err = { 0 };

	if (layerfiles_list(store->layers, check_index, &c, &err) < 0)
		c.wrong = "an index is damaged";
	else if (images_list(store, check_name, &c, &err) < 0)
		c.wrong = "a name is not whole";
	if (c.wrong)
		printf("#   %s\n", err.msg);
	return c.wrong;
}

const char *place_check(struct place *p, struct sweep_state state)
{
	struct store *opened = NULL;
	struct err err = { 0 };
	const char *wrong = NULL;
	struct stat st;

	if (fstatat(p->tmp.fd, "store/records.db", &st, 0) < 0)
		return NULL; /* no store yet */
	if (check_whole(p->path) < 0)
		return "a file is not what its name says";
	if (!state.untidy)
		wrong = check_staging(p, state.end == SWEEP_FAILED);
	if (!wrong && !state.untidy)
		wrong = check_root(p);
	if (!wrong && !p->store && store_open(p->path, 0, &opened, &err) < 0) {
		printf("#   %s\n", err.msg);
		return "the store cannot be opened";
	}
	if (!wrong)
		wrong = check_records(p->store ? p->store : opened);
	store_close(opened);
	return wrong;
}

static const char *check_tree(struct store *store, const struct picture *of)
{
	struct op op = { 0 };
	struct err err = { 0 };
	struct local_tree t;
	const char *wrong = NULL;

	if (local_tree_open(&op, store, &of->config, &t, &err) < 0)
		return "the tree cannot be opened";
	if (of->node_count && tree_node_count(t.tree) != of->node_count)
		wrong = "the tree is another";
	local_tree_fini(&t);
	return wrong;
}

static const char *check_picture(struct store *store, const struct picture *of)
{
	_descriptor_ struct descriptor d = { 0 };
	struct err err = { 0 };

	if (images_resolve(store, &of->ref, &d, &err) < 0)
		return "the name is not there";
	if (!digest_equal(&d.digest, &of->target.digest))
		return "the name means something else";
	for (size_t i = 0; i < PICTURE_LAYERS; i++)
		if (!layerfiles_has(store->layers, &of->layers[i].diffid))
			return "a layer is missing";
	return check_tree(store, of);
}

const char *place_check_picture(struct place *p, const struct picture *of, struct sweep_state state)
{
	struct store *opened = NULL;
	struct err err = { 0 };
	const char *wrong = place_check(p, state);

	if (!wrong && !p->store && store_open(p->path, 0, &opened, &err) < 0)
		return "the store cannot be opened";
	if (!wrong)
		wrong = check_picture(p->store ? p->store : opened, of);
	store_close(opened);
	return wrong;
}

const char *place_end(struct place *p, bool parts)
{
	struct err err = { 0 };
	const char *wrong = NULL;

	place_close(p);
	if (store_open(p->path, STORE_CREATE, &p->store, &err) < 0) {
		printf("#   %s\n", err.msg);
		wrong = "the store cannot be opened";
	}
	place_close(p);
	if (!wrong)
		wrong = check_staging(p, parts);
	place_fini(p);
	return wrong;
}

/* --- the image --- */

#define NOISE_BYTES ((size_t)300 * 1024)

/* Bytes that do not compress, the same each time. */
static void add_noise(struct tarmaker *t, const char *name, size_t len, uint32_t seed)
{
	_free_ unsigned char *data = xcalloc(1, len);

	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525 + 1013904223;
		data[i] = (unsigned char)(seed >> 24);
	}
	tarmaker_header(
		t, &(struct tm_header){ .type = '0', .name = name, .mode = 0644, .size = len });
	tarmaker_data(t, data, len);
}

static void make_layer(struct store *s, struct tarmaker *t, enum codec codec,
		       struct maker_layer *ret)
{
	_buf_ struct buf tar = BUF_INIT(1 << 24);
	struct err err = { 0 };

	tarmaker_end(t);
	must(buf_append(&tar, t->data, t->len, &err), &err);
	maker_layer_tar(s, &tar, codec, ret);
}

static void make_layers(struct picture *p)
{
	_tarmaker_ struct tarmaker base = { 0 };
	_tarmaker_ struct tarmaker middle = { 0 };
	_tarmaker_ struct tarmaker top = { 0 };

	tarmaker_text(&base, "d etc; f etc/motd=hello; f gone=x; d d:700; f d/a=a; l s->etc/motd");
	base.len -= 1024; /* its end marker: more comes */
	add_noise(&base, "noise", NOISE_BYTES / 2, 1);
	make_layer(p->there, &base, CODEC_GZIP, &p->layers[0]);
	tarmaker_text(&middle, "f .wh.gone; f new=n; f d/b=b; h d/c->d/b");
	middle.len -= 1024;
	make_layer(p->there, &middle, CODEC_ZSTD, &p->layers[1]);
	add_noise(&top, "more", NOISE_BYTES, 2);
	make_layer(p->there, &top, CODEC_PLAIN, &p->layers[2]);
}

static void read_documents(struct picture *p)
{
	_buf_ struct buf bytes = BUF_INIT(1 << 20);
	struct err err = { 0 };

	must(blobs_read(p->there->blobs, &p->target.digest, &bytes, &err), &err);
	must(document_parse(bytes.data, bytes.len, NULL, &p->document, &err), &err);
	buf_reset(&bytes);
	must(blobs_read(p->there->blobs, &p->document.manifest.config.digest, &bytes, &err), &err);
	must(image_config_parse(bytes.data, bytes.len, &p->config, &err), &err);
}

void picture_init(struct picture *p)
{
	static const char name[] = "example.com/a:1";
	struct err err = { 0 };
	struct op op = { 0 };
	struct local_tree t;

	*p = (struct picture){ .there = store_new_memory() };
	must(reference_parse(name, &p->ref, &err), &err);
	p->from = local_transport(p->there, &p->ref);
	make_layers(p);
	maker_image(p->there, &(struct maker_image){ p->layers, PICTURE_LAYERS, NULL }, &p->target);
	maker_name(p->there, name, &p->target, NULL);
	read_documents(p);
	must(local_prepare_layers(&op, p->there, &p->document.manifest, &p->config, &err), &err);
	must(local_tree_open(&op, p->there, &p->config, &t, &err), &err);
	p->node_count = tree_node_count(t.tree);
	local_tree_fini(&t);
}

void picture_fini(struct picture *p)
{
	transport_close(p->from);
	reference_fini(&p->ref);
	for (size_t i = 0; i < PICTURE_LAYERS; i++)
		descriptor_fini(&p->layers[i].descriptor);
	descriptor_fini(&p->target);
	document_fini(&p->document);
	image_config_fini(&p->config);
	store_close(p->there);
}
