/* SPDX-License-Identifier: Apache-2.0 */
/* Trees from entries written in C: our tar writer, our index, our merge. */
#include "tests/unit/cli/lookmaker.h"

#include "base/mem.h"
#include "layers/tar_write.h"

#include <CUnit/CUnit.h>
#include <sys/mman.h>

void lookmaker_layer(struct lookmaker *m, const struct lookmaker_entry *entries, size_t count)
{
	const int fd = memfd_create("lookmaker", MFD_CLOEXEC);
	struct tar_writer *w = tar_writer_new(fd);
	uint64_t bytes;

	*m = (struct lookmaker){ 0 };
	for (size_t i = 0; i < count; i++) {
		struct tar_entry e = entries[i].entry;
		const char *text = entries[i].text ? entries[i].text : "";

		e.link_name = e.link_name ? e.link_name : "";
		e.size_bytes = e.type == '0' ? strlen(text) : 0;
		CU_ASSERT_EQUAL_FATAL(tar_writer_entry(w, &e, NULL), 0);
		if (e.size_bytes)
			CU_ASSERT_EQUAL_FATAL(tar_writer_data(w, text, e.size_bytes, NULL), 0);
	}
	CU_ASSERT_EQUAL_FATAL(tar_writer_finish(w, &bytes, NULL), 0);
	tar_writer_free(w);
	CU_ASSERT_EQUAL_FATAL(
		layer_open(NULL, (struct layer_files){ fd, -1, true }, &m->layer, NULL), 0);
}

void lookmaker_init(struct lookmaker *m, const struct lookmaker_entry *entries, size_t count)
{
	lookmaker_layer(m, entries, count);
	CU_ASSERT_EQUAL_FATAL(tree_build(NULL, &m->layer, 1, &m->tree, NULL), 0);
}

void lookmaker_fini(struct lookmaker *m)
{
	tree_free(m->tree);
	layer_free(m->layer);
}
