/* SPDX-License-Identifier: Apache-2.0 */
/* Many mount and unmount one image at once, threads and processes: all are served, none is left. */
#include "base/mem.h"
#include "overlay/mount_record.h"
#include "sys/file.h"
#include "tests/support/child.h"
#include "tests/unit/overlay/mountmaker.h"

#include <CUnit/CUnit.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define RACERS 4
#define ROUNDS 6

static const char *const two[] = { "d etc; f etc/motd=hello; f gone=x", "f .wh.gone; f new=n",
				   NULL };

struct racer {
	const struct mountmaker *m;
	struct store *store;
	const struct mountimage *image;
	unsigned number;
	struct err err;
	const char *wrong;
};

static const char *round_of(struct racer *r, struct mountimage *i, unsigned n)
{
	_mount_entry_ struct mount_entry e = { 0 };
	_mount_entry_ struct mount_entry gone = { 0 };
	struct mount_request q = mountimage_request(i);
	_free_ char *id = xasprintf("r%u", r->number);
	uint64_t count;

	q.is_writable = (n + r->number) % 3 == 0;
	/* Some under an id of their own, which is used again and again. */
	q.id = n % 2 ? id : NULL;
	if (mounts_mount(NULL, &q, &e, &r->err) < 0)
		return "mount";
	if (!shows(e.path, "etc/motd", "hello") || shows(e.path, "gone", "x"))
		return "another image";
	if (n % 4 == 0 && mounts_tidy(NULL, r->store, &count, &r->err) < 0)
		return "tidy";
	const struct umount_request u = { .store = r->store, .name = e.id, .remove = true };

	return mounts_umount(NULL, &u, &gone, &r->err) == 0 ? NULL : "umount";
}

static void *race(void *arg)
{
	struct racer *r = arg;
	struct mountimage i = *r->image;

	i.store = r->store;
	for (unsigned n = 0; n < ROUNDS && !r->wrong; n++)
		r->wrong = round_of(r, &i, n);
	mountimage_fini(&i);
	return NULL;
}

void test_mounts_races__threads(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };
	struct racer racers[RACERS];
	pthread_t threads[RACERS];

	if (!m.store)
		return;
	mountimage_init(&i, m.store, two);
	for (unsigned n = 0; n < RACERS; n++) {
		racers[n] = (struct racer){ .m = &m, .store = m.store, .image = &i, .number = n };
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[n], NULL, race, &racers[n]), 0);
	}
	for (unsigned n = 0; n < RACERS; n++) {
		CU_ASSERT_EQUAL(pthread_join(threads[n], NULL), 0);
		CU_ASSERT_PTR_NULL(racers[n].wrong);
		if (racers[n].wrong)
			printf("# %s: %s\n", racers[n].wrong, racers[n].err.msg);
	}
}

static int race_alone(struct racer *r)
{
	_store_ struct store *store = NULL;

	if (store_open(r->m->path, 0, &store, &r->err) < 0)
		return 1;
	r->store = store;
	(void)race(r);
	if (r->wrong)
		fprintf(stderr, "# %s: %s\n", r->wrong, r->err.msg);
	return r->wrong != NULL;
}

void test_mounts_races__processes(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };
	pid_t pids[RACERS];

	if (!m.store)
		return;
	mountimage_init(&i, m.store, two);
	store_close(TAKE_PTR(m.store));
	fflush(NULL);
	for (unsigned n = 0; n < RACERS; n++) {
		struct racer r = { .m = &m, .image = &i, .number = n };

		pids[n] = fork();
		if (pids[n] == 0)
			_exit(race_alone(&r));
	}
	for (unsigned n = 0; n < RACERS; n++) {
		int status = -1;

		CU_ASSERT_EQUAL(waitpid(pids[n], &status, 0), pids[n]);
		CU_ASSERT_EQUAL(status, 0);
	}
}
