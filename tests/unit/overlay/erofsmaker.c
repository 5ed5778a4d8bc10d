/* SPDX-License-Identifier: Apache-2.0 */
/* Making images and mounting them. */
#include "tests/unit/overlay/erofsmaker.h"

#include "base/mem.h"
#include "tests/unit/runner.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

struct erofsmaker erofsmaker_make(void)
{
	return (struct erofsmaker){ .tmp = tmp_make(), .fd = -1 };
}

void erofsmaker_fini(struct erofsmaker *m)
{
	if (m->is_mounted) {
		_free_ char *mnt = xasprintf("%s/mnt", m->tmp.path);

		CU_ASSERT_EQUAL(umount2(mnt, MNT_DETACH), 0);
	}
	erofs_free(m->image);
	tree_free(m->tree);
	for (size_t i = 0; i < m->count; i++)
		layer_free(m->layers[i]);
	free(m->layers);
	if (m->fd >= 0)
		(void)close(m->fd);
	tmp_remove(&m->tmp);
}

void erofsmaker_layer(struct erofsmaker *m, const struct tarmaker *t)
{
	_free_ char *name = xasprintf("%zu.tar", m->count);
	const int fd = openat(m->tmp.fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct err err = { 0 };

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	for (size_t at = 0; at < t->len;) {
		const ssize_t n = pwrite(fd, t->data + at, t->len - at, (off_t)at);

		CU_ASSERT_TRUE_FATAL(n > 0);
		at += (size_t)n;
	}
	m->layers = xreallocarray(m->layers, m->count + 1, sizeof(*m->layers));
	CU_ASSERT_EQUAL_FATAL(layer_open(NULL, (struct layer_files){ fd, -1, true },
					 &m->layers[m->count], &err),
			      0);
	m->count++;
}

void erofsmaker_text(struct erofsmaker *m, const char *text)
{
	_tarmaker_ struct tarmaker t = { 0 };

	tarmaker_text(&t, text);
	erofsmaker_layer(m, &t);
}

int erofsmaker_write(struct erofsmaker *m, struct err *err)
{
	static const struct digest chain = { .alg = DIGEST_SHA256, .bytes = { 1, 2, 3, 4 } };

	TRY(tree_build(NULL, m->layers, m->count, &m->tree, err));
	m->fd = openat(m->tmp.fd, "image", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CU_ASSERT_TRUE_FATAL(m->fd >= 0);
	return erofs_write(NULL, m->tree, &chain, m->fd, err);
}

void erofsmaker_build(struct erofsmaker *m)
{
	struct err err = { 0 };

	if (erofsmaker_write(m, &err) < 0 || erofs_open(m->fd, &m->image, &err) < 0 ||
	    erofs_verify(NULL, m->image, &err) < 0)
		fprintf(stderr, "# %s\n", err.msg);
	CU_ASSERT_EQUAL_FATAL(err.kind, ERR_NONE);
}

unsigned char *erofsmaker_bytes(const struct erofsmaker *m, size_t *ret_len)
{
	struct stat st;
	unsigned char *data;

	CU_ASSERT_EQUAL_FATAL(fstat(m->fd, &st), 0);
	data = xcalloc(1, (size_t)st.st_size + 1);
	CU_ASSERT_EQUAL_FATAL(pread(m->fd, data, (size_t)st.st_size, 0), st.st_size);
	*ret_len = (size_t)st.st_size;
	return data;
}

/* --- tars --- */

void erofsmaker_header(struct tarmaker *t, const struct tm_header *h)
{
	if (strlen(h->name) > 100)
		tarmaker_meta(t, 'L', h->name, strlen(h->name));
	if (h->link && strlen(h->link) > 100)
		tarmaker_meta(t, 'K', h->link, strlen(h->link));
	tarmaker_header(t, h);
}

void erofsmaker_file(struct tarmaker *t, const char *name, size_t size)
{
	_free_ unsigned char *data = xcalloc(1, size + 1);

	for (size_t i = 0; i < size; i++)
		data[i] = (unsigned char)(i * 7 + (i >> 8) * 13 + size);
	erofsmaker_header(
		t, &(struct tm_header){ .type = '0', .name = name, .mode = 0644, .size = size });
	tarmaker_data(t, data, size);
}

/* --- mounting --- */

static int set(int fs, const char *key, const char *dir, const char *name)
{
	_free_ char *path = xasprintf("%s/%s", dir, name);

	return fsconfig(fs, FSCONFIG_SET_STRING, key, path, 0);
}

/* 0, or the errno of what failed. */
static int try_mount(struct erofsmaker *m)
{
	_free_ char *mnt = xasprintf("%s/mnt", m->tmp.path);
	_close_ int fs = fsopen("erofs", FSOPEN_CLOEXEC);
	_close_ int fd = -1;

	if (fs < 0 || set(fs, "source", m->tmp.path, "image") < 0)
		return errno;
	for (size_t i = 0; i < m->count; i++) {
		_free_ char *name = xasprintf("%zu.tar", i);

		if (set(fs, "device", m->tmp.path, name) < 0)
			return errno;
	}
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return errno;
	fd = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (fd < 0 || mkdirat(m->tmp.fd, "mnt", 0700) < 0 ||
	    move_mount(fd, "", AT_FDCWD, mnt, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return errno;
	m->is_mounted = true;
	return 0;
}

bool erofsmaker_mount(struct erofsmaker *m)
{
	const int rc = try_mount(m);

	if (rc == EPERM || rc == ENODEV || rc == ENOTBLK || rc == ENOSYS) {
		test_skip("this machine mounts no EROFS from files");
		return false;
	}
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	return true;
}
