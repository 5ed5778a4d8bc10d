/* SPDX-License-Identifier: Apache-2.0 */
/* certs.d: containers-certs.d(5). */
#include "net/certs.h"
#include "tests/support/child.h"
#include "tests/unit/net/home.h"

#include <CUnit/CUnit.h>
#include <sys/stat.h>

static void assert_path(const struct home *h, const char *got, const char *name)
{
	_free_ char *want = name ? home_path(h, name) : NULL;

	CU_ASSERT_TRUE(row_text(name ? name : "none", "path", want, got));
}

void test_certs__what_is_in_a_folder(void)
{
	_home_ struct home h;
	_certs_ struct certs c = { 0 };
	_free_ char *dir = NULL;

	home_init(&h);
	dir = home_path(&h, "d");
	home_write(&h, "d/readme.txt", "x");
	CU_ASSERT_EQUAL(certs_read(dir, &c, NULL), 0);
	CU_ASSERT_PTR_NULL(c.ca_dir);
	CU_ASSERT_PTR_NULL(c.cert_file);
	home_write(&h, "d/b.crt", "x");
	home_write(&h, "d/a.crt", "x");
	home_write(&h, "d/z.cert", "x");
	home_write(&h, "d/z.key", "x");
	home_write(&h, "d/c.cert", "x");
	home_write(&h, "d/c.key", "x");
	CU_ASSERT_EQUAL(certs_read(dir, &c, NULL), 0);
	assert_path(&h, c.ca_dir, "d");
	assert_path(&h, c.cert_file, "d/c.cert");
	assert_path(&h, c.key_file, "d/c.key");
}

void test_certs__partners_are_required(void)
{
	static const char *const names[] = { "d/a.cert", "d/a.key" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_home_ struct home h;
		_certs_ struct certs c = { 0 };
		_free_ char *dir = NULL;
		struct err err = { 0 };

		home_init(&h);
		dir = home_path(&h, "d");
		home_write(&h, names[i], "x");
		CU_ASSERT_TRUE(certs_read(dir, &c, &err) < 0);
		CU_ASSERT_TRUE(row_err(names[i], &err, ERR_USAGE, i ? "a.cert" : "a.key"));
	}
}

void test_certs__the_first_folder_of_the_host(void)
{
	_home_ struct home h;
	_free_ char *one = NULL, *two = NULL;

	home_init(&h);
	one = home_path(&h, "one");
	two = home_path(&h, "two");
	home_write(&h, "two/h:5000/ca.crt", "x");
	const char *const bases[] = { one, two, NULL };
	static const char *const wants[] = { "two/h:5000", "one/h:5000" };

	for (size_t i = 0; i < ARRAY_SIZE(wants); i++) {
		_certs_ struct certs c = { 0 };

		CU_ASSERT_EQUAL(certs_find(bases, "h:5000", &c, NULL), 0);
		assert_path(&h, c.ca_dir, wants[i]);
		home_write(&h, "one/h:5000/ca.crt", "x");
	}
	_certs_ struct certs none = { 0 };

	CU_ASSERT_EQUAL(certs_find(bases, "h", &none, NULL), 0);
	CU_ASSERT_PTR_NULL(none.ca_dir);
}

static int find_as_nobody(void *arg)
{
	const char *const bases[] = { arg, NULL };
	struct certs c = { 0 };
	struct err err = { 0 };

	CHILD_CHECK(certs_find(bases, "h", &c, &err) == 0);
	CHILD_CHECK(!c.ca_dir);
	CHILD_CHECK(certs_read(arg, &c, &err) == -EACCES);
	return 0;
}

/* root's folder in /etc must not keep a user from hosts that need nothing of it. */
void test_certs__a_folder_of_root(void)
{
	static const struct child_setup nobody = { .unprivileged = true };
	_home_ struct home h;
	_free_ char *dir = NULL;

	home_init(&h);
	dir = home_path(&h, "d");
	home_write(&h, "d/h/ca.crt", "x");
	/*
	 * The folder of the test is ours alone; when we are nobody ourselves it has to be shut
	 * first.
	 */
	CU_ASSERT_EQUAL(chmod(dir, 0), 0);
	CU_ASSERT_EQUAL(child_run(&nobody, find_as_nobody, dir), 0);
	CU_ASSERT_EQUAL(chmod(dir, 0700), 0);
}

void test_certs__in_the_home(void)
{
	_home_ struct home h;
	_certs_ struct certs c = { 0 }, odd = { 0 };

	home_init(&h);
	home_write(&h, ".config/containers/certs.d/h:5000/ca.crt", "x");
	CU_ASSERT_EQUAL(certs_find_usual("h:5000", &c, NULL), 0);
	assert_path(&h, c.ca_dir, ".config/containers/certs.d/h:5000");
	home_write(&h, ".config/containers/x/ca.crt", "x");
	CU_ASSERT_EQUAL(certs_find_usual("../x", &odd, NULL), 0);
	CU_ASSERT_PTR_NULL(odd.ca_dir);
}
