/* SPDX-License-Identifier: Apache-2.0 */
/* One name of an image as a line: for ls -l, find -ls and their --json. */
#ifndef IMG_CLI_LOOK_ROW_H
#define IMG_CLI_LOOK_ROW_H

#include "layers/tree.h"

struct json;

/* "drwxr-xr-t" of a st_mode. Returns dst. */
char *look_mode(char dst[11], uint32_t mode);
/* "file", "directory", "symlink", "char", "block" or "fifo". */
const char *look_type(uint32_t mode);
/* "2026-01-02 03:04" in UTC. Returns dst. */
char *look_time(char dst[24], int64_t sec);

/* How wide the columns are; the widest of a listing. */
struct look_widths {
	int links, uid, gid, size, layer;
};
/* Makes room for one. */
void look_measure(struct look_widths *w, const struct tree_stat *st);
/*
 * Prints "MODE LINKS UID GID SIZE DATE TIME #LAYER " (layers from 1, "-" when no layer has an entry
 * for it), then the name escaped, then " -> TARGET" of a symlink, and a newline.
 */
void look_print(const struct look_widths *w, const struct tree_stat *st, const char *name);

/*
 * An object with Path, Type, Mode, Uid, Gid, Size, ModTime, Links, Layer and what else the type
 * has; PathBase64 too when the path is not UTF-8. Free with json_free.
 */
struct json *look_json(const struct tree *tree, uint32_t node, const char *path);

#endif
