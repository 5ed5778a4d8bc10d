/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranges of ids, and user namespaces that carry them: a mount takes its mapping from one
 * (mount_setattr(2), MOUNT_ATTR_IDMAP). The namespace needs a process in it only until it was
 * mapped and opened.
 */
#include "sys/mount.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define RANGES_MAX 340 /* of the kernel: user_namespaces(7) */

/* --- the text --- */

static int parse_number(const char **at, char end, uint32_t *ret)
{
	const size_t len = strcspn(*at, ":,");
	uint64_t n;

	if ((*at)[len] != end && !(end == ',' && !(*at)[len]))
		return -EINVAL;
	if (text_parse_u64(*at, len, 10, &n) < 0 || n > UINT32_MAX)
		return -EINVAL;
	*at += len + ((*at)[len] != '\0');
	*ret = (uint32_t)n;
	return 0;
}

static bool overlaps(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count)
{
	return (uint64_t)a < (uint64_t)b + b_count && (uint64_t)b < (uint64_t)a + a_count;
}

/* UINT32_MAX is no id. */
static bool is_good(const struct id_map *map, const struct id_range *r)
{
	if (!r->count || (uint64_t)r->inside + r->count > UINT32_MAX ||
	    (uint64_t)r->outside + r->count > UINT32_MAX)
		return false;
	for (size_t i = 0; i < map->count; i++) {
		const struct id_range *o = &map->ranges[i];

		if (overlaps(r->inside, r->count, o->inside, o->count) ||
		    overlaps(r->outside, r->count, o->outside, o->count))
			return false;
	}
	return true;
}

static int parse_range(const char **at, struct id_range *ret)
{
	TRY(parse_number(at, ':', &ret->inside));
	TRY(parse_number(at, ':', &ret->outside));
	return parse_number(at, ',', &ret->count);
}

static int parse_ranges(const char *text, struct id_map *map)
{
	const size_t len = strlen(text);

	if (!len || text[len - 1] == ',')
		return -EINVAL;
	while (*text) {
		struct id_range r = { 0 };

		if (map->count == RANGES_MAX || parse_range(&text, &r) < 0 || !is_good(map, &r))
			return -EINVAL;
		map->ranges = xreallocarray(map->ranges, map->count + 1, sizeof(r));
		map->ranges[map->count++] = r;
	}
	return 0;
}

int id_map_parse(const char *text, struct id_map *ret, struct err *err)
{
	struct id_map map = { 0 };

	if (parse_ranges(text, &map) < 0) {
		free(map.ranges);
		const int rc = err_set(err, ERR_USAGE, "%s: not a map of ids", TEXT_ESCAPED(text));

		err_hint(err, "INSIDE:OUTSIDE:COUNT[,...], as in 0:100000:65536; no id twice");
		return rc;
	}
	*ret = map;
	return 0;
}

bool id_map_out(const struct id_map *map, uint32_t inside, uint32_t *ret)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct id_range *r = &map->ranges[i];

		if (inside >= r->inside && inside - r->inside < r->count) {
			*ret = r->outside + (inside - r->inside);
			return true;
		}
	}
	return false;
}

bool id_map_in(const struct id_map *map, uint32_t outside, uint32_t *ret)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct id_range *r = &map->ranges[i];

		if (outside >= r->outside && outside - r->outside < r->count) {
			*ret = r->inside + (outside - r->outside);
			return true;
		}
	}
	return false;
}

/* --- the namespace --- */

/* A child in a user namespace of its own. It ends when `hold` is closed, or with its parent. */
struct holder {
	pid_t pid;
	int hold;
};

/*
 * The memory is a copy of a process that may have had threads: only bare system calls from here.
 */
static void hold_namespace(int wait_fd, int hold_fd)
{
	char byte;

	(void)syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)syscall(SYS_close, hold_fd);
	(void)syscall(SYS_read, wait_fd, &byte, 1);
	(void)syscall(SYS_exit_group, 0);
	__builtin_trap();
}

static int holder_start(struct holder *ret, struct err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "pipe");
	/* No signal at its end: whoever handles SIGCHLD never knew of it. */
	const long pid = syscall(SYS_clone, CLONE_NEWUSER, 0, 0, 0, 0);

	if (pid == 0)
		hold_namespace(ends[0], ends[1]);
	const int errnum = errno;

	(void)close(ends[0]);
	if (pid < 0) {
		(void)close(ends[1]);
		return err_sys(err, errnum, "user namespace");
	}
	*ret = (struct holder){ (pid_t)pid, ends[1] };
	return 0;
}

static void holder_end(struct holder *h)
{
	int rc;

	(void)close(h->hold);
	do
		rc = waitpid(h->pid, NULL, __WALL);
	while (rc < 0 && errno == EINTR);
}

static int write_map(const struct holder *h, const char *name, const struct id_map *map,
		     struct err *err)
{
	_free_ char *path = xasprintf("/proc/%d/%s", (int)h->pid, name);
	_buf_ struct buf text = BUF_INIT(RANGES_MAX * 36);

	for (size_t i = 0; i < map->count; i++) {
		const struct id_range *r = &map->ranges[i];

		TRY(buf_printf(&text, err, "%u %u %u\n", r->inside, r->outside, r->count));
	}
	_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, errno, "%s", name);
	/* One write: the kernel takes no second. */
	return file_write_all(fd, text.data, text.len, name, err);
}

static int open_namespace(const struct holder *h, const struct id_map *uids,
			  const struct id_map *gids, struct err *err)
{
	_free_ char *path = xasprintf("/proc/%d/ns/user", (int)h->pid);

	TRY(write_map(h, "uid_map", uids, err));
	TRY(write_map(h, "gid_map", gids, err));
	const int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_sys(err, errno, "user namespace") : fd;
}

int userns_make(const struct id_map *uids, const struct id_map *gids, struct err *err)
{
	struct holder h = { .hold = -1 };

	TRY(holder_start(&h, err));
	const int fd = open_namespace(&h, uids, gids, err);

	holder_end(&h);
	return fd;
}
