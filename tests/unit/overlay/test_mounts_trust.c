/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted after a repair, by whose store, and what a record that can't be read still holds. */
#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"
#include "tests/unit/overlay/mountmaker.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <sys/stat.h>

static const char *const one[] = { "d etc; f etc/motd=hello", NULL };

static void unmount(struct store *store, const char *id)
{
	_mount_entry_ struct mount_entry e = { 0 };
	const struct umount_request q = { .store = store, .name = id };

	CU_ASSERT_EQUAL(mounts_umount(NULL, &q, &e, NULL), 0);
}

/* Clones of a superblock that was made of damaged files would show them for ever. */
void test_mounts_trust__after_a_repair_it_is_made_anew(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };
	_mount_entry_ struct mount_entry a = { 0 };
	_mount_entry_ struct mount_entry b = { 0 };
	uint64_t count = 77;

	if (!m.store)
		return;
	mountimage_init(&i, m.store, one);
	struct mount_request q = mountimage_request(&i);

	CU_ASSERT_EQUAL(mounts_renew(NULL, m.store, &count, NULL), 0);
	CU_ASSERT_EQUAL(count, 0);
	a = mounted(&q);
	CU_ASSERT_EQUAL(mounts_renew(NULL, m.store, &count, NULL), 0);
	CU_ASSERT_EQUAL(count, 1);
	/* It lives on, its base does not. */
	CU_ASSERT_TRUE(shows(a.path, "etc/motd", "hello"));
	CU_ASSERT_EQUAL(mounts_below(m.path), 1);
	b = mounted(&q);
	CU_ASSERT_TRUE(shows(b.path, "etc/motd", "hello"));
	CU_ASSERT_NOT_EQUAL(device_of(a.path), device_of(b.path));
	unmount(m.store, a.id);
	unmount(m.store, b.id);
	CU_ASSERT_EQUAL(mounts_below(m.path), 0);
}

/* Root must not put what another user made up before anybody, suid files and devices included. */
void test_mounts_trust__not_from_the_store_of_another_user(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };
	struct mount_entry e = { 0 };
	struct err err = { 0 };

	if (!m.store)
		return;
	mountimage_init(&i, m.store, one);
	const struct mount_request q = mountimage_request(&i);

	CU_ASSERT_EQUAL_FATAL(chown(m.path, 54321, 54321), 0);
	CU_ASSERT_TRUE(mounts_mount(NULL, &q, &e, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_DENIED);
	CU_ASSERT_TRUE(text_ends_with(err.msg, "the store belongs to user 54321"));
	CU_ASSERT_EQUAL(chown(m.path, geteuid(), getegid()), 0);
}

/* What it is of can be told all the same, so that is not removed under its feet. */
void test_mounts_trust__an_unreadable_record_keeps_what_it_names(void)
{
	_mountmaker_ struct mountmaker m = mountmaker_make();
	_mountimage_ struct mountimage i = { 0 };
	_mount_entry_ struct mount_entry e = { 0 };
	_record_ struct record rec = { 0 };
	uint64_t count;

	if (!m.store)
		return;
	mountimage_init(&i, m.store, one);
	struct mount_request q = mountimage_request(&i);

	q.driver = "unpacked";
	e = mounted(&q);
	_free_ char *key = xasprintf("mount/%s", e.id);
	_free_ char *text = xasprintf("{\"chain\":\"%s\"", DIGEST_TEXT(&i.chain));
	struct records *r = m.store->records;

	CU_ASSERT_EQUAL_FATAL(records_get(r, key, &rec, NULL), 0);
	CU_ASSERT_EQUAL(records_put(r, key, (struct record_value){ text, strlen(text) }, NULL), 0);
	(void)mounts_clean(NULL, m.store, &count, NULL);
	CU_ASSERT_TRUE(shows(e.path, "etc/motd", "hello"));
	CU_ASSERT_EQUAL(mountmaker_entries(&m, "unpacked/sha256"), 1);
	CU_ASSERT_EQUAL(records_put(r, key, (struct record_value){ rec.value.data, rec.value.len },
				    NULL),
			0);
	unmount(m.store, e.id);
	CU_ASSERT_EQUAL(mounts_clean(NULL, m.store, &count, NULL), 0);
	CU_ASSERT_EQUAL(mountmaker_entries(&m, "unpacked/sha256"), 0);
}
