/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What survives a power cut cannot be seen without one, but the order of the calls it rests on can:
 * content is synced before it gets its name, the name before the call returns, and a record last.
 * The test program stands in front of the C library's functions and writes down the words.
 */
#include "base/mem.h"
#include "base/text.h"
#include "store/images.h"
#include "tests/unit/store/support.h"

#include <CUnit/CUnit.h>
#include <dlfcn.h>
#include <pthread.h>
#include <sys/stat.h>

static struct {
	pthread_mutex_t lock;
	bool is_on;
	bool plain_renames;  /* as a file system that knows no flags */
	const char *refused; /* a rename to a name that ends so fails */
	char words[2000];
} trace = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* The same word again and again (pieces of content) is written down once. */
static void note(const char *word)
{
	pthread_mutex_lock(&trace.lock);
	const size_t len = strlen(trace.words), word_len = strlen(word);
	const bool again = len >= word_len && !strcmp(trace.words + len - word_len, word);

	if (trace.is_on && !(again && !strcmp(word, "write")))
		snprintf(trace.words + len, sizeof(trace.words) - len, "%s%s", len ? " " : "",
			 word);
	pthread_mutex_unlock(&trace.lock);
}

static const char *sync_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? "sync-folder" : "sync";
}

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

int fsync(int fd)
{
	note(sync_of(fd));
	return REAL(fsync)(fd);
}

int fdatasync(int fd)
{
	note(sync_of(fd));
	return REAL(fdatasync)(fd);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off_t offset)
{
	note("write");
	return REAL(pwrite64)(fd, data, len, offset);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	if (trace.refused && text_ends_with(to, trace.refused)) {
		errno = EIO;
		return -1;
	}
	if (flags && trace.plain_renames) {
		errno = EINVAL;
		return -1;
	}
	note(strstr(to, ".idx") ? "rename-index" : "rename");
	return REAL(renameat2)(from_dir, from, to_dir, to, flags);
}

static void start(void)
{
	pthread_mutex_lock(&trace.lock);
	trace.words[0] = '\0';
	trace.is_on = true;
	pthread_mutex_unlock(&trace.lock);
}

static const char *stop(void)
{
	pthread_mutex_lock(&trace.lock);
	trace.is_on = false;
	pthread_mutex_unlock(&trace.lock);
	return trace.words;
}

void test_durability__of_a_blob(void)
{
	_fixture_ struct fixture f = fixture_files();
	struct err err = { 0 };
	struct blob_writer *w = begin_blob(f.store, "some content");
	const struct digest d = w->want.digest;

	start();
	CU_ASSERT_EQUAL(blob_writer_append(w, "some ", 5, &err), 0);
	CU_ASSERT_EQUAL(blob_writer_append(w, "content", 7, &err), 0);
	CU_ASSERT_EQUAL(blob_writer_commit(w, &d, &err), 0);
	CU_ASSERT_STRING_EQUAL(stop(), "write sync rename sync-folder");
}

void test_durability__of_a_layer(void)
{
	_fixture_ struct fixture f = fixture_files();
	const struct digest diffid = digest_of_str("tar");
	struct layer_writer *w = NULL;
	struct err err = { 0 };

	CU_ASSERT_EQUAL(layerfiles_begin(f.store->layers, NULL, &diffid, &w, &err), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	start();
	CU_ASSERT_EQUAL(pwrite(w->tar_fd, "tar", 3, 0), 3);
	CU_ASSERT_EQUAL(pwrite(w->idx_fd, "idx", 3, 0), 3);
	CU_ASSERT_EQUAL(layer_writer_commit(w, &diffid, &err), 0);
	/* Never a tar beside which an index is about to appear. */
	CU_ASSERT_STRING_EQUAL(stop(), "write sync sync rename-index rename sync-folder");
	start();
	CU_ASSERT_EQUAL(layerfiles_replace_index(f.store->layers, &diffid, "new", 3, &err), 0);
	CU_ASSERT_STRING_EQUAL(stop(), "write sync rename-index sync-folder");
}

/* The fallback, forced: the first one wins there too. */
void test_durability__without_flags_for_rename(void)
{
	_fixture_ struct fixture f = fixture_files();
	struct err err = { 0 };

	trace.plain_renames = true;
	const struct digest a = put_blob(f.store, "by a plain rename");
	struct blob_writer *w = begin_blob(f.store, "in place meanwhile");
	const struct digest b = w->want.digest;
	_free_ char *place = xasprintf("store/blobs/sha256/%s", DIGEST_HEX(&b));

	CU_ASSERT_EQUAL(blob_writer_append(w, "in place meanwhile", 18, &err), 0);
	tmp_write_str(&f.tmp, place, "in place meanwhile, by somebody else");
	CU_ASSERT_EQUAL(blob_writer_commit(w, &b, &err), 0);
	trace.plain_renames = false;
	CU_ASSERT_EQUAL(err.kind, ERR_NONE);
	CU_ASSERT_TRUE(blob_is(f.store, &a, "by a plain rename"));
	CU_ASSERT_TRUE(blob_is(f.store, &b, "in place meanwhile, by somebody else"));
	CU_ASSERT_EQUAL(count_entries(&f, "staging"), 0);
}

void test_durability__no_index_stays_without_its_tar(void)
{
	_fixture_ struct fixture f = fixture_files();
	const struct digest diffid = digest_of_str("tar");
	struct layer_writer *w = NULL;
	struct err err = { 0 };

	CU_ASSERT_EQUAL(layerfiles_begin(f.store->layers, NULL, &diffid, &w, &err), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	CU_ASSERT_EQUAL(pwrite(w->tar_fd, "tar", 3, 0), 3);
	CU_ASSERT_EQUAL(pwrite(w->idx_fd, "idx", 3, 0), 3);
	trace.refused = ".tar";
	CU_ASSERT_EQUAL(layer_writer_commit(w, &diffid, &err), -EIO);
	trace.refused = NULL;
	CU_ASSERT_EQUAL(count_entries(&f, "layers/sha256"), 0);
	CU_ASSERT_EQUAL(count_entries(&f, "staging"), 0);
}

static bool ends_with(const char *words, const char *end)
{
	if (!text_ends_with(words, end))
		printf("# found %s\n", words);
	return text_ends_with(words, end);
}

void test_durability__of_a_record(void)
{
	_fixture_ struct fixture f = fixture_files();
	_reference_ struct reference ref = { 0 };
	_descriptor_ struct descriptor target = { 0 };
	const struct digest d = put_blob(f.store, "manifest");
	struct err err = { 0 };

	/* The first one also makes the log; from then on each commit is one write and one sync. */
	start();
	CU_ASSERT_EQUAL(records_put(f.store->records, "a", (struct record_value){ "x", 1 }, &err),
			0);
	CU_ASSERT_TRUE(ends_with(stop(), "write sync"));
	start();
	CU_ASSERT_EQUAL(records_put(f.store->records, "a", (struct record_value){ "y", 1 }, &err),
			0);
	CU_ASSERT_STRING_EQUAL(stop(), "write sync");
	/* All records of a name in one. */
	CU_ASSERT_EQUAL(reference_parse("h.test/x:1", &ref, &err), 0);
	descriptor_init(&target, MEDIA_TYPE_OCI_MANIFEST, &d, 8);
	start();
	CU_ASSERT_EQUAL(images_put(f.store, &ref, &target, NULL, &err), 0);
	CU_ASSERT_STRING_EQUAL(stop(), "write sync");
	/* And nothing at all when nothing changes. */
	start();
	CU_ASSERT_EQUAL(images_put(f.store, &ref, &target, NULL, &err), 0);
	CU_ASSERT_STRING_EQUAL(stop(), "");
}

void test_durability__of_a_new_store(void)
{
	_tmp_ struct tmp t = tmp_make();
	_free_ char *path = xasprintf("%s/store", t.path);
	struct store *s = NULL;

	start();
	CU_ASSERT_EQUAL(store_open(path, STORE_CREATE, &s, NULL), 0);
	/*
	 * The database is whole on the disk before it gets its name. The last write is its index of
	 * the log.
	 */
	CU_ASSERT_TRUE(ends_with(stop(), "write sync rename sync-folder write"));
	store_close(s);
}
