/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From any tar to an image that the verifier takes: whatever layers come out of the bytes, once and
 * once more on top of themselves, is refused in words or written well, the same way twice.
 */
#include "base/mem.h"
#include "layers/layer.h"
#include "overlay/erofs.h"

#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int memory_file(const void *data, size_t len)
{
	const int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || (len && pwrite(fd, data, len, 0) != (ssize_t)len))
		abort();
	return fd;
}

static uint64_t sum_of(const unsigned char *p, size_t len)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ p[i]) * 1099511628211u;
	return sum;
}

static void check_image(int fd, uint64_t *sum)
{
	struct err err = { 0 };
	struct erofs *e = NULL;
	struct stat st;
	void *data;

	if (fstat(fd, &st) < 0 || erofs_open(fd, &e, &err) < 0)
		abort();
	erofs_free(e);
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (data == MAP_FAILED)
		abort();
	if (erofs_verify_bytes(NULL, data, (size_t)st.st_size, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		abort();
	}
	*sum = sum_of(data, (size_t)st.st_size);
	munmap(data, (size_t)st.st_size);
}

static void write_image(const struct tree *tree)
{
	static const struct digest chain = { .alg = DIGEST_SHA256 };
	uint64_t sums[2] = { 0, 0 };

	for (int i = 0; i < 2; i++) {
		_close_ int fd = memory_file(NULL, 0);
		struct err err = { 0 };

		if (erofs_write(NULL, tree, &chain, fd, &err) == 0)
			check_image(fd, &sums[i]);
		else if (err.kind != ERR_UNSUPPORTED && err.kind != ERR_DAMAGED)
			abort();
	}
	if (sums[0] != sums[1])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct layer *layer = NULL;
	struct err err = { 0 };

	if (layer_open(NULL, (struct layer_files){ memory_file(data, size), -1, true }, &layer,
		       &err) < 0)
		return 0;
	for (size_t count = 1; count <= 2; count++) {
		struct layer *const layers[2] = { layer, layer };
		struct tree *tree = NULL;

		if (tree_build(NULL, layers, count, &tree, &err) == 0)
			write_image(tree);
		tree_free(tree);
	}
	layer_free(layer);
	return 0;
}
