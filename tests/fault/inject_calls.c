/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C library's functions, ours first. The real ones are found by dlsym(RTLD_NEXT): under a
 * sanitizer that is the sanitizer's. Each has another name in C and the library's by __asm__, so no
 * header and no fortified inline gets in the way; both names of the large-file functions are there,
 * because our code uses the one and libraries use either.
 *
 * Variadic functions (open, fcntl, syscall) take all arguments they may get: passing on one that
 * was not given does no harm on any Linux calling convention.
 *
 * Nothing is ever synced to the disk: a test kills processes, never the machine.
 */
#include "tests/fault/inject.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <sqlite3.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/types.h>

/* Newer than the headers this builds with. */
#ifndef SYS_statmount
#define SYS_statmount 457
#endif

/* Whether the call fails; a call that kills does not come back. */
INJECT_BARE static bool fails(enum inject_kind kind)
{
	const enum inject_verdict v = inject_judge(kind);

	if (v == INJECT_DIE)
		inject_die();
	return v == INJECT_FAIL;
}

/*
 * Defines `symbol`, which fails with `failed`. `list` are the parameters, `args` the same as
 * arguments.
 */
#define CALL(type, symbol, kind, failed, list, args)                                     \
	type inject_##symbol list __asm__(#symbol);                                      \
	INJECT_BARE type inject_##symbol list                                            \
	{                                                                                \
		static type(*real) list;                                                 \
                                                                                         \
		if (!real)                                                               \
			__atomic_store_n(&real, (type(*) list)dlsym(RTLD_NEXT, #symbol), \
					 __ATOMIC_RELAXED);                              \
		return fails(kind) ? (failed) : real args;                               \
	}

/* The same for the two names of a function with file offsets. */
#define CALL_BOTH(type, symbol, kind, failed, list, args) \
	CALL(type, symbol, kind, failed, list, args)      \
	CALL(type, symbol##64, kind, failed, list, args)

/* Functions that move bytes may also move half of them. */
#define TRANSFER(symbol, kind, list, args, half_args)                                       \
	ssize_t inject_##symbol list __asm__(#symbol);                                      \
	INJECT_BARE ssize_t inject_##symbol list                                            \
	{                                                                                   \
		static ssize_t(*real) list;                                                 \
                                                                                            \
		if (!real)                                                                  \
			__atomic_store_n(&real, (ssize_t(*) list)dlsym(RTLD_NEXT, #symbol), \
					 __ATOMIC_RELAXED);                                 \
		const enum inject_verdict v = inject_judge(kind);                           \
                                                                                            \
		if (v == INJECT_FAIL)                                                       \
			return -1;                                                          \
		if (v == INJECT_GO)                                                         \
			return real args;                                                   \
		const ssize_t n = real half_args;                                           \
                                                                                            \
		if (v == INJECT_DIE)                                                        \
			inject_die();                                                       \
		return n;                                                                   \
	}
#define HALF_OF(len) ((len) > 1 ? (len) / 2 : (len))

/* clang-format off */

/* --- descriptors --- */

#define OPEN_KIND ((flags & O_CREAT) ? INJECT_CREATE : INJECT_OPEN)
CALL_BOTH(int, open, OPEN_KIND, -1, (const char *path, int flags, mode_t mode), (path, flags, mode))
CALL_BOTH(int, openat, OPEN_KIND, -1, (int dir, const char *path, int flags, mode_t mode),
	  (dir, path, flags, mode))
CALL(int, memfd_create, INJECT_MEMFD, -1, (const char *name, unsigned flags), (name, flags))
CALL(int, pipe2, INJECT_PIPE, -1, (int fds[2], int flags), (fds, flags))
CALL(DIR *, fdopendir, INJECT_FDOPENDIR, NULL, (int fd), (fd))
CALL(int, scandirat, INJECT_READDIR, -1,
     (int dir, const char *name, struct dirent ***list, int (*filter)(const struct dirent *),
      int (*compare)(const struct dirent **, const struct dirent **)),
     (dir, name, list, filter, compare))
CALL_BOTH(struct dirent *, readdir, INJECT_READDIR, NULL, (DIR *dir), (dir))

/* --- content --- */

TRANSFER(read, INJECT_READ, (int fd, void *p, size_t len), (fd, p, len), (fd, p, HALF_OF(len)))
TRANSFER(pread, INJECT_READ, (int fd, void *p, size_t len, off_t at), (fd, p, len, at),
	 (fd, p, HALF_OF(len), at))
TRANSFER(pread64, INJECT_READ, (int fd, void *p, size_t len, off_t at), (fd, p, len, at),
	 (fd, p, HALF_OF(len), at))
TRANSFER(write, INJECT_WRITE, (int fd, const void *p, size_t len), (fd, p, len),
	 (fd, p, HALF_OF(len)))
TRANSFER(pwrite, INJECT_WRITE, (int fd, const void *p, size_t len, off_t at), (fd, p, len, at),
	 (fd, p, HALF_OF(len), at))
TRANSFER(pwrite64, INJECT_WRITE, (int fd, const void *p, size_t len, off_t at), (fd, p, len, at),
	 (fd, p, HALF_OF(len), at))
TRANSFER(copy_file_range, INJECT_COPY,
	 (int in, off_t *in_at, int out, off_t *out_at, size_t len, unsigned flags),
	 (in, in_at, out, out_at, len, flags), (in, in_at, out, out_at, HALF_OF(len), flags))
TRANSFER(sendfile, INJECT_SENDFILE, (int out, int in, off_t *at, size_t len), (out, in, at, len),
	 (out, in, at, HALF_OF(len)))
TRANSFER(sendfile64, INJECT_SENDFILE, (int out, int in, off_t *at, size_t len), (out, in, at, len),
	 (out, in, at, HALF_OF(len)))
CALL_BOTH(int, ftruncate, INJECT_TRUNCATE, -1, (int fd, off_t len), (fd, len))
CALL_BOTH(void *, mmap, INJECT_MMAP, MAP_FAILED,
	  (void *at, size_t len, int prot, int flags, int fd, off_t from),
	  (at, len, prot, flags, fd, from))

/* --- what is known of files --- */

CALL_BOTH(int, fstat, INJECT_STAT, -1, (int fd, struct stat *st), (fd, st))
CALL_BOTH(int, stat, INJECT_STAT, -1, (const char *path, struct stat *st), (path, st))
CALL_BOTH(int, lstat, INJECT_STAT, -1, (const char *path, struct stat *st), (path, st))
CALL_BOTH(int, fstatat, INJECT_STAT, -1, (int dir, const char *path, struct stat *st, int flags),
	  (dir, path, st, flags))
CALL_BOTH(int, fstatvfs, INJECT_STATVFS, -1, (int fd, struct statvfs *st), (fd, st))
CALL(int, access, INJECT_ACCESS, -1, (const char *path, int mode), (path, mode))
CALL(int, faccessat, INJECT_ACCESS, -1, (int dir, const char *path, int mode, int flags),
     (dir, path, mode, flags))
CALL(ssize_t, readlink, INJECT_READLINK, -1, (const char *path, char *to, size_t len),
     (path, to, len))

/* --- names --- */

CALL(int, renameat, INJECT_RENAME, -1, (int from, const char *old, int to, const char *name),
     (from, old, to, name))
CALL(int, renameat2, INJECT_RENAME, -1,
     (int from, const char *old, int to, const char *name, unsigned flags),
     (from, old, to, name, flags))
CALL(int, linkat, INJECT_LINK, -1,
     (int from, const char *old, int to, const char *name, int flags), (from, old, to, name, flags))
CALL(int, symlinkat, INJECT_SYMLINK, -1, (const char *target, int dir, const char *name),
     (target, dir, name))
CALL(int, mknodat, INJECT_MKNOD, -1, (int dir, const char *name, mode_t mode, dev_t dev),
     (dir, name, mode, dev))
CALL(int, mkdirat, INJECT_MKDIR, -1, (int dir, const char *name, mode_t mode), (dir, name, mode))
CALL(int, mkdir, INJECT_MKDIR, -1, (const char *name, mode_t mode), (name, mode))
CALL(int, unlinkat, INJECT_UNLINK, -1, (int dir, const char *name, int flags), (dir, name, flags))
CALL(int, unlink, INJECT_UNLINK, -1, (const char *name), (name))

/* --- attributes --- */

CALL(int, fchmod, INJECT_CHMOD, -1, (int fd, mode_t mode), (fd, mode))
CALL(int, fchmodat, INJECT_CHMOD, -1, (int dir, const char *name, mode_t mode, int flags),
     (dir, name, mode, flags))
CALL(int, fchown, INJECT_CHOWN, -1, (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
CALL(int, fchownat, INJECT_CHOWN, -1, (int dir, const char *name, uid_t uid, gid_t gid, int flags),
     (dir, name, uid, gid, flags))
CALL(int, fsetxattr, INJECT_XATTR, -1,
     (int fd, const char *name, const void *p, size_t len, int flags), (fd, name, p, len, flags))
CALL(int, lsetxattr, INJECT_XATTR, -1,
     (const char *path, const char *name, const void *p, size_t len, int flags),
     (path, name, p, len, flags))
CALL(int, futimens, INJECT_TIMES, -1, (int fd, const struct timespec times[2]), (fd, times))
CALL(int, utimensat, INJECT_TIMES, -1,
     (int dir, const char *name, const struct timespec times[2], int flags),
     (dir, name, times, flags))

/* --- mounts --- */

CALL(int, fsopen, INJECT_MOUNT, -1, (const char *type, unsigned flags), (type, flags))
CALL(int, fsconfig, INJECT_MOUNT, -1,
     (int fd, unsigned cmd, const char *key, const void *value, int aux),
     (fd, cmd, key, value, aux))
CALL(int, fsmount, INJECT_MOUNT, -1, (int fd, unsigned flags, unsigned attr), (fd, flags, attr))
CALL(int, move_mount, INJECT_MOUNT, -1,
     (int from, const char *old, int to, const char *name, unsigned flags),
     (from, old, to, name, flags))
CALL(int, open_tree, INJECT_MOUNT, -1, (int dir, const char *name, unsigned flags),
     (dir, name, flags))
CALL(int, mount_setattr, INJECT_MOUNT, -1,
     (int dir, const char *name, unsigned flags, struct mount_attr *attr, size_t len),
     (dir, name, flags, attr, len))
CALL(int, umount2, INJECT_UMOUNT, -1, (const char *path, int flags), (path, flags))
CALL(int, statx, INJECT_MOUNT_ID, -1,
     (int dir, const char *name, int flags, unsigned mask, struct statx *st),
     (dir, name, flags, mask, st))
CALL(int, ioctl, INJECT_IOCTL, -1, (int fd, unsigned long request, void *arg), (fd, request, arg))

/* --- locks, processes, the rest --- */

CALL(int, flock, INJECT_FLOCK, -1, (int fd, int how), (fd, how))
CALL(int, poll, INJECT_POLL, -1, (struct pollfd *fds, nfds_t count, int ms), (fds, count, ms))
CALL(pid_t, waitpid, INJECT_WAIT, -1, (pid_t pid, int *status, int flags), (pid, status, flags))
CALL(ssize_t, getrandom, INJECT_RANDOM, -1, (void *p, size_t len, unsigned flags), (p, len, flags))
/* These return what others put into errno. */
CALL(int, posix_spawnp, INJECT_SPAWN, errno,
     (pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
      const posix_spawnattr_t *attr, char *const argv[], char *const envp[]),
     (pid, file, actions, attr, argv, envp))
CALL(int, pthread_create, INJECT_THREAD, errno,
     (pthread_t *ret, const pthread_attr_t *attr, void *(*fn)(void *), void *arg),
     (ret, attr, fn, arg))
CALL(int, madvise, INJECT_HINT, -1, (void *at, size_t len, int advice), (at, len, advice))
CALL_BOTH(int, posix_fadvise, INJECT_HINT, errno, (int fd, off_t at, off_t len, int advice),
	  (fd, at, len, advice))

/* clang-format on */

/* --- those that need a word more --- */

int inject_fsync(int fd) __asm__("fsync");
INJECT_BARE int inject_fsync(int fd)
{
	(void)fd;
	return fails(INJECT_SYNC) ? -1 : 0;
}

int inject_syncfs(int fd) __asm__("syncfs");
INJECT_BARE int inject_syncfs(int fd)
{
	(void)fd;
	return fails(INJECT_SYNC) ? -1 : 0;
}

int inject_fdatasync(int fd) __asm__("fdatasync");
INJECT_BARE int inject_fdatasync(int fd)
{
	(void)fd;
	return fails(INJECT_SYNC) ? -1 : 0;
}

int inject_sync_file_range(int fd, off_t at, off_t len, unsigned flags) __asm__("sync_file_range");
INJECT_BARE int inject_sync_file_range(int fd, off_t at, off_t len, unsigned flags)
{
	(void)fd;
	(void)at;
	(void)len;
	(void)flags;
	return fails(INJECT_HINT) ? -1 : 0;
}

/* As close on a network file system: the descriptor is gone, and so is what it had to tell. */
int inject_close(int fd) __asm__("close");
INJECT_BARE int inject_close(int fd)
{
	static int (*real)(int);

	if (!real)
		__atomic_store_n(&real, (int (*)(int))dlsym(RTLD_NEXT, "close"), __ATOMIC_RELAXED);
	const bool failed = fails(INJECT_CLOSE);
	const int errnum = errno;
	const int rc = real(fd);

	if (!failed)
		return rc;
	errno = errnum;
	return -1;
}

/* Only taking a lock fails: no file system refuses to give one back. */
INJECT_BARE static bool fcntl_fails(int cmd, const void *arg)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return fails(INJECT_DUP);
	case F_SETLK:
	case F_SETLKW:
		return ((const struct flock *)arg)->l_type != F_UNLCK && fails(INJECT_RECORD_LOCK);
	default:
		return false;
	}
}

#define FCNTL(symbol)                                                                          \
	int inject_##symbol(int fd, int cmd, void *arg) __asm__(#symbol);                      \
	INJECT_BARE int inject_##symbol(int fd, int cmd, void *arg)                            \
	{                                                                                      \
		static int (*real)(int, int, void *);                                          \
                                                                                               \
		if (!real)                                                                     \
			__atomic_store_n(&real,                                                \
					 (int (*)(int, int, void *))dlsym(RTLD_NEXT, #symbol), \
					 __ATOMIC_RELAXED);                                    \
		return fcntl_fails(cmd, arg) ? -1 : real(fd, cmd, arg);                        \
	}
FCNTL(fcntl)
FCNTL(fcntl64)

typedef long syscall_fn(long, long, long, long, long, long, long);
long inject_syscall(long nr, long a, long b, long c, long d, long e, long f) __asm__("syscall");
INJECT_BARE long inject_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	static syscall_fn *real;

	if (!real)
		__atomic_store_n(&real, (syscall_fn *)dlsym(RTLD_NEXT, "syscall"),
				 __ATOMIC_RELAXED);
	if ((nr == SYS_openat2 && fails(INJECT_OPENAT2)) ||
	    (nr == SYS_pidfd_open && fails(INJECT_PIDFD)) ||
	    (nr == SYS_clone && fails(INJECT_CLONE)) ||
	    (nr == SYS_statmount && fails(INJECT_MOUNT_ID)))
		return -1;
	return real(nr, a, b, c, d, e, f);
}

/*
 * Only struct buf asks realloc by itself; all other memory of ours is small and aborts when there
 * is none, and libraries have allocators of their own. So: calls from our text. reallocarray is
 * ours too, because the library's jumps to realloc as if its caller had called that.
 */
extern const char __executable_start[], etext[];

INJECT_BARE static void *really_realloc(void *p, size_t len)
{
	static void *(*real)(void *, size_t);

	if (!real)
		__atomic_store_n(&real, (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc"),
				 __ATOMIC_RELAXED);
	return real(p, len);
}

void *inject_realloc(void *p, size_t len) __asm__("realloc");
INJECT_BARE void *inject_realloc(void *p, size_t len)
{
	const char *from = __builtin_return_address(0);

	if (from >= __executable_start && from < etext && fails(INJECT_BUFFER))
		return NULL;
	return really_realloc(p, len);
}

void *inject_reallocarray(void *p, size_t count, size_t len) __asm__("reallocarray");
INJECT_BARE void *inject_reallocarray(void *p, size_t count, size_t len)
{
	if (!__builtin_mul_overflow(count, len, &len))
		return really_realloc(p, len);
	errno = ENOMEM;
	return NULL;
}

/* --- memory of SQLite, by the hook it has for this --- */

static sqlite3_mem_methods db_memory;

INJECT_BARE static void *db_malloc(int len)
{
	return fails(INJECT_DB_MEMORY) ? NULL : db_memory.xMalloc(len);
}

INJECT_BARE static void *db_realloc(void *p, int len)
{
	return fails(INJECT_DB_MEMORY) ? NULL : db_memory.xRealloc(p, len);
}

__attribute__((constructor)) static void hook_db_memory(void)
{
	sqlite3_mem_methods ours;

	if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &db_memory) != SQLITE_OK)
		return;
	ours = db_memory;
	ours.xMalloc = db_malloc;
	ours.xRealloc = db_realloc;
	(void)sqlite3_config(SQLITE_CONFIG_MALLOC, &ours);
}
