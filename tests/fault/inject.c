/* SPDX-License-Identifier: Apache-2.0 */
/* Counting the calls and picking the one that fails. */
#include "tests/fault/inject.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

/* The plan is written before `armed` is set and read after it was seen. */
static struct {
	struct inject_plan plan;
	atomic_bool armed, hit;
	_Atomic uint64_t counts[INJECT_KIND_COUNT + 1];
} state;

static const char *const names[] = {
	[INJECT_OPEN] = "open",
	[INJECT_CREATE] = "create",
	[INJECT_OPENAT2] = "openat2",
	[INJECT_DUP] = "dup",
	[INJECT_MEMFD] = "memfd",
	[INJECT_PIPE] = "pipe",
	[INJECT_PIDFD] = "pidfd",
	[INJECT_FDOPENDIR] = "fdopendir",
	[INJECT_READDIR] = "readdir",
	[INJECT_READ] = "read",
	[INJECT_WRITE] = "write",
	[INJECT_COPY] = "copy_file_range",
	[INJECT_SENDFILE] = "sendfile",
	[INJECT_SYNC] = "fsync",
	[INJECT_TRUNCATE] = "truncate",
	[INJECT_CLOSE] = "close",
	[INJECT_MMAP] = "mmap",
	[INJECT_STAT] = "stat",
	[INJECT_ACCESS] = "access",
	[INJECT_READLINK] = "readlink",
	[INJECT_STATVFS] = "statvfs",
	[INJECT_RENAME] = "rename",
	[INJECT_LINK] = "link",
	[INJECT_SYMLINK] = "symlink",
	[INJECT_MKNOD] = "mknod",
	[INJECT_MKDIR] = "mkdir",
	[INJECT_UNLINK] = "unlink",
	[INJECT_CHMOD] = "chmod",
	[INJECT_CHOWN] = "chown",
	[INJECT_XATTR] = "setxattr",
	[INJECT_TIMES] = "utimens",
	[INJECT_FLOCK] = "flock",
	[INJECT_RECORD_LOCK] = "record lock",
	[INJECT_POLL] = "poll",
	[INJECT_SPAWN] = "spawn",
	[INJECT_WAIT] = "waitpid",
	[INJECT_RANDOM] = "getrandom",
	[INJECT_THREAD] = "thread",
	[INJECT_MOUNT] = "mount",
	[INJECT_UMOUNT] = "umount",
	[INJECT_MOUNT_ID] = "mount id",
	[INJECT_IOCTL] = "ioctl",
	[INJECT_CLONE] = "clone",
	[INJECT_HINT] = "hint",
	[INJECT_BUFFER] = "buffer",
	[INJECT_DB_MEMORY] = "database memory",
	[INJECT_ANY] = "any",
};

const char *inject_kind_name(enum inject_kind kind)
{
	return names[kind];
}

void inject_arm(const struct inject_plan *plan)
{
	state.plan = *plan;
	for (size_t i = 0; i <= INJECT_KIND_COUNT; i++)
		atomic_store(&state.counts[i], 0);
	atomic_store(&state.hit, false);
	atomic_store(&state.armed, true);
}

bool inject_disarm(void)
{
	atomic_store(&state.armed, false);
	return atomic_load(&state.hit);
}

uint64_t inject_count(enum inject_kind kind)
{
	return atomic_load(&state.counts[kind]);
}

INJECT_BARE static bool is_meant(enum inject_kind kind, uint64_t n, uint64_t all)
{
	const struct inject_plan *p = &state.plan;

	if (p->how == INJECT_NEVER)
		return false;
	if (p->kind == INJECT_ANY)
		return all == p->n;
	return kind == p->kind && (n == p->n || (p->how == INJECT_FROM && n > p->n));
}

INJECT_BARE enum inject_verdict inject_judge(enum inject_kind kind)
{
	if (!atomic_load(&state.armed))
		return INJECT_GO;
	const uint64_t n = atomic_fetch_add(&state.counts[kind], 1) + 1;
	const uint64_t all = atomic_fetch_add(&state.counts[INJECT_ANY], 1) + 1;

	if (!is_meant(kind, n, all))
		return INJECT_GO;
	atomic_store(&state.hit, true);
	if (state.plan.how == INJECT_KILL)
		return INJECT_DIE;
	if (state.plan.how == INJECT_SHORT)
		return INJECT_HALF;
	errno = state.plan.errnum;
	return INJECT_FAIL;
}

INJECT_BARE void inject_die(void)
{
	for (;;)
		(void)kill(getpid(), SIGKILL);
}
