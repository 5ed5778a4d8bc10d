/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that fail on demand. The test program defines the C library's functions itself
 * (inject_calls.c), so every call of our code, and of the libraries it uses, comes by here; the
 * n-th one of a kind fails, moves half of its bytes, or is the last thing this process did.
 * Nothing is compiled into the code under test for this.
 */
#ifndef TESTS_FAULT_INJECT_H
#define TESTS_FAULT_INJECT_H

#include <stdbool.h>
#include <stdint.h>

enum inject_kind {
	INJECT_OPEN,
	INJECT_CREATE, /* open with O_CREAT */
	INJECT_OPENAT2,
	INJECT_DUP,
	INJECT_MEMFD,
	INJECT_PIPE,
	INJECT_PIDFD,
	INJECT_FDOPENDIR,
	INJECT_READDIR,
	INJECT_READ,
	INJECT_WRITE,
	INJECT_COPY, /* copy_file_range */
	INJECT_SENDFILE,
	INJECT_SYNC,
	INJECT_TRUNCATE,
	INJECT_CLOSE, /* closes, and says that something was lost */
	INJECT_MMAP,
	INJECT_STAT,
	INJECT_ACCESS,
	INJECT_READLINK,
	INJECT_STATVFS,
	INJECT_RENAME,
	INJECT_LINK,
	INJECT_SYMLINK,
	INJECT_MKNOD,
	INJECT_MKDIR,
	INJECT_UNLINK,
	INJECT_CHMOD,
	INJECT_CHOWN,
	INJECT_XATTR,
	INJECT_TIMES,
	INJECT_FLOCK,
	INJECT_RECORD_LOCK, /* fcntl, of SQLite */
	INJECT_POLL,
	INJECT_SPAWN,
	INJECT_WAIT,
	INJECT_RANDOM,
	INJECT_THREAD,
	INJECT_MOUNT,	 /* fsopen, fsconfig, fsmount, move_mount, open_tree, mount_setattr */
	INJECT_UMOUNT,	 /* umount2 */
	INJECT_MOUNT_ID, /* statx, statmount */
	INJECT_IOCTL,
	INJECT_CLONE,	  /* by syscall */
	INJECT_HINT,	  /* madvise, posix_fadvise, sync_file_range */
	INJECT_BUFFER,	  /* memory of a struct buf */
	INJECT_DB_MEMORY, /* memory of SQLite */
	INJECT_KIND_COUNT,
	INJECT_ANY = INJECT_KIND_COUNT, /* each of them */
};
const char *inject_kind_name(enum inject_kind kind);

enum inject_how {
	INJECT_NEVER, /* only counts */
	INJECT_ONCE,  /* the n-th call */
	INJECT_FROM,  /* the n-th and all that follow: the disk stays full */
	INJECT_SHORT, /* the n-th reads or writes only half */
	INJECT_KILL,  /* at the n-th the process ends by SIGKILL; a write is half done by then */
};

struct inject_plan {
	enum inject_kind kind;
	enum inject_how how;
	int errnum;
	uint64_t n; /* from 1 */
};

/* From here on calls count, in every thread. While not armed all calls are real. */
void inject_arm(const struct inject_plan *plan);
/* Ends it. Returns whether the plan came true. */
bool inject_disarm(void);
/* Calls of a kind since inject_arm; INJECT_ANY for all. */
uint64_t inject_count(enum inject_kind kind);

/* --- for inject_calls.c --- */

enum inject_verdict { INJECT_GO, INJECT_FAIL, INJECT_HALF, INJECT_DIE };
/* What becomes of the call that is about to be made; errno is set for INJECT_FAIL. */
enum inject_verdict inject_judge(enum inject_kind kind);
/* The end, without a word. */
void inject_die(void) __attribute__((noreturn));

/* The interposed functions run where no sanitizer is ready yet. */
#define INJECT_BARE \
	__attribute__((no_sanitize("address"), no_sanitize("thread"), no_sanitize("undefined")))

#endif
