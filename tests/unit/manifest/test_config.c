/* SPDX-License-Identifier: Apache-2.0 */
/* Image configs: image-spec config.md, what Go and docker write, and what does not fit. */
#include "base/buf.h"
#include "base/mem.h"
#include "manifest/config.h"
#include "tests/unit/manifest/check.h"

#include <CUnit/CUnit.h>

#define ROOTFS	 "'rootfs':{'type':'layers','diff_ids':['" DIGEST_A "','" DIGEST_B "']}"
#define PLATFORM "'architecture':'amd64','os':'linux'"

static int parse(const char *text, struct image_config *ret, struct err *err)
{
	char *_free_ json = json_text(text);

	return image_config_parse(json, strlen(json), ret, err);
}

/* The items with spaces between. */
static char *joined(const struct json_strs *s)
{
	char *text = xstrdup("");

	for (size_t i = 0; i < s->count; i++) {
		char *longer = xasprintf("%s%s%s", text, i ? " " : "", s->items[i]);

		free(text);
		text = longer;
	}
	return text;
}

static bool strs_are(const char *what, const char *want, const struct json_strs *got)
{
	char *_free_ text = joined(got);

	return check_text("config", what, want, text);
}

static const char full[] =
	"{" PLATFORM ",'variant':'v3','os.version':'1.2','os.features':['f'],"
	"'created':'2015-10-31T22:22:56.015925234Z','author':'A <a@example.com>',"
	"'config':{'User':'alice:1','Memory':2048,'ExposedPorts':{'8080/tcp':{},'53/udp':{}},"
	"'Env':['PATH=/bin','FOO=a b'],'Entrypoint':['/bin/x','-v'],'Cmd':['y'],"
	"'Volumes':{'/data':{}},'WorkingDir':'/home','Labels':{'l':'1','m':''},"
	"'StopSignal':'SIGTERM','Shell':['/bin/bash','-c'],'OnBuild':['RUN x'],'ArgsEscaped':true,"
	"'Healthcheck':{'Test':['CMD','true'],'Interval':30000000000,'Timeout':1,'StartPeriod':2,"
	"'StartInterval':3,'Retries':4}}," ROOTFS ",'history':["
	"{'created':'2015-10-31T22:22:54Z','created_by':'ADD','author':'b','comment':'c'},"
	"{'created_by':'CMD','empty_layer':true},{'created_by':'RUN'}]}";

void test_config__platform_rootfs_and_history(void)
{
	struct image_config _image_config_ c = { 0 };
	struct err err = { 0 };

	CU_ASSERT_EQUAL(parse(full, &c, &err), 0);
	CU_ASSERT(check_err("full", &err, ERR_NONE, ""));
	CU_ASSERT_STRING_EQUAL(c.platform.os, "linux");
	CU_ASSERT_STRING_EQUAL(c.platform.arch, "amd64");
	CU_ASSERT_STRING_EQUAL(c.platform.variant, "v3");
	CU_ASSERT_STRING_EQUAL(c.platform.os_version, "1.2");
	CU_ASSERT(strs_are("features", "f", &c.platform.os_features));
	CU_ASSERT_STRING_EQUAL(c.created, "2015-10-31T22:22:56.015925234Z");
	CU_ASSERT_STRING_EQUAL(c.author, "A <a@example.com>");
	CU_ASSERT_EQUAL_FATAL(c.diff_id_count, 2);
	CU_ASSERT_EQUAL(c.diff_ids[1].bytes[0], 0xbb);
	CU_ASSERT_EQUAL_FATAL(c.history_count, 3);
	CU_ASSERT_STRING_EQUAL(c.history[0].created, "2015-10-31T22:22:54Z");
	CU_ASSERT_STRING_EQUAL(c.history[0].author, "b");
	CU_ASSERT_STRING_EQUAL(c.history[0].comment, "c");
	CU_ASSERT(c.history[1].empty_layer);
	CU_ASSERT(image_config_history_fits(&c));
	CU_ASSERT_STRING_EQUAL(image_config_layer_history(&c, 0)->created_by, "ADD");
	CU_ASSERT_STRING_EQUAL(image_config_layer_history(&c, 1)->created_by, "RUN");
	CU_ASSERT_PTR_NULL(image_config_layer_history(&c, 2));
}

void test_config__process_defaults(void)
{
	struct image_config _image_config_ c = { 0 };

	CU_ASSERT_EQUAL_FATAL(parse(full, &c, NULL), 0);
	CU_ASSERT_STRING_EQUAL(c.run.user, "alice:1");
	CU_ASSERT_STRING_EQUAL(c.run.working_dir, "/home");
	CU_ASSERT_STRING_EQUAL(c.run.stop_signal, "SIGTERM");
	CU_ASSERT(strs_are("ports", "8080/tcp 53/udp", &c.run.exposed_ports));
	CU_ASSERT(strs_are("env", "PATH=/bin FOO=a b", &c.run.env));
	CU_ASSERT(strs_are("entrypoint", "/bin/x -v", &c.run.entrypoint));
	CU_ASSERT(strs_are("cmd", "y", &c.run.cmd));
	CU_ASSERT(strs_are("volumes", "/data", &c.run.volumes));
	CU_ASSERT(strs_are("shell", "/bin/bash -c", &c.run.shell));
	CU_ASSERT(strs_are("onbuild", "RUN x", &c.run.on_build));
	CU_ASSERT(c.run.args_escaped);
	CU_ASSERT_STRING_EQUAL(annotations_get(&c.run.labels, "l"), "1");
	CU_ASSERT_PTR_NOT_NULL_FATAL(c.run.healthcheck);
	CU_ASSERT(strs_are("test", "CMD true", &c.run.healthcheck->test));
	CU_ASSERT_EQUAL(c.run.healthcheck->interval_ns, 30000000000);
	CU_ASSERT_EQUAL(c.run.healthcheck->timeout_ns, 1);
	CU_ASSERT_EQUAL(c.run.healthcheck->start_period_ns, 2);
	CU_ASSERT_EQUAL(c.run.healthcheck->start_interval_ns, 3);
	CU_ASSERT_EQUAL(c.run.healthcheck->retries, 4);
}

/* config.md: any OPTIONAL field MAY also be set to null, which is equivalent to being absent. */
void test_config__null_is_absent(void)
{
	static const char *const texts[] = {
		"{" PLATFORM "," ROOTFS "}",
		"{" PLATFORM "," ROOTFS
		",'config':null,'history':null,'created':null,'author':null,"
		"'variant':null,'os.features':null}",
		"{" PLATFORM "," ROOTFS ",'config':{},'history':[]}",
		"{" PLATFORM "," ROOTFS
		",'config':{'User':null,'ExposedPorts':null,'Env':null,'Entrypoint':null,'Cmd':null,"
		"'Volumes':null,'WorkingDir':null,'Labels':null,'StopSignal':null,'Shell':null,"
		"'OnBuild':null,'ArgsEscaped':null,'Healthcheck':null,'Hostname':'','Tty':false}}",
		/* Keys are case-sensitive: these are unknown ones. */
		"{" PLATFORM "," ROOTFS ",'Config':{'User':'x'},'config':{'user':'x','CMD':['y']}}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct image_config _image_config_ c = { 0 };
		struct err err = { 0 };

		CU_ASSERT_EQUAL(parse(texts[i], &c, &err), 0);
		CU_ASSERT(check_err(texts[i], &err, ERR_NONE, ""));
		CU_ASSERT_PTR_NULL(c.created);
		CU_ASSERT_PTR_NULL(c.run.user);
		CU_ASSERT_PTR_NULL(c.run.healthcheck);
		CU_ASSERT_EQUAL(c.run.cmd.count, 0);
		CU_ASSERT_EQUAL(c.run.labels.count, 0);
		CU_ASSERT_EQUAL(c.history_count, 0);
		CU_ASSERT(image_config_history_fits(&c));
		CU_ASSERT_PTR_NULL(image_config_layer_history(&c, 0));
	}
}

void test_config__image_of_no_layers_and_no_platform(void)
{
	struct image_config _image_config_ c = { 0 };

	CU_ASSERT_EQUAL(parse("{'rootfs':{'type':'layers','diff_ids':null}}", &c, NULL), 0);
	CU_ASSERT_EQUAL(c.diff_id_count, 0);
	CU_ASSERT_PTR_NULL(c.platform.os);
}

void test_config__wrong_ones_are_refused_by_name(void)
{
	static const struct {
		const char *json;
		enum err_kind kind;
		const char *msg;
	} rows[] = {
		{ "", ERR_DAMAGED, "" },
		{ "[]", ERR_DAMAGED, "expected object" },
		{ "{}", ERR_DAMAGED, "rootfs: missing" },
		{ "{'rootfs':null}", ERR_DAMAGED, "rootfs: missing" },
		{ "{'rootfs':[]}", ERR_DAMAGED, "rootfs: expected object" },
		{ "{'rootfs':{}}", ERR_DAMAGED, "rootfs.type: missing" },
		{ "{'rootfs':{'type':'layers+base'}}", ERR_UNSUPPORTED,
		  "rootfs.type: 'layers+base'" },
		{ "{'rootfs':{'type':'layers','diff_ids':{}}}", ERR_DAMAGED, "rootfs.diff_ids: " },
		{ "{'rootfs':{'type':'layers','diff_ids':['x']}}", ERR_DAMAGED,
		  "rootfs.diff_ids[0]: " },
		{ "{'rootfs':{'type':'layers','diff_ids':['" DIGEST_A "','sha256:../x']}}",
		  ERR_DAMAGED, "rootfs.diff_ids[1]: " },
		{ "{'rootfs':{'type':'layers','diff_ids':['md5:aa']}}", ERR_UNSUPPORTED,
		  "rootfs.diff_ids[0]: " },
		{ "{" ROOTFS ",'os':1}", ERR_DAMAGED, "os: expected string" },
		{ "{" ROOTFS ",'created':1}", ERR_DAMAGED, "created: expected string" },
		{ "{" ROOTFS ",'history':{}}", ERR_DAMAGED, "history: expected array" },
		{ "{" ROOTFS ",'history':[1]}", ERR_DAMAGED, "history[0]: expected object" },
		{ "{" ROOTFS ",'history':[{},{'empty_layer':1}]}", ERR_DAMAGED,
		  "history[1].empty_layer: expected boolean" },
		{ "{" ROOTFS ",'config':[]}", ERR_DAMAGED, "config: expected object" },
		{ "{" ROOTFS ",'config':{'User':1}}", ERR_DAMAGED, "config.User: expected string" },
		{ "{" ROOTFS ",'config':{'Env':'x'}}", ERR_DAMAGED, "config.Env: expected array" },
		{ "{" ROOTFS ",'config':{'Cmd':['a',null]}}", ERR_DAMAGED,
		  "config.Cmd[1]: expected" },
		{ "{" ROOTFS ",'config':{'Volumes':['/x']}}", ERR_DAMAGED,
		  "config.Volumes: expected" },
		{ "{" ROOTFS ",'config':{'ExposedPorts':'80'}}", ERR_DAMAGED,
		  "config.ExposedPorts: " },
		{ "{" ROOTFS ",'config':{'Labels':{'a':1}}}", ERR_DAMAGED, "config.Labels.a: " },
		{ "{" ROOTFS ",'config':{'Healthcheck':{'Retries':'3'}}}", ERR_DAMAGED,
		  "config.Healthcheck.Retries: " },
		{ "{" ROOTFS "," ROOTFS "}", ERR_DAMAGED, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct image_config c = { 0 };
		struct err err = { 0 };

		CU_ASSERT(
			check_int(rows[i].json, "accepted", 0, parse(rows[i].json, &c, &err) >= 0));
		CU_ASSERT(check_err(rows[i].json, &err, rows[i].kind, rows[i].msg));
		CU_ASSERT_PTR_NULL(c.diff_ids);
	}
}

static char *repeat(const char *head, const char *item, size_t count, const char *tail)
{
	struct buf b = BUF_INIT((size_t)16 << 20);
	char *_free_ text = NULL;

	CU_ASSERT_EQUAL_FATAL(buf_append_str(&b, head, NULL), 0);
	for (size_t i = 0; i < count; i++)
		CU_ASSERT_EQUAL_FATAL(buf_printf(&b, NULL, "%s%s", i ? "," : "", item), 0);
	CU_ASSERT_EQUAL_FATAL(buf_append_str(&b, tail, NULL), 0);
	text = buf_take(&b);
	return json_text(text);
}

void test_config__limits(void)
{
	static const struct {
		const char *head, *item, *tail;
		const char *msg;
	} rows[] = {
		{ "{'rootfs':{'type':'layers','diff_ids':[", "'" DIGEST_A "'", "]}}",
		  "rootfs.diff_ids: 10001 entries" },
		{ "{" ROOTFS ",'history':[", "{}", "]}", "history: 10001 entries" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t extra = 0; extra < 2; extra++) {
			struct image_config _image_config_ c = { 0 };
			struct err err = { 0 };
			char *_free_ text = repeat(rows[i].head, rows[i].item,
						   DOCUMENT_ENTRIES_MAX + extra, rows[i].tail);
			const int rc = image_config_parse(text, strlen(text), &c, &err);

			CU_ASSERT(check_int(rows[i].head, "ok", !extra, rc == 0));
			CU_ASSERT(check_err(rows[i].head, &err, extra ? ERR_LIMIT : ERR_NONE,
					    extra ? rows[i].msg : ""));
		}
}

void test_config__too_large(void)
{
	struct image_config c;
	struct err err = { 0 };
	char *_free_ text = xcalloc(DOCUMENT_BYTES_MAX + 1, 1);

	memset(text, ' ', DOCUMENT_BYTES_MAX + 1);
	CU_ASSERT(image_config_parse(text, DOCUMENT_BYTES_MAX + 1, &c, &err) < 0);
	CU_ASSERT(check_err("large", &err, ERR_LIMIT, "config: 4194305 bytes"));
}

void test_config__history_that_does_not_fit_is_seen(void)
{
	static const struct {
		const char *history;
		bool fits;
	} rows[] = {
		{ "[]", true },
		{ "[{},{}]", true },
		{ "[{'empty_layer':true},{},{'empty_layer':false},{'empty_layer':true}]", true },
		{ "[{}]", false },
		{ "[{},{},{}]", false },
		{ "[{'empty_layer':true}]", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct image_config _image_config_ c = { 0 };
		char *_free_ text = xasprintf("{" ROOTFS ",'history':%s}", rows[i].history);

		CU_ASSERT_EQUAL_FATAL(parse(text, &c, NULL), 0);
		CU_ASSERT(check_int(rows[i].history, "fits", rows[i].fits,
				    image_config_history_fits(&c)));
		if (!rows[i].fits)
			CU_ASSERT_PTR_NULL(image_config_layer_history(&c, 0));
	}
}

#define OCI_LAYER    "application/vnd.oci.image.layer.v1.tar"
#define DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar"

void test_config__manifest_and_config_belong_together(void)
{
	static const struct {
		const char *config, *layers[3];
		enum err_kind kind;
		const char *msg;
	} rows[] = {
		{ MEDIA_TYPE_OCI_CONFIG, { OCI_LAYER "+gzip", OCI_LAYER }, ERR_NONE, "" },
		{ MEDIA_TYPE_DOCKER_CONFIG,
		  { DOCKER_LAYER ".gzip", OCI_LAYER "+zstd" },
		  ERR_NONE,
		  "" },
		{ "application/octet-stream", { OCI_LAYER, OCI_LAYER }, ERR_NONE, "" },
		{ MEDIA_TYPE_OCI_CONFIG, { OCI_LAYER }, ERR_DAMAGED, "1 layers, the config 2" },
		{ MEDIA_TYPE_OCI_CONFIG, { NULL }, ERR_DAMAGED, "0 layers, the config 2" },
		{ MEDIA_TYPE_OCI_CONFIG,
		  { OCI_LAYER, OCI_LAYER, OCI_LAYER },
		  ERR_DAMAGED,
		  "3 layers, the config 2" },
		{ MEDIA_TYPE_OCI_CONFIG,
		  { OCI_LAYER, "application/wasm" },
		  ERR_UNSUPPORTED,
		  "layers[1]: media type 'application/wasm'" },
		{ MEDIA_TYPE_OCI_CONFIG,
		  { OCI_LAYER "+gzip+encrypted", OCI_LAYER },
		  ERR_UNSUPPORTED,
		  "layers[0]: encrypted" },
		{ MEDIA_TYPE_OCI_EMPTY, { OCI_LAYER, OCI_LAYER }, ERR_UNSUPPORTED, "an artifact" },
		{ "application/x", { OCI_LAYER, OCI_LAYER }, ERR_UNSUPPORTED, "an artifact" },
	};
	struct image_config _image_config_ c = { 0 };
	const struct digest digest = { .alg = DIGEST_SHA256 };

	CU_ASSERT_EQUAL_FATAL(parse("{" ROOTFS "}", &c, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct descriptor layers[3] = { 0 };
		struct image_manifest m = { .layers = { layers, 0 } };
		struct err err = { 0 };

		descriptor_init(&m.config, rows[i].config, &digest, 1);
		for (size_t k = 0; k < ARRAY_SIZE(layers) && rows[i].layers[k]; k++)
			descriptor_init(&layers[m.layers.count++], rows[i].layers[k], &digest, 1);
		(void)image_check(&m, &c, &err);
		CU_ASSERT(check_err(rows[i].config, &err, rows[i].kind, rows[i].msg));
		for (size_t k = 0; k < ARRAY_SIZE(layers); k++)
			descriptor_fini(&layers[k]);
		descriptor_fini(&m.config);
	}
}

void test_config__cut_anywhere(void)
{
	char *_free_ text = json_text(full);

	for (size_t len = 0; len < strlen(text); len++) {
		struct image_config c;
		struct err err = { 0 };
		char *_free_ part = xmemdupz(text, len);

		CU_ASSERT(image_config_parse(part, len, &c, &err) < 0);
		CU_ASSERT_EQUAL(err.kind, ERR_DAMAGED);
	}
}
