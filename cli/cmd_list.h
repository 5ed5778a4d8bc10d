/* SPDX-License-Identifier: Apache-2.0 */
/* One command, one file, one table entry: cli/cmd_NAME.c. */
#ifndef IMG_CLI_CMD_LIST_H
#define IMG_CLI_CMD_LIST_H

#include "cli/cmd.h"

extern const struct cmd cmd_auth_which;
extern const struct cmd cmd_cat;
extern const struct cmd cmd_catalog;
extern const struct cmd cmd_changes;
extern const struct cmd cmd_commit;
extern const struct cmd cmd_copy;
extern const struct cmd cmd_diff;
extern const struct cmd cmd_df;
extern const struct cmd cmd_digest;
extern const struct cmd cmd_export;
extern const struct cmd cmd_find;
extern const struct cmd cmd_fsck;
extern const struct cmd cmd_gc;
extern const struct cmd cmd_help;
extern const struct cmd cmd_images;
extern const struct cmd cmd_inspect;
extern const struct cmd cmd_layers;
extern const struct cmd cmd_login;
extern const struct cmd cmd_logout;
extern const struct cmd cmd_ls;
extern const struct cmd cmd_mount;
extern const struct cmd cmd_mounts;
extern const struct cmd cmd_pull;
extern const struct cmd cmd_push;
extern const struct cmd cmd_rmi;
extern const struct cmd cmd_tag;
extern const struct cmd cmd_tags;
extern const struct cmd cmd_tree;
extern const struct cmd cmd_umount;
extern const struct cmd cmd_unpack;
extern const struct cmd cmd_version;

#endif
