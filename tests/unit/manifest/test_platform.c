/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Platforms: syntax, normal form, JSON. Rows are facts of containerd/platforms.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "manifest/platform.h"
#include "tests/unit/manifest/check.h"

#include <CUnit/CUnit.h>

/* "os|arch|variant|version|features", with "HOST" for the architecture of this machine. */
static char *fields(const struct platform *p)
{
	char *text = xasprintf("%s|%s|%s|%s|", p->os ? p->os : "", p->arch ? p->arch : "",
			       p->variant ? p->variant : "", p->os_version ? p->os_version : "");

	for (size_t i = 0; i < p->os_features.count; i++) {
		char *longer = xasprintf("%s%s%s", text, i ? "," : "", p->os_features.items[i]);

		free(text);
		text = longer;
	}
	return text;
}

static char *with_host(const char *want)
{
	struct platform _platform_ host = { 0 };
	const char *at = strstr(want, "HOST");

	platform_host(&host);
	if (!at)
		return xstrdup(want);
	return xasprintf("%.*s%s%s", (int)(at - want), want, host.arch, at + strlen("HOST"));
}

struct parse_row {
	const char *text, *fields, *formatted;
};

static bool parses(const struct parse_row *row)
{
	struct platform _platform_ p = { 0 }, _platform_ again = { 0 };
	struct err err = { 0 };

	if (platform_parse(row->text, &p, &err) < 0)
		return check_text(row->text, "parses", row->fields, err.msg);
	char *_free_ want = with_host(row->fields), *_free_ got = fields(&p);
	char *_free_ want_text = with_host(row->formatted), *_free_ text = platform_text(&p);

	if (platform_parse(text, &again, &err) < 0)
		return check_text(row->text, "parses again", text, err.msg);
	char *_free_ text_again = platform_text(&again);

	return check_text(row->text, "fields", want, got) &
	       check_text(row->text, "text", want_text, text) &
	       check_text(row->text, "text again", text, text_again);
}

void test_platform__parse(void)
{
	static const struct parse_row rows[] = {
		{ "linux/arm64", "linux|arm64|||", "linux/arm64" },
		{ "linux/arm64/v8", "linux|arm64|v8||", "linux/arm64/v8" },
		{ "linux/arm64/8", "linux|arm64|v8||", "linux/arm64/v8" },
		{ "linux/aarch64/v9.0", "linux|arm64|v9||", "linux/arm64/v9" },
		{ "linux/arm", "linux|arm|||", "linux/arm" },
		{ "linux/arm/v6", "linux|arm|v6||", "linux/arm/v6" },
		{ "linux/arm/6", "linux|arm|v6||", "linux/arm/v6" },
		{ "linux/arm/v7", "linux|arm|v7||", "linux/arm/v7" },
		{ "arm", "linux|arm|||", "linux/arm" },
		{ "armel", "linux|arm|v6||", "linux/arm/v6" },
		{ "armhf", "linux|arm|||", "linux/arm" },
		{ "Aarch64", "linux|arm64|||", "linux/arm64" },
		{ "x86_64", "linux|amd64|||", "linux/amd64" },
		{ "x86-64", "linux|amd64|||", "linux/amd64" },
		{ "Linux/x86_64", "linux|amd64|||", "linux/amd64" },
		{ "linux/amd64/v1", "linux|amd64|||", "linux/amd64" },
		{ "linux/amd64/v3", "linux|amd64|v3||", "linux/amd64/v3" },
		{ "i386", "linux|386|||", "linux/386" },
		{ "linux/i386/x", "linux|386|||", "linux/386" },
		{ "s390x", "linux|s390x|||", "linux/s390x" },
		{ "riscv64", "linux|riscv64|||", "linux/riscv64" },
		{ "linux/s390x", "linux|s390x|||", "linux/s390x" },
		{ "macOS/arm64", "darwin|arm64|||", "darwin/arm64" },
		/* Known or not: with a slash anything goes. */
		{ "cloudabi/mmix", "cloudabi|mmix|||", "cloudabi/mmix" },
		{ "unknown/unknown", "unknown|unknown|||", "unknown/unknown" },
		{ "windows()/amd64", "windows|amd64|||", "windows/amd64" },
		{ "windows(10.0.17763)/amd64", "windows|amd64||10.0.17763|",
		  "windows(10.0.17763)/amd64" },
		{ "windows(10.0.17763+win32k)/amd64", "windows|amd64||10.0.17763|win32k",
		  "windows(10.0.17763+win32k)/amd64" },
		{ "linux(+gpu+simd)/arm64/v8", "linux|arm64|v8||gpu,simd",
		  "linux(+gpu+simd)/arm64/v8" },
		{ "linux(+unsorted+erofs)/386", "linux|386|||unsorted,erofs",
		  "linux(+erofs+unsorted)/386" },
		{ "windows(10.0%2Bbuild.42)/amd64", "windows|amd64||10.0+build.42|",
		  "windows(10.0%2Bbuild.42)/amd64" },
		{ "windows(50%25done)/amd64", "windows|amd64||50%done|",
		  "windows(50%25done)/amd64" },
		{ "windows(%1b%C3%A4+%20)/386", "windows|386||\x1b\xc3\xa4| ",
		  "windows(%1B%C3%A4+%20)/386" },
		{ "windows(a%2fb)/amd64", "windows|amd64||a/b|", "windows(a%2Fb)/amd64" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CU_ASSERT(parses(&rows[i]));
}

#if !defined(__arm__)
void test_platform__parse_takes_the_other_half_from_the_host(void)
{
	static const struct parse_row rows[] = {
		{ "linux", "linux|HOST|||", "linux/HOST" },
		{ "macOS", "darwin|HOST|||", "darwin/HOST" },
		{ "windows", "windows|HOST|||", "windows/HOST" },
		{ "windows(10.0.17763)", "windows|HOST||10.0.17763|", "windows(10.0.17763)/HOST" },
		{ "linux(+unsorted+erofs)", "linux|HOST|||unsorted,erofs",
		  "linux(+erofs+unsorted)/HOST" },
		{ "local", "linux|HOST|||", "linux/HOST" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CU_ASSERT(parses(&rows[i]));
}
#endif

void test_platform__parse_refuses(void)
{
	static const char *const texts[] = {
		"",
		"/linux/arm",
		"linux/arm/",
		"linux /arm",
		"linux/&arm",
		"linux/arm/a/b",
		"linux//v7",
		"*",
		"linux/*",
		"*/arm64",
		"nosuch",
		"linux.x/amd64",
		"linux(/amd64",
		"linux)/amd64",
		"linux(a/amd64",
		"linux(a)b/amd64",
		"linux(++a)/386",
		"linux(+)/386",
		"linux(a b)/386",
		"linux(%)/386",
		"linux(%2)/386",
		"linux(%2g)/386",
		"linux(%00)/386",
		"linux(+%zz)/386",
		"amd64(10.0)",
		"linux/arm\n",
		"linux(1)(2)/386",
		"lin\xc3\xbcx/arm",
		"linux/arm/v7/",
		"Local\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct platform p;
		struct err err = { 0 };

		CU_ASSERT(check_int(texts[i], "accepted", 0,
				    platform_parse(texts[i], &p, &err) >= 0));
		CU_ASSERT(check_err(texts[i], &err, ERR_USAGE, "not of the form"));
		CU_ASSERT_PTR_NOT_NULL(strstr(err.hint, "linux/amd64"));
	}
}

void test_platform__normal_form(void)
{
	static const struct {
		const char *os, *arch, *variant, *fields;
	} rows[] = {
		{ "LINUX", "X86_64", "V1", "linux|amd64|||" },
		{ NULL, "amd64", NULL, "linux|amd64|||" },
		{ "", "amd64", "", "linux|amd64|||" },
		{ "macos", "aarch64", "v8", "darwin|arm64|||" },
		{ "linux", "arm64", "8", "linux|arm64|||" },
		{ "linux", "arm64", "v8.0", "linux|arm64|||" },
		{ "linux", "arm64", "9.0", "linux|arm64|v9||" },
		{ "linux", "arm64", "v8.1", "linux|arm64|v8.1||" },
		{ "linux", "armhf", "v9", "linux|arm|v7||" },
		{ "linux", "armel", NULL, "linux|arm|v6||" },
		{ "linux", "arm", NULL, "linux|arm|v7||" },
		{ "linux", "arm", "7", "linux|arm|v7||" },
		{ "linux", "arm", "5", "linux|arm|v5||" },
		{ "linux", "arm", "8", "linux|arm|v8||" },
		{ "linux", "i386", "sse2", "linux|386|||" },
		{ "linux", NULL, NULL, "linux||||" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct platform _platform_ p = {
			.os = rows[i].os ? xstrdup(rows[i].os) : NULL,
			.arch = rows[i].arch ? xstrdup(rows[i].arch) : NULL,
			.variant = rows[i].variant ? xstrdup(rows[i].variant) : NULL,
		};

		platform_normalize(&p);
		char *_free_ once = fields(&p);

		platform_normalize(&p);
		char *_free_ twice = fields(&p);

		CU_ASSERT(check_text(rows[i].fields, "once", rows[i].fields, once));
		CU_ASSERT(check_text(rows[i].fields, "twice", rows[i].fields, twice));
	}
}

static int decode(const char *text, struct platform *ret, struct err *err)
{
	char *_free_ json = json_text(text);
	struct json _json_ *root = NULL;

	TRY(json_parse(json, strlen(json), &root, err));
	return platform_decode(root, "p", ret, err);
}

void test_platform__json_both_ways(void)
{
	static const struct {
		const char *json, *fields, *again;
	} rows[] = {
		{ "{'os':'linux','architecture':'amd64'}", "linux|amd64|||",
		  "{'architecture':'amd64','os':'linux'}" },
		{ "{'os':'windows','architecture':'amd64','os.version':'10.0.1','os.features':"
		  "['b','a'],'variant':null,'features':['x']}",
		  "windows|amd64||10.0.1|b,a",
		  "{'architecture':'amd64','os':'windows','os.version':'10.0.1','os.features':"
		  "['b','a']}" },
		{ "{'os':'linux','architecture':'arm64','variant':'v8'}", "linux|arm64|v8||",
		  "{'architecture':'arm64','os':'linux','variant':'v8'}" },
		{ "{}", "||||", "{'architecture':'','os':''}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct platform _platform_ p = { 0 }, _platform_ copy = { 0 };
		struct buf _buf_ out = BUF_INIT(1024);

		CU_ASSERT_EQUAL_FATAL(decode(rows[i].json, &p, NULL), 0);
		platform_copy(&p, &copy);
		char *_free_ got = fields(&copy), *_free_ want = json_text(rows[i].again);
		struct json _json_ *object = platform_json(&copy);

		CU_ASSERT_EQUAL(json_print(object, 0, &out, NULL), 0);
		CU_ASSERT(check_text(rows[i].json, "fields", rows[i].fields, got));
		CU_ASSERT(check_text(rows[i].json, "json", want, buf_str(&out)));
	}
}

void test_platform__json_of_wrong_types(void)
{
	static const struct {
		const char *json, *msg;
	} rows[] = {
		{ "[]", "p: expected object" },
		{ "{'os':1}", "p.os: expected string" },
		{ "{'os':'linux','os.features':'x'}", "p.os.features: expected array" },
		{ "{'os':'linux','os.features':[1]}", "p.os.features[0]: expected string" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct platform p;
		struct err err = { 0 };

		CU_ASSERT(decode(rows[i].json, &p, &err) < 0);
		CU_ASSERT(check_err(rows[i].json, &err, ERR_DAMAGED, rows[i].msg));
	}
}

/* FormatAll, and what peers may put there. */
void test_platform__text_of_odd_values(void)
{
	static const struct {
		const char *json, *text;
	} rows[] = {
		{ "{}", "unknown" },
		{ "{'architecture':'amd64'}", "unknown" },
		{ "{'os':'linux'}", "linux" },
		{ "{'os':'linux','variant':'v1'}", "linux/v1" },
		{ "{'os':'linux','architecture':'amd64','os.features':['','gpu','','simd']}",
		  "linux(+gpu+simd)/amd64" },
		{ "{'os':'windows','architecture':'amd64','os.version':'1.0(beta)'}",
		  "windows(1.0%28beta%29)/amd64" },
		{ "{'os':'linux','architecture':'amd64','os.features':['100%gpu','feat+v2']}",
		  "linux(+100%25gpu+feat%2Bv2)/amd64" },
		{ "{'os':'linux','architecture':'amd64','os.version':'%%%%++++'}",
		  "linux(%25%25%25%25%2B%2B%2B%2B)/amd64" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct platform _platform_ p = { 0 };

		CU_ASSERT_EQUAL_FATAL(decode(rows[i].json, &p, NULL), 0);
		char *_free_ text = platform_text(&p);

		CU_ASSERT(check_text(rows[i].json, "text", rows[i].text, text));
	}
}

void test_platform__equal_and_unknown(void)
{
	struct platform _platform_ a = { 0 }, _platform_ b = { 0 }, _platform_ u = { 0 };

	CU_ASSERT_EQUAL(platform_parse("linux/arm64", &a, NULL), 0);
	CU_ASSERT_EQUAL(platform_parse("linux/aarch64/v8", &b, NULL), 0);
	CU_ASSERT_EQUAL(platform_parse("unknown/unknown", &u, NULL), 0);
	CU_ASSERT(platform_equal(&a, &b));
	CU_ASSERT_FALSE(platform_equal(&a, &u));
	CU_ASSERT(platform_is_unknown(&u));
	CU_ASSERT_FALSE(platform_is_unknown(&a));
}
