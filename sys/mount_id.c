/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a mount is, for records that outlive processes. The unique id (Linux 6.8) is never given
 * twice in one boot, so with the boot's own id it names a mount for good; the number of a mount
 * namespace is given again and only tells where to look.
 */
#include "sys/mount.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Newer than the headers this builds with. */
#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000U
#endif
#ifndef SYS_statmount
#define SYS_statmount 457 /* Linux 6.8, the same number everywhere */
#endif
#define STATMOUNT_MNT_BASIC_ 2u
struct mnt_id_req_ {
	uint32_t size_bytes, spare;
	uint64_t mnt_id, param;
};
struct mnt_ns_info_ {
	uint32_t size_bytes, mount_count;
	uint64_t mnt_ns_id;
};
#define NS_MNT_GET_NEXT_ _IOR(0xb7, 11, struct mnt_ns_info_) /* Linux 6.12 */
#define NS_MNT_GET_PREV_ _IOR(0xb7, 12, struct mnt_ns_info_)

#define STATMOUNT_BYTES 4096
#define NAMESPACES_MAX	100000
/* Inode of the process namespace that the system began with (PROC_PID_INIT_INO). */
#define INITIAL_PIDNS  0xEFFFFFFCu
#define LINK_BYTES_MAX ((size_t)1 << 16)

static int read_boot_id(char ret[40], struct err *err)
{
	_buf_ struct buf text = BUF_INIT(64);

	TRY(file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", &text, err));
	while (text.len && text.data[text.len - 1] == '\n')
		text.data[--text.len] = '\0';
	if (text.len == 0 || text.len >= 40)
		return err_set(err, ERR_DAMAGED, "boot_id: not an id");
	memcpy(ret, text.data, text.len + 1);
	return 0;
}

int mount_here(struct mount_id *ret, struct err *err)
{
	struct mount_id id = { 0 };
	struct stat st;

	if (stat("/proc/self/ns/mnt", &st) < 0)
		return err_sys(err, errno, "/proc/self/ns/mnt");
	id.namespace_id = st.st_ino;
	TRY(read_boot_id(id.boot_id, err));
	*ret = id;
	return 0;
}

/* 0 also where the kernel has no such thing. */
static int get_unique(int dir, const char *path, uint64_t *ret)
{
	struct statx stx = { 0 };
	const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*path ? 0 : AT_EMPTY_PATH);

	if (statx(dir, path, flags, STATX_MNT_ID_UNIQUE, &stx) < 0 && errno != ENOSYS)
		return -errno;
	*ret = stx.stx_mask & STATX_MNT_ID_UNIQUE ? stx.stx_mnt_id : 0;
	return 0;
}

uint64_t mount_unique_at(int dir, const char *path)
{
	uint64_t id = 0;

	(void)get_unique(dir, path, &id);
	return id;
}

int mount_identify(int fd, struct mount_id *ret, struct err *err)
{
	struct mount_id id;

	TRY(mount_here(&id, err));
	const int rc = get_unique(fd, "", &id.unique);

	if (rc < 0)
		return err_sys(err, -rc, "identity of a mount");
	*ret = id;
	return 0;
}

int mount_is_there(uint64_t unique)
{
	struct mnt_id_req_ req = { sizeof(req), 0, unique, STATMOUNT_MNT_BASIC_ };
	char answer[STATMOUNT_BYTES];

	if (!unique)
		return -1;
	if (syscall(SYS_statmount, &req, answer, sizeof(answer), 0) == 0)
		return 1;
	return errno == ENOENT ? 0 : -1;
}

/* Looks along the list of namespaces in one direction. */
static int is_in_list(uint64_t namespace_id, unsigned long request)
{
	_close_ int at = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	struct mnt_ns_info_ info = { .size_bytes = sizeof(info) };
	struct stat st;

	for (unsigned i = 0; at >= 0 && i < NAMESPACES_MAX; i++) {
		if (fstat(at, &st) < 0)
			return -1;
		if (st.st_ino == namespace_id)
			return 1;
		const int next = ioctl(at, request, &info);

		if (next < 0)
			return errno == ENOENT ? 0 : -1;
		(void)close(at);
		at = next;
	}
	return -1;
}

/* Whether a process that we may look at lives in it. */
static int has_process(uint64_t namespace_id)
{
	DIR *proc = opendir("/proc");
	int found = 0;

	if (!proc)
		return -1;
	for (const struct dirent *e; !found && (e = readdir(proc));) {
		char path[300];
		struct stat st;

		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "%s/ns/mnt", e->d_name);
		found = fstatat(dirfd(proc), path, &st, 0) == 0 && st.st_ino == namespace_id;
	}
	(void)closedir(proc);
	return found;
}

/* --- processes that hide their namespace --- */

#define MOUNTINFO_BYTES_MAX ((size_t)16 << 20)

/* Whether the next field of a line of mountinfo, with its octal escapes, is the path. */
static bool is_field(const char *field, const char *path)
{
	for (; *path; path++) {
		int c = (unsigned char)*field++;

		if (c == '\\' && field[0] && field[1] && field[2]) {
			c = (field[0] - '0') << 6 | (field[1] - '0') << 3 | (field[2] - '0');
			field += 3;
		}
		if (c != (unsigned char)*path)
			return false;
	}
	return *field == ' ';
}

/* proc_pid_mountinfo(5): the fifth field is where it is mounted. */
static bool has_mount_at(const char *mountinfo, const char *path)
{
	for (const char *line = mountinfo; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		const char *field = line;

		for (unsigned i = 0; i < 4 && field; i++) {
			field = strchr(field, ' ');
			field = field ? field + 1 : NULL;
		}
		if (field && is_field(field, path))
			return true;
	}
	return false;
}

/* One of ours whose namespace can't be asked, but its mounts can. */
static bool is_hidden_with_mount(int proc, const char *pid, const char *path)
{
	_free_ char *link = xasprintf("%s/ns/mnt", pid), *name = xasprintf("%s/mountinfo", pid);
	_buf_ struct buf text = BUF_INIT(MOUNTINFO_BYTES_MAX);
	struct stat st;

	return fstatat(proc, pid, &st, 0) == 0 && st.st_uid == geteuid() &&
	       fstatat(proc, link, &st, 0) < 0 && errno == EACCES &&
	       file_read(proc, name, &text, NULL) == 0 && has_mount_at(buf_str(&text), path);
}

bool mount_is_hidden(const char *path)
{
	DIR *proc = opendir("/proc");
	bool found = false;

	if (!proc)
		return false;
	for (const struct dirent *e; !found && (e = readdir(proc));)
		found = e->d_name[0] >= '0' && e->d_name[0] <= '9' &&
			is_hidden_with_mount(dirfd(proc), e->d_name, path);
	(void)closedir(proc);
	return found;
}

static bool sees_all_processes(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == INITIAL_PIDNS;
}

/*
 * Only root is told of all namespaces. Another user sees his own processes, which is enough: who
 * else would be in a namespace of his.
 */
int mount_namespace_is_there(uint64_t namespace_id)
{
	int there = is_in_list(namespace_id, NS_MNT_GET_NEXT_);

	if (there == 0)
		there = is_in_list(namespace_id, NS_MNT_GET_PREV_);
	if (there < 0 && sees_all_processes())
		there = has_process(namespace_id);
	return there;
}

int mount_path_of(int fd, char **ret, struct err *err)
{
	char name[32];
	_free_ char *text = NULL;
	size_t bytes = 256;
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	do {
		bytes *= 2;
		text = xreallocarray(text, bytes, 1);
		n = readlink(name, text, bytes);
		if (n < 0)
			return err_sys(err, errno, "%s", name);
	} while ((size_t)n == bytes && bytes < LINK_BYTES_MAX);
	if (n == 0 || (size_t)n == bytes || text[0] != '/')
		return err_set(err, ERR_UNSUPPORTED, "a folder without a path");
	text[n] = '\0';
	*ret = TAKE_PTR(text);
	return 0;
}
