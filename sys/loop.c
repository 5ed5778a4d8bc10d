/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loop devices (loop(4)): LOOP_CONFIGURE of Linux 5.8 sets one up in one step. Which one is free is
 * told by the kernel a moment before somebody else may take it, so that is tried again.
 */
#include "sys/mount.h"

#include "base/mem.h"
#include "base/text.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

#define ATTEMPTS_MAX 64
#define LOOP_BLOCK   512

static void configure(int file, struct loop_config *config)
{
	_free_ char *name = NULL;

	*config = (struct loop_config){
		.fd = (uint32_t)file,
		.block_size = LOOP_BLOCK,
		.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO,
	};
	/* For people: losetup shows it. */
	if (mount_path_of(file, &name, NULL) == 0)
		snprintf((char *)config->info.lo_file_name, LO_NAME_SIZE, "%s", name);
}

/* No devices, no driver, or not for us: all the same to whoever asks. */
static int no_loop(int errnum, const char *path, struct err *err)
{
	const int rc = err_sys(err, errnum, "%s", path);

	if (err && (errnum == ENOENT || errnum == ENXIO || errnum == ENODEV || errnum == EPERM ||
		    errnum == EACCES))
		err->kind = ERR_UNSUPPORTED;
	return rc;
}

/* One try: the open device, -EBUSY when somebody was faster. */
static int attach(int control, const struct loop_config *config, char path[32], struct err *err)
{
	const int number = ioctl(control, LOOP_CTL_GET_FREE);

	if (number < 0)
		return err_sys(err, errno, "free loop device");
	snprintf(path, 32, "/dev/loop%d", number);
	_close_ int device = open(path, O_RDONLY | O_CLOEXEC);

	if (device < 0)
		return no_loop(errno, path, err);
	if (ioctl(device, LOOP_CONFIGURE, config) < 0)
		return err_sys(err, errno, "%s", path);
	return TAKE_FD(device);
}

int loop_attach(int file, char ret_path[32], struct err *err)
{
	_close_ int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	struct loop_config config;
	struct err last = { 0 };
	char path[32];
	int fd = -EBUSY;

	if (control < 0)
		return no_loop(errno, "/dev/loop-control", err);
	configure(file, &config);
	for (unsigned i = 0; fd == -EBUSY && i < ATTEMPTS_MAX; i++)
		fd = attach(control, &config, path, &last);
	if (fd >= 0)
		memcpy(ret_path, path, sizeof(path));
	else if (err)
		*err = last;
	return fd;
}
