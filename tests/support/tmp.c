/* SPDX-License-Identifier: Apache-2.0 */
/* Folders of tests. */
#include "tests/support/tmp.h"

#include "sys/file.h"

#include <fcntl.h>

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

static struct tmp make_in(const char *base)
{
	struct tmp t;

	snprintf(t.path, sizeof(t.path), "%s/img-test-XXXXXX", base);
	must(mkdtemp(t.path) != NULL, t.path);
	t.fd = open(t.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(t.fd >= 0, t.path);
	return t;
}

struct tmp tmp_make(void)
{
	const char *base = getenv("TMPDIR");

	return make_in(base && *base ? base : "/tmp");
}

struct tmp tmp_make_in_memory(void)
{
	return access("/dev/shm", W_OK) == 0 ? make_in("/dev/shm") : tmp_make();
}

void tmp_remove(struct tmp *t)
{
	struct err err = { 0 };
	const char *name = strrchr(t->path, '/') + 1;
	char parent[sizeof(t->path)];

	snprintf(parent, sizeof(parent), "%.*s", (int)(name - t->path), t->path);
	const int fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || file_remove_tree(fd, name, &err) < 0)
		fprintf(stderr, "# %s stays: %s\n", t->path, err.msg);
	if (fd >= 0)
		(void)close(fd);
	(void)close(t->fd);
}

void tmp_write(const struct tmp *t, const char *name, const void *data, size_t len)
{
	const int fd = openat(t->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	must(fd >= 0, name);
	must(file_write_all(fd, data, len, name, NULL) == 0, name);
	must(close(fd) == 0, name);
}

void tmp_write_str(const struct tmp *t, const char *name, const char *text)
{
	tmp_write(t, name, text, strlen(text));
}
