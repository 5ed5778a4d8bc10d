/* SPDX-License-Identifier: Apache-2.0 */
/* The Link header: RFC 8288 and what registries send. */
#include "base/mem.h"
#include "net/link.h"

#include <CUnit/CUnit.h>

void test_link__next(void)
{
	static const struct {
		const char *header, *want; /* NULL: none */
	} rows[] = {
		{ "</v2/_catalog?last=b&n=2>; rel=\"next\"", "/v2/_catalog?last=b&n=2" },
		{ "</v2/x>;rel=next", "/v2/x" },
		{ "</v2/x> ; REL = \"NEXT\"", "/v2/x" },
		{ "<https://h/v2/x?a=1,2;3>; rel=\"next\"", "https://h/v2/x?a=1,2;3" },
		/* Several, in any order */
		{ "</p>; rel=\"prev\", </n>; rel=\"next\"", "/n" },
		{ "</n>; rel=\"next\", </p>; rel=\"prev\"", "/n" },
		{ "</first>; rel=first,</n>; rel=next,</last>; rel=last", "/n" },
		/* Several relations of one link, RFC 8288 section 3.3 */
		{ "</x>; rel=\"prev next\"", "/x" },
		{ "</x>; rel=\"next\tlast\"", "/x" },
		/* Other parameters, quotes and escapes in them */
		{ "</x>; title=\"a, <b>; rel=next\"; rel=\"next\"", "/x" },
		{ "</x>; title=\"quo\\\"te\"; rel=next", "/x" },
		{ "</x>; title=\"a; rel=next\"; rel=prev", NULL },
		{ "</x>; anchor; rel=next", "/x" },
		/* Only the first rel counts */
		{ "</x>; rel=prev; rel=next", NULL },
		{ "</x>; rel=next; rel=prev", "/x" },
		/* None */
		{ "", NULL },
		{ "</x>", NULL },
		{ "</x>; rel=nextish", NULL },
		{ "</x>; rel=\"x-next\"", NULL },
		{ "</x>; rel=", NULL },
		{ "</x>; rel", NULL },
		{ "<>; rel=next", NULL },
		/* Broken */
		{ "</x; rel=next", NULL },
		{ "<", NULL },
		{ "</x>; rel=\"next", "/x" },
		{ "</x>; title=\"unfinished, </y>; rel=next", NULL },
		{ "</x>; rel=\"nex\\", NULL },
		{ ";;;,,,</x>;;rel=next", "/x" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_buf_ struct buf out = BUF_INIT(1000);
		const int rc = link_next(rows[i].header, &out, NULL);

		if (rc != (rows[i].want != NULL) ||
		    strcmp(buf_str(&out), rows[i].want ? rows[i].want : "") != 0)
			printf("# %s: %d '%s'\n", rows[i].header, rc, buf_str(&out));
		CU_ASSERT_EQUAL(rc, rows[i].want != NULL);
		CU_ASSERT_STRING_EQUAL(buf_str(&out), rows[i].want ? rows[i].want : "");
	}
}

void test_link__bounded(void)
{
	_buf_ struct buf out = BUF_INIT(4);
	struct err err = { 0 };

	CU_ASSERT_TRUE(link_next("</12345>; rel=next", &out, &err) < 0);
	CU_ASSERT_EQUAL(err.kind, ERR_LIMIT);
}
