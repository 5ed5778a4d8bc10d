/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/template: any template over an image's facts ends in bounded time with text or one clear
 * error; what it prints of the same data is the same again. An input is the template, and after a
 * NUL byte JSON data of its own.
 */
#include "cli/template.h"

#include "base/mem.h"

static const char facts[] =
	"{\"Name\":\"docker.io/library/x\",\"Size\":1234,\"Yes\":true,\"Created\":null,"
	"\"Labels\":{\"a\":\"1\",\"b\":\"2\"},\"Layers\":[\"l1\",\"l2\"],"
	"\"LayersData\":[{\"Digest\":\"d1\",\"Size\":1}],"
	"\"Config\":{\"Env\":[\"A=1\"],\"Cmd\":null},\"RootFS\":{\"Layers\":[\"x\"]}}";

static struct json *data_of(const uint8_t *data, size_t size)
{
	struct json *json = NULL;
	struct err err = { 0 };

	if (size && json_parse(data, size, &json, &err) == 0)
		return json;
	if (json_parse(facts, sizeof(facts) - 1, &json, &err) < 0)
		abort();
	return json;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t len = strnlen((const char *)data, size);
	const size_t skip = len < size ? len + 1 : size;
	_free_ char *text = xmemdupz(data, len);
	_json_ struct json *json = data_of(data + skip, size - skip);
	_buf_ struct buf once = BUF_INIT((size_t)1 << 20), twice = BUF_INIT((size_t)1 << 20);
	struct err err = { 0 }, again = { 0 };
	const int rc = template_run(text, json, &once, &err);

	if (rc < 0 && err.kind != ERR_USAGE && err.kind != ERR_LIMIT)
		abort();
	if (template_run(text, json, &twice, &again) != rc || once.len != twice.len ||
	    strcmp(err.msg, again.msg) != 0)
		abort();
	return 0;
}
