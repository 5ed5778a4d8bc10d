/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The drivers that mount the metadata image with the layer tars as its devices: from their files
 * (Linux 6.12), and through loop devices where the file system can't back a mount (tmpfs,
 * overlayfs). Loop devices go by themselves with the superblock.
 */
#include "base/mem.h"
#include "overlay/driver.h"
#include "overlay/mounts.h"
#include "overlay/tree_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#define SECTOR_BYTES 512

/* The parameters of a mount, "source" first and then a "device" a layer. Owns all. */
struct sources {
	struct mount_param *params;
	char **values;
	int *fds; /* open until it is mounted; -1: none */
	size_t count, room;
};

static void sources_init(struct sources *s, size_t room)
{
	*s = (struct sources){
		.params = xcalloc(room, sizeof(*s->params)),
		.values = xcalloc(room, sizeof(*s->values)),
		.fds = xcalloc(room, sizeof(*s->fds)),
		.room = room,
	};
}

static void sources_fini(struct sources *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->values[i]);
		if (s->fds[i] >= 0)
			(void)close(s->fds[i]);
	}
	free(s->params);
	free(s->values);
	free(s->fds);
}
#define _sources_ __attribute__((cleanup(sources_fini)))

/* Takes over both. */
static void add(struct sources *s, char *value, int fd)
{
	s->values[s->count] = value;
	s->fds[s->count] = fd;
	s->params[s->count] =
		(struct mount_param){ s->count ? "device" : "source", value, .fd = -1 };
	s->count++;
}

/*
 * The name of a file of the store for the kernel: its path, which is what people see in mountinfo,
 * or a short one where that is longer than a parameter may be.
 */
static char *name_of(struct store *store, const char *kind, int kind_fd, const char *below)
{
	char *path = xasprintf("%s/%s/%s", store_path(store), kind, below);

	if (strlen(path) <= MOUNT_VALUE_MAX)
		return path;
	free(path);
	return xasprintf("/proc/self/fd/%d/%s", kind_fd, below);
}

static char *file_name(const struct digest *d, const char *suffix)
{
	return xasprintf("%s/%s%s", digest_alg_name(d->alg), DIGEST_HEX(d), suffix);
}

static int mount_sources(const struct sources *s, struct err *err)
{
	const struct mount_new what = {
		.type = "erofs",
		.params = s->params,
		.count = s->count,
		.read_only = true,
	};

	return mount_make(&what, err);
}

/* --- files --- */

static int file_probe(struct store *store, struct err *err)
{
	_sources_ struct sources s = { 0 };
	const int fd = tree_file_tiny(store, err);

	TRY(fd);
	sources_init(&s, 1);
	add(&s, xasprintf("/proc/self/fd/%d", fd), fd);
	_close_ int mount = mount_sources(&s, err);

	return mount < 0 ? mount : 0;
}

static int file_lower(struct op *op, const struct mount_request *request,
		      const struct digest *chain_id, int *ret_mount, struct err *err)
{
	_tree_file_ struct tree_file tree = TREE_FILE_CLOSED;
	_sources_ struct sources s = { 0 };
	_close_ int trees = -1;
	_close_ int layers = -1;
	_free_ char *name = file_name(chain_id, ".erofs");

	const struct tree_want want = { op, request, chain_id, &driver_erofs };

	TRY(tree_file_open(&want, &tree, err));
	TRY(store_folder(request->store, "trees", &trees, err));
	TRY(store_folder(request->store, "layers", &layers, err));
	sources_init(&s, request->layer_count + 1);
	add(&s, name_of(request->store, "trees", trees, name), -1);
	for (size_t i = 0; i < request->layer_count; i++) {
		_free_ char *tar = file_name(&request->diff_ids[i], ".tar");

		add(&s, name_of(request->store, "layers", layers, tar), -1);
	}
	const int mount = mount_sources(&s, err);

	TRY(mount);
	*ret_mount = mount;
	return 0;
}

const struct driver driver_erofs = {
	.name = "erofs",
	.is_superblock = true,
	.probe = file_probe,
	.lower = file_lower,
};

/* --- loop devices --- */

static int add_loop(struct sources *s, int file, struct err *err)
{
	char path[32];
	const int fd = loop_attach(file, path, err);

	TRY(fd);
	add(s, xstrdup(path), fd);
	return 0;
}

static int loop_probe(struct store *store, struct err *err)
{
	_sources_ struct sources s = { 0 };
	_close_ int fd = tree_file_tiny(store, err);

	TRY(fd);
	sources_init(&s, 1);
	TRY(add_loop(&s, fd, err));
	_close_ int mount = mount_sources(&s, err);

	return mount < 0 ? mount : 0;
}

/* A loop device has whole sectors only: the rest of the last would be lost. */
static int add_tar(struct sources *s, int layers, const struct digest *d, struct err *err)
{
	_free_ char *name = file_name(d, ".tar");
	_close_ int fd = openat(layers, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "tar");
	if (st.st_size % SECTOR_BYTES)
		return err_set(err, ERR_UNSUPPORTED,
			       "a tar of %jd bytes can't be a loop device: not whole sectors",
			       (intmax_t)st.st_size);
	return add_loop(s, fd, err);
}

static int loop_lower(struct op *op, const struct mount_request *request,
		      const struct digest *chain_id, int *ret_mount, struct err *err)
{
	_tree_file_ struct tree_file tree = TREE_FILE_CLOSED;
	_sources_ struct sources s = { 0 };
	_close_ int layers = -1;

	const struct tree_want want = { op, request, chain_id, &driver_loop };

	TRY(tree_file_open(&want, &tree, err));
	TRY(store_folder(request->store, "layers", &layers, err));
	sources_init(&s, request->layer_count + 1);
	TRY(add_loop(&s, tree.fd, err));
	for (size_t i = 0; i < request->layer_count; i++)
		if (add_tar(&s, layers, &request->diff_ids[i], err) < 0)
			return err_prefix(err, "layer %zu of %zu", i + 1, request->layer_count);
	const int mount = mount_sources(&s, err);

	TRY(mount);
	*ret_mount = mount;
	return 0;
}

const struct driver driver_loop = {
	.name = "loop",
	.is_superblock = true,
	.probe = loop_probe,
	.lower = loop_lower,
};
