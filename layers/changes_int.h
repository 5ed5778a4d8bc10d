/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the walk over an upper folder. Not public. */
#ifndef IMG_LAYERS_CHANGES_INT_H
#define IMG_LAYERS_CHANGES_INT_H

#include "base/buf.h"
#include "layers/changes.h"

#include <stdbool.h>
#include <stddef.h>

/* What the xattrs of an upper file say to overlayfs. */
struct marks {
	bool is_whiteout, is_opaque;
	bool is_redirected, is_metacopy;
	bool has_others; /* there are xattrs that overlayfs has no part in */
};
/* A place, and whose word counts there. */
struct marked {
	int dir;
	const char *name;
	bool is_userxattr; /* as in the request */
};
/* Reads them, no link followed; a file system without xattrs has none. */
int marks_read(const struct marked *what, struct marks *ret, struct err *err);

/* A name in a folder. */
struct folder_name {
	size_t at;	    /* in `text`; more names move it */
	unsigned char type; /* DT_... */
	enum folder_what {
		FOLDER_ENTRY,
		FOLDER_WHITEOUT,
		FOLDER_GONE, /* not there: hidden by the folder */
	} what;
};
/* The names of a folder. Value; owns everything. */
struct folder {
	struct buf text; /* each terminated */
	struct folder_name *names;
	size_t count, alloc;
};
void folder_init(struct folder *f);
void folder_fini(struct folder *f);
const char *folder_text(const struct folder *f, size_t n);
/* Reads what is there and says which are whiteouts. */
int folder_read(int fd, bool is_userxattr, struct folder *f, struct err *err);
int folder_add(struct folder *f, const char *name, enum folder_what what, struct err *err);
/* By name, whiteouts first when asked. */
void folder_sort(struct folder *f, bool whiteouts_first);

#endif
