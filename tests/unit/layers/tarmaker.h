/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tars for tests, also wrong ones: block by block, or a whole layer from one line of text. Nothing
 * is shared with the reader under test.
 */
#ifndef TESTS_LAYERS_TARMAKER_H
#define TESTS_LAYERS_TARMAKER_H

#include "layers/layer.h"
#include "layers/tree.h"

#include <stdint.h>

struct tarmaker {
	unsigned char *data;
	size_t len, alloc;
};
void tarmaker_fini(struct tarmaker *t);
#define _tarmaker_ __attribute__((cleanup(tarmaker_fini)))

/* What is 0 or NULL is left out; a header of each kind differs in its magic only. */
struct tm_header {
	const char *name, *link, *prefix;
	uint64_t size;
	unsigned mode;
	int64_t uid, gid, mtime;
	unsigned dev_major, dev_minor;
	const char *magic; /* 8 bytes; NULL: ustar */
	char type;	   /* 0 is NUL, as of old */
};
#define TM_USTAR  \
	"ustar\0" \
	"00"
#define TM_GNU "ustar  "
#define TM_V7  "\0\0\0\0\0\0\0"

/* Appends a header block with its checksum; returns its offset. */
size_t tarmaker_header(struct tarmaker *t, const struct tm_header *h);
/* Overwrites bytes of the header at `offset` and sums it anew. */
void tarmaker_patch(struct tarmaker *t, size_t offset, size_t at, const void *bytes, size_t len);
/* The same, signed, as Sun's tar did. */
void tarmaker_sum(struct tarmaker *t, size_t offset, int is_signed);
/* Bytes as they are, or filled up to a block. */
void tarmaker_raw(struct tarmaker *t, const void *bytes, size_t len);
void tarmaker_data(struct tarmaker *t, const void *bytes, size_t len);
/* A header and its data: type 0 file. */
void tarmaker_file(struct tarmaker *t, const char *name, const char *text);
/*
 * An extended header ('x', 'g') of key, value, key, value, ..., NULL; or the text of an 'L' or 'K'.
 */
void tarmaker_pax(struct tarmaker *t, int type, ...) __attribute__((sentinel));
void tarmaker_meta(struct tarmaker *t, char type, const void *body, size_t len);
/* Appends one record; the buffer is large enough. Returns its length. */
size_t tarmaker_record(char *dst, const char *key, const void *value, size_t value_len);
void tarmaker_end(struct tarmaker *t);

/*
 * A layer of entries separated by ';' (spaces around are skipped), the end marker too:
 * d PATH[:MODE]   f PATH[=TEXT]   l PATH->TARGET   h PATH->TARGET (hard link)   p PATH   c
 * PATH=MAJOR.MINOR   b the same
 */
void tarmaker_text(struct tarmaker *t, const char *text);

/*
 * Through the indexer in chunks of `chunk` bytes (0: of random sizes by `seed`). Returns the fd of
 * the index, or a negative errno.
 */
int tarmaker_index(const struct tarmaker *t, size_t chunk, unsigned seed, struct err *err);
/* Opens it as a layer; aborts the test run when memory files cannot be made. */
int tarmaker_layer(const struct tarmaker *t, struct layer **ret, struct err *err);

/* Several layers of text and their tree. */
struct tm_tree {
	struct layer *layers[16];
	size_t count;
	struct tree *tree;
	struct err err;
};
/* Returns what tree_build (or the reader) did. The texts end with NULL. */
int tm_tree_init(struct tm_tree *t, struct op *op, const char *const *texts);
void tm_tree_fini(struct tm_tree *t);
#define _tm_tree_ __attribute__((cleanup(tm_tree_fini)))
/*
 * The tree in the form above, in the order of the walk, modes only where they are not 755 or 644;
 * freed by the caller.
 */
char *tm_tree_text(const struct tree *tree);

#endif
