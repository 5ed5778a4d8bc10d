/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --change: any instruction on a config either is refused, and that config is as it was, or leaves
 * one that an image config may have.
 */
#include "base/mem.h"
#include "manifest/config.h"
#include "push/commit_int.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char before[] =
	"{\"Env\":[\"PATH=/bin\",\"A=1\",\"E=\"],\"Cmd\":[\"sh\"],\"WorkingDir\":\"/w/x\","
	"\"Labels\":{\"a\":\"b\"},\"ExposedPorts\":{\"80/tcp\":{}},\"Volumes\":{\"/v\":{}}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_free_ char *text = xmemdupz(data, size);
	_buf_ struct buf out = BUF_INIT((size_t)64 << 20);
	_json_ struct json *run = NULL;
	struct image_run parsed = { 0 };
	struct err err = { 0 };
	struct config_edit edit = { 0 };

	/* The range of ports makes much of few bytes. */
	if (size > 4096 || json_parse(before, strlen(before), &run, NULL) < 0)
		return 0;
	edit.run = run;
	const int rc = config_change(&edit, text, &err);

	if (json_print(run, 0, &out, NULL) < 0)
		abort();
	if (rc < 0) {
		if (err.kind != ERR_USAGE || strcmp(buf_str(&out), before) != 0)
			abort();
		return 0;
	}
	if (image_run_parse(run, &parsed, &err) < 0)
		abort();
	if (parsed.working_dir &&
	    (parsed.working_dir[0] != '/' || strstr(parsed.working_dir, "/../")))
		abort();
	image_run_fini(&parsed);
	return 0;
}
