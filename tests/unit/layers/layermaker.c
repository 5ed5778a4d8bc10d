/* SPDX-License-Identifier: Apache-2.0 */
/* A layer with one of everything, and ways to open it with an index of one's own. */
#include "tests/unit/layers/layermaker.h"

#include "base/mem.h"

#include <CUnit/CUnit.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* One of everything that the index keeps. */
void layermaker_tar(struct tarmaker *t)
{
	tarmaker_text(t, "d etc:700; f etc/passwd=root; l l->etc; h h->etc/passwd; c c=1.3; p p");
	t->len -= 1024; /* go on */
	tarmaker_pax(t, 'x', "uid", "4294967296", "gid", "-5", "mtime", "-1.25", NULL);
	tarmaker_file(t, "wide", "w");
	tarmaker_pax(t, 'x', "SCHILY.xattr.user.a", "value", "SCHILY.xattr.security.capability",
		     "cap", NULL);
	tarmaker_header(t, &(struct tm_header){ .type = '3', .name = "with", .dev_major = 7 });
	tarmaker_pax(t, 'x', "GNU.sparse.numblocks", "3", "GNU.sparse.map", "10,4,20,4,30,0",
		     "GNU.sparse.size", "40", "SCHILY.xattr.user.b", "2", NULL);
	tarmaker_file(t, "sparse", "abcdefgh");
	tarmaker_end(t);
}

int layermaker_file(const void *data, size_t len)
{
	const int fd = memfd_create("test", MFD_CLOEXEC);

	if (fd < 0 || pwrite(fd, data, len, 0) != (ssize_t)len)
		abort();
	return fd;
}

static void *read_file(int fd, size_t *ret_len)
{
	struct stat st;
	void *data;

	if (fstat(fd, &st) < 0)
		abort();
	data = xcalloc(1, (size_t)st.st_size + 1);
	if (pread(fd, data, (size_t)st.st_size, 0) != st.st_size)
		abort();
	close(fd);
	*ret_len = (size_t)st.st_size;
	return data;
}

void *layermaker_index(const struct tarmaker *t, size_t chunk, unsigned seed, size_t *ret_len)
{
	struct err err = { 0 };
	const int fd = tarmaker_index(t, chunk, seed, &err);

	if (fd < 0) {
		CU_FAIL("no index");
		abort();
	}
	return read_file(fd, ret_len);
}

int layermaker_open(const struct tarmaker *t, struct bytes index, bool rebuild, struct layer **ret,
		    struct err *err)
{
	return layer_open(NULL,
			  (struct layer_files){ layermaker_file(t->data, t->len),
						layermaker_file(index.p, index.len), rebuild },
			  ret, err);
}
