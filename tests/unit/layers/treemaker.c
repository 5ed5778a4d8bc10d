/* SPDX-License-Identifier: Apache-2.0 */
/* Building the trees of the tests. */
#include "tests/unit/layers/treemaker.h"

#include "base/mem.h"
#include "layers/tar_write.h"

#include <CUnit/CUnit.h>
#include <sys/mman.h>

static int make_tar(const struct treemaker_entry *entries, size_t count)
{
	const int fd = memfd_create("tar", MFD_CLOEXEC);
	struct tar_writer *w = tar_writer_new(fd);
	struct err err = { 0 };

	for (size_t i = 0; i < count; i++) {
		struct tar_entry e = entries[i].entry;

		e.link_name = e.link_name ? e.link_name : "";
		e.size_bytes = entries[i].text ? strlen(entries[i].text) : 0;
		CU_ASSERT_EQUAL_FATAL(tar_writer_entry(w, &e, &err), 0);
		CU_ASSERT_EQUAL_FATAL(tar_writer_data(w, entries[i].text, e.size_bytes, &err), 0);
	}
	CU_ASSERT_EQUAL_FATAL(tar_writer_finish(w, NULL, &err), 0);
	tar_writer_free(w);
	return fd;
}

void treemaker_from_tar(struct treemaker *m, int tar_fd)
{
	struct err err = { 0 };
	int rc = layer_open(NULL, (struct layer_files){ tar_fd, -1, true }, &m->layer, &err);

	CU_ASSERT_EQUAL_FATAL(rc, 0);
	rc = tree_build(NULL, &m->layer, 1, &m->tree, &err);
	CU_ASSERT_EQUAL_FATAL(rc, 0);
}

void treemaker_init(struct treemaker *m, const struct treemaker_entry *entries, size_t count)
{
	treemaker_from_tar(m, make_tar(entries, count));
}

void treemaker_fini(struct treemaker *m)
{
	tree_free(m->tree);
	layer_free(m->layer);
}
