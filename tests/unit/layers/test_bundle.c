/* SPDX-License-Identifier: Apache-2.0 */
/* Image config to runtime config, by the rules of image-spec conversion.md. */
#include "layers/bundle.h"

#include "base/json.h"
#include "base/mem.h"
#include "tests/unit/layers/treemaker.h"

#include <CUnit/CUnit.h>

static const char rootfs[] =
	"\"os\":\"linux\",\"architecture\":\"arm64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}";

/* The config document of "config":{RUN} as runtime JSON. */
static int convert(const char *run, const char *more, const struct bundle_options *options,
		   struct json **ret)
{
	_free_ char *text = xasprintf("{%s%s,\"config\":{%s}}", rootfs, more, run);
	_image_config_ struct image_config config = { 0 };
	_buf_ struct buf out = BUF_INIT(1 << 20);
	struct treemaker m;
	struct err err = { 0 };
	int rc;

	CU_ASSERT_EQUAL_FATAL(image_config_parse(text, strlen(text), &config, &err), 0);
	treemaker_init(&m, NULL, 0);
	rc = bundle_config(&config, m.tree, options, &out, &err);
	treemaker_fini(&m);
	if (rc < 0)
		return rc;
	CU_ASSERT_EQUAL_FATAL(json_parse(out.data, out.len, ret, &err), 0);
	return 0;
}

static const char *str_at(const struct json *root, const char *a, const char *b, size_t i)
{
	return json_str(json_at(json_get(json_get(root, a), b), i), "");
}

void test_bundle__process_comes_from_the_image(void)
{
	_json_ struct json *j = NULL;
	const struct json *p;

	CU_ASSERT_EQUAL_FATAL(
		convert("\"Entrypoint\":[\"/e\",\"1\"],\"Cmd\":[\"2\"],\"Env\":[\"A=b\",\"PATH=/x\"],"
			"\"WorkingDir\":\"/w/../v//\",\"User\":\"5:6\"",
			"", &(struct bundle_options){ 0 }, &j),
		0);
	p = json_get(j, "process");
	CU_ASSERT_EQUAL(json_count(json_get(p, "args")), 3);
	CU_ASSERT_STRING_EQUAL(str_at(j, "process", "args", 2), "2");
	CU_ASSERT_STRING_EQUAL(str_at(j, "process", "env", 0), "A=b");
	CU_ASSERT_STRING_EQUAL(str_at(j, "process", "env", 1), "PATH=/x");
	CU_ASSERT_STRING_EQUAL(json_str(json_get(p, "cwd"), ""), "/v");
	CU_ASSERT_EQUAL(json_int(json_get(json_get(p, "user"), "uid"), -1), 5);
	CU_ASSERT_EQUAL(json_int(json_get(json_get(p, "user"), "gid"), -1), 6);
	CU_ASSERT_STRING_EQUAL(json_str(json_get(json_get(j, "root"), "path"), ""), "rootfs");
}

void test_bundle__defaults_where_the_image_says_nothing(void)
{
	_json_ struct json *j = NULL;

	CU_ASSERT_EQUAL_FATAL(convert("", "", &(struct bundle_options){ 0 }, &j), 0);
	CU_ASSERT_STRING_EQUAL(str_at(j, "process", "args", 0), "sh");
	CU_ASSERT_PTR_NOT_NULL(strstr(str_at(j, "process", "env", 0), "PATH=/usr/local/sbin"));
	CU_ASSERT_STRING_EQUAL(json_str(json_get(json_get(j, "process"), "cwd"), ""), "/");
}

void test_bundle__labels_win_over_generated_annotations(void)
{
	_json_ struct json *j = NULL;
	const struct json *a;

	CU_ASSERT_EQUAL_FATAL(
		convert("\"Labels\":{\"org.opencontainers.image.os\":\"mine\",\"x\":\"y\"},"
			"\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{}},\"StopSignal\":\"SIGINT\"",
			",\"author\":\"me\",\"created\":\"2026-01-02T03:04:05Z\"",
			&(struct bundle_options){ 0 }, &j),
		0);
	a = json_get(j, "annotations");
	CU_ASSERT_STRING_EQUAL(json_str(json_get(a, "org.opencontainers.image.os"), ""), "mine");
	CU_ASSERT_STRING_EQUAL(json_str(json_get(a, "org.opencontainers.image.architecture"), ""),
			       "arm64");
	CU_ASSERT_STRING_EQUAL(json_str(json_get(a, "org.opencontainers.image.exposedPorts"), ""),
			       "80/tcp,53/udp");
	CU_ASSERT_STRING_EQUAL(json_str(json_get(a, "org.opencontainers.image.stopSignal"), ""),
			       "SIGINT");
	CU_ASSERT_STRING_EQUAL(json_str(json_get(a, "org.opencontainers.image.author"), ""), "me");
	CU_ASSERT_STRING_EQUAL(json_str(json_get(a, "x"), ""), "y");
}

/* CVE-2022-23648: a volume's path must not leave the root. */
void test_bundle__volumes_are_cleaned_and_stay_inside(void)
{
	_json_ struct json *j = NULL;
	const struct json *mounts;
	bool etc = false, data = false;

	CU_ASSERT_EQUAL_FATAL(convert("\"Volumes\":{\"/../../etc\":{},\"data/./x/\":{},\"/..\":{}}",
				      "", &(struct bundle_options){ 0 }, &j),
			      0);
	mounts = json_get(j, "mounts");
	for (size_t i = 0; i < json_count(mounts); i++) {
		const char *at = json_str(json_get(json_at(mounts, i), "destination"), "");

		CU_ASSERT_PTR_NULL(strstr(at, ".."));
		CU_ASSERT_STRING_NOT_EQUAL(at, "/");
		etc |= !strcmp(at, "/etc");
		data |= !strcmp(at, "/data/x");
	}
	CU_ASSERT_TRUE(etc);
	CU_ASSERT_TRUE(data);
}

void test_bundle__rootless_maps_root_and_nobody_else(void)
{
	const struct bundle_options options = { .rootless = true, .uid = 1000, .gid = 1001 };
	_json_ struct json *j = NULL;
	const struct json *map;

	CU_ASSERT_EQUAL_FATAL(convert("", "", &options, &j), 0);
	map = json_at(json_get(json_get(j, "linux"), "gidMappings"), 0);
	CU_ASSERT_EQUAL(json_int(json_get(map, "hostID"), -1), 1001);
	CU_ASSERT_EQUAL(json_int(json_get(map, "size"), -1), 1);
	CU_ASSERT_TRUE(convert("\"User\":\"7\"", "", &options, &j) < 0);
	CU_ASSERT_TRUE(convert("\"User\":\"4294967296\"", "", &(struct bundle_options){ 0 }, &j) <
		       0);
}
