/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a commit. Not public. */
#ifndef IMG_PUSH_COMMIT_INT_H
#define IMG_PUSH_COMMIT_INT_H

#include "base/json.h"
#include "layers/tar_write.h"
#include "manifest/config.h"
#include "push/commit.h"
#include "store/keep.h"

/* ---- entries: changes become entries of a tar (commit_entry.c) ---- */

struct packer;
/* All borrowed. */
struct packer *packer_new(struct op *op, const struct commit_request *request,
			  struct tar_writer *tar);
void packer_free(struct packer *p);
/* A change_fn; `arg` is the packer. */
int packer_change(void *arg, const struct change *change, struct err *err);
uint64_t packer_entries(const struct packer *p);

/* What entries need that lies behind their names (commit_attr.c). */
struct attrs {
	struct buf names, values;
	struct tar_xattr *items;
	size_t count, alloc;
	const char *empty; /* the last one without a value, which a layer can't say; or NULL */
};
void attrs_init(struct attrs *a);
void attrs_fini(struct attrs *a);
/*
 * Reads the xattrs of `name` in `dir` that belong into a layer, ids in them brought back inside;
 * no link followed.
 */
int attrs_read(struct attrs *a, const struct commit_request *request, const struct change *c,
	       struct err *err);
/* An outside id as it is inside; ERR_UNSUPPORTED when it is nobody there. */
int commit_id(const struct id_map *map, uint32_t outside, const char *what, uint32_t *ret,
	      struct err *err);

/* First names of files with several (commit_links.c). */
struct links;
struct links *links_new(void);
void links_free(struct links *l);
/* The name that this file was first seen by, borrowed until the next call; NULL: this is it. */
const char *links_see(struct links *l, const struct stat *st, const char *path);

/* ---- the commit as its parts see it ---- */

/* What came out of the pipeline. */
struct made_layer {
	struct digest diff_id, blob;
	uint64_t entries, tar_bytes, blob_bytes;
};
/* The image below. */
struct base_image {
	struct document document;
	struct image_config config;
	struct json *manifest_json, *config_json;
};
/* One commit. Owns what is not of the caller. */
struct commit {
	struct op *op;
	const struct commit_request *request;
	struct base_image base;
	struct pin *pin;
	struct made_layer layer;
};

/*
 * Makes the layer of all changes, blob and files durable and pinned (commit_layer.c). Nothing is
 * made, and entries is 0, when there are none.
 */
int commit_layer(struct commit *c, struct err *err);

/* Reads and verifies the documents below (commit_image.c). */
int commit_read_base(struct commit *c, struct err *err);
void base_image_fini(struct base_image *b);
/* Faults of the user's words are told before anything is made. */
int commit_check_changes(const struct commit *c, struct err *err);
/* Writes the new documents, pinned; a layer without entries adds none. */
int commit_documents(const struct commit *c, struct descriptor *ret_manifest,
		     struct digest *ret_config, struct err *err);

/* ---- changes of the config (config_change.c, words.c) ---- */

/* The member "config" of an image config, at work. */
struct config_edit {
	struct json *run; /* borrowed */
	bool is_cmd_set;  /* CMD was among the instructions: ENTRYPOINT leaves it alone */
};
/*
 * Applies one instruction ("ENV A=b") as docker commit --change does. ERR_USAGE quotes what is
 * wrong; nothing is changed then.
 */
int config_change(struct config_edit *edit, const char *instruction, struct err *err);

/*
 * Splits at white space that is not quoted; quotes stay. Each word is terminated in `out`; returns
 * their number.
 */
int words_split(const char *text, struct buf *out, size_t *ret_count, struct err *err);
/*
 * Removes quotes and escapes and puts variables in, as the shell does: $A ${A} ${A:-w} ${A:+w}
 * ${A-w} ${A+w}. `env` is an array of "NAME=value". Appends to `out`.
 */
int words_expand(const char *text, const struct json *env, struct buf *out, struct err *err);

#endif
