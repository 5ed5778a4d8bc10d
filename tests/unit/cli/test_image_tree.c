/* SPDX-License-Identifier: Apache-2.0 */
/* The graph of an image, drawn: nothing of it reaches a terminal as it came. */
#include "base/json.h"
#include "base/mem.h"
#include "cli/image_tree.h"
#include "tests/unit/cli/check.h"

#include <CUnit/CUnit.h>

#define HEX12 "0123456789ab"
#define HEX   HEX12 HEX12 HEX12 HEX12 HEX12 "0123"

static char *drawn(const char *node, bool full)
{
	_json_ struct json *root = NULL;
	char *text = NULL;
	size_t len;

	CU_ASSERT_EQUAL_FATAL(json_parse(node, strlen(node), &root, NULL), 0);
	FILE *out = open_memstream(&text, &len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	image_tree_draw(root, full, out);
	fclose(out);
	return text;
}

void test_image_tree__digests_are_cut_and_escaped(void)
{
	static const struct {
		const char *subject;
		bool full;
		const char *shown;
	} rows[] = {
		{ "sha256:" HEX, false, "sha256:" HEX12 },
		{ "sha256:" HEX, true, "sha256:" HEX },
		{ "a:b", false, "a:b" },
		/* An annotation: any text, by anybody. */
		{ "\\u001b[2J:abc", false, "\\x1b[2J:abc" },
		{ "a:\\u001b]0;x\\u0007", true, "a:\\x1b]0;x\\x07" },
		{ "a:\\u009b31m", false, "a:\\xc2\\x9b31m" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_free_ char *node =
			xasprintf("{\"Name\":\"n\",\"Children\":[{\"Kind\":\"attestation\","
				  "\"Digest\":\"sha256:" HEX "\",\"Subject\":\"%s\"}]}",
				  rows[i].subject);
		_free_ char *want = xasprintf("n\n└── attestation sha256:%s  of %s\n",
					      rows[i].full ? HEX : HEX12, rows[i].shown);
		_free_ char *got = drawn(node, rows[i].full);

		CU_ASSERT(check_text(rows[i].subject, want, got));
	}
}
