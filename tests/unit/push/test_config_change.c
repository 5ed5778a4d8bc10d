/* SPDX-License-Identifier: Apache-2.0 */
/* docker commit --change: Dockerfile reference, an instruction a row. */
#include "base/json.h"
#include "base/mem.h"
#include "push/commit_int.h"
#include "tests/unit/runner.h"

#include <CUnit/CUnit.h>
#include <string.h>

#define ENV "\"Env\":[\"A=1\",\"PATH=/bin\",\"E=\"]"

static const struct {
	const char *before, *change, *after; /* NULL: refused */
} rows[] = {
	{ "", "CMD [\"a\", \"b c\"]", "\"Cmd\":[\"a\",\"b c\"]" },
	{ "", "CMD echo $A 'x'", "\"Cmd\":[\"/bin/sh\",\"-c\",\"echo $A 'x'\"]" },
	{ "", "cmd x", "\"Cmd\":[\"/bin/sh\",\"-c\",\"x\"]" },
	{ "", "CMD [not json", "\"Cmd\":[\"/bin/sh\",\"-c\",\"[not json\"]" },
	{ "", "CMD [1]", "\"Cmd\":[\"/bin/sh\",\"-c\",\"[1]\"]" },
	{ "\"Shell\":[\"ash\"]", "CMD x", "\"Shell\":[\"ash\"],\"Cmd\":[\"ash\",\"x\"]" },
	{ "\"Cmd\":[\"old\"]", "ENTRYPOINT [\"e\"]", "\"Cmd\":null,\"Entrypoint\":[\"e\"]" },
	{ "", "ENTRYPOINT []", "\"Entrypoint\":[]" },
	{ ENV, "ENV B=2", "\"Env\":[\"A=1\",\"PATH=/bin\",\"E=\",\"B=2\"]" },
	{ ENV, "ENV A=2 C='x y' D=\"$A\"",
	  "\"Env\":[\"A=2\",\"PATH=/bin\",\"E=\",\"C=x y\",\"D=1\"]" },
	{ ENV, "ENV PATH=/x:$PATH", "\"Env\":[\"A=1\",\"PATH=/x:/bin\",\"E=\"]" },
	{ ENV, "ENV B the rest  of it",
	  "\"Env\":[\"A=1\",\"PATH=/bin\",\"E=\",\"B=the rest  of it\"]" },
	{ "", "ENV A=1 A=2", "\"Env\":[\"A=2\"]" },
	{ "", "ENV A=", "\"Env\":[\"A=\"]" },
	{ "", "ENV A=a\\ b", "\"Env\":[\"A=a b\"]" },
	{ "", "ENV A", NULL },
	{ "", "ENV =x", NULL },
	{ "", "ENV A=1 B", NULL },
	{ "", "ENV A='x", NULL },
	{ "", "ENV A=\"x", NULL },
	{ ENV, "ENV B=${A}x${A:-no}${E:-yes}${E-no}${N-d}${N:+no}${A:+is}",
	  "\"Env\":[\"A=1\",\"PATH=/bin\",\"E=\",\"B=1x1yesdis\"]" },
	{ ENV, "ENV B=${N:-${A}${N:-'}'}}", "\"Env\":[\"A=1\",\"PATH=/bin\",\"E=\",\"B=1}\"]" },
	{ ENV, "ENV B=\\$A'$A'$", "\"Env\":[\"A=1\",\"PATH=/bin\",\"E=\",\"B=$A$A$\"]" },
	{ "", "ENV B=${A", NULL },
	{ "", "ENV B=${A:-x", NULL },
	{ "", "ENV B=${}", NULL },
	{ "", "ENV B=${A:?x}", NULL },
	{ "", "ENV B=${A%x}", NULL },
	{ "", "ENV B=${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-x}}}}}}}}", NULL },
	{ "\"ExposedPorts\":{\"1/tcp\":{}}", "EXPOSE 80 53/udp",
	  "\"ExposedPorts\":{\"1/tcp\":{},\"80/tcp\":{},\"53/udp\":{}}" },
	{ "", "EXPOSE 7-9/sctp", "\"ExposedPorts\":{\"7/sctp\":{},\"8/sctp\":{},\"9/sctp\":{}}" },
	{ "", "EXPOSE 0", NULL },
	{ "", "EXPOSE 65536", NULL },
	{ "", "EXPOSE 9-8", NULL },
	{ "", "EXPOSE 80/icmp", NULL },
	{ "", "EXPOSE x", NULL },
	{ "", "EXPOSE 1-", NULL },
	{ "\"Labels\":{\"a\":\"1\",\"b\":\"2\"}", "LABEL a=x \"c d\"='e f'",
	  "\"Labels\":{\"a\":\"x\",\"b\":\"2\",\"c d\":\"e f\"}" },
	{ "", "LABEL a b c", "\"Labels\":{\"a\":\"b c\"}" },
	{ "", "LABEL =x", NULL },
	{ "", "ONBUILD RUN x", "\"OnBuild\":[\"RUN x\"]" },
	{ "", "STOPSIGNAL SIGTERM", "\"StopSignal\":\"SIGTERM\"" },
	{ "", "STOPSIGNAL KILL", "\"StopSignal\":\"KILL\"" },
	{ "", "STOPSIGNAL 9", "\"StopSignal\":\"9\"" },
	{ "", "STOPSIGNAL SIGRTMIN+3", "\"StopSignal\":\"SIGRTMIN+3\"" },
	{ "", "STOPSIGNAL 65", NULL },
	{ "", "STOPSIGNAL NONE", NULL },
	{ ENV, "USER ${A}:$A", ENV ",\"User\":\"1:1\"" },
	{ "", "USER $NONE", NULL },
	{ "", "VOLUME /a \"/b c\"", "\"Volumes\":{\"/a\":{},\"/b c\":{}}" },
	{ "\"Volumes\":{\"/x\":{}}", "VOLUME [\"/y\"]", "\"Volumes\":{\"/x\":{},\"/y\":{}}" },
	{ "", "VOLUME [\"\"]", NULL },
	{ "", "WORKDIR /a/../b/./c/", "\"WorkingDir\":\"/b/c\"" },
	{ "\"WorkingDir\":\"/w\"", "WORKDIR ../x", "\"WorkingDir\":\"/x\"" },
	{ "\"WorkingDir\":\"/w\"", "WORKDIR sub", "\"WorkingDir\":\"/w/sub\"" },
	{ "", "WORKDIR ../../..", "\"WorkingDir\":\"/\"" },
	{ "", "WORKDIR", NULL },
	{ "", "CMD  ", NULL },
	{ "", "", NULL },
	{ "", "RUN x", NULL },
	{ "", "HEALTHCHECK NONE", NULL },
	{ "", "CMD a\nCMD b", NULL },
	{ "", "CMD \xff", NULL },
};

void test_config_change__rows(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_free_ char *before = xasprintf("{%s}", rows[i].before);
		_free_ char *after = xasprintf("{%s}", rows[i].after ? rows[i].after : "");
		_buf_ struct buf out = BUF_INIT(100000);
		_json_ struct json *run = NULL;
		struct err err = { 0 };
		struct config_edit edit = { 0 };

		CU_ASSERT_EQUAL_FATAL(json_parse(before, strlen(before), &run, &err), 0);
		edit.run = run;
		const int rc = config_change(&edit, rows[i].change, &err);

		CU_ASSERT_EQUAL(rc < 0, !rows[i].after);
		if (rc < 0) {
			CU_ASSERT_EQUAL(err.kind, ERR_USAGE);
			if (rows[i].after)
				fprintf(stderr, "# %s: %s\n", rows[i].change, err.msg);
			continue;
		}
		CU_ASSERT_EQUAL(json_print(run, 0, &out, &err), 0);
		if (strcmp(buf_str(&out), after) != 0)
			fprintf(stderr, "# %s: %s, not %s\n", rows[i].change, buf_str(&out), after);
		CU_ASSERT_STRING_EQUAL(buf_str(&out), after);
	}
}

/* A CMD given before stays when ENTRYPOINT comes. */
void test_config_change__cmd_then_entrypoint(void)
{
	_json_ struct json *run = json_new_object();
	struct err err = { 0 };
	struct config_edit edit = { .run = run };

	CU_ASSERT_EQUAL(config_change(&edit, "CMD [\"c\"]", &err), 0);
	CU_ASSERT_EQUAL(config_change(&edit, "ENTRYPOINT [\"e\"]", &err), 0);
	CU_ASSERT_EQUAL(json_count(json_get(run, "Cmd")), 1);
}
