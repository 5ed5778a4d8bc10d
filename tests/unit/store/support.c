/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the store share. */
#include "tests/unit/store/support.h"

#include "base/mem.h"
#include "stream/hash.h"

#include <CUnit/CUnit.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

struct fixture fixture_files(void)
{
	struct fixture f = { .backend = "files", .is_files = true, .tmp = tmp_make() };
	struct err err = { 0 };

	f.failures_before = CU_get_number_of_failures();
	snprintf(f.path, sizeof(f.path), "%s/store", f.tmp.path);
	if (store_open(f.path, STORE_CREATE, &f.store, &err) < 0)
		fprintf(stderr, "# %s\n", err.msg);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f.store);
	return f;
}

struct fixture fixture_open(size_t backend)
{
	struct fixture f = { .backend = "memory" };

	if (backend == 0)
		return fixture_files();
	f.failures_before = CU_get_number_of_failures();
	f.store = store_new_memory();
	return f;
}

void fixture_close(struct fixture *f)
{
	if (CU_get_number_of_failures() != f->failures_before)
		printf("# that was backend %s\n", f->backend);
	store_close(f->store);
	f->store = NULL;
	if (f->is_files)
		tmp_remove(&f->tmp);
	f->is_files = false;
}

struct digest digest_of(const void *data, size_t len)
{
	struct digest d;

	hash_bytes(DIGEST_SHA256, data, len, &d);
	return d;
}

struct digest digest_of_str(const char *text)
{
	return digest_of(text, strlen(text));
}

struct digest digest512_of_str(const char *text)
{
	struct digest d;

	hash_bytes(DIGEST_SHA512, text, strlen(text), &d);
	return d;
}

struct digest put_blob(struct store *store, const char *text)
{
	const struct digest d = digest_of_str(text);
	_buf_ struct buf data = BUF_INIT(1 << 20);
	struct err err = { 0 };

	CU_ASSERT_EQUAL(buf_append_str(&data, text, NULL), 0);
	CU_ASSERT_EQUAL(blobs_put(store->blobs, NULL, &d, &data, &err), 0);
	return d;
}

struct blob_writer *begin_blob(struct store *store, const char *text)
{
	const struct blob_want want = { digest_of_str(text), strlen(text), false };
	struct blob_writer *w = NULL;
	struct err err = { 0 };

	CU_ASSERT_EQUAL(blobs_begin(store->blobs, NULL, &want, &w, &err), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	return w;
}

bool blob_is(struct store *store, const struct digest *d, const char *text)
{
	_buf_ struct buf data = BUF_INIT(1 << 20);
	struct err err = { 0 };

	return blobs_read(store->blobs, d, &data, &err) == 0 && data.len == strlen(text) &&
	       !memcmp(buf_str(&data), text, data.len);
}

bool fd_is(int fd, const char *text)
{
	char data[4096];
	const ssize_t n = read(fd, data, sizeof(data));

	return n == (ssize_t)strlen(text) && !memcmp(data, text, (size_t)n);
}

static DIR *open_folder(const char *path, const char *folder)
{
	_free_ char *full = xasprintf("%s/%s", path, folder);

	return opendir(full);
}

int count_entries(const struct fixture *f, const char *folder)
{
	DIR *entries = open_folder(f->path, folder);
	int count = 0;

	if (!entries)
		return -1;
	for (const struct dirent *e; (e = readdir(entries));)
		count += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	(void)closedir(entries);
	return count;
}

int count_fds(void)
{
	DIR *entries = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(entries))
		count++;
	(void)closedir(entries);
	return count;
}

static bool hashes_to(int fd, enum digest_alg alg, const char *hex)
{
	struct hash *h = hash_new(alg);
	char data[65536];
	struct digest d;
	ssize_t n;

	while ((n = read(fd, data, sizeof(data))) > 0)
		hash_update(h, data, (size_t)n);
	hash_final(h, &d);
	hash_free(h);
	return n == 0 && !strncmp(DIGEST_HEX(&d), hex, strlen(DIGEST_HEX(&d)));
}

/* 1 for a good file, 0 for one that is not named by a digest of its content, -1 for a bad one. */
static int check_file(int dir, enum digest_alg alg, const char *name)
{
	_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if ((st.st_mode & 07777) != 0444)
		return -1;
	if (strstr(name, ".idx"))
		return 0;
	return hashes_to(fd, alg, name) ? 1 : -1;
}

static int check_folder(const char *path, const char *folder, enum digest_alg alg)
{
	DIR *entries = open_folder(path, folder);
	int count = 0;

	if (!entries)
		return -1;
	for (const struct dirent *e; (e = readdir(entries));) {
		if (e->d_name[0] == '.')
			continue;
		const int rc = check_file(dirfd(entries), alg, e->d_name);

		if (rc < 0) {
			fprintf(stderr, "# not whole: %s/%s\n", folder, e->d_name);
			count = -1;
			break;
		}
		count += rc;
	}
	(void)closedir(entries);
	return count;
}

int check_whole(const char *path)
{
	static const struct {
		const char *folder;
		enum digest_alg alg;
	} folders[] = { { "blobs/sha256", DIGEST_SHA256 },
			{ "blobs/sha512", DIGEST_SHA512 },
			{ "layers/sha256", DIGEST_SHA256 },
			{ "layers/sha512", DIGEST_SHA512 } };
	int total = 0;

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		const int count = check_folder(path, folders[i].folder, folders[i].alg);

		if (count < 0)
			return -1;
		total += count;
	}
	return total;
}
