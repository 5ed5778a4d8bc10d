/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts by descriptor: the mount API of Linux 5.2 (fsopen, fsconfig, fsmount, move_mount,
 * open_tree), mount_setattr (5.12), overlayfs layers by fd (lowerdir+, 6.5; fds 6.13), unique mount
 * ids (6.8). A mount is made detached, where nobody sees it, and moved into place whole; closing
 * the fd of one that was never moved unmounts it. Nothing here calls mount(8) or reads /etc.
 */
#ifndef IMG_SYS_MOUNT_H
#define IMG_SYS_MOUNT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One parameter of a file system, for fsconfig. */
struct mount_param {
	const char *key;
	const char *value; /* at most 255 bytes; NULL: a flag, unless `fd` is used */
	int fd;		   /* with value NULL: passed as FSCONFIG_SET_FD; -1: none */
};
#define MOUNT_VALUE_MAX 255
/* What is to be mounted. */
struct mount_new {
	const char *type; /* "erofs", "overlay" */
	const struct mount_param *params;
	size_t count;
	bool read_only;
	bool nodev, nosuid, noexec; /* of the mount, not of the superblock */
};
/*
 * Makes a detached mount. Returns its fd (O_CLOEXEC). The error carries the kernel's own words
 * where fsopen's log has any. ERR_UNSUPPORTED when the file system, an option or the backing file
 * can't be had here (ENODEV, ENOTBLK, EINVAL, EOPNOTSUPP), ERR_DENIED (EPERM), ERR_DAMAGED
 * (EUCLEAN, EFSCORRUPTED).
 */
int mount_make(const struct mount_new *what, struct err *err);
/*
 * A detached clone of the mount that the folder `path` ("": `dir` itself) lies in, with the folder
 * as its root and nothing that is mounted below (OPEN_TREE_CLONE). Returns its fd.
 */
int mount_clone(int dir, const char *path, struct err *err);
/* Attributes of a mount by its fd; `set` as MOUNT_ATTR_*. */
int mount_restrict(int mount, uint64_t set, struct err *err);
/* Puts the ids of a user namespace over a detached mount (MOUNT_ATTR_IDMAP). */
int mount_idmap(int mount, int userns, struct err *err);
/* Moves a detached mount onto a folder; `target` is an O_PATH fd of it. */
int mount_attach(int mount, int target, struct err *err);
/*
 * Unmounts what is mounted at this folder (last mounted first); `lazy`: MNT_DETACH. ERR_BUSY;
 * ERR_NOT_FOUND when nothing is. The last name of `path` is not followed when it is a link.
 */
int mount_detach(const char *path, bool lazy, struct err *err);
/*
 * The same, when it is the mount of that unique id (0: any); else ERR_BUSY. Whoever can rename
 * folders of the path meanwhile can't make it another.
 */
int mount_detach_this(const char *path, uint64_t unique, bool lazy, struct err *err);

/* Who a mount is. */
struct mount_id {
	uint64_t unique;       /* STATX_MNT_ID_UNIQUE; 0 when the kernel has none */
	uint64_t namespace_id; /* inode of /proc/self/ns/mnt */
	char boot_id[40];      /* /proc/sys/kernel/random/boot_id, without newline */
};
/* Of the mount that `fd` lies in; a detached one keeps its identity when it is attached. */
int mount_identify(int fd, struct mount_id *ret, struct err *err);
/* Unique id of what is mounted on top at `path` (no link followed); 0 when that can't be told. */
uint64_t mount_unique_at(int dir, const char *path);
/* Boot and mount namespace of this process; `unique` is 0. */
int mount_here(struct mount_id *ret, struct err *err);
/* 1: it is mounted in this namespace, wherever; 0: it is gone; -1: the kernel can't tell. */
int mount_is_there(uint64_t unique);
/* 1: a mount namespace of that number exists; 0: none; -1: nobody here can tell. */
int mount_namespace_is_there(uint64_t namespace_id);
/*
 * Whether something is mounted at that path for a process of this user that does not show its
 * namespace, because it is in another user namespace that is not below ours.
 */
bool mount_is_hidden(const char *path);
/* Whether this process may mount at all; ERR_DENIED with a hint. */
int mount_is_allowed(struct err *err);
/* "/absolute/path" of an open file or folder as it is now; free with free(). */
int mount_path_of(int fd, char **ret, struct err *err);

/* A run of ids: `count` ids from `inside` on are `outside` on. */
struct id_range {
	uint32_t inside, outside, count;
};
struct id_map {
	struct id_range *ranges;
	size_t count;
};
/* "0:100000:65536[,...]" (inside:outside:count); ERR_USAGE. Free ranges with free(). */
int id_map_parse(const char *text, struct id_map *ret, struct err *err);
/* Outside id of an inside one and back; false when it is not mapped. */
bool id_map_out(const struct id_map *map, uint32_t inside, uint32_t *ret);
bool id_map_in(const struct id_map *map, uint32_t outside, uint32_t *ret);
/*
 * A user namespace with these maps, for mount_idmap only: a child is made, mapped, and gone at
 * return. Returns the fd. Safe in a process with threads.
 */
int userns_make(const struct id_map *uids, const struct id_map *gids, struct err *err);

/*
 * A loop device over a file, read-only, direct I/O where it can be, gone when its last user is
 * (LO_FLAGS_AUTOCLEAR). Returns the open device (which keeps it) and its path ("/dev/loop7").
 */
int loop_attach(int file, char ret_path[32], struct err *err);

#endif
