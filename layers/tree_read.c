/* SPDX-License-Identifier: Apache-2.0 */
/* Reading files of a tree out of the tars of its layers. */
#include "layers/tree.h"

#include "base/mem.h"
#include "base/text.h"
#include "layers/tree_parts.h"

#include <sys/stat.h>

/* What one call of pread gives, restarted. The layer was whole when it was indexed. */
static ssize_t read_tar(const struct layer *layer, void *data, size_t len, uint64_t offset,
			struct err *err)
{
	ssize_t n;

	do
		n = pread(layer_tar_fd(layer), data, len, (off_t)offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(err, errno, "layer tar");
	if (n == 0)
		return err_set(err, ERR_DAMAGED, "layer tar: cut short");
	return n;
}

ssize_t tree_read(const struct tree *tree, struct tree_place from, void *data, size_t len,
		  struct err *err)
{
	struct tree_stat st;
	size_t done = 0;

	tree_stat(tree, from.node, &st);
	if (!S_ISREG(st.mode))
		return err_set(err, ERR_USAGE, "'%s': not a regular file",
			       TEXT_ESCAPED(tree_name(tree, from.node)));
	while (done < len) {
		const struct layer *layer = tree->layers[st.layer];
		uint64_t at, bytes;
		ssize_t n;

		layer_entry_locate(layer, st.entry, from.offset + done, &at, &bytes);
		if (!bytes)
			break;
		n = (ssize_t)(bytes < len - done ? bytes : len - done);
		if (at == UINT64_MAX)
			memset((char *)data + done, 0, (size_t)n);
		else
			TRY(n = read_tar(layer, (char *)data + done, (size_t)n, at, err));
		done += (size_t)n;
	}
	return (ssize_t)done;
}
