/* SPDX-License-Identifier: Apache-2.0 */
/* URLs: RFC 3986, and what we refuse beyond it. */
#include "base/mem.h"
#include "net/url.h"

#include <CUnit/CUnit.h>

/* Counts a row that is off and says which. */
static bool same(const char *row, const char *want, const char *got)
{
	if (want && got && strcmp(want, got) == 0)
		return true;
	printf("# %s: want '%s', got '%s'\n", row, want ? want : "(none)", got ? got : "(none)");
	return false;
}

void test_url__parsed_and_written_back(void)
{
	static const struct {
		const char *text, *want; /* NULL: refused */
	} rows[] = {
		{ "https://registry.example/v2/", "https://registry.example/v2/" },
		{ "HTTPS://Registry.EXAMPLE/V2/", "https://registry.example/V2/" },
		{ "http://h:5000/v2/?n=1&last=a", "http://h:5000/v2/?n=1&last=a" },
		{ "http://h", "http://h/" },
		{ "http://h?q", "http://h/?q" },
		{ "http://h/p#fragment", "http://h/p" },
		{ "https://h:443/", "https://h/" },
		{ "http://h:443/", "http://h:443/" },
		{ "http://[::1]:5000/v2/", "http://[::1]:5000/v2/" },
		{ "http://[2001:DB8::1]/", "http://[2001:db8::1]/" },
		{ "http://h:65535/", "http://h:65535/" },
		/* Ports */
		{ "http://h:0/", NULL },
		{ "http://h:65536/", NULL },
		{ "http://h:99999999999999999999/", NULL },
		{ "http://h:-1/", NULL },
		{ "http://h:5000x/", NULL },
		{ "http://[::1]5000/", NULL },
		/* Schemes */
		{ "ftp://h/", NULL },
		{ "file:///etc/passwd", NULL },
		{ "//h/", NULL },
		{ "h/v2/", NULL },
		{ "http:/h/", NULL },
		{ "http:h", NULL },
		{ "", NULL },
		/* Hosts */
		{ "http:///v2/", NULL },
		{ "http://:80/", NULL },
		{ "http://[::1/", NULL },
		{ "http://[g::]/", NULL },
		{ "http://h%2eexample/", NULL },
		{ "http://h,example/", NULL },
		{ "http://user@h/", NULL },
		{ "http://user:pass@h/", NULL },
		{ "http://h@evil.example/", NULL },
		{ "http://\xc3\xa9/", NULL },
		/* Characters that parsers read in more than one way */
		{ "http://h\\@evil/", NULL },
		{ "http://h/a b", NULL },
		{ "http://h/a\r\nX: y", NULL },
		{ "http://h/a\tb", NULL },
		{ "http://h/\x7f", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_url_ struct url u = { 0 };
		struct err err = { 0 };
		const int rc = url_parse(rows[i].text, &u, &err);
		_free_ char *got = rc == 0 ? url_text(&u) : NULL;

		CU_ASSERT_TRUE(rows[i].want ? same(rows[i].text, rows[i].want, got) : rc < 0);
		if (!rows[i].want && rc == 0)
			printf("# %s: taken as %s\n", rows[i].text, got);
		CU_ASSERT_EQUAL(err.kind, rows[i].want ? ERR_NONE : ERR_DAMAGED);
	}
}

void test_url__too_long(void)
{
	_free_ char *text = xcalloc(URL_TEXT_MAX + 2, 1);
	_url_ struct url u = { 0 };
	struct err err = { 0 };

	memset(text, 'a', URL_TEXT_MAX + 1);
	memcpy(text, "http://h/", 9);
	CU_ASSERT_TRUE(url_parse(text, &u, &err) < 0);
	text[URL_TEXT_MAX] = '\0';
	CU_ASSERT_EQUAL(url_parse(text, &u, &err), 0);
}

void test_url__messages_hold_no_secrets(void)
{
	static const char *const bad[] = { "http://user:secret@h/p", "http://u@secret@h/",
					   "ftp://h/p?signature=secret",
					   "http://h:0/p?signature=secret" };
	_url_ struct url u = { 0 };
	_free_ char *shown = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = { 0 };

		CU_ASSERT_TRUE(url_parse(bad[i], &u, &err) < 0);
		CU_ASSERT_PTR_NULL(strstr(err.msg, "secret"));
	}
	CU_ASSERT_EQUAL(url_parse("https://h/p?signature=secret", &u, NULL), 0);
	shown = url_shown(&u);
	CU_ASSERT_STRING_EQUAL(shown, "https://h/p");
}

/* RFC 3986 section 5.4.1 and 5.4.2, as far as http has them. */
void test_url__references_are_resolved(void)
{
	static const struct {
		const char *reference, *want;
	} rows[] = {
		{ "g", "http://a/b/c/g" },
		{ "./g", "http://a/b/c/g" },
		{ "g/", "http://a/b/c/g/" },
		{ "/g", "http://a/g" },
		{ "//g", "http://g/" },
		{ "?y", "http://a/b/c/d;p?y" },
		{ "g?y", "http://a/b/c/g?y" },
		{ "#s", "http://a/b/c/d;p?q" },
		{ "g#s", "http://a/b/c/g" },
		{ "g?y#s", "http://a/b/c/g?y" },
		{ ";x", "http://a/b/c/;x" },
		{ "", "http://a/b/c/d;p?q" },
		{ ".", "http://a/b/c/" },
		{ "./", "http://a/b/c/" },
		{ "..", "http://a/b/" },
		{ "../", "http://a/b/" },
		{ "../g", "http://a/b/g" },
		{ "../..", "http://a/" },
		{ "../../g", "http://a/g" },
		{ "../../../g", "http://a/g" },
		{ "../../../../g", "http://a/g" },
		{ "/./g", "http://a/g" },
		{ "/../g", "http://a/g" },
		{ "g.", "http://a/b/c/g." },
		{ ".g", "http://a/b/c/.g" },
		{ "g..", "http://a/b/c/g.." },
		{ "..g", "http://a/b/c/..g" },
		{ "./../g", "http://a/b/g" },
		{ "./g/.", "http://a/b/c/g/" },
		{ "g/./h", "http://a/b/c/g/h" },
		{ "g/../h", "http://a/b/c/h" },
		{ "g;x=1/../y", "http://a/b/c/y" },
		{ "g?y/../x", "http://a/b/c/g?y/../x" },
		{ "https://other:5000/x", "https://other:5000/x" },
		{ "//other:5000/x?y", "http://other:5000/x?y" },
		{ "g:h", NULL },
		{ "javascript:alert(1)", NULL },
		{ "//user@other/", NULL },
		{ "/a b", NULL },
		{ "//", NULL },
	};
	_url_ struct url base = { 0 };

	CU_ASSERT_EQUAL_FATAL(url_parse("http://a/b/c/d;p?q", &base, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_url_ struct url u = { 0 };
		const int rc = url_resolve(&base, rows[i].reference, &u, NULL);
		_free_ char *got = rc == 0 ? url_text(&u) : NULL;

		CU_ASSERT_TRUE(rows[i].want ? same(rows[i].reference, rows[i].want, got) : rc < 0);
	}
}

void test_url__of_a_host(void)
{
	static const struct {
		const char *host, *want;
	} rows[] = {
		{ "registry.example", "https://registry.example/v2/" },
		{ "registry.example:5000", "https://registry.example:5000/v2/" },
		{ "[::1]:5000", "https://[::1]:5000/v2/" },
		{ "registry.example:443", "https://registry.example/v2/" },
		{ "registry.example:0", NULL },
		{ "registry.example:70000", NULL },
		{ "registry.example/x", NULL },
		{ "user@registry.example", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_url_ struct url u = { 0 };
		struct err err = { 0 };
		const int rc = url_of_host(rows[i].host, true, "/v2/", &u, &err);
		_free_ char *got = rc == 0 ? url_text(&u) : NULL;

		CU_ASSERT_TRUE(rows[i].want ? same(rows[i].host, rows[i].want, got) : rc < 0);
		CU_ASSERT_EQUAL(err.kind, rows[i].want ? ERR_NONE : ERR_USAGE);
	}
}

void test_url__origins(void)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "https://h/a", "https://H:443/b", true },
		{ "https://h/", "http://h/", false },
		{ "https://h/", "https://h:5000/", false },
		{ "https://h/", "https://h.example/", false },
		{ "http://h:443/", "https://h:443/", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_url_ struct url a = { 0 }, b = { 0 };

		CU_ASSERT_EQUAL_FATAL(url_parse(rows[i].a, &a, NULL), 0);
		CU_ASSERT_EQUAL_FATAL(url_parse(rows[i].b, &b, NULL), 0);
		CU_ASSERT_EQUAL(url_same_origin(&a, &b), rows[i].same);
	}
}

void test_url__where_hosts_are(void)
{
	static const struct {
		const char *host;
		bool loopback, private;
	} rows[] = {
		{ "localhost", true, true },
		{ "LocalHost", true, true },
		{ "localhost.", true, true },
		{ "a.b.localhost", true, true },
		{ "127.0.0.1", true, true },
		{ "127.255.0.9", true, true },
		{ "::1", true, true },
		{ "notlocalhost", false, false },
		{ "localhost.example", false, false },
		{ "127.0.0.1.example", false, false },
		{ "10.0.0.1", false, true },
		{ "172.16.0.1", false, true },
		{ "172.31.255.255", false, true },
		{ "172.32.0.1", false, false },
		{ "192.168.1.1", false, true },
		{ "192.169.1.1", false, false },
		{ "169.254.169.254", false, true },
		{ "100.64.0.1", false, true },
		{ "100.128.0.1", false, false },
		{ "0.0.0.0", false, true },
		{ "8.8.8.8", false, false },
		{ "128.0.0.1", false, false },
		{ "fe80::1", false, true },
		{ "fd00::1", false, true },
		{ "::", false, true },
		{ "::ffff:10.0.0.1", false, true },
		{ "::ffff:169.254.169.254", false, true },
		{ "64:ff9b::a00:1", false, true },
		{ "2001:db8::1", false, false },
		{ "registry.example", false, false },
		/* Spellings that C libraries take for an address. */
		{ "127.1", true, true },
		{ "0x7f000001", true, true },
		{ "2130706433", true, true },
		{ "0300.0250.1.1", false, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (url_host_is_loopback(rows[i].host) != rows[i].loopback ||
		    url_host_is_private(rows[i].host) != rows[i].private)
			printf("# %s\n", rows[i].host);
		CU_ASSERT_EQUAL(url_host_is_loopback(rows[i].host), rows[i].loopback);
		CU_ASSERT_EQUAL(url_host_is_private(rows[i].host), rows[i].private);
	}
}

void test_url__nobody_outside_sends_us_inside(void)
{
	static const struct {
		const char *from, *to;
		bool good;
	} rows[] = {
		{ "https://registry.example/", "https://cdn.example/", true },
		{ "https://registry.example/", "https://169.254.169.254/", false },
		{ "https://registry.example/", "https://localhost/", false },
		{ "https://10.0.0.1/", "https://10.0.0.2/", true },
		{ "https://localhost:5000/", "https://127.0.0.1:9000/", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_url_ struct url from = { 0 }, to = { 0 };
		struct err err = { 0 };

		CU_ASSERT_EQUAL_FATAL(url_parse(rows[i].from, &from, NULL), 0);
		CU_ASSERT_EQUAL_FATAL(url_parse(rows[i].to, &to, NULL), 0);
		CU_ASSERT_EQUAL(url_check_reach(&from, &to, "redirect", &err) == 0, rows[i].good);
		CU_ASSERT_EQUAL(err.kind, rows[i].good ? ERR_NONE : ERR_DENIED);
	}
}

void test_url__escaping(void)
{
	_buf_ struct buf out = BUF_INIT(100);

	CU_ASSERT_EQUAL(url_escape(&out, "aZ09-._~ /:?&=+%\xc3\xa9", NULL), 0);
	CU_ASSERT_STRING_EQUAL(buf_str(&out), "aZ09-._~%20%2F%3A%3F%26%3D%2B%25%C3%A9");
}
