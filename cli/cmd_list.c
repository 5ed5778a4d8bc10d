/* SPDX-License-Identifier: Apache-2.0 */
/* The commands, in the order of the help. */
#include "cli/cmd_list.h"

#include <stddef.h>

const struct cmd *const cmds[] = {
	&cmd_pull,    &cmd_push,   &cmd_copy,	&cmd_images,  &cmd_tag,	       &cmd_rmi,
	&cmd_inspect, &cmd_tree,   &cmd_layers, &cmd_ls,      &cmd_cat,	       &cmd_find,
	&cmd_diff,    &cmd_digest, &cmd_tags,	&cmd_catalog, &cmd_unpack,     &cmd_export,
	&cmd_mount,   &cmd_umount, &cmd_mounts, &cmd_changes, &cmd_commit,     &cmd_gc,
	&cmd_fsck,    &cmd_df,	   &cmd_login,	&cmd_logout,  &cmd_auth_which, &cmd_version,
	&cmd_help,    NULL,
};
