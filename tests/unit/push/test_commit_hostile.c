/* SPDX-License-Identifier: Apache-2.0 */
/* Upper folders of containers that mean harm. */
#include "base/mem.h"
#include "push/commit_int.h"
#include "tests/unit/push/world.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

static const struct world_base plain = { 0 };

static int drop(void *arg, const void *data, size_t len, struct err *err)
{
	(void)arg;
	(void)data;
	(void)len;
	(void)err;
	return 0;
}

static int pack(struct world *w, const struct stat *seen, const char *name, struct err *err)
{
	const struct commit_request request = world_request(w);
	struct tar_writer *tar = tar_writer_new_sink(drop, NULL);
	struct packer *p = packer_new(&w->op, &request, tar);
	const struct change c = { .kind = CHANGE_ADDED,
				  .path = name,
				  .st = seen,
				  .parent_fd = w->upper.fd,
				  .name = name };
	const int rc = packer_change(p, &c, err);

	packer_free(p);
	tar_writer_free(tar);
	return rc;
}

/* What took the place of the file that was seen may be a device: opening it may do anything. */
void test_commit_hostile__what_was_not_seen_is_not_opened(void)
{
	_world_ struct world w;
	_close_ int events = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	char event[4096];
	struct stat seen;
	struct err err = { 0 };

	world_init(&w, &plain);
	tmp_write_str(&w.upper, "seen", "1");
	tmp_write_str(&w.upper, "other", "2");
	CU_ASSERT_EQUAL(fstatat(w.upper.fd, "seen", &seen, 0), 0);
	CU_ASSERT_TRUE(inotify_add_watch(events, w.upper.path, IN_OPEN) >= 0);
	CU_ASSERT_TRUE(pack(&w, &seen, "other", &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_CHANGED);
	CU_ASSERT_TRUE(read(events, event, sizeof(event)) < 0);
	/* And what was, is. */
	CU_ASSERT_EQUAL(pack(&w, &seen, "seen", &err), 0);
	CU_ASSERT_TRUE(read(events, event, sizeof(event)) > 0);
}

/* A map of a tar can't say so many runs, and in full it would be 64 GiB. */
void test_commit_hostile__too_many_holes_for_their_size(void)
{
	_world_ struct world w;
	struct err err = { 0 };
	struct stat st;

	world_init(&w, &plain);
	_close_ int fd = openat(w.upper.fd, "f", O_CREAT | O_RDWR | O_CLOEXEC, 0644);

	CU_ASSERT_EQUAL(ftruncate(fd, (off_t)80 << 30), 0);
	for (off_t i = 0; i <= 16384; i++)
		if (pwrite(fd, "x", 1, i << 22) != 1)
			CU_FAIL_FATAL("no room");
	CU_ASSERT_EQUAL(fstat(fd, &st), 0);
	CU_ASSERT_TRUE(pack(&w, &st, "f", &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_LIMIT);
}
