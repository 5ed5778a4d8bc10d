/* SPDX-License-Identifier: Apache-2.0 */
/* A small table under one lock. Readers get descriptors of their own through /proc/self/fd. */
#include "store/memfiles.h"

#include "base/mem.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

/* How often somebody who waits looks whether it was cancelled. */
#define LOOK_NS 20000000

void memfiles_init(struct memfiles *m)
{
	*m = (struct memfiles){ 0 };
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->freed, NULL);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

void memfiles_fini(struct memfiles *m)
{
	for (size_t i = 0; i < m->count; i++) {
		for (size_t part = 0; part < MEMFILE_PARTS; part++)
			close_fd(m->items[i]->fds[part]);
		close_fd(m->items[i]->kept_fd);
		free(m->items[i]);
	}
	free(m->items);
	pthread_cond_destroy(&m->freed);
	pthread_mutex_destroy(&m->lock);
}

int memfile_new(struct err *err)
{
	const int fd = memfd_create("img", MFD_CLOEXEC);

	return fd >= 0 ? fd : err_sys(err, errno, "memory file");
}

uint64_t memfile_bytes(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* Under the lock. NULL when nothing is known of the digest. */
static struct memfile *find(struct memfiles *m, const struct digest *d)
{
	for (size_t i = 0; i < m->count; i++)
		if (digest_equal(&m->items[i]->digest, d))
			return m->items[i];
	return NULL;
}

static struct memfile *find_or_add(struct memfiles *m, const struct digest *d)
{
	struct memfile *f = find(m, d);

	if (f)
		return f;
	f = NEW(struct memfile);
	*f = (struct memfile){ .digest = *d, .fds = { -1, -1 }, .kept_fd = -1 };
	m->items = xreallocarray(m->items, m->count + 1, sizeof(struct memfile *));
	m->items[m->count++] = f;
	return f;
}

static void wait_a_little(struct memfiles *m)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += LOOK_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&m->freed, &m->lock, &until);
}

int memfiles_begin(struct memfiles *m, struct op *op, const struct digest *d,
		   memfiles_present_fn *present, const void *arg)
{
	int rc = 0;

	pthread_mutex_lock(&m->lock);
	struct memfile *f = find_or_add(m, d);

	while (!present(f, arg) && f->has_maker && rc == 0) {
		wait_a_little(m);
		rc = op_check(op, NULL);
	}
	if (present(f, arg))
		rc = 1;
	else if (rc == 0)
		f->has_maker = true;
	pthread_mutex_unlock(&m->lock);
	return rc;
}

int memfiles_take_kept(struct memfiles *m, const struct digest *d)
{
	pthread_mutex_lock(&m->lock);
	struct memfile *f = find(m, d);
	const int fd = f ? TAKE_FD(f->kept_fd) : -1;

	pthread_mutex_unlock(&m->lock);
	return fd;
}

void memfiles_publish(struct memfiles *m, const struct digest *d, size_t part, int fd)
{
	pthread_mutex_lock(&m->lock);
	struct memfile *f = find_or_add(m, d);

	close_fd(f->fds[part]);
	f->fds[part] = fd;
	pthread_mutex_unlock(&m->lock);
}

void memfiles_end(struct memfiles *m, const struct digest *d, int kept_fd)
{
	pthread_mutex_lock(&m->lock);
	struct memfile *f = find_or_add(m, d);

	close_fd(f->kept_fd);
	f->kept_fd = kept_fd;
	f->has_maker = false;
	pthread_cond_broadcast(&m->freed);
	pthread_mutex_unlock(&m->lock);
}

static int reopen(int fd, struct err *err)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	const int own = open(path, O_RDONLY | O_CLOEXEC);

	return own >= 0 ? own : err_sys(err, errno, "memory file");
}

int memfiles_open(struct memfiles *m, const struct digest *d, size_t part, uint64_t *ret_size,
		  struct err *err)
{
	int fd;

	pthread_mutex_lock(&m->lock);
	const struct memfile *f = find(m, d);

	if (f && f->fds[part] >= 0)
		fd = reopen(f->fds[part], err);
	else
		fd = err_sys(err, ENOENT, "%s", DIGEST_TEXT(d));
	pthread_mutex_unlock(&m->lock);
	if (fd >= 0 && ret_size)
		*ret_size = memfile_bytes(fd);
	return fd;
}

int memfiles_remove(struct memfiles *m, const struct digest *d, struct err *err)
{
	bool found = false;

	pthread_mutex_lock(&m->lock);
	struct memfile *f = find(m, d);

	if (f && f->fds[0] >= 0) {
		found = true;
		for (size_t part = 0; part < MEMFILE_PARTS; part++)
			close_fd(TAKE_FD(f->fds[part]));
	}
	pthread_mutex_unlock(&m->lock);
	return found ? 0 : err_sys(err, ENOENT, "%s", DIGEST_TEXT(d));
}

/* The n-th published one, so that the lock is not held over a call back; items never go. */
static bool nth(struct memfiles *m, size_t n, struct digest *ret, uint64_t *ret_size, bool *ret_end)
{
	bool is_present = false;

	pthread_mutex_lock(&m->lock);
	*ret_end = n >= m->count;
	if (!*ret_end && m->items[n]->fds[0] >= 0) {
		is_present = true;
		*ret = m->items[n]->digest;
		*ret_size = memfile_bytes(m->items[n]->fds[0]);
	}
	pthread_mutex_unlock(&m->lock);
	return is_present;
}

int memfiles_list(struct memfiles *m, memfiles_fn *fn, void *arg, struct err *err)
{
	bool end = false;

	for (size_t n = 0; !end; n++) {
		struct digest d;
		uint64_t size;

		if (!nth(m, n, &d, &size, &end))
			continue;
		const int rc = fn(arg, &d, size, err);

		if (rc != 0)
			return rc;
	}
	return 0;
}
