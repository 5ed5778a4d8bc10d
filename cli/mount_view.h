/* SPDX-License-Identifier: Apache-2.0 */
/* A mount or writable root as JSON, the same for mount, umount and mounts. */
#ifndef IMG_CLI_MOUNT_VIEW_H
#define IMG_CLI_MOUNT_VIEW_H

#include "overlay/mounts.h"

struct json *mount_view_json(const struct mount_entry *e);
/* "active", "elsewhere", "stale", "unmounted". */
const char *mount_view_state(enum mount_state state);

#endif
