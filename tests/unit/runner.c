/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main of every unit test binary: runs the tests of the generated table under CUnit, one line
 * a test (`ok NAME`, `not ok NAME: where: what`, `skip NAME: why`), then `N passed, N failed`.
 * IMG_TEST=TEXT runs only the tests whose name contains TEXT.
 */
#include "tests/unit/runner.h"

#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	const char *skipped; /* the reason, while the running test is skipped */
	unsigned passed, failed, skips;
} state;

void test_skip(const char *reason)
{
	state.skipped = reason;
}

static void on_start(const CU_pTest test, const CU_pSuite suite)
{
	(void)suite;
	state.skipped = NULL;
	/* Named before it runs: after a crash the log still says whose it was. */
	printf("# %s\n", test->pName);
	fflush(stdout);
}

static void on_complete(const CU_pTest test, const CU_pSuite suite,
			const CU_pFailureRecord failures)
{
	(void)suite;
	if (failures) {
		state.failed++;
		printf("not ok %s: %s:%u: %s\n", test->pName,
		       failures->strFileName ? failures->strFileName : "?", failures->uiLineNumber,
		       failures->strCondition ? failures->strCondition : "?");
		for (CU_pFailureRecord f = failures->pNext; f; f = f->pNext)
			printf("#   %s:%u: %s\n", f->strFileName ? f->strFileName : "?",
			       f->uiLineNumber, f->strCondition ? f->strCondition : "?");
	} else if (state.skipped) {
		state.skips++;
		printf("skip %s: %s\n", test->pName, state.skipped);
	} else {
		state.passed++;
		printf("ok %s\n", test->pName);
	}
	fflush(stdout);
}

static int add_tests(const char *only)
{
	CU_pSuite suite = NULL;
	int count = 0;

	for (const struct unit_test *t = unit_tests; t->name; t++) {
		if (only && !strstr(t->name, only))
			continue;
		if (!suite || strcmp(suite->pName, t->suite) != 0)
			suite = CU_add_suite(t->suite, NULL, NULL);
		if (!suite || !CU_add_test(suite, t->name, t->run))
			return -1;
		count++;
	}
	return count;
}

int main(void)
{
	const char *only = getenv("IMG_TEST");

	if (CU_initialize_registry() != CUE_SUCCESS || add_tests(only) < 0) {
		fprintf(stderr, "CUnit: %s\n", CU_get_error_msg());
		return 2;
	}
	CU_set_test_start_handler(on_start);
	CU_set_test_complete_handler(on_complete);
	CU_run_all_tests();
	CU_cleanup_registry();
	if (state.skips)
		printf("%u skipped\n", state.skips);
	printf("%u passed, %u failed\n", state.passed, state.failed);
	return state.failed ? 1 : 0;
}
