/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a CUnit test file may ask of the runner, and the table that tools/gen-unit-main.py writes
 * for it.
 */
#ifndef TESTS_UNIT_RUNNER_H
#define TESTS_UNIT_RUNNER_H

struct unit_test {
	const char *suite;
	const char *name;
	void (*run)(void);
};

/* Ends with an entry of zeros. */
extern const struct unit_test unit_tests[];

/*
 * Counts the running test as skipped, not as passed; the test then returns. For what this machine
 * cannot do (no root, no such file system), never for what is not written yet.
 */
void test_skip(const char *reason);

#endif
