/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver that works wherever anything can be mounted: the merged tree as plain files, once for
 * each chain of layers in unpacked/ALG/CHAINID. A folder of that name is whole: it is filled under
 * another one, synced, and renamed. As an ordinary user in a user namespace owners, devices and the
 * like are lost where they can't be kept, which is told once, when it is unpacked.
 */
#include "base/mem.h"
#include "layers/unpack.h"
#include "overlay/driver.h"
#include "overlay/mounts.h"
#include "sys/file.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

static int unpacked_probe(struct store *store, struct err *err)
{
	_close_ int dir = -1;

	TRY(store_folder(store, "unpacked", &dir, err));
	_close_ int mount = mount_clone(dir, "", err);

	return mount < 0 ? mount : 0;
}

/* --- filling a folder --- */

static void tell_losses(struct op *op, const struct unpack_report *report)
{
	for (enum unpack_loss i = 0; i < UNPACK_LOSS_COUNT; i++)
		if (report->lost[i])
			op_note(op, "unpacked for mounting: %s not kept, %ju times",
				unpack_loss_name(i), (uintmax_t)report->lost[i]);
}

static int fill(struct op *op, const struct mount_request *request, int fd, struct err *err)
{
	const struct unpack_options options = { .dir_fd = fd, .keep_owner = geteuid() == 0 };
	struct unpack_report report = { 0 };
	const struct tree *tree;

	TRY(request->tree(request->tree_arg, &tree, err));
	TRY(unpack_tree(op, tree, &options, &report, err));
	tell_losses(op, &report);
	unpack_report_fini(&report);
	/* All of it at once: thousands of single ones take minutes. */
	return syncfs(fd) < 0 ? err_sys(err, errno, "unpacked") : 0;
}

static int make_folder(struct op *op, const struct mount_request *request, int dir,
		       const char *temp, struct err *err)
{
	TRY(file_remove_tree(dir, temp, err));
	TRY(file_mkdir(dir, temp, 0700, err));
	_close_ int fd = file_open_beneath(dir, temp, O_RDONLY | O_DIRECTORY, 0, err);

	TRY(fd);
	return fill(op, request, fd, err);
}

/* Under the lock of the chain: nobody else uses the name. */
static int unpack(struct op *op, const struct mount_request *request, int dir, const char *name,
		  struct err *err)
{
	_free_ char *temp = xasprintf(".new-%s", name);
	int rc = make_folder(op, request, dir, temp, err);

	if (rc == 0)
		rc = file_rename_sync((struct file_name){ dir, temp },
				      (struct file_name){ dir, name }, RENAME_NOREPLACE, err);
	if (rc < 0)
		(void)file_remove_tree(dir, temp, NULL);
	return rc;
}

static int open_kind(struct store *store, const struct digest *chain_id, struct err *err)
{
	const char *alg = digest_alg_name(chain_id->alg);
	_close_ int dir = -1;

	TRY(store_folder(store, "unpacked", &dir, err));
	TRY(file_mkdir(dir, alg, 0700, err));
	return file_open_beneath(dir, alg, O_RDONLY | O_DIRECTORY, 0, err);
}

static int unpacked_lower(struct op *op, const struct mount_request *request,
			  const struct digest *chain_id, int *ret_mount, struct err *err)
{
	_close_ int dir = open_kind(request->store, chain_id, err);
	char name[DIGEST_TEXT_BYTES];
	struct stat st;

	TRY(dir);
	digest_hex(chain_id, name);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return err_sys(err, errno, "unpacked");
		TRY(unpacked_probe(request->store, err));
		TRY(unpack(op, request, dir, name, err));
	}
	_close_ int mount = mount_clone(dir, name, err);

	TRY(mount);
	TRY(mount_restrict(mount, MOUNT_ATTR_RDONLY, err));
	*ret_mount = TAKE_FD(mount);
	return 0;
}

const struct driver driver_unpacked = {
	.name = "unpacked",
	.probe = unpacked_probe,
	.lower = unpacked_lower,
};
